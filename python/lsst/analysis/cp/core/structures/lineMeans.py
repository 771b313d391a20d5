# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Means of rows and columns of an amplifier, beside those of their neighbours."""

from __future__ import annotations

__all__ = ["LineMeans", "measureLines"]

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import median_filter

from lsst.analysis.cp.core.typing import BoolArray, Float32Array, FloatArray, IndexArray

from .robustScale import clippedScale

_DILATION = 2
"""Pixels around an outlier that are left out of means: what diffuses further is far below the noise."""

_WINDOW = 101
"""Number of lines whose median is the local level of their means."""

_LEAST_LEFT = 0.1
"""Part of a line that must be left for its mean to be looked at."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LineMeans:
    """Means of the rows or the columns of an amplifier, in units of the noise of a pixel.

    Parameters
    ----------
    mean
        Mean beside the local level of the neighbouring lines; shape (nLines,). NaN for a line of which too
        little is left.
    number
        Number of pixels that entered; shape (nLines,).
    bright
        Lines of which a large part is outliers, which are not left out of them; shape (nBright,).
    """

    mean: FloatArray
    number: IndexArray
    bright: IndexArray

    @property
    def scaled(self) -> FloatArray:
        """Mean in units of the standard deviation of the mean of independent pixels, shape (nLines,)."""
        return self.mean * np.sqrt(self.number)

    @cached_property
    def scatter(self) -> float:
        """Standard deviation of `scaled` without outliers: 1 if pixels are independent, NaN if none."""
        scaled = self.scaled
        return clippedScale(scaled[np.isfinite(scaled)])


def measureLines(
    values: Float32Array,
    excluded: BoolArray,
    outliers: tuple[IndexArray, IndexArray],
    brightLines: tuple[IndexArray, IndexArray],
) -> tuple[LineMeans, LineMeans]:
    """Average the rows and the columns of an amplifier.

    Outliers and the pixels around them are left out, and of each row those in bright columns, of each column
    those in bright rows. The median of 101 neighbouring means is subtracted.

    Parameters
    ----------
    values
        Significance of the pixels of the amplifier; shape (height, width).
    excluded
        True where a pixel is left out; shape (height, width).
    outliers
        Rows and columns of outliers.
    brightLines
        Rows and columns of which a large part is outliers.

    Returns
    -------
    rows, columns
        Their means.
    """
    height, width = values.shape
    flat = _dilate(outliers, (height, width))
    if excluded.any():
        flat = np.union1d(flat, np.flatnonzero(excluded))
    kept = values.copy()
    kept.ravel()[flat] = 0
    removed = np.divmod(flat, width)
    return (
        _average(kept, removed, *brightLines),
        _average(kept.T, removed[::-1], *brightLines[::-1]),
    )


def _dilate(outliers: tuple[IndexArray, IndexArray], shape: tuple[int, int]) -> IndexArray:
    """Return the flat indices of outliers and the pixels around them, each once."""
    reach = np.arange(-_DILATION, _DILATION + 1)
    y = outliers[0][:, None, None] + reach[:, None]
    x = outliers[1][:, None, None] + reach
    y, x = (part.ravel() for part in np.broadcast_arrays(y, x))
    inside = (y >= 0) & (y < shape[0]) & (x >= 0) & (x < shape[1])
    return np.unique(y[inside] * shape[1] + x[inside])


def _average(
    kept: Float32Array,
    removed: Sequence[IndexArray],
    bright: IndexArray,
    skip: IndexArray,
) -> LineMeans:
    """Average over the second index of an image, without removed pixels (0) and some lines across."""
    n_lines, length = kept.shape
    total = kept.sum(axis=1, dtype=np.float64)
    number = length - np.bincount(removed[0], minlength=n_lines)
    if len(skip):
        total -= kept[:, skip].sum(axis=1, dtype=np.float64)
        again = np.bincount(removed[0][np.isin(removed[1], skip)], minlength=n_lines)
        number -= len(skip) - again
    enough = number >= max(1, _LEAST_LEFT * length)
    mean = np.full(n_lines, np.nan)
    np.divide(total, number, out=mean, where=enough)
    if enough.any():
        window = min(_WINDOW, n_lines - 1 + n_lines % 2)
        mean -= median_filter(np.where(enough, mean, np.median(mean[enough])), window, mode="mirror")
    return LineMeans(mean=mean, number=number, bright=bright)
