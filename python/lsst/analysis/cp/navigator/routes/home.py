# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The first page."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from lsst.analysis.cp.navigator.dependencies import OpenButler
from lsst.analysis.cp.navigator.rendering import render

__all__ = ["router"]

router = APIRouter()


@router.get("/")
def showHome(request: Request, butler: OpenButler) -> HTMLResponse:
    """Show the collections of the repository."""
    return render(request, "home.jinja", collections=sorted(butler.collections.query("*"))[:100])
