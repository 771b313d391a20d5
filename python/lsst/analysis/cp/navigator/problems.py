# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages that say what is wrong."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from lsst.daf.butler import (
    ButlerUserError,
    DatasetNotFoundError,
    MissingCollectionError,
    MissingDatasetTypeError,
)

from .browse.selection import SelectionError
from .browse.timeline import TooManyError
from .pictures.stored import LostFileError, UnusablePictureError
from .rendering import render

__all__ = ["addProblemPages"]

_LOG = logging.getLogger(__name__)

_ABSENT = (DatasetNotFoundError, MissingCollectionError, MissingDatasetTypeError)


def addProblemPages(app: FastAPI) -> None:
    """Let a server explain errors: what a user can do about them, and never how its code came there."""
    app.add_exception_handler(HTTPException, _explainStatus)
    app.add_exception_handler(RequestValidationError, _explainParameters)
    app.add_exception_handler(ButlerUserError, _explainButler)
    app.add_exception_handler(SelectionError, _explainSelection)
    app.add_exception_handler(TooManyError, _explainSelection)
    app.add_exception_handler(LostFileError, _explainPicture)
    app.add_exception_handler(UnusablePictureError, _explainPicture)
    app.add_exception_handler(SQLAlchemyError, _explainDatabase)
    app.add_exception_handler(Exception, _explainBug)


def _explain(request: Request, status: int, text: str) -> Response:
    """Say what is wrong: to people in a page, to programs in JSON."""
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": text}, status_code=status)
    title = HTTPStatus(status).phrase
    return render(request, "problem.jinja", status=status, title=title, text=text)


def _explainStatus(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _explain(request, error.status_code, error.detail)


def _explainParameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [f"{'.'.join(str(part) for part in one['loc'][1:])}: {one['msg']}" for one in error.errors()]
    return _explain(request, HTTPStatus.BAD_REQUEST, "; ".join(problems))


def _explainButler(request: Request, error: Exception) -> Response:
    status = HTTPStatus.NOT_FOUND if isinstance(error, _ABSENT) else HTTPStatus.BAD_REQUEST
    return _explain(request, status, str(error))


def _explainSelection(request: Request, error: Exception) -> Response:
    return _explain(request, HTTPStatus.BAD_REQUEST, str(error))


def _explainPicture(request: Request, error: Exception) -> Response:
    is_lost = isinstance(error, LostFileError)
    status = HTTPStatus.NOT_FOUND if is_lost else 422
    return _explain(request, status, str(error))


def _explainDatabase(request: Request, error: Exception) -> Response:
    # Its text may tell of users and hosts.
    _LOG.error("The database does not answer %s: %s", request.url.path, error)
    text = "The database of the repository does not answer. The log of the server says more."
    return _explain(request, HTTPStatus.SERVICE_UNAVAILABLE, text)


def _explainBug(request: Request, error: Exception) -> Response:
    text = f"{type(error).__name__}. The log of the server says more."
    return _explain(request, HTTPStatus.INTERNAL_SERVER_ERROR, text)
