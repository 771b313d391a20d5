# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pairs of flats that gains are taken from."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.core.calibrations import FlatPair, chooseFlatPair, correctionFactor

MEANS = np.array([100.0, 6000.0, 9000.0, 12000.0, 60000.0])
GAINS = np.array([1.0, 1.1, 1.2, 1.3, 1.4])
NOISES = np.array([5.0, 6.0, 7.0, 8.0, 9.0])
ALL = np.ones(5, dtype=bool)


@pytest.mark.parametrize(("signal", "index"), [(1e4, 2), (11e3, 3), (6e3, 1), (120.0, 0), (5e4, 4)])
def test_nearest_pair_is_chosen(signal, index):
    pair = chooseFlatPair(MEANS, GAINS, NOISES, ALL, signal=signal)
    assert pair == FlatPair(mean=MEANS[index], gain=GAINS[index], noise=NOISES[index])


def test_pairs_that_were_not_used_or_have_no_gain_are_not_chosen():
    used = np.array([True, True, False, True, True])
    gains = np.where(np.arange(5) == 3, np.nan, GAINS)
    assert chooseFlatPair(MEANS, gains, NOISES, used, signal=1e4).mean == 6000.0
    assert_array_equal(gains, [1.0, 1.1, 1.2, np.nan, 1.4])


@pytest.mark.parametrize("signal", [1000.0, 29_000.0, 121_000.0])
def test_no_pair_is_near(signal):
    pair = chooseFlatPair(MEANS, GAINS, NOISES, ALL, signal=signal)
    assert np.isnan([pair.mean, pair.gain, pair.noise]).all()


def test_no_pairs_at_all():
    nothing = np.empty(0)
    assert np.isnan(chooseFlatPair(nothing, nothing, nothing, nothing.astype(bool), signal=1e4).gain)


@pytest.mark.parametrize(
    ("kind", "expected"), [("E2V", 0.954), ("ITL", 0.973), ("ITL_WF", 0.973), ("ITL_G", 0.973)]
)
def test_correction_is_that_of_the_vendor(kind, expected):
    assert correctionFactor(1e4, kind) == pytest.approx(expected, rel=1e-12)


def test_there_is_no_correction_of_another_vendor():
    assert np.isnan(correctionFactor(1e4, "STA"))
    assert np.isnan(correctionFactor(np.nan, "E2V"))


def test_vectors_of_unequal_lengths_make_no_pair():
    whole, short = np.array([9000.0, 10_000.0]), np.array([1.0])
    pair = chooseFlatPair(whole, short, whole, np.array([True, True]), signal=10_000.0)
    assert np.isnan([pair.mean, pair.gain, pair.noise]).all()
