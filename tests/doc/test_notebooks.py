# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The notebooks of the documentation run on what the demonstration leaves, with cameras of fewer pixels."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from generatedFiles import ROOT
from pipelineRuns import SimulatedRepository, readPipeline

from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstCam

nbformat = pytest.importorskip("nbformat", reason="needs nbformat, of the extra 'test'")
nbclient = pytest.importorskip("nbclient", reason="needs nbclient, of the extra 'test'")
simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

NOTEBOOKS = {path.stem: path for path in (ROOT / "doc" / "lsst.analysis.cp" / "notebooks").glob("*.ipynb")}
RAFT = "R14"
SHRINKAGE = 8


def readFaults(product: str, camera: str) -> list[str]:
    """Read the faults of the demonstration."""
    lines = (ROOT / "demo" / "faults" / product / f"{camera}.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


@pytest.fixture(scope="module")
def demoOutput(demoBiases, tmp_path_factory) -> Path:
    """Make the repositories of the demonstration: LATISS, and LSSTCam with images of one raft.

    Where ANALYSIS_CP_DEMO says where a demonstration has left them, these are taken instead.
    """
    if given := os.environ.get("ANALYSIS_CP_DEMO"):
        return Path(given)
    output = tmp_path_factory.mktemp("demo-output")
    ptcs, images = (output / name / "repository" for name in ("LATISS", "LSSTCam"))
    shutil.copytree(demoBiases, ptcs)
    faults = simulator.parseFaults(readFaults("ptc", "LATISS"))
    with Butler.from_config(str(ptcs), writeable=True) as butler:
        camera = butler.get("camera", instrument="LATISS", collections="LATISS/defaults")
        simulator.PTCS.store(butler, Latiss(), camera, faults)
    latiss = SimulatedRepository(ptcs, Latiss)
    latiss.run("verifyPtc.yaml", "demo/ptcMerges")
    latiss.run("analyzePtc.yaml#ptcExtended", "demo/verifyPtc")
    images.parent.mkdir()
    camera = simulator.shrinkCamera(LsstCam().getCamera(), SHRINKAGE)
    simulator.makeRepository(images, LsstCam, [simulator.ExposureInfo(20260301, 1)], camera=camera).close()
    pipeline = readPipeline("LSSTCam/verifyBias.yaml")
    pipeline.addConfigOverride("verifyBiasIsr", "faults", readFaults("bias", "LSSTCam"))
    pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", 200 // SHRINKAGE)
    SimulatedRepository(images, LsstCam).run(pipeline, "demo/verifyBias", f"detector.raft = '{RAFT}'")
    return output


@pytest.fixture(scope="module")
def executed(demoOutput) -> dict[str, Any]:
    """Run all notebooks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANALYSIS_CP_DEMO", str(demoOutput))
        notebooks = {name: nbformat.read(path, as_version=4) for name, path in NOTEBOOKS.items()}
        for notebook in notebooks.values():
            nbclient.NotebookClient(notebook, timeout=300).execute()
    return notebooks


def findOutputs(notebook: Any, call: str) -> list[Any]:
    """Find the outputs of the cells whose last line has a call."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [output for cell in cells if call in cell.source.splitlines()[-1] for output in cell.outputs]


def test_there_are_three():
    assert set(NOTEBOOKS) == {"bias", "images", "ptc"}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_kept_without_outputs(name):
    notebook = nbformat.read(NOTEBOOKS[name], as_version=4)
    assert [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_last_line_shows_something_and_nothing_complains(executed, name):
    cells = [cell for cell in executed[name].cells if cell.cell_type == "code"]
    assert [cell.source for cell in cells[1:] if not cell.outputs] == []
    texts = [out.text for cell in cells for out in cell.outputs if out.get("name") == "stderr"]
    assert texts == []


def test_pictures_and_pixels_are_shown(executed):
    for name, call in (("bias", "noise"), ("ptc", "readPlot"), ("images", "worst"), ("images", "readView(")):
        shown = findOutputs(executed[name], call)
        assert [list(output.data) for output in shown if "image/png" in output.get("data", {})], (name, call)


def test_injected_faults_are_found(executed):
    (failed,) = findOutputs(executed["bias"], 'failed["detectorName"')
    assert "C03" in failed.data["text/html"]
    (failed,) = findOutputs(executed["ptc"], 'failed["detectorName"')
    assert "C11" in failed.data["text/html"]
    (structures,) = findOutputs(executed["images"], 'structures["rank"')
    assert "deadAmplifier" in structures.data["text/html"]
