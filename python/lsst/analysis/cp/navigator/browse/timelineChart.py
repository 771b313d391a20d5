# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a time line of calibrations shows and where: numbers for a drawing and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from .timeAxis import Place, TimeAxis, packLanes
from .timeline import DataKey, Gap, Period, Step, Timeline
from .validity import Validity

__all__ = ["Bar", "Chart", "Part", "TypeChart", "makeChart"]

_HEAD, _LANE, _STRIP, _SPACE = 22, 20, 9, 12
"""Heights of the name of a type, of a lane with bars, of the strip of gaps, and of what is between; px."""

_AXIS = 22


class Part(NamedTuple):
    """A part of a bar, or a gap.

    Parameters
    ----------
    place
        Where it is.
    kind
        ``all``, ``some`` or ``none`` of the detectors that the bar stands for.
    """

    place: Place
    kind: str


class Bar(NamedTuple):
    """A period that is drawn.

    Parameters
    ----------
    period
        The period.
    place
        Where it is.
    y
        Its upper edge, px.
    parts
        Its parts, by how many of its calibrations are found.
    missing
        Data IDs that have calibrations in other periods, and none in this one.
    """

    period: Period
    place: Place
    y: int
    parts: tuple[Part, ...]
    missing: tuple[DataKey, ...]

    @property
    def n(self) -> int:
        """Number of its calibrations."""
        return len(self.period.datasets)

    @property
    def nExpected(self) -> int:
        """Number of calibrations that there might be."""
        return self.n + len(self.missing)


@dataclass(frozen=True)
class TypeChart:
    """The part of a chart that shows a dataset type.

    Parameters
    ----------
    timeline
        All of the type.
    y
        Upper edge, px.
    bars
        The periods that are drawn, in the order of time.
    gaps
        The gaps that are listed.
    lacking
        Numbers of data IDs without a valid calibration, and where they are drawn.
    yLacking
        Upper edge of these, px.
    first
        Number of periods that come before those that are drawn.
    nPeriods, nGaps
        Number of periods, and of gaps, that are in the window.
    """

    timeline: Timeline
    y: int
    bars: tuple[Bar, ...]
    gaps: tuple[Gap, ...]
    lacking: tuple[tuple[Step, Part], ...]
    yLacking: int
    first: int
    nPeriods: int
    nGaps: int

    @property
    def last(self) -> int:
        """Number of periods up to the last that is drawn."""
        return self.first + len(self.bars)


@dataclass(frozen=True)
class Chart:
    """A time line.

    Parameters
    ----------
    axis
        The part of time that is shown.
    types
        One for each dataset type, from above.
    height
        px; the axis is in the last ones.
    """

    axis: TimeAxis
    types: tuple[TypeChart, ...]
    height: int

    @property
    def yAxis(self) -> int:
        """Upper edge of the texts at the axis, px."""
        return self.height - _AXIS


def makeChart(timelines: Sequence[Timeline], window: Validity, *, first: int = 0, limit: int = 50) -> Chart:
    """Find where to draw periods and gaps.

    Parameters
    ----------
    timelines
        One for each dataset type.
    window
        The part of time that is shown.
    first
        Number of periods of each type that are left out, from the begin on.
    limit
        Number of periods, and of gaps, of each type that are drawn.

    Returns
    -------
    chart
        The chart.
    """
    axis = TimeAxis(window)
    types = []
    y = 0
    for timeline in timelines:
        shown = sorted(
            (period for period in timeline.periods if period.validity.overlaps(window)),
            key=lambda period: (period.validity, period.run),
        )
        bars, n_lanes = _makeBars(timeline, shown[first : first + limit], axis, y + _HEAD)
        y_lacking = y + _HEAD + n_lanes * _LANE
        gaps = [gap for gap in timeline.gaps if gap.validity.overlaps(window)]
        lacking = tuple(_placeLacking(timeline, axis))
        types.append(
            TypeChart(
                timeline, y, bars, tuple(gaps[:limit]), lacking, y_lacking, first, len(shown), len(gaps)
            )
        )
        y = y_lacking + (_STRIP if lacking else 0) + _SPACE
    return Chart(axis, tuple(types), y + _AXIS)


def _makeBars(
    timeline: Timeline, periods: Sequence[Period], axis: TimeAxis, y: int
) -> tuple[tuple[Bar, ...], int]:
    """Place bars, those of the collections that are searched first above; return the number of lanes, too."""
    by_rank = sorted(periods, key=lambda period: period.rank)
    lanes: dict[int, int] = {}
    n_lanes = 0
    for _, group in groupby(by_rank, key=lambda period: period.rank):
        of_collection = list(group)
        packed = packLanes([period.validity for period in of_collection])
        lanes |= {id(period): n_lanes + lane for period, lane in zip(of_collection, packed, strict=True)}
        n_lanes += max(packed) + 1
    bars = []
    for period in periods:
        place = axis.place(period.validity)
        assert place is not None
        n = len(period.datasets)
        parts = tuple(
            Part(where, _nameKind(step.n, n))
            for step in period.found
            if (where := axis.place(step.validity)) is not None
        )
        missing = tuple(timeline.findMissing(period))
        bars.append(Bar(period, place, y + lanes[id(period)] * _LANE, parts, missing))
    return tuple(bars), max(n_lanes, 1)


def _placeLacking(timeline: Timeline, axis: TimeAxis) -> Iterator[tuple[Step, Part]]:
    for step in timeline.lacking:
        place = axis.place(step.validity)
        if place is not None:
            yield step, Part(place, _nameKind(step.n, len(timeline.keys)))


def _nameKind(n: int, nAll: int) -> str:
    return "all" if n == nAll else "some" if n else "none"
