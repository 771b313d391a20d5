# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for metrics over time, on tables of any source."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.table import MaskedColumn
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.keyedData import AnalyzeTrend
from lsst.analysis.cp.actions.metric import TrendMetric
from lsst.analysis.cp.atools import PLOTTED_BIAS_TESTS, MetricTrendTool, addTrendTools
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import ColumnError
from lsst.analysis.cp.core.history import findTrends, gatherSeries
from lsst.analysis.cp.metrics import Labels, TrendTable
from lsst.analysis.cp.tasks.history import MetricTrendConfig
from lsst.verify import Measurement

N_DETECTORS, N_DAYS = 4, 30
STEP, STEP_DAY, STEPPING = 1.0, 20, 2


def makeValues() -> np.ndarray:
    values = 5.0 + np.random.default_rng(7).normal(0.0, 0.05, (N_DETECTORS, N_DAYS))
    values[STEPPING, STEP_DAY:] += STEP
    return values


def makeTable(metric: str = "biasNoise", measurement: str = "median", level: str = "detector") -> TrendTable:
    """Make the tidy table of one measurement; that of the first exposure has no valid amplifier."""
    values = makeValues()
    n = values.size
    detector, day = np.indices(values.shape).reshape(2, -1)
    labels = {
        "topic": f"cpBiasExpDet_{metric}",
        "metric": metric,
        "measurement": measurement,
        "unit": "electron",
        "level": level,
        "instrument": "LSSTCam",
        "physicalType": "E2V",
        "physical_filter": None,
        "run": "u/me/run",
    }
    return TrendTable(
        **{name: Labels.constant(value, n) for name, value in labels.items()},
        value=np.where(day == 0, np.nan, values.ravel()),
        nValid=np.where(day == 0, 0, 16),
        detector=detector,
        detectorName=Labels.fromValues(f"R01_S0{i}" for i in detector),
        raft=Labels.constant("R01", n),
        exposure=20260301 * 100000 + day,
        day_obs=20260301 + day,
        mjd=61100.0 + day,
        threshold=np.where(day < 15, np.nan, 7.0),
        passed=Labels.fromValues(None if i < 15 else "good" for i in day),
    )


def makeTool(**fields: Any) -> MetricTrendTool:
    tool = MetricTrendTool()
    for name, value in fields.items():
        setattr(tool, name, value)
    tool.finalize()
    return tool


def measure(results: Any) -> dict[str, float]:
    return {name: value.quantity.value for name, value in results.items() if isinstance(value, Measurement)}


@pytest.fixture(scope="module")
def mixed() -> TrendTable:
    """Make a table of several metrics, measurements and levels."""
    return TrendTable.concatenate(
        [
            makeTable("biasMean"),
            makeTable(measurement="max"),
            makeTable(level="exposure"),
            makeTable(),
        ]
    )


def test_tool_takes_its_rows_only(mixed: TrendTable) -> None:
    values = measure(makeTool()(mixed.columns(), plotInfo={}))
    assert values["nSeries"] == N_DETECTORS
    assert values["nValid"] == N_DETECTORS * (N_DAYS - 1)


def test_table_of_astropy_gives_the_same(mixed: TrendTable) -> None:
    """Columns of a stored table are masked where labels are absent."""
    table = mixed.toTable()
    assert isinstance(table["passed"], MaskedColumn)
    first, second = (
        measure(makeTool()(data, plotInfo={})) for data in (mixed.columns(), dict(table.columns))
    )
    assert first == second


def test_measurements_of_a_step(mixed: TrendTable) -> None:
    values = measure(makeTool()(mixed.columns(), plotInfo={}))
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


def test_measurements_are_the_same_without_rows(mixed: TrendTable) -> None:
    empty = mixed.select(np.zeros(0, dtype=int))
    results = makeTool()(empty.columns(), plotInfo={})
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
        "biasAmpCornerByRaft",
        "biasSuccessFailuresByRaft",
    }


def test_tools_of_all_tests_that_are_always_made() -> None:
    config = MetricTrendConfig()
    addTrendTools(config, "bias")
    names = {name.removesuffix("ByDetector") for name in config.atools.fieldNames}
    expected = {"biasMean", "biasNoise", "biasCrNoise"}
    assert expected | {f"{name}Quantity" for name in expected} <= names
    assert "biasShiftCount" not in names


def test_names_of_tools_are_unique() -> None:
    config = MetricTrendConfig()
    for by in ("detector", "raft", "physicalType", "all"):
        addTrendTools(config, "bias", by=by, tests=PLOTTED_BIAS_TESTS)
    assert len(tuple(config.atools)) == 4 * 10


def test_wrong_budget_is_refused() -> None:
    action = AnalyzeTrend()
    action.driftBudget = 2.0
    with pytest.raises(ValueError, match="Expected a budget of drifts between 0.001 and 0.1, got 2.0"):
        action.validate()


def test_budget_reaches_the_search(mixed: TrendTable) -> None:
    few, many = makeTool(), makeTool()
    many.process.outlierBudget = 0.9
    counts = [measure(tool(mixed.columns(), plotInfo={}))["nOutliers"] for tool in (few, many)]
    assert counts[0] < counts[1]


def test_column_of_the_wrong_kind_is_named(mixed: TrendTable) -> None:
    columns = mixed.columns() | {"value": np.full(len(mixed), "x")}
    with pytest.raises(ColumnError, match="'value'"):
        makeTool()(columns, plotInfo={})
