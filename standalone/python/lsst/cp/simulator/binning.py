# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Binning of images, as ``lsst.afw.math.binImage`` (afw, 2026) does it."""

__all__ = ["binBits", "binMean"]

from typing import Any

import numpy as np
import numpy.typing as npt


def binMean(pixels: npt.NDArray[np.float32], factor: int) -> npt.NDArray[np.float32]:
    """Take the mean of squares of pixels.

    Parameters
    ----------
    pixels
        Pixels (rows, columns).
    factor
        Side of a square; what is left over at the far edges is dropped.

    Returns
    -------
    binned
        Means; NaN where a pixel is NaN.
    """
    # Rows first: that adds up whole contiguous rows.
    rows = _cut(pixels, factor)
    sums = rows.reshape(-1, factor, rows.shape[1]).sum(axis=1)
    sums = sums.reshape(len(sums), -1, factor).sum(axis=2)
    sums /= np.float32(factor**2)
    return sums


def binBits(mask: npt.NDArray[Any], factor: int) -> npt.NDArray[Any]:
    """Collect the bits of squares of mask pixels.

    Parameters
    ----------
    mask
        Integer pixels (rows, columns).
    factor
        Side of a square; what is left over at the far edges is dropped.

    Returns
    -------
    binned
        Bits that any of the pixels of a square has.
    """
    rows = _cut(mask, factor)
    joined = np.bitwise_or.reduce(rows.reshape(-1, factor, rows.shape[1]), axis=1)
    return np.bitwise_or.reduce(joined.reshape(len(joined), -1, factor), axis=2)


def _cut(pixels: npt.NDArray[Any], factor: int) -> npt.NDArray[Any]:
    height, width = (side - side % factor for side in pixels.shape)
    return pixels[:height, :width]
