# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Vectors of several exposures, laid upon each other."""

import statistics

import numpy as np
import pytest
from astropy.table import MaskedColumn
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.core import ColumnError
from lsst.analysis.cp.core.epochs import (
    binVectors,
    medianOverEpochs,
    scatterOverEpochs,
    stackEpochs,
    vectorColumn,
)

# Beyond 2**53, where floats are not exact.
FIRST, SECOND = 2**60 + 1, 2**60 + 3


def test_rows_are_laid_by_epoch_and_place():
    values = np.arange(8.0).reshape(4, 2)
    stack = stackEpochs(np.array([2, 0, 2, 1]), 4, values, np.array([SECOND, FIRST, FIRST, SECOND]))
    assert stack.epochs.tolist() == [FIRST, SECOND]
    assert stack.toldApart
    nan = [np.nan, np.nan]
    assert_array_equal(stack.values, [[[2, 3], nan, [4, 5], nan], [nan, [6, 7], [0, 1], nan]])
    assert_array_equal(stack.present, [[True, False, True, False], [False, True, True, False]])


def test_rows_without_epoch_are_taken_in_their_order():
    place = np.array([1, 0, 1, 1])
    stack = stackEpochs(place, 2, np.arange(4.0)[:, np.newaxis], np.ma.masked_all(4, dtype=np.int64))
    assert not stack.toldApart
    assert_array_equal(stack.values[:, :, 0], [[1, 0], [np.nan, 2], [np.nan, 3]])


def test_no_row():
    stack = stackEpochs(np.array([], dtype=int), 3, np.empty((0, 5)), np.array([], dtype=np.int64))
    assert stack.values.shape == (0, 3, 5)
    assert not stack.toldApart


def test_repeated_rows_are_refused():
    with pytest.raises(ColumnError, match="1 row\\(s\\) repeat those of the same exposure"):
        stackEpochs(np.array([1, 1]), 2, np.zeros((2, 1)), np.array([FIRST, FIRST]))


def test_some_rows_without_epoch_are_refused():
    epoch = np.ma.masked_equal([FIRST, 0], 0)
    with pytest.raises(ColumnError, match="1 of 2 rows have no exposure"):
        stackEpochs(np.array([0, 1]), 2, np.zeros((2, 1)), epoch)


def test_masked_elements_are_nan():
    column = MaskedColumn([[1.0, 2.0], [3.0, 4.0]], mask=[[False, True], [False, False]])
    assert_array_equal(vectorColumn(column, "y"), [[1, np.nan], [3, 4]])


def test_vectors_of_any_length_are_padded():
    column = np.array([np.array([1.0]), np.array([2.0, 3.0])], dtype=object)
    assert_array_equal(vectorColumn(column, "y"), [[1, np.nan], [2, 3]])


@pytest.mark.parametrize("column", [np.zeros(3), np.array([["a"]]), np.zeros((2, 2, 2))])
def test_what_is_no_vector_is_refused(column):
    with pytest.raises(ColumnError, match="column 'y' holds .*, expected vectors"):
        vectorColumn(column, "y")


def test_objects_that_are_no_vectors_are_refused():
    with pytest.raises(ColumnError, match="something else than vectors"):
        vectorColumn(np.array([1.0, None], dtype=object), "y")


numbers = st.floats(-1e6, 1e6) | st.just(np.nan)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=7))
def test_median_and_scatter_are_those_of_the_standard_library(rows):
    values = np.array(rows)
    median = medianOverEpochs(values)
    scatter = scatterOverEpochs(values, median)
    for i, column in enumerate(zip(*rows, strict=True)):
        finite = [value for value in column if value == value]
        if not finite:
            assert np.isnan(median[i])
            assert np.isnan(scatter[i])
            continue
        middle = statistics.median(finite)
        assert_allclose(median[i], middle, rtol=1e-12, atol=1e-9)
        mad = statistics.median(abs(value - middle) for value in finite)
        assert_allclose(scatter[i], mad / statistics.NormalDist().inv_cdf(0.75), rtol=1e-9, atol=1e-6)


def test_bins_are_means_of_what_is_finite():
    values = np.array([[1.0, 3.0, np.nan, 5.0, 7.0], [np.nan, np.nan, 1.0, np.inf, 2.0]])
    assert_array_equal(binVectors(values, 2), [[2, 5, 7], [np.nan, 1, 2]])
    assert_array_equal(binVectors(values[:1], 1), values[:1])
