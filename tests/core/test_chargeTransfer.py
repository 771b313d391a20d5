# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Averages of charge transfer inefficiencies."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.core.calibrations import averageInefficiency

SIGNALS = np.array([1e3, 2e4, 3e4, 6e4, 1e5])
ESTIMATES = np.array([9e-6, 1e-6, 2e-6, 4e-6, 9e-6])


def test_median_is_that_within_the_range_with_its_ends():
    before = ESTIMATES.copy()
    assert averageInefficiency(SIGNALS, ESTIMATES, (2e4, 6e4)) == 2e-6
    assert averageInefficiency(SIGNALS, ESTIMATES, (2.5e4, 6e4)) == pytest.approx(3e-6, rel=1e-12)
    assert_array_equal(ESTIMATES, before)


def test_what_is_not_finite_is_left_out():
    estimates = np.where(SIGNALS == 3e4, np.nan, ESTIMATES)
    assert averageInefficiency(SIGNALS, estimates, (2e4, 6e4)) == pytest.approx(2.5e-6, rel=1e-12)


@pytest.mark.parametrize(
    ("signals", "estimates"),
    [(SIGNALS, np.full(5, np.nan)), (np.empty(0), np.empty(0)), (10 * SIGNALS[2:], ESTIMATES[2:])],
)
def test_nothing_in_the_range_is_not_known(signals, estimates):
    assert np.isnan(averageInefficiency(signals, estimates, (2e4, 6e4)))


def test_vectors_of_unequal_lengths_have_no_average():
    assert np.isnan(
        averageInefficiency(np.array([30_000.0, 40_000.0]), np.array([1e-6]), (20_000.0, 60_000.0))
    )
