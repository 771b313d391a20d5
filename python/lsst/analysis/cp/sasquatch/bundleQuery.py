# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Bundles of metrics of a repository, found page by page."""

from __future__ import annotations

__all__ = ["BundleQuery"]

import fnmatch
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsst.daf.butler import CollectionType, DatasetType

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef
    from lsst.daf.butler.queries import DatasetRefQueryResults, Query

_STORAGE_CLASS = "MetricMeasurementBundle"


@dataclass(frozen=True)
class BundleQuery:
    """Which bundles are meant."""

    collections: Sequence[str]
    """Collections, or patterns of their names with ``*``."""

    where: str = ""
    """Expression that data ids fulfil."""

    datasetTypes: Sequence[str] = ("*",)
    """Names of dataset types, or patterns of these with ``*``."""

    findFirst: bool = False
    """Whether of several bundles with one data id only that of the first collection is meant."""

    def count(self, butler: Butler) -> int:
        """Count the bundles.

        Parameters
        ----------
        butler
            The repository.
        """
        collections = self._findCollections(butler)
        with butler.query() as query:
            return sum(
                self._select(query, each, collections).count()
                for each in self._findTypes(butler, collections)
            )

    def pages(self, butler: Butler, size: int) -> Iterator[list[DatasetRef]]:
        """Find the bundles.

        Parameters
        ----------
        butler
            The repository.
        size
            Most bundles in a page.

        Yields
        ------
        refs
            Bundles of one type with their dimension records, those that were stored first before others.

        Raises
        ------
        lsst.daf.butler.MissingCollectionError
            Raised if there is no such collection.
        lsst.daf.butler.InvalidQueryError
            Raised if the expression cannot be read.
        """
        collections = self._findCollections(butler)
        for dataset_type in self._findTypes(butler, collections):
            with butler.query() as query:
                results = self._select(query, dataset_type, collections).with_dimension_records()
                for page in itertools.batched(results.order_by("ingest_date"), size):
                    yield list(page)

    def _select(
        self, query: Query, datasetType: DatasetType, collections: Sequence[str]
    ) -> DatasetRefQueryResults:
        results = query.datasets(datasetType, collections, find_first=self.findFirst)
        return results.where(self.where) if self.where else results

    def _findCollections(self, butler: Butler) -> list[str]:
        kinds = {CollectionType.RUN, CollectionType.TAGGED}
        names = butler.collections.query(self.collections, collection_types=kinds, flatten_chains=True)
        return list(names)

    def _findTypes(self, butler: Butler, collections: Sequence[str]) -> list[DatasetType]:
        infos = butler.collections.query_info(collections, include_summary=True)
        names = {name for info in infos for name in info.dataset_types or ()}
        chosen = [
            name for name in names if any(fnmatch.fnmatchcase(name, each) for each in self.datasetTypes)
        ]
        types = [butler.get_dataset_type(name) for name in sorted(chosen)]
        return [each for each in types if each.storageClass_name == _STORAGE_CLASS]
