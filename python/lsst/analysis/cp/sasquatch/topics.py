# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""All topics that the pipelines fill, and their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

__all__ = ["Topic", "loadTopics"]


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic.

    Parameters
    ----------
    name
        Its name without namespace, such as ``cpBiasExp_biasNoise``.
    datasetType
        Dataset type of the bundles.
    dimensions
        Dimensions of their data ids, sorted.
    tool
        Name of the tool that makes the measurements.
    detectors
        Which detectors they include, a key of the catalogue's ``SENSOR_GROUPS``; empty for those of science,
        or the one of the data id.
    description
        What is measured.
    units
        Unit of each measurement by its name, in the order of the fields; empty if dimensionless.
    """

    name: str
    datasetType: str
    dimensions: tuple[str, ...]
    tool: str
    detectors: str = ""
    description: str
    units: Mapping[str, str]


@cache
def loadTopics() -> Mapping[str, Topic]:
    """Read the list of all topics.

    Returns
    -------
    topics
        By name.
    """
    text = (files(__package__) / "topics.yaml").read_text(encoding="utf-8")
    return {
        name: Topic(name=name, **entry | {"dimensions": tuple(entry["dimensions"])})
        for name, entry in yaml.safe_load(text).items()
    }
