# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The scale of colours that keeps outliers in order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import colormaps
from numpy.testing import assert_allclose

from lsst.analysis.cp.actions.plot.outlierScale import OutlierScale
from lsst.analysis.cp.core.limits import ColourLimits

finite = st.floats(-1.7e308, 1.7e308)


def makeScale(low: float, high: float, values: list[float]) -> OutlierScale:
    return OutlierScale(ColourLimits(low, high, 0, 0).counting(values), np.array(values), "viridis")


def test_within_the_range_the_colours_are_those_of_the_map() -> None:
    scale = makeScale(2.0, 4.0, [2.0, 3.0, 4.0])
    assert_allclose(scale.norm([2.0, 3.0, 4.0]), [0.0, 0.5, 1.0])
    assert_allclose(scale.colourMap(scale.norm(2.5)), colormaps["viridis"](0.25), atol=0.01)
    assert (scale.ticks[0], scale.ticks[-1]) == (2.0, 4.0)


def test_outliers_are_logarithmic_in_widths_of_the_range() -> None:
    scale = makeScale(0.0, 1.0, [0.5, 8.0])
    # 1 width is log 2 of the log 8 of 7 widths.
    assert_allclose(scale.norm([2.0, 4.0, 8.0]), 0.9 + 0.1 * np.array([1, 2, 3]) / 3, atol=1e-12)
    assert (scale.low, scale.high) == (0.0, 8.0)
    assert scale.ticks[-1] == 8.0


@given(st.lists(finite, min_size=2, max_size=12, unique=True), st.data())
def test_order_is_kept(values: list[float], data: st.DataObject) -> None:
    low, high = sorted(data.draw(st.tuples(finite, finite).filter(lambda ends: ends[0] != ends[1])))
    places = np.asarray(makeScale(low, high, values).norm(np.sort(values)))
    assert (np.diff(places) >= -1e-12).all()
    assert ((places >= -1e-12) & (places <= 1 + 1e-12)).all()


@pytest.mark.parametrize("values", [[-100.0, 0.5, 30.0], [0.5, 30.0], [-100.0, 0.5], [0.2, 0.9]])
def test_values_come_back_from_their_places(values: list[float]) -> None:
    norm = makeScale(0.0, 1.0, values).norm
    probes = [*values, 0.0, 1.0]
    assert_allclose(norm.inverse(norm(probes)), probes, atol=1e-9)
