# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a plot of a trend shows: places of epochs, bands, lines and ranges."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.amps import FAILED
from lsst.analysis.cp.core.history import TrendFindings, TrendSeries
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IdArray, IndexArray

from .text import changeEvents, rankFailing

__all__ = [
    "AXIS_KINDS",
    "TrendAxis",
    "TrendBand",
    "TrendView",
    "chooseNamed",
    "chooseRange",
    "findEpochGaps",
    "makeBands",
    "padSegment",
    "placeEpochs",
    "splitSegments",
]

AXIS_KINDS = ("auto", "time", "sequence")
"""What the axis shows; "auto" is time, unless most of it would be empty."""

MJD_OF_1970 = 40587.0
"""The date from which matplotlib counts days."""

_GAP_FACTOR = 3.0
"""Length of a gap, in usual distances of days with data."""

_SHORTEST_GAP = 2.5
"""Length of the shortest gap, days: a night without data is none."""

_LEAST_OCCUPIED = 0.15
"""Part of an axis of time that has data, at least; else epochs are shown in order."""

_MOST_TICKS = 7
_BREAK = 0.06
"""Width of a gap in a sequence, in parts of the axis, unless an epoch is wider."""

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Shares of the series below each line of a band."""

_REACH = 2.0
"""How far beyond the bulk the axis goes to hold single values of named series, in heights of the bulk."""

_LEVEL_REACH = 5.0
"""The same to hold their levels."""

_LIMIT_REACH = 1.5
"""How far beyond the values the axis goes to hold the threshold, in heights of what is shown."""

_MARGIN = 0.06


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendAxis:
    """Places of epochs.

    Parameters
    ----------
    x
        Place of each epoch, shape (nEpochs,), increasing: days since 1970 if ``isTime``, else a count from 0.
    isTime
        Whether places are dates.
    segments
        Runs of epochs without a gap, as slices.
    gapEdges
        Places between which there is nothing, shape (nGaps, 2).
    gapDays
        Length of each gap, shape (nGaps,), days.
    limits
        Ends of the axis.
    ticks, tickLabels
        Places and labels of a sequence; empty for dates.
    label
        What the axis shows.
    """

    x: FloatArray
    isTime: bool
    segments: tuple[slice, ...]
    gapEdges: FloatArray
    gapDays: FloatArray
    limits: tuple[float, float]
    ticks: FloatArray
    tickLabels: tuple[str, ...]
    label: str

    @property
    def halfWidth(self) -> float:
        """Half of the width by which a single epoch is shown."""
        width = 0.006 * (self.limits[1] - self.limits[0])
        if len(self.x) < 2:
            return width
        return min(0.5 * float(np.median(np.diff(self.x))), width)


def findEpochGaps(mjd: FloatArray, gapDays: float | None = None) -> IndexArray:
    """Find the epochs before which there is nothing for a long time.

    Parameters
    ----------
    mjd
        Times of the epochs, shape (nEpochs,), days, increasing.
    gapDays
        Shortest gap, days; three times the usual distance of days with data, but not less than 2.5, if None.

    Returns
    -------
    after
        Index of the first epoch after each gap.
    """
    spacing = np.diff(mjd)
    if gapDays is not None:
        return np.flatnonzero(spacing > gapDays) + 1
    between_days = spacing[spacing > 0.5]
    usual = float(np.median(between_days)) if len(between_days) >= 3 else 0.0
    return np.flatnonzero(spacing > max(_GAP_FACTOR * usual, _SHORTEST_GAP)) + 1


def placeEpochs(series: TrendSeries, kind: str = "auto", gapDays: float | None = None) -> TrendAxis:
    """Place epochs on an axis on which gaps are visible.

    Parameters
    ----------
    series
        The histories.
    kind
        What the axis shows, one of `AXIS_KINDS`.
    gapDays
        Shortest gap, days; see `findEpochGaps`.

    Returns
    -------
    axis
        The places.
    """
    mjd = series.mjd
    starts = findEpochGaps(mjd, gapDays)
    edges = [0, *starts.tolist(), len(mjd)]
    segments = tuple(slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True) if b > a)
    gap_days = mjd[starts] - mjd[starts - 1]
    if kind == "auto":
        kind = "time" if _isFilled(series, float(gap_days.sum())) else "sequence"
    is_time = kind == "time"
    ticks = np.array([])
    labels: tuple[str, ...] = ()
    if is_time:
        x = mjd - MJD_OF_1970
    else:
        # Epochs are counted, with more room at gaps.
        step = np.ones(len(mjd))
        step[starts] = max(2.0, _BREAK * len(mjd))
        step[:1] = 0.0
        x = np.cumsum(step)
        ticks, labels = _sequenceTicks(series, x, segments)
    return TrendAxis(
        x=x,
        isTime=is_time,
        segments=segments,
        gapEdges=np.stack([x[starts - 1], x[starts]], axis=1).reshape(-1, 2),
        gapDays=gap_days,
        limits=_padLimits(x, 0.0 if is_time else 0.5),
        ticks=ticks,
        tickLabels=labels,
        label="Time (TAI)" if is_time else f"{series.epochNoun.capitalize()}, in order",
    )


def padSegment(axis: TrendAxis, segment: slice) -> tuple[FloatArray, IndexArray]:
    """Widen a run of epochs by half an epoch at its ends, so that a single one has a width.

    Parameters
    ----------
    axis
        Places of the epochs.
    segment
        The run.

    Returns
    -------
    x
        Places, two more than epochs.
    index
        Epoch at each place.
    """
    index = np.arange(segment.start, segment.stop)
    x = axis.x[index]
    half = axis.halfWidth
    return np.concatenate([[x[0] - half], x, [x[-1] + half]]), index[[0, *range(len(index)), -1]]


def splitSegments(segments: Sequence[slice], known: BoolArray) -> list[slice]:
    """Split runs of epochs at those without a value.

    Parameters
    ----------
    segments
        The runs.
    known
        Whether there is a value, shape (nEpochs,).

    Returns
    -------
    runs
        Runs with values only.
    """
    runs = []
    for segment in segments:
        places = np.flatnonzero(known[segment]) + segment.start
        parts = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
        runs += [slice(int(part[0]), int(part[-1]) + 1) for part in parts if len(part)]
    return runs


def _isFilled(series: TrendSeries, emptyDays: float) -> bool:
    """Tell whether an axis of time shows epochs apart."""
    span = float(np.ptp(series.mjd)) if series.nEpochs else 0.0
    if series.epochKind == "exposure" and span > 1.0:
        return False
    return span == 0.0 or 1.0 - emptyDays / span >= _LEAST_OCCUPIED


def _sequenceTicks(
    series: TrendSeries, x: FloatArray, segments: Sequence[slice]
) -> tuple[FloatArray, tuple[str, ...]]:
    """Label the first epoch of every segment, and others evenly as far as there is room."""
    if len(x) == 0:
        return np.array([]), ()
    ids = series.exposure if series.epochKind == "exposure" and series.exposure.any() else series.dayObs
    stride = max(1, -(-len(x) // _MOST_TICKS))
    wanted = [i for part in segments for i in range(part.start, part.stop, stride)]
    room = (x[-1] - x[0]) / (_MOST_TICKS + 1)
    chosen: list[int] = []
    for i in wanted:
        if not chosen or x[i] - x[chosen[-1]] >= room:
            chosen.append(i)
    return x[chosen], tuple(str(ids[i]) for i in chosen)


def _padLimits(x: FloatArray, least: float) -> tuple[float, float]:
    """Return limits with a margin of a fiftieth of the range, but not less than given."""
    if len(x) == 0:
        return 0.0, 1.0
    pad = max(least, 0.02 * float(x[-1] - x[0])) or 0.5
    return float(x[0]) - pad, float(x[-1]) + pad


@dataclass(frozen=True, eq=False)
class TrendBand:
    """Distribution of the series of one kind at each epoch.

    Parameters
    ----------
    label
        The kind.
    nSeries
        Number of series.
    quantiles
        `QUANTILES` of the values, shape (5, nEpochs); NaN where there is no value.
    """

    label: str
    nSeries: int
    quantiles: FloatArray

    @property
    def median(self) -> FloatArray:
        """Median of the series at each epoch, shape (nEpochs,)."""
        return self.quantiles[2]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendView:
    """What a plot of a trend shows.

    Parameters
    ----------
    series
        The histories.
    findings
        What was found in them.
    axis
        Places of the epochs.
    bands
        Distributions, if there are more series than lines.
    named
        Index of each series that is drawn as a line, the one to look at first before the others.
    yLimits
        Ends of the axis of values.
    yLabel
        What the values are, with unit.
    noun
        What a series is, in the singular.
    thresholdLabel
        What a good value is; empty without a threshold.
    failsAbove
        Whether the values above the threshold fail, or those below.
    title, headline, provenance
        Lines at the top.
    lists
        Title and lines of each list beside the plot.
    message
        Why there is nothing to see; empty if there is something.
    """

    series: TrendSeries
    findings: TrendFindings
    axis: TrendAxis
    bands: tuple[TrendBand, ...]
    named: IndexArray
    yLimits: tuple[float, float]
    yLabel: str
    noun: str
    thresholdLabel: str
    failsAbove: bool
    title: str
    headline: str
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    message: str

    @property
    def nFailing(self) -> IdArray:
        """Number of series that failed at each epoch, shape (nEpochs,)."""
        return np.sum(self.series.status == FAILED, axis=0)

    @property
    def isAlarming(self) -> bool:
        """Whether something was found, or failed on the last epoch."""
        return bool(self.findings.interest.any() or (self.series.lastStatus == FAILED).any())

    @property
    def showsThreshold(self) -> bool:
        """Whether the threshold lies on the axis."""
        return bool(
            np.any((self.series.threshold >= self.yLimits[0]) & (self.series.threshold <= self.yLimits[1]))
        )

    @property
    def nChanging(self) -> IdArray:
        """Number of series of which a change point is at each epoch, shape (nEpochs,)."""
        return np.bincount(self.findings.changeEpoch, minlength=self.series.nEpochs)


def makeBands(series: TrendSeries, nLines: int) -> tuple[TrendBand, ...]:
    """Describe more series than can be drawn by their quantiles, for each kind of sensor.

    Parameters
    ----------
    series
        The histories.
    nLines
        Number of series up to which each is drawn as a line, and there is no band.

    Returns
    -------
    bands
        One for each kind, in the order of their numbers of series.
    """
    if series.nSeries <= nLines or not series.hasValues:
        return ()
    kinds, counts = np.unique(series.groups, return_counts=True)
    bands = []
    for i in np.argsort(-counts, kind="stable"):
        values = series.values[series.groups == kinds[i]]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
            # Quantiles are values, taken inwards: the one outlier of a few values is in none.
            low = np.nanquantile(values, QUANTILES[:2], axis=0, method="higher")
            median = np.nanmedian(values, axis=0, keepdims=True)
            high = np.nanquantile(values, QUANTILES[3:], axis=0, method="lower")
        quantiles = np.concatenate([np.minimum(low, median), median, np.maximum(high, median)])
        bands.append(TrendBand(str(kinds[i]), int(counts[i]), quantiles))
    return tuple(bands)


def chooseNamed(series: TrendSeries, findings: TrendFindings, nLines: int) -> IndexArray:
    """Choose the series to draw as lines.

    Parameters
    ----------
    series
        The histories.
    findings
        What was found in them.
    nLines
        Number of lines at most.

    Returns
    -------
    named
        All series if they are no more. Else those in which something was found or that failed: the strongest
        of each kind of finding, and of those that changed together, before the second of any.
    """
    if not series.hasValues:
        return np.empty(0, dtype=np.intp)
    if series.nSeries <= nLines:
        return np.arange(series.nSeries)
    rows = np.arange(series.nSeries)
    ranked = [
        _rank(rows, np.where(findings.drifting, findings.driftScore, 0.0)),
        _rank(rows, np.where(findings.outlying, findings.outlyingScore, 0.0)),
        _rank(findings.outlierSeries, findings.outlierScore),
        rankFailing(series),
        *(
            _rank(findings.changeSeries, np.where(findings.changeEpoch == epoch, findings.changeScore, 0.0))
            for epoch in changeEvents(findings)
        ),
    ]
    turns = [index for turn in itertools.zip_longest(*ranked) for index in turn if index is not None]
    return np.array(list(dict.fromkeys(turns))[:nLines], dtype=np.intp)


def _rank(rows: IndexArray, scores: FloatArray) -> list[int]:
    """Return the rows with a score, the highest first."""
    order = np.argsort(-np.abs(scores), kind="stable")
    return rows[order[scores[order] != 0]].tolist()


def chooseRange(
    series: TrendSeries,
    findings: TrendFindings,
    bands: Sequence[TrendBand],
    named: IndexArray,
    axisMin: float | None,
    axisMax: float | None,
) -> tuple[float, float]:
    """Choose the range of values, which a few outliers cannot stretch, and which has the threshold if it can.

    Parameters
    ----------
    series
        The histories.
    findings
        What was found in them.
    bands
        Distributions that are drawn.
    named
        Series that are drawn as lines.
    axisMin, axisMax
        Ends that the caller wants.

    Returns
    -------
    limits
        The range.
    """
    bulk = np.concatenate(
        [band.quantiles[[0, -1]].ravel() for band in bands] or [series.values[named].ravel()]
    )
    bulk = bulk[np.isfinite(bulk)]
    if len(bulk) == 0:
        return _keepEnds((0.0, 1.0), axisMin, axisMax)
    # One epoch gone wrong must not hide the others, whichever way it is drawn.
    low, high = np.percentile(bulk, [1.0, 99.0]).tolist()
    height = high - low
    parts = ((bulk, _REACH), (series.values[named], _REACH), (findings.expected[named], _LEVEL_REACH))
    shown = np.concatenate(
        [values[np.isfinite(values) & _isNear(values, low, high, reach * height)] for values, reach in parts]
    )
    low, high = float(shown.min()), float(shown.max())
    height = (high - low) or 0.05 * abs(high) or 1.0
    thresholds = series.threshold[np.isfinite(series.threshold)]
    near = thresholds[_isNear(thresholds, low, high, _LIMIT_REACH * height)].tolist()
    low, high = min(low, *near, low), max(high, *near, high)
    margin = _MARGIN * ((high - low) or height)
    return _keepEnds((low - margin, high + margin), axisMin, axisMax)


def _isNear(values: FloatArray, low: float, high: float, reach: float) -> BoolArray:
    """Tell which values are within a reach of a range; if that is 0, all are."""
    if reach == 0:
        return np.ones(values.shape, dtype=bool)
    return (values >= low - reach) & (values <= high + reach)


def _keepEnds(
    limits: tuple[float, float], axisMin: float | None, axisMax: float | None
) -> tuple[float, float]:
    """Use the ends that are wanted, and keep the range from being empty."""
    low = limits[0] if axisMin is None else axisMin
    high = limits[1] if axisMax is None else axisMax
    if low < high:
        return low, high
    width = limits[1] - limits[0]
    return (low, low + width) if axisMax is None else (high - width, high)
