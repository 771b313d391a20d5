# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The first page: the collections of the repository."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from lsst.analysis.cp.navigator.browse.collections import findCollections
from lsst.analysis.cp.navigator.dependencies import OpenButler
from lsst.analysis.cp.navigator.rendering import render
from lsst.daf.butler import CollectionType

__all__ = ["router"]

router = APIRouter()
"""The list of collections."""

Text = Annotated[str, Query(max_length=256)]


@router.get("/")
def showHome(
    request: Request,
    butler: OpenButler,
    pattern: Text = "",
    kind: Text = "",
    shown: Text = "",
    after: Text = "",
    before: Text = "",
) -> HTMLResponse:
    """Show the collections of the repository."""
    page = findCollections(
        butler, pattern=pattern, kind=kind, isShownOnly=bool(shown), after=after, before=before
    )
    return render(
        request,
        "home.jinja",
        page=page,
        given={"pattern": pattern, "kind": kind, "shown": shown},
        kinds=list(CollectionType.__members__),
    )


@router.get("/favicon.ico")
def sendIcon() -> Response:
    """Send nothing to browsers that ask for an icon of a picture: pages name theirs."""
    return Response(status_code=204, headers={"Cache-Control": "max-age=86400"})
