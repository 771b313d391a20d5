# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a report is made of: collections, an instrument, and an expression that data IDs fulfil."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsst.analysis.cp.notebook.search import expand

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef
    from lsst.daf.butler.queries import DatasetRefQueryResults

__all__ = ["ReportError", "Scope", "joinNames"]

_LISTED = 10


class ReportError(ValueError):
    """There is nothing that a report could be made of, or it is not said what."""


def joinNames(names: Iterable[object], most: int = _LISTED) -> str:
    """Join names by commas; of many the first ones, and how many there are more."""
    listed = [str(name) for name in names]
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Which datasets of a repository are meant.

    Parameters
    ----------
    butler
        The repository.
    given
        Collections, or patterns of their names, as they were given.
    collections
        Those that hold datasets, in the order in which they are searched.
    instrument
        Name of the instrument.
    where
        Expression that data IDs fulfil, as of ``butler query-datasets``; empty if all do.
    typesOf
        Names of the dataset types that each collection has.
    """

    butler: Butler
    given: tuple[str, ...]
    collections: tuple[str, ...]
    instrument: str
    where: str = ""
    typesOf: Mapping[str, frozenset[str]] = field(repr=False)

    @classmethod
    def open(
        cls, butler: Butler, collections: Sequence[str] | str, instrument: str | None = None, where: str = ""
    ) -> Scope:
        """Find out what is meant.

        Parameters
        ----------
        butler
            The repository.
        collections
            Collections, or patterns of their names.
        instrument
            Name of the instrument; if None, the only one that the collections have.
        where
            Expression that data IDs fulfil.

        Returns
        -------
        scope
            What is meant.

        Raises
        ------
        lsst.daf.butler.MissingCollectionError
            Raised if there is no such collection; it names similar ones.
        ReportError
            Raised if the instrument is unknown, or not the only one; it names those that there are.
        """
        given = (collections,) if isinstance(collections, str) else tuple(collections)
        searched = expand(butler, collections)
        infos = butler.collections.query_info(searched, include_summary=True) if searched else []
        types = {info.name: frozenset(info.dataset_types or ()) for info in infos}
        if instrument is None:
            instrument = _findInstrument(butler, searched, given)
        elif instrument not in (known := _listInstruments(butler)):
            raise ReportError(
                f"There is no instrument {instrument!r} in the repository; there are {joinNames(known)}."
            )
        return cls(
            butler=butler,
            given=given,
            collections=tuple(searched),
            instrument=instrument,
            where=where,
            typesOf=types,
        )

    @property
    def types(self) -> list[str]:
        """Names of all dataset types that the collections have, sorted."""
        return sorted(frozenset().union(*self.typesOf.values()))

    def storageOf(self, name: str) -> str:
        """Tell the storage class of a dataset type."""
        return str(self.butler.get_dataset_type(name).storageClass_name)

    def dimensionsOf(self, name: str) -> frozenset[str]:
        """Tell the dimensions of a dataset type, those included that follow from others."""
        return frozenset(self.butler.get_dataset_type(name).dimensions.names)

    def find(self, name: str, *, everywhere: bool = False) -> Iterator[tuple[str, DatasetRef]]:
        """Find the datasets of a type.

        Parameters
        ----------
        name
            Name of the dataset type.
        everywhere
            Whether data IDs need not fulfil the expression.

        Yields
        ------
        collection
            Collection in which a dataset was found, the first searched first.
        ref
            The dataset, each once, with dimension records. Several collections may have one of the same data
            ID.
        """
        known = set()
        for collection in self.collections:
            if name not in self.typesOf[collection]:
                continue
            # Results are taken at once: an open query keeps others from writing to a SQLite repository.
            with self.butler.query() as query:
                results = query.datasets(name, collection, find_first=False).with_dimension_records()
                refs = list(self._choose(results, name, everywhere=everywhere))
            yield from ((collection, ref) for ref in refs if ref.id not in known)
            known |= {ref.id for ref in refs}

    def has(self, name: str, *, everywhere: bool = False) -> bool:
        """Tell whether there is a dataset of a type; `find` has the parameters."""
        searched = [each for each in self.collections if name in self.typesOf[each]]
        if not searched:
            return False
        with self.butler.query() as query:
            results = query.datasets(name, searched, find_first=False)
            return bool(self._choose(results, name, everywhere=everywhere).any())

    def _choose(
        self, results: DatasetRefQueryResults, name: str, *, everywhere: bool
    ) -> DatasetRefQueryResults:
        """Choose the datasets of a type that are meant."""
        chosen = self.where if self.where and not everywhere else ""
        if chosen or "instrument" in self.dimensionsOf(name):
            # An expression may name a detector, of which there is none without an instrument.
            results = results.where(instrument=self.instrument)
        return results.where(chosen) if chosen else results

    def findIds(self, names: Iterable[str], dimension: str) -> set[tuple[int, str]]:
        """Find the exposures, visits or detectors that have a dataset of some types.

        Parameters
        ----------
        names
            Names of dataset types.
        dimension
            ``exposure``, ``visit`` or ``detector``.

        Returns
        -------
        ids
            Id and physical filter of each; the filter is empty if it has none.
        """
        found = set()
        for name in names:
            searched = [each for each in self.collections if name in self.typesOf[each]]
            if not searched:
                continue
            with self.butler.query() as query:
                ids = query.join_dataset_search(name, searched).data_ids([dimension])
                ids = ids.where(instrument=self.instrument)
                if self.where:
                    ids = ids.where(self.where)
                found |= {
                    (int(each[dimension]), str(dict(each.mapping).get("physical_filter", ""))) for each in ids
                }
        return found

    def choose(self, dimension: str, ids: Collection[int], physicalFilter: str) -> set[int]:
        """Choose exposures or visits that fulfil the expression, in one filter.

        Parameters
        ----------
        dimension
            ``exposure`` or ``visit``.
        ids
            Their ids.
        physicalFilter
            The filter; any if empty.

        Returns
        -------
        chosen
            Those, and those of which the repository has no record.
        """
        if not ids:
            return set()
        with self.butler.query() as query:
            given = getattr(query.expression_factory, dimension).in_iterable(list(ids))
            known = query.data_ids([dimension]).where(given, instrument=self.instrument)
            left_out = {int(each[dimension]) for each in known}
            if self.where:
                known = known.where(self.where)
            return set(ids) - left_out | {
                int(each[dimension]) for each in known if physicalFilter in ("", each["physical_filter"])
            }


def _listInstruments(butler: Butler) -> list[str]:
    records = butler.query_dimension_records("instrument", explain=False)
    return sorted(record.name for record in records)


def _findInstrument(butler: Butler, collections: Sequence[str], given: Sequence[str]) -> str:
    """Find the only instrument of collections."""
    found: set[str] = set()
    for collection in collections:
        found |= butler.registry.getCollectionSummary(collection).governors.get("instrument", set())
    if len(found) != 1:
        held = f"have datasets of {joinNames(sorted(found))}: say which instrument is meant"
        nothing = (
            f"have datasets of no instrument; the repository knows {joinNames(_listInstruments(butler))}"
        )
        raise ReportError(f"The collections {joinNames(given)} {held if found else nothing}.")
    return found.pop()
