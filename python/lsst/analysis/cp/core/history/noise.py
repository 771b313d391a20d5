# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Epochs of many series in blocks with one series a row, and the noise of each series."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray

__all__ = [
    "Block",
    "Epochs",
    "MIN_SEGMENT",
    "Noise",
    "groupSpreads",
    "measureSpread",
    "replaceOutliers",
    "roundingErrors",
    "rowMedians",
    "runMedians",
    "startsOfRuns",
    "sumValues",
]

MIN_SEGMENT = 5
"""Number of epochs that a level needs, to be told from a run of outliers."""

_BLOCK_CELLS = 1 << 17
"""Cells of a block: few enough to stay in the processor's cache."""

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


def startsOfRuns(*keys: npt.NDArray[np.number]) -> BoolArray:
    """Tell which elements begin a run in which no key changes; shape (n,)."""
    starts = np.ones(len(keys[0]), dtype=bool)
    starts[1:] = np.any([np.diff(key) != 0 for key in keys], axis=0)
    return starts


def runMedians(values: FloatArray, starts: BoolArray) -> tuple[FloatArray, IndexArray]:
    """Return the median and the length of each run; the values of a run are in increasing order."""
    first = np.flatnonzero(starts)
    counts = np.diff(np.append(first, len(values)))
    # Halves are added, since a sum may overflow.
    return values[first + (counts - 1) // 2] / 2 + values[first + counts // 2] / 2, counts


def rowMedians(values: FloatArray) -> FloatArray:
    """Return the medians of the values along the last axis that are not NaN; NaN where there is none."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    # A sort and two look-ups take a fraction of the time of np.nanmedian, which goes row by row.
    ordered = np.sort(values, axis=-1)
    counts = np.sum(~np.isnan(values), axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(counts - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(counts // 2, values.shape[-1] - 1), axis=-1)
    # Halves are added, since a sum may overflow.
    return np.where(counts > 0, low / 2 + high / 2, np.nan)[..., 0]


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Some series of about the same length, each ending in the last column.

    Parameters
    ----------
    series
        Number of each series, shape (s,).
    times
        In increasing order, shape (s, n) (days); NaN before the first epoch of a series.
    values
        Shape (s, n); NaN before the first epoch of a series.
    first
        Column of the first epoch of each series, shape (s,).
    """

    series: IndexArray
    times: FloatArray
    values: FloatArray
    first: IndexArray

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.times.shape[1]

    @property
    def counts(self) -> IndexArray:
        """Number of epochs of each series, shape (s,)."""
        return self.width - self.first

    @property
    def present(self) -> BoolArray:
        """Whether each cell holds an epoch, shape (s, n)."""
        return np.arange(self.width) >= self.first[:, np.newaxis]

    def take(self, rows: IndexArray) -> Block:
        """Return some of the series."""
        return Block(
            series=self.series[rows], times=self.times[rows], values=self.values[rows], first=self.first[rows]
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Epochs:
    """The distinct times of each series, sorted by series and time.

    Parameters
    ----------
    times
        Shape (nEpochs,) (days).
    values
        Median of the points at that time, shape (nEpochs,).
    starts
        Where each series starts, shape (nSeries + 1,).
    epochOfPoint
        Epoch of each point as it was given, shape (nPoints,); -1 where its value is not finite.
    """

    times: FloatArray
    values: FloatArray
    starts: IndexArray
    epochOfPoint: IndexArray

    @classmethod
    def fromPoints(
        cls, series: npt.NDArray[np.integer], times: FloatArray, values: FloatArray, nSeries: int
    ) -> Epochs:
        """Sort points, leave out those without a value, and join those of the same series and time.

        Parameters
        ----------
        series, times, values
            Of the points, in any order; shape (nPoints,).
        nSeries
            Number of series.

        Returns
        -------
        epochs
            The epochs.
        """
        points = np.flatnonzero(np.isfinite(values))
        points = points[np.lexsort((values[points], times[points], series[points]))]
        epoch_of_point = np.full(len(values), -1, dtype=np.intp)
        series, times, values = series[points], times[points], values[points]
        is_new = startsOfRuns(series, times)
        epoch_of_point[points] = np.cumsum(is_new) - 1
        return cls(
            times=times[is_new],
            values=runMedians(values, is_new)[0],
            starts=np.searchsorted(series[is_new], np.arange(nSeries + 1)),
            epochOfPoint=epoch_of_point,
        )

    def makeBlocks(self) -> Iterator[Block]:
        """Yield the series with an epoch, the longest first, in blocks of limited size."""
        counts = np.diff(self.starts)
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        start = 0
        while start < len(order):
            width = int(counts[order[start]])
            series = order[start : start + max(1, _BLOCK_CELLS // width)]
            epochs, present = self._cells(series, width)
            yield Block(
                series=series,
                times=np.where(present, self.times[epochs], np.nan),
                values=np.where(present, self.values[epochs], np.nan),
                first=width - counts[series],
            )
            start += len(series)

    def flatten(self, block: Block) -> IndexArray:
        """Return the epochs of the cells of a block that hold one, in the order of its rows."""
        epochs, present = self._cells(block.series, block.width)
        return epochs[present]

    def _cells(self, series: IndexArray, width: int) -> tuple[IndexArray, BoolArray]:
        """Return the epoch in each cell of a block, 0 where there is none, and where there is one."""
        present = np.arange(width) >= width - np.diff(self.starts)[series][:, np.newaxis]
        epochs = self.starts[series + 1, np.newaxis] - width + np.arange(width)
        return np.where(present, epochs, 0), present


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
        # First differences know nothing of levels and little of drifts.
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


def sumValues(values: FloatArray, scale: FloatArray) -> FloatArray:
    """Return the sums of the values before each column, less their median, without outliers; (s, n + 1).

    The mean of any run of epochs follows from two of them.
    """
    centred = replaceOutliers(values, scale) - rowMedians(values)[:, np.newaxis]
    centred[np.isnan(values)] = 0.0
    return np.cumsum(np.pad(centred, ((0, 0), (1, 0))), axis=1)


def measureSpread(values: FloatArray) -> FloatArray:
    """Return the scaled median absolute deviation of rows, but the root mean square where it is 0.

    Of counts more than half may be equal. Rows without a value have 0.
    """
    present = ~np.isnan(values)
    squares = np.sum(values**2, axis=1, where=present) / np.maximum(present.sum(axis=1), 1)
    spread = _scaledMad(values)
    return np.where(spread > 0, spread, np.sqrt(squares))


def groupSpreads(values: FloatArray, groups: IndexArray, nGroups: int) -> FloatArray:
    """Return what `measureSpread` does of rows for groups of values; NaN for one without a value."""
    order = np.lexsort((values, groups))
    values, groups = values[order], groups[order]
    starts = startsOfRuns(groups)
    medians, counts = runMedians(values, starts)
    deviations = np.abs(values - np.repeat(medians, counts))
    mads, _ = runMedians(deviations[np.lexsort((deviations, groups))], starts)
    squares = np.bincount(groups, values**2, nGroups)[groups[starts]] / counts
    spreads = np.full(nGroups, np.nan)
    spreads[groups[starts]] = np.where(mads > 0, mads / _GAUSSIAN_MAD, np.sqrt(squares))
    return spreads


def roundingErrors(values: FloatArray) -> FloatArray:
    """Return by how much values of a row may differ although they are meant to be equal; never 0."""
    typical = np.nan_to_num(rowMedians(np.abs(values)))
    return np.maximum(16 * np.finfo(float).eps * typical, np.finfo(float).tiny ** 0.25)


def _scaledMad(values: FloatArray) -> FloatArray:
    """Return the median absolute deviation of rows, as the standard deviation of a Gaussian; NaN if empty."""
    deviations = np.abs(values - rowMedians(values)[:, np.newaxis])
    return rowMedians(deviations) / _GAUSSIAN_MAD


def _measureDifferences(sums: FloatArray, block: Block, length: int) -> FloatArray:
    """Return the robust variance of the differences of adjacent means; 0 where the series is too short."""
    starts = np.arange(0, block.width - 2 * length + 1, max(1, length // 4))
    differences = (sums[:, starts + 2 * length] - 2 * sums[:, starts + length] + sums[:, starts]) / math.sqrt(
        2 * length
    )
    differences[starts < block.first[:, np.newaxis]] = np.nan
    return np.where(block.counts >= _LENGTHS_PER_HISTORY * length, _scaledMad(differences) ** 2, 0.0)


def _fitVariances(
    lengths: FloatArray, variances: FloatArray, counts: IndexArray
) -> tuple[FloatArray, FloatArray]:
    """Fit the white and the flicker part, neither of them negative, to variances of shape (s, nLengths)."""
    unit = variances[:, 0]
    variances = variances / unit[:, np.newaxis]
    # The error of a variance is in proportion to it. Steps add to those of long means, which so count little.
    weights = np.where(variances > 0, counts[:, np.newaxis] / lengths / np.maximum(variances, 1.0) ** 2, 0.0)
    # Normal equations of the straight line white + flicker * length.
    s0, s1, s2 = (np.sum(weights * lengths**power, axis=1) for power in range(3))
    t0, t1 = (np.sum(weights * variances * lengths**power, axis=1) for power in range(2))
    determinant = s0 * s2 - s1**2
    is_singular = determinant <= 1e-9 * s0 * s2
    flicker = np.where(is_singular, 0.0, (s0 * t1 - s1 * t0) / np.where(is_singular, 1.0, determinant))
    flicker = np.clip(flicker, 0.0, t1 / s2)
    white = np.maximum((t0 - flicker * s1) / s0, _MIN_WHITE)
    return white * unit, np.maximum(flicker, _MIN_FLICKER) * unit
