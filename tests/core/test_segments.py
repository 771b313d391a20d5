# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lsst.analysis.cp.core import SegmentGrid
from lsst.analysis.cp.core import groups as module

FLOATS = st.floats(allow_nan=True, allow_infinity=True, min_value=None, max_value=None, width=32)


@st.composite
def grids(draw):
    """Draw the shape of a grid, the cells of its rows, and their values."""
    n_segments, width = draw(st.integers(1, 6)), draw(st.integers(1, 9))
    cells = draw(st.lists(st.integers(0, n_segments * width - 1), unique=True))
    outside = draw(st.integers(0, 3))
    cells = draw(st.permutations(cells + [n_segments * width] * outside))
    values = draw(st.lists(FLOATS, min_size=len(cells), max_size=len(cells)))
    return n_segments, width, np.array(cells, dtype=np.intp), np.array(values, dtype=float)


@pytest.mark.parametrize("block", [1, 7, 1 << 16])
@given(drawn=grids())
def test_reduction_is_that_of_each_group(slowReduction, block, drawn):
    n_segments, width, cells, values = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK_CELLS", block)
        grid = SegmentGrid.fromCells(cells, nSegments=n_segments, width=width)
        before = values.copy()
        found = grid.reduce(values, grid.makeScratch())
    assert_array_equal(values, before)
    for segment in range(n_segments):
        expected = slowReduction(values[cells // width == segment])
        result = (
            found.minimum[segment],
            found.median[segment],
            found.maximum[segment],
            found.nValid[segment],
        )
        assert_array_equal(result, expected)


@given(drawn=grids(), data=st.data())
def test_codes_are_counted_in_each_group(drawn, data):
    n_segments, width, cells, _ = drawn
    codes = np.array(
        data.draw(st.lists(st.integers(0, 3), min_size=len(cells), max_size=len(cells))), dtype=np.int8
    )
    grid = SegmentGrid.fromCells(cells, nSegments=n_segments, width=width)
    counts = grid.countCodes(codes, 4)
    for segment in range(n_segments):
        own = codes[cells // width == segment].tolist()
        assert grid.nMembers[segment] == len(own)
        assert [count[segment] for count in counts] == [own.count(code) for code in range(4)]


def test_infinities_of_both_signs_in_the_middle():
    grid = SegmentGrid.fromCells(np.arange(4), nSegments=1, width=4)
    found = grid.reduce(np.array([np.inf, -np.inf, np.inf, -np.inf]), grid.makeScratch())
    assert found.nValid.tolist() == [0]
    assert math.isnan(found.median[0])


def test_groups_without_places():
    grid = SegmentGrid.fromCells(np.array([0, 0]), nSegments=2, width=0)
    found = grid.reduce(np.ones(2), grid.makeScratch())
    assert found.nValid.tolist() == [0, 0]
    assert all(math.isnan(value) for value in found.median)


def test_presence():
    grid = SegmentGrid.fromCells(np.array([5, 0]), nSegments=2, width=3)
    assert grid.present.tolist() == [[True, False, False], [False, False, True]]
