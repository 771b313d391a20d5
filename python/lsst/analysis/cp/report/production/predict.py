# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which quanta should be there, where no graph tells it: from the exposures and detectors that tasks have."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from lsst.daf.butler import DataCoordinate

if TYPE_CHECKING:
    from lsst.daf.butler import DataIdValue

    from .datasets import TaskDatasets

__all__ = ["predictQuanta"]

_EPOCHS = ("exposure", "visit")


def predictQuanta(tasks: Mapping[str, TaskDatasets]) -> dict[str, set[DataCoordinate]]:
    """Predict the quanta of the tasks of one RUN collection.

    A task per detector should have run for each of its own exposures and each detector of the tasks that
    share exposures with it, so that a detector that fails everywhere in an early task is expected in the
    later ones. One without detectors should have run for each of these tasks' exposures.

    Parameters
    ----------
    tasks
        What the collection holds of each task, by label.

    Returns
    -------
    quanta
        Data IDs by label: those that started, and those that should have. Empty where nothing tells of any.
    """
    return {label: task.started | _predictTask(task, tasks.values()) for label, task in tasks.items()}


def _predictTask(task: TaskDatasets, others: Collection[TaskDatasets]) -> set[DataCoordinate]:
    required = task.dimensions.required
    if not set(required) <= {"instrument", "detector", *_EPOCHS}:
        return set()
    related = [other for other in others if other is task or _areRelated(task, other)]
    choices = [sorted(_predictValues(name, task, related), key=str) for name in required]
    return {
        DataCoordinate.from_required_values(task.dimensions, values) for values in itertools.product(*choices)
    }


def _areRelated(task: TaskDatasets, other: TaskDatasets) -> bool:
    """Tell whether two tasks are of the same instrument and, where both have exposures, share some.

    A task of which nothing has started may be related to any.
    """
    for name in ("instrument", *_EPOCHS):
        ours, theirs = _listValues(name, [task]), _listValues(name, [other])
        if ours and theirs and ours.isdisjoint(theirs):
            return False
    return True


def _predictValues(name: str, task: TaskDatasets, related: Iterable[TaskDatasets]) -> set[DataIdValue]:
    """Predict the values of a dimension: a task per detector may use some of the exposures only."""
    own = _listValues(name, [task])
    if name in _EPOCHS and "detector" in task.dimensions and own:
        return own
    return own | _listValues(name, related)


def _listValues(name: str, tasks: Iterable[TaskDatasets]) -> set[DataIdValue]:
    return {data_id[name] for task in tasks if name in task.dimensions.required for data_id in task.started}
