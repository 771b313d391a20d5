# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Statistics of pixels against numpy and astropy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsst.standalone.pixelStatistics import ClipControl, Statistic, findQuantiles, measurePixels

ALL = set(Statistic)
CONTROL = ClipControl(5.0, 3)


def measure(pixels, isBad=None, control=CONTROL):
    pixels = np.asarray(pixels, dtype=np.float32)
    return measurePixels(pixels, np.zeros(pixels.shape, bool) if isBad is None else isBad, ALL, control)


def clipByHand(values, numSigma, numIterations):
    """Clip with masks, as the definition reads."""
    values = np.asarray(values, dtype=np.float64)
    quarter, center, three_quarters = np.percentile(values, [25, 50, 75])
    half_width = numSigma * 0.741301109252802 * (three_quarters - quarter)
    for _ in range(numIterations):
        kept = values[np.abs(values - center) <= half_width]
        center, half_width = kept.mean(), numSigma * kept.std(ddof=1)
    return kept.std(ddof=1), values.size - kept.size


@pytest.fixture
def pixels():
    random = np.random.default_rng(3)
    pixels = random.normal(100, 5, (50, 60)).astype(np.float32)
    pixels[::7, ::9] += random.uniform(0, 300, pixels[::7, ::9].shape).astype(np.float32)
    return pixels


def test_moments_are_numpys(pixels) -> None:
    measured = measure(pixels)
    assert measured[Statistic.MEAN] == pytest.approx(np.mean(pixels, dtype=np.float64), rel=1e-12)
    assert measured[Statistic.MEDIAN] == pytest.approx(np.median(pixels), rel=1e-6)
    assert measured[Statistic.STDEV] == pytest.approx(np.std(pixels, ddof=1, dtype=np.float64), rel=1e-12)
    assert (measured[Statistic.MIN], measured[Statistic.MAX]) == (np.min(pixels), np.max(pixels))


@pytest.mark.parametrize("numIterations", [1, 3])
@pytest.mark.parametrize("numSigma", [3.0, 5.0])
def test_clipped_deviation(pixels, numSigma, numIterations) -> None:
    measured = measure(pixels, control=ClipControl(numSigma, numIterations))
    expected, n_clipped = clipByHand(pixels, numSigma, numIterations)
    assert measured[Statistic.STDEVCLIP] == pytest.approx(expected, rel=1e-9)
    assert measured[Statistic.NCLIPPED] == n_clipped > 0
    (alone,) = measurePixels(
        pixels, np.zeros(pixels.shape, bool), {Statistic.STDEVCLIP}, ClipControl(numSigma, numIterations)
    ).values()
    assert alone == pytest.approx(expected, rel=1e-9)


def test_mask_of_clipped_pixels_changes_no_bit_of_the_deviation(pixels) -> None:
    is_bad = np.zeros(pixels.shape, bool)
    is_bad[::7, ::9] = pixels[::7, ::9] > 130
    masked, unmasked = measure(pixels, is_bad), measure(pixels)
    assert masked[Statistic.MEDIAN] != unmasked[Statistic.MEDIAN]
    assert masked[Statistic.STDEVCLIP] == unmasked[Statistic.STDEVCLIP]
    assert masked[Statistic.NMASKED] == np.count_nonzero(is_bad) > 0
    assert unmasked[Statistic.NCLIPPED] == masked[Statistic.NCLIPPED] + masked[Statistic.NMASKED]


def test_bad_and_infinite_pixels_are_left_out(pixels) -> None:
    is_bad = np.zeros(pixels.shape, dtype=bool)
    is_bad[:10] = True
    spoiled = pixels.copy()
    spoiled[:10] = 1e9
    spoiled[20, 20], spoiled[21, 21] = np.nan, np.inf
    keep = ~is_bad & np.isfinite(spoiled)
    for statistic, value in measure(pixels[keep][None]).items():
        if statistic is Statistic.NMASKED:
            value = 600
        assert measure(spoiled, is_bad)[statistic] == pytest.approx(value, rel=1e-12)


def test_nothing_left_is_nan() -> None:
    measured = measure([[np.nan]])
    assert {measured.pop(Statistic.NMASKED), measured.pop(Statistic.NCLIPPED)} == {0}
    assert all(np.isnan(value) for value in measured.values())


def test_one_pixel_has_no_deviation() -> None:
    measured = measure([[4.0]])
    assert measured[Statistic.MEAN] == pytest.approx(4)
    assert measured[Statistic.MEDIAN] == pytest.approx(4)
    assert np.isnan(measured[Statistic.STDEV])
    assert np.isnan(measured[Statistic.STDEVCLIP])


def test_constant_pixels_have_zero_deviation() -> None:
    assert measure(np.full((5, 5), 7.0))[Statistic.STDEVCLIP] == pytest.approx(0, abs=1e-6)


def test_pixels_are_not_changed(pixels) -> None:
    before = pixels.copy()
    measure(pixels)
    np.testing.assert_array_equal(pixels, before)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1), st.lists(st.floats(0, 1), min_size=1, max_size=5)
)
def test_quantiles_are_numpys(values, fractions) -> None:
    array = np.array(values, dtype=np.float32)
    expected = np.quantile(array.astype(np.float64), fractions)
    np.testing.assert_allclose(findQuantiles(array, fractions), expected, rtol=1e-9, atol=1e-9)
