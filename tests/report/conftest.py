# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Repositories with tables, of which reports are made."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from registries import Registries

sys.path.append(str(Path(__file__).parent / "support"))

from tableRepository import EXPOSURES, TableRepository


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> Path:
    """Make a repository of LSSTComCam with three exposures and no tables, to be copied."""
    with registries.hosting():
        made = TableRepository(tmp_path_factory.mktemp("reports") / "repository")
    made.addExposures(EXPOSURES)
    made.butler.close()
    return made.root


@pytest.fixture
def repository(template: Path, tmp_path: Path, registries: Registries) -> TableRepository:
    """Return a repository of its own."""
    return TableRepository(registries.copy(template, tmp_path / "repository"))
