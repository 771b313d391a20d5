# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Bundles of metrics of a repository, as many as there may be."""

from __future__ import annotations

__all__ = ["BundleQuery", "FoundBundles"]

import fnmatch
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from lsst.daf.butler import CollectionType, DatasetType

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

_STORAGE_CLASS = "MetricMeasurementBundle"
_ID_BYTES = 16


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

    def find(self, butler: Butler) -> list[FoundBundles]:
        """Find the bundles.

        Parameters
        ----------
        butler
            The repository.

        Returns
        -------
        found
            Those of each dataset type.

        Raises
        ------
        lsst.daf.butler.MissingCollectionError
            Raised if there is no such collection.
        lsst.daf.butler.InvalidQueryError
            Raised if the expression cannot be read.
        """
        kinds = {CollectionType.RUN, CollectionType.TAGGED}
        names = butler.collections.query(self.collections, collection_types=kinds, flatten_chains=True)
        collections = list(names)
        return [
            FoundBundles(each, collections, self._findIds(butler, each, collections))
            for each in self._findTypes(butler, collections)
        ]

    def _findIds(self, butler: Butler, datasetType: DatasetType, collections: Sequence[str]) -> bytes:
        # Read at once, since an open query would keep others from writing to a SQLite repository.
        with butler.query() as query:
            results = query.datasets(datasetType, collections, find_first=self.findFirst)
            if self.where:
                results = results.where(self.where)
            return b"".join(ref.id.bytes for ref in results.order_by("ingest_date"))

    def _findTypes(self, butler: Butler, collections: Sequence[str]) -> list[DatasetType]:
        infos = butler.collections.query_info(collections, include_summary=True)
        names = {name for info in infos for name in info.dataset_types or ()}
        chosen = [
            name for name in names if any(fnmatch.fnmatchcase(name, each) for each in self.datasetTypes)
        ]
        types = [butler.get_dataset_type(name) for name in sorted(chosen)]
        return [each for each in types if each.storageClass_name == _STORAGE_CLASS]


@dataclass(frozen=True)
class FoundBundles:
    """Bundles of one dataset type, of which no more than the ids are in memory."""

    datasetType: DatasetType
    """Their type."""

    collections: Sequence[str]
    """Where they were found."""

    ids: bytes = field(repr=False)
    """Their ids, one after the other; those that were stored first come first."""

    def __len__(self) -> int:
        return len(self.ids) // _ID_BYTES

    def pages(self, size: int) -> Iterator[list[UUID]]:
        """Yield the ids in lists of at most ``size``."""
        places = range(0, len(self.ids), _ID_BYTES)
        for page in itertools.batched(places, size):
            yield [UUID(bytes=self.ids[place : place + _ID_BYTES]) for place in page]

    def read(self, butler: Butler, ids: Sequence[UUID]) -> list[DatasetRef]:
        """Read what the repository knows of some bundles.

        Parameters
        ----------
        butler
            The repository.
        ids
            Ids of some hundred.

        Returns
        -------
        refs
            The bundles in the same order, with their dimension records, without those that are gone.
        """
        if not ids:
            return []
        with butler.query() as query:
            id = query.expression_factory[self.datasetType.name].dataset_id
            results = query.datasets(self.datasetType, self.collections, find_first=False)
            found = {ref.id: ref for ref in results.where(id.in_iterable(ids)).with_dimension_records()}
        return [found[each] for each in ids if each in found]
