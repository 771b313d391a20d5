# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page of one dataset, and its pictures. Their addresses stay as long as the dataset."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.navigator.browse.labels import labelDataId, summarize
from lsst.analysis.cp.navigator.browse.types import BrowsedType, isOfRafts, isPlot, isPyramid, isShown
from lsst.analysis.cp.navigator.dependencies import OpenButler, Pictures
from lsst.analysis.cp.navigator.pictures.provenance import Provenance, readProvenance
from lsst.analysis.cp.navigator.pictures.stored import LostFileError, UnusablePictureError, readStored
from lsst.analysis.cp.navigator.rendering import render
from lsst.analysis.cp.navigator.tiles.related import findOfExposure, searchedBy
from lsst.daf.butler import Butler, DatasetRef, MissingCollectionError

from .drawing import drawText

__all__ = ["findShown", "router"]

router = APIRouter()
"""Pages and pictures of datasets."""

# The datasets of a Butler never change.
_FOR_EVER = "private, max-age=31536000, immutable"


def findShown(butler: Butler, number: UUID) -> DatasetRef:
    """Find a plot or an image.

    Parameters
    ----------
    butler
        The repository.
    number
        Id of the dataset.

    Returns
    -------
    ref
        The dataset, with its dimension records.

    Raises
    ------
    starlette.exceptions.HTTPException
        Raised, with the status 404, if there is no such dataset, or it is of another kind.
    """
    ref = butler.get_dataset(number, dimension_records=True)
    if ref is None:
        raise HTTPException(
            404, f"There is no dataset {number}. It may have been removed from the repository."
        )
    if not isShown(ref.datasetType):
        raise HTTPException(404, f"{nameDataset(ref)} is neither a plot nor an image.")
    return ref


@router.get("/dataset/{number}")
def showDataset(
    request: Request,
    butler: OpenButler,
    number: UUID,
    collection: Annotated[str, Query(max_length=256)] = "",
) -> HTMLResponse:
    """Show a dataset: its picture, what it is, and where it comes from."""
    ref = findShown(butler, number)
    browsed = BrowsedType(ref.datasetType, (), {})
    provenance, problem = Provenance(), ""
    if isPlot(ref.datasetType):
        try:
            provenance = readProvenance(readStored(butler, ref))
        except (LostFileError, UnusablePictureError) as error:
            problem = str(error)
    return render(
        request,
        "dataset.jinja",
        ref=ref,
        title=browsed.title,
        group=browsed.group,
        summary=summarize(ref, {"instrument"}),
        labels=labelDataId(ref),
        governors={key: ref.dataId[key] for key in ref.dimensions.governors},
        implied={key: ref.dataId[key] for key in ref.dimensions.implied},
        provenance=provenance,
        isShown=isShown,
        problem=problem,
        collection=collection or ref.run,
        isPlot=isPlot(ref.datasetType),
        isPyramid=isPyramid(ref.datasetType),
        pixels=_findPixels(butler, ref, collection),
        detector=None if isOfRafts(ref.datasetType) else ref.dataId.get("detector"),
    )


def _findPixels(butler: Butler, ref: DatasetRef, collection: str) -> DatasetRef | None:
    """Find the image of the exposure that a plot is of, where the viewer can show it."""
    if not isPlot(ref.datasetType):
        return None
    try:
        return findOfExposure(butler, ref, searchedBy(butler, ref, collection))
    except MissingCollectionError:
        # The page stays, even if the collection that it was found in does not.
        return None


@router.get("/dataset/{number}/picture")
def sendPicture(request: Request, butler: OpenButler, pictures: Pictures, number: UUID) -> Response:
    """Send a plot as it is stored, or the picture of an image."""
    if answer := _answerKnown(request, number):
        return answer
    ref = findShown(butler, number)
    content = readStored(butler, ref).png if isPlot(ref.datasetType) else pictures.makeImage(butler, ref)
    return _send(content, "image/png", number)


@router.get("/dataset/{number}/thumbnail")
def sendThumbnail(request: Request, butler: OpenButler, pictures: Pictures, number: UUID) -> Response:
    """Send a small picture of a dataset; where there is none, one that says why."""
    if answer := _answerKnown(request, number):
        return answer
    try:
        return _send(pictures.makeThumbnail(butler, findShown(butler, number)), "image/webp", number)
    except (LostFileError, HTTPException) as error:
        return drawText(error.detail if isinstance(error, HTTPException) else str(error), 404)
    except UnusablePictureError as error:
        return drawText(str(error), 422)


def _answerKnown(request: Request, number: UUID) -> Response | None:
    """Answer a browser that has the picture: it is the same."""
    tags = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if f'"{number}"' in tags:
        return Response(status_code=304, headers=_headers(number))
    return None


def _send(content: bytes, mediaType: str, number: UUID) -> Response:
    return Response(content, media_type=mediaType, headers=_headers(number))


def _headers(number: UUID) -> dict[str, str]:
    return {"ETag": f'"{number}"', "Cache-Control": _FOR_EVER}
