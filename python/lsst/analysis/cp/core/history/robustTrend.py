# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Summary of many histories: levels, scatter, outliers, gaps, change points and drifts."""

from __future__ import annotations

__all__ = ["Gaps", "Outliers", "TrendSummaries", "TrendSummary", "summarizeTrend", "summarizeTrends"]

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.typing import FloatArray, IdArray, IndexArray

from .blocks import Epochs
from .budgets import TrendBudgets
from .changePoints import ChangePoints
from .drift import Drifts
from .levelFit import BlockTrend, fitBlock

_GAP_RATIO = 5.0
"""Length of a gap, in median intervals between the times of a series."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outliers:
    """Points that are far from the level of their series.

    Parameters
    ----------
    index
        Place of the point in the arrays that were given, increasing, shape (nOutliers,).
    series
        Number of its series, shape (nOutliers,).
    expected
        Level at its time, shape (nOutliers,) (unit of the values).
    score
        Distance from it, with its sign, shape (nOutliers,) (scaled median absolute deviations).
    """

    index: IndexArray
    series: IndexArray
    expected: FloatArray
    score: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Gaps:
    """Intervals without points.

    Parameters
    ----------
    series
        Number of the series, shape (nGaps,).
    start, stop
        Last time before and first time after, shape (nGaps,) (days).
    """

    series: IndexArray
    start: FloatArray
    stop: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendSummaries:
    """What was found in many series.

    Parameters
    ----------
    nPoints
        Number of points with a finite value, shape (nSeries,).
    nTimes
        Number of their different times, shape (nSeries,).
    median
        Median of the values at the different times, shape (nSeries,) (unit of the values); NaN if there is
        none.
    spread
        Scaled median absolute deviation from the median, shape (nSeries,) (unit of the values): changes and
        drifts add to it. NaN if there is no value.
    scatter
        The same from the level and drift at each time, shape (nSeries,) (unit of the values); the root mean
        square where more than half of the values are equal.
    noise
        That of the first differences, divided by the square root of 2, shape (nSeries,) (unit of the values):
        the noise from one time to the next. The root mean square where more than half of them are equal.
    expected
        Level at the time of each point that was given, shape (nPoints given,) (unit of the values); NaN where
        the value is not finite.
    outliers, changePoints, drifts, gaps
        As their classes say.
    """

    nPoints: IdArray
    nTimes: IdArray
    median: FloatArray
    spread: FloatArray
    scatter: FloatArray
    noise: FloatArray
    expected: FloatArray
    outliers: Outliers
    changePoints: ChangePoints
    drifts: Drifts
    gaps: Gaps


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendSummary:
    """What was found in one series: the fields of `TrendSummaries`, one number each.

    The drift is one number a field, too; outliers, change points and gaps have a row each.
    """

    nPoints: int
    nTimes: int
    median: float
    spread: float
    scatter: float
    noise: float
    slope: float
    slopeLow: float
    slopeHigh: float
    significance: float
    isDrifting: bool
    expected: FloatArray
    outliers: Outliers
    changePoints: ChangePoints
    gaps: Gaps


def summarizeTrends(
    series: npt.ArrayLike,
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    nSeries: int | None = None,
    budgets: TrendBudgets | None = None,
    gapDays: float | None = None,
) -> TrendSummaries:
    """Find change points, drifts, outliers and gaps in many series at once.

    Points may come in any order. Those of the same series and time count once, by their median: they are
    not independent. Outliers are judged point by point. Change points and drift are found in turn, since
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
    gapDays
        Length from which an interval between times is a gap (days). By default 5 median intervals of the
        series.

    Returns
    -------
    summaries
        Of all series; those without a value have NaN and no alarms.

    Raises
    ------
    ValueError
        Raised if the arrays are not of one dimension and the same length, a time is not finite, a series is
        not counted from 0 to nSeries, or the gap is not positive.
    """
    if gapDays is not None and not gapDays > 0:
        raise ValueError(f"Expected a positive length of gaps, got {gapDays!r} days.")
    numbers, days, measured = _checkPoints(series, times, values)
    num_series = int(numbers.max(initial=-1)) + 1 if nSeries is None else nSeries
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < num_series:
        raise ValueError(
            f"Expected numbers of series from 0 to {num_series - 1}, got {numbers.min()} to {numbers.max()}."
        )
    budgets = TrendBudgets() if budgets is None else budgets
    epochs = Epochs.fromPoints(numbers, days, measured, num_series)
    trends = [fitBlock(block, budgets) for block in epochs.makeBlocks()]
    expected_at = np.full(len(epochs.times), np.nan)
    for trend in trends:
        expected_at[epochs.flatten(trend.block)] = trend.expected[trend.block.present]
    has_value = epochs.epochOfPoint >= 0
    expected = np.full(len(numbers), np.nan)
    expected[has_value] = expected_at[epochs.epochOfPoint[has_value]]
    scatter = _spreadOut(trends, "scatter", num_series)
    return TrendSummaries(
        nPoints=np.bincount(numbers[has_value], minlength=num_series),
        nTimes=np.diff(epochs.starts),
        median=_spreadOut(trends, "median", num_series),
        spread=_spreadOut(trends, "spread", num_series),
        scatter=scatter,
        noise=_spreadOut(trends, "noise", num_series),
        expected=expected,
        outliers=_findOutliers(numbers, measured, expected, scatter, budgets),
        changePoints=_joinChanges([trend.changes for trend in trends]),
        drifts=_joinDrifts(trends, num_series),
        gaps=_findGaps(epochs, gapDays),
    )


def summarizeTrend(
    times: npt.ArrayLike,
    values: npt.ArrayLike,
    *,
    budgets: TrendBudgets | None = None,
    gapDays: float | None = None,
) -> TrendSummary:
    """Find change points, drift, outliers and gaps in one series, as `summarizeTrends` does.

    Parameters
    ----------
    times
        Shape (nPoints,) (days).
    values
        Shape (nPoints,) (any unit); those that are NaN, infinite or masked are left out.
    budgets
        Accepted shares of false alarms, by default those of `TrendBudgets`.
    gapDays
        Length from which an interval between times is a gap (days). By default 5 median intervals.

    Returns
    -------
    summary
        What was found.

    Raises
    ------
    ValueError
        Raised if the arrays are not of one dimension and the same length, a time is not finite, or the gap is
        not positive.
    """
    many = summarizeTrends(
        np.zeros(np.shape(times), dtype=np.intp), times, values, nSeries=1, budgets=budgets, gapDays=gapDays
    )
    return TrendSummary(
        nPoints=int(many.nPoints[0]),
        nTimes=int(many.nTimes[0]),
        median=float(many.median[0]),
        spread=float(many.spread[0]),
        scatter=float(many.scatter[0]),
        noise=float(many.noise[0]),
        slope=float(many.drifts.slope[0]),
        slopeLow=float(many.drifts.low[0]),
        slopeHigh=float(many.drifts.high[0]),
        significance=float(many.drifts.significance[0]),
        isDrifting=bool(many.drifts.isSignificant[0]),
        expected=many.expected,
        outliers=many.outliers,
        changePoints=many.changePoints,
        gaps=many.gaps,
    )


def _checkPoints(
    series: npt.ArrayLike, times: npt.ArrayLike, values: npt.ArrayLike
) -> tuple[IndexArray, FloatArray, FloatArray]:
    """Return the arrays of the points, NaN where values are masked."""
    numbers = np.asarray(series)
    if numbers.size and not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(f"Expected whole numbers of series, got {numbers.dtype}.")
    days = np.asarray(times, dtype=np.float64)
    measured = np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)
    shapes = (numbers.shape, days.shape, measured.shape)
    if days.ndim != 1 or len(set(shapes)) != 1:
        raise ValueError(f"Expected series, times and values of the same shape (n,), got {shapes}.")
    bad = np.flatnonzero(~np.isfinite(days))
    if len(bad):
        raise ValueError(f"Expected finite times, got {days[bad[0]]} at point {bad[0]} ({len(bad)} in all).")
    return numbers.astype(np.intp), days, measured


def _joinChanges(parts: Sequence[ChangePoints]) -> ChangePoints:
    """Join the change points of all blocks, by series and time."""
    names = [field.name for field in fields(ChangePoints)]
    columns = {name: np.concatenate([np.empty(0), *(getattr(p, name) for p in parts)]) for name in names}
    order = np.lexsort((columns["time"], columns["series"]))
    series = columns.pop("series")[order].astype(np.intp)
    return ChangePoints(series=series, **{name: column[order] for name, column in columns.items()})


def _joinDrifts(trends: Sequence[BlockTrend], nSeries: int) -> Drifts:
    """Join the drifts of all blocks."""
    drifts = Drifts.makeEmpty(nSeries)
    for trend in trends:
        drifts = drifts.replaceRows(trend.block.series, trend.drifts)
    return drifts


def _spreadOut(trends: Sequence[BlockTrend], name: str, nSeries: int) -> FloatArray:
    """Return a number of each series; NaN for those without a value."""
    numbers = np.full(nSeries, np.nan)
    for trend in trends:
        numbers[trend.block.series] = getattr(trend, name)
    return numbers


def _findOutliers(
    series: IndexArray,
    values: FloatArray,
    expected: FloatArray,
    scatter: FloatArray,
    budgets: TrendBudgets,
) -> Outliers:
    """List the points that are farther from their level than the budget allows."""
    points = np.flatnonzero(np.isfinite(expected))
    series, values, expected = series[points], values[points], expected[points]
    counts = np.bincount(series, minlength=len(scatter))
    rounding = 16 * np.finfo(float).eps * np.maximum(np.abs(values), np.abs(expected))
    error = np.maximum(np.maximum(scatter[series], rounding), np.finfo(float).tiny)
    score = (values - expected) / error
    far = np.abs(score) > budgets.outlierThresholds(counts)[series]
    return Outliers(index=points[far], series=series[far], expected=expected[far], score=score[far])


def _findGaps(epochs: Epochs, gapDays: float | None) -> Gaps:
    """List the long intervals between the times of each series."""
    series = np.repeat(np.arange(len(epochs.starts) - 1), np.diff(epochs.starts))
    inside = np.flatnonzero(np.diff(series) == 0)
    intervals = epochs.times[inside + 1] - epochs.times[inside]
    limits = np.full(len(intervals), np.inf if gapDays is None else gapDays)
    if gapDays is None and len(inside):
        group = series[inside]
        ordered = intervals[np.lexsort((intervals, group))]
        first = np.flatnonzero(np.diff(group, prepend=-1))
        counts = np.diff(np.append(first, len(group)))
        limits = np.repeat(_GAP_RATIO * ordered[first + (counts - 1) // 2], counts)
    is_gap = intervals >= limits
    found = inside[is_gap]
    return Gaps(series=series[found], start=epochs.times[found], stop=epochs.times[found + 1])
