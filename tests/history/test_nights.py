# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Histories that grow night by night."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import Table
from click.testing import CliRunner
from historyRepository import (
    INSTRUMENT,
    N_NIGHTS,
    ROOT,
    History,
    dayOf,
    exposureOf,
    insertExposure,
    makeHistory,
    makeSummary,
    readPipeline,
)
from pipelineRuns import WITHOUT_PLOTS

from lsst.analysis.cp.metrics import gatherNight, readHandles, unreadDatasets
from lsst.analysis.cp.metrics.fetching import Fetched
from lsst.analysis.cp.tasks.history import GatherNightTask, MetricTrendTask
from lsst.ctrl.mpexec.cli.pipetask import cli as pipetask
from lsst.daf.butler import Butler, CollectionType, DatasetRef
from lsst.pipe.base import Pipeline
from lsst.resources import ResourcePath

ONLY = "config.gatheredMetrics = ['biasNoise']"
SUMMARY = "cpBiasExp_detectorSummary"
VERIFIED = ("again", "second", "first", "calibrations")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> History:
    """Make a repository in which all nights are gathered, and no two have as many exposures as the next."""
    history = makeHistory(tmp_path_factory.mktemp("nights") / "butler")
    with Butler.from_config(str(history.root), writeable=True) as butler:
        butler.registry.registerRun("again")
        # Collections with validity ranges are among the inputs of all.
        butler.collections.register("calibrations", CollectionType.CALIBRATION)
        for night in range(0, N_NIGHTS, 2):
            insertExposure(butler, night, 2)
            put(butler, history, night, 2, "second")
    history.execute(readPipeline("gatherBias"), "nights")
    return history


@pytest.fixture
def history(made: History, tmp_path: Path) -> History:
    """Copy it, to be changed."""
    return replace(made, root=Path(shutil.copytree(made.root, tmp_path / "butler")))


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[DatasetRef]:
    """List the datasets whose tables are read."""
    found: list[DatasetRef] = []
    for name in ("readColumns", "readTable"):
        original = getattr(Fetched, name)

        def note(self: Fetched, *args: object, original: object = original) -> object:
            found.append(self.handle.ref)
            return original(self, *args)

        monkeypatch.setattr(Fetched, name, note)
    return found


def put(butler: Butler, history: History, night: int, sequence: int, run: str) -> None:
    """Verify an exposure."""
    butler.put(
        makeSummary(history.camera, 100 * sequence + night),
        SUMMARY,
        instrument=INSTRUMENT,
        exposure=exposureOf(night, sequence),
        run=run,
    )


def gather(history: History, night: int, output: str, inputs: tuple[str, ...] = VERIFIED) -> Butler:
    return history.execute(readPipeline("gatherBias"), output, f" AND day_obs = {dayOf(night)}", inputs)


def follow(history: History, output: str, *nights: str) -> Table:
    """Make the history of the noise from what was gathered."""
    pipeline = readPipeline("trendBias", WITHOUT_PLOTS + ONLY)
    butler = history.execute(pipeline, output, inputs=(*VERIFIED, *nights))
    return butler.get("cpBiasTrend_trend", parameters={"strip_astropy_meta_yaml": False})


def countKinds(read: list[DatasetRef]) -> dict[str, int]:
    names = [ref.datasetType.name for ref in read]
    return {name: names.count(name) for name in set(names)}


def assertSame(first: Table, second: Table) -> None:
    assert first.colnames == second.colnames
    for name in first.colnames:
        np.testing.assert_array_equal(first[name], second[name], name)
        np.testing.assert_array_equal(np.ma.getmaskarray(first[name]), np.ma.getmaskarray(second[name]))


def test_history_of_nights_is_that_of_summaries(history, read):
    direct = follow(history, "direct")
    assert countKinds(read) == {SUMMARY: N_NIGHTS + N_NIGHTS // 2}
    read.clear()
    assertSame(follow(history, "followed", "nights"), direct)
    assert countKinds(read) == {"cpBiasTrend_night": N_NIGHTS}


def spoilOthers(history: History, kept: int) -> None:
    """Make the summaries of all other nights unreadable."""
    with Butler.from_config(str(history.root)) as butler:
        for ref in butler.query_datasets(SUMMARY, collections=list(VERIFIED), limit=None):
            if ref.dataId["exposure"] // 100000 != dayOf(kept):
                butler.getURI(ref).write(b"nothing")


def test_a_night_costs_the_night(history, read):
    """The summaries of old nights are not read, neither when a night is gathered nor when it is followed."""
    with Butler.from_config(str(history.root), writeable=True) as butler:
        insertExposure(butler, N_NIGHTS)
        put(butler, history, N_NIGHTS, 1, "again")
    expected = follow(history, "direct")
    spoilOthers(history, N_NIGHTS)
    read.clear()
    gather(history, N_NIGHTS, "night")
    (only,) = read
    assert only.dataId["exposure"] == exposureOf(N_NIGHTS)
    read.clear()
    assertSame(follow(history, "followed", "night", "nights"), expected)
    assert countKinds(read) == {"cpBiasTrend_night": N_NIGHTS + 1}


def test_nights_that_are_not_asked_for_are_not_read(history, read):
    pipeline = readPipeline("trendBias", WITHOUT_PLOTS + ONLY)
    history.execute(pipeline, "few", f" AND day_obs > {dayOf(20)}", ("nights", *VERIFIED))
    assert {ref.dataId["day_obs"] for ref in read} == {dayOf(21), dayOf(22), dayOf(23)}


class Warnings(logging.Handler):
    """Collects what is logged of tables that are read."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.messages.append(record.getMessage())


@pytest.fixture
def warned() -> Iterator[list[str]]:
    """List the warnings of tables that are read."""
    handler, logger = Warnings(), logging.getLogger("lsst.analysis.cp.metrics.readButler")
    logger.addHandler(handler)
    yield handler.messages
    logger.removeHandler(handler)


def verifyLate(butler: Butler, history: History) -> None:
    insertExposure(butler, 3, 2)
    put(butler, history, 3, 2, "again")


def verifyAgain(butler: Butler, history: History) -> None:
    put(butler, history, 3, 1, "again")


def removeOne(butler: Butler, history: History) -> None:
    ref = butler.find_dataset(
        SUMMARY, instrument=INSTRUMENT, exposure=exposureOf(4, 2), collections=["second"]
    )
    butler.pruneDatasets([ref], disassociate=True, unstore=True, purge=True)


@pytest.mark.parametrize(
    ("night", "change", "lacking", "gone"),
    [
        (3, verifyLate, [exposureOf(3, 2)], []),
        (3, verifyAgain, [exposureOf(3)], [exposureOf(3)]),
        (4, removeOne, [], [exposureOf(4, 2)]),
    ],
)
def test_a_night_that_changed_is_told_and_right(history, warned, night, change, lacking, gone):
    """What was late, replaced or removed since is followed as it is now."""
    with Butler.from_config(str(history.root), writeable=True) as butler:
        change(butler, history)
    expected = follow(history, "direct")
    assert warned == []
    assertSame(follow(history, "followed", "nights"), expected)
    name = rf"cpBiasTrend_night {{.*day_obs: {dayOf(night)}.*}} of nights/\w+"
    patterns = [rf"{name} lacks the summaries of {each}, .*: gather this night again" for each in lacking]
    patterns += [rf"{name} has summaries of {each} that were replaced or removed" for each in gone]
    assert len(warned) == len(patterns)
    for pattern, message in zip(patterns, warned, strict=True):
        assert re.match(pattern, message)
    warned.clear()
    gather(history, night, "renewed")
    assertSame(follow(history, "again/followed", "renewed", "nights"), expected)
    assert warned == []


def test_a_night_that_cannot_be_read_is_made_of_its_summaries(history, warned, read):
    expected = follow(history, "direct")
    read.clear()
    with Butler.from_config(str(history.root), collections=["nights"]) as butler:
        butler.getURI("cpBiasTrend_night", instrument=INSTRUMENT, day_obs=dayOf(4)).write(b"nothing")
    assertSame(follow(history, "followed", "nights"), expected)
    assert countKinds(read)[SUMMARY] == 2
    (message,) = warned
    assert re.match(rf"cpBiasTrend_night .*{dayOf(4)}.* cannot be read, so that its summaries are: ", message)


def test_a_summary_that_cannot_be_read_costs_itself_and_is_named(history):
    with Butler.from_config(str(history.root), collections=list(VERIFIED)) as butler:
        uri = butler.getURI(SUMMARY, instrument=INSTRUMENT, exposure=exposureOf(4, 2))
        stored = uri.read()
        ResourcePath(uri).write(b"nothing")
    name = f"{SUMMARY} {{instrument: {INSTRUMENT}, exposure: {exposureOf(4, 2)}}} of second"
    with pytest.raises(Exception, match=re.escape(name)):
        gather(history, 4, "renewed")
    with Butler.from_config(str(history.root), collections=["renewed"], instrument=INSTRUMENT) as butler:
        table = butler.get("cpBiasTrend_night", day_obs=dayOf(4), storageClass="ArrowTable")
    assert set(table["exposure"].to_pylist()) == {exposureOf(4)}
    assert list(unreadDatasets(table)) == [name]
    # When it can be, it is read by itself.
    ResourcePath(uri).write(stored)
    assertSame(follow(history, "followed", "renewed", "nights"), follow(history, "direct"))


def test_nights_are_read_where_there_is_no_whole_repository(history):
    """As in a batch job, whose butler has no more than the datasets of its quantum."""
    with Butler.from_config(str(history.root), collections=["nights", *VERIFIED]) as butler:
        summaries, nights = (
            [butler.getDeferred(ref) for ref in butler.query_datasets(name, with_dimension_records=True)]
            for name in (SUMMARY, "cpBiasTrend_night")
        )
        others = [SimpleNamespace(ref=each.ref, dataId=each.dataId, get=each.get) for each in nights]
        first, second = (readHandles(summaries, nights=each).to_pydict() for each in (nights, others))
    assert len(first["value"]) > 0
    for name, values in first.items():
        np.testing.assert_array_equal(second[name], values, name)


def test_bundles_are_in_no_table_of_a_night(history, warned):
    """They are read besides, and no night lacks them."""
    pipeline = readPipeline("trendBias", WITHOUT_PLOTS + ONLY + "\nconfig.doReadBundles = True")
    tables = [
        history.execute(pipeline, output, inputs=(*VERIFIED, *nights)).get("cpBiasTrend_trend")
        for output, nights in (("direct", ()), ("followed", ("nights",)))
    ]
    assert set(tables[0]["level"]) == {"detector", "exposure"}
    assertSame(*tables)
    assert warned == []


def test_a_table_of_two_summaries_of_an_exposure_has_both_apart(history):
    with Butler.from_config(str(history.root), writeable=True) as butler:
        verifyAgain(butler, history)
        refs = butler.query_datasets(
            SUMMARY,
            collections=["first", "again"],
            find_first=False,
            with_dimension_records=True,
            instrument=INSTRUMENT,
            day_obs=dayOf(3),
        )
        handles = [butler.getDeferred(ref) for ref in refs]
        (ref,) = butler.query_datasets(
            "cpBiasTrend_night",
            collections="nights",
            with_dimension_records=True,
            instrument=INSTRUMENT,
            day_obs=dayOf(3),
        )
        table = gatherNight(handles)
        night = SimpleNamespace(ref=ref, dataId=ref.dataId, get=lambda **kwargs: table)
        for handle in handles:
            found, expected = (
                readHandles([handle], nights=nights, metrics=["biasNoise"]) for nights in ([night], [])
            )
            assert found.to_pydict() == expected.to_pydict()


def test_filters_have_nights_of_their_own(history, read):
    name = "config.connections.outputName = 'cpBiasFilterTrend'\n"
    gathering = Pipeline("Filters apart.")
    gathering.addTask(GatherNightTask, "gatherByFilter")
    code = "config.dimensions = ['instrument', 'day_obs', 'physical_filter']\n"
    gathering.addConfigPython("gatherByFilter", code + name)
    history.execute(gathering, "filters")
    read.clear()
    following = Pipeline("Filters apart.")
    following.addTask(MetricTrendTask, "trendByFilter")
    code = "config.dimensions = ['instrument', 'physical_filter']\nconfig.doReadNights = True\n"
    following.addConfigPython("trendByFilter", code + name + ONLY)
    butler = history.execute(following, "followed", inputs=("filters", *VERIFIED))
    table = butler.get("cpBiasFilterTrend_trend", physical_filter="unknown")
    assert len(set(table["exposure"])) == N_NIGHTS + N_NIGHTS // 2
    assert countKinds(read) == {"cpBiasFilterTrend_night": N_NIGHTS}


def test_commands_of_a_night(history, tmp_path):
    """One collection holds the tables of all nights, and the histories that are made of them."""
    files = {}
    for name, code in (("gatherBias", ""), ("trendBias", WITHOUT_PLOTS + ONLY)):
        files[name] = tmp_path / f"{name}.yaml"
        readPipeline(name, code).write_to_uri(files[name])
    common = ["-b", str(history.root), "-o", "u/history", "--register-dataset-types", "--no-versions"]
    for night, run in ((20, "second"), (21, "again,second")):
        given = ["-i", run, "--rebase", "-d", f"day_obs = {dayOf(night)}"]
        # By default the name of a run has the second, in which these end.
        runs = [["-p", str(file), "--output-run", f"u/history/{name}{night}"] for name, file in files.items()]
        runPipetask(*common, *given, *runs[0])
        runPipetask(*common, "-d", f"day_obs > {dayOf(19)}", *runs[1])
        with Butler.from_config(str(history.root), collections="u/history") as butler:
            nights = butler.query_datasets("cpBiasTrend_night")
            table = butler.get("cpBiasTrend_trend", instrument=INSTRUMENT)
        assert {ref.dataId["day_obs"] for ref in nights} == {dayOf(each) for each in range(20, night + 1)}
        assert set(table["day_obs"]) == {dayOf(each) for each in range(20, N_NIGHTS)}


def runPipetask(*arguments: str) -> None:
    result = CliRunner().invoke(pipetask, ["run", *arguments])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("camera", ["LATISS", "LSSTComCam", "LSSTCam"])
@pytest.mark.parametrize("product", ["Bias", "Dark", "Flat", "Defects"])
def test_trends_read_what_nights_are_gathered_of(camera, product, monkeypatch):
    """The two pipelines are run apart, so that no contract can hold them together."""
    monkeypatch.setenv("ANALYSIS_CP_DIR", str(ROOT))
    gathered, followed = (
        Pipeline.fromFile(str(ROOT / "pipelines" / camera / f"{verb}{product}.yaml")).to_graph()
        for verb in ("gather", "trend")
    )
    night, trend = gathered.tasks[f"gather{product}"], followed.tasks[f"trend{product}"]
    for made, used in (
        (night.outputs["night"], trend.prerequisite_inputs["nights"]),
        (night.inputs["summaries"], trend.inputs["summaries"]),
    ):
        assert made.dataset_type_name == used.dataset_type_name
        assert set(made.raw_dimensions) == set(used.raw_dimensions)
        assert made.storage_class_name == used.storage_class_name
