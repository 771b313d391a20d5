# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Histories of many series, laid out in blocks with one series a line."""

from __future__ import annotations

__all__ = ["MIN_SEGMENT", "Block", "Epochs", "rowMedians"]

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray

MIN_SEGMENT = 5
"""Number of epochs that a level needs, to be told from a run of outliers."""

_BLOCK_CELLS = 1 << 17


def rowMedians(values: FloatArray) -> FloatArray:
    """Return the medians of the values along the last axis that are not NaN; NaN where there is none."""
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan)
    ordered = np.sort(values, axis=-1)
    counts = np.sum(~np.isnan(values), axis=-1, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(counts - 1, 0) // 2, axis=-1)
    high = np.take_along_axis(ordered, np.minimum(counts // 2, values.shape[-1] - 1), axis=-1)
    return np.where(counts > 0, (low + high) / 2, np.nan)[..., 0]


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
        cls,
        series: npt.NDArray[np.integer],
        times: FloatArray,
        values: FloatArray,
        nSeries: int,
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
        is_new = np.ones(len(points), dtype=bool)
        is_new[1:] = (np.diff(series) != 0) | (np.diff(times) != 0)
        epoch_of_point[points] = np.cumsum(is_new) - 1
        first = np.flatnonzero(is_new)
        counts = np.diff(np.append(first, len(points)))
        # The values of an epoch are in order. Halves are added, since a sum may overflow.
        medians = values[first + (counts - 1) // 2] / 2 + values[first + counts // 2] / 2
        return cls(
            times=times[first],
            values=medians,
            starts=np.searchsorted(series[first], np.arange(nSeries + 1)),
            epochOfPoint=epoch_of_point,
        )

    def makeBlocks(self) -> Iterator[Block]:
        """Yield the series with an epoch, the longest first, in blocks of limited size."""
        counts = np.diff(self.starts)
        order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        start = 0
        while start < len(order):
            width = int(counts[order[start]])
            stop = start + max(1, _BLOCK_CELLS // width)
            yield self._makeBlock(order[start:stop], width)
            start = stop

    def _makeBlock(self, series: IndexArray, width: int) -> Block:
        """Lay out some series, of which the longest is so wide."""
        first = width - np.diff(self.starts)[series]
        epochs = self.starts[series + 1, np.newaxis] - width + np.arange(width)
        present = np.arange(width) >= first[:, np.newaxis]
        epochs[~present] = 0
        return Block(
            series=series,
            times=np.where(present, self.times[epochs], np.nan),
            values=np.where(present, self.values[epochs], np.nan),
            first=first,
        )

    def flatten(self, block: Block) -> IndexArray:
        """Return the epochs of the cells of a block that hold one, in the order of its rows."""
        columns = np.arange(block.width)
        epochs: IndexArray = self.starts[block.series + 1, np.newaxis] - block.width + columns
        return epochs[block.present]
