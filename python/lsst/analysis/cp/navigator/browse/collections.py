# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The collections of a repository, and whether there is something to show in them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsst.daf.butler import CollectionType

from .selection import SelectionError
from .types import isImage, isPlot, isShown

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionInfo

__all__ = ["COLLECTIONS_PAGE", "CollectionPage", "CollectionRow", "findCollections"]

COLLECTIONS_PAGE = 50
"""Number of collections of a page."""


@dataclass(frozen=True)
class CollectionRow:
    """A collection.

    Parameters
    ----------
    name, type, doc
        Its name, type (``RUN``), and what is said of it; chains know what their parts have.
    nPlots, nImages
        Number of dataset types of plots and of images in it.
    hasCalibrations
        Whether calibrations may be certified in it.
    """

    name: str
    type: str
    doc: str
    nPlots: int
    nImages: int
    hasCalibrations: bool


@dataclass(frozen=True)
class CollectionPage:
    """Collections that follow each other.

    Parameters
    ----------
    rows
        The collections, sorted by name.
    number
        Number of all that are meant.
    before, after
        Names to give for the previous and the next page; empty where there is none.
    """

    rows: tuple[CollectionRow, ...]
    number: int
    before: str
    after: str


def findCollections(
    butler: Butler,
    *,
    pattern: str = "",
    kind: str = "",
    isShownOnly: bool = False,
    after: str = "",
    before: str = "",
    size: int = COLLECTIONS_PAGE,
) -> CollectionPage:
    """Find collections.

    Parameters
    ----------
    butler
        The repository.
    pattern
        A part of their names, or a pattern with ``*``, in letters of any case.
    kind
        Their type, such as ``RUN``; by default any.
    isShownOnly
        Whether those without plots and images are left out.
    after, before
        Name that the page begins after, or ends before; at most one of them.
    size
        Most collections of the page.

    Returns
    -------
    page
        The collections.

    Raises
    ------
    SelectionError
        Raised if there is no such type; it names those that there are.
    """
    if kind and kind not in CollectionType.__members__:
        known = ", ".join(CollectionType.__members__)
        raise SelectionError("kind", f"there is no {kind!r}. There are: {known}.")
    kinds = {CollectionType[kind]} if kind else None
    infos = butler.collections.query_info("*", collection_types=kinds, include_chains=True)
    glob = pattern.lower() if "*" in pattern else f"*{_quote(pattern.lower())}*"
    names = sorted({info.name for info in infos if fnmatch.fnmatchcase(info.name.lower(), glob)})
    if isShownOnly:
        names = [info.name for info in _summarize(butler, names) if info.dataset_types]
    chosen = _cut(names, after, before, size)
    rows = _describe(butler, chosen)
    if not chosen:
        return CollectionPage((), len(names), "", "")
    return CollectionPage(
        rows,
        len(names),
        chosen[0] if chosen[0] != names[0] else "",
        chosen[-1] if chosen[-1] != names[-1] else "",
    )


def _quote(text: str) -> str:
    """Let letters stand for themselves that patterns have a meaning for."""
    return text.replace("[", "[[]").replace("?", "[?]")


def _cut(names: Sequence[str], after: str, before: str, size: int) -> Sequence[str]:
    if before:
        return [name for name in names if name < before][-size:]
    return [name for name in names if name > after][:size]


def _summarize(butler: Butler, names: Iterable[str]) -> list[CollectionInfo]:
    """Look up which types of plots and images collections have."""
    wanted = list(names)
    if not wanted:
        return []
    shown = [each.name for each in butler.registry.queryDatasetTypes(...) if isShown(each)]
    infos = butler.collections.query_info(
        wanted, include_summary=True, include_doc=True, include_chains=True, summary_datasets=shown
    )
    # A name that holds a star finds others, too.
    found = {info.name: info for info in infos}
    return [found[name] for name in sorted(set(wanted)) if name in found]


def _describe(butler: Butler, names: Sequence[str]) -> tuple[CollectionRow, ...]:
    types = {each.name: each for each in butler.registry.queryDatasetTypes(...)}
    rows = []
    for info in _summarize(butler, names):
        own = [types[name] for name in info.dataset_types or () if name in types]
        rows.append(
            CollectionRow(
                name=info.name,
                type=info.type.name,
                doc=info.doc,
                nPlots=sum(map(isPlot, own)),
                nImages=sum(map(isImage, own)),
                hasCalibrations=info.type in (CollectionType.CALIBRATION, CollectionType.CHAINED),
            )
        )
    return tuple(rows)
