# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reduction of many small groups of values at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Reduction", "SegmentGrid"]

# Cells that are reduced at once, so that they stay in the processor's cache.
_BLOCK_CELLS = 1 << 17

# Widths up to this let the bytes of a row be added in one integer without overflow.
_MAX_PACKED_WIDTH = 248
_BYTE_ONES = np.uint64(0x0101010101010101)


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduction:
    """Order statistics of groups of values.

    Parameters
    ----------
    minimum, median, maximum
        Over the finite values of each group, shape (nSegments,); NaN where there is none. The median of an even
        number of values is the mean of the middle two.
    nValid
        Number of finite values of each group, shape (nSegments,).
    """

    minimum: npt.NDArray[np.float64]
    median: npt.NDArray[np.float64]
    maximum: npt.NDArray[np.float64]
    nValid: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentGrid:
    """Groups of rows of a table, laid out with one group a line and a fixed place for each member.

    The layout is worked out once and serves every column.

    Parameters
    ----------
    rowOfCell
        Row of the table in each cell, shape (nSegments * width,); -1 where a cell is empty.
    emptyCells
        Indices of the empty cells, sorted.
    nSegments
        Number of groups.
    width
        Number of places in a group.
    """

    rowOfCell: npt.NDArray[np.intp]
    emptyCells: npt.NDArray[np.intp]
    nSegments: int
    width: int

    @classmethod
    def fromPositions(
        cls,
        position: npt.NDArray[np.intp],
        *,
        nSegments: int,
        width: int,
        rows: npt.NDArray[np.intp] | None = None,
    ) -> SegmentGrid:
        """Make a grid from the cell of each row.

        Parameters
        ----------
        position
            Cell of each row in the flattened grid, shape (n,), unique.
        nSegments, width
            Shape of the grid.
        rows
            Rows of the table that the positions are of, shape (n,); all in order if None.

        Returns
        -------
        grid
            The grid.
        """
        row_of_cell = np.full(nSegments * width, -1, dtype=np.intp)
        row_of_cell[position] = np.arange(len(position)) if rows is None else rows
        empty = np.flatnonzero(row_of_cell < 0)
        return cls(rowOfCell=row_of_cell, emptyCells=empty, nSegments=nSegments, width=width)

    @property
    def present(self) -> npt.NDArray[np.bool_]:
        """Whether each cell holds a row, shape (nSegments, width)."""
        return (self.rowOfCell >= 0).reshape(self.nSegments, self.width)

    def reduce(self, values: npt.NDArray[np.float64]) -> Reduction:
        """Reduce a column to the order statistics of each group.

        Parameters
        ----------
        values
            Shape (nRows of the table,).

        Returns
        -------
        reduction
            Over the finite values of each group.
        """
        reduction = Reduction(
            minimum=np.full(self.nSegments, np.nan),
            median=np.full(self.nSegments, np.nan),
            maximum=np.full(self.nSegments, np.nan),
            nValid=np.zeros(self.nSegments, dtype=np.int64),
        )
        if len(self.emptyCells) == len(self.rowOfCell):
            return reduction
        step = max(1, _BLOCK_CELLS // self.width)
        buffer = np.empty(min(step, self.nSegments) * self.width)
        for start in range(0, self.nSegments, step):
            stop = min(start + step, self.nSegments)
            cells = buffer[: (stop - start) * self.width]
            first = start * self.width
            np.take(values, self.rowOfCell[first : stop * self.width], out=cells, mode="clip")
            bounds = np.searchsorted(self.emptyCells, (first, stop * self.width))
            cells[self.emptyCells[slice(*bounds)] - first] = np.nan
            _reduceBlock(cells.reshape(-1, self.width), reduction, slice(start, stop))
        return reduction

    def countCodes(self, codes: npt.NDArray[np.int8], chosen: int) -> list[npt.NDArray[np.int64]]:
        """Count small codes in each group.

        Parameters
        ----------
        codes
            Codes 0 to ``chosen - 1`` of each row, shape (nRows of the table,).
        chosen
            Number of codes.

        Returns
        -------
        counts
            Number of rows with each code but 0, each of shape (nSegments,).
        """
        if len(self.emptyCells) == len(self.rowOfCell):
            return [np.zeros(self.nSegments, dtype=np.int64) for _ in range(1, chosen)]
        cells = np.take(codes, self.rowOfCell, mode="clip")
        cells[self.emptyCells] = 0
        grid = cells.reshape(self.nSegments, self.width)
        return [_countRows(grid == code) for code in range(1, chosen)]


def _reduceBlock(grid: npt.NDArray[np.float64], reduction: Reduction, segments: slice) -> None:
    """Reduce each line of a block, which is sorted in place, into a part of the result."""
    infinite = np.isinf(grid)
    if infinite.any():
        grid[infinite] = np.nan
    n = _countRows(~np.isnan(grid))
    grid.sort(axis=1)
    width = grid.shape[1]
    median = 0.5 * (grid[:, (width - 1) // 2] + grid[:, width // 2])
    maximum = grid[:, width - 1].copy()
    # NaN sorts last: lines that hold any have their middle and end elsewhere.
    part = np.flatnonzero(n != width)
    if len(part):
        n_part = n[part]
        median[part] = 0.5 * (grid[part, (n_part - 1) // 2] + grid[part, n_part // 2])
        maximum[part] = grid[part, n_part - 1]
    reduction.minimum[segments] = grid[:, 0]
    reduction.median[segments] = median
    reduction.maximum[segments] = maximum
    reduction.nValid[segments] = n


def _countRows(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Count True in each line of a mask, shape (nSegments, width)."""
    width = mask.shape[1]
    if width % 8 or width > _MAX_PACKED_WIDTH:
        return np.count_nonzero(mask, axis=1)
    # Add eight bytes at a time: many times faster than a reduction along short lines.
    words = mask.view(np.uint64)
    total = words[:, 0].copy()
    for column in range(1, words.shape[1]):
        total += words[:, column]
    return ((total * _BYTE_ONES) >> np.uint64(56)).view(np.int64)
