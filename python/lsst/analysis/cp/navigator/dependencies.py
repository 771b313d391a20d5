# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What routes are given by the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request

from lsst.daf.butler import Butler

from .pictures.thumbnails import PictureStore
from .repository import Repository

__all__ = ["OpenButler", "Pictures", "getPictures", "getRepository", "openButler"]


def getRepository(request: Request) -> Repository:
    """Get the repository that the server shows."""
    repository: Repository = request.app.state.repository
    return repository


def openButler(request: Request) -> Iterator[Butler]:
    """Make a Butler that lives as long as a request."""
    with getRepository(request).open() as butler:
        yield butler


OpenButler = Annotated[Butler, Depends(openButler)]
"""A Butler of its own for each request: no Butler may be used by two threads at a time."""


def getPictures(request: Request) -> PictureStore:
    """Get what makes pictures of datasets."""
    pictures: PictureStore = request.app.state.pictures
    return pictures


Pictures = Annotated[PictureStore, Depends(getPictures)]
"""What makes pictures of datasets, and keeps them."""
