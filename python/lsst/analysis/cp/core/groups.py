# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reduction of many small groups of values at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .typing import BoolArray, FloatArray, IdArray, IndexArray

__all__ = ["GroupGrid", "Reduction"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduction:
    """Order statistics of groups of values.

    Parameters
    ----------
    minimum, median, maximum
        Over the finite values of each group, shape (nGroups,); NaN where there is none. The median of an
        even number of values is the mean of the middle two.
    nValid
        Number of finite values of each group, shape (nGroups,).
    """

    minimum: FloatArray
    median: FloatArray
    maximum: FloatArray
    nValid: IdArray


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupGrid:
    """Groups of rows of a table, laid out with one group a line and a place for each member.

    A camera has few amplifiers a detector, and nearly all have a row: a padded grid is reduced along its
    lines by plain numpy, without a loop over groups. It is laid out once and serves every column.

    Parameters
    ----------
    cell
        Place of each row of the table in the flattened grid, shape (nRows,); ``nGroups * width`` where a row
        is in no group. No two rows share another place.
    nGroups
        Number of groups.
    width
        Number of places in a group.
    """

    cell: IndexArray
    nGroups: int
    width: int

    @cached_property
    def present(self) -> BoolArray:
        """Whether each place holds a row, shape (nGroups, width)."""
        present = np.zeros(self.nGroups * self.width + 1, dtype=bool)
        present[self.cell] = True
        return present[:-1].reshape(self.nGroups, self.width)

    @cached_property
    def nMembers(self) -> IdArray:
        """Number of rows in each group, shape (nGroups,)."""
        return self.present.sum(axis=1)

    @cached_property
    def _absent(self) -> IndexArray:
        """Places without a row, of which there are few."""
        return np.flatnonzero(~self.present)

    @cached_property
    def _group(self) -> IndexArray:
        """Group of each row, shape (nRows,); ``nGroups`` where it is in none."""
        return self.cell // self.width if self.width else np.full(len(self.cell), self.nGroups)

    def reduce(self, values: FloatArray) -> Reduction:
        """Reduce a column to the order statistics of each group.

        Parameters
        ----------
        values
            Shape (nRows,). Not modified. NaN and infinite values are left out.

        Returns
        -------
        reduction
            Over the finite values of each group.
        """
        # The last cell takes the rows of no group, and is dropped.
        cells = np.empty(self.nGroups * self.width + 1)
        cells[self._absent] = np.nan
        cells[self.cell] = values
        cells[np.isinf(cells)] = np.nan
        lines = cells[:-1].reshape(self.nGroups, self.width)
        n_valid = np.count_nonzero(~np.isnan(lines), axis=1)
        if self.width == 0:
            nothing = np.full(self.nGroups, np.nan)
            return Reduction(minimum=nothing, median=nothing, maximum=nothing, nValid=n_valid)
        # NaN sorts last: the finite values of a line are its first, and where there is none, all are NaN.
        lines.sort(axis=1)
        each = np.arange(self.nGroups)
        # Halved before they are added, two values near the largest number do not overflow.
        median = 0.5 * lines[each, (n_valid - 1) // 2] + 0.5 * lines[each, n_valid // 2]
        return Reduction(
            minimum=lines[each, 0], median=median, maximum=lines[each, n_valid - 1], nValid=n_valid
        )

    def count(self, chosen: BoolArray) -> IdArray:
        """Count rows in each group.

        Parameters
        ----------
        chosen
            Which rows to count, shape (nRows,).

        Returns
        -------
        counts
            Shape (nGroups,).
        """
        return np.bincount(self._group[chosen], minlength=self.nGroups + 1)[: self.nGroups]
