# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Links of a site that lead nowhere."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import unquote

__all__ = ["findDeadLinks"]


def findDeadLinks(site: Path) -> list[str]:
    """Find links within a site that lead nowhere: to no file, or to no place in it.

    Parameters
    ----------
    site
        Folder of the site.

    Returns
    -------
    dead
        Page and link of each, sorted.
    """
    # What is in _static are files of the theme, of which one is a template.
    found = (path for path in site.rglob("*.html") if path.parent.name != "_static")
    pages = {path: path.read_text(encoding="utf-8") for path in found}
    places = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    dead = set()
    for path, text in pages.items():
        for link in set(re.findall(r'\b(?:href|src)="([^"]*)"', text)):
            target, _, place = unquote(html.unescape(link)).partition("#")
            if re.match(r"\w+:", target):
                continue
            file = (path.parent / target.partition("?")[0]).resolve() if target else path
            if not file.exists() or (place and file in places and place not in places[file]):
                dead.add(f"{path.relative_to(site)}: {link}")
    return sorted(dead)
