# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the demonstration plans, judges and says."""

from __future__ import annotations

import io
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from lsst.cp.simulator import Fault, parseFaults
from lsst.daf.butler import Butler
from lsst.obs.lsst import Latiss, LsstCam

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "demo"))

import history  # noqa: E402
import runDemo  # noqa: E402
from commands import startCommand  # noqa: E402
from figures import Figure, writeIndex  # noqa: E402
from history import HistoryLine, judgeHistory, makeHistory, planHistory  # noqa: E402
from parts import CAMERAS, PRODUCTS, Part, listParts  # noqa: E402
from printing import Findings, chooseFigures, summarize  # noqa: E402
from progress import Progress  # noqa: E402
from runDemo import prepare  # noqa: E402
from simulatedRun import SimulatedRun  # noqa: E402
from stages import PipetaskError, Stage, Track, runSideBySide  # noqa: E402
from structures import OtherStructure, judgeStructures, listOthers  # noqa: E402
from verdict import Line, judge, report  # noqa: E402

EXPOSURE = 2026030100001


class FakeButler:
    """Gives tables by the names of their datasets."""

    def __init__(self, **datasets: object) -> None:
        self.datasets = datasets

    def get(self, name: str, *args: object, **kwargs: object) -> object:
        return self.datasets[name]


def readBar(stream: io.StringIO) -> list[int]:
    """Read the percentages that a bar showed."""
    return [int(number) for number in re.findall(r"(\d+)% \|", stream.getvalue())]


def test_bar_only_grows() -> None:
    stream = io.StringIO()
    progress = Progress(10, stream)
    for step in (3, 1, 7, 99, 0):
        progress.reach(step)
        progress.say(f"step {step}")
    progress.close()
    shown = readBar(stream)
    assert shown == sorted(shown)
    assert shown[-1] == 100
    assert progress.step == 10


def makeStage(*lines: str, status: int = 0, steps: int = 6, commands: int = 3) -> Stage:
    text = "\n".join(lines)
    return Stage("doing things", [["bash", "-c", f"echo '{text}'; exit {status}"]] * commands, steps)


def runAll(tracks: list[Track], processes: int) -> tuple[list[str], list[int]]:
    stream = io.StringIO()
    progress = Progress(sum(track.nSteps for track in tracks), stream)
    done = [track.name for track in runSideBySide(tracks, processes, progress)]
    progress.close()
    return done, readBar(stream)


def test_stages_count_quanta_of_all_their_commands(tmp_path: Path) -> None:
    line = "Executed 2 quanta successfully, 0 failed and 0 remain out of total 2 quanta."
    # What was pruned from the graph is done, too.
    track = Track("a camera", [makeStage(line), makeStage("nothing to do", steps=5)], tmp_path / "logs")
    assert (track.nSteps, track.nDone) == (11, 0)
    done, shown = runAll([track], 2)
    assert (done, track.nDone, shown[-1]) == (["a camera"], 11, 100)
    assert shown == sorted(shown)


def test_stages_follow_each_other_and_tracks_share_the_processes(tmp_path: Path) -> None:
    # Each command notes how many run, itself included.
    note = "touch $0.$$; ls $0.* | wc -l >> $0-{name}; sleep 0.3; rm $0.$$; echo end >> $0-{name}"

    def makeTrack(name: str, commands: list[int]) -> Track:
        command = ["bash", "-c", note.format(name=name), str(tmp_path / "run")]
        stages = [Stage(f"stage {i}", [command] * number, number) for i, number in enumerate(commands)]
        return Track(name, stages, tmp_path / "logs")

    done, _ = runAll([makeTrack("first", [1, 1, 1]), makeTrack("second", [3])], 2)
    assert sorted(done) == ["first", "second"]
    words = (tmp_path / "run-first").read_text().split()
    assert words[1::2] == ["end"] * 3
    numbers = {
        int(word) for name in done for word in (tmp_path / f"run-{name}").read_text().split() if word != "end"
    }
    assert max(numbers) == 2


def test_longest_parts_begin_first_and_are_shown_in_their_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun: list[str] = []

    def note(tracks: list[Track], *args: object) -> Iterator[Track]:
        begun.extend(track.name for track in tracks)
        yield from tracks

    monkeypatch.setattr(runDemo, "runSideBySide", note)
    for name in ("finish", "printPart"):
        monkeypatch.setattr(runDemo, name, lambda *args: None)
    parts = listParts(["LATISS"], ["bias", "defects", "cti"])
    plans = [
        runDemo.Plan(
            part, None, [Stage("doing things", [], n_steps)], runDemo.Folders(tmp_path, tmp_path), 1, 0
        )
        for part, n_steps in zip(parts, (5, 9, 2), strict=True)
    ]
    shown = list(runDemo.runPlans(plans, 2))
    assert begun == ["LATISS defects", "LATISS bias", "LATISS cti"]
    assert shown == ["LATISS bias", "LATISS defects", "LATISS cti"]


def test_stage_that_fails_shows_the_end_of_its_log(tmp_path: Path) -> None:
    lines = [f"line {i}" for i in range(30)]
    failing = Track("a camera", [makeStage(*lines, status=1), makeStage("never")], tmp_path / "logs")
    endless = Track("another", [Stage("waiting", [["sleep", "60"]], 1)], tmp_path / "logs")
    message = r"a camera: doing things: failed; the end of .*log:\nline 15\n"
    with pytest.raises(PipetaskError, match=message) as caught:
        runAll([endless, failing], 2)
    assert str(caught.value).endswith("line 29")
    [(process, _)] = endless._started
    process.join(10)
    assert process.exitcode != 0


def listDescendants(pid: int) -> set[int]:
    """List the processes that a process has started, and those that they have."""
    pairs = subprocess.run(["ps", "-A", "-o", "ppid=,pid="], capture_output=True, text=True, check=True)
    children = [tuple(map(int, line.split())) for line in pairs.stdout.splitlines()]
    found, parents = set(), {pid}
    while parents := {child for parent, child in children if parent in parents}:
        found |= parents
    return found


def waitUntil(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until a condition is true, and no longer than some seconds; say whether it is."""
    end = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < end:
        time.sleep(0.2)
    return holds


@pytest.mark.slow
def test_demonstration_that_is_told_to_end_leaves_nothing_running(tmp_path: Path) -> None:
    options = ["--camera-name", "LATISS", "--product", "bias", "--output", str(tmp_path / "output")]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "demo" / "runDemo.py"), *options], stdout=subprocess.DEVNULL
    )
    log = tmp_path / "output" / "LATISS" / "logs" / "LATISS-bias-simulating,-verifying-and-drawing-0.log"
    assert waitUntil(lambda: log.is_file() and "Execution of task" in log.read_text(), 200)
    started = listDescendants(process.pid)
    # The server, the command, and what keeps track of resources.
    assert len(started) >= 2
    process.terminate()
    assert process.wait(20) == 128 + signal.SIGTERM

    def isAlive(pid: int) -> bool:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
        return state.stdout.strip()[:1] not in ("", "Z")

    assert waitUntil(lambda: not any(isAlive(pid) for pid in started), 10)


@pytest.mark.parametrize(
    ("option", "status", "words"), [("--help", 0, "Usage: pipetask"), ("--no", 2, "--no")]
)
def test_command_ends_with_its_status_and_leaves_a_log(
    tmp_path: Path, option: str, status: int, words: str
) -> None:
    process = startCommand(["pipetask", option], tmp_path / "log")
    process.join(100)
    assert process.exitcode == status
    assert words in (tmp_path / "log").read_text()


def test_plan_of_the_large_camera_names_a_complete_raft(tmp_path: Path) -> None:
    [part] = listParts(["LSSTCam"], ["bias"])
    [plan] = prepare([part], tmp_path, 2, None, full=False)
    names = {detector.getName() for detector in LsstCam().getCamera()}
    raft = {name for name in names if name.startswith("R22_")}
    viewed = set(plan.run.viewedDetectors)
    assert len(raft) == 9
    assert raft <= viewed
    assert {str(fault.detector) for fault in part.readFaults()} <= viewed <= names
    assert (plan.nDetectors, plan.nViewed) == (205, len(viewed))
    assert set(plan.run.ofViewedRaft) == raft
    # The task that gathers detectors knows that the others are not requested.
    config = plan.run.configFiles["viewBiasExpResidual"].read_text()
    assert all(repr(name) in config for name in viewed)
    # Lengths in pixels get smaller with the camera.
    assert plan.run.configFiles["verifyBiasDet"].read_text() == "config.ampCornerBoxSize = 50\n"
    assert "config.numCombined = 400" in plan.run.configFiles["verifyBiasIsr"].read_text()
    detectors, _, structures, views = plan.stages
    assert detectors.nSteps == 2 * 205
    # There is one exposure, so that there is no run to sum up.
    assert structures.nSteps == 1
    # A view of each viewed detector, and one of rafts and of the focal plane each.
    assert views.nSteps == len(viewed) + 2
    assert not any("quantum" in stage.words or "quanta" in stage.words for stage in plan.stages)
    with Butler.from_config(str(plan.run.repository)) as butler:
        camera = butler.get("camera", instrument="LSSTCam", collections="LSSTCam/defaults")
    # What the documentation says of the amplifiers.
    boxes = [amplifier.getBBox() for detector in camera for amplifier in detector]
    assert {(box.getWidth(), box.getHeight()) for box in boxes} == {(128, 500), (127, 500)}


def test_other_products_of_the_large_camera_show_detectors_with_faults_only(tmp_path: Path) -> None:
    [part] = listParts(["LSSTCam"], ["flat"])
    [plan] = prepare([part], tmp_path, 2, None, full=False)
    assert set(plan.run.viewedDetectors) == {str(fault.detector) for fault in part.readFaults()}
    *_, views = plan.stages
    assert not [command for command in views.commands if "viewFlatExpRaft" in " ".join(command)]
    assert views.nSteps == len(plan.run.viewedDetectors) + 1


def test_full_plan_leaves_out_no_detector() -> None:
    cameras = {part.camera.name: part for part in listParts(list(CAMERAS), ["bias"])}
    assert cameras["LSSTCam"].listViewed(["R22_S11", "R01_S00"], full=True) == ()
    assert cameras["LATISS"].listViewed(["RXX_S00"], full=False) == ()


@pytest.fixture(autouse=True)
def pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pipelines find each other, as what a user sources does."""
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(ROOT))
    for name in ("CP_VERIFY_DIR", "ANALYSIS_TOOLS_DIR"):
        monkeypatch.setenv(name, str(ROOT / "standalone"))


@pytest.mark.slow
def test_step_and_drift_of_the_history_are_found(tmp_path: Path) -> None:
    makeHistory(tmp_path / "history")
    stage = planHistory(tmp_path / "history", ROOT / "pipelines" / "LATISS" / "trendBias.yaml")
    runAll([Track("LATISS bias", [stage], tmp_path / "logs")], 1)
    lines = judgeHistory(tmp_path / "history")
    assert [line.tool for line in lines] == ["biasNoise", "biasMean"]
    assert all(line.isRight for line in lines), lines


@pytest.mark.parametrize(
    ("values", "isRight"),
    [
        ({"nChangePoints": 1, "largestStep": history.STEP}, True),
        ({"nChangePoints": 1, "largestStep": -history.STEP}, False),
        ({"nChangePoints": 2, "largestStep": history.STEP}, False),
        ({"nChangePoints": 1, "nSeriesDrifting": 1, "largestStep": history.STEP}, False),
        ({}, False),
    ],
)
def test_history_is_judged(values: dict[str, float], isRight: bool) -> None:
    nothing = {"nChangePoints": 0, "nSeriesDrifting": 0, "largestStep": 0.0, "steepestDrift": 0.0}
    line = history._compare(nothing | values, "biasNoise", "step", history.STEP, "electron")
    assert line.isRight == isRight


FAULTS = (
    "hotNoise detector:RXX_S00 amplifiers:C03 amplitude:1.4",
    "biasShift detector:RXX_S00 amplifiers:C06 amplitude:2.0",
    "brightColumn detector:RXX_S00 amplifiers:C15 amplitude:10",
)


@dataclass(frozen=True)
class FakePart(Part):
    """A part with an exposure of LATISS, and faults of its own."""

    faultLines: tuple[str, ...] = FAULTS

    def readFaults(self) -> tuple[Fault, ...]:
        return parseFaults(self.faultLines)


def makeRun(butler: object, product: str = "bias", faults: tuple[str, ...] = FAULTS) -> SimulatedRun:
    camera = replace(CAMERAS["LATISS"], nExposures=1)
    return SimulatedRun(butler, FakePart(camera, PRODUCTS[product], faults))


def makeCulprits(*rows: tuple[str, str, str]) -> Table:
    names = ("amplifier", "test", "status")
    table = Table({name: [row[i] for row in rows] for i, name in enumerate(names)}, dtype=[str] * 3)
    table["detector"] = np.zeros(len(rows), dtype=int)
    return table


def makeButler(culprits: Table, structures: Table | None = None) -> FakeButler:
    amps = ["C03", "C06", "C15", "C17"]
    results = Table({"detector": [0] * 4, "amplifier": amps, "BIAS_AMP_CORNER": [0.0] * 4})
    results["BIAS_BIAS_SHIFT_COUNT"] = [0, 2, 0, 0]
    return FakeButler(
        camera=Latiss().getCamera(),
        cpBiasExp_detectorSummary=Table({"detector": [0], "nAmps": [16]}),
        cpBiasExp_culprits=culprits,
        verifyBiasExpResults=results,
        verifyBiasExpMatrix=Table({"ampName": ["C03"], "ampComp": ["C06"], "overscanCorr": [0.1]}),
        cpBiasExpResidual_structures=structures,
    )


FOUND = (("C03", "NOISE", "failed"), ("C03", "READ_NOISE_CONSISTENT", "failed"))


def test_verdict_has_no_line_for_what_no_test_looks_for() -> None:
    (line,) = judge(makeRun(makeButler(makeCulprits(*FOUND))))
    assert (line.amplifier, line.isRight) == ("C03", True)


@pytest.mark.parametrize("amplifier", ["C06", "C17"])
def test_other_failures_are_wrong(amplifier: str) -> None:
    culprits = makeCulprits(*FOUND, (amplifier, "MEAN", "failed"))
    lines = judge(makeRun(makeButler(culprits)))
    assert [(line.amplifier, line.isRight) for line in lines] == [("C03", True), (amplifier, False)]


def test_statistics_without_limits_are_reported() -> None:
    (line,) = report(makeRun(makeButler(makeCulprits())))
    assert (line.amplifier, line.statistic, line.value, line.usual) == ("C06", "BIAS_SHIFT_COUNT", 2, 0)


def test_structures_where_nothing_was_injected_are_listed() -> None:
    rows = [("C15", "column"), ("C17", "pixel"), ("C17", "event"), ("C03", "row"), ("", "gradient")]
    table = Table({"amplifier": [a for a, _ in rows], "kind": [k for _, k in rows]})
    table["detector"], table["detectorName"] = 0, "RXX_S00"
    table["rank"], table["score"] = range(1, 6), 7.0
    others = listOthers(makeRun(makeButler(makeCulprits(), table)))
    assert others == [OtherStructure(EXPOSURE, "RXX_S00", "C17", "pixel, rank 2, 7.0 sigma")]
    others = listOthers(makeRun(makeButler(makeCulprits(), table), faults=()))
    assert [other.amplifier for other in others] == ["C15", "C17", "C03", ""]


def test_flats_are_judged_by_their_own_tests() -> None:
    faults = (
        "gainStep detector:RXX_S00 amplifiers:C03 amplitude:1.5",
        "deadAmplifier detector:RXX_S00 amplifiers:C12",
    )
    culprits = makeCulprits(
        ("C03", "NOISE", "failed"), ("C12", "NOISE", "unknown"), ("", "DET_SCATTER", "failed")
    )
    butler = FakeButler(
        camera=Latiss().getCamera(),
        cpFlatExp_detectorSummary=Table({"detector": [0], "nAmps": [16]}),
        cpFlatExp_culprits=culprits,
    )
    lines = judge(makeRun(butler, "flat", faults))
    assert {line.amplifier: line.isRight for line in lines} == {"": True, "C03": True, "C12": True}
    assert [line.found for line in lines if not line.amplifier] == [{"DET_SCATTER"}]


def test_what_darks_show_depends_on_their_dark_time() -> None:
    faults = ("excessDarkCurrent detector:RXX_S00 amplifiers:C03 amplitude:1.0",)
    butler = FakeButler(
        camera=Latiss().getCamera(),
        cpDarkExp_detectorSummary=Table({"detector": [0], "nAmps": [16]}),
        cpDarkExp_culprits=makeCulprits(("C03", "MEAN", "failed"), ("C03", "NOISE", "failed")),
    )
    [line] = judge(makeRun(butler, "dark", faults))
    assert (line.exposure, line.isRight) == (2026030100011, True)


def test_masks_of_defects_are_judged_by_our_own_tests() -> None:
    faults = (
        "unmaskedColumn detector:RXX_S00 amplifiers:C03 amplitude:30",
        "overMasked detector:RXX_S00 amplifiers:C12 amplitude:0.05",
    )
    amps = Table({"detector": [0, 0, 0], "amplifier": ["C03", "C04", "C12"]})
    amps["OUTLIERS_LEFT_status"] = ["failed", "good", "good"]
    amps["GOOD_MASKED_status"] = ["good", "failed", "unknown"]
    butler = FakeButler(
        camera=Latiss().getCamera(),
        cpDefectsExp_detectorSummary=Table({"detector": [0], "nAmps": [16]}),
        cpDefectsExp_culprits=makeCulprits(),
        cpDefectsExp_ampSummary=amps,
    )
    run = makeRun(butler, "defects", faults)
    found = {line.amplifier: (sorted(line.found), line.isRight) for line in judge(run)}
    assert found == {
        "C03": (["OUTLIERS_LEFT"], True),
        "C04": (["GOOD_MASKED"], False),
        "C12": (["GOOD_MASKED unknown"], False),
    }
    assert (judgeStructures(run), listOthers(run)) == ([], [])


def test_calibrations_are_judged_by_the_results_of_their_run() -> None:
    faults = ("wrongGain detector:RXX_S00 amplifiers:C03", "lowTurnoff detector:RXX_S00 amplifiers:C06")
    butler = FakeButler(
        camera=Latiss().getCamera(),
        cpPtcRun_detectorSummary=Table({"detector": [0], "nAmps": [16]}),
        cpPtcRun_culprits=makeCulprits(("C03", "PTC_GAIN", "failed"), ("C07", "PTC_NOISE", "failed")),
    )
    lines = judge(makeRun(butler, "ptc", faults))
    assert {line.amplifier: line.isRight for line in lines} == {"C03": True, "C06": False, "C07": False}
    assert {line.exposure for line in lines} == {0}


def test_detectors_without_results_are_missing_where_detectors_are_judged() -> None:
    butler = FakeButler(
        camera=Latiss().getCamera(),
        cpCrosstalkRun_detectorSummary=Table({"detector": [0], "nDetectors": [0]}),
        cpCrosstalkRun_culprits=makeCulprits(),
    )
    [line] = judge(makeRun(butler, "crosstalk", ()))
    assert (line.amplifier, line.found, line.isRight) == ("", {"missing"}, False)


def test_plan_of_calibrations_of_the_large_camera(tmp_path: Path) -> None:
    [part] = listParts(["LSSTCam"], ["ptc"])
    [plan] = prepare([part], tmp_path, 2, None, full=False)
    faulty = {str(fault.detector) for fault in part.readFaults()}
    assert set(plan.run.viewedDetectors) == faulty
    detectors, merge, curves = plan.stages
    assert [len(stage.commands) for stage in plan.stages] == [2, 1, 1]
    # The merge and upstream's plots; the curves of detectors with faults.
    assert (detectors.nSteps, merge.nSteps, curves.nSteps) == (205, 2, len(faulty))
    [command] = curves.commands
    assert "#analyzePtcCurvesExtended" in " ".join(command)
    assert not [
        command for stage in plan.stages for command in stage.commands if "exposure" in " ".join(command)
    ]
    assert plan.nViewed == 0


def test_products_of_one_simulation_have_the_same_faults() -> None:
    ptc, gain = listParts(["LATISS"], ["ptc", "gain"])
    assert ptc.readFaults() == gain.readFaults() != ()
    assert ptc.product.store == gain.product.store
    assert gain.pipeline.name == "analyzeGain.yaml"
    # The faults of the curves of the large camera are no faults of its gains.
    assert [part.product.name for part in listParts(["LSSTCam"], ["ptc", "gain"])] == ["ptc"]


def test_what_is_measured_on_demand_is_judged_by_our_own_tests(tmp_path: Path) -> None:
    faults = ("serialCti detector:RXX_S00 amplifiers:C03", "parallelCti detector:RXX_S00 amplifiers:C14")
    amps = Table({"detector": [0, 0, 0], "amplifier": ["C03", "C04", "C14"]})
    amps["SERIAL_CTI_status"] = amps["GLOBAL_CTI_status"] = ["failed", "good", "good"]
    amps["PARALLEL_CTI_status"] = ["good", "good", "unknown"]
    butler = FakeButler(
        camera=Latiss().getCamera(),
        cpCtiRun_detectorSummary=Table({"detector": [0], "nAmps": [16]}),
        cpCtiRun_culprits=makeCulprits(),
        cpCtiRun_ampSummary=amps,
    )
    lines = judge(makeRun(butler, "cti", faults))
    assert {line.amplifier: line.isRight for line in lines} == {"C03": True, "C14": False}
    # Parallel ones are measured only where it is configured.
    [part] = listParts(["LATISS"], ["cti"])
    files = part.writeConfigs(tmp_path, (), 1, full=False)
    assert files["measureCti"].read_text() == "config.doMeasureParallel = True\n"


def test_process_writes_without_waiting_for_the_disk() -> None:
    code = "from sqlalchemy import create_engine; from databases import writeWithoutWaiting as f; "
    code += (
        "ask = lambda: create_engine('sqlite://').connect().exec_driver_sql('PRAGMA synchronous').scalar(); "
    )
    code += "print(ask()); f(); f(); print(ask())"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT / "demo", capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["2", "0"]


def makeFindings(**fields: list) -> Findings:
    line = Line(EXPOSURE, "RXX_S00", "C03", "hotNoise", frozenset({"NOISE"}), frozenset({"NOISE"}))
    return Findings(**{"tests": [line], "structures": [], "others": [], "reported": [], **fields})


def test_nothing_else_is_said_only_where_it_would_have_been_seen() -> None:
    other = OtherStructure(EXPOSURE, "RXX_S00", "C17", "pixel, rank 2, 7.0 sigma")
    assert "Nothing else was found." in summarize([makeFindings()], 9, 9)
    partly = summarize([makeFindings()], 205, 26)
    assert "no other test failed in 205 verifications of a detector" in partly
    assert "in the 26 in which pixels were looked at" in partly
    found = summarize([makeFindings(others=[other])], 9, 9)
    assert "Nothing else" not in found
    assert "Where nothing was injected: 1 structure." in found


def test_wrong_findings_are_counted() -> None:
    line = Line(EXPOSURE, "RXX_S00", "C17", "", frozenset(), frozenset({"MEAN"}))
    step = HistoryLine("biasNoise", "a step", "nothing", isRight=False)
    assert makeFindings().nWrong == 0
    assert makeFindings(tests=[line], history=[step]).nWrong == 2


def test_figures_of_what_was_found() -> None:
    names = [("NOISE", ""), ("NOISE", "R00"), ("MEAN", ""), ("biasSignificance", "")]
    figures = [Figure("LATISS", "bias", detector, EXPOSURE, name, Path(name)) for name, detector in names]
    chosen = list(chooseFigures(makeFindings(figures=figures)))
    assert chosen == [
        ("RXX_S00", "NOISE", figures[0]),
        ("focal plane", "significance", figures[3]),
    ]


def test_columns_of_the_list_of_figures_are_apart(tmp_path):
    names = ("biasReadNoiseConsistentFailuresByDetector", "NOISE")
    figures = [Figure("LATISS", "bias", "", 0, name, tmp_path / f"{name}.png") for name in names]
    head, *lines = writeIndex(figures, tmp_path).read_text().splitlines()
    place = head.index("file")
    assert [line[place:] for line in lines] == ["NOISE.png", f"{names[0]}.png"]
    assert [line[: place - 1].split()[-1] for line in lines] == ["NOISE", names[0]]
