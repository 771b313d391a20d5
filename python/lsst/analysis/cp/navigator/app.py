# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The server as a whole: its routes, and what holds for all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from .guard import Guard, HostNames
from .pictures.thumbnails import PictureStore
from .problems import addProblemPages
from .reportFiles import ReportFiles
from .routes import calibrations, compare, datasets, flip, home, plots, viewer
from .tiles.amplifiers import Cameras
from .tiles.readers import OpenPyramids

if TYPE_CHECKING:
    from .repository import Repository

__all__ = ["makeApp"]

ROUTERS = (
    home.router,
    plots.router,
    datasets.router,
    flip.router,
    compare.router,
    calibrations.router,
    viewer.router,
)
"""All routes. None of them writes anything."""

_STATIC = {"/static/report": "lsst.analysis.cp.report", "/static": "lsst.analysis.cp.navigator"}
"""Packages whose folders ``static`` are served, by the paths at which they are."""


def makeApp(
    repository: Repository, reportFolder: Path | None = None, *, hosts: HostNames | None = None
) -> FastAPI:
    """Make the server of a repository.

    Parameters
    ----------
    repository
        The repository.
    reportFolder
        Folder with the report of a run, which is served, too.
    hosts
        Names by which browsers may call the server; by default those of this machine for itself.

    Returns
    -------
    app
        The server, for uvicorn or another that knows ASGI. It closes the repository in the end.

    Raises
    ------
    FileNotFoundError
        Raised if there is no report in the folder.
    """

    @asynccontextmanager
    async def live(app: FastAPI) -> AsyncIterator[None]:
        yield
        app.state.pyramids.close()
        repository.close()

    app = FastAPI(title="analysis_cp", openapi_url=None, lifespan=live)
    app.state.repository = repository
    app.state.pictures = PictureStore()
    app.state.hasReport = reportFolder is not None
    app.state.pyramids = OpenPyramids()
    app.state.cameras = Cameras()
    addProblemPages(app)
    for router in ROUTERS:
        app.include_router(router)
    for path, package in _STATIC.items():
        app.mount(path, StaticFiles(packages=[(package, "static")]))
    if reportFolder is not None:
        app.mount("/report", ReportFiles(reportFolder))
    app.add_middleware(Guard, hosts=hosts or HostNames())
    return app
