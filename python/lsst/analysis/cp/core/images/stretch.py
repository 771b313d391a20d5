# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Ranges and scales of pixels that show the structure of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.stats import median_abs_deviation

from lsst.analysis.cp.core.limits import robustLimits
from lsst.analysis.cp.core.masked import fillMasked, fillMaskedFlags
from lsst.analysis.cp.core.typing import BoolArray, Float32Array, FloatArray

__all__ = ["STRETCH_METHODS", "StretchMethod", "perAmplifier", "stretchLimits"]

StretchMethod = Literal["zscale", "percentile", "symmetric"]
"""Way of choosing the range that the colours span."""

STRETCH_METHODS: tuple[StretchMethod, ...] = get_args(StretchMethod)
"""Methods that `stretchLimits` knows."""

_LARGE, _UNIT = 1e140, 2.0**600
"""Absolute value from which squares may overflow, and the unit that makes such values small."""

_SAMPLE = 1 << 20
"""Number of pixels that are enough for the percentiles of an image."""

_BULK = 5.0
"""Robust standard deviations of a symmetric range at most: one bad amplifier must not fade the rest."""

_AMP_SAMPLE = 1 << 16
"""Number of pixels that are enough for the level and scale of an amplifier."""


def stretchLimits(
    images: npt.NDArray[np.floating] | Sequence[npt.NDArray[np.floating]],
    method: StretchMethod = "zscale",
    *,
    percentile: float = 99.5,
    centre: float = 0.0,
) -> tuple[float, float]:
    """Choose the range of values that an image, or several to be compared, are shown in.

    Ranges are those of `astropy.visualization`. An image that gives them no extent (of one value, or nearly
    so) gets that of `~lsst.analysis.cp.core.robustLimits`. Of large images, a million pixels are sampled,
    always the same ones.

    Parameters
    ----------
    images
        Pixels (rows, columns) of one image, or a list of images, such as the detectors of an exposure. NaN,
        infinite and masked pixels are left out.
    method
        One of `STRETCH_METHODS`. ``zscale`` follows the middle of the sorted values [1]_; ``percentile``
        holds that share of the pixels; ``symmetric`` does, too, and is symmetric about ``centre``, but goes
        no farther than 5 scaled median absolute deviations beyond the median.
    percentile
        Share of the pixels within the range, in percent.
    centre
        Middle of a symmetric range.

    Returns
    -------
    low, high
        Ends of the range, in the images' unit; ``low`` < ``high``. Without a finite pixel, 0 and 1, or 1 to
        either side of ``centre``.

    Raises
    ------
    ValueError
        Raised if the method is unknown or the percentile is not between 0 and 100.

    References
    ----------
    .. [1] IRAF task ``display``, as `astropy.visualization.ZScaleInterval` follows it.
    """
    # This loads matplotlib, which binning and measuring do without.
    from astropy.visualization import BaseInterval, PercentileInterval, SymmetricInterval, ZScaleInterval

    if method not in STRETCH_METHODS:
        raise ValueError(f"Unknown stretch {method!r}; expected one of {', '.join(STRETCH_METHODS)}.")
    if not 0 < percentile <= 100:
        raise ValueError(f"Expected a percentile above 0 and up to 100; got {percentile!r}.")
    parts = [images] if isinstance(images, np.ndarray) else images
    values = _sampleFinite([fillMasked(part) for part in parts], _SAMPLE)
    symmetric = method == "symmetric"
    if len(values):
        unit = _UNIT if np.abs(values).max() > _LARGE else 1.0
        scaled, middle = values / unit, centre / unit
        interval: BaseInterval
        if symmetric:
            radius = float(np.percentile(np.abs(scaled - middle), percentile))
            spread = float(median_abs_deviation(scaled, scale="normal"))
            if spread > 0:
                radius = min(radius, abs(float(np.median(scaled)) - middle) + _BULK * spread)
            interval = SymmetricInterval(radius=radius, midpoint=middle)
        else:
            interval = ZScaleInterval() if method == "zscale" else PercentileInterval(percentile)
        largest = float(np.finfo(np.float64).max)
        low, high = (min(max(unit * float(end), -largest), largest) for end in interval.get_limits(scaled))
        if low < high:
            return low, high
    limits = robustLimits(values, centre=centre if symmetric else None)
    return limits.low, limits.high


def perAmplifier(
    image: npt.NDArray[np.floating],
    amps: Sequence[tuple[slice, slice]],
    *,
    excluded: BoolArray | None = None,
) -> Float32Array:
    """Bring all amplifiers of a detector to one level and one scale, so that faint structure shows in each.

    Parameters
    ----------
    image
        Pixels (rows, columns); shape (ny, nx). NaN, infinite and masked pixels are left out.
    amps
        Rows and columns of each amplifier.
    excluded
        True for pixels to leave out; shape (ny, nx).

    Returns
    -------
    scaled
        Pixels minus the median of their amplifier, in units of its robust standard deviation (the median
        absolute deviation, scaled to that of a normal distribution; if most pixels are equal, the standard
        deviation). An amplifier of one value is 0. NaN where pixels are left out or on no amplifier.

    Raises
    ------
    ValueError
        Raised if the shapes differ.
    """
    if excluded is not None and excluded.shape != image.shape:
        raise ValueError(f"Expected excluded to have the image's shape {image.shape}; got {excluded.shape}.")
    scaled = np.full(image.shape, np.nan, dtype=np.float32)
    pixels = fillMasked(image)
    for amp in amps:
        left_out = ~np.isfinite(pixels[amp])
        if excluded is not None:
            left_out |= fillMaskedFlags(excluded[amp])
        values = _sampleFinite([np.where(left_out, np.nan, pixels[amp])], _AMP_SAMPLE)
        if len(values) == 0:
            continue
        unit = _UNIT if np.abs(values).max() > _LARGE else 1.0
        values /= unit
        spread = median_abs_deviation(values, scale="normal") or np.std(values) or 1.0
        residual = pixels[amp] / pixels.dtype.type(unit) - np.median(values)
        np.divide(residual, spread, out=scaled[amp], where=~left_out, casting="same_kind")
    return scaled


def _sampleFinite(images: Sequence[npt.NDArray[np.floating]], nPixels: int) -> FloatArray:
    """Draw finite pixels of images, the same number from each."""
    most = max(nPixels // max(len(images), 1), 1000)
    drawn = [np.zeros(0)]
    for image in images:
        pixels = image
        if image.size > most:
            # A regular step could follow a pattern of the rows or columns.
            index = np.random.default_rng(0).integers(image.size, size=most)
            pixels = image[np.unravel_index(index, image.shape)]
        finite = pixels[np.isfinite(pixels)]
        if len(finite) < 0.001 * most:
            finite = image[np.isfinite(image)]
        drawn.append(finite.astype(np.float64))
    return np.concatenate(drawn)
