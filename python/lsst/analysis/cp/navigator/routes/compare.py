# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The plots of two collections side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from lsst.analysis.cp.navigator.browse.collections import findCollections
from lsst.analysis.cp.navigator.browse.labels import labelDataId
from lsst.analysis.cp.navigator.browse.neighbours import Line
from lsst.analysis.cp.navigator.browse.ordered import OrderedSearch, readPlace, writePlace
from lsst.analysis.cp.navigator.browse.pairs import Pair, Pairing, PairPage
from lsst.analysis.cp.navigator.browse.selection import RAFT, SelectionError, readSelection
from lsst.analysis.cp.navigator.browse.types import BrowsedType, findType, listTypes
from lsst.analysis.cp.navigator.dependencies import OpenButler
from lsst.analysis.cp.navigator.rendering import address, render
from lsst.daf.butler import Butler, ButlerUserError, DatasetRef

from .plots import givenSelection

__all__ = ["router"]

router = APIRouter()
"""Two collections side by side."""

_N_PAIRS = 6
"""Number of pairs of a page: two pictures each, as they are stored."""

_SIDES = ("left", "right")
_OTHERS = (*_SIDES, "type", "rightType", "own", "after", "before", "blink")
"""Parameters that select nothing."""

_KEYS = ("instrument", "physical_filter", "day_obs", "exposure", "visit", RAFT, "detector")
_OWN = ("exposure", "visit", "physical_filter", "detector")
"""Dimensions of which each side may have a value of its own, in the order in which they are offered."""

Name = Annotated[str, Query(max_length=256)]
Cursor = Annotated[str, Query(max_length=1024)]


@dataclass(frozen=True)
class _Asked:
    """What an address asks for.

    Parameters
    ----------
    collections, types
        Names of the collections and dataset types of the two sides.
    shared
        What is selected on both sides.
    own
        What is selected on each side: values by dimension, the same dimensions on both. They may be empty.
    """

    collections: tuple[str, str]
    types: tuple[str, str]
    shared: Mapping[str, str]
    own: tuple[Mapping[str, str], Mapping[str, str]]

    @classmethod
    def read(cls, request: Request, collections: tuple[str, str], types: tuple[str, str], own: str) -> _Asked:
        """Read it. What each side has of its own is called as in ``left.exposure``."""
        given = givenSelection(request, _OTHERS)
        keys = {key.partition(".")[2] for key in given if key.partition(".")[0] in _SIDES} | {own}
        left, right = (
            {key: given.get(f"{side}.{key}", "") for key in sorted(keys) if key} for side in _SIDES
        )
        shared = {key: text for key, text in given.items() if "." not in key and key not in keys}
        return cls(collections, types, shared, (left, right))

    def write(self, **changes: str) -> dict[str, str]:
        """Write the parameters of the address."""
        query = dict(zip(_SIDES, self.collections, strict=True)) | {"type": self.types[0]}
        if self.types[1] != self.types[0]:
            query["rightType"] = self.types[1]
        for side, values in zip(_SIDES, self.own, strict=True):
            query |= {f"{side}.{key}": text for key, text in values.items()}
        return {**query, **self.shared, **changes}


@dataclass(frozen=True)
class _OwnValue:
    """What a side has of its own, with addresses of the page with the values before and after it."""

    key: str
    value: str
    previous: str
    next: str


@dataclass(frozen=True)
class _Side:
    """One side of the page, for its head: which it is, where it is from, and what it shows."""

    word: str
    collection: str
    type: str
    title: str
    own: Sequence[_OwnValue]


@router.get("/compare")
def showPairs(
    request: Request,
    butler: OpenButler,
    left: Name = "",
    right: Name = "",
    type: Name = "",
    rightType: Name = "",
    own: Name = "",
    after: Cursor = "",
    before: Cursor = "",
) -> Response:
    """Show pairs of plots, and ask for what is not known yet."""
    asked = _Asked.read(request, (left, right), (type, rightType or type), own)
    context = _describeForm(butler, asked, own)
    if not (left and right and type):
        return render(request, "compare.jinja", **context)
    try:
        searches = [_makeSearch(butler, asked, i) for i in range(2)]
        _checkKeys(asked, searches)
        if missing := _chooseOwn(butler, asked, searches):
            kept = {"blink": request.query_params.get("blink", "")}
            return RedirectResponse(address("/compare", **asked.write(**missing, **kept)), 302)
        pairing = Pairing(*searches)
        place = readPlace(butler.dimensions, pairing.order, before or after) if before or after else None
        page = pairing.findPage(butler, place, _N_PAIRS, backwards=bool(before))
        context |= _describePage(butler, asked, pairing, page)
    except (SelectionError, ButlerUserError) as error:
        context |= {"status": HTTPStatus.BAD_REQUEST, "problem": str(error)}
    return render(request, "compare.jinja", **context)


def _makeSearch(butler: Butler, asked: _Asked, i: int) -> OrderedSearch:
    """Make the search of a side. Of what is selected on both, a type takes what it has."""
    browsed = _findType(butler, asked, i)
    names = browsed.datasetType.dimensions.names
    shared = {
        key: text for key, text in asked.shared.items() if ("detector" if key == RAFT else key) in names
    }
    return OrderedSearch.make(browsed, readSelection(butler, {**shared, **asked.own[i]}, browsed.governors))


def _findType(butler: Butler, asked: _Asked, i: int) -> BrowsedType:
    collection = asked.collections[i]
    return findType(listTypes(butler, collection), asked.types[i], collection)


def _checkKeys(asked: _Asked, searches: Sequence[OrderedSearch]) -> None:
    """Refuse what selects nothing on either side."""
    known = {name for search in searches for name in search.browsed.datasetType.dimensions.names}
    chosen = [key for key, text in asked.shared.items() if text.strip()]
    for key in (*chosen, *asked.own[0]):
        if ("detector" if key == RAFT else key) not in known:
            raise SelectionError(key[:80], "the plots of neither side have this dimension.")


def _chooseOwn(butler: Butler, asked: _Asked, searches: Sequence[OrderedSearch]) -> dict[str, str]:
    """Choose for each side what it has of its own and is not said: that of its first plot."""
    chosen: dict[str, str] = {}
    for side, search, own in zip(_SIDES, searches, asked.own, strict=True):
        lacking = [key for key, value in own.items() if not value and key in search.openDimensions]
        first = search.findNext(butler, search.openDimensions, None, 1) if lacking else []
        chosen |= {f"{side}.{key}": str(first[0].dataId[key]) for key in lacking if first}
    return chosen


def _describeForm(butler: Butler, asked: _Asked, own: str) -> dict[str, Any]:
    """Describe what is asked for and offered."""
    types: list[BrowsedType] = []
    problem = ""
    for collection in filter(None, asked.collections):
        try:
            types += listTypes(butler, collection)
        except ButlerUserError as error:
            problem = str(error)
    by_name = {each.name: each for each in types}
    chosen = [by_name[name] for name in asked.types if name in by_name]
    names = {name for each in chosen for name in each.datasetType.dimensions.names}
    keys = [key for key in _KEYS if ("detector" if key == RAFT else key) in names]
    return {
        "asked": asked,
        "query": asked.write(),
        "types": list(by_name.values()),
        "keys": [key for key in keys if key not in asked.own[0]],
        "owns": [key for key in _OWN if key in names],
        "ownKey": own or next(iter(asked.own[0]), ""),
        "collections": [row.name for row in findCollections(butler, isShownOnly=True).rows],
        "problem": problem,
        "pairs": None,
    }


def _describePage(butler: Butler, asked: _Asked, pairing: Pairing, page: PairPage) -> dict[str, Any]:
    """Describe the pairs of a page."""
    pairs = page.pairs
    places = [tuple(pair.dataId.values()) for pair in pairs]
    link = {
        "before": "" if page.isFirst or not pairs else writePlace(places[0]),
        "after": "" if page.isLast or not pairs else writePlace(places[-1]),
    }
    return {
        "pairs": [(pair, _label(pair), writePlace(place)) for pair, place in zip(pairs, places, strict=True)],
        "order": pairing.order,
        "isStart": page.isFirst and page.isLast,
        "sides": [_describeSide(butler, asked, pairing, pairs, i) for i in range(2)],
        **link,
    }


def _label(pair: Pair) -> str:
    """Write what pairs two plots."""
    ref = pair.left or pair.right
    assert ref is not None
    others = set(ref.dimensions.required) - set(pair.dataId)
    return ", ".join(f"{label.key} {label.text}" for label in labelDataId(ref, others)) or "the only plot"


def _describeSide(butler: Butler, asked: _Asked, pairing: Pairing, pairs: Sequence[Pair], i: int) -> _Side:
    search = (pairing.left, pairing.right)[i]
    refs = (pair.right if i else pair.left for pair in pairs)
    ref = next((each for each in refs if each is not None), None)
    own = []
    for key, value in asked.own[i].items():
        steps = (_findStep(butler, search, ref, key, backwards=backwards) for backwards in (True, False))
        queries = (asked.write(**{f"{_SIDES[i]}.{key}": step}) if step else None for step in steps)
        own.append(
            _OwnValue(key, value, *(address("/compare", **query) if query else "" for query in queries))
        )
    return _Side(_SIDES[i], asked.collections[i], search.browsed.name, search.browsed.title, own)


def _findStep(
    butler: Butler, search: OrderedSearch, ref: DatasetRef | None, key: str, *, backwards: bool
) -> str:
    """Find the next value of a dimension after that of a dataset, or before; empty if there is none."""
    if ref is None or key not in search.browsed.dimensions:
        return ""
    line = Line.through(search.select(dict(ref.dataId.required)), key)
    found = line.findNext(butler, ref.dataId[key], 1, backwards=backwards)
    return str(found[0].dataId[key]) if found else ""
