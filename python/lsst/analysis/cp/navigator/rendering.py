# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages from templates."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from .dependencies import getRepository

__all__ = ["address", "makeEnvironment", "render"]


def address(path: str, /, **query: object) -> str:
    """Write the address of a page of the server.

    Parameters
    ----------
    path
        Its path; any characters.
    **query
        Parameters of the page. Those that are None or empty are left out.

    Returns
    -------
    address
        Address from the root of the server.
    """
    given = {key: str(value) for key, value in query.items() if value is not None and value != ""}
    return quote(path) + (f"?{urlencode(given)}" if given else "")


@cache
def makeEnvironment() -> jinja2.Environment:
    """Make what reads templates: all that they are given is escaped, and what they lack is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lsst.analysis.cp.navigator", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["address"] = address
    return environment


def render(request: Request, template: str, /, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Make a page.

    Parameters
    ----------
    request
        What is answered.
    template
        File name of the template, which extends ``base.jinja``.
    status
        HTTP status.
    **context
        What the template shows. It has ``repository`` (the name), ``hasReport`` and ``address`` (see
        `address`) anyway.

    Returns
    -------
    response
        The page.
    """
    page = makeEnvironment().get_template(template)
    known = {"repository": getRepository(request).name, "hasReport": request.app.state.hasReport}
    return HTMLResponse(page.render(known | context), status_code=status)
