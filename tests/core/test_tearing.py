# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tearing at the boundaries of amplifiers, and inefficiencies of trails."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.core.calibrations import (
    boundaryDeviations,
    columnProfile,
    estimateInefficiency,
    pairNeighbours,
    tearingOfAmps,
)

# Two rows of three amplifiers, in no order, and one that only touches a corner.
EDGES = np.array(
    [
        [10, 0, 20, 5],
        [0, 0, 10, 5],
        [20, 0, 30, 5],
        [0, 5, 10, 10],
        [20, 5, 30, 10],
        [10, 5, 20, 10],
        [30, 10, 40, 15],
    ],
    dtype=float,
)


def test_neighbours_share_a_boundary_of_columns():
    assert pairNeighbours(EDGES).tolist() == [[1, 0], [0, 2], [3, 5], [5, 4]]
    assert pairNeighbours(EDGES[:1]).shape == (0, 2)


def test_deviations_are_the_largest_on_both_sides():
    profiles = [np.ones(6) for _ in range(7)]
    profiles[1][-2:] = 1.01, 0.97
    profiles[0][0] = 1.02
    profiles[0][-3] = 5.0  # Too far from the boundary.
    profiles[2][:] = np.nan
    profiles[5][:] = profiles[4][:] = np.nan
    pairs = pairNeighbours(EDGES)
    deviations = boundaryDeviations(profiles, pairs, 2)
    assert_allclose(deviations, [0.03, 0.0, 0.0, np.nan], rtol=1e-12, atol=1e-15)
    assert_allclose(
        tearingOfAmps(deviations, pairs, 7),
        [0.03, 0.03, 0.0, 0.0, np.nan, 0.0, np.nan],
        rtol=1e-12,
        atol=1e-15,
    )


def test_profile_is_the_response_over_a_line():
    columns = np.arange(60.0)
    response = np.ones(60)
    response[:2], response[-1] = 0.9, 1.2
    pixels = np.tile(2000 * (1 + 0.001 * columns) * response, (40, 1))
    pixels[3, 30] = 1e6  # A hit.
    pixels[:, 40] = np.nan  # A masked column.
    before = pixels.copy()
    profile = columnProfile(pixels, 5)
    assert_array_equal(pixels, before)
    assert_allclose(profile, np.where(columns == 40, np.nan, response), rtol=1e-9)


@pytest.mark.parametrize("pixels", [np.zeros((20, 60)), np.full((20, 60), np.nan), np.ones((20, 10))])
def test_no_light_or_no_line_has_no_profile(pixels):
    profile = columnProfile(pixels, 5)
    assert profile.shape == pixels.shape[1:]
    assert np.isnan(profile).all()


def test_inefficiency_is_the_deferred_charge_of_a_transfer():
    overscan = np.array([9.0, 1.0, 100.0])
    assert estimateInefficiency(overscan, 5000.0, 500, 2) == pytest.approx(4e-6, rel=1e-12)
    for values, last in ((overscan[:1], 5e3), (overscan, 0.0), (overscan, np.nan), (overscan * np.nan, 5e3)):
        assert np.isnan(estimateInefficiency(values, last, 500, 2))
