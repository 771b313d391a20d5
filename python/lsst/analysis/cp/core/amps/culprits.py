# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What keeps a run from being good: the table of culprits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import astropy.units as u
import numpy as np
import numpy.typing as npt
from astropy.table import Table

from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.tableColumns import describeColumns
from lsst.analysis.cp.core.typing import AnyArray, IndexArray, NameArray

from .reasons import NO_ROW, explain
from .table import AmpTable
from .verdicts import FAILED, GOOD, STATUS_NAMES, UNKNOWN, nearestLimits, statusNames

__all__ = ["SUSPICIOUS_STATUS", "culpritsTable"]

SUSPICIOUS_STATUS = "suspicious"
"""Status of a culprit that no verdict is against, but whose value is too low to be plausible."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    """Culprits of one test: rows of its kind, or what has no row (-1)."""

    test: VerifyTest
    row: IndexArray
    epochIndex: IndexArray
    member: IndexArray
    status: NameArray
    reason: list[str]


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
        the status `SUSPICIOUS_STATUS`. Numbers are NaN and names empty where there is none; of an interval,
        the threshold is the nearer end. Without epochs there is no ``exposure``. A row of a detector has no
        ``amplifier``; one of an exposure has no ``detector`` (-1).
    """
    order = {test.key: i for i, test in enumerate(table.tests)}
    parts = [_describe(table, found) for found in _findAll(table) if len(found.member)]
    columns: dict[str, Any] = {
        name: np.concatenate([np.empty(0, dtype), *(part[name] for part in parts)])
        for name, dtype in _COLUMNS.items()
    }
    keys = [np.array([order[key] for key in columns["test"].tolist()], dtype=np.intp)]
    keys += [columns.pop(name) for name in ("ampIndex", "detectorIndex", "epochIndex")]
    rows = np.lexsort(keys)
    if table.epoch == "none":
        del columns["exposure"]
    culprits = Table({name: values[rows] for name, values in columns.items()})
    culprits["readNoise"].unit = u.electron
    described = describeColumns(culprits, "culprits")
    sources = [f"{test.key}: {test.thresholdSource}" for test in table.tests if test.thresholdFields]
    described["threshold"].description += f" Sources are: {'; '.join(sources)}." if sources else ""
    return described


_COLUMNS: dict[str, type] = {
    "epochIndex": np.intp,
    "detectorIndex": np.intp,
    "ampIndex": np.intp,
    "exposure": np.int64,
    "detector": np.int64,
    "detectorName": np.str_,
    "amplifier": np.str_,
    "test": np.str_,
    "section": np.str_,
    "value": np.float64,
    "unit": np.str_,
    "readNoise": np.float64,
    "readNoiseSource": np.str_,
    "quantity": np.float64,
    "operator": np.str_,
    "threshold": np.float64,
    "quantityUnit": np.str_,
    "status": np.str_,
    "reason": np.str_,
}


def _describe(table: AmpTable, found: _Found) -> dict[str, AnyArray]:
    """Make the columns of the culprits of one test, and the indices by which they are sorted."""
    test, layout, n = found.test, table.layout, len(found.member)
    none = np.full(n, -1)
    # Index -1 takes the last name, which is that of none.
    amp = found.member if test.row == "amplifier" else none
    detector = {"amplifier": layout.ampDetector[amp], "detector": found.member, "exposure": none}[test.row]
    value = None if test.statisticColumn is None else table.statistics[test.statisticColumn]
    is_amp = test.row == "amplifier"
    quantity = _take(table.quantity(test), found.row)
    operator, threshold = np.full(n, ""), np.full(n, np.nan)
    if test.quantity is not None:
        operator, threshold = nearestLimits(test, quantity, np.append(layout.physicalType, "")[detector])
    return {
        "epochIndex": found.epochIndex,
        "detectorIndex": detector,
        "ampIndex": amp,
        "exposure": table.exposures[found.epochIndex],
        "detector": np.append(layout.detectorId, -1)[detector],
        "detectorName": np.append(layout.detectorName, "")[detector],
        "amplifier": np.append(layout.ampName, "")[amp],
        "test": np.full(n, test.key),
        "section": np.full(n, test.section),
        "value": _take(value, found.row),
        "unit": np.full(n, test.unit),
        "readNoise": _take(table.readNoise if is_amp else None, found.row),
        "readNoiseSource": _take(table.readNoiseSource if is_amp else None, found.row, ""),
        "quantity": quantity,
        "operator": operator,
        "threshold": threshold,
        "quantityUnit": np.full(n, test.quantityUnit),
        "status": found.status,
        "reason": np.array(found.reason),
    }


def _take(values: AnyArray | None, rows: IndexArray, nothing: float | str = np.nan) -> npt.NDArray[Any]:
    """Take the values of rows; nothing where there are none, or no row (-1)."""
    taken = np.full(len(rows), nothing, dtype=None if values is None else values.dtype)
    if values is not None:
        taken[rows >= 0] = values[rows[rows >= 0]]
    return taken


def _findAll(table: AmpTable) -> Iterator[_Found]:
    """Find the culprits of all tests, verdicts that sum up others last."""
    listed = {kind: np.zeros(len(rows), dtype=bool) for kind, rows in table.rows.items()}
    missing = {kind: _findMissing(table, kind) for kind in table.rows}
    for test in sorted((t for t in table.tests if not t.isTested or t.counts), key=lambda t: t.verdict):
        status = table.status(test)
        bad = np.zeros(len(table.rows[test.row]), dtype=bool)
        if status is not None:
            bad = status != GOOD if table.wasRun(test) else status == FAILED
        if not test.verdict and table.wasRun(test):
            yield _missingOf(test, *missing[test.row])
        shown = bad & ~listed[test.row] if test.verdict else bad
        listed[test.row] |= bad
        rows = np.flatnonzero(shown | table.suspicious(test))
        # Few rows are named: names of all would take more memory than their values.
        names = np.full(len(rows), SUSPICIOUS_STATUS)
        if status is not None:
            names = np.where(bad[rows], statusNames(status[rows]), names)
        yield _Found(
            test=test,
            row=rows,
            epochIndex=table.rows[test.row].epochIndex[rows],
            member=table.rows[test.row].member[rows],
            status=names,
            reason=explain(table, test, rows),
        )


def _findMissing(table: AmpTable, kind: str) -> tuple[IndexArray, IndexArray]:
    """Find the exposures and members that are expected and have no row."""
    n = {"amplifier": table.layout.nAmps, "detector": table.layout.nDetectors, "exposure": 1}[kind]
    absent = np.ones((len(table.exposures), n), dtype=bool)
    absent[table.rows[kind].epochIndex, table.rows[kind].member] = False
    epoch, member = np.nonzero(absent)
    return epoch, member


def _missingOf(test: VerifyTest, epochIndex: IndexArray, member: IndexArray) -> _Found:
    """Make the culprits of one test that have no row."""
    n = len(member)
    return _Found(
        test=test,
        row=np.full(n, -1),
        epochIndex=epochIndex,
        member=member,
        status=np.full(n, STATUS_NAMES[UNKNOWN]),
        reason=[NO_ROW] * n,
    )
