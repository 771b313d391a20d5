# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What tasks should have made and what they made: runs with injected failures, counted."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from registries import Registries

from lsst.analysis.cp.report.model import QuantumState, TaskReport
from lsst.analysis.cp.report.production import Production, listTasks
from lsst.analysis.cp.report.production.attempts import Attempt, resolveAttempts
from lsst.analysis.cp.report.production.datasets import TaskDatasets
from lsst.analysis.cp.report.production.predict import predictQuanta
from lsst.analysis.cp.report.production.reader import MOST_READ, Reader
from lsst.ctrl.mpexec.cli.pipetask import cli
from lsst.daf.butler import (
    Butler,
    ButlerLogRecords,
    CollectionType,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    DimensionUniverse,
)
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph

sys.path.append(str(Path(__file__).parent / "support"))

import productionRuns
from productionRuns import DETECTORS, EXPOSURES, INSTRUMENT, MESSAGE, makeRepository, run

FAILED, BLOCKED, NOT_YET, LOST = (
    QuantumState.FAILED,
    QuantumState.BLOCKED,
    QuantumState.NOT_YET,
    QuantumState.LOST,
)
N_MEASURE = len(DETECTORS) * len(EXPOSURES)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, registries: Registries) -> Path:
    """Run a pipeline in which one quantum fails and one has no work, and once more what failed.

    Further collections hold partial outputs with stored provenance, and a run of the first exposure only.
    """
    folder = tmp_path_factory.mktemp("production")
    root = folder / "repository"
    with registries.hosting():
        makeRepository(root).close()
    run(root, "u/a", folder / "a.qg", failing=["11/2"], idle=["12/3"])
    run(root, "u/b", folder / "b.qg", skipExistingIn=["u/a"])
    run(root, "u/part", folder / "part.qg", partial=["12/1"], failsOnPartial=False, withProvenance=True)
    run(root, "u/begun", folder / "begun.qg", exposures=(11,))
    return folder


@pytest.fixture
def butler(place: Path) -> Iterator[Butler]:
    """Return the repository, which cannot be written to."""
    with Butler.from_config(place / "repository", writeable=False) as opened:
        yield opened


@pytest.fixture
def changeable(place: Path, tmp_path: Path, registries: Registries) -> Iterator[Butler]:
    """Return a copy of the repository."""
    registries.copy(place / "repository", tmp_path / "copy")
    with Butler.from_config(tmp_path / "copy", writeable=True) as opened:
        yield opened


def find(butler: Butler, name: str, exposure: int, detector: int) -> DatasetRef:
    """Find a dataset in the first collection."""
    ref = butler.find_dataset(
        name, instrument=INSTRUMENT, exposure=exposure, detector=detector, collections="u/a"
    )
    assert ref is not None
    return ref


def named(production: Production) -> dict[str, TaskReport]:
    return {task.task: task for task in production.tasks}


def counts(task: TaskReport) -> tuple[int, ...]:
    """Return the numbers of a task, and check that they add up."""
    numbers = (task.nSucceeded, task.nFailed, task.nBlocked, task.nNotYet, task.nLost)
    assert task.nExpected == sum(numbers)
    assert len(task.missing) == task.nExpected - task.nSucceeded
    return numbers


def test_failureWithGraph(butler: Butler, place: Path) -> None:
    """The failed quantum, its exception, and what it blocks are as injected."""
    production = listTasks(butler, ["u/a"], [str(place / "a.qg")])
    tasks = named(production)
    assert list(tasks) == ["measureTiny", "mergeTiny", "totalTiny"]
    assert counts(tasks["measureTiny"]) == (N_MEASURE - 1, 1, 0, 0, 0)
    assert counts(tasks["mergeTiny"]) == (len(EXPOSURES) - 1, 0, 1, 0, 0)
    assert counts(tasks["totalTiny"]) == (0, 0, 1, 0, 0)
    (failed,) = tasks["measureTiny"].missing
    assert failed.dataId == "exposure 11, detector 2 (R01_S02)"
    assert (failed.detector, failed.exposure, failed.state, failed.run) == (2, 11, FAILED, "u/a")
    assert failed.reason == f"ValueError: {MESSAGE.format(detector=2)}"
    (blocked,) = tasks["mergeTiny"].missing
    assert (blocked.state, blocked.exposure, blocked.detector) == (BLOCKED, 11, -1)
    assert blocked.reason == "measureTiny failed for exposure 11, detector 2"
    assert all(task.isExact for task in production.tasks)
    assert production.problems == ()


def test_numbersByDetector(butler: Butler, place: Path) -> None:
    """Each detector has its expected and its good quanta."""
    measure = named(listTasks(butler, ["u/a"], [place / "a.qg"]))["measureTiny"]
    assert measure.nExpectedOfDetector == dict.fromkeys(DETECTORS, len(EXPOSURES))
    assert measure.nSucceededOfDetector == {0: 2, 1: 2, 2: 1, 3: 2}


def test_noWorkIsACaveat(butler: Butler, place: Path) -> None:
    """A quantum without work succeeded, and says so."""
    measure = named(listTasks(butler, ["u/a"], [place / "a.qg"]))["measureTiny"]
    ((words, number),) = measure.caveats.items()
    assert "runQuantum raised NoWorkFound" in words
    assert number == 1


@pytest.mark.parametrize("names", [["a", "b"], ["b", "a"]])
def test_recovery(butler: Butler, place: Path, names: Sequence[str]) -> None:
    """What a later run recovered is a success; graphs may come in any order."""
    graphs = [place / f"{name}.qg" for name in names]
    tasks = named(listTasks(butler, ["u/b", "u/a"], graphs))
    assert counts(tasks["measureTiny"]) == (N_MEASURE, 0, 0, 0, 0)
    assert counts(tasks["mergeTiny"]) == (len(EXPOSURES), 0, 0, 0, 0)
    assert [task.nRecovered for task in tasks.values()] == [1, 1, 1]


@pytest.mark.parametrize("names", [["a"], ["a", "b"]])
def test_asPipetaskReport(butler: Butler, place: Path, tmp_path: Path, names: Sequence[str]) -> None:
    """``pipetask report`` counts the same."""
    graphs = [str(place / f"{name}.qg") for name in names]
    file = tmp_path / "report.json"
    arguments = [
        "report",
        str(place / "repository"),
        *graphs,
        "--full-output-filename",
        str(file),
        "--force-v2",
    ]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    upstream = json.loads(file.read_text())["tasks"]
    tasks = named(listTasks(butler, [f"u/{name}" for name in reversed(names)], graphs))
    assert set(tasks) == set(upstream)
    for label, task in tasks.items():
        theirs = upstream[label]
        assert task.nExpected == theirs["n_expected"]
        assert (task.nSucceeded, task.nFailed) == (theirs["n_successful"], theirs["n_failed"])
        assert (task.nBlocked, task.nNotYet) == (theirs["n_blocked"], theirs["n_unknown"])
        assert task.nRecovered == len(theirs["recovered_quanta"])
        assert sum(task.caveats.values()) == sum(map(len, theirs["caveats"].values()))
        for missing, quantum in zip(task.missing, theirs["failed_quanta"], strict=False):
            assert missing.detector == quantum["data_id"]["detector"]
            assert missing.reason in quantum["messages"][-1]


def test_notYetWithGraph(butler: Butler, place: Path) -> None:
    """Of an exposure that has not begun everything is to come, and no task is called complete."""
    tasks = named(listTasks(butler, ["u/begun"], [place / "begun.qg"]))
    assert counts(tasks["measureTiny"]) == (len(DETECTORS), 0, 0, len(DETECTORS), 0)
    assert counts(tasks["mergeTiny"]) == (1, 0, 0, 1, 0)
    assert {missing.exposure for missing in tasks["measureTiny"].missing} == {12}


def test_failureWithoutGraph(butler: Butler) -> None:
    """Logs and metadata tell of the failure, and of tasks that never started."""
    tasks = named(listTasks(butler, ["u/a"]))
    assert counts(tasks["measureTiny"]) == (N_MEASURE - 1, 1, 0, 0, 0)
    assert tasks["measureTiny"].missing[0].reason == f"ValueError: {MESSAGE.format(detector=2)}"
    assert counts(tasks["mergeTiny"]) == (1, 0, 0, 1, 0)
    assert [missing.exposure for missing in tasks["mergeTiny"].missing] == [11]
    assert counts(tasks["totalTiny"]) == (0, 0, 0, 1, 0)
    for task in tasks.values():
        assert not task.isExact
        assert "logs and metadata in u/a" in task.nExpectedSource


def test_orderWithoutGraph(changeable: Butler) -> None:
    """Tasks of the same dimensions are listed in the order in which they began, not by name."""
    ref = find(changeable, "measureTiny_metadata", 11, 1)
    changeable.registry.registerDatasetType(
        DatasetType("aLaterTask_metadata", ref.datasetType.dimensions, "TaskMetadata")
    )
    changeable.put(changeable.get(ref), "aLaterTask_metadata", ref.dataId, run="u/a")
    expected = ["measureTiny", "aLaterTask", "mergeTiny", "totalTiny"]
    assert list(named(listTasks(changeable, ["u/a"]))) == expected


def test_recoveryWithoutGraph(butler: Butler) -> None:
    """Logs of two runs are brought together."""
    tasks = named(listTasks(butler, ["u/b", "u/a"]))
    assert [counts(task) for task in tasks.values()] == [(8, 0, 0, 0, 0), (2, 0, 0, 0, 0), (1, 0, 0, 0, 0)]
    assert tasks["measureTiny"].nRecovered == 1


@pytest.mark.parametrize("source", ["graph", "stored provenance", "file of provenance"])
def test_partialOutputs(butler: Butler, place: Path, source: str) -> None:
    """Partial outputs are a success with its exception, by a graph as by provenance."""
    graphs = {
        "graph": [str(place / "part.qg")],
        "stored provenance": [],
        "file of provenance": [butler.getURI("run_provenance", collections="u/part")],
    }
    production = listTasks(butler, ["u/part"], graphs[source])
    task = named(production)["measureTiny"]
    assert production.problems == ()
    assert task.isExact
    assert task.nExpectedSource.startswith("the quantum graph" if source == "graph" else "the provenance")
    assert counts(task) == (N_MEASURE, 0, 0, 0, 0)
    ((words, number),) = task.caveats.items()
    assert "partial outputs" in words
    assert f"BadAmplifierError: {MESSAGE.format(detector=1)}" in words
    assert number == 1


def test_oldGraph(butler: Butler, place: Path, tmp_path: Path) -> None:
    """A graph in the format of older middleware tells the same."""
    graph = PredictedQuantumGraph.read_execution_quanta(place / "a.qg")
    graph.to_old_quantum_graph().saveUri(str(tmp_path / "a.qgraph"))
    tasks = named(listTasks(butler, ["u/a"], [tmp_path / "a.qgraph"]))
    expected = named(listTasks(butler, ["u/a"], [place / "a.qg"]))
    assert [counts(task) for task in tasks.values()] == [counts(task) for task in expected.values()]
    assert [task.missing for task in tasks.values()] == [task.missing for task in expected.values()]


def test_lostOutput(changeable: Butler, place: Path) -> None:
    """What was written and is gone is lost: no success."""
    changeable.pruneDatasets(
        [find(changeable, "tinyExtra", 12, 1)], disassociate=True, unstore=True, purge=True
    )
    measure = named(listTasks(changeable, ["u/b", "u/a"], [place / "a.qg", place / "b.qg"]))["measureTiny"]
    assert counts(measure) == (N_MEASURE - 1, 0, 0, 0, 1)
    assert (measure.missing[0].state, measure.missing[0].detector) == (LOST, 1)
    assert "tinyExtra" in measure.missing[0].reason


def test_sameRunAgain(
    changeable: Butler, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collection whose failures were clobbered and run again has two graphs: each tells of the success."""
    monkeypatch.setattr(productionRuns, "REPAIRED", {"11/2"})
    again = tmp_path / "again.qg"
    options = {"failing": ["11/2"], "idle": ["12/3"]}
    run(tmp_path / "copy", "u/a", again, skipExistingIn=["u/a"], clobber=True, **options)
    for graphs in ([place / "a.qg"], [again], [place / "a.qg", again]):
        tasks = named(listTasks(changeable, ["u/a"], graphs))
        assert [counts(task)[0] for task in tasks.values()] == [8, 2, 1], graphs
    only_again = named(listTasks(changeable, ["u/a"], [again]))["measureTiny"]
    assert not only_again.isExact
    assert "and 8 more with logs or metadata in u/a" in only_again.nExpectedSource


def test_logThatCannotBeRead(changeable: Butler, place: Path) -> None:
    """A failed quantum stays one, and the log is named."""
    ref = find(changeable, "measureTiny_log", 11, 2)
    Path(changeable.getURI(ref).ospath).write_text("{ no log")
    production = listTasks(changeable, ["u/a"], [place / "a.qg"])
    (missing,) = named(production)["measureTiny"].missing
    assert missing.state is FAILED
    assert missing.reason.startswith("its log cannot be read: ")
    (problem,) = production.problems
    assert problem.dataset.startswith("measureTiny_log")
    assert "detector: 2" in problem.dataset


def test_logWithoutExtras(changeable: Butler, place: Path) -> None:
    """Logs of older middleware have the exception in their last error only; one without errors was killed."""
    ref = find(changeable, "measureTiny_log", 11, 2)
    records = changeable.get(ref)
    errors = [record for record in records if record.levelno >= logging.ERROR]
    others = [record for record in records if record not in errors]
    for kept, reason in (
        (records, f"ValueError: {MESSAGE.format(detector=2)}"),
        (others, "its log has no error: it was killed, or is running"),
    ):
        changeable.pruneDatasets([ref], disassociate=True, unstore=True, purge=True)
        ref = changeable.put(ButlerLogRecords.from_records(kept), "measureTiny_log", ref.dataId, run="u/a")
        (missing,) = named(listTasks(changeable, ["u/a"], [place / "a.qg"]))["measureTiny"].missing
        assert missing.state is FAILED
        assert missing.reason.endswith(reason)


def test_graphThatCannotBeRead(butler: Butler, place: Path, tmp_path: Path) -> None:
    """A file that is no graph, or none, is named; the others count."""
    broken = tmp_path / "broken.qg"
    broken.write_bytes((place / "a.qg").read_bytes()[:1000])
    production = listTasks(butler, ["u/a"], [broken, tmp_path / "none.qg", place / "a.qg"])
    assert [problem.dataset for problem in production.problems] == [str(broken), str(tmp_path / "none.qg")]
    assert counts(named(production)["mergeTiny"]) == (1, 0, 1, 0, 0)


def test_graphOfAnotherRepository(butler: Butler, place: Path, tmp_path: Path) -> None:
    """A graph of another repository is refused, also if a collection has the same name there."""
    root = tmp_path / "other"
    makeRepository(root).close()
    run(root, "u/a", tmp_path / "other.qg", exposures=())
    run(root, "u/z", tmp_path / "z.qg", exposures=())
    with pytest.raises(ValueError, match=r"other\.qg is not the one of u/a here"):
        listTasks(butler, ["u/a"], [tmp_path / "other.qg"])
    with pytest.raises(ValueError, match=r"u/z, which this repository has not"):
        listTasks(butler, ["u/a"], [tmp_path / "z.qg"])
    with pytest.raises(ValueError, match=r"u/b, which is not in the collections that are reported: u/a"):
        listTasks(butler, ["u/a"], [place / "b.qg"])


def test_successesAreNotRead(butler: Butler, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only logs of failures are read, and metadata of merges and of what lacks outputs."""
    read: list[str] = []
    original = type(butler).get

    def get(self: Butler, ref: DatasetRef, **kwargs: object) -> object:
        read.append(ref.datasetType.name)
        return original(self, ref, **kwargs)

    monkeypatch.setattr(type(butler), "get", get)
    listTasks(butler, ["u/a"], [place / "a.qg"])
    assert sorted(read) == ["measureTiny_log", "measureTiny_metadata", "mergeTiny_metadata"]


def test_mostRead(butler: Butler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of logs none is read, and it is said."""
    ref = find(butler, "measureTiny_log", 11, 2)
    reader = Reader(butler, _n_read={("log", "u/a"): MOST_READ})
    assert reader.readFailure(ref) == f"its log was not read, as more than {MOST_READ} quanta failed"


def test_collectionWithoutTasks(butler: Butler) -> None:
    """Of a collection that no pipeline wrote there is nothing to say."""
    assert listTasks(butler, ["raw"]) == Production()


def test_instrument(butler: Butler) -> None:
    """Quanta of another instrument are not listed."""
    assert len(listTasks(butler, ["u/a"], instrument=INSTRUMENT).tasks) == 3
    assert listTasks(butler, ["u/a"], instrument="OtherCam").tasks == ()


def test_taskOfWhichNothingIsKnown(changeable: Butler) -> None:
    """A task that was to run, of dimensions that tell nothing, is never complete."""
    dimensions = changeable.dimensions.conform(["physical_filter"])
    for name, group, kind in (
        ("oddTiny_metadata", dimensions, "TaskMetadata"),
        ("oddTiny_config", changeable.dimensions.empty, "Config"),
    ):
        changeable.registry.registerDatasetType(DatasetType(name, group, kind))
    changeable.collections.register("u/odd", CollectionType.RUN)
    changeable.put(productionRuns.MeasureConfig(), "oddTiny_config", run="u/odd")
    (task,) = listTasks(changeable, ["u/odd"]).tasks
    assert counts(task) == (0, 0, 0, 1, 0)
    assert task.missing[0].dataId == "not known"


def makeTask(dimensions: Sequence[str], *started: tuple[int, ...]) -> TaskDatasets:
    """Return a task that has logs of these data IDs, whose values are in the order of the universe."""
    group = DimensionUniverse().conform(dimensions)
    keys = [DataCoordinate.from_required_values(group, (INSTRUMENT, *values)) for values in started]
    return TaskDatasets(dimensions=group, logs=dict.fromkeys(keys))


def predicted(**tasks: TaskDatasets) -> dict[str, set[tuple[int, ...]]]:
    return {
        label: {tuple(data_id.required_values[1:]) for data_id in quanta}
        for label, quanta in predictQuanta(tasks).items()
    }


def test_detectorThatAlwaysFailsEarly() -> None:
    """A detector that an early task had is expected in a later one, in the exposures of that one."""
    both = ("detector", "exposure")
    quanta = predicted(
        early=makeTask(both, (0, 11), (1, 11), (0, 12), (1, 12), (0, 13)),
        late=makeTask(both, (0, 11), (0, 12)),
    )
    assert quanta["early"] == {(0, 11), (1, 11), (0, 12), (1, 12), (0, 13), (1, 13)}
    assert quanta["late"] == {(0, 11), (1, 11), (0, 12), (1, 12)}


def test_productsInOneCollection() -> None:
    """Exposures of one product are not expected of another one's tasks."""
    both = ("detector", "exposure")
    quanta = predicted(
        bias=makeTask(both, (0, 11), (1, 11)),
        mergeBias=makeTask(("exposure",), (11,)),
        dark=makeTask(both, (5, 21), (6, 22)),
        total=makeTask(("instrument",)),
    )
    assert quanta["bias"] == {(0, 11), (1, 11)}
    assert quanta["mergeBias"] == {(11,)}
    assert quanta["dark"] == {(5, 21), (6, 21), (5, 22), (6, 22)}
    assert quanta["total"] == {()}


def attempt(state: QuantumState, name: str, *, isGuessed: bool = False) -> Attempt:
    return Attempt(run=name, state=state, isGuessed=isGuessed)


@pytest.mark.parametrize(
    ("states", "run", "state", "isRecovered"),
    [
        (("succeeded", "failed"), "0", "succeeded", True),
        (("succeeded", "blocked"), "0", "succeeded", True),
        (("succeeded", "not yet"), "0", "succeeded", False),
        (("failed", "succeeded"), "1", "succeeded", False),
        (("not yet", "failed"), "0", "not yet", False),
        (("blocked", "failed"), "1", "failed", False),
        (("blocked", "not yet"), "0", "blocked", False),
        (("failed", "failed"), "0", "failed", False),
    ],
)
def test_attempts(states: Sequence[str], run: str, state: str, isRecovered: bool) -> None:
    """The latest attempt is the first."""
    outcome = resolveAttempts([attempt(QuantumState(one), str(i)) for i, one in enumerate(states)])
    assert (outcome.attempt.run, outcome.attempt.state, outcome.isRecovered) == (run, state, isRecovered)


def test_laterFailureIsACaveat() -> None:
    """A success that failed later counts, but not in silence."""
    outcome = resolveAttempts([attempt(FAILED, "late"), attempt(QuantumState.SUCCEEDED, "early")])
    assert outcome.attempt.caveats == ("a later attempt failed in late; what is found is of early",)


def test_guessesCountLast() -> None:
    """What was only guessed of a later collection does not hide a failure."""
    outcome = resolveAttempts([attempt(NOT_YET, "late", isGuessed=True), attempt(FAILED, "early")])
    assert outcome.attempt.run == "early"
