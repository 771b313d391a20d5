# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of standalone/")

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def benchmarks() -> Iterator[Path]:
    """Put the benchmarks on the path of imports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield BENCHMARKS


@pytest.fixture(scope="session")
def trials(benchmarks) -> ModuleType:
    """Import the module that makes the trials of the benchmark."""
    return importlib.import_module("detectionTrials")


@pytest.fixture(scope="session")
def detection(benchmarks) -> ModuleType:
    """Import the module that reports them."""
    return importlib.import_module("detection")
