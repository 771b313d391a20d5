# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest

from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.cp.core.amps import majorityThresholds, majorityVerdict, summarizeAmps, summarizeRun


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


@pytest.mark.parametrize(
    ("n_exposures", "n_detectors", "failures", "exposures"),
    [(20, 189, 95 * 8, 11), (5, 3, 16, 3), (1, 1, 8, 1)],
)
def test_thresholds(n_exposures, n_detectors, failures, exposures):
    thresholds = majorityThresholds(n_exposures, n_detectors, 8)
    assert (thresholds.failures, thresholds.exposures) == (failures, exposures)


@pytest.mark.parametrize(
    ("n_exposures", "n_amps", "certify"),
    [(5, 4, False), (3, 4, False), (2, 4, True), (5, 3, True), (0, 0, True)],
)
def test_verdict(passing, read, n_exposures, n_amps, certify):
    # Three detectors: their majority is two, so that 2 x 4 failures of one test fail an exposure.
    fail(passing, "NOISE", n_exposures, n_amps)
    verdict = majorityVerdict(read(passing), maxFailuresPerDetector=4)
    assert verdict.certify is certify
    assert verdict.nExposuresFailed == (n_exposures if n_amps == 4 else 0)


def test_exposures_may_fail_by_different_tests(passing, read):
    fail(passing, "NOISE", 2, 4)
    third = (passing["exposure"] == 4) & np.isin(passing["detector"], [5, 7])
    passing["BIAS_VERIFY_MEAN"] = ~third
    verdict = majorityVerdict(read(passing), maxFailuresPerDetector=4)
    assert verdict.exposureFailed.tolist() == [True, True, False, False, True]
    assert not verdict.certify


def test_failure_outside_the_verdict_counts_only_with_another(passing, read):
    failed = np.isin(passing["detector"], [5, 7])
    passing["BIAS_VERIFY_READ_NOISE_CONSISTENT"] = ~failed
    assert majorityVerdict(read(passing), maxFailuresPerDetector=4).certify
    passing["BIAS_VERIFY_SUCCESS"] = ~failed
    assert not majorityVerdict(read(passing), maxFailuresPerDetector=4).certify


def test_sum_of_the_tests_is_no_test(passing, read):
    passing["BIAS_VERIFY_SUCCESS"] = np.full(len(passing["exposure"]), False)
    assert majorityVerdict(read(passing), maxFailuresPerDetector=1).certify


def test_only_selected_detectors_count(passing, read):
    fail(passing, "NOISE", 5, 8)
    guiders = DetectorSelection(detectorTypes=("GUIDER",))
    assert majorityVerdict(read(passing), selection=guiders, maxFailuresPerDetector=1).certify


@pytest.mark.parametrize(("n_exposures", "failed"), [(3, 1), (2, 0)])
def test_run_summary_tells_the_verdict_of_each_test(passing, read, n_exposures, failed):
    fail(passing, "NOISE", n_exposures, 4)
    table = read(passing)
    run = summarizeRun(table, summarizeAmps(table), maxFailuresPerDetector=4)
    noise, mean = (run.measurements(key) for key in ("NOISE", "MEAN"))
    assert noise["nExposuresOverLimit"].value.tolist() == [n_exposures]
    assert noise["majorityFailed"].value.tolist() == [failed]
    assert mean["majorityFailed"].value.tolist() == [0]
