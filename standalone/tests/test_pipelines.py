# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Every pipeline of standalone/pipelines, by itself and against that of cp_verify."""

import os
from pathlib import Path

import pytest
import yaml

from lsst.pipe.base import Pipeline

PIPELINES = Path(__file__).parents[1] / "pipelines"
CAMERA_FILES = sorted(PIPELINES.glob("*/verify*.yaml"))
CAMERA_FILES = [path for path in CAMERA_FILES if path.parent.name != "_ingredients"]
LABELS = [
    "analyzeBiasCore",
    "mosaicBiasExp64",
    "mosaicBiasExp8",
    "verifyBias",
    "verifyBiasDet",
    "verifyBiasExp",
    "verifyBiasIsr",
]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("CP_VERIFY_DIR", str(PIPELINES.parent))
    monkeypatch.setenv("ANALYSIS_TOOLS_DIR", str(PIPELINES.parent))


@pytest.fixture
def upstream() -> dict:
    """Read the ingredient of cp_verify, where a checkout is given."""
    path = Path(os.environ.get("UPSTREAM_DIR", "")) / "cp_verify/pipelines/_ingredients/verifyBiasLSST.yaml"
    if "UPSTREAM_DIR" not in os.environ or not path.is_file():
        pytest.skip("needs a checkout of cp_verify: set UPSTREAM_DIR to the directory that has it")
    return yaml.safe_load(path.read_text())


def test_camerasAreThere() -> None:
    assert [path.parent.name for path in CAMERA_FILES] == ["LATISS", "LSSTCam", "LSSTComCam"]


@pytest.mark.parametrize("path", CAMERA_FILES, ids=lambda path: path.parent.name)
def test_pipelineResolves(path: Path) -> None:
    pipeline = Pipeline.from_uri(str(path))
    graph = pipeline.to_graph()
    assert sorted(graph.tasks) == LABELS
    instrument = pipeline.getInstrument()
    assert instrument.split(".")[-1].lower() == path.parent.name.lower()
    outputs = {edge.dataset_type_name for task in graph.tasks.values() for edge in task.outputs.values()}
    assert {
        f"verifyBias{level}{kind}" for level in ("Det", "Exp", "") for kind in ("Stats", "Results", "Matrix")
    } <= outputs
    assert {"verifyBiasIsrExp", "verifyBiasIsrExpBin8", "verifyBiasIsrExpBin64", "isrStatistics"} <= outputs
    assert {"verifyBiasResidual8", "verifyBiasResidual64"} <= outputs


def test_contractsHold() -> None:
    pipeline = Pipeline.from_uri(str(CAMERA_FILES[0]))
    pipeline.addConfigOverride("verifyBiasIsr", "binFactor1", 4)
    with pytest.raises(Exception, match="verifyBiasIsr.binFactor1 == mosaicBiasExp8.binning"):
        pipeline.to_graph()


def test_labelsConnectionsAndContractsAreThoseOfCpVerify(upstream) -> None:
    ours = yaml.safe_load((PIPELINES / "_ingredients/verifyBiasLSST.yaml").read_text())
    assert set(ours["tasks"]) == set(upstream["tasks"])
    assert sorted(ours["contracts"]) == sorted(upstream["contracts"])
    assert ours["imports"] == upstream["imports"]
    for label, task in upstream["tasks"].items():
        if isinstance(task, str):
            assert ours["tasks"][label] == task
            continue
        config = {key: value for key, value in task["config"].items() if key != "python"}
        # The simulator reads no raw; vignetting is left out, and off there.
        for key in ("connections.ccdExposure", "doVignette"):
            config.pop(key, None)
        assert config.items() <= ours["tasks"][label]["config"].items(), label
        if label != "verifyBiasIsr":
            assert ours["tasks"][label]["class"] == task["class"]
