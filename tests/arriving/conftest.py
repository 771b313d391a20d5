# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository in which results of detectors appear one by one, and a clock that does not keep waiting."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "report" / "support"))
sys.path.append(str(Path(__file__).parent / "support"))

from nights import EXPOSURES, RUN, Clock, Follower, Night, writePipeline

from lsst.analysis.cp.arriving import awaited, budget, watch


@pytest.fixture(scope="session")
def emptyNight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository without results, to be copied."""
    night = Night(tmp_path_factory.mktemp("night") / "repository")
    night.instrument.writeCameraGeom(night.butler, f"{night.name}/calib")
    night.addExposures(EXPOSURES)
    night.butler.registry.registerRun(RUN)
    night.butler.close()
    return night.root


@pytest.fixture
def makeNight(emptyNight: Path, tmp_path: Path) -> Callable[..., Night]:
    """Return a maker of repositories of a product."""

    def make(product: str = "bias", name: str = "repository") -> Night:
        shutil.copytree(emptyNight, tmp_path / name)
        return Night(tmp_path / name, product=product)

    return make


@pytest.fixture
def night(makeNight: Callable[..., Night]) -> Night:
    """Return a repository of its own."""
    return makeNight()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the clock."""
    made = Clock()
    for module in (awaited, budget, watch):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def follower(night: Night, tmp_path: Path, clock: Clock, upstreamPipelines: None) -> Follower:
    """Return what follows the exposure of the repository, without plots, which take most of the time."""
    return Follower(night, tmp_path / "out", clock, writePipeline(tmp_path, "bias"))
