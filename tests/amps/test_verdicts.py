# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Verdicts that follow from thresholds, and columns of verdicts of any name."""

from types import MappingProxyType

import numpy as np
import pytest
from astropy.table import MaskedColumn
from numpy.testing import assert_array_equal

from lsst.analysis.cp.catalogue import VerifyTest, readProduct
from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.cp.core.amps import (
    FAILED,
    GOOD,
    UNKNOWN,
    ampSummaryTable,
    combineStatus,
    culpritsTable,
    detectorSummaryTable,
    judge,
    runCountsTable,
    statusNames,
    summarize,
    thresholdsOf,
)

EVERYTHING = DetectorSelection(detectorTypes=None)
TYPES = np.array(["E2V", "ITL", "ITL_WF"])


def make(operator, threshold):
    return VerifyTest(
        product="x",
        prefix="X",
        key="Q",
        statistic="Q",
        verify="computed",
        quantity="Q",
        operator=operator,
        threshold=threshold,
        description="A Q.",
    )


@pytest.mark.parametrize(
    ("operator", "threshold", "verdicts"),
    [
        ("<", 2.0, [1, 0, 0, -1, 0, 1]),
        ("<=", 2.0, [1, 1, 0, -1, 0, 1]),
        (">", 2.0, [0, 0, 1, -1, 1, 0]),
        (">=", 2.0, [0, 1, 1, -1, 1, 0]),
        ("inside", (1.0, 2.0), [0, 0, 0, -1, 0, 0]),
        ("inside", (0.5, 3.0), [1, 1, 0, -1, 0, 0]),
        ("inside", (-np.inf, 2.0), [1, 0, 0, -1, 0, 0]),
    ],
)
def test_quantity_is_judged_by_its_threshold(operator, threshold, verdicts):
    quantity = np.array([1.0, 2.0, 3.0, np.nan, np.inf, -np.inf])
    found = judge(make(operator, threshold), quantity, np.full(6, "E2V"))
    assert found.dtype == np.int8
    assert found.tolist() == verdicts


@pytest.mark.parametrize("form", [dict, MappingProxyType])
@pytest.mark.parametrize(
    ("operator", "threshold", "verdicts"),
    [
        ("<", {"E2V": 2.0, "ITL": 0.5}, [1, 0, -1]),
        ("inside", {"E2V": (0.0, 2.0), "ITL": (2.0, 3.0)}, [1, 0, -1]),
        (">=", {"ITL_WF": 1.0}, [-1, -1, 1]),
    ],
)
def test_type_of_sensor_without_a_threshold_is_unknown(operator, threshold, verdicts, form):
    assert judge(make(operator, form(threshold)), np.ones(3), TYPES).tolist() == verdicts


@pytest.mark.parametrize(
    ("operator", "threshold", "low", "high"),
    [
        ("<", 2.0, [-np.inf] * 3, [2.0] * 3),
        (">=", 2.0, [2.0] * 3, [np.inf] * 3),
        ("inside", (1.0, 2.0), [1.0] * 3, [2.0] * 3),
        ("<=", {"E2V": 1.0, "ITL": 3.0}, [-np.inf, -np.inf, np.nan], [1.0, 3.0, np.nan]),
        ("inside", {"ITL": (1.0, 2.0)}, [np.nan, 1.0, np.nan], [np.nan, 2.0, np.nan]),
    ],
)
def test_threshold_is_spread_over_rows(operator, threshold, low, high):
    found = thresholdsOf(make(operator, threshold), TYPES)
    assert_array_equal(found[0], low)
    assert_array_equal(found[1], high)


def test_nothing_is_judged_of_nothing():
    assert judge(make("<", 1.0), np.empty(0), np.empty(0, np.str_)).shape == (0,)


@pytest.mark.parametrize(
    ("failed", "complete", "status"),
    [(True, True, FAILED), (True, False, FAILED), (False, True, GOOD), (False, False, UNKNOWN)],
)
def test_status_of_parts(failed, complete, status):
    [found] = combineStatus(np.array([failed]), np.array([complete]))
    assert found == status
    assert statusNames(found) == {GOOD: "good", FAILED: "failed", UNKNOWN: "unknown"}[status]


@pytest.fixture
def defects(makeProduct):
    return makeProduct("defects")


@pytest.fixture
def defectColumns(columns):
    """Make a table without verdicts: C01 of detectors 5 and 31 has outliers, one value is missing."""
    own = np.isin(columns["detector"], [5, 31]) & (columns["amplifier"] == "C01")
    lost = (columns["detector"] == 7) & (columns["amplifier"] == "C00") & (columns["exposure"] == 101)
    return {name: columns[name] for name in ("exposure", "detector", "amplifier")} | {
        "DEFECTS_MIN": np.full(108, 100.0),
        "DEFECTS_UNMASKED_MIN": np.full(108, 90.0),
        "DEFECTS_STAT_OUTLIERS": MaskedColumn(np.where(own, 9, 7), mask=lost),
        "DEFECTS_DEFECT_PIXELS": np.full(108, 7.0),
    }


def test_computed_verdicts_are_counted(defectColumns, read, defects):
    table = read(defectColumns, defects)
    test = defects["PROB_TEST"]
    own = np.isin(defectColumns["detector"], [5, 31]) & (defectColumns["amplifier"] == "C01")
    lost = np.ma.getmaskarray(defectColumns["DEFECTS_STAT_OUTLIERS"])
    expected = np.where(lost, UNKNOWN, np.where(own, FAILED, GOOD))
    assert_array_equal(table.verdict(test), expected)
    assert_array_equal(table.status(test), expected)
    assert_array_equal(table.failed(test), own)
    assert table.wasRun(test)
    assert table.flags == {}
    values = summarize(table, "run", EVERYTHING).tests["PROB_TEST"].values
    assert {name: values[name][0] for name in ("nTested", "nFailed", "nDetectorsFailed", "quantityMax")} == {
        **{"nTested": 107, "nFailed": 6, "nDetectorsFailed": 2, "quantityMax": 2.0}
    }
    assert values["nExposuresFailed"].tolist() == [3]


def test_quantity_that_is_not_known_is_unknown(defectColumns, read, defects):
    table = read(defectColumns, defects)
    detectors = summarize(table, "detector")
    names = statusNames(detectors.status).reshape(3, 5).tolist()
    assert names[0] == ["good", "failed", "unknown", "good", "failed"]
    assert names[1] == names[2] == ["good", "failed", "good", "good", "failed"]


def test_culprits_say_that_a_verdict_is_computed(defectColumns, read, defects):
    found = culpritsTable(read(defectColumns, defects))
    failed = found[found["status"] == "failed"]
    assert len(failed) == 6
    assert set(failed["test"]) == {"PROB_TEST"}
    assert set(failed["reason"]) == {
        "failed (computed, not stored by cp_verify): STAT_OUTLIERS - DEFECT_PIXELS is 2, limit <= 0"
    }
    assert set(failed["quantity"]) == {2.0}
    assert set(failed["threshold"]) == {0.0}
    [unknown] = found[found["status"] == "unknown"].iterrows()
    row = dict(zip(found.colnames, unknown, strict=True))
    assert (row["exposure"], row["detector"], row["amplifier"], row["test"]) == (101, 7, "C00", "PROB_TEST")
    assert row["reason"] == "STAT_OUTLIERS has no value (NaN or masked)"
    assert np.isnan(row["quantity"])


def test_tables_hold_computed_verdicts(defectColumns, read, defects):
    table = read(defectColumns, defects)
    amps = ampSummaryTable(table)
    assert_array_equal(amps["PROB_TEST_status"], statusNames(table.verdict(defects["PROB_TEST"])))
    assert detectorSummaryTable(summarize(table, "runDetector"))["PROB_TEST_nFailed"].tolist() == [
        0,
        3,
        0,
        0,
        3,
    ]
    counts = runCountsTable(table)
    assert counts["PROB_TEST_nFailed"].sum() == 6
    assert counts["PROB_TEST_majorityFailed"].sum() == 2
    assert counts["PROB_TEST_nTested"].sum() == 107


def test_computed_verdict_without_its_columns_was_not_run(defectColumns, read):
    product = readProduct(
        """
product: defects
prefix: DEFECTS
title: Defects
tests:
  A: {statistic: A, verify: computed, presence: conditional, label: A, quantity: A, operator: "<",
    threshold: 1.0, description: A.}
  MIN: {statistic: MIN, verify: computed, label: M, quantity: MIN, operator: ">", threshold: 0.0,
    description: M.}
""",
        "defects.yaml",
    )
    table = read(defectColumns, product)
    assert not table.wasRun(product["A"])
    assert set(table.verdict(product["A"]).tolist()) == {UNKNOWN}
    assert summarize(table, "run").status.tolist() == [GOOD]
    assert len(culpritsTable(table)) == 0


INTERVALS = """
product: ptc
prefix: PTC
title: PTC
epoch: none
tests:
  SLOPE: {statistic: SLOPE, verify: computed, label: Slope, quantity: SLOPE, operator: inside,
    threshold: [0.8, 1.2], description: S.}
  A00: {statistic: A00, verify: computed, label: A, quantity: A00, operator: inside,
    threshold: {E2V: [-3.0, -1.0], ITL: [-2.0, 0.0]}, description: A.}
  TURNOFF: {statistic: TURNOFF, verify: computed, label: T, quantity: TURNOFF, operator: ">",
    threshold: 70.0, thresholdField: minTurnoff, thresholdSource: CpVerifyPtcConfig, description: T.}
"""


@pytest.fixture
def intervals():
    return readProduct(INTERVALS, "ptc.yaml")


@pytest.fixture
def intervalColumns(layout):
    n = layout.nAmps
    return {
        "detector": layout.detectorId[layout.ampDetector],
        "amplifier": layout.ampName,
        "PTC_SLOPE": np.ones(n),
        "PTC_A00": np.full(n, -1.5),
        "PTC_TURNOFF": np.full(n, 80.0),
    }


def test_threshold_of_a_type_of_sensor(intervalColumns, read, intervals):
    table = read(intervalColumns, intervals)
    detectors = summarize(table, "detector").tests["A00"]
    assert detectors.values["nTested"].tolist() == [8, 8, 8, 0, 0]
    assert detectors.status.tolist() == [GOOD, GOOD, GOOD, UNKNOWN, UNKNOWN]
    assert summarize(table, "run").status.tolist() == [GOOD]
    assert summarize(table, "run", EVERYTHING).status.tolist() == [UNKNOWN]
    unknown = culpritsTable(table)
    assert set(unknown["detector"]) == {30, 31}
    assert np.isnan(unknown["threshold"]).all()
    assert set(unknown["quantity"]) == {-1.5}


@pytest.mark.parametrize(
    ("column", "row", "value", "threshold"),
    [
        ("SLOPE", 0, 0.7, 0.8),
        ("SLOPE", 0, 1.3, 1.2),
        ("A00", 0, -3.5, -3.0),
        ("A00", 0, 0.5, -1.0),
        ("A00", 8, -2.5, -2.0),
        ("A00", 8, 0.5, 0.0),
        ("TURNOFF", 0, 60.0, 70.0),
    ],
)
def test_culprit_has_the_nearer_end_of_its_interval(
    intervalColumns, read, intervals, column, row, value, threshold
):
    intervalColumns[f"PTC_{column}"][row] = value
    found = culpritsTable(read(intervalColumns, intervals))
    names = ("detector", "amplifier", "test", "value", "quantity", "operator", "threshold")
    [failed] = found[found["status"] == "failed"].iterrows(*names)
    operator = ">" if value < threshold else "<"
    if column == "TURNOFF":
        operator = intervals[column].operator
    assert failed == (
        *(intervalColumns["detector"][row], intervalColumns["amplifier"][row]),
        *(column, value, value, operator, threshold),
    )


def test_threshold_of_a_configuration_is_the_default_of_its_field(intervals):
    test = intervals["TURNOFF"]
    assert (test.thresholdField, test.limit) == ("minTurnoff", 70.0)


@pytest.fixture
def linearity(makeProduct):
    return makeProduct("linearity")


def test_verdict_of_any_name(layout, read, linearity):
    failed = np.arange(36) == 9
    columns = {
        "detector": layout.detectorId[layout.ampDetector],
        "amplifier": layout.ampName,
        "LINEARITY_MAX_RESIDUAL_ERROR": ~failed,
        "LINEARITY_SUCCESS": ~failed,
    }
    assert linearity.inputColumns() == tuple(columns)
    table = read(columns, linearity)
    assert_array_equal(table.failed(linearity["MAX_RESIDUAL_ERROR"]), failed)
    detectors = summarize(table, "detector")
    assert detectors.status.tolist() == [GOOD, FAILED, GOOD, GOOD, GOOD]
    assert detectors.tests["MAX_RESIDUAL_ERROR"].values["nFailed"].tolist() == [0, 1, 0, 0, 0]
    [row] = culpritsTable(table).iterrows("detector", "amplifier", "test", "reason")
    assert row == (5, "C01", "MAX_RESIDUAL_ERROR", "failed")
