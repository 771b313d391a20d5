# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of detectors and rafts over all exposures, from tables in a repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table, vstack
from numpy.testing import assert_array_equal

from lsst.analysis.cp.actions.plot.ampGrid import ampGridPlot
from lsst.analysis.cp.actions.plot.correlation import ampCorrelationPlot
from lsst.analysis.cp.atools import addCorrelationTool, addCurveTools
from lsst.analysis.cp.tasks import DetectorTablesTask, RaftTablesTask, ToolFailuresError
from lsst.obs.lsst import Latiss, LsstComCam
from lsst.pipe.base import PipelineGraph
from lsst.utils.plotting import make_figure

EXPOSURES = (2026010100001, 2026010100002, 2026010100003)
PER_DETECTOR = ("instrument", "exposure", "detector")
LENGTHS = (5, 9, 7)
"""Lengths of the serial profiles of each exposure, as if tables were padded differently."""


def makeProfiles(detector: Any, exposure: int) -> Table:
    """Make the profiles of a detector, seeded by the data ID."""
    names = [amp.getName() for amp in detector]
    rng = np.random.default_rng([exposure, detector.getId()])
    length = LENGTHS[exposure - EXPOSURES[0]]
    return Table(
        {
            "exposure": np.full(len(names), exposure),
            "detector": np.full(len(names), detector.getId()),
            "amplifier": names,
            "BIAS_SERIAL_PROF": rng.normal(size=(len(names), length)),
            "BIAS_PARALLEL_PROF": rng.normal(size=(len(names), 4)),
        }
    )


def makeMatrix(detector: Any, exposure: int) -> Table:
    """Make the correlations of a detector; nothing in it tells the exposure."""
    names = [amp.getName() for amp in detector]
    first, second = (index.ravel() for index in np.indices((len(names), len(names))))
    rng = np.random.default_rng([exposure, detector.getId()])
    return Table(
        {
            "detector": np.full(len(first), detector.getId()),
            "detectorComp": np.full(len(first), detector.getId()),
            "ampName": np.array(names)[first],
            "ampComp": np.array(names)[second],
            "imageCorr": np.where(first == second, 1.0, rng.normal(0.0, 0.01, len(first))),
            "overscanCorr": np.where(first == second, 1.0, rng.normal(0.0, 0.01, len(first))),
        }
    )


def fill(repository: Any, detectors: tuple[int, ...]) -> None:
    """Store profiles and correlations of some detectors in all exposures."""
    for name in ("Results", "Matrix"):
        repository.register(f"verifyBiasDet{name}", "ArrowAstropy", PER_DETECTOR)
    for exposure in EXPOSURES:
        for number in detectors:
            detector, data_id = repository.camera[number], {"exposure": exposure, "detector": number}
            repository.put("verifyBiasDetResults", makeProfiles(detector, exposure), **data_id)
            repository.put("verifyBiasDetMatrix", makeMatrix(detector, exposure), **data_id)


@pytest.fixture
def views(monkeypatch):
    """Keep what is prepared, and draw nothing: that is for the tests of plots."""
    kept: list[Any] = []

    def keep(view):
        kept.append(view)
        return make_figure(figsize=(1, 1))

    monkeypatch.setattr(ampGridPlot, "makeAmpGridFigure", keep)
    monkeypatch.setattr(ampCorrelationPlot, "makeCorrelationFigure", keep)
    return kept


@pytest.fixture(scope="module")
def latiss(makeRepository):
    """LATISS with three exposures."""
    repository = makeRepository(Latiss, EXPOSURES)
    fill(repository, (0,))
    return repository


@pytest.fixture(scope="module")
def raft(makeRepository):
    """LSSTComCam, its raft without one detector."""
    repository = makeRepository(LsstComCam, EXPOSURES)
    fill(repository, tuple(number for number in range(9) if number != 0))
    return repository


def assertLeftOut(view: Any, exposure: int = EXPOSURES[0]) -> str:
    """Check that a page names one table that is left out, and return the reason as one line."""
    title, *lines = view.lists[0]
    assert title == "Left out"
    text = " ".join(line.strip() for line in lines)
    assert text.startswith(f"{exposure} RXX_S00: ")
    return text


def makeGraph(data: str, add: Any, taskClass: type = DetectorTablesTask) -> PipelineGraph:
    """Make a pipeline of one task."""
    config = taskClass.ConfigClass()
    config.connections.data, config.connections.outputName = data, "pages"
    add(config, "bias")
    graph = PipelineGraph()
    graph.add_task("pages", taskClass, config)
    return graph


def test_profiles_of_all_exposures_are_on_one_page(latiss, views):
    butler = latiss.run(makeGraph("verifyBiasDetResults", addCurveTools))
    for tool in ("SerialProf", "ParallelProf"):
        (ref,) = butler.query_datasets(f"pages_bias{tool}_AmpGridPlot")
        assert dict(ref.dataId.required) == {"instrument": "LATISS", "detector": 0}
    assert not list(butler.registry.queryDatasetTypes("*_metrics"))
    by_title = {view.title.split(":")[0]: view for view in views}
    assert set(by_title) == {"Residual bias, mean over the rows", "Residual bias, mean over the columns"}
    view = by_title["Residual bias, mean over the rows"]
    assert view.axisLabels == ("Column of the amplifier", "Mean over the rows (electron)")
    assert view.curves.epochs.tolist() == list(EXPOSURES)
    for layer, exposure in enumerate(EXPOSURES):
        table = makeProfiles(latiss.camera[0], exposure)
        expected = np.full((16, 9), np.nan)
        expected[:, : LENGTHS[layer]] = table["BIAS_SERIAL_PROF"]
        assert view.names.tolist() == list(table["amplifier"])
        assert_array_equal(view.curves.curves[layer], expected)
    assert any("3 exposures" in line or str(EXPOSURES[2]) in line for line in view.provenance)


def test_correlations_are_told_apart_by_the_data_ids(latiss, views):
    butler = latiss.run(makeGraph("verifyBiasDetMatrix", addCorrelationTool))
    assert len(butler.query_datasets("pages_biasCorrelations_AmpCorrelationPlot")) == 1
    (view,) = views
    assert view.epochs.tolist() == list(EXPOSURES)
    values = [makeMatrix(latiss.camera[0], e)["imageCorr"].reshape(16, 16) for e in EXPOSURES]
    expected = np.median(values, axis=0)
    np.fill_diagonal(expected, np.nan)
    assert_array_equal(view.matrices[1].values, expected)


def test_raft_is_stored_under_its_lowest_detector(raft, views):
    graph = makeGraph("verifyBiasDetMatrix", addCorrelationTool, RaftTablesTask)
    butler = raft.run(graph)
    (ref,) = butler.query_datasets("pages_biasCorrelations_AmpCorrelationPlot")
    assert ref.dataId["detector"] == 0
    (view,) = views
    assert view.matrices[0].values.shape == (144, 144)
    assert view.title == "Residual bias, correlations of amplifiers: R22"
    absent = view.layout.detectorId == 0
    assert view.headline.endswith(f"not measured: {view.layout.detectorName[absent][0]}")
    assert np.isfinite(view.matrices[0].values).sum() == 8 * 16 * 15
    own = view.layout.ampDetector == list(view.layout.detectorId).index(5)
    values = [makeMatrix(raft.camera[5], e)["overscanCorr"].reshape(16, 16) for e in EXPOSURES]
    expected = np.median(values, axis=0)
    np.fill_diagonal(expected, np.nan)
    assert_array_equal(view.matrices[0].values[np.ix_(own, own)], expected)


def test_tables_without_vectors_make_no_work(makeRepository, views):
    """As those of darks, whose pipeline of cp_verify does not measure profiles."""
    repository = makeRepository(Latiss, EXPOSURES)
    repository.register("verifyBiasDetResults", "ArrowAstropy", PER_DETECTOR)
    for exposure in EXPOSURES:
        table = makeProfiles(repository.camera[0], exposure)
        table.remove_columns(["BIAS_SERIAL_PROF", "BIAS_PARALLEL_PROF"])
        repository.put("verifyBiasDetResults", table, exposure=exposure, detector=0)
    executor = repository.prepare(makeGraph("verifyBiasDetResults", addCurveTools))
    (quantum,) = executor.run(register_dataset_types=True)
    assert quantum.outputs
    assert views == []
    butler = repository.open("run1")
    assert not butler.query_datasets("pages_biasSerialProf_AmpGridPlot", explain=False)


def test_table_without_vectors_is_left_out(makeRepository, views, caplog):
    repository = makeRepository(Latiss, EXPOSURES)
    repository.register("verifyBiasDetResults", "ArrowAstropy", PER_DETECTOR)
    for exposure in EXPOSURES:
        table = makeProfiles(repository.camera[0], exposure)
        if exposure == EXPOSURES[1]:
            table.remove_column("BIAS_SERIAL_PROF")
        repository.put("verifyBiasDetResults", table, exposure=exposure, detector=0)
    repository.run(makeGraph("verifyBiasDetResults", addCurveTools))
    assert {tuple(view.curves.epochs) for view in views} == {EXPOSURES[::2]}
    assert "lacks BIAS_SERIAL_PROF" in caplog.text
    assert {assertLeftOut(view, EXPOSURES[1]) for view in views} == {
        f"{EXPOSURES[1]} RXX_S00: it lacks BIAS_SERIAL_PROF"
    }
    assert str(EXPOSURES[1]) in caplog.text


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(("after", "unit"), [(True, "electron"), (False, "adu")])
def test_unit_of_profiles_is_that_of_the_complete_configuration(before, after, unit):
    config = DetectorTablesTask.ConfigClass()
    config.connections.outputName = "pages"
    config.gainsApplied = before
    addCurveTools(config, "bias")
    config.gainsApplied = after
    config.freeze()
    plots = {tool.process.column: tool.produce.plot for tool in config.atools}
    assert {name: (plot.yAxisLabel, plot.unit) for name, plot in plots.items()} == {
        "BIAS_SERIAL_PROF": ("Mean over the rows", unit),
        "BIAS_PARALLEL_PROF": ("Mean over the columns", unit),
    }


def test_label_of_profiles_that_the_configuration_gives_is_kept():
    config = DetectorTablesTask.ConfigClass()
    addCurveTools(config, "bias")
    config.atools.biasSerialProf.produce.plot.yAxisLabel = "Level"
    config.atools.biasSerialProf.produce.plot.unit = "mV"
    config.freeze()
    plot = config.atools.biasSerialProf.produce.plot
    assert (plot.yAxisLabel, plot.unit) == ("Level", "mV")


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("BIAS_SERIAL_PROF", np.arange(16.0), "something else than those of most tables"),
        ("detector", ["none"] * 16, "column 'detector' has type <U4, expected numbers"),
        ("detector", [7] * 16, "rows of detector 7 in a table of detector 0"),
        (
            "amplifier",
            ["C00"] * 15 + ["C77"],
            r"amplifier 'C77' of detector 0 \(RXX_S00\) is not in the camera",
        ),
        ("amplifier", ["C00", "C01"] * 8, r"14 row\(s\) repeat others"),
    ],
)
def test_wrong_table_costs_itself_and_the_quantum_fails(makeRepository, views, caplog, name, values, message):
    repository = makeRepository(Latiss, EXPOSURES)
    repository.register("verifyBiasDetResults", "ArrowAstropy", PER_DETECTOR)
    for exposure in EXPOSURES:
        table = makeProfiles(repository.camera[0], exposure)
        if exposure == EXPOSURES[0]:
            table[name] = values
        repository.put("verifyBiasDetResults", table, exposure=exposure, detector=0)
    with pytest.raises(ToolFailuresError, match=f"{EXPOSURES[0]} RXX_S00: .*{message}"):
        repository.run(makeGraph("verifyBiasDetResults", addCurveTools))
    assert f"verifyBiasDetResults of {EXPOSURES[0]} RXX_S00 is left out" in caplog.text
    assert {tuple(view.curves.epochs) for view in views} == {EXPOSURES[1:]}
    for view in views:
        assert view.headline.endswith("; 1 table left out")
        assert view.isBad
        assert re.search(message, assertLeftOut(view))
    by_title = {view.title.split(":")[0]: view for view in views}
    for layer, exposure in enumerate(EXPOSURES[1:]):
        expected = makeProfiles(repository.camera[0], exposure)["BIAS_PARALLEL_PROF"]
        assert_array_equal(by_title["Residual bias, mean over the columns"].curves.curves[layer], expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ampComp": "C77"}, r"amplifier 'C77' of detector 0 \(RXX_S00\) is not in the camera"),
        ({"detectorComp": 99}, r"detector\(s\) 99 are not in the camera"),
        ({"detector": 94}, "rows of detector 94 in a table of detector 0"),
        ({"ampName": "C10", "ampComp": "C10"}, r"1 row\(s\) repeat others"),
    ],
)
def test_wrong_row_of_correlations_costs_its_exposure(makeRepository, views, change, message):
    repository = makeRepository(Latiss, EXPOSURES)
    repository.register("verifyBiasDetMatrix", "ArrowAstropy", PER_DETECTOR)
    tables = {exposure: makeMatrix(repository.camera[0], exposure) for exposure in EXPOSURES}
    for name, value in change.items():
        tables[EXPOSURES[1]][name][5] = value
    for exposure, table in tables.items():
        repository.put("verifyBiasDetMatrix", table, exposure=exposure, detector=0)
    with pytest.raises(ToolFailuresError, match=f"1 analysis tool.*: {EXPOSURES[1]} RXX_S00: .*{message}"):
        repository.run(makeGraph("verifyBiasDetMatrix", addCorrelationTool))
    (view,) = views
    assert view.epochs.tolist() == list(EXPOSURES[::2])
    assert view.headline.endswith("; 1 table left out")
    assert re.search(message, assertLeftOut(view, EXPOSURES[1]))
    values = [makeMatrix(repository.camera[0], e)["imageCorr"].reshape(16, 16) for e in EXPOSURES[::2]]
    expected = np.mean(values, axis=0)
    np.fill_diagonal(expected, np.nan)
    np.testing.assert_allclose(view.matrices[1].values, expected, rtol=1e-12)


def test_run_table_that_repeats_pairs_is_read(makeRepository, views):
    """A merged table of correlations does not say of which exposure a row is."""
    repository = makeRepository(Latiss, EXPOSURES)
    repository.register("verifyBiasDetMatrix", "ArrowAstropy", ("instrument", "detector"))
    table = vstack([makeMatrix(repository.camera[0], exposure) for exposure in EXPOSURES])
    repository.put("verifyBiasDetMatrix", table, detector=0)

    def add(config, product):
        config.inputDimensions = ["instrument", "detector"]
        addCorrelationTool(config, product)

    repository.run(makeGraph("verifyBiasDetMatrix", add))
    (view,) = views
    assert not view.lists[0]
    assert "medians over up to 3 rows of a pair, which" in view.notes


def test_table_without_rows_is_left_out(makeRepository, views, caplog):
    repository = makeRepository(Latiss, EXPOSURES)
    repository.register("verifyBiasDetResults", "ArrowAstropy", PER_DETECTOR)
    for exposure in EXPOSURES:
        table = makeProfiles(repository.camera[0], exposure)
        if exposure == EXPOSURES[0]:
            # Nothing tells an empty column of vectors from one of numbers.
            table = Table(
                {name: np.empty(0, np.str_ if name == "amplifier" else float) for name in table.colnames}
            )
        repository.put("verifyBiasDetResults", table, exposure=exposure, detector=0)
    repository.run(makeGraph("verifyBiasDetResults", addCurveTools))
    assert {tuple(view.curves.epochs) for view in views} == {EXPOSURES[1:]}
    assert "has no rows" in caplog.text


def test_damaged_table_costs_itself_and_the_quantum_fails(makeRepository, views):
    repository = makeRepository(Latiss, EXPOSURES)
    fill(repository, (0,))
    ref = repository.butler.query_datasets(
        "verifyBiasDetMatrix", collections="inputs", where=f"exposure = {EXPOSURES[0]}", instrument="LATISS"
    )[0]
    Path(repository.butler.getURI(ref).ospath).write_bytes(b"nothing")
    with pytest.raises(ToolFailuresError, match=str(EXPOSURES[0])):
        repository.run(makeGraph("verifyBiasDetMatrix", addCorrelationTool))
    (view,) = views
    assert view.epochs.tolist() == list(EXPOSURES[1:])
    butler = repository.open("run1")
    assert len(butler.query_datasets("pages_biasCorrelations_AmpCorrelationPlot")) == 1
