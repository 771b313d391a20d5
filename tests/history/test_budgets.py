# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from scipy.stats import norm

from lsst.analysis.cp.core.history import TrendBudgets, measureAlarmScores

LENGTHS = np.array([1, 10, 17, 100, 365, 1000, 5000])


@pytest.mark.parametrize("name", ["changePoint", "drift", "outlier"])
def test_smaller_budget_raises_its_threshold_only(name):
    usual, strict = TrendBudgets(), TrendBudgets(changePoint=0.01, drift=0.01, outlier=0.01)
    one = TrendBudgets(**{name: 0.01})
    for kind in ("change", "drift", "outlier"):
        thresholds = [getattr(budgets, f"{kind}Thresholds")(LENGTHS) for budgets in (usual, one, strict)]
        assert np.all(thresholds[0] > thresholds[2])
        np.testing.assert_array_equal(thresholds[1], thresholds[2 if name.startswith(kind) else 0])


def test_outlier_threshold_of_many_points_is_that_of_a_gaussian():
    threshold = TrendBudgets(outlier=0.01).outlierThresholds(np.array([100000]))[0]
    assert (1 - 2 * norm.sf(threshold)) ** 100000 == pytest.approx(0.99, abs=1e-4)


@pytest.mark.parametrize("length", [20, 60, 300])
def test_budget_holds_for_white_noise(length):
    number = 2000
    scores = measureAlarmScores(np.random.default_rng(8).normal(size=(number, length)))
    budgets, counts = TrendBudgets(changePoint=0.03, drift=0.03), np.array([length])
    # The thresholds hold for the worst of three kinds of noise, of which white noise is the quietest.
    limit = 0.03 + 3 * np.sqrt(0.03 / number)
    assert np.mean(scores.changePoint > budgets.changeThresholds(counts)) < limit
    assert np.mean(scores.drift > budgets.driftThresholds(counts)) < limit


def test_thresholds_grow_with_length_past_the_last_simulated():
    thresholds = TrendBudgets().changeThresholds(np.array([2000, 20000, 200000]))
    assert np.all(np.diff(thresholds) >= 0)


@pytest.mark.parametrize("budget", [0.0, 0.0005, 0.2, np.nan])
@pytest.mark.parametrize(("name", "words"), [("changePoint", "change points"), ("drift", "drifts")])
def test_budget_beyond_the_simulations_is_rejected(name, words, budget):
    with pytest.raises(ValueError, match=f"Expected a budget of {words} between 0.001 and 0.1, got"):
        TrendBudgets(**{name: budget})


@pytest.mark.parametrize("budget", [0.0, 1.0, np.nan])
def test_impossible_budget_of_outliers_is_rejected(budget):
    with pytest.raises(ValueError, match="Expected a budget of outliers between 0 and 1, got"):
        TrendBudgets(outlier=budget)


def test_scores_of_short_histories_are_zero():
    scores = measureAlarmScores(np.arange(9.0)[np.newaxis] % 2)
    assert scores.changePoint[0] == 0
