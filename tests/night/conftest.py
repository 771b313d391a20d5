# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Nights that are verified, in repositories of few pixels."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytest.importorskip("lsst.ctrl.mpexec", reason="needs ctrl_mpexec, which has pipetask")
sys.path += [
    str(Path(__file__).parents[1] / each) for each in ("night/support", "report/support", "sasquatch")
]

from nightRepository import NightRepository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NightRepository:
    """Make a repository without results."""
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(Path(__file__).resolve().parents[2]))
    return NightRepository(tmp_path)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> NightRepository:
    """Make a repository with biases and darks of a night that are verified, to be copied."""
    repository = NightRepository(tmp_path_factory.mktemp("verified"))
    repository.verify("bias", "dark")
    return repository


@pytest.fixture
def verified(template: NightRepository, tmp_path: Path) -> NightRepository:
    """Return such a repository of its own."""
    return NightRepository(Path(shutil.copytree(template.folder, tmp_path / "copy")))
