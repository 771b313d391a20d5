# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import astropy.units as u
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.catalogue import Level, measurementUnits
from lsst.analysis.cp.core.amps import (
    ampSummaryTable,
    culpritsTable,
    detectorSummaryTable,
    runCountsTable,
    summarize,
)
from lsst.analysis.cp.core.tableColumns import TABLE_COLUMNS


def test_detector_table_has_a_row_for_each_detector_that_is_expected(columns, read, layout):
    kept = columns["detector"] != 7
    table = detectorSummaryTable(summarize(read({n: v[kept] for n, v in columns.items()}), "detector"))
    assert table["exposure"].tolist() == [101] * 5 + [102] * 5 + [103] * 5
    assert_array_equal(table["detector"], np.tile(layout.detectorId, 3))
    assert_array_equal(table["detectorName"], np.tile(layout.detectorName, 3))
    assert_array_equal(table["detectorType"], np.tile(layout.detectorType, 3))
    assert_array_equal(table["physicalType"], np.tile(layout.physicalType, 3))
    assert_array_equal(table["nAmps"], [8, 8, 0, 8, 4] * 3)
    assert_array_equal(table["nAmpsMissing"], [0, 0, 8, 0, 0] * 3)


def test_missing_amplifiers_are_named(columns, read):
    lost = (columns["detector"] == 31) & (
        (columns["exposure"] == 102) | np.isin(columns["amplifier"], ["C01", "C03"])
    )
    table = detectorSummaryTable(summarize(read({n: v[~lost] for n, v in columns.items()}), "detector"))
    assert table["missingAmps"][table["detector"] == 31].tolist() == ["C01 C03", "C00 C01 C02 C03", "C01 C03"]
    assert set(table["missingAmps"][table["detector"] != 31]) == {""}


def test_detector_table_holds_the_measurements_with_units(columns, read, bias):
    summary = summarize(read(columns), "detector")
    table = detectorSummaryTable(summary)
    for key, reduced in summary.tests.items():
        units = measurementUnits(bias[key], Level("detector"))
        assert reduced.values.keys() == units.keys() - {"nAmps"}
        for name, values in reduced.values.items():
            column = table[f"{key}_{name}"]
            assert_array_equal(column, values)
            assert str(column.unit or "") == units[name]
    assert table["NOISE_median"].unit == u.electron
    assert table["READ_NOISE_ADU_max"].unit == u.adu
    assert table["NOISE_nFailed"].dtype == np.int64
    assert set(table["NOISE_status"]) <= {"good", "failed", "unknown"}
    assert "AMP_CORNER_status" not in table.colnames


@pytest.mark.parametrize("level", ["detector", "runDetector"])
def test_names_and_order_of_the_columns_of_detectors(columns, read, level):
    names = detectorSummaryTable(summarize(read(columns), level)).colnames
    runs = level == "runDetector"
    counts = ["nValid", "nTested", "nFailed"] + ["nExposuresFailed"] * runs
    statistics = ["min", "median", "max"]
    quantities = ["quantityMin", "quantityMedian", "quantityMax"]
    start = ["exposure"] * (not runs) + ["detector", "detectorName", "detectorType", "physicalType"]
    start += ["nAmps", "nAmpsMissing"] + ["nExposures"] * runs + ["missingAmps", "status"]
    expected = [f"MEAN_{name}" for name in (*statistics, *quantities, *counts, "status")]
    assert names[: len(start) + len(expected)] == start + expected
    assert [n for n in names if n.startswith("AMP_CORNER")] == [
        f"AMP_CORNER_{name}" for name in (*statistics, "nValid")
    ]
    assert [n for n in names if n.startswith("SUCCESS")] == [
        f"SUCCESS_{name}" for name in (*counts[1:], "status")
    ]
    assert ("BIAS_DIST_50.0_PCT_median" in names) is runs
    assert {n for n in names if n.endswith("_nSuspicious")} == {
        f"{key}_nSuspicious" for key in ("NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT", "BIAS_SHIFT_NOISE")
    }


def test_table_of_the_detectors_of_a_run(columns, read, layout):
    found = detectorSummaryTable(summarize(read(columns), "runDetector"))
    assert_array_equal(found["detector"], layout.detectorId)
    assert "exposure" not in found.colnames
    assert_array_equal(found["nExposures"], [3] * 5)


def test_detector_table_without_rows(columns, read):
    table = detectorSummaryTable(summarize(read({n: v[:0] for n, v in columns.items()}), "detector"))
    assert len(table) == 0
    assert table["missingAmps"].dtype.kind == "U"


def test_amplifier_table(columns, read, bias):
    amp_table = read(columns)
    table = ampSummaryTable(amp_table)
    for name in ("exposure", "detector", "amplifier"):
        assert_array_equal(table[name], columns[name])
    assert_array_equal(table["NOISE_value"], columns["BIAS_NOISE"])
    assert_array_equal(table["NOISE_quantity"], amp_table.quantity(bias["NOISE"]))
    assert_array_equal(table["NOISE_status"] == "failed", ~columns["BIAS_VERIFY_NOISE"])
    assert table["readNoise"].unit == u.electron
    assert table["gain"].unit == u.electron / u.adu
    assert set(table["readNoiseSource"]) == {"camera"}
    assert "AMP_CORNER_status" not in table.colnames


def test_columns_say_what_they_mean(columns, read):
    table = read(columns)
    written = {
        "detectorSummary": [
            detectorSummaryTable(summarize(table, name)) for name in ("detector", "runDetector")
        ],
        "ampSummary": [ampSummaryTable(table)],
        "ampSummary of a run": [runCountsTable(table)],
        "culprits": [culpritsTable(table)],
    }
    for name, tables in written.items():
        texts = TABLE_COLUMNS[name]
        for column in (column for each in tables for column in each.itercols()):
            assert column.description[0].isupper() or column.name == "status"
            assert column.description.endswith(".")
            assert "{" not in column.description
            assert column.description == texts.get(column.name, column.description)
        found = {column for each in tables for column in each.colnames}
        # Bias has no tests of detectors.
        assert {column for column in texts if "{" not in column} - found <= {"nDetectors"}


@pytest.mark.parametrize("key", ["NOISE", "SUCCESS"])
def test_counts_of_a_run(columns, read, layout, key):
    columns[f"BIAS_VERIFY_{key}"] = np.random.default_rng(3).random(108) > 0.5
    kept = (columns["detector"] != 7) | (columns["exposure"] == 101)
    part = {name: values[kept] for name, values in columns.items()}
    table = runCountsTable(read(part))
    assert len(table) == layout.nAmps
    for row in table:
        own = (part["detector"] == row["detector"]) & (part["amplifier"] == row["amplifier"])
        failed = int((~part[f"BIAS_VERIFY_{key}"][own]).sum())
        assert row["nExposures"] == row[f"{key}_nTested"] == own.sum()
        assert row[f"{key}_nFailed"] == failed
        assert row[f"{key}_majorityFailed"] == (failed >= 2)
