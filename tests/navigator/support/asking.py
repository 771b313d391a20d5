# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Requests to a server, as browsers send them."""

from __future__ import annotations

import html
import re
from urllib.parse import urlencode

import urllib3

__all__ = ["ask", "askPage", "linksOf"]


def ask(
    address: str, path: str = "/", headers: dict[str, str] | None = None, **query: object
) -> urllib3.BaseHTTPResponse:
    """Ask for a path, and follow nothing."""
    target = f"{address}{path}" + (f"?{urlencode(query)}" if query else "")
    return urllib3.request(
        "GET",
        target,
        headers={"Connection": "close"} | (headers or {}),
        redirect=False,
        retries=False,
        timeout=60.0,
    )


def askPage(address: str, path: str = "/", status: int = 200, **query: object) -> str:
    """Ask for a page as a browser does, and check how it is answered."""
    response = ask(address, path, {"Accept": "text/html"}, **query)
    text = response.data.decode()
    assert response.status == status, text
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Traceback" not in text
    return text


def linksOf(page: str, within: str = "") -> list[str]:
    """List the addresses of the links of a page whose text begins with something."""
    found = re.findall(r'<(?:a|img)\b[^>]*?(?:href|src)="([^"]*)"', page)
    return [address for address in map(html.unescape, found) if address.startswith(within)]
