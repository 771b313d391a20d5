# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from numpy.testing import assert_array_equal

from lsst.analysis.cp.catalogue import Level, measurementUnits
from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN, summarize


@pytest.fixture
def spoiled(columns):
    """Make a table with NaN, infinite, masked and missing values, and a detector without rows."""
    rng = np.random.default_rng(5)
    n = len(columns["exposure"])
    columns["BIAS_NOISE"] = np.where(rng.random(n) < 0.2, rng.choice([np.nan, np.inf, -np.inf], n), 5.0)
    columns["BIAS_MEAN"] = MaskedColumn(columns["BIAS_MEAN"], mask=rng.random(n) < 0.3)
    columns["BIAS_VERIFY_MEAN"] = MaskedColumn(columns["BIAS_VERIFY_MEAN"], mask=rng.random(n) < 0.3)
    kept = (rng.random(n) < 0.9) & ((columns["detector"] != 7) | (columns["exposure"] != 102))
    return {name: values[kept] for name, values in columns.items()}


def groupOf(summary, exposure, detector):
    own = (summary.exposure == exposure) & (summary.layout.detectorId[summary.detectorIndex] == detector)
    return int(np.flatnonzero(own)[0])


def test_every_number_is_that_of_a_slow_computation(spoiled, read, bias, slowMeasurements, keysOf, emitted):
    table = read(spoiled)
    keys = keysOf(table)
    summary = summarize(table, "detector")
    assert len(summary) == 3 * 5
    assert list(summary.tests) == [test.key for test in bias if test.varies == "epoch"]
    for group in range(len(summary)):
        detector = summary.layout.detectorId[summary.detectorIndex[group]]
        rows = np.flatnonzero((keys.exposure == summary.exposure[group]) & (keys.detector == detector))
        assert summary.nAmps[group] == len(rows)
        for key, reduced in summary.tests.items():
            found = {name: values[group] for name, values in emitted(summary, key).items()}
            expected = {"nAmps": len(rows), **slowMeasurements(table, reduced.test, rows)}
            assert found.keys() == expected.keys()
            assert_array_equal(list(found.values()), [expected[name] for name in found])


def test_reduction_agrees_with_astropy(columns, read):
    summary = summarize(read(columns), "detector")
    groups = Table(columns)["exposure", "detector", "BIAS_NOISE"].group_by(["exposure", "detector"]).groups
    for row in groups.aggregate(np.median):
        group = groupOf(summary, row["exposure"], row["detector"])
        assert summary.tests["NOISE"].values["median"][group] == row["BIAS_NOISE"]


@pytest.mark.parametrize("level", ["detector", "exposure", "runDetector", "run"])
def test_table_is_unchanged(spoiled, read, level):
    table = read(spoiled)
    arrays = [*table.statistics.values(), *table.flags.values(), table.readNoise, table.ampIndex]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    summarize(table, level)
    for array, old in zip(arrays, before, strict=True):
        assert_array_equal(array, old)


@pytest.mark.parametrize("n_amps", [1, 2, 3, 4])
def test_median_is_the_mean_of_the_middle_two(read, columns, n_amps):
    rows = np.flatnonzero((columns["exposure"] == 101) & (columns["detector"] == 31))[:n_amps]
    part = {name: values[rows] for name, values in columns.items()}
    part["BIAS_NOISE"] = np.array([10.0, 1.0, 4.0, 2.0])[:n_amps]
    median = summarize(read(part), "detector").tests["NOISE"].values["median"][4]
    assert median == {1: 10.0, 2: 5.5, 3: 4.0, 4: 3.0}[n_amps]


def test_median_of_the_largest_float32_does_not_overflow(read, columns):
    largest = np.finfo(np.float32).max
    columns["BIAS_NOISE"] = np.full(108, largest, dtype=np.float32)
    values = summarize(read(columns), "run").tests["NOISE"].values
    assert {values[name][0] for name in ("min", "median", "max")} == {float(largest)}


@pytest.mark.parametrize("value", [np.finfo(np.float64).max, -np.finfo(np.float64).max, 1e308])
def test_median_of_huge_equal_values_is_exact(read, columns, value):
    columns["BIAS_AMP_CORNER"] = np.full(108, value)
    for level in ("detector", "run"):
        values = summarize(read(columns), level).tests["AMP_CORNER"].values
        assert set(values["median"].tolist()) == {value}


def test_all_nan_statistic(columns, read):
    columns["BIAS_NOISE"] = np.full(108, np.nan)
    noise = summarize(read(columns), "detector").tests["NOISE"]
    assert np.isnan([noise.values[name] for name in ("min", "median", "max")]).all()
    assert not noise.values["nValid"].any()
    assert (noise.values["nTested"] == noise.values["nFailed"]).sum() < 15
    assert GOOD not in noise.status


def test_detector_without_rows(columns, read):
    kept = columns["detector"] != 7
    summary = summarize(read({name: values[kept] for name, values in columns.items()}), "detector")
    group = groupOf(summary, 102, 7)
    assert summary.nAmps[group] == 0
    assert summary.nAmpsMissing[group] == 8
    assert summary.status[group] == UNKNOWN
    assert not summary.complete[group]
    assert not summary.present[group].any()


def test_status_is_good_where_all_is_good(passing, read):
    summary = summarize(read(passing), "detector")
    assert set(summary.status.tolist()) == {GOOD}
    assert summary.complete.all()


@pytest.mark.parametrize(
    "key", ["MEAN", "NOISE", "CR_NOISE", "PROCESSING", "READ_NOISE_CONSISTENT", "SUCCESS"]
)
def test_one_failure_of_any_test_fails_its_detector_only(passing, read, key, bias):
    passing[bias[key].verifyColumn] = np.arange(108) != 20
    summary = summarize(read(passing), "detector")
    failed = groupOf(summary, passing["exposure"][20], passing["detector"][20])
    assert np.flatnonzero(summary.status == FAILED).tolist() == [failed]
    assert np.flatnonzero(summary.tests[key].values["nFailed"]).tolist() == [failed]
    assert np.flatnonzero(summary.tests[key].status == FAILED).tolist() == [failed]


@pytest.mark.parametrize("column", ["BIAS_VERIFY_NOISE", "BIAS_NOISE", "BIAS_VERIFY_READ_NOISE_CONSISTENT"])
def test_what_is_not_known_is_not_good(passing, read, column):
    passing[column] = MaskedColumn(passing[column], mask=np.arange(108) == 20)
    summary = summarize(read(passing), "detector")
    where = groupOf(summary, passing["exposure"][20], passing["detector"][20])
    assert np.flatnonzero(summary.status == UNKNOWN).tolist() == [where]


@pytest.mark.parametrize("beneath", [True, False])
def test_masked_verdict_is_untested_whatever_is_beneath(passing, read, beneath):
    masked = np.arange(108) % 3 == 0
    passing["BIAS_VERIFY_NOISE"] = MaskedColumn(np.where(masked, beneath, True), mask=masked)
    run = summarize(read(passing), "run", DetectorSelection(detectorTypes=None)).tests["NOISE"]
    assert run.values["nTested"].tolist() == [72]
    assert run.values["nFailed"].tolist() == [0]
    assert run.status.tolist() == [UNKNOWN]


def test_masked_statistic_is_no_value_whatever_is_beneath(passing, read):
    masked = np.arange(108) % 3 == 0
    passing["BIAS_AMP_CORNER"] = MaskedColumn(np.where(masked, 1e6, 2.0), mask=masked)
    run = summarize(read(passing), "run", DetectorSelection(detectorTypes=None)).tests["AMP_CORNER"].values
    assert run["nValid"].tolist() == [72]
    assert [run[name].tolist() for name in ("min", "median", "max")] == [[2.0]] * 3


def test_failure_goes_before_unknown(passing, read):
    detector = passing["detector"] == 5
    passing["BIAS_VERIFY_NOISE"] = MaskedColumn(passing["BIAS_VERIFY_NOISE"], mask=detector)
    passing["BIAS_VERIFY_MEAN"] = ~detector
    summary = summarize(read(passing), "detector")
    assert summary.status[groupOf(summary, 101, 5)] == FAILED


@pytest.mark.parametrize("column", ["BIAS_VERIFY_READ_NOISE_CONSISTENT", "BIAS_VERIFY_PROCESSING"])
def test_test_that_was_not_run_does_not_spoil_the_status(passing, read, column):
    del passing[column]
    summary = summarize(read(passing), "detector")
    assert set(summary.status.tolist()) == {GOOD}
    reduced = summary.tests[column.removeprefix("BIAS_VERIFY_")]
    assert not reduced.wasRun
    assert set(reduced.status.tolist()) == {UNKNOWN}
    assert not reduced.values["nTested"].any()


def test_verdict_on_failure_only_leaves_the_others_good(passing, read):
    row = 20
    mask = np.arange(108) != row
    passing["BIAS_VERIFY_PROCESSING"] = MaskedColumn(np.zeros(108, bool), mask=mask)
    summary = summarize(read(passing), "detector")
    failed = groupOf(summary, passing["exposure"][row], passing["detector"][row])
    assert summary.status[failed] == FAILED
    assert set(np.delete(summary.status, failed).tolist()) == {GOOD}


def test_status_of_stored_statistics_alone_is_unknown(passing, read):
    summary = summarize(read(passing, tests=["AMP_CORNER"]), "detector")
    assert set(summary.status.tolist()) == {UNKNOWN}
    assert summary.tests["AMP_CORNER"].status is None


def test_some_of_the_tests(columns, read):
    assert list(summarize(read(columns, tests=["MEAN", "SUCCESS"]), "detector").tests) == ["MEAN", "SUCCESS"]


@pytest.mark.parametrize("level", ["detector", "exposure", "runDetector", "run"])
def test_measurements_do_not_depend_on_the_data(columns, read, bias, emitted, level):
    empty = {name: values[:0] for name, values in columns.items()}
    some = {name: values for name, values in columns.items() if name in bias.inputColumns(["MEAN", "NOISE"])}
    some |= {name: columns[name] for name in bias.inputColumns(["CR_NOISE", "SUCCESS", "AMP_CORNER"])}
    for data in (columns, empty, some):
        summary = summarize(read(data, exposures=[101]), level)
        assert summary.level == Level(level)
        for test in bias:
            units = measurementUnits(test, Level(level))
            if units:
                assert emitted(summary, test.key).keys() == units.keys()
            else:
                assert test.key not in summary.tests


def test_empty_table(columns, read):
    summary = summarize(read({name: v[:0] for name, v in columns.items()}, exposures=[101]), "detector")
    assert summary.nAmps.tolist() == [0] * 5
    assert set(summary.status.tolist()) == {UNKNOWN}
    assert summary.tests["NOISE"].values["nTested"].tolist() == [0] * 5
    assert np.isnan(summary.tests["NOISE"].values["quantityMax"]).all()


def test_summary_is_made_once_for_each_level_and_selection(columns, read):
    table = read(columns)
    guiders = DetectorSelection(detectorTypes=("GUIDER",))
    run = summarize(table, "run")
    assert summarize(table, "run") is run
    assert summarize(table, "run", DetectorSelection()) is run
    assert summarize(table, "run", guiders).nAmps.tolist() == [24]
    assert summarize(table, "run").nAmps.tolist() == [72]
    assert summarize(table, "detector", guiders) is summarize(table, "detector")
    assert summarize(read(columns), "run") is not run


def test_unknown_level_is_an_error(columns, read):
    with pytest.raises(ValueError, match="level 'raft' is unknown"):
        summarize(read(columns), "raft")
