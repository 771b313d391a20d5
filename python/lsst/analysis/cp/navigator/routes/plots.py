# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Lists of the plots and images of a collection: their types, and the datasets of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from lsst.analysis.cp.navigator.browse.choices import Choice, offerChoices
from lsst.analysis.cp.navigator.browse.labels import summarize
from lsst.analysis.cp.navigator.browse.paging import findPage, queryInOrder, readKey, writeKey
from lsst.analysis.cp.navigator.browse.selection import RAFT, Selection, readSelection
from lsst.analysis.cp.navigator.browse.types import (
    BrowsedType,
    findType,
    isImage,
    isPlot,
    isPyramid,
    isShown,
    listTypes,
)
from lsst.analysis.cp.navigator.dependencies import OpenButler
from lsst.analysis.cp.navigator.rendering import address, render
from lsst.daf.butler import Butler, DatasetType

from .drawing import drawText

__all__ = ["givenSelection", "router"]

router = APIRouter()
"""Lists of plots and images."""

_FIRST_KEYS = ("instrument", "physical_filter", "day_obs", "exposure", "visit", RAFT, "detector")
"""Keys that people are asked for where no type is chosen."""

Name = Annotated[str, Query(max_length=256)]
Cursor = Annotated[str, Query(max_length=1024)]


@dataclass(frozen=True)
class _Family:
    """What a list is of: its name in the address and in text, and the dataset types."""

    path: str
    noun: str
    includes: Callable[[DatasetType], bool]


_PLOTS = _Family("/plots", "plots", isPlot)
_IMAGES = _Family("/images", "images", isImage)


def givenSelection(request: Request, others: Sequence[str]) -> dict[str, str]:
    """Take the keys of a selection from an address.

    Parameters
    ----------
    request
        The request.
    others
        Parameters of the page that are no keys.

    Returns
    -------
    given
        Values by key, as they are written.
    """
    return {key: value for key, value in request.query_params.items() if key not in others}


@router.get("/plots")
def showPlots(
    request: Request,
    butler: OpenButler,
    collection: Name,
    type: Name = "",
    after: Cursor = "",
    before: Cursor = "",
) -> HTMLResponse:
    """Show the types of plots of a collection, or the plots of one type."""
    return _show(request, butler, _PLOTS, collection, type, after, before)


@router.get("/images")
def showImages(
    request: Request,
    butler: OpenButler,
    collection: Name,
    type: Name = "",
    after: Cursor = "",
    before: Cursor = "",
) -> HTMLResponse:
    """Show the types of images of a collection, or the images of one type."""
    return _show(request, butler, _IMAGES, collection, type, after, before)


@router.get("/sample")
def showSample(request: Request, butler: OpenButler, collection: Name, type: Name) -> Response:
    """Show the thumbnail of the first dataset of a type that is selected."""
    types = listTypes(butler, collection, isShown)
    browsed = findType(types, type, collection)
    selection = readSelection(butler, givenSelection(request, ("collection", "type")), browsed.governors)
    first = next(queryInOrder(butler, browsed, selection, size=1), None)
    if first is None:
        return drawText("none selected")
    return RedirectResponse(f"/dataset/{first.id}/thumbnail", 302)


@router.get("/choices")
def offer(request: Request, butler: OpenButler, collection: Name, type: Name = "") -> JSONResponse:
    """List values that can be selected: of a type, or of the first type that has exposures."""
    types = listTypes(butler, collection, isShown)
    of_exposures = (each for each in types if "exposure" in each.dimensions)
    browsed = findType(types, type, collection) if type else next(of_exposures, next(iter(types), None))
    choices: list[Choice] = []
    if browsed is not None:
        given = givenSelection(request, ("collection", "type"))
        selection = readSelection(butler, given, browsed.governors)
        choices = offerChoices(butler, browsed, selection)
    return JSONResponse(
        {
            choice.key: {
                "options": [[option.value, option.label] for option in choice.options],
                "note": choice.note,
            }
            for choice in choices
        }
    )


def _show(
    request: Request, butler: Butler, family: _Family, collection: str, name: str, after: str, before: str
) -> HTMLResponse:
    types = listTypes(butler, collection, family.includes)
    given = givenSelection(request, ("collection", "type", "after", "before"))
    governors = types[0].governors if types else {}
    selection = readSelection(butler, given, governors) if types else Selection()
    context: dict[str, Any] = {
        "family": family,
        "collection": collection,
        "instruments": governors.get("instrument", ()),
        "selection": selection,
    }
    if name:
        browsed = findType(types, name, collection)
        return _showDatasets(request, butler, browsed, context, after, before)
    groups = [
        (title, [(each, selection.lacking(each.datasetType.dimensions)) for each in members])
        for title, members in groupby(types, key=lambda each: each.group)
    ]
    keys = _FIRST_KEYS if types else ()
    return render(request, "types.jinja", groups=groups, keys=keys, nTypes=len(types), **context)


def _showDatasets(
    request: Request,
    butler: Butler,
    browsed: BrowsedType,
    context: Mapping[str, Any],
    after: str,
    before: str,
) -> HTMLResponse:
    selection: Selection = context["selection"]
    page = findPage(
        butler, browsed, selection, after=readKey(browsed, after), before=readKey(browsed, before)
    )
    fixed = {key for key in selection.values if key != "instrument"}
    if len(browsed.governors.get("instrument", ())) == 1 or "instrument" in selection.values:
        fixed.add("instrument")
    tiles = [
        (ref, summarize(ref, fixed) or summarize(ref, {"instrument"}) or "whole run") for ref in page.refs
    ]
    names = browsed.datasetType.dimensions.names
    keys = [key for key in _FIRST_KEYS if (("detector" if key == RAFT else key) in names)]
    keys += [key for key in browsed.dimensions if key not in keys]
    return render(
        request,
        "datasets.jinja",
        browsed=browsed,
        tiles=tiles,
        keys=keys,
        lacking=selection.lacking(browsed.datasetType.dimensions),
        before=writeKey(page.before),
        after=writeKey(page.after),
        isFirst=not (after or before),
        target=_target(browsed, context["collection"]),
        **context,
    )


def _target(browsed: BrowsedType, collection: str) -> Callable[[object], str]:
    """Return what writes the address of a dataset: pyramids have a viewer."""
    if isPyramid(browsed.datasetType):
        return lambda number: address(f"/view/{number}", collection=collection)
    return lambda number: address(f"/dataset/{number}", collection=collection)
