# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest

from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.cp.core.amps import findOverLimit, majorityThresholds, summarize


@pytest.fixture
def passing(makeColumns):
    """Make a table of five exposures in which all amplifiers pass all tests."""
    columns = makeColumns(exposures=range(5))
    return {n: np.full(len(v), True) if "_VERIFY_" in n else v for n, v in columns.items()}


def fail(columns, key, nExposures, nAmps):
    """Let some amplifiers of each of two science detectors fail a test, and the sum of the tests with it."""
    names = [f"C{i // 4}{i % 4}" for i in range(nAmps)]
    failed = (columns["exposure"] < nExposures) & np.isin(columns["detector"], [5, 7])
    failed &= np.isin(columns["amplifier"], names)
    columns[f"BIAS_VERIFY_{key}"] = ~failed
    columns["BIAS_VERIFY_SUCCESS"] = columns["BIAS_VERIFY_SUCCESS"] & ~failed


def exposuresOverLimit(table, maxFailuresPerDetector, selection=None):
    """Tell in which exposures any test but those that sum up others is over the limit, and if too many are.

    The summaries must tell the same of each test.
    """
    mask = (selection or DetectorSelection()).mask(table.layout)
    limits = majorityThresholds(len(table.exposures), int(mask.sum()), maxFailuresPerDetector)
    run = summarize(table, "run", selection, maxFailuresPerDetector=maxFailuresPerDetector)
    over = np.zeros(len(table.exposures), dtype=bool)
    for test in table.product.ownVerdicts():
        own = findOverLimit(table, test, mask, limits)
        values = run.tests[test.key].values
        assert values["nExposuresOverLimit"].tolist() == [own.sum()]
        assert values["majorityFailed"].tolist() == [own.sum() >= limits.exposures]
        over |= own
    return over, bool(over.sum() >= limits.exposures)


@pytest.mark.parametrize(
    ("n_exposures", "n_detectors", "failures", "exposures"),
    [(20, 189, 95 * 8, 11), (5, 3, 16, 3), (1, 1, 8, 1)],
)
def test_thresholds(n_exposures, n_detectors, failures, exposures):
    thresholds = majorityThresholds(n_exposures, n_detectors, 8)
    assert (thresholds.failures, thresholds.exposures) == (failures, exposures)


@pytest.mark.parametrize(
    ("n_exposures", "n_amps", "refused"),
    [(5, 4, True), (3, 4, True), (2, 4, False), (5, 3, False), (0, 0, False)],
)
def test_verdict(passing, read, n_exposures, n_amps, refused):
    # Three detectors: their majority is two, so that 2 x 4 failures of one test fail an exposure.
    fail(passing, "NOISE", n_exposures, n_amps)
    over, failed = exposuresOverLimit(read(passing), 4)
    assert failed is refused
    assert over.sum() == (n_exposures if n_amps == 4 else 0)


def test_limit_is_eight_failures_of_a_detector_by_default(passing, read):
    fail(passing, "NOISE", 5, 8)
    assert summarize(read(passing), "run").tests["NOISE"].values["majorityFailed"].tolist() == [1]
    fail(passing, "NOISE", 5, 7)
    assert summarize(read(passing), "run").tests["NOISE"].values["majorityFailed"].tolist() == [0]


def test_exposures_may_fail_by_different_tests(passing, read):
    fail(passing, "NOISE", 2, 4)
    third = (passing["exposure"] == 4) & np.isin(passing["detector"], [5, 7])
    passing["BIAS_VERIFY_MEAN"] = ~third
    over, failed = exposuresOverLimit(read(passing), 4)
    assert over.tolist() == [True, True, False, False, True]
    assert failed


def test_failure_outside_the_verdict_counts_only_with_another(passing, read):
    failed = np.isin(passing["detector"], [5, 7])
    passing["BIAS_VERIFY_READ_NOISE_CONSISTENT"] = ~failed
    assert exposuresOverLimit(read(passing), 4)[1] is False
    passing["BIAS_VERIFY_SUCCESS"] = ~failed
    assert exposuresOverLimit(read(passing), 4)[1] is True


def test_sum_of_the_tests_is_no_test(passing, read):
    passing["BIAS_VERIFY_SUCCESS"] = np.full(len(passing["exposure"]), False)
    assert exposuresOverLimit(read(passing), 1)[1] is False


def test_only_selected_detectors_count(passing, read):
    fail(passing, "NOISE", 5, 8)
    table = read(passing)
    assert exposuresOverLimit(table, 1, DetectorSelection(detectorTypes=("GUIDER",)))[1] is False
    assert exposuresOverLimit(table, 1)[1] is True


@pytest.mark.parametrize(("n_exposures", "failed"), [(3, 1), (2, 0)])
def test_run_summary_tells_the_verdict_of_each_test(passing, read, emitted, n_exposures, failed):
    fail(passing, "NOISE", n_exposures, 4)
    run = summarize(read(passing), "run", maxFailuresPerDetector=4)
    noise, mean = (emitted(run, key) for key in ("NOISE", "MEAN"))
    assert noise["nExposuresOverLimit"].tolist() == [n_exposures]
    assert noise["majorityFailed"].tolist() == [failed]
    assert mean["majorityFailed"].tolist() == [0]


def test_exposures_without_rows_count_for_the_majority(passing, read):
    fail(passing, "NOISE", 3, 4)
    found = [
        summarize(table, "run", maxFailuresPerDetector=4).tests["NOISE"].values["majorityFailed"].tolist()
        for table in (read(passing), read(passing, exposures=[7]))
    ]
    assert found == [[1], [0]]
