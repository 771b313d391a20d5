# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Datasets of two collections side by side, by their data IDs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .ordered import OrderedSearch, Place, placeOf
from .selection import SelectionError

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["Pair", "PairPage", "Pairing"]


@dataclass(frozen=True)
class Pair:
    """Two datasets of one data ID, or one that has no other.

    Parameters
    ----------
    dataId
        What pairs them: values of dimensions.
    left, right
        The datasets; None where that side has none.
    """

    dataId: Mapping[str, int | str]
    left: DatasetRef | None
    right: DatasetRef | None


@dataclass(frozen=True)
class PairPage:
    """A few pairs in the order of their data IDs.

    Parameters
    ----------
    pairs
        The pairs.
    isFirst, isLast
        Whether there are none before them, and none after them. There is taken to be one at the place from
        which one came.
    """

    pairs: tuple[Pair, ...]
    isFirst: bool
    isLast: bool


@dataclass(frozen=True)
class Pairing:
    """Two searches, the datasets of which are paired by dimensions that both have.

    Parameters
    ----------
    left, right
        The two sides. They may be of different types, and have different selections: that of another
        exposure on each side pairs by all but the exposure.

    Raises
    ------
    SelectionError
        Raised if one side can have several datasets of a data ID that pairs, or the sides are of different
        instruments; it says what has to be selected.
    """

    left: OrderedSearch
    right: OrderedSearch

    def __post_init__(self) -> None:
        for word, side, other in (("left", self.left, self.right), ("right", self.right, self.left)):
            if alone := [each for each in side.openDimensions if each not in other.openDimensions]:
                raise SelectionError(
                    f"{word}.{alone[0]}",
                    f"choose one: {side.browsed.name} on the {word} differ in it, and those on the other "
                    "side do not.",
                )
        if self.left.governors != self.right.governors:
            sides = (", ".join(map(str, side.governors.values())) for side in (self.left, self.right))
            raise SelectionError("left", f"there are no pairs of {' and '.join(sides)}.")

    @property
    def order(self) -> tuple[str, ...]:
        """Dimensions that pair, which are also what pairs are put in order by."""
        return self.left.openDimensions

    def findPage(
        self, butler: Butler, place: Place | None, limit: int, *, backwards: bool = False
    ) -> PairPage:
        """Find the pairs after a place.

        Parameters
        ----------
        butler
            The repository.
        place
            Values of the dimensions that pair, in `order`; None for the first page, or the last.
        limit
            Greatest number of pairs.
        backwards
            Whether to find the pairs before the place; their order is the same.

        Returns
        -------
        page
            The pairs.
        """
        # Whatever is among the first of all is among the first of its own side.
        left, right = (
            {placeOf(ref, self.order): ref for ref in refs}
            for refs in (
                side.findNext(butler, self.order, place, limit + 1, backwards=backwards)
                for side in (self.left, self.right)
            )
        )
        ranks = self.left.rank(butler, self.order, [*left, *right])
        places = sorted(ranks, key=ranks.__getitem__, reverse=backwards)
        shown = places[:limit][::-1] if backwards else places[:limit]
        pairs = tuple(Pair(self._name(each), left.get(each), right.get(each)) for each in shown)
        is_end = len(places) <= limit
        if backwards:
            return PairPage(pairs, isFirst=is_end, isLast=place is None)
        return PairPage(pairs, isFirst=place is None, isLast=is_end)

    def _name(self, place: Place) -> dict[str, int | str]:
        return dict(zip(self.order, place, strict=True))
