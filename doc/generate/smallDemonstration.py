# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A demonstration of cameras with fewer pixels, which has no more than the notebooks read."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from lsst.cp import simulator
from lsst.obs.lsst import Latiss, LsstCam
from lsst.pipe.base import Pipeline
from lsst.pipe.base.simple_pipeline_executor import SimplePipelineExecutor

__all__ = ["makeSmallDemonstration"]

ROOT = Path(__file__).resolve().parents[2]
EXPOSURES = tuple(simulator.ExposureInfo(20260301, number) for number in (1, 2))
SIMULATED = "verifyBiasIsr,verifyBiasDet"
CORNER = 200
"""Side of the corners of amplifiers that are compared, in pixels of the true cameras."""


@dataclass(frozen=True)
class Run:
    """A run of pipelines in a repository.

    Parameters
    ----------
    root
        The repository.
    pipeline
        Path of the pipeline below those of the package, with the labels of the tasks that run.
    inputs, output
        Collections.
    where
        Expression that chooses data.
    """

    root: Path
    pipeline: str
    inputs: Sequence[str]
    output: str
    where: str = ""

    def run(self, **configs: tuple[str, object]) -> None:
        """Run it in this process, with a field of some tasks changed."""
        pipeline = Pipeline.fromFile(f"{ROOT}/pipelines/{self.pipeline}")
        for label, (field, value) in configs.items():
            pipeline.addConfigOverride(label, field, value)
        butler = SimplePipelineExecutor.prep_butler(str(self.root), list(self.inputs), self.output)
        executor = SimplePipelineExecutor.from_pipeline(pipeline, where=self.where, butler=butler)
        executor.run(register_dataset_types=True)


def makeSmallDemonstration(output: Path, cameras: Sequence[str] = ("LATISS", "LSSTCam")) -> None:
    """Make the repositories of the demonstration: of LATISS, and of LSSTCam with the pixels of one raft.

    Parameters
    ----------
    output
        Folder of all cameras, where the demonstration has them.
    cameras
        Which are made.
    """
    tree = str(ROOT / "standalone")
    with patch.dict(os.environ, ANALYSIS_CP_DIR=str(ROOT), CP_VERIFY_DIR=tree, ANALYSIS_TOOLS_DIR=tree):
        for name in cameras:
            root = output / name / "repository"
            root.parent.mkdir(parents=True)
            _MAKERS[name](root)


def _makeLatiss(root: Path) -> None:
    """Make two biases and a photon transfer curve."""
    shrinkage = 4
    camera = simulator.shrinkCamera(Latiss().getCamera(), shrinkage)
    with simulator.makeRepository(root, Latiss, EXPOSURES, camera=camera) as butler:
        faults = simulator.parseFaults(_readFaults("ptc", "LATISS"))
        simulator.PTCS.store(butler, Latiss(), camera, faults)
    defaults = ["LATISS/defaults"]
    _verifyBias(root, "LATISS", "verifyBiasExp", shrinkage)
    Run(root, "LATISS/verifyPtc.yaml#verifyPtcDet,verifyPtc", defaults, "demo/ptcMerges").run()
    inputs = ["demo/ptcMerges", *defaults]
    Run(root, "LATISS/analyzePtc.yaml#analyzePtcCurvesExtended", inputs, "demo/verifyPtc").run()


def _makeRaft(root: Path) -> None:
    """Make a bias of a raft."""
    shrinkage = 8
    camera = simulator.shrinkCamera(LsstCam().getCamera(), shrinkage)
    with simulator.makeRepository(root, LsstCam, EXPOSURES[:1], camera=camera):
        pass
    _verifyBias(root, "LSSTCam", "viewBiasExpResidual", shrinkage, "detector.raft = 'R14'")


def _verifyBias(root: Path, camera: str, label: str, shrinkage: int, where: str = "") -> None:
    """Simulate biases with the faults of the demonstration, and look at them with one task."""
    pipeline = f"{camera}/verifyBias.yaml#{SIMULATED},{label}"
    Run(root, pipeline, [f"{camera}/defaults"], "demo/verifyBias", where).run(
        verifyBiasIsr=("faults", _readFaults("bias", camera)),
        verifyBiasDet=("ampCornerBoxSize", CORNER // shrinkage),
    )


def _readFaults(product: str, camera: str) -> list[str]:
    """Read the faults of the demonstration."""
    lines = (ROOT / "demo" / "faults" / product / f"{camera}.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


_MAKERS = {"LATISS": _makeLatiss, "LSSTCam": _makeRaft}

if __name__ == "__main__":
    makeSmallDemonstration(Path(sys.argv[1]), sys.argv[2:])
