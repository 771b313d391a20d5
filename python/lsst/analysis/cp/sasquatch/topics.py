# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""All topics that the pipelines fill, and their fields."""

from __future__ import annotations

__all__ = ["Topic", "TopicError", "collectTopics", "loadTopics"]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lsst.analysis.cp.catalogue import SENSOR_GROUPS, findTest
from lsst.analysis.tools.interfaces import NoMetric
from lsst.pipe.base import Pipeline

if TYPE_CHECKING:
    from lsst.pipe.base.pipeline_graph import TaskNode

_PACKAGE = "lsst.analysis.cp."
_STORAGE_CLASS = "MetricMeasurementBundle"


class TopicError(ValueError):
    """Two bundles would fill a topic with different fields."""


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


def collectTopics(pipelines: Iterable[Path]) -> dict[str, Topic]:
    """List the topics that pipelines fill.

    Tasks of other packages, such as ``analyzeBiasCore``, are left out.

    Parameters
    ----------
    pipelines
        Files of the pipelines. The environment variables in these must be set.

    Returns
    -------
    topics
        By name, sorted.

    Raises
    ------
    TopicError
        Raised if a topic is filled with different fields, or by data ids of different dimensions.
    """
    topics: dict[str, Topic] = {}
    for path in pipelines:
        for node in Pipeline.fromFile(str(path)).to_graph().tasks.values():
            if not node.task_class_name.startswith(_PACKAGE):
                continue
            for topic in _topicsOf(node):
                if topics.setdefault(topic.name, topic) != topic:
                    raise TopicError(
                        f"topic {topic.name}: task {node.label} of {path} fills it with {topic}, another "
                        f"with {topics[topic.name]}"
                    )
    return dict(sorted(topics.items()))


def _topicsOf(node: TaskNode) -> Iterator[Topic]:
    """List the topics of the bundles that a task writes."""
    config: Any = node.config
    for output in node.iter_all_outputs():
        if output.storage_class_name != _STORAGE_CLASS:
            continue
        dataset_type = output.dataset_type_name
        tools = config.detectorAtools if output.connection_name == "detectorMetrics" else config.atools
        prefix = dataset_type.removesuffix("metrics") if config.addOutputNamePrefix else ""
        for name, tool in tools.items():
            metric = tool.produce.metric
            if isinstance(metric, NoMetric) or not metric.units:
                continue
            test = findTest(name)
            yield Topic(
                name=f"{prefix}{name}",
                datasetType=dataset_type,
                dimensions=tuple(sorted(output.raw_dimensions)),
                tool=name,
                detectors=next((group for group in SENSOR_GROUPS if name.endswith(group)), ""),
                description=test.description if test else str(type(metric).__doc__).partition("\n")[0],
                units=dict(metric.units),
            )


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
