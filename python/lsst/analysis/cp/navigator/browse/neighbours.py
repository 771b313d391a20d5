# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The datasets beside one: those before and after it along a dimension, and those of its data ID."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .ordered import OrderedSearch
from .selection import SelectionError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

    from .types import BrowsedType

__all__ = ["Line", "Neighbours", "findSiblings"]


@dataclass(frozen=True)
class Neighbours:
    """What stands beside a place along a dimension.

    Parameters
    ----------
    before, after
        Datasets before and after it, from the nearest to the farthest.
    here
        The dataset at the place; None if there is none.
    isFirst, isLast
        Whether there is nothing before the farthest ones, and after them.
    """

    before: tuple[DatasetRef, ...]
    here: DatasetRef | None
    after: tuple[DatasetRef, ...]
    isFirst: bool
    isLast: bool


@dataclass(frozen=True)
class Line:
    """Datasets of one type that differ in one dimension only.

    Parameters
    ----------
    search
        Where they are searched. All other dimensions of the type have to be selected, and not this one.
    along
        The dimension.

    Raises
    ------
    SelectionError
        Raised if the dimensions are others; it names them.
    """

    search: OrderedSearch
    along: str

    def __post_init__(self) -> None:
        browsed, open_dimensions = self.search.browsed, self.search.openDimensions
        if self.along not in browsed.dimensions:
            known = ", ".join(browsed.dimensions)
            raise SelectionError("along", f"{browsed.name} has no {self.along!r}; it has {known}.")
        if missing := [each for each in open_dimensions if each != self.along]:
            raise SelectionError(missing[0], f"has to be known to go through {browsed.name}.")

    @classmethod
    def through(cls, search: OrderedSearch, along: str) -> Line:
        """Make the line through a dataset.

        Parameters
        ----------
        search
            Search that finds the dataset. It may select by more than its dimensions, which leaves out others.
        along
            Dimension in which the others differ from it.

        Returns
        -------
        line
            The line.

        Raises
        ------
        SelectionError
            Raised if there is no such dimension, or others are not known.
        """
        return cls(search.release(along), along)

    def findNeighbours(self, butler: Butler, value: int | str, *, nBefore: int, nAfter: int) -> Neighbours:
        """Find what stands beside a place.

        Parameters
        ----------
        butler
            The repository.
        value
            Value of the dimension along which one goes; no dataset need have it.
        nBefore, nAfter
            Greatest numbers of datasets on the two sides.

        Returns
        -------
        neighbours
            What there is.
        """
        before = self.findNext(butler, value, nBefore + 1, backwards=True)
        after = self.findNext(butler, value, nAfter + 1)
        return Neighbours(
            before=tuple(before[:nBefore]),
            here=self.findAt(butler, value),
            after=tuple(after[:nAfter]),
            isFirst=len(before) <= nBefore,
            isLast=len(after) <= nAfter,
        )

    def findNext(
        self, butler: Butler, value: int | str | None, limit: int, *, backwards: bool = False
    ) -> list[DatasetRef]:
        """Find the datasets after a place, or before it; see `OrderedSearch.findNext`."""
        place = None if value is None else (value,)
        return self.search.findNext(butler, (self.along,), place, limit, backwards=backwards)

    def findAt(self, butler: Butler, value: int | str) -> DatasetRef | None:
        """Find the dataset at a place; None if there is none."""
        return self.search.select({self.along: value}).findFirst(butler)


def findSiblings(butler: Butler, types: Iterable[BrowsedType], ref: DatasetRef) -> list[DatasetRef]:
    """Find the datasets of other types that have the data ID of one.

    Parameters
    ----------
    butler
        The repository.
    types
        The types. Those of other dimensions are left out.
    ref
        The dataset.

    Returns
    -------
    refs
        One of each type that has any, in the order of the types, without dimension records.
    """
    alike = (each for each in types if each.datasetType.dimensions == ref.dataId.dimensions)
    found = (
        butler.find_dataset(each.datasetType, ref.dataId, collections=each.collections) for each in alike
    )
    return [each for each in found if each is not None]
