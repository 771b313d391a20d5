# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Levels, change points and drift of the series of a block, found in turn until they agree."""

from __future__ import annotations

__all__ = ["BlockTrend", "fitBlock"]

from dataclasses import dataclass, replace

import numpy as np

from lsst.analysis.cp.core.typing import FloatArray, IndexArray

from .blocks import Block, rowMedians
from .budgets import TrendBudgets
from .changePoints import ChangePoints, findChanges
from .drift import Drifts, driftAt, measureDrifts
from .noise import Noise, measureSpread, roundingErrors, scaledMad

_LARGEST = 1e100
"""Values that are so many times the typical one count as this."""

_MAX_PASSES = 4
"""How often change points and drift are found in turn."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockTrend:
    """What was found in the series of a block; ``expected`` has the shape of the block."""

    block: Block
    median: FloatArray
    spread: FloatArray
    scatter: FloatArray
    noise: FloatArray
    expected: FloatArray
    changes: ChangePoints
    drifts: Drifts


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


def fitBlock(block: Block, budgets: TrendBudgets) -> BlockTrend:
    """Find levels, drift and scatter of the series of a block."""
    unit = _chooseUnits(block.values)
    column = unit[:, np.newaxis]
    scaled = replace(block, values=np.clip(block.values / column, -_LARGEST, _LARGEST))
    noise = Noise.fromBlock(scaled)
    fit = _fitLevels(scaled, noise, budgets)
    drift = driftAt(scaled, np.where(fit.drifts.isSignificant, fit.drifts.slope, 0.0))
    levels = _medianLevels(scaled, scaled.values - drift, fit.levels)
    return BlockTrend(
        block=block,
        median=unit * rowMedians(scaled.values),
        spread=unit * scaledMad(scaled.values),
        scatter=unit * measureSpread(scaled.values - drift - levels),
        noise=unit * np.where(noise.point > roundingErrors(scaled.values), noise.point, 0.0),
        expected=column * (drift + levels),
        changes=_describeChanges(block, fit, column * levels, column * drift),
        drifts=fit.drifts.scale(unit),
    )


def _chooseUnits(values: FloatArray) -> FloatArray:
    """Return for each row a power of 2 near its values, which so can be squared without loss; shape (s,)."""
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
    ordered = flat[np.lexsort((flat, group))]
    # Groups are in the order of the cells.
    first = np.flatnonzero(np.diff(group, prepend=-1))
    counts = np.diff(np.append(first, len(group)))
    medians = ordered[first + (counts - 1) // 2] / 2 + ordered[first + counts // 2] / 2
    level: FloatArray = np.full(values.shape, np.nan)
    level[rows, columns] = np.repeat(medians, counts)
    return level


def _describeChanges(block: Block, fit: _Levels, levels: FloatArray, drift: FloatArray) -> ChangePoints:
    """List the change points of the series of a block."""
    rows, columns = np.nonzero(fit.scores)
    return ChangePoints(
        series=block.series[rows],
        previousTime=block.times[rows, columns - 1],
        time=block.times[rows, columns],
        before=levels[rows, columns - 1] + drift[rows, columns],
        after=levels[rows, columns] + drift[rows, columns],
        score=fit.scores[rows, columns],
    )
