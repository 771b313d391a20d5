# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What tests of pages share: what reads the pages, and what a demonstration leaves of LATISS."""

import fcntl
import os
import sys
import tempfile
from pathlib import Path

import pytest
from pipelineRuns import ROOT, readPipeline, runPipeline

from lsst.obs.lsst import Latiss

sys.path.append(str(Path(__file__).parent / "support"))

N_EXPOSURES = 3
SHRINKAGE = 4
"""Pixels of the real camera along each side of one of the simulated camera."""


def makeBiases(root: Path) -> None:
    """Make the repository of LATISS, with a camera of fewer pixels and the biases of the demonstration."""
    simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
    exposures = [simulator.ExposureInfo(20260301, i + 1) for i in range(N_EXPOSURES)]
    camera = simulator.shrinkCamera(Latiss().getCamera(), SHRINKAGE)
    simulator.makeRepository(root, Latiss, exposures, camera=camera).close()
    pipeline = readPipeline("LATISS/verifyBias.yaml")
    faults = (ROOT / "demo" / "faults" / "bias" / "LATISS.txt").read_text().splitlines()[1:]
    pipeline.addConfigOverride("verifyBiasIsr", "faults", faults)
    pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", 200 // SHRINKAGE)
    runPipeline(root, pipeline, ["LATISS/defaults"], "demo/verifyBias")


@pytest.fixture(scope="session")
def demoBiases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make that repository once for all processes that run tests. It is to be copied, not written to."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # Each process has a folder of its own in that of the run.
        folder = folder.parent
    root = folder / "demoBiases"
    with (folder / "demoBiases.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            made = Path(tempfile.mkdtemp(dir=folder)) / "repository"
            makeBiases(made)
            made.rename(root)
    return root
