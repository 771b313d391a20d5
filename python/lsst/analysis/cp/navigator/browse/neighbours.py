# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The datasets beside one: those before and after it along a dimension, and those of its data ID."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .ordered import OrderedSearch

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

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
        Where they are searched. All other dimensions of the type have to be selected.
    along
        The dimension.

    Raises
    ------
    ValueError
        Raised if the dimensions are others; it names them.
    """

    search: OrderedSearch
    along: str

    def __post_init__(self) -> None:
        name, open_dimensions = self.search.datasetType.name, self.search.openDimensions
        if self.along not in self.search.datasetType.dimensions.required:
            known = ", ".join(self.search.datasetType.dimensions.required)
            raise ValueError(f"{name} has no dimension {self.along!r}; it has {known}.")
        if open_dimensions != (self.along,):
            others = ", ".join(each for each in open_dimensions if each != self.along)
            raise ValueError(f"One has to know {others or 'no ' + self.along} to go through {name}.")

    @classmethod
    def through(
        cls,
        butler: Butler,
        datasetType: str,
        collections: str | Sequence[str],
        dataId: Mapping[str, Any],
        along: str,
    ) -> Line:
        """Make the line through a dataset.

        Parameters
        ----------
        butler, collections
            See `OrderedSearch.make`, which has the other errors.
        datasetType
            Name of the type.
        dataId
            Data ID of the dataset. It may have more than the dimensions of the type, to leave out others.
        along
            Dimension in which the others differ from it.

        Returns
        -------
        line
            The line.

        Raises
        ------
        ValueError
            Raised if there is no such dimension, or others are not known.
        """
        kept = {key: value for key, value in dataId.items() if key.partition(".")[0] != along}
        return cls(OrderedSearch.make(butler, datasetType, collections, kept), along)

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
        return self.search.select(**{self.along: value}).findFirst(butler)


def findSiblings(
    butler: Butler, names: Sequence[str], ref: DatasetRef, collections: str | Sequence[str]
) -> list[DatasetRef]:
    """Find the datasets of other types that have the data ID of one.

    Parameters
    ----------
    butler
        The repository.
    names
        Names of the types. Those of other dimensions are left out.
    ref
        The dataset.
    collections
        Where to search, in their order.

    Returns
    -------
    refs
        One of each type that has any, in the order of the names, without dimension records.
    """
    required = ref.dataId.dimensions.required
    alike = [name for name in names if butler.get_dataset_type(name).dimensions.required == required]
    found = (butler.find_dataset(name, ref.dataId, collections=collections) for name in alike)
    return [each for each in found if each is not None]
