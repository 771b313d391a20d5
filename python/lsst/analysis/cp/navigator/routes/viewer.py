# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The viewer of pyramids: its page, and the pixels and facts that it shows."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from lsst.analysis.cp.core.pyramid import PyramidFileError, PyramidReader
from lsst.analysis.cp.core.pyramid.index import MOSAIC
from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.navigator.dependencies import OpenButler, getRepository
from lsst.analysis.cp.navigator.rendering import render
from lsst.analysis.cp.navigator.tiles.amplifiers import AmplifierBoxes, Cameras
from lsst.analysis.cp.navigator.tiles.colours import colourTables
from lsst.analysis.cp.navigator.tiles.facts import PyramidFacts, describePyramid
from lsst.analysis.cp.navigator.tiles.findings import Findings, readFindings
from lsst.analysis.cp.navigator.tiles.readers import OpenPyramids, PyramidPlace, findPyramid, placePyramid
from lsst.analysis.cp.navigator.tiles.related import (
    OtherPyramid,
    Others,
    findOthers,
    listOthers,
    searchedBy,
)
from lsst.daf.butler import Butler, DatasetRef

__all__ = ["router"]

router = APIRouter()
"""The viewer of pyramids, and what it reads."""

Collection = Annotated[str | None, Query(max_length=512)]
DetectorNumber = Annotated[int, Path(ge=MOSAIC, lt=2**31)]
Count = Annotated[int, Path(ge=0, lt=2**31)]
LargeNumber = Annotated[int | None, Query(ge=0, lt=2**63)]

_FOREVER = "private, max-age=31536000, immutable"
"""How long browsers keep pixels: a dataset never changes."""


@router.get("/view/{uuid}")
def showViewer(
    request: Request, butler: OpenButler, uuid: UUID, collection: Collection = None
) -> HTMLResponse:
    """Show the viewer of a pyramid."""
    ref = findPyramid(butler, uuid)
    searched = searchedBy(butler, ref, collection)
    return render(
        request,
        "viewer.jinja",
        uuid=str(uuid),
        name=nameDataset(ref),
        collection=collection or "",
        searched=searched[-1],
    )


@router.get("/pyramid/colours")
def sendColours() -> JSONResponse:
    """Send the tables of colours."""
    return JSONResponse(colourTables(), headers={"Cache-Control": "private, max-age=3600"})


@router.get("/pyramid/{uuid}")
def sendFacts(request: Request, butler: OpenButler, uuid: UUID) -> PyramidFacts:
    """Send what is in a pyramid."""
    ref = findPyramid(butler, uuid)
    with _openPyramid(request, uuid) as reader:
        return describePyramid(reader, ref)


@router.get("/pyramid/{uuid}/amplifiers")
def sendAmplifiers(
    request: Request, butler: OpenButler, uuid: UUID, collection: Collection = None
) -> tuple[AmplifierBoxes, ...]:
    """Send where the amplifiers of the camera are."""
    ref, searched = _findIn(butler, uuid, collection)
    cameras: Cameras = request.app.state.cameras
    try:
        return cameras.amplifiers(butler, str(ref.dataId["instrument"]), searched)
    except LookupError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error


@router.get("/pyramid/{uuid}/findings")
def sendFindings(butler: OpenButler, uuid: UUID, collection: Collection = None) -> Findings:
    """Send the amplifiers that failed, and the structures."""
    return readFindings(butler, *_findIn(butler, uuid, collection))


@router.get("/pyramid/{uuid}/others")
def sendOthers(butler: OpenButler, uuid: UUID, collection: Collection = None) -> Others:
    """Send the pyramids of the exposures before and after, and of the combined calibration."""
    return findOthers(butler, *_findIn(butler, uuid, collection))


@router.get("/pyramid/{uuid}/list")
def sendList(
    butler: OpenButler,
    uuid: UUID,
    collection: Collection = None,
    day_obs: LargeNumber = None,
    after: LargeNumber = None,
) -> tuple[OtherPyramid, ...]:
    """Send pyramids of the same type, page by page."""
    ref, searched = _findIn(butler, uuid, collection)
    return listOthers(butler, ref, searched, day=day_obs, after=after)


@router.get("/pyramid/{uuid}/tile/{detector}/{plane}/{factor}/{row}/{column}")
def sendTile(
    request: Request,
    uuid: UUID,
    detector: DetectorNumber,
    plane: str,
    factor: Count,
    row: Count,
    column: Count,
) -> Response:
    """Send the pixels of a tile as they are stored: row by row, four bytes each, the lowest byte first."""
    tag = f'"{uuid}/{detector}/{plane}/{factor}/{row}/{column}"'
    headers = {"Cache-Control": _FOREVER, "ETag": tag, "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    with _openPyramid(request, uuid) as reader:
        pixels = reader.readTile(detector, plane, factor, row, column)
    headers["X-Tile-Shape"] = f"{pixels.shape[0]},{pixels.shape[1]}"
    content = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()
    # Masks shrink to a hundredth in a millisecond; noise hardly does, and takes longer than to be read.
    if plane == "mask" and "gzip" in request.headers.get("accept-encoding", ""):
        content = gzip.compress(content, compresslevel=1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Response(content, media_type="application/octet-stream", headers=headers)


def _findIn(butler: Butler, uuid: UUID, collection: str | None) -> tuple[DatasetRef, tuple[str, ...]]:
    """Find a pyramid, and where to search for what belongs to it."""
    ref = findPyramid(butler, uuid)
    return ref, searchedBy(butler, ref, collection)


@contextmanager
def _openPyramid(request: Request, uuid: UUID) -> Iterator[PyramidReader]:
    """Get a reader; what is wrong with the file, or not in it, becomes an answer in words."""

    def locate() -> PyramidPlace:
        with getRepository(request).open() as butler:
            return placePyramid(butler, uuid)

    pyramids: OpenPyramids = request.app.state.pyramids
    try:
        with pyramids.open(uuid, locate) as reader:
            yield reader
    except PyramidFileError as error:
        raise HTTPException(HTTPStatus.BAD_GATEWAY, str(error)) from error
    except ValueError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error
    except OSError as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"The file cannot be read: {error}") from error
