# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for metrics over time, on tables of any source."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
import pytest
from astropy.table import MaskedColumn
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.keyedData import AnalyzeTrend
from lsst.analysis.cp.actions.metric import TrendMetric
from lsst.analysis.cp.atools import MetricTrendTool, addTrendTools
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import ColumnError
from lsst.analysis.cp.core.history import findTrends, gatherSeries
from lsst.analysis.cp.metrics import TREND_SCHEMA, declaredMeasurements, toTable
from lsst.analysis.cp.tasks.history import MetricTrendConfig
from lsst.verify import Measurement

N_DETECTORS, N_DAYS = 4, 30
STEP, STEP_DAY, STEPPING = 1.0, 20, 2


def makeValues() -> np.ndarray:
    values = 5.0 + np.random.default_rng(7).normal(0.0, 0.05, (N_DETECTORS, N_DAYS))
    values[STEPPING, STEP_DAY:] += STEP
    return values


def makeTable(metric: str = "biasNoise", measurement: str = "median", level: str = "detector") -> pa.Table:
    """Make the tidy table of one measurement; that of the first exposure has no valid amplifier."""
    values = makeValues()
    n = values.size
    detector, day = np.indices(values.shape).reshape(2, -1)
    labels = {
        "topic": f"cpBiasExpDet_{metric}",
        "metric": metric,
        "measurement": measurement,
        "unit": "electron" if measurement == "median" else "",
        "level": level,
        "instrument": "LSSTCam",
        "raft": "R01",
        "physicalType": "E2V",
        "physical_filter": None,
        "time_source": "exposure",
        "run": "u/me/run",
    }
    columns = {name: [value] * n for name, value in labels.items()} | {
        "value": np.where(day == 0, np.nan, values.ravel()),
        "nValid": np.where(day == 0, 0, 16),
        "detector": detector,
        "detectorName": [f"R01_S0{i}" for i in detector],
        "exposure": 20260301 * 100000 + day,
        "day_obs": 20260301 + day,
        "mjd": 61100.0 + day,
        "threshold": [None if i < 15 else 7.0 for i in day],
        "passed": [None if i < 15 else "good" for i in day],
    }
    return pa.Table.from_pydict(columns, schema=TREND_SCHEMA)


def columnsOf(table: pa.Table) -> dict[str, Any]:
    return dict(zip(table.column_names, table.columns, strict=True))


def makeTool(**fields: Any) -> MetricTrendTool:
    tool = MetricTrendTool()
    for name, value in fields.items():
        setattr(tool, name, value)
    tool.finalize()
    return tool


def measure(results: Any) -> dict[str, float]:
    return {name: value.quantity.value for name, value in results.items() if isinstance(value, Measurement)}


@pytest.fixture(scope="module")
def mixed() -> pa.Table:
    """Make a table of several metrics, measurements and levels."""
    return pa.concat_tables(
        [
            makeTable("biasMean"),
            makeTable(measurement="max"),
            makeTable(level="exposure"),
            makeTable(),
        ]
    )


def test_tool_takes_its_rows_only(mixed: pa.Table) -> None:
    values = measure(makeTool()(columnsOf(mixed), plotInfo={}))
    assert values["nSeries"] == N_DETECTORS
    assert values["nValid"] == N_DETECTORS * (N_DAYS - 1)


def test_table_of_astropy_gives_the_same(mixed: pa.Table) -> None:
    """Columns of a stored table are masked where labels are absent."""
    table = toTable(mixed)
    assert isinstance(table["passed"], MaskedColumn)
    first, second = (
        measure(makeTool()(data, plotInfo={})) for data in (columnsOf(mixed), dict(table.columns))
    )
    assert first == second


def test_rows_in_another_unit_are_converted_or_left_out(mixed: pa.Table, caplog) -> None:
    """Every third row is in kiloelectrons, and one in adu."""
    columns = columnsOf(mixed)
    expected = measure(makeTool()(columns, plotInfo={}))
    n = len(mixed)
    stored = np.array(mixed["unit"].to_pylist())
    units = np.where((np.arange(n) % 3 == 0) & (stored == "electron"), "1000 electron", stored)
    scale = np.where(units == "1000 electron", 1e-3, 1.0)
    columns |= {name: mixed[name].to_numpy() * scale for name in ("value", "threshold")} | {"unit": units}
    found = measure(makeTool()(columns, plotInfo={}))
    assert found == pytest.approx(expected, rel=1e-9)
    rows = zip(*(mixed[name].to_pylist() for name in ("metric", "measurement", "level")), strict=True)
    chosen = [name == ("biasNoise", "median", "detector") for name in rows]
    row = np.flatnonzero(np.array(chosen) & np.isfinite(columns["value"]))[0]
    units[row] = "adu"
    assert measure(makeTool()(columns, plotInfo={}))["nValid"] == expected["nValid"] - 1
    assert "1 value(s) of biasNoise are left out: column 'value' has the unit 'adu'" in caplog.text


def test_history_is_in_the_unit_of_most_values(caplog) -> None:
    """A history of ADU is one, and the only value in electrons is named and not mixed in."""
    table = makeTable()
    columns = columnsOf(table)
    units = np.full(len(table), "adu", dtype="<U8")
    odd = N_DAYS * STEPPING + 5
    units[odd] = "electron"
    columns["unit"] = units
    tool = makeTool()
    found = tool(columns, plotInfo={})
    quantities = {name: v.quantity for name, v in found.items() if isinstance(v, Measurement)}
    assert quantities["nValid"].value == N_DETECTORS * (N_DAYS - 1) - 1
    assert (quantities["median"].unit, quantities["largestStep"].unit) == (u.adu, u.adu)
    assert quantities["steepestDrift"].unit == u.adu / u.yr
    values = np.delete(table["value"].to_numpy(), odd)
    assert quantities["median"].value == pytest.approx(np.nanmedian(values))
    view = tool.produce.plot.prepare(tool.process(columns))
    assert view.yLabel.endswith("(adu)")
    assert view.thresholdLabel.endswith("adu")
    assert view.lists[-1] == ("Left out, in another unit", "R01_S02: 1 in electron")
    assert "cannot be converted to 'adu'" in caplog.text


def test_as_many_values_of_each_unit_are_a_history_of_the_catalogue() -> None:
    columns = columnsOf(makeTable())
    finite = np.flatnonzero(np.isfinite(columns["value"].to_numpy()))
    units = np.full(len(columns["value"]), "electron", dtype="<U8")
    units[finite[::2]] = "adu"
    columns["unit"] = units
    series = makeTool().process(columns)["trendSeries"]
    assert series.unit == "electron"
    assert len(series.leftOut) == N_DETECTORS
    assert np.isfinite(series.values).sum() == len(finite) - len(finite[::2])


def test_masked_units_are_those_of_the_catalogue(mixed: pa.Table) -> None:
    columns = columnsOf(mixed)
    expected = measure(makeTool()(columns, plotInfo={}))
    hidden = np.where(np.arange(len(mixed)) % 3 == 0, "1000 electron", mixed["unit"].to_pylist())
    columns["unit"] = np.ma.masked_array(hidden, mask=hidden == "1000 electron")
    assert measure(makeTool()(columns, plotInfo={})) == expected


def test_measurements_of_a_step(mixed: pa.Table) -> None:
    values = measure(makeTool()(columnsOf(mixed), plotInfo={}))
    assert (values["nChangePoints"], values["nSeriesChanged"], values["nSeriesDrifting"]) == (1, 1, 0)
    assert values["largestStep"] == pytest.approx(STEP, abs=0.05)
    assert values["median"] == pytest.approx(np.median(makeValues()[:, 1:]))
    assert (values["nSeriesTested"], values["nSeriesFailed"]) == (N_DETECTORS, 0)
    assert values["steepestDrift"] == 0.0


def test_step_down_is_negative() -> None:
    rows = {"value": -makeValues().ravel(), "mjd": np.tile(np.arange(30.0), 4)}
    rows |= {"detectorName": np.repeat(["a", "b", "c", "d"], 30), "exposure": np.tile(np.arange(1, 31), 4)}
    series = gatherSeries(rows)
    data = {"trendSeries": series, "trendFindings": findTrends(series)}
    assert measure(TrendMetric()(data))["largestStep"] == pytest.approx(-STEP, abs=0.05)


def test_measurements_are_the_same_without_rows(mixed: pa.Table) -> None:
    empty = mixed.slice(0, 0)
    results = makeTool()(columnsOf(empty), plotInfo={})
    values = measure(results)
    assert values.keys() == makeTool().produce.metric.units.keys()
    assert np.isnan(values.pop("median"))
    assert set(values.values()) == {0.0}
    assert isinstance(results["TrendPlot"], Figure)


def test_unit_of_a_drift_is_a_year() -> None:
    units = makeTool().produce.metric.units
    assert u.Unit(units["steepestDrift"]) == u.electron / u.yr
    assert u.Unit(makeTool(measurement="quantityMax").produce.metric.units["steepestDrift"]) == 1 / u.yr


def test_plot_has_the_words_of_the_catalogue() -> None:
    plot = makeTool(measurement="quantityMax", test="MEAN").produce.plot
    test = getProduct("bias")["MEAN"]
    assert plot.yAxisLabel == f"{test.quantity}, largest amplifier"
    assert (plot.unit, plot.operator, list(plot.tests)) == ("", "<", ["4.2 MEAN"])
    assert plot.title == f"{test.label}: tested quantity"


@pytest.mark.parametrize(
    ("test", "measurement", "words"),
    [
        ("NOISE", "median", "Clipped noise of the residual bias, median of amplifiers"),
        ("SUCCESS", "nFailed", "Number of amplifiers that failed SUCCESS"),
        ("NOISE", "nAmps", "Number of amplifiers with results"),
        ("NOISE", "nOthers", "nOthers"),
    ],
)
def test_title_and_axis_are_in_words(test: str, measurement: str, words: str) -> None:
    plot = makeTool(test=test, measurement=measurement).produce.plot
    assert plot.title == plot.yAxisLabel == words


@pytest.mark.parametrize(
    ("measurement", "statistic"),
    [
        ("median", "median"),
        ("quantityMax", "max"),
        ("quantityMin", "min"),
        ("nFailed", "max"),
        ("min", "min"),
    ],
)
def test_worst_amplifier_is_reduced_to_the_worst(measurement: str, statistic: str) -> None:
    assert makeTool(measurement=measurement).process.statistic == statistic


def test_configured_words_are_kept() -> None:
    tool = MetricTrendTool()
    tool.produce.plot.yAxisLabel = "Noise"
    tool.finalize()
    assert tool.produce.plot.yAxisLabel == "Noise"


def test_tools_are_those_of_the_tests() -> None:
    config = MetricTrendConfig()
    addTrendTools(config, "bias", by="raft", tests=("NOISE", "AMP_CORNER", "SUCCESS"))
    assert set(config.atools.fieldNames) == {
        "biasNoiseByRaft",
        "biasNoiseQuantityByRaft",
        "biasNoiseFailuresByRaft",
        "biasAmpCornerByRaft",
        "biasAmpCornerLeastByRaft",
        "biasAmpCornerLargestByRaft",
        "biasSuccessFailuresByRaft",
    }


WORDS = ("Quantity", "Failures", "Least", "Largest")


def test_history_of_the_largest_amplifier_and_of_failures() -> None:
    config = MetricTrendConfig()
    addTrendTools(config, "bias")
    config.freeze()
    for name, measurement, unit in (
        ("biasAmpCornerLargestByDetector", "max", "electron"),
        ("biasAmpCornerLeastByDetector", "min", "electron"),
        ("biasNoiseFailuresByDetector", "nFailed", ""),
    ):
        tool = getattr(config.atools, name)
        assert (tool.process.measurement, tool.produce.plot.unit) == (measurement, unit)
        assert declaredMeasurements(name, "run") == tool.produce.metric.units


def test_tools_are_those_of_plotted_tests_and_of_the_verdict_of_detectors() -> None:
    plotted = {test.toolName for test in getProduct("bias") if test.plotted}
    for by, suffix in (("detector", "ByDetector"), ("raft", "ByRaft")):
        config = MetricTrendConfig()
        addTrendTools(config, "bias", by=by)
        names = {name.removesuffix(suffix) for name in config.atools.fieldNames}
        assert plotted == {name for name in names if not name.endswith(WORDS)}
        assert ("biasSuccessFailures" in names) == (by == "detector")
        for test in ("biasMean", "biasNoise", "biasCrNoise", "biasReadNoiseConsistent"):
            assert {f"{test}Quantity", f"{test}Failures"} <= names
        assert {"biasAmpCornerLeast", "biasAmpCornerLargest", "biasShiftCountLargest"} <= names


@pytest.mark.parametrize(
    ("dimensions", "levels"),
    [
        (["instrument", "visit"], ("detector", "exposure")),
        (["instrument", "physical_filter"], ("runDetector", "run")),
        ([], ("detector", "exposure")),
    ],
)
def test_levels_follow_from_what_is_read(dimensions: list[str], levels: tuple[str, str]) -> None:
    config = MetricTrendConfig()
    config.inputDimensions = dimensions
    for by in ("detector", "all"):
        addTrendTools(config, "bias", by=by, tests=("NOISE",))
    assert config.atools.biasNoiseByDetector.level == levels[0]
    assert config.atools.biasNoise.level == levels[1]
    assert list(config.inputDimensions) == (dimensions or ["instrument", "exposure"])


def test_names_of_tools_are_unique() -> None:
    config = MetricTrendConfig()
    for by in ("detector", "raft", "physicalType", "all"):
        addTrendTools(config, "bias", by=by)
    # Four tests with median, tested quantity and failures; two statistics. One more by detector: the verdict.
    assert len(tuple(config.atools)) == 4 * (4 * 3 + 3 + 2) + 1


def test_wrong_budget_is_refused() -> None:
    action = AnalyzeTrend()
    action.driftBudget = 2.0
    with pytest.raises(ValueError, match="Expected a budget of drifts between 0.001 and 0.1, got 2.0"):
        action.validate()


def test_budget_reaches_the_search(mixed: pa.Table) -> None:
    few, many = makeTool(), makeTool()
    many.process.outlierBudget = 0.9
    counts = [measure(tool(columnsOf(mixed), plotInfo={}))["nOutliers"] for tool in (few, many)]
    assert counts[0] < counts[1]


def test_column_of_the_wrong_kind_is_named(mixed: pa.Table) -> None:
    columns = columnsOf(mixed) | {"value": np.full(len(mixed), "x")}
    with pytest.raises(ColumnError, match="'value'"):
        makeTool()(columns, plotInfo={})
