# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import numpy.typing as npt
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.core.images import STRETCH_METHODS, perAmplifier, stretchLimits

AMPS = tuple(
    np.s_[rows, columns] for rows in (np.s_[:50], np.s_[50:]) for columns in (np.s_[:40], np.s_[40:80])
)


@pytest.fixture
def residual() -> npt.NDArray[np.float32]:
    """Return noise of 5 about 2."""
    return np.random.default_rng(0).normal(2.0, 5.0, (300, 400)).astype(np.float32)


def test_percentile_holds_its_share(residual: npt.NDArray) -> None:
    low, high = stretchLimits(residual, "percentile", percentile=90.0)
    assert ((low <= residual) & (residual <= high)).mean() == pytest.approx(0.9, abs=1e-4)
    # Of a normal distribution, 5% are below 1.645 sigma under the mean.
    assert (low, high) == pytest.approx((2 - 5 * 1.645, 2 + 5 * 1.645), abs=0.1)


@pytest.mark.parametrize("centre", [0.0, 2.0])
def test_symmetric_is_centred(residual: npt.NDArray, centre: float) -> None:
    low, high = stretchLimits(residual, "symmetric", percentile=99.0, centre=centre)
    assert 0.5 * (low + high) == pytest.approx(centre, abs=1e-6)
    assert (np.abs(residual - centre) <= high - centre).mean() == pytest.approx(0.99, abs=1e-4)


@pytest.mark.parametrize("method", STRETCH_METHODS)
def test_outliers_do_not_stretch_the_range(residual: npt.NDArray, method: str) -> None:
    spoiled = residual.copy()
    spoiled[::50, ::50] = 1e6
    clean, dirty = (
        stretchLimits(residual, method, percentile=99.0),
        stretchLimits(spoiled, method, percentile=99.0),
    )
    # A range of zscale ends where its thousand samples end, or where their slope has it.
    assert_allclose(dirty, clean, atol=20.0)


@pytest.mark.parametrize("method", STRETCH_METHODS)
def test_pixels_without_value_are_left_out(residual: npt.NDArray, method: str) -> None:
    holed = np.full((300, 800), np.nan, np.float32)
    holed[:, 200:600] = residual
    holed[:5, :5] = np.inf
    assert stretchLimits(holed, method) == stretchLimits(residual, method)


@pytest.mark.parametrize("method", STRETCH_METHODS)
@pytest.mark.parametrize("value", [0.0, 3.0, -1e5])
def test_equal_pixels_have_a_range(method: str, value: float) -> None:
    low, high = stretchLimits(np.full((5, 5), value), method)
    assert low < high
    assert low <= value <= high


@pytest.mark.parametrize(
    ("method", "expected"), [("zscale", (0, 1)), ("percentile", (0, 1)), ("symmetric", (-1, 1))]
)
def test_no_pixels_have_a_range(method: str, expected: tuple) -> None:
    assert stretchLimits(np.full((5, 5), np.nan), method) == expected
    assert stretchLimits([], method) == expected


def test_one_bad_amplifier_does_not_fade_the_rest(residual: npt.NDArray) -> None:
    """The range stays that of the bulk if a tenth of the pixels is far off."""
    bad = residual.copy()
    bad[: len(bad) // 10] += 1000 * residual.std()
    low, high = stretchLimits(bad, "symmetric")
    assert high == -low
    assert high < 8 * residual.std()


@pytest.mark.parametrize("method", ["percentile", "symmetric"])
def test_sample_of_a_large_image_is_enough(method: str) -> None:
    # Rows alternate, so that a sample of every other row would see half of the image.
    image = np.random.default_rng(1).normal(0.0, 1.0, (1500, 1600)).astype(np.float32)
    image[::2] += 10
    sampled, whole = (
        stretchLimits(image, method, percentile=90.0),
        stretchLimits(image[:600], method, percentile=90.0),
    )
    assert_allclose(sampled, whole, atol=0.1)
    assert sampled == stretchLimits(image, method, percentile=90.0)


def test_few_finite_pixels_of_a_large_image_are_found() -> None:
    image = np.full((1200, 1000), np.nan, np.float32)
    image[7, :10] = np.arange(10)
    assert stretchLimits(image, "percentile", percentile=100.0) == (0.0, 9.0)


def test_detectors_share_a_range(residual: npt.NDArray) -> None:
    detectors = [residual[:150], residual[150:] + 100]
    low, high = stretchLimits(detectors, "percentile", percentile=100.0)
    assert (low, high) == (residual[:150].min(), detectors[1].max())


def test_faint_structure_shows_in_each_amplifier() -> None:
    rng = np.random.default_rng(2)
    scales = (1.0, 30.0, 5.0, 0.1)
    image = np.full((100, 90), 7.0)
    for amp, level, scale in zip(AMPS, (0.0, 1e4, -50.0, 3.0), scales, strict=True):
        image[amp] = rng.normal(level, scale, (50, 40))
        image[amp][20:23, 10:13] += 6 * scale
    scaled = perAmplifier(image, AMPS)
    assert scaled.dtype == np.float32
    for amp in AMPS:
        assert np.median(scaled[amp]) == pytest.approx(0.0, abs=1e-6)
        assert np.diff(np.percentile(scaled[amp], [15.87, 84.13])) == pytest.approx(2.0, abs=0.15)
        assert scaled[amp][20:23, 10:13].mean() == pytest.approx(6.0, abs=1.0)
    assert np.isnan(scaled[:, 80:]).all()


def test_excluded_pixels_do_not_set_the_scale() -> None:
    image = np.random.default_rng(3).normal(size=(100, 80)).astype(np.float32)
    excluded = np.zeros(image.shape, bool)
    excluded[:30, :40] = True
    spoiled = np.where(excluded, 500, image)
    scaled = perAmplifier(spoiled, AMPS, excluded=excluded)
    assert_array_equal(np.isnan(scaled), excluded)
    alone = perAmplifier(image[30:], [np.s_[:20, :40]])[:20, :40]
    assert_allclose(scaled[30:50, :40], alone, rtol=1e-6, atol=1e-6)


def test_amplifiers_of_one_value_or_none() -> None:
    image = np.full((100, 80), 12.0, np.float32)
    image[AMPS[1]] = np.nan
    image[AMPS[2]][3, 4] = 13.0
    scaled = perAmplifier(image, AMPS)
    assert_allclose(scaled[AMPS[0]], 0, atol=1e-6)
    assert np.isnan(scaled[AMPS[1]]).all()
    # One of 2000 pixels differs by 1: the standard deviation is sqrt(1 / 2000 * 1999 / 2000).
    assert scaled[AMPS[2]][3, 4] == pytest.approx(2000 / np.sqrt(1999))


def test_stretches_modify_nothing(residual: npt.NDArray) -> None:
    residual.flags.writeable = False
    for method in STRETCH_METHODS:
        stretchLimits(residual, method)
    perAmplifier(residual, AMPS)


@pytest.mark.parametrize("method", STRETCH_METHODS)
@pytest.mark.parametrize("size", [1e150, 1e300, 1.7e308])
def test_largest_numbers_have_the_range_of_others(method: str, size: float) -> None:
    image = np.random.default_rng(5).uniform(-1, 1, (60, 50))
    expected = np.array(stretchLimits(image, method))
    largest = np.finfo(float).max / size
    with np.errstate(over="ignore"):
        assert_allclose(
            np.array(stretchLimits(size * image, method)) / size,
            np.clip(expected, -largest, largest),
            rtol=1e-6,
        )


def test_amplifiers_of_the_largest_numbers_have_the_scale_of_others() -> None:
    image = np.random.default_rng(6).uniform(-1, 1, (60, 50))
    amps = [(slice(0, 60), slice(0, 25)), (slice(0, 60), slice(25, 50))]
    assert_allclose(perAmplifier(1.7e308 * image, amps), perAmplifier(image, amps), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "log"}, "Unknown stretch 'log'; expected one of zscale, percentile, symmetric"),
        ({"percentile": 0.0}, "percentile above 0 and up to 100; got 0.0"),
        ({"percentile": np.nan}, "percentile above 0 and up to 100; got nan"),
    ],
)
def test_bad_arguments_of_limits(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        stretchLimits(np.ones((2, 2)), **arguments)


def test_excluded_of_other_shape_than_image() -> None:
    with pytest.raises(ValueError, match=r"image's shape \(100, 80\); got \(80, 100\)"):
        perAmplifier(np.zeros((100, 80)), AMPS, excluded=np.zeros((80, 100), bool))
