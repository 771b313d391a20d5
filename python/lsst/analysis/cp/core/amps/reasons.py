# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Why results are failed, unknown or suspicious, in words."""

from __future__ import annotations

import numpy as np

from lsst.analysis.cp.catalogue import EXPOSURE_NAMES, VerifyTest
from lsst.analysis.cp.core.typing import FlagArray, IndexArray, NameArray

from .table import AmpTable
from .verdicts import FAILED, GOOD, UNKNOWN, judge, nearestLimits

__all__ = ["NO_ROW", "explain"]

NO_ROW = "no row in the table"
"""Why a test of what has no row is unknown."""


def explain(table: AmpTable, test: VerifyTest, rows: IndexArray) -> list[str]:
    """Tell why rows are not good.

    Parameters
    ----------
    table
        Results.
    test
        A test that was read.
    rows
        Rows, of the kind that the test has, that are failed, unknown or suspicious, shape (m,).

    Returns
    -------
    reasons
        Why, of each of these rows.
    """
    verdict, status = table.verdict(test), table.status(test)
    if verdict is None or status is None:
        return _explainSuspicions(table, test, rows)
    lacking = _findLacking(table, test, rows)
    reasons = {
        FAILED: _explainFailures(table, test, rows, lacking),
        UNKNOWN: _explainUnknown(test, verdict[rows], lacking),
        GOOD: _explainSuspicions(table, test, rows),
    }
    return [reasons[code][i] for i, code in enumerate(status[rows].tolist())]


def _explainFailures(table: AmpTable, test: VerifyTest, rows: IndexArray, lacking: list[str]) -> list[str]:
    """Compare the tested quantities with their limits."""
    failed = "failed (computed, not stored by cp_verify)" if test.isComputed else "failed"
    quantity = table.quantity(test)
    if quantity is None:
        return [f"{failed}; {words}" if words else failed for words in lacking]
    chosen, physical_type = quantity[rows], table.physicalType[test.row][rows]
    operators, thresholds = nearestLimits(test, chosen, physical_type)
    compared = [
        f"{test.quantity} is {value:.4g}, limit {operator} {threshold:.4g}"
        for value, operator, threshold in zip(
            chosen.tolist(), operators.tolist(), thresholds.tolist(), strict=True
        )
    ]
    passes = judge(test, chosen, physical_type) == GOOD
    return [
        f"{failed}; {words}"
        if words
        else f"{failed} by cp_verify, but {comparison}"
        if passed
        else f"{failed}: {comparison}"
        for words, comparison, passed in zip(lacking, compared, passes.tolist(), strict=True)
    ]


def _explainUnknown(test: VerifyTest, verdict: FlagArray, lacking: list[str]) -> list[str]:
    """Name what is lacking, beginning with the verdict."""
    if test.isComputed:
        return [words or "no limit for this type of sensor" for words in lacking]
    absent = f"no verdict in {test.verifyColumn} (masked or absent)"
    in_adu = f"it has compared ADU with electrons, and {test.quantity} does not pass"
    return [
        "; ".join(filter(None, [absent, words]))
        if code == UNKNOWN
        else f"passed by cp_verify, but {words or in_adu}"
        for code, words in zip(verdict.tolist(), lacking, strict=True)
    ]


def _explainSuspicions(table: AmpTable, test: VerifyTest, rows: IndexArray) -> list[str]:
    """Compare the statistics with what they have to exceed to be plausible."""
    if test.statisticColumn is None:
        return [""] * len(rows)
    return [
        f"{test.statistic} is {value:.4g}, too low to be plausible: not above "
        f"{'0' if value <= 0 else test.plausibleAbove}"
        for value in table.statistics[test.statisticColumn][rows].tolist()
    ]


def _findLacking(table: AmpTable, test: VerifyTest, rows: IndexArray) -> list[str]:
    """Name the first value of each row without which there is no statistic, or no tested quantity."""
    names = dict.fromkeys(([test.statistic] if test.statistic else []) + list(test.neededNames))
    conditions, words = [], []
    for name in names:
        values = table.variable(name, test)[rows]
        if name == "RN":
            for source in np.unique(table.readNoiseSource[rows]).tolist():
                conditions.append(np.isnan(values) & (table.readNoiseSource[rows] == source))
                words.append(f"the read noise of the {source} is no positive number")
        elif name == "GAIN":
            conditions.append(np.isnan(values))
            words.append("the gain is no positive number")
        elif name in EXPOSURE_NAMES:
            conditions.append(np.isnan(values))
            words.append(f"the {name.lower().replace('_', ' ')} is 0 or not known")
        else:
            conditions += [np.isnan(values), np.isinf(values)]
            words += [f"{name} has no value (NaN or masked)", f"{name} is infinite"]
    if (quantity := table.quantity(test)) is not None:
        if table.needsGain(test) and test.row == "amplifier":
            conditions.append(np.isnan(table.gain[rows]))
            words.append("the gain is no positive number")
        conditions.append(np.isnan(quantity[rows]))
        words.append(f"{test.quantity} is no number")
    found: NameArray = np.select(conditions, words, "") if conditions else np.full(len(rows), "")
    return found.tolist()
