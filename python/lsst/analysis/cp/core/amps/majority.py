# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The rule by which summit scripts refuse to certify a calibration."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.catalogue import Test
from lsst.analysis.cp.core.camera import DetectorSelection
from lsst.analysis.cp.core.typing import BoolArray

from .status import FAILED
from .table import AmpTable

__all__ = ["MajorityThresholds", "MajorityVerdict", "majorityThresholds", "majorityVerdict", "overLimit"]


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


@dataclass(frozen=True, kw_only=True, eq=False)
class MajorityVerdict:
    """What the majority rule says of a run.

    Parameters
    ----------
    thresholds
        The limits.
    exposureFailed
        Whether any test reached the limit in each exposure, shape (nExp,).
    nExposuresFailed
        Number of those exposures.
    certify
        Whether the rule lets the calibration be certified.
    """

    thresholds: MajorityThresholds
    exposureFailed: BoolArray
    nExposuresFailed: int
    certify: bool


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
    """
    return MajorityThresholds(
        failures=maxFailuresPerDetector * (nDetectors // 2 + 1), exposures=nExposures // 2 + 1
    )


def overLimit(ampTable: AmpTable, test: Test, mask: BoolArray, thresholds: MajorityThresholds) -> BoolArray:
    """Find the exposures in which a test failed too often.

    Parameters
    ----------
    ampTable
        Results of amplifiers.
    test
        A test with a verdict.
    mask
        Selected detectors, shape (nDet,).
    thresholds
        The limits.

    Returns
    -------
    over
        Shape (nExp,).
    """
    failed = ampTable.flags[str(test.verifyColumn)] == FAILED
    if not test.inVerdict:
        # Such a failure is listed only for an amplifier whose verdict over all tests is False.
        for other in ampTable.tests:
            if other.verdict and other.verifyColumn is not None:
                failed &= ampTable.flags[other.verifyColumn] == FAILED
    failed &= mask[ampTable.detectorIndex]
    counts = np.bincount(ampTable.exposureIndex[failed], minlength=len(ampTable.exposures))
    return counts >= thresholds.failures


def majorityVerdict(
    ampTable: AmpTable,
    *,
    tests: Collection[str] | None = None,
    selection: DetectorSelection | None = None,
    maxFailuresPerDetector: int = 8,
) -> MajorityVerdict:
    """Apply the majority rule of the summit scripts to a run.

    Parameters
    ----------
    ampTable
        Results of amplifiers of the whole run.
    tests
        Keys of the tests that count; all that were read if None.
    selection
        Detectors to include; those of type SCIENCE if None.
    maxFailuresPerDetector
        Failures of a test in one detector and exposure that make a failed detector.

    Returns
    -------
    verdict
        Certification is refused where, in the majority of exposures, some test has at least
        ``maxFailuresPerDetector`` failures times the majority of detectors.

    Notes
    -----
    The rule is that of ``count_failed_verification_tests`` in ts_externalscripts
    (BaseMakeCalibrations). There the number of exposures is taken from a dictionary that has one more entry
    than exposures, so that an odd number needs one failed exposure more than here.
    """
    mask = (DetectorSelection() if selection is None else selection).mask(ampTable.layout)
    limits = majorityThresholds(len(ampTable.exposures), int(mask.sum()), maxFailuresPerDetector)
    failed = np.zeros(len(ampTable.exposures), dtype=bool)
    for test in ampTable.tests:
        counts = tests is None or test.key in tests
        if counts and test.verifyColumn is not None and not test.verdict:
            failed |= overLimit(ampTable, test, mask, limits)
    n_failed = int(failed.sum())
    return MajorityVerdict(
        thresholds=limits,
        exposureFailed=failed,
        nExposuresFailed=n_failed,
        certify=n_failed < limits.exposures,
    )
