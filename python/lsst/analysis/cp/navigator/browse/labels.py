# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What people read of a dataset: its data ID in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lsst.analysis.cp.metrics.records import findRaft

from .selection import RAFT
from .types import isOfRafts

if TYPE_CHECKING:
    from collections.abc import Collection

    from lsst.daf.butler import DatasetRef

__all__ = ["Label", "labelDataId", "summarize"]


class Label(NamedTuple):
    """A part of a data ID: what it is of, the value as people write it, and that which selects it."""

    key: str
    text: str
    value: str


def labelDataId(ref: DatasetRef, without: Collection[str] = ()) -> list[Label]:
    """Write the data ID of a dataset.

    Parameters
    ----------
    ref
        The dataset, with its dimension records.
    without
        Dimensions that are left out.

    Returns
    -------
    labels
        Its parts, in the order of the Butler. Detectors have their names with their numbers; plots of rafts
        have the name of the raft, in place of the detector that they are stored under.
    """
    is_of_rafts = isOfRafts(ref.datasetType)
    labels = []
    for key, value in ref.dataId.required.items():
        if key in without:
            continue
        record = ref.dataId.records[key] if ref.dataId.hasRecords() else None
        if key == "detector" and record is not None:
            raft = findRaft(record.full_name) if is_of_rafts else None
            name = str(record.full_name)
            # Digits are taken for the number of a detector.
            chosen = str(value) if name.isdigit() else name
            labels.append(Label(RAFT, raft, raft) if raft else Label(key, f"{name} ({value})", chosen))
        else:
            labels.append(Label(key, str(value), str(value)))
    return labels


def summarize(ref: DatasetRef, without: Collection[str] = ()) -> str:
    """Write the data ID of a dataset in a line; see `labelDataId`. That of a whole run is empty."""
    return ", ".join(f"{label.key} {label.text}" for label in labelDataId(ref, without))
