# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Failures of tests, counted by detector and by the name of the amplifier."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.typing import BoolArray, IndexArray, NameArray

from .table import AmpTable
from .verdicts import FAILED, GOOD, UNKNOWN

__all__ = ["DetectorFailures", "NameFailures", "failuresByDetector", "failuresByName", "nameAmps"]


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectorFailures:
    """Amplifiers (of a test of detectors, the detector itself) by their status; all of shape (nDet,).

    Parameters
    ----------
    nFailed
        How many failed in any exposure.
    nUnknown
        How many of the others are not known to be good in every exposure; none where nobody would know.
    nMembers
        How many the detector has.
    nPresent
        How many have a row in any exposure.
    """

    nFailed: IndexArray
    nUnknown: IndexArray
    nMembers: IndexArray
    nPresent: IndexArray


def failuresByDetector(table: AmpTable, test: VerifyTest) -> DetectorFailures:
    """Count what failed a test in each detector of the layout, once over all exposures.

    Parameters
    ----------
    table
        Results.
    test
        A test with a verdict, of amplifiers or detectors.

    Returns
    -------
    counts
        The counts. Nothing is unknown of a test that was not run, or whose verdict is written on failure
        only.
    """
    layout = table.layout
    member = table.rows[test.row].member
    detector = layout.ampDetector if test.row == "amplifier" else np.arange(layout.nDetectors)
    status = table.status(test)
    if status is None:
        raise ValueError(f"test {test.key!r} of {test.product} has no verdict")
    n_good, n_failed, n_rows = (
        np.bincount(member[chosen], minlength=len(detector))
        for chosen in (status == GOOD, status == FAILED, slice(None))
    )
    failed, present = n_failed > 0, n_rows > 0
    unknown = ~failed & ((n_good < len(table.exposures)) | ~present) & table.wasRun(test)

    def perDetector(members: BoolArray) -> IndexArray:
        return np.bincount(detector[members], minlength=layout.nDetectors)

    return DetectorFailures(
        nFailed=perDetector(failed),
        nUnknown=perDetector(unknown),
        nMembers=perDetector(np.ones(len(detector), dtype=bool)),
        nPresent=perDetector(present),
    )


def nameAmps(names: NameArray) -> tuple[NameArray, IndexArray]:
    """Tell different names of amplifiers apart.

    Parameters
    ----------
    names
        Names of the amplifiers of a camera, shape (n,).

    Returns
    -------
    different, code
        The different names, sorted, shape (nNames,), and which of them each amplifier has, shape (n,).
    """
    different, code = np.unique(names, return_inverse=True)
    return different, code


@dataclass(frozen=True, kw_only=True, eq=False)
class NameFailures:
    """Rows of amplifiers by the name of the amplifier; all of shape (nNames,), in the order of `nameAmps`.

    Parameters
    ----------
    nFailed
        Rows whose verdict is False.
    nTested
        Rows with a verdict.
    nExpected
        Rows that the camera should have over all exposures.
    """

    nFailed: IndexArray
    nTested: IndexArray
    nExpected: IndexArray


def failuresByName(table: AmpTable, test: VerifyTest, mask: BoolArray) -> NameFailures:
    """Count the rows that failed a test, over exposures and detectors, by the name of the amplifier.

    Parameters
    ----------
    table
        Results.
    test
        A test of amplifiers with a verdict.
    mask
        Selected detectors, shape (nDet,).

    Returns
    -------
    counts
        The counts.
    """
    verdict = table.verdict(test)
    if verdict is None or test.row != "amplifier":
        raise ValueError(f"test {test.key!r} of {test.product} has no verdicts of amplifiers")
    layout = table.layout
    names, code = nameAmps(layout.ampName)
    selected = mask[layout.ampDetector]
    rows = selected[table.ampIndex]
    n_failed, n_tested = (
        np.bincount(code[table.ampIndex[rows & chosen]], minlength=len(names))
        for chosen in (verdict == FAILED, verdict != UNKNOWN)
    )
    expected = np.bincount(code[selected], minlength=len(names)) * len(table.exposures)
    return NameFailures(nFailed=n_failed, nTested=n_tested, nExpected=expected)
