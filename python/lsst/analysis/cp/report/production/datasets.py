# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the logs and metadata in a RUN collection tell of tasks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsst.daf.butler import CollectionType, MissingDatasetTypeError
from lsst.pipe.base.automatic_connection_constants import (
    CONFIG_INIT_OUTPUT_TEMPLATE,
    LOG_OUTPUT_STORAGE_CLASS,
    LOG_OUTPUT_TEMPLATE,
    METADATA_OUTPUT_TEMPLATE,
)

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionInfo, DataCoordinate, DatasetRef, DimensionGroup

__all__ = ["TaskDatasets", "findBegin", "findRuns", "findTaskDatasets", "queryByDataId"]


@dataclass(frozen=True, kw_only=True)
class TaskDatasets:
    """What one RUN collection holds of one task.

    Parameters
    ----------
    dimensions
        Dimensions of the task.
    logs, metadata
        Logs and metadata by data ID.
    hasLogs
        Whether the collection has logs of the task at all; some are run without.
    """

    dimensions: DimensionGroup
    logs: Mapping[DataCoordinate, DatasetRef] = field(default_factory=dict)
    metadata: Mapping[DataCoordinate, DatasetRef] = field(default_factory=dict)
    hasLogs: bool = False

    @property
    def started(self) -> set[DataCoordinate]:
        """Data IDs of which there are logs or metadata."""
        return set(self.logs) | set(self.metadata)


def findRuns(butler: Butler, collections: Iterable[str]) -> list[CollectionInfo]:
    """List the RUN collections of collections, in the order in which they are searched.

    Parameters
    ----------
    butler
        Butler of the repository.
    collections
        Names of collections, or patterns.

    Returns
    -------
    runs
        The collections, with the dataset types that they hold.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError
        Raised if there is no such collection.
    """
    names = butler.collections.query(
        list(collections), collection_types={CollectionType.RUN}, flatten_chains=True
    )
    known = {info.name: info for info in butler.collections.query_info(names, include_summary=True)}
    return [known[name] for name in dict.fromkeys(names)]


def queryByDataId(butler: Butler, datasetType: str, run: str) -> dict[DataCoordinate, DatasetRef]:
    """Find the datasets of a type in a RUN collection, by data ID."""
    refs = butler.query_datasets(datasetType, collections=run, find_first=False, limit=None, explain=False)
    return {ref.dataId: ref for ref in refs}


def findTaskDatasets(butler: Butler, run: CollectionInfo) -> dict[str, TaskDatasets]:
    """Find the tasks that a RUN collection was initialized for, and their logs and metadata.

    Parameters
    ----------
    butler
        Butler of the repository.
    run
        The collection, with the dataset types that it holds.

    Returns
    -------
    tasks
        What there is by the label of the task; empty of tasks whose configuration only is there.
    """
    held = run.dataset_types or frozenset()
    tasks = {}
    for label in sorted(_listLabels(held)):
        log, metadata = LOG_OUTPUT_TEMPLATE.format(label=label), METADATA_OUTPUT_TEMPLATE.format(label=label)
        dimensions = _findDimensions(butler, (metadata, log))
        if dimensions is not None:
            tasks[label] = TaskDatasets(
                dimensions=dimensions,
                logs=queryByDataId(butler, log, run.name) if log in held else {},
                metadata=queryByDataId(butler, metadata, run.name) if metadata in held else {},
                hasLogs=log in held,
            )
    return tasks


def findBegin(butler: Butler, label: str, task: TaskDatasets, run: str) -> float:
    """Find when the first metadata or log of a task came into a RUN collection.

    Parameters
    ----------
    butler
        Butler of the repository.
    label
        Label of the task.
    task
        What the collection holds of it.
    run
        The collection.

    Returns
    -------
    begin
        Modified Julian date, TAI; infinite if there is neither.
    """
    if not task.started:
        return math.inf
    template = METADATA_OUTPUT_TEMPLATE if task.metadata else LOG_OUTPUT_TEMPLATE
    name = template.format(label=label)
    with butler.query() as query:
        rows = (
            query.join_dataset_search(name, run)
            .general([], dataset_fields={name: {"ingest_date"}}, find_first=False)
            .order_by(f"{name}.ingest_date")
            .limit(1)
        )
        return min((float(row[f"{name}.ingest_date"].mjd) for row in rows), default=math.inf)


def _listLabels(held: Iterable[str]) -> set[str]:
    """List the labels of tasks that names of dataset types are made of."""
    templates = (CONFIG_INIT_OUTPUT_TEMPLATE, LOG_OUTPUT_TEMPLATE, METADATA_OUTPUT_TEMPLATE)
    endings = [template.format(label="") for template in templates]
    return {name.removesuffix(end) for name in held for end in endings if name.endswith(end) and name != end}


def _findDimensions(butler: Butler, names: Iterable[str]) -> DimensionGroup | None:
    """Find the dimensions of a task by its metadata or logs; None if what ends so is not a task's."""
    for name in names:
        try:
            found = butler.get_dataset_type(name)
        except MissingDatasetTypeError:
            continue
        if found.storageClass_name in ("TaskMetadata", "PropertySet", LOG_OUTPUT_STORAGE_CLASS):
            return found.dimensions
    return None
