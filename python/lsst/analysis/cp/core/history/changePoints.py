# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Change points of many histories: where the level of a metric changes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np

from lsst.analysis.cp.core.typing import FloatArray, IndexArray

from .noise import MIN_SEGMENT, Block, Noise, sumValues

__all__ = ["ChangePoints", "findChanges", "largestContrasts"]

_GROWTH = math.sqrt(2)
"""Ratio of the lengths of intervals."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ChangePoints:
    """Changes of level, by series and time.

    Parameters
    ----------
    series
        Number of the series, shape (nChanges,).
    time
        First time at the new level, shape (nChanges,) (days).
    before, after
        Level on either side, at ``time``: the medians of the values from the change before and to the one
        after, each along the drift if it is significant, shape (nChanges,) (unit of the values).
    score
        Significance of the change, shape (nChanges,) (standard deviations of the noise, correlated noise
        included).
    """

    series: IndexArray
    time: FloatArray
    before: FloatArray
    after: FloatArray
    score: FloatArray

    @property
    def step(self) -> FloatArray:
        """Change of the level, shape (nChanges,) (unit of the values)."""
        return self.after - self.before

    @classmethod
    def join(cls, parts: Sequence[ChangePoints]) -> ChangePoints:
        """Join the change points of any number of blocks, and sort them by series and time."""
        names = [field.name for field in fields(cls)]
        columns = {name: np.concatenate([np.empty(0), *(getattr(p, name) for p in parts)]) for name in names}
        order = np.lexsort((columns["time"], columns["series"]))
        series = columns.pop("series")[order].astype(np.intp)
        return cls(series=series, **{name: column[order] for name, column in columns.items()})


@dataclass(frozen=True, kw_only=True, eq=False)
class _Intervals:
    """Intervals of one length, and the largest squared score and its place in each, shape (s, nIntervals)."""

    starts: IndexArray
    stops: IndexArray
    ratios: FloatArray
    places: IndexArray


def largestContrasts(values: FloatArray, block: Block, noise: Noise) -> FloatArray:
    """Return the score of the most significant change of each series, 0 if it is too short; shape (s,)."""
    sums = sumValues(values, noise.point)
    largest = np.zeros(len(values))
    for intervals in _scanIntervals(sums, block, noise):
        np.maximum(largest, intervals.ratios.max(axis=1), out=largest)
    return np.sqrt(largest)


def findChanges(
    values: FloatArray, block: Block, noise: Noise, thresholds: FloatArray
) -> list[tuple[IndexArray, FloatArray]]:
    """Find the change points of each series.

    A change is looked for in intervals of all lengths and places (seeded intervals, Kovacs et al. 2023,
    doi:10.1093/biomet/asac052), by the difference of the means on either side. Of the intervals with a
    significant difference the shortest is trusted first (narrowest over threshold, Baranowski et al. 2019,
    doi:10.1111/rssb.12322). Places are then chosen anew between the neighbouring changes, and what is not
    significant there is dropped.

    Parameters
    ----------
    values
        Shape (s, n); NaN before the first epoch of a series.
    block
        The series.
    noise
        Their noise.
    thresholds
        Score that a change needs, shape (s,) (standard deviations).

    Returns
    -------
    changes
        For each series the columns of the first epochs at a new level, and their scores.
    """
    sums = sumValues(values, noise.point)
    scans = list(_scanIntervals(sums, block, noise))
    limits = thresholds**2
    none = (np.empty(0, dtype=np.intp), np.empty(0))
    changes = [none] * len(values)
    exceeding = np.zeros(len(values), dtype=bool)
    for scan in scans:
        exceeding |= scan.ratios.max(axis=1) > limits
    for row in np.flatnonzero(exceeding):
        statistic = _RowContrast(sums[row], float(noise.white[row]), float(noise.flicker[row]))
        places = _selectNarrowest(scans, int(row), float(limits[row]))
        changes[row] = statistic.refine(int(block.first[row]), places, float(limits[row]))
    return changes


def _scanIntervals(sums: FloatArray, block: Block, noise: Noise) -> Iterator[_Intervals]:
    """Yield the intervals of each length, from short to long, with the largest contrast in each.

    Intervals of a length overlap by half and cover the series, so that each change is near the middle of one
    that holds no other change, if there is room.
    """
    length = 2 * MIN_SEGMENT
    while block.width >= 2 * MIN_SEGMENT:
        length = min(length, block.width)
        number = 1 + math.ceil((block.width - length) / (length / 2))
        starts = np.round(np.linspace(0, block.width - length, number)).astype(np.intp)
        yield _scanLength(sums, block, noise, starts, length)
        if length == block.width:
            return
        length = math.ceil(_GROWTH * length)


def _scanLength(sums: FloatArray, block: Block, noise: Noise, starts: IndexArray, length: int) -> _Intervals:
    """Measure the contrast of every place in intervals of a length.

    The contrast is the difference of the sums on either side from what one level would give. Its variance
    has the white part and, with the sums over longer and longer sides, ever more of the flicker part.
    """
    stops = starts + length
    # Series of the same length share one calculation.
    first = block.first[:1] if np.all(block.first == block.first[0]) else block.first
    opens = np.maximum(starts, first[:, np.newaxis])[..., np.newaxis]
    places = starts[:, np.newaxis] + np.arange(MIN_SEGMENT, length - MIN_SEGMENT + 1)
    left = np.maximum(places - opens, 0)
    total = np.maximum(stops[:, np.newaxis] - opens, 1)
    share = left / total
    weight = share * (total - left)
    white, flicker = (part[:, np.newaxis, np.newaxis] for part in (noise.white, noise.flicker))
    with np.errstate(divide="ignore", invalid="ignore"):
        below = sums[:, places] - sums[:, starts, np.newaxis]
        below -= share * (sums[:, stops] - sums[:, starts])[..., np.newaxis]
        ratios = below**2
        ratios /= weight * (white + 2 * flicker * weight)
    ratios = np.where(left >= MIN_SEGMENT, ratios, 0.0)
    best = ratios.argmax(axis=2)
    return _Intervals(
        starts=starts,
        stops=stops,
        ratios=np.take_along_axis(ratios, best[..., np.newaxis], axis=2)[..., 0],
        places=starts + MIN_SEGMENT + best,
    )


def _selectNarrowest(scans: list[_Intervals], row: int, limit: float) -> list[int]:
    """Return the places of the changes in the shortest intervals, none of which holds two of them."""
    selected: list[int] = []
    for scan in scans:
        ratios = scan.ratios[row]
        for interval in np.argsort(-ratios, kind="stable"):
            if ratios[interval] <= limit:
                break
            start, stop = scan.starts[interval], scan.stops[interval]
            if not any(start < place < stop for place in selected):
                selected.append(int(scan.places[row, interval]))
    return sorted(selected)


@dataclass(frozen=True, eq=False)
class _RowContrast:
    """Contrasts of one series: its sums, and the white and flicker parts of its noise."""

    sums: FloatArray
    white: float
    flicker: float

    def maximize(self, start: int, stop: int) -> tuple[int, float]:
        """Return the best place of a change between two columns, and its squared score."""
        places = np.arange(start + MIN_SEGMENT, stop - MIN_SEGMENT + 1)
        if not len(places):
            return start, 0.0
        share = (places - start) / (stop - start)
        weight = share * (stop - places)
        contrast = self.sums[places] - self.sums[start] - share * (self.sums[stop] - self.sums[start])
        ratios = contrast**2 / (weight * (self.white + 2 * self.flicker * weight))
        best = int(ratios.argmax())
        return int(places[best]), float(ratios[best])

    def refine(self, first: int, places: list[int], limit: float) -> tuple[IndexArray, FloatArray]:
        """Settle changes that start at some places, joining two at either side of the true one."""
        places, scores = self._settle(first, places, limit)
        number = 1
        while number < len(places):
            if places[number] - places[number - 1] <= 2 * MIN_SEGMENT:
                joined = self._settle(first, places[:number] + places[number + 1 :], limit)
                if len(joined[0]) == len(places) - 1 and not self._isSplit(first, joined[0], number, limit):
                    places, scores = joined
                    continue
            number += 1
        return np.asarray(places, dtype=np.intp), np.sqrt(scores)

    def _settle(self, first: int, places: list[int], limit: float) -> tuple[list[int], list[float]]:
        """Move each change to the best place between its neighbours, dropping those that are too weak."""
        places = list(places)
        scores: list[float] = []
        while places:
            scores = []
            for number in range(len(places)):
                start = places[number - 1] if number else first
                stop = places[number + 1] if number + 1 < len(places) else len(self.sums) - 1
                places[number], score = self.maximize(start, stop)
                scores.append(score)
            weakest = int(np.argmin(scores))
            if scores[weakest] > limit:
                break
            del places[weakest], scores[weakest]
        return places, scores

    def _isSplit(self, first: int, places: list[int], number: int, limit: float) -> bool:
        """Tell whether a level on either side of the change before a number holds another change."""
        bounds = [first, *places, len(self.sums) - 1]
        sides = zip(bounds[number - 1 : number + 1], bounds[number : number + 2], strict=True)
        return any(self.maximize(start, stop)[1] > limit for start, stop in sides)
