# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The three-valued status, what decides it, and the rule by which summit scripts judge a run."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.typing import BoolArray, FlagArray, FloatArray, NameArray

__all__ = [
    "FAILED",
    "GOOD",
    "STATUS_NAMES",
    "UNKNOWN",
    "MajorityThresholds",
    "combineStatus",
    "judge",
    "majorityThresholds",
    "nearestLimits",
    "statusNames",
    "thresholdsOf",
]

UNKNOWN = -1
"""Status of what is not tested, or has no finite value."""
FAILED = 0
"""Status of what a verdict is against."""
GOOD = 1
"""Status of what is tested, and passed."""

STATUS_NAMES = {GOOD: "good", FAILED: "failed", UNKNOWN: "unknown"}
"""Name of each status code."""

# Indexed by code, so that UNKNOWN (-1) takes the last.
_NAMES = np.array([STATUS_NAMES[FAILED], STATUS_NAMES[GOOD], STATUS_NAMES[UNKNOWN]])

_OPERATORS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def combineStatus(failed: BoolArray, complete: BoolArray) -> FlagArray:
    """Roll up the status of parts.

    Parameters
    ----------
    failed
        Where any part failed, any shape.
    complete
        Where every expected part is known to be good or failed, same shape.

    Returns
    -------
    status
        FAILED where a part failed, else UNKNOWN where one is not known, else GOOD.
    """
    return np.where(failed, FAILED, np.where(complete, GOOD, UNKNOWN)).astype(np.int8)


def statusNames(status: FlagArray) -> NameArray:
    """Translate status codes.

    Parameters
    ----------
    status
        Codes, any shape.

    Returns
    -------
    names
        ``"good"``, ``"failed"`` or ``"unknown"``, same shape.
    """
    return _NAMES[status]


def thresholdsOf(test: VerifyTest, physicalType: NameArray) -> tuple[FloatArray, FloatArray]:
    """Spread the threshold of a test over rows.

    Parameters
    ----------
    test
        A test with a tested quantity.
    physicalType
        Physical type of the sensor of each row, shape (n,).

    Returns
    -------
    low, high
        Ends of the interval in which the quantity passes, in its unit, shape (n,); infinite where there is
        no such end, NaN for a type of sensor for which the catalogue has no threshold.
    """
    given: list[tuple[BoolArray | slice, Any]] = [(slice(None), test.threshold)]
    if isinstance(test.threshold, Mapping):
        given = [(physicalType == name, bounds) for name, bounds in test.threshold.items()]
    low, high = (np.full(len(physicalType), np.nan) for _ in range(2))
    for rows, bounds in given:
        if isinstance(bounds, tuple):
            ends = bounds
        else:
            ends = (-np.inf, bounds) if str(test.operator).startswith("<") else (bounds, np.inf)
        low[rows], high[rows] = ends
    return low, high


def nearestLimits(
    test: VerifyTest, quantity: FloatArray, physicalType: NameArray
) -> tuple[NameArray, FloatArray]:
    """Find the limit that is nearest to each quantity.

    Parameters
    ----------
    test
        A test with a tested quantity.
    quantity
        The quantity, shape (n,), in its unit.
    physicalType
        Physical type of the sensor of each row, shape (n,).

    Returns
    -------
    operators, thresholds
        The quantity passes where it has this relation to the threshold, shape (n,). Of an interval it is the
        nearer end, and the upper one where there is no quantity. Empty and NaN for a type of sensor for which
        the catalogue has no threshold.
    """
    low, high = thresholdsOf(test, physicalType)
    # An infinite end is never the nearer.
    is_low = ~np.isinf(low) & (np.isinf(high) | (quantity < 0.5 * (low + high)))
    thresholds = np.where(is_low, low, high)
    operators = np.where(is_low, ">", "<") if test.operator == "inside" else np.full(len(low), test.operator)
    return np.where(np.isnan(thresholds), "", operators), thresholds


def judge(test: VerifyTest, quantity: FloatArray, physicalType: NameArray) -> FlagArray:
    """Judge tested quantities by the threshold of the catalogue.

    Parameters
    ----------
    test
        A test with a tested quantity.
    quantity
        The quantity, shape (n,), in its unit.
    physicalType
        Physical type of the sensor of each row, shape (n,).

    Returns
    -------
    verdicts
        GOOD, FAILED, or UNKNOWN where the quantity is NaN or there is no threshold; shape (n,).
    """
    low, high = thresholdsOf(test, physicalType)
    if test.operator == "inside":
        passed = (low < quantity) & (quantity < high)
    else:
        compare = _OPERATORS[str(test.operator)]
        passed = compare(quantity, high if str(test.operator).startswith("<") else low)
    return np.where(np.isnan(quantity) | np.isnan(low), UNKNOWN, passed).astype(np.int8)


@dataclass(frozen=True, kw_only=True)
class MajorityThresholds:
    """Limits of the majority rule.

    Parameters
    ----------
    failures
        Failures of one test in one exposure, over all detectors, from which the exposure counts as failed.
    exposures
        Failed exposures from which the run counts as failed.
    """

    failures: int
    exposures: int


def majorityThresholds(nExposures: int, nDetectors: int, maxFailuresPerDetector: int) -> MajorityThresholds:
    """Work out the limits of the majority rule.

    Parameters
    ----------
    nExposures, nDetectors
        Number of exposures and detectors of the run.
    maxFailuresPerDetector
        Failures of a test in one detector and exposure that make a failed detector.

    Returns
    -------
    thresholds
        A majority is half of the number, rounded down, and one.

    Notes
    -----
    The rule is that of ``count_failed_verification_tests`` in ts_externalscripts (BaseMakeCalibrations),
    which refuses to certify where, in the majority of exposures, some test has at least
    ``maxFailuresPerDetector`` failures times the majority of detectors. There the number of exposures is
    taken from a dictionary that has one more entry than exposures, so that an odd number needs one failed
    exposure more than here.
    """
    return MajorityThresholds(
        failures=maxFailuresPerDetector * (nDetectors // 2 + 1), exposures=nExposures // 2 + 1
    )
