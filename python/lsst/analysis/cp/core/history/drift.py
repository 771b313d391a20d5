# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Slow drifts of many histories: how much a metric changes a year."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray

from .noise import Block, Noise, replaceOutliers, roundingErrors, rowMedians, startsOfRuns

__all__ = ["DAYS_PER_YEAR", "Drifts", "driftAt", "measureDrifts"]

DAYS_PER_YEAR = 365.25
"""Days of a Julian year."""

_MAX_BINS = 64
"""Number of means that a longer history is reduced to, since all pairs of them are compared."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Drifts:
    """Slopes of series.

    Parameters
    ----------
    slope
        Theil-Sen slope: the median of the slopes between all pairs of epochs between which the level does not
        change, shape (nSeries,) (unit of the values a year). NaN if there is no such pair.
    significance
        Mann-Kendall statistic, positive where values increase, shape (nSeries,) (standard deviations of the
        noise, correlated noise included). 0 if there is no pair.
    isSignificant
        Whether the significance exceeds the threshold of the series, shape (nSeries,).
    """

    slope: FloatArray
    significance: FloatArray
    isSignificant: BoolArray

    @classmethod
    def makeEmpty(cls, nSeries: int) -> Drifts:
        """Return the drifts of series without a value."""
        return cls(
            slope=np.full(nSeries, np.nan),
            significance=np.zeros(nSeries),
            isSignificant=np.zeros(nSeries, dtype=bool),
        )

    def take(self, rows: IndexArray) -> Drifts:
        """Return the drifts of some of the series."""
        return Drifts(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def replaceRows(self, rows: IndexArray, other: Drifts) -> Drifts:
        """Return the same with other drifts of some of the series."""
        columns = {field.name: getattr(self, field.name).copy() for field in fields(self)}
        for name, column in columns.items():
            column[rows] = getattr(other, name)
        return Drifts(**columns)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Bins:
    """Means of some epochs of a level, one series a row; NaN and level -1 where there is none."""

    times: FloatArray
    values: FloatArray
    levels: IndexArray
    size: IndexArray


def driftAt(block: Block, slopes: FloatArray) -> FloatArray:
    """Return what a drift has added since the last time of a series.

    Parameters
    ----------
    block
        The series.
    slopes
        Shape (s,) (unit of the values a year).

    Returns
    -------
    drift
        Shape (s, n) (unit of the values); NaN before the first epoch.
    """
    return slopes[:, np.newaxis] / DAYS_PER_YEAR * (block.times - block.times[:, -1:])


def measureDrifts(block: Block, noise: Noise, levels: IndexArray, thresholds: FloatArray) -> Drifts:
    """Measure the slope within the levels of each series.

    Slopes are those of Theil and Sen (Sen 1968, doi:10.1080/01621459.1968.10480934), significances those of
    Mann and Kendall, added over the levels as Hirsch et al. (1982, doi:10.1029/WR018i001p00107) add seasons.
    The variance is increased by the correlation of the noise, as that of Hamed & Rao (1998,
    doi:10.1016/S0022-1694(97)00125-X) is, from its flicker part. A history of more than 64 epochs is reduced
    to about as many means without outliers; without change points a shorter one gives the slope of
    `scipy.stats.theilslopes` and the score of `scipy.stats.kendalltau`.

    Parameters
    ----------
    block
        The series.
    noise
        Their noise.
    levels
        Number of the level of each epoch, counted from 0 in each series, shape (s, n).
    thresholds
        Significance that a drift needs, shape (s,) (standard deviations).

    Returns
    -------
    drifts
        Of the series of the block.
    """
    bins = _binEpochs(block, noise, levels)
    early, late = np.triu_indices(bins.times.shape[1], 1)
    paired = (bins.levels[:, early] == bins.levels[:, late]) & (bins.levels[:, early] >= 0)
    rises = np.where(paired, bins.values[:, late] - bins.values[:, early], np.nan)
    rises[np.abs(rises) <= roundingErrors(block.values)[:, np.newaxis]] = 0.0
    score = np.nansum(np.sign(rises), axis=1)
    deviation = np.sqrt(_scoreVariance(bins, block, noise, levels))
    significance = np.divide(score - np.sign(score), deviation, out=np.zeros_like(score), where=deviation > 0)
    slopes = np.where(
        paired, rises / np.where(paired, bins.times[:, late] - bins.times[:, early], 1.0), np.nan
    )
    return Drifts(
        slope=rowMedians(slopes) * DAYS_PER_YEAR,
        significance=significance,
        isSignificant=np.abs(significance) > thresholds,
    )


def _binEpochs(block: Block, noise: Noise, levels: IndexArray) -> _Bins:
    """Average runs of epochs of the same level, about 64 a series."""
    size = -(-block.counts // _MAX_BINS)
    rows, columns = np.nonzero(block.present)
    level = levels[rows, columns]
    place = np.arange(len(rows))
    place -= np.maximum.accumulate(np.where(startsOfRuns(rows, level), place, 0))
    is_new = place % size[rows] == 0
    new = np.flatnonzero(is_new)
    number = np.cumsum(is_new) - 1
    row_of_bin = rows[new]
    column_of_bin = np.arange(len(new)) - np.searchsorted(row_of_bin, row_of_bin)
    shape = (len(block.series), int(column_of_bin.max()) + 1)
    values = np.where(size[:, np.newaxis] > 1, replaceOutliers(block.values, noise.point), block.values)
    cells = (row_of_bin, column_of_bin)
    counts = np.bincount(number)
    bins = _Bins(
        times=np.full(shape, np.nan),
        values=np.full(shape, np.nan),
        levels=np.full(shape, -1, dtype=np.intp),
        size=size,
    )
    # Means of times near zero keep their precision.
    origin = block.times[:, -1]
    bins.times[cells] = np.bincount(number, block.times[rows, columns] - origin[rows]) / counts
    bins.values[cells] = np.bincount(number, values[rows, columns]) / counts
    bins.levels[cells] = level[new]
    return bins


def _scoreVariance(bins: _Bins, block: Block, noise: Noise, levels: IndexArray) -> FloatArray:
    """Return the variance of the Mann-Kendall score of each series, ties and correlation included."""
    num_series = len(bins.levels)
    num_levels = int(bins.levels.max()) + 1
    shape = (num_series, num_levels)
    rows = np.arange(num_series)[:, np.newaxis]
    in_bins = bins.levels >= 0
    group = (rows * num_levels + bins.levels)[in_bins]
    values = bins.values[in_bins]
    order = np.lexsort((values, group))
    group, values = group[order], values[order]
    is_new = startsOfRuns(group, values)
    ties = _tieTerm(np.diff(np.append(np.flatnonzero(is_new), len(group))))
    variance = _tieTerm(np.bincount(group, minlength=num_series * num_levels))
    variance = (variance - np.bincount(group[is_new], ties, minlength=num_series * num_levels)) / 18
    in_levels = np.bincount(
        (rows * num_levels + levels)[block.present], minlength=num_series * num_levels
    ).reshape(shape)
    # A trend compares means of half a level. Their noise, over that of independent bins, is what counts.
    size = bins.size.astype(np.float64)
    inflation = (noise.white[:, np.newaxis] + noise.flicker[:, np.newaxis] * np.maximum(in_levels / 2, 1)) / (
        (noise.white + noise.flicker * size)[:, np.newaxis]
    )
    total: FloatArray = np.sum(variance.reshape(shape) * np.maximum(inflation, 1.0), axis=1)
    return total


def _tieTerm(counts: npt.NDArray[np.integer]) -> FloatArray:
    """Return the term of the variance of Kendall's score of so many values, times 18."""
    number = counts.astype(np.float64)
    return number * (number - 1) * (2 * number + 5)
