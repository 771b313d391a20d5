# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pictures that say in words why there is no other."""

from __future__ import annotations

import textwrap

from fastapi.responses import Response

from lsst.analysis.cp.navigator.rendering import makeEnvironment

__all__ = ["drawText"]

_WIDTH = 34
_MOST_LINES = 9


def drawText(text: str, status: int = 200) -> Response:
    """Make a picture of a text, for where a page shows a picture of a dataset.

    Parameters
    ----------
    text
        The text.
    status
        HTTP status. Browsers show the picture whatever that is.

    Returns
    -------
    response
        An SVG file.
    """
    lines = textwrap.wrap(text, _WIDTH, max_lines=_MOST_LINES, placeholder=" …")
    svg = makeEnvironment().get_template("text.svg.jinja").render(lines=lines)
    return Response(svg, status, media_type="image/svg+xml")
