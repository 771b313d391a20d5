# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Values by exposure, their medians, and gains beside the focal plane, against plain loops."""

from __future__ import annotations

import statistics

import numpy as np
import pytest

from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.exposures import (
    detectorMedians,
    exposureGrid,
    finiteMedian,
    relativeGains,
    relativeSpread,
)


def median(values) -> float:
    finite = [float(value) for value in values if np.isfinite(value)]
    return statistics.median(finite) if finite else np.nan


def test_rows_find_their_place():
    grid = exposureGrid(np.array([1.0, np.inf, 3.0]), np.array([0, 1, 1]), np.array([2, 0, 1]), (2, 3))
    np.testing.assert_array_equal(grid, [[np.nan, np.nan, 1.0], [np.nan, 3.0, np.nan]])


def test_medians_of_detectors(layout: CameraLayout):
    rng = np.random.default_rng(5)
    grid = rng.normal(100.0, 3.0, (4, layout.nAmps))
    grid[rng.random(grid.shape) < 0.2] = np.nan
    grid[2, layout.ampDetector == 4] = np.nan
    expected = [[median(row[layout.ampDetector == i]) for i in range(layout.nDetectors)] for row in grid]
    np.testing.assert_allclose(detectorMedians(grid, layout), expected, rtol=1e-14)


def test_medians_of_no_exposure(layout: CameraLayout):
    assert detectorMedians(np.empty((0, layout.nAmps)), layout).shape == (0, layout.nDetectors)


def test_median_of_large_values_does_not_overflow():
    assert finiteMedian(np.array([1.7e308, 1.6e308, np.nan]), axis=0) == pytest.approx(1.65e308)


@pytest.mark.filterwarnings("error")
def test_median_of_nothing_is_nothing():
    assert np.isnan(finiteMedian(np.empty((2, 0)), axis=1)).all()
    assert np.isnan(finiteMedian(np.full((2, 3), np.nan), axis=0)).all()


def makeRates() -> np.ndarray:
    """Make rates of a lamp that changes by a third, and of gains, of which the last grows by 1 %."""
    lamp = np.array([3000.0, 4000.0, 3500.0, 3600.0, 3100.0])
    rates = lamp[:, np.newaxis] * np.array([1.0, 1.02, 0.97, 1.1, 0.9])
    rates[3:, 4] *= 1.01
    return rates


def test_gains_are_those_of_a_loop():
    rates = makeRates()
    rates[1, 0] = np.nan
    selected = np.array([True, True, True, False, True])
    ratio = [[rate / median(row[selected]) for rate in row] for row in rates]
    levels = [median(column) for column in zip(*ratio, strict=True)]
    expected = [[value / level for value, level in zip(row, levels, strict=True)] for row in ratio]
    np.testing.assert_allclose(relativeGains(rates, selected), expected, rtol=1e-14)


def test_lamp_and_times_are_taken_out_and_a_step_stays():
    gains = relativeGains(makeRates(), np.ones(5, dtype=bool))
    np.testing.assert_allclose(gains[:, :4], 1.0, rtol=1e-12)
    np.testing.assert_allclose(gains[:, 4], [1.0, 1.0, 1.0, 1.01, 1.01], rtol=1e-12)
    # An exposure time that is wrong by a factor changes nothing.
    scaled = relativeGains(
        makeRates() * np.array([[1.0], [2.0], [1.0], [0.5], [1.0]]), np.ones(5, dtype=bool)
    )
    np.testing.assert_allclose(scaled, gains, rtol=1e-12)


@pytest.mark.parametrize("level", [0.0, -5.0, np.nan])
def test_exposure_without_light_has_no_gains(level):
    rates = makeRates()
    rates[2] = level
    gains = relativeGains(rates, np.ones(5, dtype=bool))
    assert np.isnan(gains[2]).all()
    assert np.isfinite(np.delete(gains, 2, axis=0)).all()


def test_no_selected_member_gives_no_gains():
    assert np.isnan(relativeGains(makeRates(), np.zeros(5, dtype=bool))).all()


def test_spread_is_range_over_median():
    values = np.array([[1.0, np.nan, -1.0], [2.0, np.nan, -2.0], [4.0, np.nan, -3.0]])
    np.testing.assert_array_equal(relativeSpread(values), [1.5, np.nan, np.nan])
