# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What tells the results of a run apart: exposures, visits, or nothing."""

import numpy as np
import pytest
from astropy.table import MaskedColumn
from numpy.testing import assert_array_equal

from lsst.analysis.cp.catalogue import LEVELS, Level, measurementsOf, readProduct
from lsst.analysis.cp.core import AmpKeyError, ColumnError, DetectorSelection
from lsst.analysis.cp.core.amps import (
    FAILED,
    GOOD,
    UNKNOWN,
    ampSummaryTable,
    culpritsTable,
    detectorSummaryTable,
    runCountsTable,
    summarize,
)

VARYING = """
product: dark
prefix: DARK
title: Dark
tests:
  MEAN: {statistic: MEAN, verify: DARK_VERIFY_MEAN, unit: electron, label: Mean, description: M.}
  RATE: {statistic: RATE, verify: DARK_VERIFY_RATE, varies: run, unit: electron/s, label: R, description: R.}
statistics:
  DARK_DIST_50.0_PCT: {varies: run, unit: electron/s, label: Median, description: M.}
"""


@pytest.fixture
def ptc(makeProduct):
    return makeProduct("ptc")


@pytest.fixture
def ptcColumns(layout):
    """Make a table of a calibration without exposures, of all amplifiers, of which two have failed."""
    rng = np.random.default_rng(2)
    order = rng.permutation(layout.nAmps)
    detector, name = layout.detectorId[layout.ampDetector[order]], layout.ampName[order]
    failed = (name == "C01") & np.isin(detector, [7, 31])
    return {
        "detector": detector,
        "amplifier": name,
        "PTC_PTC_GAIN": layout.ampGain[order] * np.where(failed, 1.1, 1.01),
        "PTC_PTC_TURNOFF": rng.normal(8e4, 100.0, len(order)),
        "PTC_VERIFY_PTC_GAIN": ~failed,
        "PTC_VERIFY_NOISE_SIGNAL_INDEPENDENCE": np.full(len(order), True),
        "PTC_VERIFY_SUCCESS": ~failed,
    }


def test_table_without_exposures_needs_no_such_column(ptcColumns, read, ptc):
    assert ptc.inputColumns()[:2] == ("detector", "amplifier")
    table = read(ptcColumns, ptc)
    assert (table.epoch, len(table), len(table.exposures)) == ("none", 36, 1)
    assert set(table.exposureIndex.tolist()) == {0}


def test_product_with_exposures_needs_the_column(ptcColumns, read, ptc):
    with pytest.raises(ColumnError, match=r"lacks required column\(s\) exposure;"):
        read(ptcColumns, ptc, epoch="exposure")


def test_column_of_exposures_means_nothing_without_epochs(ptcColumns, read, ptc):
    ptcColumns["exposure"] = np.arange(36)
    assert len(read(ptcColumns, ptc, exposures=[5, 6]).exposures) == 1


@pytest.mark.parametrize("level", LEVELS)
def test_no_exposures_are_counted(ptcColumns, read, ptc, emitted, level):
    summary = summarize(read(ptcColumns, ptc), level)
    assert summary.level == Level(level, "none")
    for test in ptc:
        assert not [name for name in emitted(summary, test.key) if "Exposure" in name or "majority" in name]
    assert summary.exposure.shape == (0,)


@pytest.mark.parametrize("level", ["detector", "runDetector"])
def test_detectors_without_epochs(ptcColumns, read, ptc, emitted, slowMeasurements, keysOf, layout, level):
    table = read(ptcColumns, ptc)
    keys, summary = keysOf(table), summarize(table, level)
    assert summary.detectorIndex.tolist() == list(range(5))
    for group, detector in enumerate(layout.detectorId):
        rows = np.flatnonzero(keys.detector == detector)
        for test in ptc:
            found = {name: v[group] for name, v in emitted(summary, test.key).items()}
            assert found == {"nAmps": len(rows), **slowMeasurements(table, test, rows)}
    assert summary.status.tolist() == [GOOD, GOOD, FAILED, GOOD, FAILED]
    assert summary.present.tolist() == [[True] * 8] * 4 + [[True] * 4 + [False] * 4]


@pytest.mark.parametrize("level", ["exposure", "run"])
def test_camera_without_epochs(ptcColumns, read, ptc, emitted, slowMeasurements, keysOf, level):
    kept = ptcColumns["detector"] != 5
    table = read({name: values[kept] for name, values in ptcColumns.items()}, ptc)
    summary = summarize(table, level)
    rows = np.flatnonzero(np.isin(keysOf(table).detector, [21, 7]))
    for test in ptc:
        expected = {"nAmps": 16, **slowMeasurements(table, test, rows)}
        expected |= {"nDetectors": 2, "nDetectorsMissing": 1, "nAmpsMissing": 8}
        if test.isTested:
            expected["nDetectorsFailed"] = 0 if test.key == "NOISE_SIGNAL_INDEPENDENCE" else 1
        assert {name: v[0] for name, v in emitted(summary, test.key).items()} == expected
    assert summary.status.tolist() == [FAILED]


def test_tables_have_no_column_of_exposures(ptcColumns, read, ptc, layout):
    table = read(ptcColumns, ptc)
    for level in ("detector", "runDetector"):
        written = detectorSummaryTable(summarize(table, level))
        assert_array_equal(written["detector"], layout.detectorId)
        assert not [name for name in written.colnames if "xposure" in name]
    amps = ampSummaryTable(table)
    assert "exposure" not in amps.colnames
    assert_array_equal(amps["PTC_TURNOFF_value"], ptcColumns["PTC_PTC_TURNOFF"])
    culprits = culpritsTable(table)
    assert culprits.colnames[:3] == ["detector", "detectorName", "amplifier"]
    assert [tuple(row) for row in culprits["detector", "amplifier", "test"].iterrows()] == [
        (7, "C01", "PTC_GAIN"),
        (31, "C01", "PTC_GAIN"),
    ]


def test_empty_table_without_epochs(ptcColumns, read, ptc):
    table = read({name: values[:0] for name, values in ptcColumns.items()}, ptc)
    for level in LEVELS:
        assert set(summarize(table, level).status.tolist()) == {UNKNOWN}
    assert summarize(table, "run").nAmpsMissing.tolist() == [24]
    assert len(culpritsTable(table)) == 36 * 2


def test_second_row_of_an_amplifier_is_an_error_that_names_no_exposure(ptcColumns, read, ptc):
    twice = {name: np.append(values, values[:1]) for name, values in ptcColumns.items()}
    with pytest.raises(AmpKeyError) as caught:
        read(twice, ptc)
    row = f"detector {ptcColumns['detector'][0]} amplifier {ptcColumns['amplifier'][0]}"
    assert str(caught.value) == f"1 amplifier(s) have more than one row: {row}"


def test_visits_are_grouped_as_exposures_are(columns, read, bias, emitted):
    table, visits = read(columns), read(columns, epoch="visit")
    for level in LEVELS:
        one, other = summarize(table, level), summarize(visits, level)
        assert other.level == Level(level, "visit")
        assert_array_equal(one.exposure, other.exposure)
        for key in one.tests:
            before, after = emitted(one, key), emitted(other, key)
            assert before.keys() == after.keys()
            for name in before:
                assert_array_equal(before[name], after[name])
    assert detectorSummaryTable(summarize(visits, "detector")).colnames[0] == "exposure"
    assert len(culpritsTable(visits)) == len(culpritsTable(table))


def test_epoch_of_the_product_is_the_default(columns, read, makeProduct):
    data = {name: columns[name] for name in ("exposure", "detector", "amplifier")}
    for name in makeProduct("defects").inputColumns()[3:]:
        data[name] = np.zeros(108)
    assert read(data, makeProduct("defects")).epoch == "visit"
    assert read(columns).epoch == "exposure"


def test_unknown_epoch_is_an_error(columns, read):
    with pytest.raises(ValueError, match="epoch 'night' is unknown; expected one of exposure, visit, none"):
        summarize(read(columns, epoch="night"), "run")


@pytest.fixture
def varying():
    return readProduct(VARYING, "dark.yaml")


@pytest.fixture
def varyingColumns(columns):
    data = {name: columns[name] for name in ("exposure", "detector", "amplifier")}
    return data | {
        "DARK_MEAN": columns["BIAS_MEAN"],
        "DARK_VERIFY_MEAN": np.full(108, True),
        "DARK_RATE": columns["detector"] / 10.0,
        "DARK_VERIFY_RATE": columns["detector"] != 5,
        "DARK_DARK_DIST_50.0_PCT": columns["detector"] / 100.0,
    }


@pytest.mark.parametrize(
    ("level", "keys"),
    [
        ("detector", ["MEAN"]),
        ("exposure", ["MEAN"]),
        ("runDetector", ["MEAN", "RATE", "DARK_DIST_50.0_PCT"]),
        ("run", ["MEAN", "RATE", "DARK_DIST_50.0_PCT"]),
    ],
)
def test_what_all_exposures_share_is_measured_once_a_run(varyingColumns, read, varying, level, keys):
    summary = summarize(read(varyingColumns, varying), level)
    assert list(summary.tests) == keys
    for test in varying:
        assert bool(measurementsOf(test, Level(level))) is (test.key in keys)


def test_what_all_exposures_share_does_not_fail_each(varyingColumns, read, varying):
    table = read(varyingColumns, varying)
    assert set(summarize(table, "detector").status.tolist()) == {GOOD}
    assert set(summarize(table, "exposure").status.tolist()) == {GOOD}
    assert summarize(table, "runDetector").status.tolist() == [GOOD, FAILED, GOOD, GOOD, GOOD]
    run = summarize(table, "run")
    assert run.status.tolist() == [FAILED]
    assert run.tests["RATE"].values["median"].tolist() == [0.7]
    assert run.tests["DARK_DIST_50.0_PCT"].values["max"].tolist() == [0.21]


def test_amplifiers_have_what_all_exposures_share(varyingColumns, read, varying):
    table = read(varyingColumns, varying)
    amps = ampSummaryTable(table)
    assert_array_equal(amps["RATE_value"], varyingColumns["DARK_RATE"])
    assert_array_equal(amps["DARK_DIST_50.0_PCT_value"], varyingColumns["DARK_DARK_DIST_50.0_PCT"])
    counts = runCountsTable(table)
    assert set(counts["RATE_nFailed"][counts["detector"] == 5]) == {3}
    assert "RATE_median" not in detectorSummaryTable(summarize(table, "detector")).colnames
    assert set(culpritsTable(table)["test"]) == {"RATE"}


def test_what_varies_by_run_is_measured_at_all_levels_without_epochs(varyingColumns, read, varying):
    first = varyingColumns["exposure"] == 101
    data = {name: values[first] for name, values in varyingColumns.items()}
    for level in LEVELS:
        assert list(summarize(read(data, varying, epoch="none"), level).tests) == list(varying.keys())


def test_masked_values_of_other_rows_do_not_enter(ptcColumns, read, ptc):
    masked = np.arange(36) % 2 == 0
    ptcColumns["PTC_VERIFY_PTC_GAIN"] = MaskedColumn(np.full(36, True), mask=masked)
    ptcColumns["PTC_PTC_GAIN"] = MaskedColumn(np.full(36, 1.5), mask=masked)
    run = summarize(read(ptcColumns, ptc), "run", DetectorSelection(detectorTypes=None))
    assert run.tests["PTC_GAIN"].values["nTested"].tolist() == [18]
    assert run.tests["PTC_GAIN"].values["nValid"].tolist() == [18]
    assert run.tests["PTC_GAIN"].status.tolist() == [UNKNOWN]
