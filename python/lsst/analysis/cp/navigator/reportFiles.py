# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The folder of a report, as a part of the server."""

from __future__ import annotations

import os
from http import HTTPStatus
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from lsst.analysis.cp.report.folder import MARKER

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import Scope

__all__ = ["ReportFiles"]

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".ecsv": "text/plain; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
}
"""Media types by endings of file names, whatever this machine thinks of them."""
_OTHER_TYPE = "application/octet-stream"

_POLICY = (
    # The sheet carries its style, since it is also sent alone; each page of a report narrows this further.
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class ReportFiles(StaticFiles):
    """The files of a report that are no secrets, and nothing beside them.

    The folder is looked up for each file, so that a report that takes its place is served at once.

    Parameters
    ----------
    folder
        Folder of the report.

    Raises
    ------
    FileNotFoundError
        Raised if it is no folder of a report.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        if not self._isReport():
            raise FileNotFoundError(f"{folder} is no report that butler make-verify-report wrote.")
        super().__init__(directory=self._folder, html=True)

    async def check_config(self) -> None:
        """Do not check once whether there is a folder: each request does."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer a request."""
        if not await run_sync(self._isReport):
            raise HTTPException(HTTPStatus.NOT_FOUND, "The folder of the report holds none any more.")
        return await super().get_response(path, scope)

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Find a file. Those whose names begin with a dot are not found, nor what links lead out to."""
        if any(part.startswith(".") for part in PurePath(path).parts):
            return "", None
        return super().lookup_path(path)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Send a file, or say that it is still the same."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        # Browsers take headers over from answers without content, too.
        response.headers["Content-Type"] = _TYPES.get(Path(full_path).suffix, _OTHER_TYPE)
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    def _isReport(self) -> bool:
        return (self._folder / MARKER).is_file()
