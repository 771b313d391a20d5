# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Plots that a collection has: their types, and one entry for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from astropy.time import Time

from lsst.daf.butler import CollectionType

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionInfo, DatasetType, Timespan

__all__ = ["Entry", "PlotSearch", "orderKeys"]

_STORAGE = "Plot"
"""Storage class by which the Plot Navigator knows plots."""


class Entry(NamedTuple):
    """A plot; entries sort in the order of a list.

    Parameters
    ----------
    values
        Values of its data ID, in the order of `orderKeys`.
    validity
        Begin and end of the range for which it is certified, ns of TAI; empty if it is not.
    id
        Id of the dataset.
    described
        The same range in words.
    """

    values: tuple[int | str, ...]
    validity: tuple[int, ...]
    id: str
    described: str


def orderKeys(datasetType: DatasetType) -> tuple[str, ...]:
    """Name the dimensions of a data ID in the order in which plots are listed: detectors change first.

    Parameters
    ----------
    datasetType
        The type of the plots.

    Returns
    -------
    keys
        Its required dimensions.
    """
    return tuple(sorted(datasetType.dimensions.required, key=lambda name: name == "detector"))


@dataclass(frozen=True)
class PlotSearch:
    """Where the plots of one collection are.

    Parameters
    ----------
    collection
        Its name.
    runs
        Collections in which plots are searched by data ID, in their order; of two plots with the same data
        ID the first is found.
    calibrations
        Collections in which plots are certified, each for a range of validity.
    datasetTypes
        The types of plots that there may be, sorted by name.
    """

    collection: str
    runs: tuple[str, ...]
    calibrations: tuple[str, ...]
    datasetTypes: tuple[DatasetType, ...]

    @classmethod
    def fromButler(cls, butler: Butler, collection: str) -> PlotSearch:
        """Find the collections of a chain, and the types of the plots that these have.

        Parameters
        ----------
        butler
            The repository.
        collection
            Name of a collection of any kind; patterns are not understood.

        Returns
        -------
        search
            The search.

        Raises
        ------
        lsst.daf.butler.MissingCollectionError
            Raised if there is no such collection.
        """
        infos = {info.name: info for info in _flatten(butler, collection)}.values()
        names = sorted({name for info in infos for name in info.dataset_types or ()})
        types = [butler.get_dataset_type(name) for name in names]
        certifying = CollectionType.CALIBRATION
        return cls(
            collection=collection,
            runs=tuple(info.name for info in infos if info.type is not certifying),
            calibrations=tuple(info.name for info in infos if info.type is certifying),
            datasetTypes=tuple(each for each in types if each.storageClass_name == _STORAGE),
        )

    def read(self, butler: Butler, datasetType: DatasetType) -> list[Entry]:
        """Read the entries of one type of plots.

        Parameters
        ----------
        butler
            The repository.
        datasetType
            The type.

        Returns
        -------
        entries
            Sorted. Of those that a list could not tell apart, with equal data IDs and ranges of validity,
            there is the one that is found first. A plot that is certified and in a run is certified only.
        """
        # Sorted here: databases differ in how they sort text.
        entries: dict[tuple[tuple[int | str, ...], tuple[int, ...]], Entry] = {}
        certified = set()
        for entry in self._readCertified(butler, datasetType):
            certified.add(entry.id)
            entries.setdefault((entry.values, entry.validity), entry)
        for entry in self._readRuns(butler, datasetType):
            if entry.id not in certified:
                entries[entry.values, ()] = entry
        return sorted(entries.values())

    def _readRuns(self, butler: Butler, datasetType: DatasetType) -> Iterator[Entry]:
        if not self.runs:
            return
        keys = orderKeys(datasetType)
        with butler.query() as query:
            for ref in query.datasets(datasetType, self.runs, find_first=True):
                yield Entry(tuple(ref.dataId[key] for key in keys), (), str(ref.id), "")

    def _readCertified(self, butler: Butler, datasetType: DatasetType) -> Iterator[Entry]:
        keys = orderKeys(datasetType)
        for collection in self.calibrations:
            for each in butler.registry.queryDatasetAssociations(
                datasetType, [collection], collectionTypes={CollectionType.CALIBRATION}
            ):
                values = tuple(each.ref.dataId[key] for key in keys)
                # Certified for no range is none; the middleware does not let it be.
                if each.timespan is not None:
                    described = _describe(each.timespan)
                    yield Entry(values, each.timespan.nsec, str(each.ref.id), described)


def _flatten(butler: Butler, name: str) -> Iterator[CollectionInfo]:
    """Yield a collection, or those of a chain in their order."""
    info = butler.collections.get_info(name, include_summary=True)
    if info.type is CollectionType.CHAINED:
        for child in info.children:
            yield from _flatten(butler, child)
    else:
        yield info


@lru_cache(maxsize=1024)
def _describe(timespan: Timespan) -> str:
    """Say for which time something is certified."""
    words = [
        f"{word} {_trim(bound.tai.to_value('isot', subfmt='date_hms'))}"
        for word, bound in (("from", timespan.begin), ("until", timespan.end))
        if isinstance(bound, Time)
    ]
    return f"{' '.join(words)} TAI" if words else "always"


def _trim(text: str) -> str:
    """Leave out the zeros after the decimal point of seconds."""
    return text.rstrip("0").rstrip(".") if "." in text else text
