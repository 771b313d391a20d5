# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What keeps a run from being good: the table of culprits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Table

from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.typing import AnyArray, BoolArray, FlagArray, FloatArray, IndexArray

from .table import AmpTable
from .verdicts import FAILED, GOOD, STATUS_NAMES, UNKNOWN, thresholdsOf

__all__ = ["SUSPICIOUS_STATUS", "culpritsTable"]

SUSPICIOUS_STATUS = "suspicious"
"""Status of a culprit that no verdict is against, but whose value is too low to be plausible."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """Culprits of one test and one reason."""

    test: VerifyTest
    epochIndex: IndexArray
    member: IndexArray
    quantity: FloatArray
    status: str
    reason: str


def culpritsTable(table: AmpTable) -> Table:
    """List each amplifier, detector or exposure and test that is failed, unknown or suspicious.

    Parameters
    ----------
    table
        Results.

    Returns
    -------
    culprits
        One row for each expected exposure, member of the layout and test that is not good, sorted. Tests
        whose verdicts do not count are not listed. A verdict that sums up other tests is listed only where
        none of them is. One that is good, or has no status, and whose value is too low to be plausible has
        the status `SUSPICIOUS_STATUS`. ``quantity`` and ``threshold`` are NaN where there is none; of an
        interval, the threshold is the nearer end. Without epochs there is no ``exposure``. A row of a
        detector has no ``amplifier``; one of an exposure has no ``detector`` (-1).
    """
    found = [part for part in _findAll(table) if len(part.member)]
    sizes = [len(part.member) for part in found]

    def join(parts: Sequence[AnyArray], dtype: type) -> Any:
        return np.concatenate([np.empty(0, dtype), *parts])

    def spread(values: list[str] | list[int], dtype: type) -> Any:
        return np.repeat(np.array(values, dtype=dtype), sizes)

    layout, order = table.layout, {test.key: i for i, test in enumerate(table.tests)}
    kind = spread([part.test.row for part in found], np.str_)
    epoch = join([part.epochIndex for part in found], np.intp)
    member = join([part.member for part in found], np.intp)
    # Index -1 takes the last name, which is that of none.
    amp = np.where(kind == "amplifier", member, -1)
    detector = np.where(kind == "exposure", -1, np.where(amp < 0, member, layout.ampDetector[amp]))
    quantity = join([part.quantity for part in found], np.float64)
    rows = np.lexsort((spread([order[part.test.key] for part in found], np.intp), amp, detector, epoch))
    columns = {
        "exposure": table.exposures[epoch],
        "detector": np.append(layout.detectorId, -1)[detector],
        "detectorName": np.append(layout.detectorName, "")[detector],
        "amplifier": np.append(layout.ampName, "")[amp],
        "test": spread([part.test.key for part in found], np.str_),
        "section": spread([part.test.section for part in found], np.str_),
        "quantity": quantity,
        "threshold": _nearestThresholds(table, found, detector, quantity),
        "status": spread([part.status for part in found], np.str_),
        "reason": spread([part.reason for part in found], np.str_),
    }
    if table.epoch == "none":
        del columns["exposure"]
    return Table({name: values[rows] for name, values in columns.items()})


def _nearestThresholds(
    table: AmpTable, found: list[_Found], detector: IndexArray, quantity: FloatArray
) -> FloatArray:
    """Find the end of the interval of passing that is nearest to each quantity; NaN if there is none."""
    physical_type = np.append(table.layout.physicalType, "")[detector]
    thresholds = np.full(len(quantity), np.nan)
    start = 0
    for part in found:
        rows = slice(start, start := start + len(part.member))
        if part.test.threshold is not None:
            low, high = thresholdsOf(part.test, physical_type[rows])
            # An infinite end is never the nearer; the middle decides where there is no quantity.
            is_low = ~np.isinf(low) & (np.isinf(high) | (quantity[rows] < 0.5 * (low + high)))
            thresholds[rows] = np.where(is_low, low, high)
    return thresholds


def _findAll(table: AmpTable) -> Iterator[_Found]:
    """Find the culprits of all tests, verdicts that sum up others last."""
    listed = {kind: np.zeros(len(rows), dtype=bool) for kind, rows in table.rows.items()}
    missing = {kind: _findMissing(table, kind) for kind in table.rows}
    for test in sorted((t for t in table.tests if not t.isTested or t.counts), key=lambda t: t.verdict):
        status = table.status(test)
        if status is None:
            yield from _findSuspicious(table, test, np.zeros(len(table.rows[test.row]), dtype=bool))
            continue
        bad = status != GOOD if table.wasRun(test) else status == FAILED
        if test.verdict:
            bad &= ~listed[test.row]
        elif table.wasRun(test):
            epoch, member = missing[test.row]
            yield _Found(
                test=test,
                epochIndex=epoch,
                member=member,
                quantity=np.full(len(member), np.nan),
                status=STATUS_NAMES[UNKNOWN],
                reason="no row in the table",
            )
        listed[test.row] |= bad
        yield from _findRows(table, test, status, bad)
        yield from _findSuspicious(table, test, bad)


def _findMissing(table: AmpTable, kind: str) -> tuple[IndexArray, IndexArray]:
    """Find the exposures and members that are expected and have no row."""
    n = {"amplifier": table.layout.nAmps, "detector": table.layout.nDetectors, "exposure": 1}[kind]
    absent = np.ones((len(table.exposures), n), dtype=bool)
    absent[table.rows[kind].epochIndex, table.rows[kind].member] = False
    epoch, member = np.nonzero(absent)
    return epoch, member


def _findRows(table: AmpTable, test: VerifyTest, status: FlagArray, bad: BoolArray) -> Iterator[_Found]:
    """Find the rows of one test that are not good, by reason."""
    rows, verdict, quantity = table.rows[test.row], table.verdict(test), table.quantity(test)
    column = test.statisticColumn
    finite = np.ones(len(rows), bool) if column is None else np.isfinite(table.statistics[column])
    failed = "failed" if test.verifyColumn is not None else "failed (computed, not stored by cp_verify)"
    for code, mask, reason in (
        (FAILED, finite, failed),
        (FAILED, ~finite, f"{failed}; {test.statistic} is not finite"),
        (UNKNOWN, verdict == UNKNOWN, "not tested"),
        (UNKNOWN, verdict != UNKNOWN, f"{test.statistic} is not finite"),
    ):
        chosen = np.flatnonzero(bad & mask & (status == code))
        yield _Found(
            test=test,
            epochIndex=rows.epochIndex[chosen],
            member=rows.member[chosen],
            quantity=np.full(len(chosen), np.nan) if quantity is None else quantity[chosen],
            status=STATUS_NAMES[code],
            reason=reason,
        )


def _findSuspicious(table: AmpTable, test: VerifyTest, listed: BoolArray) -> Iterator[_Found]:
    """Find the rows of one test that have an implausible value and are not listed, by reason."""
    if test.statisticColumn is None:
        return
    rows, quantity, value = table.rows[test.row], table.quantity(test), table.statistics[test.statisticColumn]
    suspicious = table.suspicious(test) & ~listed
    for mask, least in ((value <= 0, "0"), (value > 0, test.plausibleAbove)):
        chosen = np.flatnonzero(suspicious & mask)
        yield _Found(
            test=test,
            epochIndex=rows.epochIndex[chosen],
            member=rows.member[chosen],
            quantity=np.full(len(chosen), np.nan) if quantity is None else quantity[chosen],
            status=SUSPICIOUS_STATUS,
            reason=f"{test.statistic} is too low to be plausible: not above {least}",
        )
