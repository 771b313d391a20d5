# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Lines through the values of amplifiers, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress

from lsst.analysis.cp.core.exposures import fitLines

TIMES = np.array([0.0, 0.0, 30.0, 100.0, 300.0, 300.0])


def makeValues(n: int = 5, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0.01, 0.01, n) * TIMES[:, np.newaxis] + rng.normal(0.0, 0.3, (len(TIMES), n))


def test_lines_are_those_of_scipy():
    values = makeValues()
    values[2, 1] = values[4, 2] = np.nan
    fits = fitLines(TIMES, values)
    for i in range(values.shape[1]):
        known = np.isfinite(values[:, i])
        expected = linregress(TIMES[known], values[known, i])
        assert fits.slope[i] == pytest.approx(expected.slope, rel=1e-12)
        assert fits.intercept[i] == pytest.approx(expected.intercept, rel=1e-9)
        assert fits.slopeError[i] == pytest.approx(expected.stderr, rel=1e-9)
        assert fits.nPoints[i] == known.sum()


def test_unknown_time_costs_its_exposure_only():
    values, times = makeValues(), TIMES.copy()
    times[3] = np.nan
    found, expected = fitLines(times, values), fitLines(np.delete(TIMES, 3), np.delete(values, 3, axis=0))
    for name in ("slope", "intercept", "slopeError", "nPoints"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)


@pytest.mark.parametrize(
    "times", [[], [30.0], [0.0, 0.0, 0.0], [0.1, 0.1, 0.1, 0.1, 0.1, 0.1], [np.nan, 3.0]]
)
def test_no_line_without_two_different_times(times):
    fits = fitLines(np.array(times), np.ones((len(times), 2)))
    assert np.isnan([fits.slope, fits.intercept, fits.slopeError]).all()


def test_two_points_have_a_slope_without_error():
    fits = fitLines(np.array([0.0, 50.0]), np.array([[1.0], [2.0]]))
    assert fits.slope == [0.02]
    assert np.isnan(fits.slopeError).all()


def test_three_points_at_two_times_have_an_error():
    fits = fitLines(np.array([0.0, 10.0, 10.0]), np.array([[0.0], [1.0], [3.0]]))
    assert fits.slope == pytest.approx([0.2])
    # Two residuals of 1, one degree of freedom, and a sum of squares of 66.7 s2.
    assert fits.slopeError == pytest.approx([np.sqrt(2.0 / (200.0 / 3.0))])


def test_member_without_values_has_no_line():
    values = makeValues()
    values[:, 0] = np.nan
    fits = fitLines(TIMES, values)
    assert np.isnan([fits.slope[0], fits.slopeError[0]]).all()
    assert fits.nPoints[0] == 0
    assert np.isfinite(fits.slope[1:]).all()


def test_arguments_are_not_changed():
    values, times = makeValues(), TIMES.copy()
    before = values.copy()
    fitLines(times, values)
    np.testing.assert_array_equal(values, before)
    np.testing.assert_array_equal(times, TIMES)


@given(st.floats(-1e5, 1e5), st.floats(-1e3, 1e3), st.floats(0.01, 100.0))
def test_shift_of_the_origin_and_scale(start, level, scale):
    values = makeValues()
    found, expected = fitLines(TIMES + start, scale * values + level), fitLines(TIMES, values)
    np.testing.assert_allclose(found.slope, scale * expected.slope, rtol=1e-6)
    np.testing.assert_allclose(found.slopeError, scale * expected.slopeError, rtol=1e-6)
