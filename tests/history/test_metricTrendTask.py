# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Gathering of metrics over time by a pipeline."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from historyRepository import (
    EXPOSURE_SECONDS,
    FIRST_NIGHT,
    INSTRUMENT,
    N_NIGHTS,
    ROOT,
    STEP,
    History,
    dayOf,
    exposureOf,
)

from lsst.analysis.cp.metrics import fromTable, unreadDatasets
from lsst.analysis.cp.metrics.fetching import Fetched
from lsst.analysis.cp.tasks.history import MetricTrendConfig, MetricTrendConnections, MetricTrendTask
from lsst.daf.butler import Butler
from lsst.pex.config import FieldValidationError
from lsst.pipe.base import Pipeline

NO_PLOTS = """
from lsst.analysis.tools.interfaces import NoPlot
for tool in config.atools:
    tool.produce.plot = NoPlot
"""


@pytest.fixture(scope="module")
def butler(history: History) -> Butler:
    """Run the pipeline."""
    return history.run("trend")


def getValues(butler: Butler, tool: str) -> dict[str, float]:
    return {str(m.metric_name): m.quantity.value for m in butler.get("cpBiasTrend_metrics")[tool]}


def test_table_has_every_value(butler: Butler, history: History) -> None:
    table = butler.get("cpBiasTrend_trend")
    rows = table[(table["metric"] == "biasNoise") & (table["measurement"] == "median")]
    assert len(rows) == N_NIGHTS * len(history.camera)
    for night, summary in history.summaries.items():
        found = rows[rows["exposure"] == exposureOf(night)]
        np.testing.assert_array_equal(found["detector"], summary["detector"])
        np.testing.assert_array_equal(found["value"], summary["NOISE_median"])
        assert set(found["run"]) == {"first" if night < 10 else "second"}
        assert set(found["day_obs"]) == {dayOf(night)}


def test_time_is_the_middle_of_the_exposure(butler: Butler) -> None:
    table = butler.get("cpBiasTrend_trend")
    middle = FIRST_NIGHT + 3 * u.day + 0.5 * EXPOSURE_SECONDS * u.second
    rows = table[table["exposure"] == exposureOf(3)]
    np.testing.assert_allclose(rows["mjd"], middle.tai.mjd, rtol=0.0, atol=1e-9)


def test_change_of_the_detector_is_measured(butler: Butler) -> None:
    values = getValues(butler, "biasNoiseByDetector")
    assert (values["nSeries"], values["nEpochs"], values["nValid"]) == (9, N_NIGHTS, 9 * N_NIGHTS)
    assert (values["nChangePoints"], values["nSeriesChanged"]) == (1, 1)
    assert values["largestStep"] == pytest.approx(STEP, abs=0.05)


def test_change_of_one_detector_is_not_that_of_its_raft(butler: Butler) -> None:
    values = getValues(butler, "biasNoiseByRaft")
    assert (values["nSeries"], values["nChangePoints"], values["largestStep"]) == (1, 0, 0.0)


def test_failures_of_the_last_night_are_counted(butler: Butler) -> None:
    values = getValues(butler, "biasSuccessFailuresByDetector")
    assert (values["nSeriesTested"], values["nSeriesFailed"]) == (9, 1)


def test_metrics_do_not_depend_on_the_data(butler: Butler) -> None:
    """The test of the read noise was not made: its tool emits the same measurements, none of them valid."""
    missing, present = (getValues(butler, f"bias{test}ByDetector") for test in ("ShiftCount", "Noise"))
    assert missing.keys() == present.keys()
    assert (missing["nValid"], missing["nChangePoints"]) == (0, 0)
    assert np.isnan(missing["median"])


def test_units_are_those_of_the_catalogue(butler: Butler) -> None:
    units = {
        str(m.metric_name): m.quantity.unit for m in butler.get("cpBiasTrend_metrics")["biasNoiseByDetector"]
    }
    assert (units["median"], units["steepestDrift"], units["nSeries"]) == (
        u.electron,
        u.electron / u.yr,
        u.one,
    )


def test_topics_begin_with_the_output_name(butler: Butler) -> None:
    assert butler.get("cpBiasTrend_metrics").metricNamePrefix == "cpBiasTrend_"


def test_every_tool_has_its_plot(butler: Butler) -> None:
    tools = butler.get("cpBiasTrend_metrics").keys()
    uris = [butler.getURI(f"cpBiasTrend_{tool}_TrendPlot") for tool in tools]
    # Those of detectors, the verdict among them, and those of rafts.
    assert len(uris) == 18 + 17
    assert all(uri.read(8) == b"\x89PNG\r\n\x1a\n" for uri in uris)


def test_only_what_tools_take_is_gathered(butler: Butler) -> None:
    table = butler.get("cpBiasTrend_trend")
    assert set(table["measurement"]) == {"median", "quantityMax", "nFailed", "min", "max"}
    assert "biasDist0Pct" not in set(table["metric"])


def test_history_may_be_limited(history: History) -> None:
    code = NO_PLOTS + "config.gatheredMetrics = ['biasMean']; config.gatheredMeasurements = ['max', 'nAmps']"
    table = history.run("limited", code, f" AND exposure.day_obs >= {dayOf(20)}").get("cpBiasTrend_trend")
    assert set(table["metric"]) == {"biasMean"}
    assert set(table["measurement"]) == {"max", "nAmps"}
    assert set(table["exposure"]) == {exposureOf(night) for night in range(20, N_NIGHTS)}


def test_metrics_of_exposures_may_be_gathered(history: History) -> None:
    code = NO_PLOTS + (
        "config.doReadBundles = True\n"
        "from lsst.analysis.cp.atools import addTrendTools\n"
        "addTrendTools(config, 'bias', by='all', tests=['NOISE'])\n"
        "config.atools.biasNoise.produce.plot = NoPlot\n"
        "config.atools.biasNoiseQuantity.produce.plot = NoPlot\n"
    )
    butler = history.run("bundles", code)
    values = getValues(butler, "biasNoise")
    assert (values["nSeries"], values["nEpochs"], values["median"]) == (1, N_NIGHTS, (N_NIGHTS - 1) / 2)
    assert set(butler.get("cpBiasTrend_trend")["level"]) == {"exposure", "detector"}


def test_each_filter_has_a_history(history: History) -> None:
    pipeline = Pipeline("Filters apart.")
    pipeline.addTask(MetricTrendTask, "trendByFilter")
    code = "config.dimensions = ['instrument', 'physical_filter']; config.gatheredMetrics = ['biasMean']\n"
    pipeline.addConfigPython("trendByFilter", code + "config.connections.outputName = 'cpBiasFilterTrend'")
    butler = history.execute(pipeline, "filters")
    table = butler.get("cpBiasFilterTrend_trend", physical_filter="unknown")
    assert set(table["physical_filter"]) == {"unknown"}
    assert len(set(table["exposure"])) == N_NIGHTS


def test_failing_tool_costs_its_own_results_only(history: History) -> None:
    code = (
        NO_PLOTS
        + "config.atools.biasNoiseByDetector.process.seriesBy = 'all'\n"
        + (
            "from lsst.analysis.tools.interfaces import BaseProcess\n"
            "config.atools.biasMeanByDetector.process = BaseProcess\n"
        )
    )
    with pytest.raises(Exception, match="biasMeanByDetector"):
        history.run("broken", code)
    butler = Butler.from_config(str(history.root), collections=["broken"], instrument=INSTRUMENT)
    assert len(butler.get("cpBiasTrend_trend")) > 0
    assert "biasMeanByRaft" in butler.get("cpBiasTrend_metrics")


def test_a_table_that_is_cut_costs_itself_only(history: History) -> None:
    with Butler.from_config(str(history.root), collections=["second", "first"]) as butler:
        uri = butler.getURI("cpBiasExp_detectorSummary", instrument=INSTRUMENT, exposure=exposureOf(3))
    stored = uri.read()
    uri.write(b"x" * len(stored))
    message = f"cpBiasExp_detectorSummary {{instrument: {INSTRUMENT}, exposure: {exposureOf(3)}}} of first"
    try:
        with pytest.raises(Exception, match=re.escape(message)):
            history.run("cut", NO_PLOTS)
    finally:
        uri.write(stored)
    butler = Butler.from_config(str(history.root), collections=["cut"], instrument=INSTRUMENT)
    # The metadata of a table are not read by default.
    table = butler.get("cpBiasTrend_trend", parameters={"strip_astropy_meta_yaml": False})
    assert len(set(table["exposure"])) == N_NIGHTS - 1
    assert list(unreadDatasets(fromTable(table))) == [message]
    assert getValues(butler, "biasNoiseByDetector")["nEpochs"] == N_NIGHTS - 1


def test_absent_metric_is_logged(history: History, caplog: pytest.LogCaptureFixture) -> None:
    task = MetricTrendTask(config=makeConfig(gatheredMetrics=["biasNoise", "biasNothing"]))
    with Butler.from_config(str(history.root), collections=["second"], instrument=INSTRUMENT) as butler:
        refs = butler.query_datasets("cpBiasExp_detectorSummary", with_dimension_records=True, limit=2)
        table = task.gather([butler.getDeferred(ref) for ref in refs])
    assert set(table["metric"].to_pylist()) == {"biasNoise"}
    assert "No input has the metric(s) biasNothing." in caplog.text


def test_columns_of_other_metrics_are_not_read(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    read_columns = Fetched.readColumns

    def recordColumns(self: Fetched, columns: Sequence[str]) -> Any:
        read.update(columns)
        return read_columns(self, columns)

    monkeypatch.setattr(Fetched, "readColumns", recordColumns)
    task = MetricTrendTask(config=makeConfig(gatheredMetrics=["biasNoise"]))
    with Butler.from_config(str(history.root), collections=["second"], instrument=INSTRUMENT) as butler:
        refs = butler.query_datasets("cpBiasExp_detectorSummary", with_dimension_records=True, limit=1)
        task.gather([butler.getDeferred(ref) for ref in refs])
    assert "NOISE_median" in read
    assert "MEAN_median" not in read


def makeConfig(**fields: Any) -> MetricTrendConfig:
    config = MetricTrendConfig()
    config.connections.outputName = "cpBiasTrend"
    for name, value in fields.items():
        setattr(config, name, value)
    return config


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"doReadSummaries": False}, "neither summaries nor bundles are to be read"),
        ({"doReadNights": True, "inputDimensions": ["instrument"]}, "which are not read"),
        ({"doReadNights": True, "doReadBundles": True, "doReadSummaries": False}, "which are not read"),
        ({"dimensions": ["instrument", "exposure"]}, "a history has many exposures: leave exposure out"),
        ({"dimensions": ["instrument", "visit"]}, "a history has many visits: leave visit out"),
    ],
)
def test_wrong_configuration_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldValidationError, match=message):
        makeConfig(**fields).validate()


@pytest.mark.parametrize(
    ("fields", "inputs"),
    [
        ({}, {"summaries"}),
        ({"doReadNights": True}, {"summaries", "nights"}),
        ({"doReadBundles": True}, {"summaries", "bundles"}),
        ({"doReadBundles": True, "doReadSummaries": False}, {"bundles"}),
    ],
)
def test_inputs_are_those_that_are_read(fields: dict[str, Any], inputs: set[str]) -> None:
    connections = MetricTrendConnections(config=makeConfig(**fields))
    assert connections.inputs | connections.prerequisiteInputs == inputs


def test_one_input_always_limits_the_graph() -> None:
    connections = MetricTrendConnections(config=makeConfig(doReadBundles=True))
    assert not connections.summaries.deferGraphConstraint
    assert connections.bundles.deferGraphConstraint


@pytest.mark.usefixtures("upstreamPipelines")
@pytest.mark.parametrize("camera", ["LATISS", "LSSTComCam", "LSSTCam"])
def test_input_is_an_output_of_the_merge(camera: str) -> None:
    """The two pipelines are run apart, so that no contract can hold them together."""
    trend, verify = (
        Pipeline.fromFile(str(ROOT / "pipelines" / camera / f"{name}.yaml")).to_graph()
        for name in ("trendBias", "verifyBias")
    )
    read = trend.tasks["trendBias"].inputs["summaries"]
    merge = verify.tasks["verifyBiasExp"].outputs.values()
    (made,) = [edge for edge in merge if edge.dataset_type_name == read.dataset_type_name]
    assert (read.raw_dimensions, read.storage_class_name) == (made.raw_dimensions, made.storage_class_name)
