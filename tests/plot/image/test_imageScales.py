# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Colours and what they span, as numbers."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lsst.analysis.cp.actions.plot.image import DetectorImagePlot, FocalPlaneImagePlot
from lsst.analysis.cp.actions.plot.image.scale import ImageScale, ImageStyle, imageColours
from lsst.analysis.cp.core.limits import ColourLimits


def scaleOf(action: DetectorImagePlot, data: dict, camera: Sequence) -> ImageScale:
    return action.prepare(data, camera).scale


def test_symmetric_range_holds_the_share(camera: Sequence, detectorData: dict, makeAction: Callable) -> None:
    scale = scaleOf(makeAction(DetectorImagePlot, percentile=90.0), detectorData, camera)
    assert scale.limits.low == -scale.limits.high
    beyond = np.mean(np.abs(detectorData["image"]) > scale.limits.high)
    assert beyond == pytest.approx(0.1, abs=0.01)
    assert scale.limits.nBelow + scale.limits.nAbove == pytest.approx(800, abs=80)


def test_range_of_the_exposure_is_taken(camera: Sequence, detectorData: dict, makeAction: Callable) -> None:
    data = detectorData | {"stretchLow": -3.0, "stretchHigh": 3.0}
    scale = scaleOf(makeAction(DetectorImagePlot), data, camera)
    assert (scale.limits.low, scale.limits.high) == (-3.0, 3.0)


@pytest.mark.parametrize(
    ("fields", "shared", "words"),
    [
        ({}, True, "one range for all images of the exposure"),
        ({"plotMin": -1.0, "plotMax": 1.0}, True, "ends of the configuration"),
        ({"plotMin": -1.0, "plotMax": 1.0}, False, "ends of the configuration"),
        ({}, False, "99.5% of the pixels or 5 σ MAD, symmetric about 0"),
    ],
)
def test_the_page_says_what_the_range_of_colours_is(
    camera: Sequence, makeAction: Callable, detectorData: dict, fields: dict, shared: bool, words: str
) -> None:
    data = detectorData | ({"stretchLow": -3.0, "stretchHigh": 3.0} if shared else {})
    view = makeAction(DetectorImagePlot, **fields).prepare(data, camera)
    [lines] = [lines for lines in view.lists if lines[:1] == ("Colours",)]
    assert " ".join(lines[1:]) == words


def test_given_ends_win(camera: Sequence, detectorData: dict, makeAction: Callable) -> None:
    action = makeAction(DetectorImagePlot, plotMin=0.0, stretch="zscale", colourMap="viridis")
    data = detectorData | {"stretchLow": -3.0, "stretchHigh": 3.0}
    limits = scaleOf(action, data, camera).limits
    assert (limits.low, limits.high) == (0.0, 3.0)


def test_ends_that_leave_no_range(camera: Sequence, detectorData: dict, makeAction: Callable) -> None:
    action = makeAction(DetectorImagePlot, plotMin=1.0)
    with pytest.raises(ValueError, match=r"must be less|begin below where they end; got 1.0 and -2.0"):
        action.prepare(detectorData | {"stretchLow": -3.0, "stretchHigh": -2.0}, camera)


def test_one_value_has_a_range(camera: Sequence, makeAction: Callable) -> None:
    data = {"image": np.full((80, 100), 7.0), "detector": 3}
    action = makeAction(DetectorImagePlot, stretch="percentile", colourMap="cividis")
    limits = scaleOf(action, data, camera).limits
    assert limits.low < 7.0 < limits.high


def asinhScale(low: float, high: float, *, symmetric: bool) -> ImageScale:
    reach = 0.5 * (high - low) if symmetric else high - low
    bend = 0.5 * (low + high) if symmetric else low
    limits = ColourLimits(low, high, 0, 0)
    return ImageScale(colourMap="viridis", limits=limits, softening=0.1 * reach, bend=bend)


@pytest.mark.parametrize("symmetric", [True, False])
def test_asinh_is_linear_for_small_values_and_logarithmic_for_large(symmetric: bool) -> None:
    low, high = (-4.0, 4.0) if symmetric else (2.0, 10.0)
    scale = asinhScale(low, high, symmetric=symmetric)
    norm, _ = imageColours(scale, ImageStyle())
    values = np.linspace(low, high, 41)
    part = np.arcsinh((values if symmetric else values - 2) / scale.softening) / np.arcsinh(10)
    assert_allclose(norm(values), 0.5 * (1 + part) if symmetric else part, atol=1e-12)
    assert_allclose(norm(list(scale.ticks)), np.linspace(0.0, 1.0, 9), atol=1e-12)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ends_of_an_asinh_scale_are_not_beyond_it(symmetric: bool, dtype: type) -> None:
    """Values at the ends have the colours of the ends, on any processor."""
    norm, colours = imageColours(asinhScale(-4.0, 6.0, symmetric=symmetric), ImageStyle())
    levels = norm(np.array([-4.0, 6.0, np.nan], dtype=dtype))
    assert_allclose(levels[:2], [0.0, 1.0], rtol=0, atol=1e-15)
    assert np.ma.getmaskarray(levels)[2]
    outside = norm(np.array([-20.0, 99.0], dtype=dtype))
    assert outside[0] < 0
    assert outside[1] > 1


def test_linear_scale_has_no_ticks_of_its_own(
    camera: Sequence, detectorData: dict, makeAction: Callable
) -> None:
    assert scaleOf(makeAction(DetectorImagePlot), detectorData, camera).ticks is None


def test_each_amplifier_has_the_same_level_and_scale(
    camera: Sequence, detectorData: dict, makeAction: Callable
) -> None:
    detectorData["image"][:40, 25:50] = 100.0 + 30.0 * detectorData["image"][:40, 25:50]
    view = makeAction(DetectorImagePlot, scope="amplifier").prepare(detectorData, camera)
    amps = view.image.reshape(2, 40, 4, 25)
    assert_allclose(np.median(amps, axis=(1, 3)), 0.0, atol=1e-5)
    assert_allclose(np.std(amps, axis=(1, 3)), 1.0, atol=0.15)
    assert view.scale.label == "(Residual − median) / scatter of the amplifier"


def test_tilted_amplifiers_too(
    camera: Sequence, makeMosaic: Callable, geometry: object, makeAction: Callable
) -> None:
    steps = np.repeat(np.repeat(np.arange(8.0).reshape(2, 4), 40, axis=0), 25, axis=1)
    noise = np.random.default_rng(3).normal(0.0, 0.2, (80, 100))
    data = makeMosaic(d20=100.0 * steps + noise)
    view = makeAction(FocalPlaneImagePlot, scope="amplifier").prepare(data, camera)
    centre = view.frame.toPixels(geometry.ampCorners[16:24].mean(axis=1)).round().astype(int)
    for column, row in centre:
        own = view.image[row - 5 : row + 6, column - 5 : column + 6]
        assert abs(np.median(own)) < 0.6
        assert np.std(own) < 2.0


def test_significances_have_one_scale(camera: Sequence, detectorData: dict, makeAction: Callable) -> None:
    action = makeAction(DetectorImagePlot, quantity="significance", threshold=6.0)
    scale = scaleOf(action, detectorData, camera)
    louder = scaleOf(action, detectorData | {"image": 20.0 * detectorData["image"]}, camera)
    assert (scale.limits.low, scale.limits.high) == (louder.limits.low, louder.limits.high) == (0.0, 36.0)
    assert scale.markedThreshold == 6.0
    assert scale.label == "Residual (σ)"
    assert_allclose(list(scale.ticks), [0.0, 3.0, 6.0, 12.0, 18.0, 24.0, 30.0, 36.0])


def test_significances_are_absolute(camera: Sequence, detectorData: dict, makeAction: Callable) -> None:
    action = makeAction(DetectorImagePlot, quantity="significance", threshold=6.0)
    view = action.prepare(detectorData, camera)
    assert_allclose(view.image, np.abs(detectorData["image"]), rtol=1e-6)


def test_threshold_of_the_data_wins(camera: Sequence, detectorData: dict, makeAction: Callable) -> None:
    action = makeAction(DetectorImagePlot, quantity="significance")
    assert scaleOf(action, detectorData | {"threshold": np.float64(5.5)}, camera).threshold == 5.5
    with pytest.raises(ValueError, match="DetectorImagePlot of significances needs a threshold"):
        action.prepare(detectorData, camera)
    with pytest.raises(ValueError, match="finite number as 'threshold'; got nan"):
        action.prepare(detectorData | {"threshold": np.nan}, camera)


def test_no_significances_need_no_threshold(camera: Sequence, makeAction: Callable) -> None:
    data = {"image": np.full((80, 100), np.nan), "detector": 3}
    view = makeAction(DetectorImagePlot, quantity="significance").prepare(data, camera)
    assert view.message == "No pixel with a value"


def lightness(colour: np.ndarray) -> float:
    """Return CIE lightness of an sRGB colour of 0 to 1."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    luminance = float(linear[:3] @ [0.2126, 0.7152, 0.0722])
    return 116 * luminance ** (1 / 3) - 16 if luminance > 0.008856 else 903.3 * luminance


def test_significance_is_told_by_lightness_alone() -> None:
    scale = ImageScale(colourMap="significance", limits=ColourLimits(0.0, 36.0, 0, 0), threshold=6.0)
    norm, colour_map = imageColours(scale, ImageStyle.forColourMap("significance"))
    levels = [lightness(np.array(colour_map(norm(value)))) for value in np.linspace(0.0, 36.0, 200)]
    assert (np.diff(levels) > -0.2).all()
    below, above = (lightness(np.array(colour_map(norm(value)))) for value in (5.9, 6.1))
    assert above - below > 25
