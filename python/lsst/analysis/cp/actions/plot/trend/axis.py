# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The axis of a plot of a trend: places of epochs, and gaps between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.history import TrendSeries
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray

__all__ = ["AXIS_KINDS", "TrendAxis", "findEpochGaps", "padSegment", "placeEpochs", "splitSegments"]

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
    """Find the first epoch after each gap between times in days, increasing, of shape (nEpochs,).

    The shortest gap has ``gapDays``; three times the usual distance of days with data, but not less than 2.5,
    if None.
    """
    spacing = np.diff(mjd)
    if gapDays is not None:
        return np.flatnonzero(spacing > gapDays) + 1
    between_days = spacing[spacing > 0.5]
    usual = float(np.median(between_days)) if len(between_days) >= 3 else 0.0
    return np.flatnonzero(spacing > max(_GAP_FACTOR * usual, _SHORTEST_GAP)) + 1


def placeEpochs(series: TrendSeries, kind: str = "auto", gapDays: float | None = None) -> TrendAxis:
    """Place epochs on an axis of one of `AXIS_KINDS`, on which gaps, see `findEpochGaps`, are visible."""
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

    The first array is the places, two more than epochs; the second is the epoch at each of them.
    """
    index = np.arange(segment.start, segment.stop)
    x, half = axis.x[index], axis.halfWidth
    return np.concatenate([[x[0] - half], x, [x[-1] + half]]), np.pad(index, 1, mode="edge")


def splitSegments(segments: Sequence[slice], known: BoolArray) -> list[slice]:
    """Split runs of epochs into such with values only, which are ``known``, shape (nEpochs,)."""
    runs = []
    for segment in segments:
        places = np.flatnonzero(known[segment]) + segment.start
        parts = np.split(places, np.flatnonzero(np.diff(places) > 1) + 1)
        runs += [slice(int(part[0]), int(part[-1]) + 1) for part in parts if len(part)]
    return runs


def _isFilled(series: TrendSeries, emptyDays: float) -> bool:
    """Tell whether an axis of time shows epochs apart; exposures of several days are too close together."""
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
