# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest
from scipy.stats import norm

from lsst.analysis.cp.core.structures import DetectionThresholds

E2V = tuple(
    (slice(2002 * row, 2002 * row + 2002), slice(512 * column, 512 * column + 512))
    for row in range(2)
    for column in range(8)
)


def test_budget_of_a_detector_is_shared_by_pixels_and_columns():
    thresholds = DetectionThresholds.fromBudget(E2V)
    n_pixels, n_columns = 4004 * 4096, 16 * 512
    clean_pixels = (1 - 2 * norm.sf(thresholds.pixel)) ** n_pixels
    clean_columns = (1 - 2 * norm.sf(thresholds.column)) ** n_columns
    assert clean_pixels == pytest.approx(0.992, abs=1e-6)
    assert clean_columns == pytest.approx(0.998, abs=1e-6)


def test_thresholds_of_a_detector():
    thresholds = DetectionThresholds.fromBudget(E2V)
    assert thresholds.pixel == pytest.approx(6.22, abs=0.01)
    assert thresholds.column == pytest.approx(5.16, abs=0.01)
    assert thresholds.row == pytest.approx(5.41, abs=0.01)


def test_budget_holds_for_gaussian_numbers():
    amps = [(slice(0, 20), slice(0, 30)), (slice(20, 40), slice(0, 30))]
    thresholds = DetectionThresholds.fromBudget(amps, budget=0.4, pixelShare=0.5)
    rng = np.random.default_rng(3)
    largest = np.abs(rng.standard_normal((4000, 1200))).max(axis=1)
    assert np.mean(largest > thresholds.pixel) == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 4000))
    largest = np.abs(rng.standard_normal((4000, 60))).max(axis=1)
    assert np.mean(largest > thresholds.column) == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 4000))


def test_smaller_budget_raises_all_thresholds():
    usual, strict = (DetectionThresholds.fromBudget(E2V, budget=budget) for budget in (0.01, 0.001))
    assert strict.pixel > usual.pixel
    assert strict.column > usual.column
    assert strict.row > usual.row


@pytest.mark.parametrize("budget", [0.0, 1.0, -0.1, np.nan])
def test_impossible_budget_is_rejected(budget):
    with pytest.raises(ValueError, match="Expected a budget between 0 and 1, got"):
        DetectionThresholds.fromBudget(E2V, budget=budget)


def test_impossible_share_is_rejected():
    with pytest.raises(ValueError, match=r"Expected a share of pixels between 0 and 1, got 1\.5"):
        DetectionThresholds.fromBudget(E2V, pixelShare=1.5)


def test_no_amplifier_is_rejected():
    with pytest.raises(ValueError, match="at least one amplifier, got none"):
        DetectionThresholds.fromBudget([])
