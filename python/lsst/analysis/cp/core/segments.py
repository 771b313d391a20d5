# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reduction of many small groups of values at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Reduction", "SegmentGrid", "reduceRows"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduction:
    """Order statistics of groups of values.

    Parameters
    ----------
    minimum, median, maximum
        Over the finite values of each group, shape (nGroups,); NaN where there is none.
    nValid
        Number of finite values of each group, shape (nGroups,).
    """

    minimum: npt.NDArray[np.float64]
    median: npt.NDArray[np.float64]
    maximum: npt.NDArray[np.float64]
    nValid: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SegmentGrid:
    """A place in a padded array for each value: one row a segment, one column a member.

    Parameters
    ----------
    position
        Index of each value's cell in the flattened grid, shape (n,), unique.
    nSegments
        Number of rows of the grid.
    width
        Number of columns of the grid.
    """

    position: npt.NDArray[np.intp]
    nSegments: int
    width: int

    def place(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Put values into the grid.

        Parameters
        ----------
        values
            Shape (n,).

        Returns
        -------
        grid
            A new array, shape (nSegments, width); NaN where there is no value.
        """
        grid = np.full(self.nSegments * self.width, np.nan)
        grid[self.position] = values
        return grid.reshape(self.nSegments, self.width)

    def placeFlags(self, flags: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """Put verdicts into the grid.

        Parameters
        ----------
        flags
            Shape (n,).

        Returns
        -------
        grid
            A new array, shape (nSegments, width); -1 where there is no verdict.
        """
        grid = np.full(self.nSegments * self.width, -1, dtype=np.int8)
        grid[self.position] = flags
        return grid.reshape(self.nSegments, self.width)


def reduceRows(grid: npt.NDArray[np.float64]) -> Reduction:
    """Reduce each row of an array to its order statistics.

    Parameters
    ----------
    grid
        Shape (nGroups, width). Its rows are sorted in place, and infinite values replaced by NaN.

    Returns
    -------
    reduction
        Over the finite values; the median is the mean of the middle two where their number is even.
    """
    finite = np.isfinite(grid)
    n = np.count_nonzero(finite, axis=1)
    grid[~finite] = np.nan
    grid.sort(axis=1)
    if grid.shape[1] == 0:
        empty = np.full(len(grid), np.nan)
        return Reduction(minimum=empty, median=empty, maximum=empty, nValid=n)
    rows = np.arange(len(grid))
    # Index -1 where there is no finite value: the last is NaN then.
    lower = grid[rows, (n - 1) // 2]
    return Reduction(
        minimum=grid[:, 0].copy(),
        median=lower + 0.5 * (grid[rows, n // 2 - (n == 0)] - lower),
        maximum=grid[rows, n - 1],
        nValid=n,
    )
