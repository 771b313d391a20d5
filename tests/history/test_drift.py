# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from scipy.stats import kendalltau, theilslopes

from lsst.analysis.cp.core.history import (
    DAYS_PER_YEAR,
    TrendSummaries,
    measureAlarmScores,
    summarizeTrends,
)


def summarizeTrend(times, values) -> TrendSummaries:
    """Summarize one series."""
    return summarizeTrends(np.zeros(np.shape(times), dtype=int), times, values, nSeries=1)


def makeHistory(length: int, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    times = np.sort(rng.uniform(60000, 60500, length))
    return times, rng.normal(size=length) + 0.002 * (times - 60250)


@pytest.mark.parametrize("length", [2, 3, 9, 15, 40, 64])
def test_slope_is_theil_sen(length):
    times, values = makeHistory(length)
    expected = theilslopes(values, times)[0] * DAYS_PER_YEAR
    assert summarizeTrend(times, values).drifts.slope[0] == pytest.approx(expected, rel=1e-6)


def inflate(length: int) -> float:
    """Return the variance of the trend of a short history over that of white noise.

    One hundredth of the variance is taken for flicker noise, which grows to means of half the length.
    """
    return (1 + 0.01 * length / 2) / 1.01


@pytest.mark.parametrize("length", [6, 9, 15])
def test_significance_is_mann_kendall(length):
    times, values = makeHistory(length)
    score = kendalltau(times, values).statistic * length * (length - 1) / 2
    variance = length * (length - 1) * (2 * length + 5) / 18 * inflate(length)
    expected = (score - np.sign(score)) / np.sqrt(variance)
    assert summarizeTrend(times, values).drifts.significance[0] == pytest.approx(expected)


def test_ties_lower_the_variance():
    # Score 16, less 1; two groups of two and one of three equal values among seven.
    values = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0]
    variance = (7 * 6 * 19 - 2 * 2 * 1 * 9 - 3 * 2 * 11) / 18 * inflate(7)
    assert summarizeTrend(np.arange(7), values).drifts.significance[0] == pytest.approx(
        15 / np.sqrt(variance)
    )


def test_long_history_is_averaged_with_little_loss():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(1000, 365))
    series, days = np.indices(values.shape)
    slopes = summarizeTrends(series.ravel(), days.ravel(), values.ravel()).drifts.slope
    # The error of a least-squares slope is that of a perfect measurement.
    smallest = DAYS_PER_YEAR / np.sqrt(365 * (365**2 - 1) / 12)
    assert np.mean(slopes) == pytest.approx(0, abs=4 * smallest / np.sqrt(1000))
    assert np.std(slopes) < 1.15 * smallest


def test_slope_across_a_step_is_that_between_them():
    times = np.arange(200.0)
    values = np.random.default_rng(5).normal(size=200) + 20 * (times >= 90)
    summary = summarizeTrend(times, values)
    assert not summary.drifts.isSignificant[0]
    assert abs(summary.drifts.slope[0]) < 3


def test_outliers_do_not_move_the_slope():
    times, values = makeHistory(300)
    values[::13] += 500
    assert summarizeTrend(times, values).drifts.slope[0] == pytest.approx(0.002 * DAYS_PER_YEAR, abs=0.3)


def test_correlated_noise_lowers_the_significance():
    rng = np.random.default_rng(6)
    walks = np.cumsum(rng.normal(size=(300, 400)), axis=1)
    independent = [abs(kendalltau(np.arange(400), walk).statistic) for walk in walks[:30]]
    score = np.median(independent) / np.sqrt(2 * (2 * 400 + 5) / (9 * 400 * 399))
    assert np.median(measureAlarmScores(walks).drift) < score / 3


def test_unit_is_a_year():
    days = np.arange(0.0, 730.5, 7)
    assert summarizeTrend(days, 3 * days / 365.25).drifts.slope[0] == pytest.approx(3)


def test_constant_history_does_not_drift():
    summary = summarizeTrend(np.arange(100), np.full(100, 0.1))
    assert (summary.drifts.slope[0], summary.drifts.significance[0], summary.drifts.isSignificant[0]) == (
        0.0,
        0.0,
        False,
    )
