# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from numpy.testing import assert_array_equal

from lsst.analysis.cp.catalogue import measurementUnits
from lsst.analysis.cp.core.amps import summarizeAmps

FAILED, GOOD, UNKNOWN = 0, 1, -1


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


def segmentOf(summary, exposure, detector):
    own = (summary.exposure == exposure) & (summary.layout.detectorId[summary.detectorIndex] == detector)
    return int(np.flatnonzero(own)[0])


def test_every_number_is_that_of_a_slow_computation(spoiled, read, bias, slowReduction):
    table = read(spoiled)
    summary = summarizeAmps(table)
    assert len(summary) == 3 * 5
    for segment in range(len(summary)):
        detector = summary.layout.detectorId[summary.detectorIndex[segment]]
        rows = np.flatnonzero((table.exposure == summary.exposure[segment]) & (table.detector == detector))
        assert summary.nAmps[segment] == len(rows)
        for test in bias:
            found = {name: values.value[segment] for name, values in summary.measurements(test.key).items()}
            expected = {"nAmps": len(rows)}
            if test.statisticColumn is not None:
                values = slowReduction(table.statistics[test.statisticColumn][rows])
                expected |= dict(zip(("min", "median", "max", "nValid"), values, strict=True))
            if test.quantity is not None:
                values = slowReduction(table.quantity(test)[rows])[:3]
                expected |= dict(zip(("quantityMin", "quantityMedian", "quantityMax"), values, strict=True))
            if test.verifyColumn is not None:
                flags = table.flags[test.verifyColumn][rows].tolist()
                expected |= {"nTested": len(flags) - flags.count(-1), "nFailed": flags.count(0)}
            assert found.keys() == expected.keys()
            assert_array_equal(list(found.values()), [expected[name] for name in found])


def test_reduction_agrees_with_astropy(columns, read):
    summary = summarizeAmps(read(columns))
    groups = Table(columns)["exposure", "detector", "BIAS_NOISE"].group_by(["exposure", "detector"]).groups
    for row in groups.aggregate(np.median):
        segment = segmentOf(summary, row["exposure"], row["detector"])
        assert summary.tests["NOISE"].statistic.median[segment] == row["BIAS_NOISE"]


def test_table_is_unchanged(spoiled, read):
    table = read(spoiled)
    arrays = [*table.statistics.values(), *table.flags.values(), table.readNoise, table.ampIndex]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    summarizeAmps(table)
    for array, old in zip(arrays, before, strict=True):
        assert_array_equal(array, old)


@pytest.mark.parametrize("n_amps", [1, 2, 3, 4])
def test_median_is_the_mean_of_the_middle_two(read, layout, columns, n_amps):
    rows = np.flatnonzero((columns["exposure"] == 101) & (columns["detector"] == 31))[:n_amps]
    part = {name: values[rows] for name, values in columns.items()}
    part["BIAS_NOISE"] = np.array([10.0, 1.0, 4.0, 2.0])[:n_amps]
    median = summarizeAmps(read(part)).tests["NOISE"].statistic.median[4]
    assert median == {1: 10.0, 2: 5.5, 3: 4.0, 4: 3.0}[n_amps]


def test_all_nan_statistic(columns, read):
    columns["BIAS_NOISE"] = np.full(108, np.nan)
    noise = summarizeAmps(read(columns)).tests["NOISE"]
    assert np.isnan([noise.statistic.minimum, noise.statistic.median, noise.statistic.maximum]).all()
    assert not noise.statistic.nValid.any()
    assert (noise.verdicts.nTested == noise.verdicts.nGood + noise.verdicts.nFailed).sum() < 15
    assert GOOD not in noise.verdicts.status


def test_detector_without_rows(columns, read):
    kept = columns["detector"] != 7
    summary = summarizeAmps(read({name: values[kept] for name, values in columns.items()}))
    segment = segmentOf(summary, 102, 7)
    assert summary.nAmps[segment] == 0
    assert summary.nAmpsMissing[segment] == 8
    assert summary.status[segment] == UNKNOWN
    assert not summary.present[segment].any()


@pytest.fixture
def passing(columns):
    """Make a table in which all amplifiers pass all tests."""
    return {name: np.full(108, True) if "_VERIFY_" in name else values for name, values in columns.items()}


def test_status_is_good_where_all_is_good(passing, read):
    summary = summarizeAmps(read(passing))
    assert set(summary.status.tolist()) == {GOOD}


@pytest.mark.parametrize(
    "key", ["MEAN", "NOISE", "CR_NOISE", "PROCESSING", "READ_NOISE_CONSISTENT", "SUCCESS"]
)
def test_one_failure_of_any_test_fails_its_detector_only(passing, read, key, bias):
    passing[bias[key].verifyColumn] = np.arange(108) != 20
    summary = summarizeAmps(read(passing))
    failed = segmentOf(summary, passing["exposure"][20], passing["detector"][20])
    assert np.flatnonzero(summary.status == FAILED).tolist() == [failed]
    assert np.flatnonzero(summary.tests[key].verdicts.nFailed).tolist() == [failed]


@pytest.mark.parametrize("column", ["BIAS_VERIFY_NOISE", "BIAS_NOISE", "BIAS_VERIFY_READ_NOISE_CONSISTENT"])
def test_what_is_not_known_is_not_good(passing, read, column):
    passing[column] = MaskedColumn(passing[column], mask=np.arange(108) == 20)
    summary = summarizeAmps(read(passing))
    where = segmentOf(summary, passing["exposure"][20], passing["detector"][20])
    assert np.flatnonzero(summary.status == UNKNOWN).tolist() == [where]


def test_failure_goes_before_unknown(passing, read):
    detector = passing["detector"] == 5
    passing["BIAS_VERIFY_NOISE"] = MaskedColumn(passing["BIAS_VERIFY_NOISE"], mask=detector)
    passing["BIAS_VERIFY_MEAN"] = ~detector
    summary = summarizeAmps(read(passing))
    assert summary.status[segmentOf(summary, 101, 5)] == FAILED


@pytest.mark.parametrize("column", ["BIAS_VERIFY_READ_NOISE_CONSISTENT", "BIAS_VERIFY_PROCESSING"])
def test_test_that_was_not_run_does_not_spoil_the_status(passing, read, column):
    del passing[column]
    summary = summarizeAmps(read(passing))
    assert set(summary.status.tolist()) == {GOOD}
    key = column.removeprefix("BIAS_VERIFY_")
    assert set(summary.tests[key].verdicts.status.tolist()) == {UNKNOWN}
    assert not summary.tests[key].verdicts.nTested.any()


def test_verdict_on_failure_only_leaves_the_others_good(passing, read):
    row = 20
    mask = np.arange(108) != row
    passing["BIAS_VERIFY_PROCESSING"] = MaskedColumn(np.zeros(108, bool), mask=mask)
    summary = summarizeAmps(read(passing))
    failed = segmentOf(summary, passing["exposure"][row], passing["detector"][row])
    assert summary.status[failed] == FAILED
    assert set(np.delete(summary.status, failed).tolist()) == {GOOD}


def test_status_of_stored_statistics_alone_is_unknown(passing, read):
    summary = summarizeAmps(read(passing, tests=["AMP_CORNER"]))
    assert set(summary.status.tolist()) == {UNKNOWN}


def test_some_of_the_tests(columns, read):
    assert list(summarizeAmps(read(columns), ["MEAN", "SUCCESS"]).tests) == ["MEAN", "SUCCESS"]


def test_measurements_do_not_depend_on_the_data(columns, read, bias):
    empty = {name: values[:0] for name, values in columns.items()}
    some = {name: values for name, values in columns.items() if name in bias.inputColumns(["MEAN", "NOISE"])}
    some |= {name: columns[name] for name in bias.inputColumns(["CR_NOISE", "SUCCESS", "AMP_CORNER"])}
    for data in (columns, empty, some):
        summary = summarizeAmps(read(data, exposures=[101]))
        for test in bias:
            units = {name: str(v.unit) for name, v in summary.measurements(test.key).items()}
            assert units == measurementUnits(test, "detector")


def test_empty_table(columns, read):
    summary = summarizeAmps(read({name: v[:0] for name, v in columns.items()}, exposures=[101]))
    assert summary.nAmps.tolist() == [0] * 5
    assert set(summary.status.tolist()) == {UNKNOWN}
    assert summary.tests["NOISE"].verdicts.nTested.tolist() == [0] * 5
    assert np.isnan(summary.tests["NOISE"].quantity.maximum).all()
