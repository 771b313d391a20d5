# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest

from lsst.analysis.cp.core.history import TrendSummaries, summarizeTrends

DAYS = np.arange(300.0)


def summarizeTrend(times, values) -> TrendSummaries:
    """Summarize one series."""
    return summarizeTrends(np.zeros(np.shape(times), dtype=int), times, values, nSeries=1)


def makeNoise(seed: int = 1, length: int = 300) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=length)


def summarizeRows(values: np.ndarray) -> TrendSummaries:
    series, days = np.indices(values.shape)
    return summarizeTrends(series.ravel(), days.ravel(), values.ravel())


def summarizeStep(step: float, day: int = 180) -> TrendSummaries:
    return summarizeTrend(DAYS, makeNoise() + step * (day <= DAYS))


def test_step_is_found_on_its_day():
    np.testing.assert_array_equal(summarizeStep(6.0).changePoints.time, [180])


def test_levels_are_the_medians_on_either_side():
    values = makeNoise() + 6.0 * (DAYS >= 180)
    changes = summarizeTrend(DAYS, values).changePoints
    assert changes.before[0] == pytest.approx(np.median(values[:180]))
    assert changes.after[0] == pytest.approx(np.median(values[180:]))
    assert changes.step[0] == changes.after[0] - changes.before[0]


def test_score_is_the_difference_of_means_in_its_error():
    # A step of 6 between 180 and 120 days, the noise of a day and flicker noise of a hundredth of it.
    score = summarizeStep(6.0).changePoints.score[0]
    assert score == pytest.approx(6 / np.sqrt(1 / 180 + 1 / 120 + 0.02), rel=0.2)


def test_step_down_is_negative():
    assert summarizeStep(-6.0).changePoints.step[0] == pytest.approx(-6, abs=0.5)


def test_short_episode_has_two_changes():
    changes = summarizeTrend(DAYS, makeNoise() + 8.0 * ((DAYS >= 100) & (DAYS < 112))).changePoints
    np.testing.assert_array_equal(changes.time, [100, 112])


def test_four_outliers_in_a_run_are_no_change():
    values = makeNoise()
    values[100:104] += 30
    summary = summarizeTrend(DAYS, values)
    assert len(summary.changePoints.time) == 0
    np.testing.assert_array_equal(summary.outliers.index, [100, 101, 102, 103])


def test_five_days_at_the_end_are_a_change():
    values = makeNoise()
    values[-5:] += 12
    np.testing.assert_array_equal(summarizeTrend(DAYS, values).changePoints.time, [295])


def test_many_steps_are_found():
    levels = np.repeat([0.0, 5.0, 2.0, 9.0, 4.0, 12.0], 50)
    changes = summarizeTrend(DAYS, 0.5 * makeNoise() + levels).changePoints
    np.testing.assert_allclose(changes.time, [50, 100, 150, 200, 250], atol=1)
    np.testing.assert_allclose(changes.step, [5, -3, 7, -5, 8], atol=0.6)


def test_change_across_a_gap_is_found_after_it():
    days = np.concatenate([np.arange(100.0), np.arange(200.0, 300.0)])
    changes = summarizeTrend(days, makeNoise(length=200) + 5.0 * (days >= 200)).changePoints
    np.testing.assert_array_equal(changes.time, [200])


def test_outliers_do_not_hide_a_step():
    values = makeNoise() + 5.0 * (DAYS >= 180)
    values[::11] += 40
    changes = summarizeTrend(DAYS, values).changePoints
    np.testing.assert_allclose(changes.time, [180], atol=1)


def test_step_without_noise_is_found():
    changes = summarizeTrend(DAYS, np.where(DAYS < 40, 5.0, 6.0)).changePoints
    np.testing.assert_array_equal(changes.time, [40])
    assert (changes.before[0], changes.after[0]) == (5.0, 6.0)


def test_step_on_a_drift_is_found_beside_it():
    summary = summarizeTrend(DAYS, makeNoise() + 8 * DAYS / 300 + 6.0 * (DAYS >= 180))
    np.testing.assert_array_equal(summary.changePoints.time, [180])
    assert summary.changePoints.step[0] == pytest.approx(6, abs=1)
    assert summary.drifts.slope[0] == pytest.approx(8 / 300 * 365.25, rel=0.15)


def test_drift_alone_is_no_change():
    summary = summarizeTrend(DAYS, makeNoise() + 5 * DAYS / 300)
    assert len(summary.changePoints.time) == 0
    assert summary.drifts.isSignificant[0]


def test_scale_and_shift_of_values_do_not_matter():
    values = makeNoise() + 5.0 * (DAYS >= 180)
    plain, moved = summarizeTrend(DAYS, values), summarizeTrend(DAYS, 1000 - 1e-3 * values)
    np.testing.assert_array_equal(moved.changePoints.time, plain.changePoints.time)
    np.testing.assert_allclose(moved.changePoints.score, plain.changePoints.score, rtol=1e-6)
    np.testing.assert_allclose(moved.changePoints.step, -1e-3 * plain.changePoints.step, rtol=1e-6)


def test_history_backwards_has_the_same_change():
    values = makeNoise() + 5.0 * (DAYS >= 180)
    changes = summarizeTrend(DAYS, values[::-1]).changePoints
    assert changes.time[0] == pytest.approx(120, abs=1)
    assert changes.step[0] == pytest.approx(-5, abs=0.5)


@pytest.mark.parametrize("length", [50, 300])
def test_false_alarms_of_white_noise_are_rare(length):
    values = np.random.default_rng(5).normal(size=(1000, length))
    # The budget is one in a thousand: seven are expected less than once in a hundred thousand runs.
    assert len(np.unique(summarizeRows(values).changePoints.series)) < 7


def test_correlated_noise_is_not_taken_for_steps():
    rng = np.random.default_rng(6)
    frequencies = np.fft.rfftfreq(1200)[1:]
    spectrum = rng.normal(size=(200, 600, 2)) @ [1, 1j] / np.sqrt(frequencies)
    flicker = np.fft.irfft(np.pad(spectrum, ((0, 0), (1, 0))), axis=1)[:, :300]
    values = rng.normal(size=(200, 300)) + flicker / np.std(np.diff(flicker)) / 2
    assert len(np.unique(summarizeRows(values).changePoints.series)) <= 5


def test_steps_of_three_sigma_are_complete():
    rng = np.random.default_rng(7)
    values = rng.normal(size=(200, 300)) + 3.0 * (DAYS >= rng.integers(20, 280, (200, 1)))
    assert len(np.unique(summarizeRows(values).changePoints.series)) >= 195
