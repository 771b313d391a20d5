# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Templates and styles of the pages."""

from __future__ import annotations

from functools import cache
from importlib import resources

import jinja2

from .cells import notes, prose

__all__ = ["makeEnvironment", "readStatic"]

_PACKAGE = "lsst.analysis.cp.report"


@cache
def makeEnvironment() -> jinja2.Environment:
    """Make what reads templates: all that they are given is escaped, and what they lack is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(_PACKAGE, "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"prose": prose, "notes": notes}
    return environment


def readStatic(name: str) -> str:
    """Read a style sheet or script that pages load."""
    return resources.files(_PACKAGE).joinpath("static", name).read_text(encoding="utf-8")
