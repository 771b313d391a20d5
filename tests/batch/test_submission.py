# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Runs that are submitted to parsl on this machine do what a pipeline does that runs as a whole."""

from __future__ import annotations

from pathlib import Path
from subprocess import CompletedProcess

import pytest
from pipelineRuns import SimulatedRepository
from submitting import BPS, killWhen, runAway, submitFile

from lsst.analysis.cp.batch import describeFailures
from lsst.obs.lsst import Latiss, LsstComCam

pytest.importorskip("lsst.ctrl.bps.parsl", reason="needs ctrl_bps_parsl")
simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")
pytestmark = pytest.mark.slow

from latissProducts import DEFAULTS, makeLatiss, readOutputs, select  # noqa: E402  (needs the simulator)

ROOT = Path(__file__).parents[2]
PTCS = "LSSTComCam/calib/ptc/simulated"
PIPELINES = ("verifyDark", "verifyPtc", "analyzeGain", "trendDark")
"""Pipelines that are submitted, each after those that it reads; benchmarks/bpsProducts.py has all others."""

NIGHT = ("darkNightDetectors", "darkNightExposures", "darkNightRun")
"""The steps of a product of a night."""


@pytest.fixture(scope="module")
def latiss(tmp_path_factory) -> SimulatedRepository:
    """Run in this process what is submitted, too."""
    repository = SimulatedRepository(tmp_path_factory.mktemp("latiss") / "butler", Latiss)
    makeLatiss(repository.root)
    for name in PIPELINES:
        repository.run(f"{name}.yaml", f"u/{name}", select(name))
    return repository


def submitSteps(root: Path, shell: pytest.MonkeyPatch, folder: Path) -> list[CompletedProcess[str]]:
    """Submit the steps of a night, each when that before has ended, to one output."""
    options = ["-b", str(root), "-i", DEFAULTS, "-o", "u/night", "-d", select("verifyDark")]
    results = []
    for step in NIGHT:
        shell.setenv("NIGHT_STEP", step)
        results.append(submitFile(ROOT / "bps" / "verifyNight.yaml", folder, *options))
    return results


def test_a_night_is_submitted_step_by_step(latiss, shell, tmp_path):
    shell.setenv("INSTRUMENT", "LATISS")
    results = submitSteps(latiss.root, shell, tmp_path)
    assert [result.returncode for result in results] == [0, 0, 0], results[-1].stderr
    expected, found = (readOutputs(latiss.open(), output) for output in ("u/verifyDark", "u/night"))
    # There is a part of the history, too.
    assert found.numbers - expected.numbers == {"gatherDark_metadata": 1, "cpDarkTrend_night": 1}
    assert not expected.numbers - found.numbers
    assert expected.values.items() < found.values.items()


@pytest.mark.parametrize("name", PIPELINES[2:])
def test_a_submitted_pipeline_writes_what_one_process_writes(latiss, name, shell, tmp_path):
    shell.setenv("INSTRUMENT", "LATISS")
    before = latiss.collections[latiss.collections.index(f"u/{name}") + 1 :]
    options = ["-b", str(latiss.root), "-i", ",".join(before), "-o", f"u/bps/{name}", "-d", select(name)]
    result = submitFile(ROOT / "bps" / f"{name}.yaml", tmp_path, *options)
    assert result.returncode == 0, result.stderr
    expected, found = (readOutputs(latiss.open(), output) for output in (f"u/{name}", f"u/bps/{name}"))
    assert found.numbers == expected.numbers
    assert found.values == expected.values
    assert len(found.numbers) > 2
    assert found.values
    (graph,) = (tmp_path / "scratch").rglob("*.qg")
    assert describeFailures(str(graph), str(latiss.root)) == []
    (final,) = (tmp_path / "scratch").rglob("finalJob*.stdout")
    assert final.read_text().endswith("All quanta have succeeded.\n")
    # All that bps and parsl write is in the scratch folder.
    assert {path.name for path in (tmp_path / "scratch" / "submit").iterdir()} == {"u", "runinfo"}


def test_a_run_that_was_killed_is_restarted(latiss, shell, tmp_path):
    """A job that is done is not started again, as it was called where parsl's records are."""
    shell.setenv("INSTRUMENT", "LATISS")
    submitted = tmp_path / "scratch" / "submit"
    options = ["-b", str(latiss.root), "-i", DEFAULTS, "-o", "u/killed", "-d", select("verifyPtc")]
    command = [*BPS, "submit", str(ROOT / "bps" / "verifyPtc.yaml"), "--compute-site", "local", *options]
    killWhen(lambda: any(submitted.glob("u/killed/*/logs/verifyPtc/**/*.stderr")), command, tmp_path)
    (done,) = submitted.glob("u/killed/*/logs/calibrationDetectors/**/*.stderr")
    before = done.stat().st_mtime_ns
    (graph,) = submitted.rglob("*.qg")
    result = runAway([*BPS, "restart", "--id", str(graph.parent)], tmp_path, place=submitted)
    assert result.returncode == 0, result.stderr
    assert done.stat().st_mtime_ns == before
    assert readOutputs(latiss.open(), "u/killed") == readOutputs(latiss.open(), "u/verifyPtc")


def test_a_variable_that_is_not_set_is_named(tmp_path, shell):
    shell.setenv("INSTRUMENT", "LATISS")
    result = submitFile(ROOT / "bps" / "verifyBias.yaml", tmp_path)
    assert result.returncode != 0
    assert "not set: SELECTION_BIAS_V. Export them" in result.stderr
    assert not (tmp_path / "scratch").exists()


@pytest.fixture
def curves(tmp_path, shell) -> SimulatedRepository:
    """Make a repository with photon transfer curves of two detectors of LSSTComCam."""
    shell.setenv("INSTRUMENT", "LSSTComCam")
    repository = SimulatedRepository(tmp_path / "repo", LsstComCam)
    with simulator.makeRepository(repository.root, LsstComCam, ()) as butler:
        camera = LsstComCam().getCamera()
        simulator.PTCS.store(butler, LsstComCam(), camera, (), detectors=(0, 4))
    return repository


def test_a_quantum_that_fails_costs_itself(curves, tmp_path):
    """It alone, and what is made of it, runs when the run is submitted once more."""
    path = Path(curves.open(PTCS).getURI("ptc", detector=4).ospath)
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
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
    path.write_bytes(whole)
    again = [*options, "--extra-qgraph-options", "--skip-existing-in u/submitted"]
    result = submitFile(ROOT / "bps" / "verifyPtc.yaml", tmp_path, *again)
    assert result.returncode == 0, result.stderr
    butler = curves.open("u/submitted")
    runs = {ref.dataId["detector"]: ref.run for ref in butler.query_datasets("verifyPtcDetResults")}
    assert runs[0] == verified.run != runs[4]
    assert set(butler.get("verifyPtcResults")["detector"]) == {0, 4}
