# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import warnings

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.core.images import BINNING_STATISTICS, binImage, excludedPixels

NAIVE = {"mean": np.mean, "median": np.median, "min": np.min, "max": np.max, "std": np.std}
PLANES = {"BAD": 0, "SAT": 1, "CR": 3, "NO_DATA": 8}

Image = npt.NDArray[np.float32]


def binNaively(image: Image, factor: int, statistic: str, excluded: npt.NDArray[np.bool_]) -> Image:
    """Visit the bins one by one."""
    n_rows, n_columns = (-(-side // factor) for side in image.shape)
    binned = np.full((n_rows, n_columns), np.nan)
    for i in range(n_rows):
        for j in range(n_columns):
            cell = np.s_[i * factor : (i + 1) * factor, j * factor : (j + 1) * factor]
            values = image[cell][~excluded[cell] & np.isfinite(image[cell])]
            if len(values):
                binned[i, j] = NAIVE[statistic](values.astype(np.float64))
    return binned


VALUES = st.floats(-1e4, 1e4, width=32) | st.sampled_from([np.nan, np.inf, -np.inf])
SHAPES = st.tuples(st.integers(1, 23), st.integers(1, 23))


@st.composite
def images(draw: st.DrawFn) -> tuple[Image, npt.NDArray[np.bool_]]:
    """Draw an image and which of its pixels are excluded."""
    shape = draw(SHAPES)
    image = draw(arrays(np.float32, shape, elements=VALUES, fill=st.just(np.float32(3.0))))
    return image, draw(arrays(np.bool_, shape, fill=st.just(False)))


@pytest.mark.parametrize("statistic", BINNING_STATISTICS)
@settings(max_examples=60, deadline=None)
@given(images(), st.integers(1, 30))
def test_bins_equal_naive_loop(statistic: str, drawn: tuple, factor: int) -> None:
    image, excluded = drawn
    expected = binNaively(image, factor, statistic, excluded)
    binned = binImage(image, factor, statistic, excluded=excluded)
    assert binned.dtype == np.float32
    # A mean is rounded to 24 bits; so is what the standard deviation subtracts.
    assert_allclose(binned, expected, rtol=2e-6, atol=5e-3 if statistic in ("mean", "std") else 0)


@pytest.mark.parametrize("statistic", BINNING_STATISTICS)
@pytest.mark.parametrize("factor", [3, 8, 64])
def test_strips_join_without_seams(statistic: str, factor: int) -> None:
    # 1.3 MB, of which binning holds half a megabyte at a time.
    rng = np.random.default_rng(5)
    image = rng.normal(100.0, 5.0, (320, 1030)).astype(np.float32)
    excluded = rng.random(image.shape) < 0.2
    expected = binNaively(image, factor, statistic, excluded)
    assert_allclose(binImage(image, factor, statistic, excluded=excluded), expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("statistic", BINNING_STATISTICS)
@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(2, 30))
def test_first_bins_may_be_partial(statistic: str, data: st.DataObject, factor: int) -> None:
    first = data.draw(st.tuples(*[st.integers(1, factor)] * 2))
    image = np.random.default_rng(2).normal(0.0, 5.0, data.draw(SHAPES)).astype(np.float32)
    before = [(factor - side, 0) for side in first]
    padded = np.pad(image, before, constant_values=np.nan)
    expected = binNaively(padded, factor, statistic, np.zeros(padded.shape, bool))
    assert_allclose(binImage(image, factor, statistic, first=first), expected, rtol=1e-6, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(BINNING_STATISTICS), st.integers(1, 12), st.integers(0, 5), st.integers(1, 3))
def test_parts_bin_as_the_whole(statistic: str, factor: int, rowOfBins: int, turns: int) -> None:
    image = np.random.default_rng(3).normal(size=(6 * factor, 5 * factor)).astype(np.float32)
    whole = binImage(image, factor, statistic)
    cut = rowOfBins * factor
    parts = [binImage(part, factor, statistic) for part in (image[:cut], image[cut:]) if len(part)]
    assert_allclose(np.concatenate(parts), whole, rtol=1e-6, atol=1e-6)
    turned = binImage(np.rot90(image, turns), factor, statistic)
    assert_allclose(turned, np.rot90(whole, turns), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("statistic", ["min", "max"])
def test_extremes_of_extremes_are_those_of_all(statistic: str) -> None:
    image = np.random.default_rng(4).normal(size=(45, 50)).astype(np.float32)
    twice = binImage(binImage(image, 2, statistic), 4, statistic)
    assert_array_equal(twice, binImage(image, 8, statistic))


def test_only_the_mean_hides_a_defect_of_one_pixel() -> None:
    image = np.random.default_rng(6).normal(size=(64, 64)).astype(np.float32)
    image[37, 22] = 30.0
    contrast = {}
    for statistic in ("mean", "max", "std"):
        binned = binImage(image, 16, statistic)
        assert (np.argmax(binned) == 2 * 4 + 1) == (statistic != "mean")
        contrast[statistic] = binned[2, 1] / np.median(binned)
    assert contrast["max"] > 5


@pytest.mark.parametrize("statistic", BINNING_STATISTICS)
def test_empty_bins_are_nan(statistic: str) -> None:
    image = np.ones((4, 6), np.float32)
    excluded = np.zeros(image.shape, bool)
    excluded[:2, :2] = True
    image[2:, 4:] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        binned = binImage(image, 2, statistic, excluded=excluded)
    assert_array_equal(np.isnan(binned), [[True, False, False], [False, False, True]])


def test_mean_of_many_pixels_is_precise() -> None:
    image = np.full((4096, 70), 50_000.1, np.float32)
    assert_allclose(binImage(image, 4096), np.float32(50_000.1), rtol=2e-7)


@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.uint16, ">f4"])
def test_other_types_of_pixels(dtype: str) -> None:
    image = np.arange(48).reshape(6, 8).astype(dtype)
    assert_array_equal(binImage(image, 2, "max"), image[1::2, 1::2])


def test_inputs_are_not_modified() -> None:
    image = np.random.default_rng(8).normal(size=(9, 9)).astype(np.float32)
    excluded = image > 1
    image.flags.writeable = excluded.flags.writeable = False
    for statistic in BINNING_STATISTICS:
        binImage(image, 2, statistic, excluded=excluded)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"factor": 0}, "whole number of pixels to bin, 1 or more; got 0"),
        ({"factor": 2.5}, "whole number of pixels to bin, 1 or more; got 2.5"),
        ({"factor": 2, "statistic": "mode"}, "Unknown statistic 'mode'; expected one of mean, median"),
        ({"factor": 2, "first": (0, 1)}, r"first bins of 1 to 2 pixels; got \(0, 1\)"),
        ({"factor": 2, "excluded": np.zeros((4, 3), bool)}, r"shape \(3, 4\); got bool of shape \(4, 3\)"),
        ({"factor": 2, "excluded": np.zeros((3, 4))}, "bool of the image's shape .* got float64"),
    ],
)
def test_bad_arguments_of_binning(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        binImage(np.zeros((3, 4), np.float32), **arguments)


@pytest.mark.parametrize("shape", [(0, 4), (12,), (2, 3, 4)])
def test_images_have_two_dimensions(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two dimensions"):
        binImage(np.zeros(shape, np.float32), 2)


def test_mask_planes_are_excluded() -> None:
    image = np.zeros((2, 4), np.float32)
    image[1] = [np.nan, np.inf, -np.inf, 0.0]
    mask = np.array([[1 << 0, 1 << 1, 1 << 8, 1 << 3], [0, 0, 0, 0]], np.int32)
    assert_array_equal(excludedPixels(image, mask, PLANES), [[1, 1, 1, 0], [1, 1, 1, 0]])
    assert_array_equal(excludedPixels(image, mask, PLANES, names=("CR",))[0], [0, 0, 0, 1])


def test_highest_bit_of_a_mask() -> None:
    mask = np.array([[np.iinfo(np.int32).min, 0]], np.int32)
    assert_array_equal(excludedPixels(np.zeros((1, 2)), mask, {"SAT": 31}, names=("SAT",)), [[1, 0]])


def test_image_without_mask() -> None:
    assert_array_equal(excludedPixels(np.array([[1.0, np.nan]]), None, {}), [[False, True]])


def test_unknown_mask_plane_is_named() -> None:
    with pytest.raises(ValueError, match=r"\['NO_DATA', 'SAT'\] are not in the mask; it has \['BAD'\]"):
        excludedPixels(np.zeros((1, 1)), np.zeros((1, 1), int), {"BAD": 0})


def test_mask_of_other_shape() -> None:
    with pytest.raises(ValueError, match=r"mask of the image's shape \(2, 2\); got \(2, 3\)"):
        excludedPixels(np.zeros((2, 2)), np.zeros((2, 3), int), PLANES)


NAIVE = {"mean": np.mean, "median": np.median, "std": np.std, "min": np.min, "max": np.max}


@pytest.mark.parametrize("statistic", BINNING_STATISTICS)
@pytest.mark.parametrize(
    "values",
    [
        [1e20] + [0] * 15,
        [9.97e36] * 16,
        [3.4e38] * 16,
        [3e38] * 8 + [-3e38] * 8,
        [1e8, -1e8] * 7 + [1, 2],
        [1e-30, 3e-30] * 8,
        [np.inf, 1e38, 2e38] + [np.nan] * 13,
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_of_any_size(values, statistic, dtype) -> None:
    image = np.random.default_rng(1).permutation(values).reshape(4, 4).astype(dtype)
    finite = image[np.isfinite(image)].astype(np.float64)
    expected = NAIVE[statistic](finite / 1e10) * 1e10
    rounding = abs(finite).max() * 1e-12
    assert binImage(image, 4, statistic)[0, 0] == pytest.approx(expected, rel=1e-5, abs=rounding)


def test_double_precision_beyond_single() -> None:
    """What single precision can hold is right, and what it cannot is infinite, without a warning."""
    image = np.array([[1e39, -1e39, 5e38, 4.0, 1e39, 1e39]])
    assert_allclose(binImage(image, 2), [[0, 2.5e38, np.inf]], rtol=1e-6)


@pytest.mark.parametrize("statistic", BINNING_STATISTICS)
def test_largest_numbers_of_double_precision(statistic: str) -> None:
    """Sums and squares of 16 pixels overflow, and those of others in the same image do not."""
    largest = np.finfo(np.float64).max
    left, right = np.tile([largest, -largest], (4, 2)), np.random.default_rng(2).normal(size=(4, 4))
    same = np.full((4, 4), largest)
    expected = [
        {"mean": 0, "median": 0, "min": -np.inf, "max": np.inf, "std": np.inf}[statistic],
        NAIVE[statistic](right),
    ]
    binned = binImage(np.hstack([left, right, same, np.full((4, 4), np.nan)]), 4, statistic)[0]
    assert_allclose(binned[:2], expected, rtol=1e-6)
    assert binned[2] == (0 if statistic == "std" else np.inf)
    assert np.isnan(binned[3])


def test_whole_numbers_keep_their_digits() -> None:
    image = np.array([[2**24 + 1, -(2**24)]], dtype=np.int32)
    assert binImage(image, 2)[0, 0] == 0.5
