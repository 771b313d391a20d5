# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Datasets of one type in the order of their data IDs, a few at a time from any place on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.metrics import searchedCollections
from lsst.analysis.cp.notebook.search import toQuery
from lsst.daf.butler import DatasetNotFoundError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, DatasetType
    from lsst.daf.butler.queries.expression_factory import ExpressionFactory
    from lsst.daf.butler.queries.tree import Predicate

__all__ = ["OrderedSearch", "Place", "placeOf", "rankPlaces"]

type Place = tuple[int | str, ...]
"""Values of dimensions, which are where a dataset stands in an order."""


@dataclass(frozen=True)
class OrderedSearch:
    """Datasets of one type, which are found in the order of the values of dimensions.

    Each collection is asked for its next few, which its index has in order. One query of all of them, of each
    data ID the first in the chain, would have to read all that comes after a place.

    Parameters
    ----------
    datasetType
        The type.
    collections
        RUN and TAGGED collections that have any of it, in the order in which they are searched.
    selected
        Values that the data IDs have, by dimensions, or by columns of dimensions as in ``detector.raft``. It
        has the instrument.
    restrict
        What makes further conditions of the columns of a query; by default there are none.
    """

    datasetType: DatasetType
    collections: tuple[str, ...]
    selected: Mapping[str, Any]
    restrict: Callable[[ExpressionFactory], Sequence[Predicate]] = field(default=lambda x: ())

    @classmethod
    def make(
        cls, butler: Butler, name: str, collections: str | Sequence[str], selected: Mapping[str, Any]
    ) -> OrderedSearch:
        """Make it for collections of any kind.

        Parameters
        ----------
        butler
            The repository.
        name
            Name of the dataset type.
        collections
            Where to search. Chains are searched in their order.
        selected
            See above. The instrument may be left out where the datasets are of one only.

        Returns
        -------
        search
            The search; it finds nothing if the collections have none of the type.

        Raises
        ------
        lsst.daf.butler.DatasetNotFoundError
            Raised if there are several instruments, and none is chosen.
        lsst.daf.butler.MissingCollectionError
            Raised if there is no such collection.
        lsst.daf.butler.MissingDatasetTypeError
            Raised if there is no such type in the repository.
        """
        dataset_type = butler.get_dataset_type(name)
        searched = searchedCollections(butler, collections)
        infos = butler.collections.query_info(searched, include_summary=True, summary_datasets=[name])
        holding = {info.name for info in infos if name in (info.dataset_types or ())}
        found = tuple(each for each in searched if each in holding)
        missing = sorted(dataset_type.dimensions.governors - set(selected))
        sole = {each: _findSole(butler, dataset_type, found, each) for each in missing if found}
        return cls(dataset_type, found, {**sole, **selected})

    @property
    def openDimensions(self) -> tuple[str, ...]:
        """Dimensions of which the datasets may have several values, in the order of the Butler's index."""
        return tuple(each for each in self.datasetType.dimensions.required if each not in self.selected)

    def select(self, **values: Any) -> OrderedSearch:
        """Make a search of those datasets that have values of dimensions."""
        return replace(self, selected={**self.selected, **values})

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
            for rank, collection in enumerate(self.collections)
            for ref in self._findIn(butler, collection, order, place, limit, backwards)
        ]
        if len(self.collections) > 1:
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
        for collection in self.collections:
            if found := self._findIn(butler, collection, (), None, 1, False):
                return found[0]
        return None

    def rank(self, butler: Butler, order: Sequence[str], places: Iterable[Place]) -> dict[Place, Place]:
        """Rank places; see `rankPlaces`."""
        governors = {each: self.selected[each] for each in self.datasetType.dimensions.governors}
        return rankPlaces(butler, governors, order, places)

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
            chosen = toQuery(butler, self.selected)
            conditions = [chosen["where"]] if chosen["where"] else []
            conditions += self.restrict(query.expression_factory)
            if place is not None:
                conditions.append(_isAfter(query.expression_factory, order, place, backwards))
            results = query.datasets(self.datasetType, [collection], find_first=False)
            results = results.where(chosen["data_id"], *conditions, bind=chosen["bind"])
            results = results.order_by(*(f"-{each}" if backwards else each for each in order))
            return list(results.limit(limit).with_dimension_records())


def _findSole(butler: Butler, datasetType: DatasetType, collections: Sequence[str], governor: str) -> str:
    """Find the only instrument of which collections have anything."""
    summaries = [butler.registry.getCollectionSummary(each) for each in collections]
    names = sorted({name for each in summaries for name in each.governors.get(governor, ())})
    if len(names) != 1:
        raise DatasetNotFoundError(
            f"{datasetType.name} may be of {len(names)} different values of {governor} in "
            f"{', '.join(collections)}; choose one of {', '.join(names)}."
        )
    return names[0]


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


def rankPlaces(
    butler: Butler, governors: Mapping[str, Any], order: Sequence[str], places: Iterable[Place]
) -> dict[Place, Place]:
    """Rank places, so that those of several queries can be put in the order that the database has in each.

    How text is ordered is a matter of the database; it is asked where there is text.

    Parameters
    ----------
    butler
        The repository.
    governors
        Instrument, and others of that kind, that all places are of.
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
        _rankValues(butler, governors, dimension, {place[i] for place in known})
        for i, dimension in enumerate(order)
    ]
    return {
        place: tuple(column[value] for column, value in zip(columns, place, strict=True)) for place in known
    }


def _rankValues(
    butler: Butler, governors: Mapping[str, Any], dimension: str, values: set[int | str]
) -> dict[int | str, int | str]:
    if len(values) < 2 or all(isinstance(value, int) for value in values):
        return {value: value for value in values}
    with butler.query() as query:
        is_one = getattr(query.expression_factory, dimension).in_iterable(sorted(values))
        ids = query.data_ids([dimension]).where(dict(governors), is_one).order_by(dimension)
        return {data_id[dimension]: i for i, data_id in enumerate(ids)}
