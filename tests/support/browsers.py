# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A real browser, whose pages are watched: what they say on the console or ask of others is a failure."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["NARROW", "WIDE", "follow", "readAddress", "startBrowser", "watchPage"]

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
"""Sizes of the screens of a desk and of a telephone."""


def startBrowser() -> Iterator[Any]:
    """Start Chromium, and end it; skip, saying why, where it is absent.

    It runs an event loop until it ends: while it does, other tests that need a loop of their own fail.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra [test]")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs chromium, as apt-get install chromium brings it")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def follow(page: Any, link: str) -> None:
    """Click at a link, and wait until the page that it leads to is loaded, with its styles and pictures."""
    with page.expect_navigation():
        page.click(link)


def readAddress(page: Any) -> str:
    """Read the address of a page from the page itself; that in ``page.url`` lags behind what scripts set."""
    return str(page.evaluate("location.href"))


@contextmanager
def watchPage(
    browser: Any, viewport: Mapping[str, int], own: tuple[str, ...], timeout: float = 15000
) -> Iterator[Any]:
    """Open a page; at the end fail if anything was said, failed, or was asked of others.

    Parameters
    ----------
    browser
        What `startBrowser` yields.
    viewport
        Size of the screen.
    own
        How addresses begin that the page may ask.
    timeout
        Longest time for what is waited for, ms.

    Yields
    ------
    page
        The page. What is said with the text in its attribute ``expected``, if it is given one, is left out.
    """
    page = browser.new_page(viewport=viewport)
    page.set_default_timeout(timeout)
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    # What is still loading when a page is left is given up.
    page.on("requestfailed", lambda each: each.failure == "net::ERR_ABORTED" or said.append(each.url))
    page.on("request", lambda each: each.url.startswith(own) or said.append(each.url))
    yield page
    page.close()
    expected = getattr(page, "expected", "")
    assert [line for line in said if not (expected and expected in line)] == []
