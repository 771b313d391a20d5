# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository, a server of it, and a browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "support"))

import flipRepository
from browsers import WIDE, watchPage
from flipRepository import FlipRepository
from navigatorRepository import NavigatorRepository, makeRepository
from registries import Registries
from runningServer import runServer


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


@pytest.fixture
def page(browser, request) -> Iterator[object]:
    """Open a page, which is watched."""
    with watchPage(browser, getattr(request, "param", WIDE), ("http://127.0.0.1:", "data:", "blob:")) as page:
        yield page


@pytest.fixture(scope="session")
def flips(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> FlipRepository:
    """Make a repository with plots of each kind to go through, which no test changes."""
    with registries.hosting():
        return flipRepository.makeRepository(tmp_path_factory.mktemp("flips") / "repository")
