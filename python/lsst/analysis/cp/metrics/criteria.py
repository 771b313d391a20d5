# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which values of a record are valid, and what the catalogue says of them."""

from __future__ import annotations

import operator
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.catalogue import findTest, validityCount
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.core.typing import BoolArray, FlagArray, FloatArray, IdArray

__all__ = ["Criterion", "discardInvalid", "findCriterion", "isCount", "judge", "neededMeasurements"]

_COMPLETENESS = ("nAmps", "nAmpsMissing", "nTested", "nValid")

QUANTITIES = ("quantityMin", "quantityMedian", "quantityMax")

_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

_COUNT = re.compile(r"n[A-Z]\w*|majorityFailed")


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """A limit of a measurement.

    Parameters
    ----------
    operator
        The value passes where ``value operator threshold``.
    threshold
        The limit.
    """

    operator: str
    threshold: float


def isCount(measurement: str) -> bool:
    """Tell whether a measurement is a number of things, which is valid whatever ``nValid`` says."""
    return _COUNT.fullmatch(measurement) is not None


def neededMeasurements(measurements: Collection[str]) -> frozenset[str]:
    """Add to measurements those that tell what is valid, and what has passed.

    Parameters
    ----------
    measurements
        Names of measurements.

    Returns
    -------
    names
        The same and the others; a record need not have all.
    """
    counts = {count for name in measurements if (count := validityCount(name)) is not None}
    return frozenset({*measurements, *counts, *_COMPLETENESS, *QUANTITIES})


def findCriterion(metric: str, measurement: str, unit: str | None) -> Criterion | None:
    """Find the limit of a measurement, as the specifications of lsst.verify have it.

    Parameters
    ----------
    metric
        Name of the tool.
    measurement
        Name of the measurement.
    unit
        Its unit; None if it is not known.

    Returns
    -------
    criterion
        The limit of a tested quantity, or that nothing failed; None if the catalogue has none in this unit.
    """
    test = findTest(metric)
    if test is None or unit not in (None, test.measurementUnit(measurement)):
        return None
    if measurement == "nFailed" and test.verify is not None:
        return Criterion(operator="<=", threshold=0.0)
    if measurement in QUANTITIES and test.operator is not None and test.limit is not None:
        return Criterion(operator=test.operator, threshold=test.limit)
    return None


def judge(
    criterion: Criterion, measurement: str, values: Mapping[str, FloatArray], nAmps: IdArray
) -> FlagArray:
    """Compare a measurement with its limit.

    Parameters
    ----------
    criterion
        The limit.
    measurement
        Name of the measurement.
    values
        All measurements of the records by name, shape (m,) each.
    nAmps
        Number of amplifiers that each record should have, -1 where that is not known, shape (m,).

    Returns
    -------
    status
        Status codes, shape (m,). A value that is not finite is unknown. That no amplifier failed is good only
        where each was tested and is valid.
    """
    value = values[measurement]
    passed = _OPERATORS[criterion.operator](value, criterion.threshold)
    status = np.where(np.isfinite(value), np.where(passed, GOOD, FAILED), UNKNOWN).astype(np.int8)
    if measurement == "nFailed":
        status[(status == GOOD) & ~_isComplete(values, nAmps)] = UNKNOWN
    return status


def _isComplete(values: Mapping[str, FloatArray], nAmps: IdArray) -> BoolArray:
    """Tell where every amplifier was tested, and has a finite statistic where the test has one; (m,)."""
    present = values.get("nAmps")
    if present is None or "nTested" not in values:
        return np.zeros(len(nAmps), dtype=bool)
    complete = (present > 0) & (values["nTested"] == present) & ((nAmps < 0) | (present == nAmps))
    if "nValid" in values:
        complete &= values["nValid"] == present
    if "nAmpsMissing" in values:
        complete &= values["nAmpsMissing"] == 0
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
