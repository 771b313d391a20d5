# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lsst.analysis.cp.core import GroupGrid

FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=32)
# All but those whose half is not a number of the type.
LARGE = st.floats(min_value=1e-300, allow_infinity=False)
EXTREMES = st.one_of(LARGE, LARGE.map(lambda value: -value), st.just(0.0))


@st.composite
def grids(draw, values=FLOATS):
    """Draw the shape of a grid, the cells of its rows, and their values."""
    n_groups, width = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    cells = draw(st.lists(st.integers(0, n_groups * width - 1), unique=True))
    outside = draw(st.integers(0, 3))
    cells = draw(st.permutations(cells + [n_groups * width] * outside))
    drawn = draw(st.lists(values, min_size=len(cells), max_size=len(cells)))
    return n_groups, width, np.array(cells, dtype=np.intp), np.array(drawn, dtype=float)


@given(drawn=grids())
def test_reduction_is_that_of_each_group(slowReduction, drawn):
    n_groups, width, cells, values = drawn
    grid = GroupGrid(cell=cells, nGroups=n_groups, width=width)
    before = values.copy()
    found = grid.reduce(values)
    assert_array_equal(values, before)
    for group in range(n_groups):
        expected = slowReduction(values[cells // width == group])
        result = (found.minimum[group], found.median[group], found.maximum[group], found.nValid[group])
        assert_array_equal(result, expected)


@given(drawn=grids(EXTREMES))
def test_median_is_exact_up_to_the_largest_number(drawn):
    n_groups, width, cells, values = drawn
    median = GroupGrid(cell=cells, nGroups=n_groups, width=width).reduce(values).median
    for group in range(n_groups):
        own = sorted(map(Fraction, values[cells // width == group].tolist()))
        n = len(own)
        if n:
            assert median[group] == float((own[(n - 1) // 2] + own[n // 2]) / 2)


@given(drawn=grids(), data=st.data())
def test_rows_are_counted_in_each_group(drawn, data):
    n_groups, width, cells, _ = drawn
    chosen = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(cells), max_size=len(cells))), dtype=bool
    )
    grid = GroupGrid(cell=cells, nGroups=n_groups, width=width)
    counts = grid.count(chosen)
    for group in range(n_groups):
        own = chosen[cells // width == group].tolist()
        assert grid.nMembers[group] == len(own)
        assert counts[group] == own.count(True)


def test_infinities_of_both_signs_in_the_middle():
    grid = GroupGrid(cell=np.arange(4), nGroups=1, width=4)
    found = grid.reduce(np.array([np.inf, -np.inf, np.inf, -np.inf]))
    assert found.nValid.tolist() == [0]
    assert math.isnan(found.median[0])


def test_groups_without_places():
    grid = GroupGrid(cell=np.array([0, 0]), nGroups=2, width=0)
    found = grid.reduce(np.ones(2))
    assert found.nValid.tolist() == [0, 0]
    assert all(math.isnan(value) for value in found.median)
    assert grid.count(np.array([True, True])).tolist() == [0, 0]
    assert grid.nMembers.tolist() == [0, 0]


@pytest.mark.parametrize("width", [0, 3])
def test_no_groups(width):
    grid = GroupGrid(cell=np.zeros(2, np.intp), nGroups=0, width=width)
    found = grid.reduce(np.ones(2))
    assert found.minimum.shape == found.median.shape == found.maximum.shape == found.nValid.shape == (0,)
    assert grid.count(np.array([True, True])).shape == (0,)


def test_presence():
    grid = GroupGrid(cell=np.array([5, 0]), nGroups=2, width=3)
    assert grid.present.tolist() == [[True, False, False], [False, False, True]]
