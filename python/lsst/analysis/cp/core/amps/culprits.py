# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The amplifiers and tests that keep a run from being good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from lsst.analysis.cp.catalogue import Test
from lsst.analysis.cp.core.typing import BoolArray, FlagArray, FloatArray, IndexArray

from .status import FAILED, GOOD, UNKNOWN, statusNames
from .table import AmpTable

__all__ = ["culpritsTable"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """Culprits of one test and one reason."""

    test: Test
    exposureIndex: IndexArray
    ampIndex: IndexArray
    quantity: FloatArray
    status: int
    reason: str


def culpritsTable(ampTable: AmpTable) -> Table:
    """List each amplifier and test that is failed or unknown.

    Parameters
    ----------
    ampTable
        Results of amplifiers.

    Returns
    -------
    table
        One row for each expected exposure, amplifier of the layout and test that is not good, sorted. A
        verdict that sums up other tests is listed only where none of them is. ``quantity`` and ``threshold``
        are NaN where there is none.
    """
    found = [part for part in _findAll(ampTable) if len(part.ampIndex)]
    layout = ampTable.layout
    order = {test.key: i for i, test in enumerate(ampTable.tests)}
    exposure, amp = (
        np.concatenate([getattr(part, name) for part in found] or [np.empty(0, np.intp)])
        for name in ("exposureIndex", "ampIndex")
    )

    def spread(values: list[str] | list[int] | list[float]) -> npt.NDArray[np.generic]:
        return np.repeat(np.array(values), [len(part.ampIndex) for part in found])

    rank = spread([order[part.test.key] for part in found])
    rows = np.lexsort((rank, amp, exposure))
    detector = layout.ampDetector[amp]
    thresholds = [np.nan if p.test.threshold is None else p.test.threshold for p in found]
    columns = {
        "exposure": ampTable.exposures[exposure],
        "detector": layout.detectorId[detector],
        "detectorName": layout.detectorName[detector],
        "amplifier": layout.ampName[amp],
        "test": spread([part.test.key for part in found]),
        "section": spread([part.test.section for part in found]),
        "quantity": np.concatenate([part.quantity for part in found] or [np.empty(0)]),
        "threshold": spread(thresholds).astype(np.float64),
        "status": statusNames(spread([part.status for part in found]).astype(np.int8)),
        "reason": spread([part.reason for part in found]),
    }
    text = {"test", "section", "reason"}
    return Table({n: (c.astype(np.str_) if n in text else c)[rows] for n, c in columns.items()})


def _findAll(ampTable: AmpTable) -> Iterator[_Found]:
    """Find the culprits of all tests, verdicts that sum up others last."""
    listed = np.zeros(len(ampTable), dtype=bool)
    missing = _findMissing(ampTable)
    for test in sorted(ampTable.tests, key=lambda t: t.verdict):
        status = ampTable.status(test)
        if status is None:
            continue
        bad = status == FAILED
        if ampTable.wasRun(test):
            bad = status != GOOD
            if not test.verdict:
                nothing = np.full(len(missing[0]), np.nan)
                yield _Found(
                    test=test,
                    exposureIndex=missing[0],
                    ampIndex=missing[1],
                    quantity=nothing,
                    status=UNKNOWN,
                    reason="no row in the table",
                )
        if test.verdict:
            bad &= ~listed
        listed |= bad
        yield from _findRows(ampTable, test, status, bad)


def _findMissing(ampTable: AmpTable) -> tuple[IndexArray, IndexArray]:
    """Find the expected amplifiers that have no row."""
    n_amps = ampTable.layout.nAmps
    absent = np.ones(len(ampTable.exposures) * n_amps, dtype=bool)
    absent[ampTable.exposureIndex * n_amps + ampTable.ampIndex] = False
    cells = np.flatnonzero(absent)
    return cells // n_amps, cells % n_amps


def _findRows(ampTable: AmpTable, test: Test, status: FlagArray, bad: BoolArray) -> Iterator[_Found]:
    """Find the rows of one test that are not good, by reason."""
    quantity = ampTable.quantity(test)
    flags = ampTable.flags[str(test.verifyColumn)]
    column = test.statisticColumn
    finite = np.ones(len(ampTable), bool) if column is None else np.isfinite(ampTable.statistics[column])
    for code, mask, reason in (
        (FAILED, finite, "failed"),
        (FAILED, ~finite, f"failed; {test.statistic} is not finite"),
        (UNKNOWN, flags == UNKNOWN, "not tested"),
        (UNKNOWN, flags != UNKNOWN, f"{test.statistic} is not finite"),
    ):
        rows = np.flatnonzero(bad & mask & (status == code))
        yield _Found(
            test=test,
            exposureIndex=ampTable.exposureIndex[rows],
            ampIndex=ampTable.ampIndex[rows],
            quantity=np.full(len(rows), np.nan) if quantity is None else quantity[rows],
            status=code,
            reason=reason,
        )
