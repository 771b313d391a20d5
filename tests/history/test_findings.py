# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import astropy.utils.masked
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import median_abs_deviation

from lsst.analysis.cp.core.history import TrendSummaries, summarizeTrends
from lsst.analysis.cp.core.history.noise import groupSpreads, measureSpread

RAGGED = (0, 1, 2, 9, 10, 11, 37, 120, 400)


def summarizeTrend(times, values) -> TrendSummaries:
    """Summarize one series."""
    return summarizeTrends(np.zeros(np.shape(times), dtype=int), times, values, nSeries=1)


def makePoints(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make series of different lengths, with a step in each of the longer ones, in random order."""
    rng = np.random.default_rng(seed)
    series = np.repeat(np.arange(len(RAGGED)), RAGGED)
    times = np.concatenate([np.arange(length) for length in RAGGED]) + rng.uniform(0, 0.5, len(series))
    values = rng.normal(size=len(series)) + 9.0 * (times > 20)
    order = rng.permutation(len(series))
    return series[order], times[order], values[order]


def assertSame(one: TrendSummaries, other: TrendSummaries) -> None:
    for name in ("median", "scatter"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-10, err_msg=name)
    for part in ("changePoints", "drifts"):
        for name, column in vars(getattr(one, part)).items():
            np.testing.assert_allclose(column, getattr(getattr(other, part), name), rtol=1e-6, atol=1e-9)


def test_many_series_are_as_one_by_one():
    series, times, values = makePoints()
    many = summarizeTrends(series, times, values)
    for number in range(len(RAGGED)):
        one = summarizeTrend(times[series == number], values[series == number])
        changes = many.changePoints.time[many.changePoints.series == number]
        np.testing.assert_array_equal(changes, one.changePoints.time)
        np.testing.assert_allclose(many.drifts.slope[number], one.drifts.slope[0], rtol=1e-6)
        np.testing.assert_allclose(many.scatter[number], one.scatter, rtol=1e-12)
        np.testing.assert_allclose(many.expected[series == number], one.expected, rtol=1e-10)


def test_order_of_points_does_not_matter():
    series, times, values = makePoints()
    order = np.random.default_rng(2).permutation(len(series))
    assertSame(
        summarizeTrends(series, times, values), summarizeTrends(series[order], times[order], values[order])
    )


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf])
def test_points_without_value_do_not_matter(missing):
    series, times, values = makePoints()
    more = np.concatenate([values, np.full(len(values), missing)])
    found = summarizeTrends(np.tile(series, 2), np.concatenate([times, times + 0.7]), more)
    assertSame(found, summarizeTrends(series, times, values))
    assert np.isnan(found.expected[len(values) :]).all()


def test_masked_points_are_left_out():
    values = np.ma.masked_array([1.0, 2.0, 99.0, 3.0], mask=[False, False, True, False])
    summary = summarizeTrend(np.arange(4), values)
    assert summary.median[0] == 2.0
    assert np.isnan(summary.expected[2])


def test_input_is_not_changed():
    series, times, values = makePoints()
    values[5] = np.nan
    copies = series.copy(), times.copy(), values.copy()
    summarizeTrends(series, times, values)
    for array, copy in zip((series, times, values), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_scatter_is_the_scaled_median_deviation():
    values = np.random.default_rng(3).normal(size=41)
    summary = summarizeTrend(np.arange(41), values)
    assert summary.median[0] == np.median(values)
    assert summary.scatter[0] == pytest.approx(median_abs_deviation(values, scale="normal"))


def test_scatter_is_that_around_the_levels():
    rng = np.random.default_rng(4)
    summary = summarizeTrend(np.arange(400), rng.normal(size=400) + 50.0 * (np.arange(400) >= 200))
    assert summary.scatter[0] == pytest.approx(1, abs=0.15)


def test_points_of_the_same_time_count_once():
    values = np.random.default_rng(5).normal(size=100)
    once = summarizeTrend(np.arange(100), values)
    # Reprocessed three times, of which one went wrong.
    thrice = summarizeTrend(np.tile(np.arange(100), 3), np.concatenate([values, values, values + 40]))
    assert thrice.drifts.significance[0] == pytest.approx(once.drifts.significance[0], rel=1e-9)
    assert thrice.median == pytest.approx(once.median, rel=1e-9)
    np.testing.assert_array_equal(
        np.intersect1d(thrice.outliers.index, np.arange(200, 300)), np.arange(200, 300)
    )


def test_outlier_is_named_by_its_place_in_the_input():
    days = np.random.default_rng(6).permutation(80)
    values = np.random.default_rng(7).normal(size=80)
    values[33] = -25
    outliers = summarizeTrend(days, values).outliers
    np.testing.assert_array_equal(outliers.index, [33])
    assert outliers.score[0] == pytest.approx(-25, rel=0.3)


def test_outlier_is_judged_against_the_level_of_its_time():
    days = np.arange(200)
    values = np.random.default_rng(8).normal(size=200) + 30.0 * (days >= 100)
    values[150] = 0
    summary = summarizeTrend(days, values)
    np.testing.assert_array_equal(summary.outliers.index, [150])
    assert summary.expected[150] == pytest.approx(30, abs=0.5)


def test_rare_count_is_an_outlier():
    values = np.zeros(300)
    values[123] = 1
    np.testing.assert_array_equal(summarizeTrend(np.arange(300), values).outliers.index, [123])


@pytest.mark.parametrize("value", [0.0, 0.1, -1e30, 1e-30])
def test_rounding_errors_are_no_alarms(value):
    values = np.full(200, value)
    values[50:] = np.nextafter(value, np.inf) if value else value
    summary = summarizeTrend(np.arange(200), values)
    assert len(summary.outliers.index) == len(summary.changePoints.time) == 0
    assert not summary.drifts.isSignificant[0]
    assert summary.scatter[0] < 1e-15 * abs(value) + 1e-300


@pytest.mark.parametrize("factor", [2.0**1000, 2.0**-1000])
def test_huge_and_tiny_values_are_summarized_alike(factor):
    series, times, values = makePoints()
    plain, scaled = summarizeTrends(series, times, values), summarizeTrends(series, times, factor * values)
    for name in ("changePoints", "outliers"):
        scores = (getattr(found, name).score for found in (scaled, plain))
        np.testing.assert_allclose(*scores, rtol=1e-9)
    np.testing.assert_allclose(scaled.drifts.slope, factor * plain.drifts.slope, rtol=1e-9)
    np.testing.assert_allclose(scaled.scatter, factor * plain.scatter, rtol=1e-9)


@pytest.mark.parametrize("number", [20, 100])
def test_absurd_value_is_an_outlier_and_no_more(number):
    values = np.random.default_rng(9).normal(50, 1, size=number)
    values[7] = 1e300
    summary = summarizeTrend(np.arange(number), values)
    np.testing.assert_array_equal(summary.outliers.index, [7])
    assert summary.scatter[0] == pytest.approx(1, abs=0.4)
    assert not summary.drifts.isSignificant[0]


@pytest.mark.parametrize("length", range(12))
def test_short_histories_are_summarized(length):
    values = np.arange(length, dtype=float)
    summary = summarizeTrend(np.arange(length), values)
    assert np.isnan(summary.drifts.slope[0]) == (length < 2)
    np.testing.assert_equal(summary.median[0], np.median(values) if length else np.nan)
    assert len(summary.changePoints.time) == 0


def test_series_without_value_have_nan():
    found = summarizeTrends([0, 1, 1], [1, 1, 2], [np.nan, 1.0, 2.0], nSeries=4)
    np.testing.assert_array_equal(found.median, [np.nan, 1.5, np.nan, np.nan])
    np.testing.assert_array_equal(np.isnan(found.drifts.slope), [True, False, True, True])
    assert not found.drifts.isSignificant.any()


def test_no_series_at_all():
    found = summarizeTrends([], [], [])
    assert len(found.median) == len(found.expected) == len(found.changePoints.time) == 0


@pytest.mark.parametrize(
    ("series", "times", "values", "message"),
    [
        ([0, 0], [1.0, 2.0], [1.0], r"same shape \(n,\), got \(\(2,\), \(2,\), \(1,\)\)"),
        ([[0]], [[1.0]], [[1.0]], r"same shape \(n,\), got \(\(1, 1\)"),
        ([0, 0], [1.0, np.nan], [1.0, 2.0], r"finite times, got nan at point 1 \(1 in all\)"),
        ([0.5], [1.0], [1.0], "whole numbers of series, got float64"),
        ([-1, 0], [1.0, 2.0], [1.0, 2.0], "numbers of series from 0 to 0, got -1 to 0"),
    ],
)
def test_bad_points_are_rejected(series, times, values, message):
    with pytest.raises(ValueError, match=message):
        summarizeTrends(series, times, values)


@pytest.mark.parametrize(("column", "message"), [(0, "whole numbers of series"), (1, "finite times")])
@pytest.mark.parametrize("Masked", [np.ma.MaskedArray, astropy.utils.masked.Masked])
def test_masked_series_and_times_are_rejected(column, message, Masked):
    points = [np.zeros(20, dtype=int), np.arange(20.0), np.ones(20)]
    points[column] = Masked(points[column], mask=np.arange(20) == 7)
    with pytest.raises(ValueError, match=message):
        summarizeTrends(*points)


def test_values_masked_by_astropy_are_left_out():
    values = np.random.default_rng(4).normal(size=40)
    masked = np.arange(40) % 5 == 0
    found = summarizeTrend(np.arange(40), astropy.utils.masked.Masked(values, mask=masked))
    assert found.median[0] == pytest.approx(np.median(values[~masked]))


def test_drift_beyond_the_largest_number_is_absent():
    found = summarizeTrend([0.0, 1.0], [1e307, 1.1e307])
    assert np.isnan(found.drifts.slope).all()
    assert found.median[0] == pytest.approx(1.05e307)


def test_series_beyond_their_number_are_rejected():
    with pytest.raises(ValueError, match="numbers of series from 0 to 1, got 0 to 2"):
        summarizeTrends([0, 2], [1.0, 2.0], [1.0, 2.0], nSeries=2)


@pytest.mark.parametrize("offset", [0.0, 12.0])
def test_largest_numbers_are_summarized_as_others(offset):
    """Sums of two values, and differences of two, would overflow."""
    rng = np.random.default_rng(5)
    times, values = np.arange(40.0), rng.normal(offset, 1.0, 40)
    values[20:] += 4
    values[7] -= 15
    factor = 2.0**1019
    usual, large = summarizeTrend(times, values), summarizeTrend(times, values * factor)
    assert np.abs(values * factor).max() > 5e307
    np.testing.assert_allclose(large.median / factor, usual.median)
    np.testing.assert_allclose(large.scatter / factor, usual.scatter)
    np.testing.assert_allclose(large.expected / factor, usual.expected)
    np.testing.assert_allclose(large.changePoints.after / factor, usual.changePoints.after)
    np.testing.assert_allclose(large.outliers.score, usual.outliers.score)
    assert len(usual.outliers.score) == len(usual.changePoints.score) == 1


@pytest.mark.parametrize("n_together", [1, 2, 5, 20, 300])
def test_points_at_equal_times_of_white_noise_are_no_outliers(n_together):
    """However many share a time, each is judged by the scatter of single points."""
    rng = np.random.default_rng(n_together)
    values = rng.normal(5.0, 0.05, (12, 300))
    times = np.tile(np.arange(300) // n_together, 12).astype(float)
    summary = summarizeTrends(np.repeat(np.arange(12), 300), times, values.ravel())
    assert len(summary.outliers.index) == 0
    np.testing.assert_allclose(
        summary.scatter, median_abs_deviation(values, axis=1, scale="normal"), rtol=0.1
    )


def test_an_outlier_among_points_at_equal_times_is_found():
    values = np.random.default_rng(1).normal(5.0, 0.05, 300)
    values[111] += 1.0
    summary = summarizeTrends(np.zeros(300, int), np.arange(300) // 20, values)
    assert summary.outliers.index.tolist() == [111]
    assert summary.outliers.score[0] == pytest.approx(1.0 / 0.05, rel=0.25)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-1e6, 1e6)), max_size=40))
def test_spreads_of_groups_are_those_of_rows(points):
    groups = np.array([group for group, _ in points], dtype=np.intp)
    values = np.array([value for _, value in points], dtype=float)
    found = groupSpreads(values, groups, 5)
    for group in range(5):
        own = values[groups == group]
        expected = measureSpread(own[np.newaxis])[0] if len(own) else np.nan
        np.testing.assert_allclose(found[group], expected, rtol=1e-12)
