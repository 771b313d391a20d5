# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Runs that are submitted to parsl on this machine do what a pipeline does that runs as a whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pipelineRuns import SimulatedRepository, readPipeline
from submitting import submitFile

from lsst.analysis.cp.batch import describeFailures
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstComCam

pytest.importorskip("lsst.ctrl.bps.parsl", reason="needs ctrl_bps_parsl")
simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXPOSURE = simulator.ExposureInfo(20260801, 1)
SHRINKAGE = 8
PTCS = "LSSTComCam/calib/ptc/simulated"
BOX_SIZE = 25
LABELS = "verifyBiasIsr,verifyBiasDet,verifyBiasExp,verifyBias"
"""Tasks without views, as each job takes seconds to start."""


def countDatasets(butler: Butler, collection: str) -> Counter[str]:
    """Count the datasets of a run by type, but for what says how it ran."""
    runs = {name for name in butler.collections.query(f"{collection}*", flatten_chains=True) if "u/" in name}
    found: Counter[str] = Counter()
    for dataset_type in butler.registry.queryDatasetTypes(...):
        number = len(set(butler.registry.queryDatasets(dataset_type, collections=runs)))
        if number and dataset_type.name != "packages" and not dataset_type.name.endswith(("_log", "_config")):
            found[dataset_type.name] = number
    return found


def readMetrics(butler: Butler, name: str, **data_id: int) -> dict[tuple[str, str], float]:
    """Read the metrics of a bundle by tool and name."""
    return {
        (tool, str(each.metric_name)): each.quantity.value
        for tool, bundle in butler.get(name, **data_id).items()
        for each in bundle
    }


@pytest.fixture
def biases(tmp_path, shell) -> SimulatedRepository:
    """Make a repository with a bias of LATISS, of fewer pixels."""
    shell.setenv("INSTRUMENT", "LATISS")
    shell.setenv("CALIB_COLLECTIONS", "LATISS/defaults")
    shell.setenv("SELECTION_BIAS_V", f"instrument='LATISS' and exposure={EXPOSURE.id}")
    repository = SimulatedRepository(tmp_path / "repo", Latiss)
    camera = simulator.shrinkCamera(Latiss().getCamera(), SHRINKAGE)
    simulator.makeRepository(repository.root, Latiss, [EXPOSURE], camera=camera).close()
    return repository


def test_biases_are_verified_as_by_one_process(biases, tmp_path):
    option = f"-c verifyBiasDet:ampCornerBoxSize={BOX_SIZE}"
    path = f"LATISS/verifyBias.yaml#{LABELS}"
    options = ["-i", "LATISS/defaults", "-p", f"{ROOT}/pipelines/{path}", "--extra-qgraph-options", option]
    result = submitFile(ROOT / "bps" / "verifyBias.yaml", tmp_path, *options)
    assert result.returncode == 0, result.stderr
    pipeline = readPipeline(path)
    pipeline.addConfigOverride("verifyBiasDet", "ampCornerBoxSize", BOX_SIZE)
    whole = biases.run(pipeline, "u/whole")
    output = "u/me/LATISS/calib/DM-1/trial/verifyBias.a"
    submitted = biases.open(output)
    for name, data_id in (
        ("cpBiasRun_metrics", {}),
        ("cpBiasExp_metrics", {"exposure": EXPOSURE.id}),
        ("cpBiasExpDet_metrics", {"exposure": EXPOSURE.id, "detector": 0}),
    ):
        expected = readMetrics(whole, name, **data_id)
        assert len(expected) > 10
        assert readMetrics(submitted, name, **data_id) == pytest.approx(expected, nan_ok=True)
    counts = countDatasets(submitted, output)
    assert counts == countDatasets(whole, "u/whole")
    assert counts["cpBiasRun_biasNoise_FocalPlaneGeometryPlot"] == 1
    (graph,) = (tmp_path / "scratch").rglob("*.qg")
    assert describeFailures(str(graph), str(biases.root)) == []
    # All that bps and parsl write is in the scratch folder.
    assert {path.name for path in (tmp_path / "scratch" / "submit").iterdir()} == {"u", "parsl"}


def test_a_variable_that_is_not_set_is_named(biases, tmp_path, shell):
    shell.delenv("SELECTION_BIAS_V")
    result = submitFile(ROOT / "bps" / "verifyBias.yaml", tmp_path)
    assert result.returncode != 0
    assert "not set: SELECTION_BIAS_V. Export them" in result.stderr
    assert not (tmp_path / "scratch").exists()


@pytest.fixture
def curves(tmp_path, shell) -> Iterator[SimulatedRepository]:
    """Make a repository with photon transfer curves of LSSTComCam, the file of one of which is damaged."""
    shell.setenv("INSTRUMENT", "LSSTComCam")
    repository = SimulatedRepository(tmp_path / "repo", LsstComCam)
    with simulator.makeRepository(repository.root, LsstComCam, ()) as butler:
        camera = LsstComCam().getCamera()
        simulator.PTCS.store(butler, LsstComCam(), camera, (), detectors=(0, 4))
        ref = butler.find_dataset("ptc", detector=4, collections=PTCS, instrument="LSSTComCam")
        path = Path(butler.getURI(ref).ospath)
        path.write_bytes(path.read_bytes()[:1000])
    return repository


def test_a_quantum_that_fails_costs_itself(curves, tmp_path):
    where = "instrument='LSSTComCam' and detector in (0, 4)"
    options = ["-i", "LSSTComCam/defaults", "-o", "u/submitted", "-d", where]
    result = submitFile(ROOT / "bps" / "verifyPtc.yaml", tmp_path, *options)
    # Else the plugin would end well.
    assert result.returncode == 1, result.stderr
    butler = curves.open("u/submitted")
    (verified,) = butler.query_datasets("verifyPtcDetResults")
    assert verified.dataId["detector"] == 0
    (graph,) = (tmp_path / "scratch").rglob("*.qg")
    lines = describeFailures(str(graph), str(curves.root))
    assert lines[0] == (
        "verifyPtcDet: 1 of 2 quanta have not succeeded: {'instrument': 'LSSTComCam', 'detector': 4}"
    )
    assert [line.partition(":")[0] for line in lines[1:]] == ["verifyPtc", "analyzePtcCore"]
    assert lines[0] in "".join(path.read_text() for path in (tmp_path / "scratch").rglob("finalJob*.stdout"))
    # The merge of what there is.
    merged = curves.run("verifyPtc.yaml#verifyPtc", "u/merged", inputs=["u/submitted", "LSSTComCam/defaults"])
    assert set(merged.get("verifyPtcResults")["detector"]) == {0}
    status = merged.get("cpPtcRun_detectorSummary")
    assert set(status[status["detector"] == 4]["status"]) == {"unknown"}
