# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Datasets of one type in the order of their data IDs, a few at a time from any place on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .selection import Selection, SelectionError
from .types import BrowsedType

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, DimensionUniverse
    from lsst.daf.butler.queries.expression_factory import ExpressionFactory
    from lsst.daf.butler.queries.tree import Predicate

__all__ = ["OrderedSearch", "Place", "placeOf", "readPlace", "writePlace"]

type Place = tuple[int | str, ...]
"""Values of dimensions, which are where a dataset stands in an order."""


@dataclass(frozen=True)
class OrderedSearch:
    """Datasets of one type, which are found in the order of the values of dimensions.

    Each collection is asked for its next few, which its index has in order. One query of all of them, of each
    data ID the first in the chain, would have to read all that comes after a place.

    Parameters
    ----------
    browsed
        The type, and the collections that may have any of it, in the order in which they are searched.
    selection
        Which datasets are meant. It has the instrument, if the type has one.
    """

    browsed: BrowsedType
    selection: Selection

    @classmethod
    def make(cls, browsed: BrowsedType, selection: Selection) -> OrderedSearch:
        """Make it, for the only instrument if none is chosen.

        Parameters
        ----------
        browsed, selection
            See above.

        Returns
        -------
        search
            The search.

        Raises
        ------
        SelectionError
            Raised if there are several instruments and none is chosen, or the type has not all dimensions of
            the selection.
        """
        dimensions = browsed.datasetType.dimensions
        if lacking := selection.lacking(dimensions):
            known = ", ".join(browsed.dimensions)
            raise SelectionError(lacking[0], f"{browsed.name} has no such dimension; it has {known}.")
        missing = [name for name in dimensions.governors if name not in selection.values]
        sole = {name: _findSole(name, browsed.governors.get(name, ())) for name in missing}
        return cls(browsed, replace(selection, values={**sole, **selection.values}))

    @property
    def openDimensions(self) -> tuple[str, ...]:
        """Dimensions of which the datasets may have several values, in the order of the Butler's index."""
        return tuple(each for each in self.browsed.dimensions if each not in self.selection.values)

    @property
    def governors(self) -> dict[str, int | str]:
        """The instrument, and other dimensions without which others mean nothing."""
        named = self.browsed.datasetType.dimensions.governors
        return {name: value for name, value in self.selection.values.items() if name in named}

    def select(self, values: Mapping[str, int | str]) -> OrderedSearch:
        """Make a search of those datasets that have values of dimensions."""
        selection = self.selection
        raft = () if "detector" in values else selection.raftOfDetector
        chosen = {**selection.values, **values}
        return replace(self, selection=replace(selection, values=chosen, raftOfDetector=raft))

    def release(self, dimension: str) -> OrderedSearch:
        """Make a search of datasets with any value of a dimension."""
        selection = self.selection
        values = {key: value for key, value in selection.values.items() if key != dimension}
        given = {key: text for key, text in selection.given.items() if key != dimension}
        raft = () if dimension == "detector" else selection.raftOfDetector
        return replace(self, selection=replace(selection, values=values, given=given, raftOfDetector=raft))

    def findNext(
        self,
        butler: Butler,
        order: Sequence[str],
        place: Place | None,
        limit: int,
        *,
        backwards: bool = False,
    ) -> list[DatasetRef]:
        """Find the datasets that come after a place.

        Parameters
        ----------
        butler
            The repository.
        order
            Dimensions of which the datasets may have several values. They are put in order by the first of
            these, those with the same by the second, and so on; text as the database has it.
        place
            Values of these dimensions; no dataset need have them. None to find the first.
        limit
            Greatest number of datasets.
        backwards
            Whether to find those before the place, from the nearest to the farthest; or the last.

        Returns
        -------
        refs
            One for each data ID, of the first collection that has it, with dimension records.
        """
        found = [
            (ref, rank)
            for rank, collection in enumerate(self.browsed.collections)
            for ref in self._findIn(butler, collection, order, place, limit, backwards)
        ]
        if len(self.browsed.collections) > 1:
            ranks = self.rank(butler, order, (placeOf(ref, order) for ref, _ in found))
            found.sort(key=lambda each: each[1])
            # Where places are equal this keeps the order of collections, backwards, too.
            found.sort(key=lambda each: ranks[placeOf(each[0], order)], reverse=backwards)
        first: dict[Place, DatasetRef] = {}
        for ref, _ in found:
            first.setdefault(placeOf(ref, order), ref)
        return list(first.values())[:limit]

    def findFirst(self, butler: Butler) -> DatasetRef | None:
        """Find the dataset, of the first collection that has it, where there can be one in each only.

        Parameters
        ----------
        butler
            The repository.

        Returns
        -------
        ref
            The dataset with dimension records; None if there is none.
        """
        for collection in self.browsed.collections:
            if found := self._findIn(butler, collection, (), None, 1, False):
                return found[0]
        return None

    def rank(self, butler: Butler, order: Sequence[str], places: Iterable[Place]) -> dict[Place, Place]:
        """Rank places, so that those of several queries can be put in the order of the database.

        How text is ordered is a matter of the database, which is asked where there is text.

        Parameters
        ----------
        butler
            The repository.
        order
            Dimensions.
        places
            Values of these.

        Returns
        -------
        ranks
            By place, what can be compared.
        """
        known = list(dict.fromkeys(places))
        columns = [
            _rankValues(butler, self.governors, dimension, {place[i] for place in known})
            for i, dimension in enumerate(order)
        ]
        return {
            place: tuple(column[value] for column, value in zip(columns, place, strict=True))
            for place in known
        }

    def _findIn(
        self,
        butler: Butler,
        collection: str,
        order: Sequence[str],
        place: Place | None,
        limit: int,
        backwards: bool,
    ) -> list[DatasetRef]:
        with butler.query() as query:
            x = query.expression_factory
            conditions = self.selection.predicates(x, self.browsed.datasetType)
            if place is not None:
                conditions.append(_isAfter(x, order, place, backwards))
            results = query.datasets(self.browsed.datasetType, [collection], find_first=False)
            # The middleware wants to see instruments apart from conditions.
            results = results.where(self.governors, *conditions)
            results = results.order_by(*(f"-{each}" if backwards else each for each in order))
            return list(results.limit(limit).with_dimension_records())


def _findSole(governor: str, known: Sequence[str]) -> str:
    """Find the only instrument of which there is anything."""
    if len(known) != 1:
        raise SelectionError(governor, f"say which is meant. There are: {', '.join(known) or 'none'}.")
    return known[0]


def _isAfter(x: ExpressionFactory, order: Sequence[str], place: Place, backwards: bool) -> Predicate:
    """Express that a dataset comes after a place.

    The first dimension has a limit of its own, though the rest would do: an index is entered there.
    """
    dimension, value = getattr(x, order[0]), place[0]
    beyond: Predicate = dimension < value if backwards else dimension > value
    if len(order) == 1:
        return beyond
    limit: Predicate = dimension <= value if backwards else dimension >= value
    return x.all(limit, x.any(beyond, _isAfter(x, order[1:], place[1:], backwards)))


def placeOf(ref: DatasetRef, order: Sequence[str]) -> Place:
    """Tell where a dataset stands in an order.

    Parameters
    ----------
    ref
        The dataset.
    order
        Dimensions that it has.

    Returns
    -------
    place
        The value of each.
    """
    return tuple(ref.dataId[each] for each in order)


def writePlace(place: Place) -> str:
    """Write a place for an address."""
    return json.dumps(place, separators=(",", ":"))


def readPlace(universe: DimensionUniverse, order: Sequence[str], text: str) -> Place:
    """Read a place of an address.

    Parameters
    ----------
    universe
        The dimensions that there are.
    order
        Dimensions.
    text
        What `writePlace` wrote.

    Returns
    -------
    place
        Value of each of the dimensions.

    Raises
    ------
    SelectionError
        Raised if it is no place in this order.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    kinds = [universe.dimensions[each].primaryKey.getPythonType() for each in order]
    is_place = isinstance(values, list) and [type(value) for value in values] == kinds
    # No database takes larger numbers.
    if not is_place or any(isinstance(value, int) and abs(value) >= 1 << 63 for value in values):
        raise SelectionError("page", f"expected a list of {', '.join(order)}, got {text[:80]!r}.")
    return tuple(values)


def _rankValues(
    butler: Butler, governors: Mapping[str, int | str], dimension: str, values: set[int | str]
) -> dict[int | str, int | str]:
    if len(values) < 2 or all(isinstance(value, int) for value in values):
        return {value: value for value in values}
    with butler.query() as query:
        is_one = getattr(query.expression_factory, dimension).in_iterable(sorted(values))
        ids = query.data_ids([dimension]).where(governors, is_one).order_by(dimension)
        return {data_id[dimension]: i for i, data_id in enumerate(ids)}
