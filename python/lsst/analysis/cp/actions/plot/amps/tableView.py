# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a table of failures shows, as plain arrays and text."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.actions.plot.focalPlane.listing import PatchList
from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.amps import AmpTable, failuresByDetector
from lsst.analysis.cp.core.limits import CountScale
from lsst.analysis.cp.core.typing import BoolArray, IndexArray, NameArray

from .blocks import Block

__all__ = ["CellState", "FailureCells", "FailureTableView", "countCells", "explainMarks", "markTest"]


class CellState(enum.IntEnum):
    """What is known of a test of a detector."""

    MISSING = 0
    """The detector has no row."""
    NOT_RUN = 1
    """The test was not made, or is recorded only where it fails; nothing failed."""
    UNKNOWN = 2
    """Nothing is known of any amplifier."""
    PARTIAL = 3
    """Something is known, but not of every amplifier."""
    KNOWN = 4
    """Everything is known."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FailureCells:
    """The cells of a table of tests and detectors.

    Parameters
    ----------
    nFailed
        Number of amplifiers (of a test of detectors, 0 or 1) that failed, shape (nTests, nDet).
    state
        `CellState`, shape (nTests, nDet).
    """

    nFailed: IndexArray
    state: npt.NDArray[np.int_]

    @property
    def texts(self) -> NameArray:
        """Text of each cell, shape (nTests, nDet): ``"3"``, ``"0?"``, ``"?"``, ``"–"``, or nothing."""
        numbers = self.nFailed.astype(np.str_)
        marked = np.where(self.state == CellState.PARTIAL, np.char.add(numbers, "?"), numbers)
        for state, text in ((CellState.MISSING, ""), (CellState.NOT_RUN, "–"), (CellState.UNKNOWN, "?")):
            marked = np.where(self.state == state, text, marked)
        return marked

    @property
    def hasNumber(self) -> BoolArray:
        """Whether a cell has a number, shape (nTests, nDet)."""
        return self.state >= CellState.PARTIAL


def countCells(table: AmpTable, tests: Sequence[VerifyTest]) -> FailureCells:
    """Count failures of some tests of amplifiers or detectors in each detector of the layout."""
    shape = len(tests), table.layout.nDetectors
    n_failed, state = np.zeros(shape, dtype=np.intp), np.full(shape, int(CellState.KNOWN))
    for i, test in enumerate(tests):
        counts = failuresByDetector(table, test)
        n_failed[i] = counts.nFailed
        state[i][counts.nUnknown > 0] = CellState.PARTIAL
        state[i][counts.nUnknown == counts.nMembers] = CellState.UNKNOWN
        if not table.wasRun(test):
            state[i][counts.nFailed == 0] = CellState.NOT_RUN
        state[i][counts.nPresent == 0] = CellState.MISSING
    return FailureCells(nFailed=n_failed, state=state)


_MARKS = {
    "*": "verdict does not count",
    "†": "one result a detector",
    "‡": "verdict computed from the limit, none of cp_verify",
}


def _marksOf(test: VerifyTest) -> str:
    found = zip(_MARKS, (not test.counts, test.row == "detector", test.isComputed), strict=True)
    return "".join(mark for mark, holds in found if holds)


def markTest(test: VerifyTest) -> str:
    """Return section and key of a test, with marks that `explainMarks` explains."""
    return f"{test.section} {test.key} {_marksOf(test)}".strip()


def explainMarks(tests: Sequence[VerifyTest]) -> tuple[str, ...]:
    """Explain the marks of tests as far as they occur, one a line below a title; empty if there are none."""
    found = "".join(map(_marksOf, tests))
    lines = tuple(f"{mark:<3} {words}" for mark, words in _MARKS.items() if mark in found)
    return ("Marks of tests", *lines) if lines else ()


@dataclass(frozen=True, kw_only=True, eq=False)
class FailureTableView:
    """Everything that a table of failures shows.

    Parameters
    ----------
    blocks
        Detectors, in blocks.
    cells
        The cells, of all detectors of the layout.
    labels
        Names of the tests, with marks.
    nCounted
        Number of tests whose verdicts count, which come first; the others stand apart.
    counts
        Classes of the colours.
    title, headline
        What is shown, and the verdict on it.
    failing
        Whether anything failed.
    provenance
        Lines that say where the data come from.
    lists
        Lists beside the table, each a title and lines.
    listing
        The detectors to look at first.
    message
        Why there is nothing to see; empty if there is.
    """

    blocks: tuple[Block, ...]
    cells: FailureCells
    labels: tuple[str, ...]
    nCounted: int
    counts: CountScale
    title: str
    headline: str
    failing: bool
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    listing: PatchList
    message: str
