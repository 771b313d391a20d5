# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""White and flicker noise of histories, measured so that outliers, steps and drifts do not add to it."""

from __future__ import annotations

__all__ = ["Noise", "measureSpread", "replaceOutliers", "roundingErrors", "scaledMad", "sumValues"]

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from lsst.analysis.cp.core.typing import FloatArray, IndexArray

from .blocks import MIN_SEGMENT, Block, rowMedians

_GAUSSIAN_MAD = float(norm.ppf(0.75))
"""Median absolute deviation of a unit Gaussian."""

_FAR = 3.0
"""Distance from the running median at which values are replaced (standard deviations)."""

_LENGTHS_PER_HISTORY = 8
"""Number of the longest means whose differences are measured in a history."""

_MIN_FLICKER = 0.01
"""Smallest flicker part: means of 100 epochs wander as much as white noise lets them (variance of an epoch).

A history tells little of its slowest noise; without this, thresholds would have to be far higher.
"""

_MIN_WHITE = 1e-6
"""Smallest white part, so that it is never 0 (variance of an epoch)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Noise:
    """Variance of the difference of two adjacent means of h epochs, in units of what white noise gives.

    With A(h) the variance of sqrt(h / 2) times the difference, white noise has a constant A, and flicker
    (1/f) noise one that is proportional to h, since its Allan variance does not depend on h (Allan 1966,
    doi:10.1109/PROC.1966.4634). The sum of both is fitted. Some flicker noise is always assumed.

    Parameters
    ----------
    point
        Standard deviation of an epoch, from first differences, shape (s,) (unit of the values).
    white
        Part of A that is constant, shape (s,) (unit squared). Never 0.
    flicker
        Part of A that grows with h, a unit of h, shape (s,) (unit squared).
    """

    point: FloatArray
    white: FloatArray
    flicker: FloatArray

    @classmethod
    def fromBlock(cls, block: Block) -> Noise:
        """Measure the noise of each series.

        Parameters
        ----------
        block
            The series.

        Returns
        -------
        noise
            The noise. Of values that are all but equal it is their rounding error.
        """
        differences = np.diff(block.values, axis=1) / math.sqrt(2)
        point = np.maximum(measureSpread(differences), roundingErrors(block.values))
        sums = sumValues(block.values, point)
        lengths = [1]
        while 2 * lengths[-1] * _LENGTHS_PER_HISTORY <= block.width:
            lengths.append(2 * lengths[-1])
        variances = np.stack([_measureDifferences(sums, block, length) for length in lengths], axis=1)
        variances[:, 0] = point**2
        white, flicker = _fitVariances(np.asarray(lengths, dtype=np.float64), variances, block.counts)
        return cls(point=point, white=white, flicker=flicker)

    def take(self, rows: IndexArray) -> Noise:
        """Return the noise of some of the series."""
        return Noise(point=self.point[rows], white=self.white[rows], flicker=self.flicker[rows])

    def varianceAt(self, length: FloatArray) -> FloatArray:
        """Return A for means of so many epochs; one length a series, shape (s,)."""
        variance: FloatArray = self.white + self.flicker * length
        return variance


def replaceOutliers(values: FloatArray, scale: FloatArray) -> FloatArray:
    """Replace values that are far from the running median of their neighbours by it.

    The window reaches as far to either side as a run of outliers may be long, so that runs vanish and steps
    between levels stay: the identifier of Hampel (Davies & Gather 1993, doi:10.1080/01621459.1993.10476339).

    Parameters
    ----------
    values
        Shape (s, n); NaN where there is none.
    scale
        Standard deviation of each series, shape (s,).

    Returns
    -------
    cleaned
        Shape (s, n); NaN where there is none.
    """
    reach = MIN_SEGMENT - 1
    padded = np.pad(values, ((0, 0), (reach, reach)), constant_values=np.nan)
    medians = rowMedians(np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1))
    return np.where(np.abs(values - medians) > _FAR * scale[:, np.newaxis], medians, values)


def scaledMad(values: FloatArray) -> FloatArray:
    """Return the median absolute deviation of rows, as the standard deviation of a Gaussian; NaN if empty."""
    deviations = np.abs(values - rowMedians(values)[:, np.newaxis])
    return rowMedians(deviations) / _GAUSSIAN_MAD


def sumValues(values: FloatArray, scale: FloatArray) -> FloatArray:
    """Return the sums of the values before each column, less their median, without outliers; (s, n + 1)."""
    centered = replaceOutliers(values, scale) - rowMedians(values)[:, np.newaxis]
    centered[np.isnan(values)] = 0.0
    return np.cumsum(np.pad(centered, ((0, 0), (1, 0))), axis=1)


def measureSpread(values: FloatArray) -> FloatArray:
    """Return the scaled median absolute deviation of rows, but the root mean square where it is 0.

    Of counts more than half may be equal. Rows without a value have 0.
    """
    present = ~np.isnan(values)
    squares = np.sum(values**2, axis=1, where=present) / np.maximum(present.sum(axis=1), 1)
    spread = scaledMad(values)
    return np.where(spread > 0, spread, np.sqrt(squares))


def roundingErrors(values: FloatArray) -> FloatArray:
    """Return what rows of values may differ by although they are meant to be equal; never 0."""
    typical = np.nan_to_num(rowMedians(np.abs(values)))
    return np.maximum(16 * np.finfo(float).eps * typical, np.finfo(float).tiny ** 0.25)


def _measureDifferences(sums: FloatArray, block: Block, length: int) -> FloatArray:
    """Return the robust variance of the differences of adjacent means; 0 where the series is too short."""
    starts = np.arange(0, block.width - 2 * length + 1, max(1, length // 4))
    differences = (sums[:, starts + 2 * length] - 2 * sums[:, starts + length] + sums[:, starts]) / math.sqrt(
        2 * length
    )
    differences[starts < block.first[:, np.newaxis]] = np.nan
    return np.where(block.counts >= _LENGTHS_PER_HISTORY * length, scaledMad(differences) ** 2, 0.0)


def _fitVariances(
    lengths: FloatArray,
    variances: FloatArray,
    counts: IndexArray,
) -> tuple[FloatArray, FloatArray]:
    """Fit the white and the flicker part, neither of them negative, to variances of shape (s, nLengths)."""
    unit = variances[:, 0]
    variances = variances / unit[:, np.newaxis]
    # The error of a variance is in proportion to it. Steps add to those of long means, which so count little.
    weights = np.where(variances > 0, counts[:, np.newaxis] / lengths / np.maximum(variances, 1.0) ** 2, 0.0)
    s0, s1, s2 = (np.sum(weights * lengths**power, axis=1) for power in range(3))
    t0, t1 = (np.sum(weights * variances * lengths**power, axis=1) for power in range(2))
    determinant = s0 * s2 - s1**2
    is_singular = determinant <= 1e-9 * s0 * s2
    flicker = np.where(is_singular, 0.0, (s0 * t1 - s1 * t0) / np.where(is_singular, 1.0, determinant))
    flicker = np.clip(flicker, 0.0, t1 / s2)
    white = np.maximum((t0 - flicker * s1) / s0, _MIN_WHITE)
    return white * unit, np.maximum(flicker, _MIN_FLICKER) * unit
