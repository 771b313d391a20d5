# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository, a server of it, and a browser."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "support"))

import flipRepository
from flipRepository import FlipRepository
from navigatorRepository import NavigatorRepository, makeRepository
from registries import Registries
from runningServer import runServer

CHROMIUM = shutil.which("chromium")
WIDE = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def template(
    tmp_path_factory: pytest.TempPathFactory, pyramidPath: Path, registries: Registries
) -> NavigatorRepository:
    """Make a repository, which is copied only."""
    with registries.hosting():
        return makeRepository(tmp_path_factory.mktemp("navigator") / "template", pyramidPath)


@pytest.fixture(scope="session")
def repository(template: NavigatorRepository, registries: Registries) -> NavigatorRepository:
    """Return a repository, which is not to be changed."""
    copied = registries.copy(template.root, template.root.with_name("repository"))
    return NavigatorRepository(copied, template.refs)


@pytest.fixture
def changed(template: NavigatorRepository, registries: Registries, tmp_path: Path) -> NavigatorRepository:
    """Return a repository to be changed."""
    return NavigatorRepository(registries.copy(template.root, tmp_path / "copy"), template.refs)


@pytest.fixture(scope="session")
def server(repository: NavigatorRepository) -> Iterator[str]:
    """Serve it; return the address."""
    with runServer(repository.root) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Start a browser.

    It runs an event loop until it ends: tests of other modules that need one of their own would fail.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, of the extra [test]")
    if CHROMIUM is None:
        pytest.skip("needs chromium, as apt-get install chromium brings it")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser, request) -> Iterator[object]:
    """Open a page; at the end fail if anything was said on the console, failed, or went to another host."""
    page = browser.new_page(viewport=getattr(request, "param", WIDE))
    page.set_default_timeout(15000)
    said: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(str(error)))
    # What is still loading when a page is left is given up.
    page.on("requestfailed", lambda each: each.failure == "net::ERR_ABORTED" or said.append(each.url))
    own = ("http://127.0.0.1:", "data:", "blob:")
    page.on("request", lambda each: each.url.startswith(own) or said.append(each.url))
    yield page
    page.close()
    assert said == []


@pytest.fixture(scope="session")
def flips(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> FlipRepository:
    """Make a repository with plots of each kind to go through, which no test changes."""
    with registries.hosting():
        return flipRepository.makeRepository(tmp_path_factory.mktemp("flips") / "repository")
