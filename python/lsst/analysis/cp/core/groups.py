# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reduction of many small groups of values at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, FlagArray, FloatArray, IdArray, IndexArray

__all__ = ["Reduction", "SegmentGrid"]

# Cells that are reduced at once, so that they stay in the processor's cache.
_BLOCK_CELLS = 1 << 17


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduction:
    """Order statistics of groups of values.

    Parameters
    ----------
    minimum, median, maximum
        Over the finite values of each group, shape (nSegments,); NaN where there is none. The median of an
        even number of values is the mean of the middle two.
    nValid
        Number of finite values of each group, shape (nSegments,).
    """

    minimum: FloatArray
    median: FloatArray
    maximum: FloatArray
    nValid: IdArray


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentGrid:
    """Groups of rows of a table, laid out with one group a line and a fixed place for each member.

    The layout is worked out once and serves every column.

    Parameters
    ----------
    cellOfRow
        Cell of each row of the table in the flattened grid, shape (nRows,); nSegments * width where a row is
        in no group.
    rowOfCell
        Row of the table in each cell, shape (nSegments * width,); -1 where a cell is empty.
    emptyCells
        Indices of the empty cells, sorted.
    nSegments
        Number of groups.
    width
        Number of places in a group.
    """

    cellOfRow: IndexArray
    rowOfCell: IndexArray
    emptyCells: IndexArray
    nSegments: int
    width: int

    @classmethod
    def fromCells(cls, cellOfRow: IndexArray, *, nSegments: int, width: int) -> SegmentGrid:
        """Make a grid from the cell of each row.

        Parameters
        ----------
        cellOfRow
            Cell of each row of the table in the flattened grid, shape (nRows,); nSegments * width where a row
            is in no group. No two rows share another.
        nSegments, width
            Shape of the grid.

        Returns
        -------
        grid
            The grid.
        """
        # The last cell takes the rows of no group, and is dropped.
        row_of_cell = np.full(nSegments * width + 1, -1, dtype=np.intp)
        row_of_cell[cellOfRow] = np.arange(len(cellOfRow))
        row_of_cell = row_of_cell[:-1]
        empty = np.flatnonzero(row_of_cell < 0)
        return cls(
            cellOfRow=cellOfRow, rowOfCell=row_of_cell, emptyCells=empty, nSegments=nSegments, width=width
        )

    @cached_property
    def nMembers(self) -> IdArray:
        """Number of rows in each group, shape (nSegments,)."""
        segment_of_empty = self.emptyCells // max(1, self.width)
        return self.width - np.bincount(segment_of_empty, minlength=self.nSegments)

    @property
    def present(self) -> BoolArray:
        """Whether each cell holds a row, shape (nSegments, width)."""
        return (self.rowOfCell >= 0).reshape(self.nSegments, self.width)

    def makeScratch(self) -> FloatArray:
        """Make working space for `reduce`, which many columns can share."""
        return np.empty(min(self._blockSegments, self.nSegments) * self.width)

    def reduce(self, values: FloatArray, scratch: FloatArray) -> Reduction:
        """Reduce a column to the order statistics of each group.

        Parameters
        ----------
        values
            Shape (nRows of the table,).
        scratch
            Working space, which is overwritten.

        Returns
        -------
        reduction
            Over the finite values of each group.
        """
        if self._isEmpty:
            nothing = np.full(self.nSegments, np.nan)
            none = np.zeros(self.nSegments, dtype=np.int64)
            return Reduction(minimum=nothing, median=nothing, maximum=nothing, nValid=none)
        minimum, median, maximum = (np.empty(self.nSegments) for _ in range(3))
        n_valid = np.empty(self.nSegments, dtype=np.int64)
        reduction = Reduction(minimum=minimum, median=median, maximum=maximum, nValid=n_valid)
        for start in range(0, self.nSegments, self._blockSegments):
            segments = slice(start, min(start + self._blockSegments, self.nSegments))
            first, last = segments.start * self.width, segments.stop * self.width
            cells = scratch[: last - first]
            np.take(values, self.rowOfCell[first:last], out=cells, mode="clip")
            bounds = np.searchsorted(self.emptyCells, (first, last))
            cells[self.emptyCells[slice(*bounds)] - first] = np.nan
            _reduceBlock(cells.reshape(-1, self.width), reduction, segments)
        return reduction

    @property
    def _isEmpty(self) -> bool:
        """Whether no row is in any group."""
        return len(self.emptyCells) == len(self.rowOfCell)

    @property
    def _blockSegments(self) -> int:
        """Number of groups that are reduced at once."""
        return max(1, _BLOCK_CELLS // max(1, self.width))

    def countCodes(self, codes: FlagArray, nCodes: int) -> list[IdArray]:
        """Count small codes in each group; fast where all but a few rows have the last code.

        Parameters
        ----------
        codes
            Codes 0 to ``nCodes - 1`` of each row, shape (nRows of the table,).
        nCodes
            Number of codes.

        Returns
        -------
        counts
            Number of rows with each code, each of shape (nSegments,).
        """
        if self._isEmpty:
            return [np.zeros(self.nSegments, dtype=np.int64) for _ in range(nCodes)]
        rows = np.flatnonzero(codes != nCodes - 1)
        segment = self.cellOfRow[rows] // self.width
        rare = codes[rows]
        counts = [
            np.bincount(segment[rare == code], minlength=self.nSegments + 1)[: self.nSegments]
            for code in range(nCodes - 1)
        ]
        return [*counts, self.nMembers - sum(counts)]


def _reduceBlock(grid: FloatArray, reduction: Reduction, segments: slice) -> None:
    """Reduce each line of a block, which is sorted in place, into a part of the result."""
    grid.sort(axis=1)
    width = grid.shape[1]
    minimum, maximum = reduction.minimum[segments], reduction.maximum[segments]
    minimum[:] = grid[:, 0]
    maximum[:] = grid[:, width - 1]
    median = reduction.median[segments]
    # Infinities of both signs may meet here; their lines are done again below.
    with np.errstate(invalid="ignore"):
        np.add(grid[:, (width - 1) // 2], grid[:, width // 2], out=median)
    median *= 0.5
    reduction.nValid[segments] = width
    # Infinities sort to either end and NaN last, so that the ends tell of all.
    odd = np.flatnonzero(~(np.isfinite(minimum) & np.isfinite(maximum)))
    if len(odd):
        _reduceOdd(grid[odd], reduction, odd + segments.start)


def _reduceOdd(lines: FloatArray, reduction: Reduction, where: IndexArray) -> None:
    """Reduce sorted lines that hold values that are not finite."""
    if np.isinf(lines).any():
        lines[np.isinf(lines)] = np.nan
        lines.sort(axis=1)
    n = np.count_nonzero(~np.isnan(lines), axis=1)
    rows = np.arange(len(lines))
    # Where nothing is finite, n - 1 is the last element, which is NaN.
    reduction.minimum[where] = lines[:, 0]
    reduction.median[where] = 0.5 * (lines[rows, (n - 1) // 2] + lines[rows, n // 2])
    reduction.maximum[where] = lines[rows, n - 1]
    reduction.nValid[where] = n
