# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Servers, and what they show."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "support"))

from flipRepository import FlipRepository, makeRepository


@pytest.fixture(scope="session")
def flips(tmp_path_factory: pytest.TempPathFactory) -> FlipRepository:
    """Make a repository with plots of each kind to go through, which no test changes."""
    return makeRepository(tmp_path_factory.mktemp("flips") / "repository")
