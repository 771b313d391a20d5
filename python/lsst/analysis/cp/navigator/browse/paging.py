# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of datasets: so many after, or before, a given one.

The datasets of a type are sorted by their dimensions, in the order in which the registry has an index of
them. A page begins after the key of the last dataset of the page before, so that its cost does not grow with
the number of datasets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from .ordered import OrderedSearch, readPlace, writePlace
from .selection import Selection
from .types import BrowsedType

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DataCoordinate, DatasetRef

__all__ = ["PAGE_SIZE", "Key", "Page", "findPage", "keyOf", "queryInOrder", "readKey", "writeKey"]

PAGE_SIZE = 48
"""Number of datasets of a page."""

type Key = tuple[int | str, ...]
"""Where a dataset stands among those of its type: the values of `keyDimensions`."""


@dataclass(frozen=True)
class Page:
    """Datasets that follow each other.

    Parameters
    ----------
    refs
        The datasets, in order, each with its dimension records.
    before, after
        Keys to give for the previous and the next page; None where there is none.
    """

    refs: tuple[DatasetRef, ...]
    before: Key | None
    after: Key | None


def keyDimensions(browsed: BrowsedType) -> list[str]:
    """List the dimensions by which the datasets of a type are sorted: governors (instrument) come first."""
    governors = browsed.datasetType.dimensions.governors
    return sorted(browsed.dimensions, key=lambda name: name not in governors)


def keyOf(browsed: BrowsedType, dataId: DataCoordinate) -> Key:
    """Make the key of a dataset."""
    return tuple(dataId[name] for name in keyDimensions(browsed))


def writeKey(key: Key | None) -> str:
    """Write a key for an address; empty for none."""
    return "" if key is None else writePlace(key)


def readKey(browsed: BrowsedType, text: str) -> Key | None:
    """Read a key of an address; None if it is empty.

    Raises
    ------
    SelectionError
        Raised if it is no key of the type.
    """
    universe = browsed.datasetType.dimensions.universe
    return readPlace(universe, keyDimensions(browsed), text) if text else None


def findPage(
    butler: Butler,
    browsed: BrowsedType,
    selection: Selection,
    *,
    after: Key | None = None,
    before: Key | None = None,
    size: int = PAGE_SIZE,
) -> Page:
    """Find the first datasets, or those that follow, or come before, a key.

    Parameters
    ----------
    butler
        The repository.
    browsed
        The dataset type, and where to search.
    selection
        Which datasets are meant.
    after, before
        Where the page begins, or ends; at most one of them. There need be no dataset with this key.
    size
        Most datasets.

    Returns
    -------
    page
        The datasets. Of several with the same data ID there is the one of the first collection.
    """
    is_backward = before is not None
    start = before if is_backward else after
    found = queryInOrder(butler, browsed, selection, start=start, isBackward=is_backward, size=size + 1)
    refs = list(islice(found, size + 1))
    has_more = len(refs) > size
    refs = refs[:size][::-1] if is_backward else refs[:size]
    if not refs:
        return Page((), None, None)
    first, last = keyOf(browsed, refs[0].dataId), keyOf(browsed, refs[-1].dataId)
    has_before, has_after = (has_more, True) if is_backward else (after is not None, has_more)
    return Page(tuple(refs), first if has_before else None, last if has_after else None)


def queryInOrder(
    butler: Butler,
    browsed: BrowsedType,
    selection: Selection,
    *,
    start: Key | None = None,
    isBackward: bool = False,
    size: int = PAGE_SIZE,
) -> Iterator[DatasetRef]:
    """Find datasets in the order of their keys.

    Parameters
    ----------
    butler, browsed, selection
        See `findPage`.
    start
        Key after (or before) which they begin; by default the first (or last).
    isBackward
        Whether the last come first.
    size
        Most datasets of each combination of governor dimensions, such as each instrument.

    Yields
    ------
    ref
        A dataset with its dimension records.
    """
    if selection.lacking(browsed.datasetType.dimensions):
        return
    order = keyDimensions(browsed)
    for governors in sorted(browsed.governorIds(), key=lambda each: tuple(each.values()), reverse=isBackward):
        n = len(governors)
        names = tuple(governors.values())
        if any(selection.values.get(name, value) != value for name, value in governors.items()):
            continue
        rest = None
        if start is not None:
            if (names > start[:n]) if isBackward else (names < start[:n]):
                continue
            rest = start[n:] if names == start[:n] else None
            if rest == ():
                continue
        search = OrderedSearch(browsed, replace(selection, values={**governors, **selection.values}))
        yield from search.findNext(butler, order[n:], rest, size, backwards=isBackward)
