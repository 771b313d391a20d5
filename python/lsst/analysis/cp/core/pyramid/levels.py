# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Levels of a pyramid: an image and its significance at factors 2 and 4, in one pass over the pixels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.structures.noise import clippedScale, oneOfEach
from lsst.analysis.cp.core.typing import BoolArray, Float32Array, FloatArray

__all__ = ["LEVEL_FACTORS", "meanLevels", "measureNoise", "peakLevels"]

CountArray = npt.NDArray[np.uint8]

LEVEL_FACTORS = (2, 4)
"""Factors that `meanLevels` and `peakLevels` make."""

_PART = 1.0 / LEVEL_FACTORS[-1] ** 2
"""Part of each pixel that is added up, so that no sum of double precision overflows."""

_STRIP = 16
"""Number of rows that are added up at a time, an even one."""

_SAMPLE = 1 << 18
"""Number of pixels from which the noise is measured, about."""


def meanLevels(image: npt.NDArray[np.floating], excluded: BoolArray) -> dict[int, Float32Array]:
    """Average an image in bins.

    Parameters
    ----------
    image
        Pixels (rows, columns); shape (ny, nx).
    excluded
        True for pixels to leave out; shape (ny, nx). Pixels that are not finite have to be among them.

    Returns
    -------
    means
        For each of `LEVEL_FACTORS` the mean of the pixels that are left in each bin, NaN where there is none;
        shape (ceil(ny / factor), ceil(nx / factor)). Equal to `binImage`, in a third of the time.
    """
    # Each level is made of the sums of the one before, which touches every pixel once.
    total = _sumPairs(image, excluded)
    levels = {}
    for factor, count in _counts(excluded):
        if factor > LEVEL_FACTORS[0]:
            total = _halve(total, np.add)
        mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
        with np.errstate(over="ignore"):
            levels[factor] = (mean / _PART).astype(np.float32)
    return levels


def peakLevels(significance: npt.NDArray[np.floating], excluded: BoolArray) -> dict[int, Float32Array]:
    """Find the largest absolute value in bins.

    Parameters
    ----------
    significance
        Signed values (rows, columns); shape (ny, nx).
    excluded
        True for pixels to leave out; shape (ny, nx). Pixels that are not finite have to be among them.

    Returns
    -------
    peaks
        For each of `LEVEL_FACTORS` the largest absolute value of the pixels that are left in each bin, NaN
        where there is none; shape (ceil(ny / factor), ceil(nx / factor)).
    """
    with np.errstate(over="ignore"):
        peak = np.abs(significance.astype(np.float32, copy=False))
    np.copyto(peak, 0.0, where=excluded)
    levels = {}
    for factor, count in _counts(excluded):
        peak = _halve(peak, np.maximum)
        levels[factor] = np.where(count > 0, peak, np.float32(np.nan))
    return levels


def measureNoise(image: npt.NDArray[np.floating], excluded: BoolArray) -> float:
    """Measure the noise of an image roughly, from a sample of its pixels.

    Parameters
    ----------
    image
        Pixels (rows, columns); shape (ny, nx).
    excluded
        True for pixels to leave out; shape (ny, nx).

    Returns
    -------
    noise
        Standard deviation by `clippedScale`, in the image's unit; NaN if no pixel is left.
    """
    good = np.flatnonzero(~excluded)
    return clippedScale(image.ravel()[good[oneOfEach(len(good), max(len(good) // _SAMPLE, 1))]])


def _counts(excluded: BoolArray) -> Iterator[tuple[int, CountArray]]:
    """Yield the factors, and the numbers of pixels that are left in each bin: at most 16, so bytes do."""
    count = (~excluded).view(np.uint8)
    for factor in LEVEL_FACTORS:
        count = _halve(count, np.add)
        yield factor, count


def _sumPairs(image: npt.NDArray[np.floating], excluded: BoolArray) -> FloatArray:
    """Add up parts of two by two pixels in double precision, strip by strip: these stay in the cache."""
    total = np.empty([-(-size // 2) for size in image.shape])
    for start in range(0, len(image), _STRIP):
        rows = slice(start, start + _STRIP)
        pixels = _PART * np.where(excluded[rows], 0, image[rows]).astype(np.float64)
        total[start // 2 : (start + _STRIP) // 2] = _halve(pixels, np.add)
    return total


def _halve[Pixels: (Float32Array, FloatArray, CountArray)](pixels: Pixels, combine: np.ufunc) -> Pixels:
    """Combine two by two pixels; a row or column without a partner gets zeros for one."""
    odd = [size % 2 for size in pixels.shape]
    even = np.pad(pixels, [(0, odd[0]), (0, odd[1])]) if any(odd) else pixels
    rows = combine(even[0::2], even[1::2])
    return combine(rows[:, 0::2], rows[:, 1::2])
