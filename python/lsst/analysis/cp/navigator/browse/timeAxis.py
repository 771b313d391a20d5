# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The axis of a time line: which part of time is shown, its ticks, and where ranges are on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from matplotlib.dates import AutoDateLocator

from .validity import ALWAYS, Validity, formatTime

__all__ = ["Place", "TimeAxis", "chooseWindow", "packLanes"]

_DAY = 86_400 * 10**9
_MARGIN = 0.03
_TOO_FAR = 3
"""Spans of the other ends beyond which the present time, or a far end of a range, is not shown."""


class Place(NamedTuple):
    """Where a range is on an axis, %.

    Parameters
    ----------
    x, width
        Its left end and its width.
    isCutLeft, isCutRight
        Whether it goes on beyond the axis.
    """

    x: float
    width: float
    isCutLeft: bool
    isCutRight: bool


@dataclass(frozen=True)
class TimeAxis:
    """A part of time that is shown.

    Parameters
    ----------
    window
        Begin and end.
    """

    window: Validity

    def at(self, time: int) -> float | None:
        """Find where a time is, %; None if it is not shown."""
        begin, end = self.window
        return round(100 * (time - begin) / (end - begin), 3) if begin <= time <= end else None

    def place(self, validity: Validity) -> Place | None:
        """Find where a range is; None if no part of it is shown."""
        begin, end = (max(validity.begin, self.window.begin), min(validity.end, self.window.end))
        left, right = self.at(begin), self.at(end)
        if left is None or right is None or begin >= end:
            return None
        return Place(
            left,
            round(right - left, 3),
            validity.begin < self.window.begin or not validity.hasBegin,
            validity.end > self.window.end or not validity.hasEnd,
        )

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Places (%) and texts of about five round times."""
        begin, end = (datetime.fromtimestamp(time / 1e9, UTC).replace(tzinfo=None) for time in self.window)
        days = AutoDateLocator(minticks=3, maxticks=6).tick_values(begin, end)
        # To the microsecond: these are numbers of days.
        times = [round(day * _DAY / 1000) * 1000 for day in days]
        shown = [(x, time) for time in times if (x := self.at(time)) is not None]
        has_clock = any(time % _DAY for _, time in shown)
        return [(x, _shorten(formatTime(time), has_clock)) for x, time in shown]

    def zoom(self, factor: float) -> Validity:
        """Give the window that has the same middle and another width."""
        begin, end = self.window
        half = max(round((end - begin) * factor / 2), 1)
        return _bound(begin + (end - begin) // 2 - half, begin + (end - begin) // 2 + half)

    def shift(self, fraction: float) -> Validity:
        """Give the window that is earlier or later by a fraction of its width."""
        begin, end = self.window
        step = round((end - begin) * fraction)
        step = min(max(step, ALWAYS.begin - begin), ALWAYS.end - end)
        return Validity(begin + step, end + step)


def _shorten(text: str, has_clock: bool) -> str:
    return text.removesuffix(":00") if has_clock else text.partition("T")[0]


def _bound(begin: int, end: int) -> Validity:
    return Validity(max(begin, ALWAYS.begin), min(end, ALWAYS.end))


def chooseWindow(validities: Iterable[Validity], present: int) -> Validity:
    """Choose the part of time that shows where ranges of validity begin and end.

    Parameters
    ----------
    validities
        The ranges.
    present
        The present time, which is shown unless it is far away.

    Returns
    -------
    window
        It has all begins and ends but those that are far from the middle half of these: begins in 1980 and
        ends in 2050 are common, and mean no more than that there is none.
    """
    ends = np.array(
        sorted({time for each in validities for time in each if ALWAYS.begin < time < ALWAYS.end}),
        dtype=np.int64,
    )
    if len(ends):
        lower, upper = np.quantile(ends, [0.25, 0.75])
        far = _TOO_FAR * (upper - lower)
        ends = ends[(ends >= lower - far) & (ends <= upper + far)]
    begin, end = (int(ends[0]), int(ends[-1])) if len(ends) else (present, present)
    if begin == end or begin - _TOO_FAR * (end - begin) <= present <= end + _TOO_FAR * (end - begin):
        begin, end = min(begin, present), max(end, present)
    margin = round((end - begin) * _MARGIN) or _DAY
    return _bound(begin - margin, end + margin)


def packLanes(validities: Sequence[Validity]) -> list[int]:
    """Share out ranges to lanes, in which none overlaps another.

    Parameters
    ----------
    validities
        The ranges. Those that come first are in the upper lanes.

    Returns
    -------
    lanes
        The number of the lane of each.
    """
    lanes: list[list[Validity]] = []
    numbers = []
    for validity in validities:
        number = next(
            (i for i, lane in enumerate(lanes) if not any(validity.overlaps(other) for other in lane)),
            len(lanes),
        )
        if number == len(lanes):
            lanes.append([])
        lanes[number].append(validity)
        numbers.append(number)
    return numbers
