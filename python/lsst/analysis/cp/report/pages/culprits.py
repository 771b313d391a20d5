# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is not good of a detector, taken together over exposures and amplifiers with the same reason."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from astropy.table import Table
from markupsafe import escape

from lsst.analysis.cp.core.amps import FAILED, STATUS_NAMES
from lsst.analysis.cp.core.typing import IndexArray

from .cells import Column

__all__ = ["COLUMNS", "Culprits"]

COLUMNS = (
    Column("amplifier", "Amplifiers that it is true of; empty for the detector as a whole."),
    Column("test"),
    Column("status"),
    Column("exposures", "Number of exposures."),
    Column("worst exposure", "The one whose margin is the smallest."),
    Column("reason", "Why, in the worst exposure."),
)
"""Columns of the table of a detector."""

_NAMED = 6
_MOST = 300
_STYLES = {STATUS_NAMES[FAILED]: ("f", "✗"), "suspicious": ("u", "!")}


class Culprits:
    """The table of culprits of a product, by detector.

    Parameters
    ----------
    table
        Culprits, the worst margin first.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    @cached_property
    def _order(self) -> IndexArray:
        return np.argsort(self._ids, kind="stable")

    @cached_property
    def _ids(self) -> IndexArray:
        if not len(self._table):
            return np.empty(0, dtype=np.int64)
        return np.asarray(self._table["detector"], dtype=np.int64)

    @cached_property
    def _sorted(self) -> IndexArray:
        return self._ids[self._order]

    def of(self, detector: int) -> tuple[list[str], int]:
        """Make the rows of a detector.

        Parameters
        ----------
        detector
            Its id; -1 for exposures as a whole.

        Returns
        -------
        rows
            Rows as markup, no more than a few hundred.
        nMore
            Number of those that are left out.
        """
        first, last = np.searchsorted(self._sorted, [detector, detector + 1])
        groups: dict[tuple[str, ...], list[_Member]] = {}
        for test, status, member in self._members(self._order[first:last]):
            # Reasons of failures have numbers; what is lacking is often so for all amplifiers.
            is_own = status == STATUS_NAMES[FAILED]
            key = (test, status, member.amplifier if is_own else member.reason)
            groups.setdefault(key, []).append(member)
        rows = [_makeRow(test, status, members) for (test, status, _), members in groups.items()]
        return rows[:_MOST], max(0, len(rows) - _MOST)

    def _members(self, rows: IndexArray) -> Iterator[tuple[str, str, _Member]]:
        """Yield test, status, and what else a row says."""
        if not len(rows):
            return
        names = ("test", "status", "amplifier", "reason")
        texts = [np.asarray(self._table[name])[rows].astype(str).tolist() for name in names]
        exposures = np.full(len(rows), -1)
        if "exposure" in self._table.colnames:
            exposures = np.asarray(self._table["exposure"], dtype=np.int64)[rows]
        for test, status, amplifier, reason, exposure in zip(*texts, exposures.tolist(), strict=True):
            yield test, status, _Member(amplifier, exposure, reason)


class _Member(NamedTuple):
    """A row of the table, in a group."""

    amplifier: str
    exposure: int
    reason: str


def _makeRow(test: str, status: str, members: list[_Member]) -> str:
    """Make the row of a group, whose first member is the worst."""
    style, sign = _STYLES.get(status, ("u", "?"))
    amps = sorted({member.amplifier for member in members} - {""})
    named = ", ".join(amps[:_NAMED]) + (f" and {len(amps) - _NAMED} more" if len(amps) > _NAMED else "")
    exposures = {member.exposure for member in members} - {-1}
    worst = members[0]
    return (
        f"<tr><td>{escape(named)}</td><td>{escape(test)}</td>"
        f'<td class="{style}">{sign} {escape(status)}</td><td class="n">{len(exposures) or "–"}</td>'
        f'<td class="n">{worst.exposure if worst.exposure >= 0 else "–"}</td>'
        f'<td class="long">{escape(worst.reason)}</td></tr>'
    )
