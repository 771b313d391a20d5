# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What happened in histories: levels, drifts and outliers, and which series are outlying."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.stats import median_abs_deviation

from lsst.analysis.cp.core.masked import fillMasked
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray

from .budgets import TrendBudgets
from .changePoints import ChangePoints, findChanges
from .drift import Drifts, driftAt, measureDrifts
from .noise import MIN_SEGMENT, Block, Epochs, Noise, groupSpreads, rowMedians, runMedians, startsOfRuns
from .series import TrendSeries

__all__ = ["MIN_JUDGED", "OutlyingValues", "TrendFindings", "TrendSummaries", "findTrends", "summarizeTrends"]

MIN_JUDGED = 2 * MIN_SEGMENT
"""Number of values that a series needs for a change, which is between two levels, to be found."""

MIN_SIBLINGS = 6
"""Number of series of a kind from which it is told which of them are outlying."""

_LARGEST = 1e100
"""Values that are so many times the typical one count as this."""

_MAX_PASSES = 4
"""How often change points and drift are found in turn."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OutlyingValues:
    """Points that are far from the level of their series.

    Parameters
    ----------
    index
        Place of the point in the arrays that were given, increasing, shape (nOutliers,).
    series
        Number of its series, shape (nOutliers,).
    score
        Distance from its level, with its sign, shape (nOutliers,) (scaled median absolute deviations).
    """

    index: IndexArray
    series: IndexArray
    score: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendSummaries:
    """What was found in many series.

    Parameters
    ----------
    median
        Median of the values at the different times, shape (nSeries,) (unit of the values); NaN if there is
        none.
    scatter
        Scaled median absolute deviation of the points from their levels and drifts, shape (nSeries,) (unit of
        the values); the root mean square where more than half of the values are equal. NaN if there is no
        value.
    expected
        Level at the time of each point that was given, shape (nPoints given,) (unit of the values); NaN where
        the value is not finite.
    outliers, changePoints, drifts
        As their classes say.
    """

    median: FloatArray
    scatter: FloatArray
    expected: FloatArray
    outliers: OutlyingValues
    changePoints: ChangePoints
    drifts: Drifts


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendFindings:
    """What was found in the series of `TrendSeries`.

    Parameters
    ----------
    changeSeries, changeEpoch
        Series and first epoch at the new level of each change point, shape (nChanges,).
    changeBefore, changeAfter
        Level on either side, shape (nChanges,) (unit of the values).
    changeScore
        Significance, shape (nChanges,) (standard deviations).
    slope
        Drift of each series, shape (nSeries,) (unit of the values a year); NaN if it cannot be measured.
    driftScore
        Significance of the drift, shape (nSeries,) (standard deviations).
    drifting
        Whether the drift is significant, shape (nSeries,).
    outlyingScore
        Distance of the median of each series from that of its kind, shape (nSeries,) (scaled median absolute
        deviations of the series of the kind); NaN without a value, or in a kind of few series.
    outlying
        Whether this distance is significant, shape (nSeries,).
    outlierSeries, outlierEpoch
        Series and epoch of each value that is far from the level of its series, shape (nOutliers,).
    outlierScore
        Distance of these, shape (nOutliers,) (scaled median absolute deviations of the series).
    expected
        Level of each series along its drift, shape (nSeries, nEpochs) (unit of the values); NaN where there
        is no value.
    """

    changeSeries: IndexArray
    changeEpoch: IndexArray
    changeBefore: FloatArray
    changeAfter: FloatArray
    changeScore: FloatArray
    slope: FloatArray
    driftScore: FloatArray
    drifting: BoolArray
    outlyingScore: FloatArray
    outlying: BoolArray
    outlierSeries: IndexArray
    outlierEpoch: IndexArray
    outlierScore: FloatArray
    expected: FloatArray

    @cached_property
    def interest(self) -> FloatArray:
        """How much there is to look at in each series, shape (nSeries,): its largest score, 0 if nothing."""
        interest = np.where(self.drifting, np.abs(self.driftScore), 0.0)
        np.maximum(interest, np.where(self.outlying, np.abs(self.outlyingScore), 0.0), out=interest)
        np.maximum.at(interest, self.changeSeries, self.changeScore)
        np.maximum.at(interest, self.outlierSeries, np.abs(self.outlierScore))
        return interest


@dataclass(frozen=True, kw_only=True, eq=False)
class _Levels:
    """Number of the level of each epoch, shape (s, n), the score of its start, and the drifts."""

    levels: IndexArray
    scores: FloatArray
    drifts: Drifts

    def take(self, rows: IndexArray) -> _Levels:
        """Return what was found in some of the series."""
        return _Levels(levels=self.levels[rows], scores=self.scores[rows], drifts=self.drifts.take(rows))

    def replaceRows(self, rows: IndexArray, other: _Levels) -> _Levels:
        """Return the same with other findings in some of the series."""
        levels, scores = self.levels.copy(), self.scores.copy()
        levels[rows], scores[rows] = other.levels, other.scores
        return _Levels(levels=levels, scores=scores, drifts=self.drifts.replaceRows(rows, other.drifts))


def findTrends(series: TrendSeries, budgets: TrendBudgets | None = None) -> TrendFindings:
    """Find change points, drifts, outliers, and series that are outlying among the others of their kind.

    Parameters
    ----------
    series
        The histories.
    budgets
        Accepted shares of false alarms, by default those of `TrendBudgets`; that of outliers holds for
        outlying series, too.

    Returns
    -------
    findings
        What was found.
    """
    budgets = TrendBudgets() if budgets is None else budgets
    rows, epochs = np.indices(series.values.shape).reshape(2, -1)
    found = summarizeTrends(
        rows, series.mjd[epochs], series.values.ravel(), nSeries=series.nSeries, budgets=budgets
    )
    outlying_score = np.full(series.nSeries, np.nan)
    outlying = np.zeros(series.nSeries, dtype=bool)
    for kind in np.unique(series.groups):
        siblings = np.flatnonzero((series.groups == kind) & np.isfinite(found.median))
        # Scores do not depend on the unit, and of a quarter no difference overflows.
        medians = found.median[siblings] / 4
        spread = median_abs_deviation(medians, scale="normal") if len(siblings) else 0.0
        if len(siblings) >= MIN_SIBLINGS and spread > 0:
            outlying_score[siblings] = (medians - np.median(medians)) / spread
            outlying[siblings] = np.abs(outlying_score[siblings]) > budgets.outlierThresholds(len(siblings))
    changes, drifts, outliers = found.changePoints, found.drifts, found.outliers
    return TrendFindings(
        changeSeries=changes.series,
        changeEpoch=np.searchsorted(series.mjd, changes.time),
        changeBefore=changes.before,
        changeAfter=changes.after,
        changeScore=changes.score,
        slope=drifts.slope,
        driftScore=drifts.significance,
        drifting=drifts.isSignificant,
        outlyingScore=outlying_score,
        outlying=outlying,
        outlierSeries=outliers.series,
        outlierEpoch=epochs[outliers.index],
        outlierScore=outliers.score,
        expected=found.expected.reshape(series.values.shape),
    )


def summarizeTrends(
    series: npt.ArrayLike,
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    nSeries: int | None = None,
    budgets: TrendBudgets | None = None,
) -> TrendSummaries:
    """Find change points, drifts and outliers in many series at once.

    Points may come in any order. In the search for change points and drifts those of the same series and time
    count once, by their median: they are not independent. Outliers are judged point by point, by the scatter
    of all points. Change points and drift are found in turn, since
    either looks like the other where it is not allowed for.

    Parameters
    ----------
    series
        Number of the series of each point, counted from 0, shape (nPoints,).
    times
        Shape (nPoints,) (days).
    values
        Shape (nPoints,) (any unit); those that are NaN, infinite or masked are left out.
    nSeries
        Number of series; by default one more than the largest number.
    budgets
        Accepted shares of false alarms, by default those of `TrendBudgets`.

    Returns
    -------
    summaries
        Of all series; those without a value have NaN and no alarms.

    Raises
    ------
    ValueError
        Raised if the arrays are not of one dimension and the same length, a time is not finite or masked, or
        a series is masked or not counted from 0 to nSeries.
    """
    numbers, days, measured = _checkPoints(series, times, values)
    num_series = int(numbers.max(initial=-1)) + 1 if nSeries is None else nSeries
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < num_series:
        raise ValueError(
            f"Expected numbers of series from 0 to {num_series - 1}, got {numbers.min()} to {numbers.max()}."
        )
    budgets = TrendBudgets() if budgets is None else budgets
    epochs = Epochs.fromPoints(numbers, days, measured, num_series)
    median, units = np.full((2, num_series), np.nan)
    expected_at = np.full(len(epochs.times), np.nan)
    drifts = Drifts.makeEmpty(num_series)
    changes = []
    for block in epochs.makeBlocks():
        # A power of 2 near the values, so that their squares neither overflow nor vanish.
        unit = _chooseUnits(block.values)
        column = unit[:, np.newaxis]
        scaled = replace(block, values=np.clip(block.values / column, -_LARGEST, _LARGEST))
        fit = _fitLevels(scaled, Noise.fromBlock(scaled), budgets)
        drift = driftAt(scaled, np.where(fit.drifts.isSignificant, fit.drifts.slope, 0.0))
        levels = _medianLevels(scaled, scaled.values - drift, fit.levels)
        median[block.series] = unit * rowMedians(scaled.values)
        units[block.series] = unit
        expected_at[epochs.flatten(block)] = (column * (drift + levels))[block.present]
        with np.errstate(over="ignore"):
            slope = unit * fit.drifts.slope
        slope[np.isinf(slope)] = np.nan
        drifts = drifts.replaceRows(block.series, replace(fit.drifts, slope=slope))
        changes.append(_describeChanges(block, fit, column * levels, column * drift))
    has_value = epochs.epochOfPoint >= 0
    expected = np.full(len(numbers), np.nan)
    expected[has_value] = expected_at[epochs.epochOfPoint[has_value]]
    unit_of_point = units[numbers[has_value]]
    scaled_values = np.clip(measured[has_value] / unit_of_point, -_LARGEST, _LARGEST)
    residuals = scaled_values - expected[has_value] / unit_of_point
    scatter = units * groupSpreads(residuals, numbers[has_value], num_series)
    return TrendSummaries(
        median=median,
        scatter=scatter,
        expected=expected,
        outliers=_findOutliers(numbers, measured, expected, scatter, budgets),
        changePoints=ChangePoints.join(changes),
        drifts=drifts,
    )


def _checkPoints(
    series: npt.ArrayLike, times: npt.ArrayLike, values: npt.ArrayLike
) -> tuple[IndexArray, FloatArray, FloatArray]:
    """Return the arrays of the points, NaN where values are masked."""
    # NaN where masked, and then no whole number and no time.
    numbers = fillMasked(series)
    if numbers.size and not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"Expected whole numbers of series, got {numbers.dtype}.")
    days, measured = (fillMasked(column).astype(np.float64) for column in (times, values))
    shapes = (numbers.shape, days.shape, measured.shape)
    if days.ndim != 1 or len(set(shapes)) != 1:
        raise ValueError(f"Expected series, times and values of the same shape (n,), got {shapes}.")
    bad = np.flatnonzero(~np.isfinite(days))
    if len(bad):
        raise ValueError(f"Expected finite times, got {days[bad[0]]} at point {bad[0]} ({len(bad)} in all).")
    return numbers.astype(np.intp), days, measured


def _chooseUnits(values: FloatArray) -> FloatArray:
    """Return for each row a power of 2 near its typical absolute value; shape (s,)."""
    sizes = np.abs(values)
    typical = rowMedians(sizes)
    largest = np.max(sizes, axis=1, where=~np.isnan(sizes), initial=0.0)
    typical = np.where(typical > 0, typical, largest)
    exponents = np.clip(np.frexp(typical)[1], -1000, 1000)
    return np.ldexp(1.0, exponents)


def _fitLevels(block: Block, noise: Noise, budgets: TrendBudgets) -> _Levels:
    """Find change points and drift in turn, until they agree.

    A drift looks like a staircase to those who look for steps. Where there are steps, the slope between them
    is taken off, significant or not; the result counts if the slope is significant then, else the first one.
    """
    slopes = np.zeros(len(block.series))
    first = fit = _fitOnce(block, noise, budgets, slopes)
    for _ in range(1, _MAX_PASSES):
        tried = np.where(fit.drifts.isSignificant | (fit.levels[:, -1] > 0), fit.drifts.slope, 0.0)
        tried[np.isnan(tried)] = 0.0
        rows = np.flatnonzero(tried != slopes)
        if not len(rows):
            break
        slopes = tried
        fit = fit.replaceRows(rows, _fitOnce(block.take(rows), noise.take(rows), budgets, slopes[rows]))
    kept = np.flatnonzero(~fit.drifts.isSignificant)
    return fit.replaceRows(kept, first.take(kept))


def _fitOnce(block: Block, noise: Noise, budgets: TrendBudgets, slopes: FloatArray) -> _Levels:
    """Find change points after taking off drifts, and measure the drifts between them."""
    flat = block.values - driftAt(block, slopes)
    scores = np.zeros(flat.shape)
    changes = findChanges(flat, block, noise, budgets.changeThresholds(block.counts))
    for row, (columns, found) in enumerate(changes):
        scores[row, columns] = found
    levels = np.cumsum(scores > 0, axis=1)
    drifts = measureDrifts(block, noise, levels, budgets.driftThresholds(block.counts))
    return _Levels(levels=levels, scores=scores, drifts=drifts)


def _medianLevels(block: Block, values: FloatArray, levels: IndexArray) -> FloatArray:
    """Return the median of the level of each epoch, shape (s, n)."""
    rows, columns = np.nonzero(block.present)
    group = rows * block.width + levels[rows, columns]
    flat = values[rows, columns]
    # Groups are in the order of the cells already.
    medians, counts = runMedians(flat[np.lexsort((flat, group))], startsOfRuns(group))
    level: FloatArray = np.full(values.shape, np.nan)
    level[rows, columns] = np.repeat(medians, counts)
    return level


def _describeChanges(block: Block, fit: _Levels, levels: FloatArray, drift: FloatArray) -> ChangePoints:
    """List the change points of the series of a block."""
    rows, columns = np.nonzero(fit.scores)
    return ChangePoints(
        series=block.series[rows],
        time=block.times[rows, columns],
        before=levels[rows, columns - 1] + drift[rows, columns],
        after=levels[rows, columns] + drift[rows, columns],
        score=fit.scores[rows, columns],
    )


def _findOutliers(
    series: IndexArray, values: FloatArray, expected: FloatArray, scatter: FloatArray, budgets: TrendBudgets
) -> OutlyingValues:
    """List the points that are farther from their level than the budget allows."""
    points = np.flatnonzero(np.isfinite(expected))
    series, values, expected = series[points], values[points], expected[points]
    counts = np.bincount(series, minlength=len(scatter))
    # Equal values have no scatter, and differ from their level by rounding at most.
    rounding = 16 * np.finfo(float).eps * np.maximum(np.abs(values), np.abs(expected))
    error = np.maximum(np.maximum(scatter[series], rounding), np.finfo(float).tiny)
    # The difference of halves does not overflow.
    score = (values / 2 - expected / 2) / (error / 2)
    far = np.abs(score) > budgets.outlierThresholds(counts)[series]
    return OutlyingValues(index=points[far], series=series[far], score=score[far])
