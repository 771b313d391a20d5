# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""One plot after the other, along a dimension."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from lsst.analysis.cp.navigator.browse.labels import labelDataId, summarize
from lsst.analysis.cp.navigator.browse.neighbours import Line, Neighbours, findSiblings
from lsst.analysis.cp.navigator.browse.ordered import OrderedSearch
from lsst.analysis.cp.navigator.browse.selection import SelectionError, readSelection
from lsst.analysis.cp.navigator.browse.types import BrowsedType, findType, listTypes
from lsst.analysis.cp.navigator.dependencies import OpenButler
from lsst.analysis.cp.navigator.rendering import address, render
from lsst.daf.butler import Butler, DatasetNotFoundError, DatasetRef

from .plots import givenSelection

__all__ = ["router"]

router = APIRouter()
"""Going through the plots of a type."""

_OTHERS = ("collection", "type", "along", "side", "end", "size")
"""Parameters that select nothing."""

_FIRST_CHOICES = ("exposure", "visit", "detector")
"""Dimensions that one goes along if it is not said, the first that there is."""

_IMPLIED = ("physical_filter",)
"""Dimensions that are said of a plot though they are no part of its data ID."""

_N_AHEAD = 24
"""Number of places that a page knows in advance on each side."""

Name = Annotated[str, Query(max_length=256)]
Side = Literal["both", "before", "after"]
End = Literal["first", "last"]


@dataclass(frozen=True)
class _Place:
    """Where one is.

    Parameters
    ----------
    collection
        The collection.
    given
        What is selected, as in the address.
    types
        The types of plots that the collection may hold.
    search
        Search of the plots that are selected.
    along
        Dimension along which one goes; empty if there is none.
    """

    collection: str
    given: Mapping[str, str]
    types: Sequence[BrowsedType]
    search: OrderedSearch
    along: str

    @classmethod
    def read(cls, request: Request, butler: Butler, collection: str, name: str, along: str) -> _Place:
        """Read it from an address."""
        types = listTypes(butler, collection)
        browsed = findType(types, name, collection)
        given = givenSelection(request, _OTHERS)
        search = OrderedSearch.make(browsed, readSelection(butler, given, browsed.governors))
        choices = _listDimensions(browsed)
        if along and along not in choices:
            raise SelectionError("along", f"{name} has no {along!r}; it has {', '.join(choices) or 'none'}.")
        first = [each for each in _FIRST_CHOICES if each in choices] or choices
        return cls(collection, given, types, search, along or next(iter(first), ""))

    @property
    def browsed(self) -> BrowsedType:
        """The type that is shown."""
        return self.search.browsed

    def findFirst(self, butler: Butler) -> DatasetRef:
        """Find the first plot that is selected."""
        found = self.search.findNext(butler, self.search.openDimensions, None, 1)
        if not found:
            raise self._miss("")
        return found[0]

    def look(self, butler: Butler, side: Side, end: End | None) -> Neighbours:
        """Find what is here and beside it, or at an end."""
        if self.search.openDimensions:
            raise SelectionError(self.search.openDimensions[0], f"say which {self.browsed.name} is meant.")
        if not self.along:
            here = self.search.findFirst(butler)
            return self._check(Neighbours((), here, (), isFirst=True, isLast=True))
        line = Line.through(self.search, self.along)
        value = self.search.selection.values[self.along]
        if end:
            at_end = line.findNext(butler, None, 1, backwards=end == "last")
            value = at_end[0].dataId[self.along] if at_end else value
        n_before, n_after = (0 if side == other else _N_AHEAD for other in ("after", "before"))
        return self._check(line.findNeighbours(butler, value, nBefore=n_before, nAfter=n_after))

    def _check(self, found: Neighbours) -> Neighbours:
        if found.here is None:
            nearest = [_label(each[0], self.along) for each in (found.before, found.after) if each]
            raise self._miss(f" The nearest are {', '.join(nearest)}." if nearest else "")
        return found

    def _miss(self, more: str) -> DatasetNotFoundError:
        chosen = ", ".join(f"{key} {text}" for key, text in self.given.items()) or "any data ID"
        wanted = f"{self.browsed.name} of {chosen}"
        return DatasetNotFoundError(f"There is no {wanted} in {self.collection}.{more}")

    def describe(self, found: Neighbours) -> dict[str, Any]:
        """Describe what was found for scripts of the page. Numbers are text, so that they keep all digits."""
        assert found.here is not None
        return {
            "query": {"collection": self.collection, **self.given},
            "type": self.browsed.name,
            "title": _titleOf(self.browsed),
            "along": self.along,
            "alongs": _listDimensions(self.browsed),
            "before": [self._describeOne(ref) for ref in found.before],
            "here": self._describeOne(found.here),
            "after": [self._describeOne(ref) for ref in found.after],
            "isFirst": found.isFirst,
            "isLast": found.isLast,
        }

    def _describeOne(self, ref: DatasetRef) -> dict[str, Any]:
        filters = [(each, str(ref.dataId[each])) for each in _IMPLIED if each in ref.dimensions.implied]
        return {
            "id": str(ref.id),
            "dataId": {key: str(value) for key, value in ref.dataId.required.items()},
            "text": summarize(ref, {"instrument"}) or str(ref.dataId.get("instrument", "")),
            "label": _label(ref, self.along),
            "facts": [*((label.key, label.text) for label in labelDataId(ref)), *filters],
            "run": ref.run,
            "address": self.write(ref),
            "page": address(f"/dataset/{ref.id}", collection=self.collection),
            "compare": self._writeComparison(ref),
            "picture": address(f"/dataset/{ref.id}/picture"),
            "thumbnail": address(f"/dataset/{ref.id}/thumbnail"),
        }

    def _writeComparison(self, ref: DatasetRef) -> str:
        """Write the address of a page with the plots of the line beside those of another collection."""
        kept = {key: str(value) for key, value in ref.dataId.required.items() if key != self.along}
        return address("/compare", left=self.collection, type=self.browsed.name, **kept)

    def write(self, ref: DatasetRef, **more: str) -> str:
        """Write the address of the page that shows one of the plots."""
        query = {**self.given, **{key: str(value) for key, value in ref.dataId.required.items()}, **more}
        name = self.browsed.name
        return address("/flip", collection=self.collection, type=name, along=self.along, **query)


@router.get("/flip")
def showPlot(
    request: Request, butler: OpenButler, collection: Name, type: Name, along: Name = "", size: Name = ""
) -> Response:
    """Show one plot, and what lets one go to others; where it is not said which, the first."""
    place = _Place.read(request, butler, collection, type, along)
    if place.search.openDimensions:
        return RedirectResponse(place.write(place.findFirst(butler), size=size), 302)
    line = place.describe(place.look(butler, "both", None))
    dimensions = place.browsed.datasetType.dimensions
    alike = [each for each in place.types if each.datasetType.dimensions == dimensions]
    return render(
        request,
        "flip.jinja",
        line=line,
        text=json.dumps(line),
        collection=collection,
        types=[(each.name, _titleOf(each)) for each in alike],
    )


@router.get("/flip/line")
def showLine(
    request: Request,
    butler: OpenButler,
    collection: Name,
    type: Name,
    along: Name = "",
    side: Side = "both",
    end: End | None = None,
) -> JSONResponse:
    """Tell what is beside a plot, or at an end."""
    place = _Place.read(request, butler, collection, type, along)
    return JSONResponse(place.describe(place.look(butler, side, end)))


@router.get("/flip/types")
def showTypes(request: Request, butler: OpenButler, collection: Name, type: Name) -> JSONResponse:
    """Tell of which types there are plots of the data ID of one."""
    place = _Place.read(request, butler, collection, type, "")
    here = place.search.findFirst(butler)
    siblings = [] if here is None else findSiblings(butler, place.types, here)
    return JSONResponse({"types": [ref.datasetType.name for ref in siblings]})


def _titleOf(browsed: BrowsedType) -> str:
    """Write what a type shows, with the product that it is of."""
    return browsed.title if browsed.title == browsed.group else f"{browsed.group}: {browsed.title}"


def _listDimensions(browsed: BrowsedType) -> list[str]:
    """List the dimensions that one can go along."""
    return [each for each in browsed.dimensions if each not in browsed.datasetType.dimensions.governors]


def _label(ref: DatasetRef, along: str) -> str:
    """Write in what a dataset differs from its neighbours."""
    others = set(ref.dimensions.required) - {along}
    return summarize(ref, others).partition(" ")[2] or summarize(ref) or ref.run
