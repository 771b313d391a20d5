# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository that notebooks read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lsst.daf.butler import Butler

sys.path += [str(Path(__file__).parents[1] / "sasquatch"), str(Path(__file__).parent / "support")]

from notebookRepository import NotebookRepository, makeRepository
from registries import Registries


@pytest.fixture(scope="session")
def repository(
    tmp_path_factory: pytest.TempPathFactory, pyramidPath: Path, registries: Registries
) -> NotebookRepository:
    """Make the repository, which is not to be changed."""
    return makeRepository(tmp_path_factory.mktemp("notebook") / "repository", pyramidPath, registries)


@pytest.fixture
def butler(repository: NotebookRepository) -> Iterator[Butler]:
    """Return it as a notebook opens it."""
    with repository.open() as opened:
        yield opened
