# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Failure lists and table stacking of the merge tasks, free of tasks."""

__all__ = ["listFailures", "stackTables"]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from astropy.table import Table, TableMergeError, vstack


def listFailures(stats: Mapping[str, Any]) -> list[str]:
    """Name the failed tests of a set of statistics that did not succeed.

    Parameters
    ----------
    stats
        Statistics with a ``VERIFY`` entry, or already merged ones, without it.

    Returns
    -------
    failures
        ``"TEST"`` for an exposure, detector or catalogue, ``"C00 TEST"`` for an amplifier,
        ``"R22_S11 C00 TEST"`` and so on from merged statistics.
    """
    if "VERIFY" in stats:
        return _listTestFailures(stats["VERIFY"])
    return [
        f"{name} {failure}"
        for name, entry in stats.items()
        if name != "SUCCESS" and "SUCCESS" in entry and not entry["SUCCESS"]
        for failure in entry["FAILURES"]
    ]


def _listTestFailures(verify: Mapping[str, Mapping[str, Any]]) -> list[str]:
    failures: list[str] = []
    for level in ("EXP", "DET"):
        failures += _failedTests(verify.get(level) or {})
    for amp_name, results in (verify.get("AMP") or {}).items():
        if "SUCCESS" not in results:
            raise KeyError(f"The test results of amplifier {amp_name!r} have no SUCCESS entry.")
        failures += [f"{amp_name} {test}" for test in _failedTests(results)]
    failures += [test for test, passed in (verify.get("CATALOG") or {}).items() if passed is False]
    return failures


def _failedTests(results: Mapping[str, Any]) -> list[str]:
    """Name failed tests, unless SUCCESS says that those that count have passed."""
    if results.get("SUCCESS", False):
        return []
    return [test for test, passed in results.items() if test != "SUCCESS" and passed is False]


def stackTables(tables: Sequence[Table]) -> Table:
    """Stack tables; where vector columns differ in length, pad them at their ends.

    Parameters
    ----------
    tables
        Tables to stack; they are not changed.

    Returns
    -------
    stacked
        All rows and all columns. Float vectors are padded with NaN, boolean ones with False.

    Raises
    ------
    ValueError
        Raised for vectors of another type and of unequal length.
    """
    if not tables:
        return Table()
    try:
        return vstack(tables)
    except TableMergeError:
        return vstack(_padVectors(tables))


def _padVectors(tables: Sequence[Table]) -> list[Table]:
    shapes: dict[str, list[tuple[int, ...]]] = {}
    for table in tables:
        for name in table.colnames:
            shapes.setdefault(name, []).append(table[name].shape[1:])
    # Differing numbers of dimensions cannot be padded: vstack then says what is wrong.
    targets = {
        name: tuple(int(n) for n in np.max(found, axis=0))
        for name, found in shapes.items()
        if len(set(found)) > 1 and len({len(shape) for shape in found}) == 1
    }
    padded = []
    for table in tables:
        result = Table(table, copy=False)
        for name in set(targets).intersection(table.colnames):
            result[name] = _padColumn(name, np.asarray(table[name]), targets[name])
        padded.append(result)
    return padded


def _padColumn(name: str, column: np.ndarray, target: tuple[int, ...]) -> np.ndarray:
    if column.dtype.kind not in "fcb":
        raise ValueError(
            f"Column {name!r} has vectors of unequal length and type {column.dtype}: "
            "only vectors of floats can be padded with NaN."
        )
    padding = [(0, 0)] + [(0, n - m) for n, m in zip(target, column.shape[1:], strict=True)]
    fill = False if column.dtype.kind == "b" else np.nan
    return np.pad(column, padding, constant_values=fill)
