# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which values of a record are valid, and what the catalogue says of them."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lsst.analysis.cp.catalogue import MEASUREMENTS, findTest, validityCount
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.core.typing import BoolArray, FlagArray, FloatArray, IdArray

from .table import TrendTableError

__all__ = ["Criterion", "WantedMetrics", "discardInvalid", "findCriterion", "judge"]

_ROWS = {
    "amplifier": ("nAmps", "nAmpsMissing"),
    "detector": ("nDetectors", "nDetectorsMissing"),
    "exposure": ("nExposures", ""),
}
"""Counts of the rows of a test, and of the missing ones, by what a row is."""

_COMPLETENESS = frozenset(name for names in _ROWS.values() for name in names if name) | {"nTested", "nValid"}

QUANTITIES = tuple(name for name, kind in MEASUREMENTS.items() if kind.of == "quantity")

_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


@dataclass(frozen=True)
class WantedMetrics:
    """A choice of metrics.

    Parameters
    ----------
    metrics
        Names of tools or topics; all if None.
    measurements
        Names of measurements; all if None.

    Raises
    ------
    TrendTableError
        Raised if one of these is a text, not a collection of texts.
    """

    metrics: Collection[str] | None = None
    measurements: Collection[str] | None = None

    def __post_init__(self) -> None:
        for name in ("metrics", "measurements"):
            if isinstance(value := getattr(self, name), str):
                raise TrendTableError(f"{name} is {value!r}, expected a list of names, such as [{value!r}]")

    def hasMetric(self, topic: str, metric: str) -> bool:
        """Tell whether a metric is asked for by the name of its topic or tool."""
        return self.metrics is None or topic in self.metrics or metric in self.metrics

    def isRead(self, measurement: str) -> bool:
        """Tell whether a measurement is asked for, or tells something of one that is."""
        return self._needed is None or measurement in self._needed

    @cached_property
    def _needed(self) -> frozenset[str] | None:
        """The measurements with those that tell what is valid, and what has passed; None for all."""
        if self.measurements is None:
            return None
        counts = {count for name in self.measurements if (count := validityCount(name)) is not None}
        return frozenset({*self.measurements, *counts, *_COMPLETENESS, *QUANTITIES})

    def checkFound(self, found: Collection[tuple[str, str]], source: str) -> None:
        """Raise `TrendTableError` if a metric is asked for that is none of the topics and tools found."""
        known = {name for names in found for name in names}
        if missing := sorted(set(self.metrics or ()) - known):
            tools = ", ".join(sorted({tool for _, tool in found})) or "none"
            raise TrendTableError(f"{source}: no metric {', '.join(missing)}; there are {tools}")


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """A limit: a value passes where ``value operator threshold``; ``row`` is what one row of the test is."""

    operator: str
    threshold: float
    row: str


def findCriterion(metric: str, measurement: str, unit: str | None) -> Criterion | None:
    """Find the limit of a measurement, as the specifications of lsst.verify have it.

    Parameters
    ----------
    metric, measurement, unit
        Names of the tool and the measurement, and its unit; None if that is not known.

    Returns
    -------
    criterion
        The limit of a tested quantity, or that nothing failed; None if the catalogue has none in this unit.
    """
    test = findTest(metric)
    if test is None or unit not in (None, test.measurementUnit(measurement)):
        return None
    if measurement == "nFailed" and test.verify is not None:
        return Criterion(operator="<=", threshold=0.0, row=test.row)
    if measurement in QUANTITIES and test.operator is not None and test.limit is not None:
        return Criterion(operator=test.operator, threshold=test.limit, row=test.row)
    return None


def judge(
    criterion: Criterion, measurement: str, values: Mapping[str, FloatArray], nAmps: IdArray
) -> FlagArray:
    """Compare a measurement with its limit.

    Parameters
    ----------
    criterion, measurement
        The limit, and what it is of.
    values
        All measurements of the records by name, shape (m,) each.
    nAmps
        Number of amplifiers that each record should have, -1 where that is not known, shape (m,).

    Returns
    -------
    status
        Status codes, shape (m,). A value that is not finite is unknown. That nothing failed is good only
        where each row was tested and is valid.
    """
    value = values[measurement]
    passed = _OPERATORS[criterion.operator](value, criterion.threshold)
    status = np.where(np.isfinite(value), np.where(passed, GOOD, FAILED), UNKNOWN).astype(np.int8)
    if measurement == "nFailed":
        status[(status == GOOD) & ~_isComplete(values, criterion.row, nAmps)] = UNKNOWN
    return status


def _isComplete(values: Mapping[str, FloatArray], row: str, nAmps: IdArray) -> BoolArray:
    """Tell where every row was tested, and has a finite statistic where the test has one; (m,)."""
    counted, missing = _ROWS[row]
    present = values.get(counted)
    if present is None or "nTested" not in values:
        return np.zeros(len(nAmps), dtype=bool)
    complete = (present > 0) & (values["nTested"] == present)
    if row == "amplifier":
        complete &= (nAmps < 0) | (present == nAmps)
    if "nValid" in values:
        complete &= values["nValid"] == present
    if missing in values:
        complete &= values[missing] == 0
    return complete


def discardInvalid(values: Mapping[str, FloatArray], *, zeroIsAbsent: bool = False) -> dict[str, FloatArray]:
    """Replace what is not valid by NaN.

    Parameters
    ----------
    values
        All measurements of the records by name, shape (m,) each. Not modified.
    zeroIsAbsent
        Whether absent values have been replaced by 0, as the dispatcher of analysis_tools does it.

    Returns
    -------
    values
        The same, with NaN for what is not finite, and for what is not valid as
        `lsst.analysis.cp.catalogue.validityCount` tells. If 0 may stand for absent: also for the three values
        of a tested quantity where all are exactly 0, since nothing tells whether they are absent.
    """
    result = {}
    for name, column in values.items():
        absent = ~np.isfinite(column)
        if (count := validityCount(name)) is not None and count in values:
            # A number that is absent itself tells of nothing valid.
            absent |= ~(values[count] > 0)
        result[name] = np.where(absent, np.nan, column)
    if zeroIsAbsent and (present := [name for name in QUANTITIES if name in values]):
        absent = np.all([values[name] == 0 for name in present], axis=0)
        result |= {name: np.where(absent, np.nan, result[name]) for name in present}
    return result
