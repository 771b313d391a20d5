# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Numbers that describe kernels."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.core.calibrations import hasKernel, measureKernel


def test_numbers_are_those_of_the_kernel():
    kernel = np.zeros((5, 5))
    kernel[2, 2], kernel[1, 2], kernel[3, 2], kernel[2, 1], kernel[2, 3], kernel[0, 4] = (
        -8,
        -2,
        -4,
        -1,
        -1,
        0.5,
    )
    before = kernel.copy()
    shape = measureKernel(kernel)
    assert shape.centre == -8
    assert shape.total == -15.5
    assert shape.edge == 0.5 / 8
    assert shape.asymmetry == pytest.approx((-6 + 2) / (-6 - 2), rel=1e-12)
    assert_array_equal(kernel, before)


def test_turned_kernel_has_the_opposite_asymmetry():
    kernel = np.random.default_rng(2).uniform(-2, -1, size=(7, 7))
    assert measureKernel(kernel.T).asymmetry == pytest.approx(-measureKernel(kernel).asymmetry, rel=1e-12)


@pytest.mark.parametrize(
    "kernel", [np.zeros((17, 17)), np.empty(0), np.full((3, 3), np.nan), np.ones((1, 1))]
)
def test_what_is_no_kernel_has_no_numbers(kernel):
    shape = measureKernel(kernel)
    assert not hasKernel(kernel)
    assert np.isnan([shape.centre, shape.total, shape.edge, shape.asymmetry]).all()


def test_ratio_to_nothing_is_absent():
    kernel = np.zeros((5, 5), dtype=np.float32)
    kernel[0, 0] = 1.0
    shape = measureKernel(kernel)
    assert (shape.centre, shape.total) == (0.0, 1.0)
    assert np.isnan([shape.edge, shape.asymmetry]).all()
