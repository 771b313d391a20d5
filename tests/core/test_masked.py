# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Masked pixels are left out by all that takes images."""

import numpy as np
import pytest
from astropy.utils.masked import Masked
from numpy.testing import assert_array_equal

from lsst.analysis.cp.core import robustLimits
from lsst.analysis.cp.core.images import (
    BINNING_STATISTICS,
    binImage,
    bitsOfPlanes,
    excludedPixels,
    perAmplifier,
    stretchLimits,
)
from lsst.analysis.cp.core.masked import fillMasked, fillMaskedFlags
from lsst.analysis.cp.core.structures import measureSignificance

AMPS = [(slice(0, 60), slice(0, 80))]


@pytest.fixture(params=[np.ma.MaskedArray, Masked], ids=["numpy", "astropy"])
def makeMasked(request):
    """Return a maker of masked arrays."""
    return request.param


@pytest.fixture
def pixels():
    return np.random.default_rng(1).normal(100, 5, (60, 80)).astype(np.float32)


@pytest.fixture
def bad(pixels):
    bad = np.random.default_rng(2).random(pixels.shape) < 0.2
    pixels[bad] = 1e6
    return bad


@pytest.mark.parametrize("statistic", BINNING_STATISTICS)
def test_binning(pixels, bad, makeMasked, statistic):
    expected = binImage(pixels, 8, statistic, excluded=bad)
    assert_array_equal(binImage(makeMasked(pixels, mask=bad), 8, statistic), expected)


def test_binning_of_whole_numbers(makeMasked):
    image = makeMasked(np.array([[7, 9]], dtype=np.int32), mask=[[False, True]])
    assert binImage(image, 2)[0, 0] == 7


def test_masked_exclusion_is_an_exclusion(pixels, bad, makeMasked):
    excluded = makeMasked(np.zeros(pixels.shape, bool), mask=bad)
    assert_array_equal(binImage(pixels, 8, excluded=excluded), binImage(pixels, 8, excluded=bad))


@pytest.mark.parametrize("method", ["zscale", "percentile", "symmetric"])
def test_ranges(pixels, bad, makeMasked, method):
    expected = stretchLimits(np.where(bad, np.float32(np.nan), pixels), method)
    assert stretchLimits(makeMasked(pixels, mask=bad), method) == expected
    assert stretchLimits([makeMasked(pixels, mask=bad)], method) == expected


def test_range_of_values(pixels, bad, makeMasked):
    assert robustLimits(makeMasked(pixels, mask=bad)) == robustLimits(pixels[~bad])


def test_scaled_amplifiers(pixels, bad, makeMasked):
    expected = perAmplifier(pixels, AMPS, excluded=bad)
    assert_array_equal(perAmplifier(makeMasked(pixels, mask=bad), AMPS), expected)


def test_significance(pixels, bad, makeMasked):
    expected = measureSignificance(pixels, bad, AMPS)
    found = measureSignificance(makeMasked(pixels, mask=bad), np.zeros(pixels.shape, bool), AMPS)
    assert_array_equal(found.values, expected.values)
    assert_array_equal(found.excluded, bad)


def test_excluded_pixels(pixels, bad, makeMasked):
    assert_array_equal(excludedPixels(makeMasked(pixels, mask=bad), None, {}), bad)


def test_masked_bits_are_not_known_to_be_good(pixels, bad):
    mask = np.ma.MaskedArray(np.zeros(pixels.shape, np.int32), mask=bad)
    assert_array_equal(excludedPixels(pixels, mask, {"BAD": 0}, ["BAD"]), bad)


def test_nothing_masked_is_not_copied(pixels, makeMasked):
    assert np.shares_memory(fillMasked(makeMasked(pixels, mask=False)), pixels)
    assert fillMasked(pixels) is pixels


def test_input_is_not_changed(pixels, makeMasked):
    flags = np.zeros(pixels.shape, bool)
    given = makeMasked(flags, mask=True)
    assert fillMaskedFlags(given).all()
    assert not flags.any()


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.int64, np.uint64])
def test_each_bit_of_a_mask_excludes(dtype):
    size = 8 * np.dtype(dtype).itemsize
    for bit in range(size):
        mask = np.array([[np.uint64(1) << np.uint64(bit), 0]], dtype=np.uint64).astype(dtype)
        excluded = excludedPixels(np.zeros((1, 2)), mask, {"BAD": bit}, ["BAD"])
        assert excluded.tolist() == [[True, False]]


@pytest.mark.parametrize(("dtype", "bit"), [(np.uint8, 8), (np.int32, 32), (np.int32, 40), (np.uint64, 64)])
def test_bit_that_a_mask_cannot_have_is_named(dtype, bit):
    with pytest.raises(ValueError, match=rf"A mask of {np.dtype(dtype)} has no bits of the planes .*{bit}"):
        excludedPixels(np.zeros((1, 2)), np.zeros((1, 2), dtype), {"BAD": bit, "SAT": 1}, ["BAD", "SAT"])
    assert bitsOfPlanes(np.dtype(dtype), {"BAD": bit, "SAT": 1}, ["SAT"]) == 2
