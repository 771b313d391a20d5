# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is known of tests while one exposure after the other is read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN, margins
from lsst.analysis.cp.core.typing import (
    BoolArray,
    FlagArray,
    FloatArray,
    IdArray,
    IndexArray,
    NameArray,
)
from lsst.analysis.cp.report.model import ReportedTest

__all__ = ["StatusTally", "TestRows", "TestTally"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TestRows:
    """Rows of one test in one exposure, all of shape (n,).

    Parameters
    ----------
    member
        Index of each row's amplifier, detector or exposure.
    physicalType
        Physical type of its sensor.
    status
        Status codes; None if nothing is tested.
    suspicious
        Whether the value is too low to be plausible.
    value, quantity
        Statistic and tested quantity; NaN where there is none.
    """

    __test__ = False

    member: IndexArray
    physicalType: NameArray
    status: FlagArray | None
    suspicious: BoolArray
    value: FloatArray
    quantity: FloatArray

    def at(self, member: IndexArray) -> TestRows:
        """Make the same rows of other members."""
        return replace(self, member=member)

    def take(self, places: IndexArray) -> TestRows:
        """Take some of the rows."""
        return TestRows(
            member=self.member[places],
            physicalType=self.physicalType[places],
            status=None if self.status is None else self.status[places],
            suspicious=self.suspicious[places],
            value=self.value[places],
            quantity=self.quantity[places],
        )

    def margin(self, test: VerifyTest) -> FloatArray:
        """Measure the distance to the limit; NaN where there is no limit or quantity."""
        if test.quantity is None:
            return np.full(len(self.member), np.nan)
        return margins(test, self.quantity, self.physicalType)


class StatusTally:
    """The status of members over exposures: failed if failed in one, good only if good in all.

    Parameters
    ----------
    shape
        Shape of the members.
    """

    def __init__(self, *shape: int) -> None:
        self.nFailed = np.zeros(shape, dtype=np.int64)
        self.nGood = np.zeros(shape, dtype=np.int64)

    def add(self, status: FlagArray, where: IndexArray | slice = slice(None)) -> None:
        """Add the status codes of one exposure, of all members or those at an index that has none twice."""
        self.nFailed[where] += status == FAILED
        self.nGood[where] += status == GOOD

    def status(self, nExposures: int) -> FlagArray:
        """Tell the status over a number of exposures."""
        good = (self.nGood >= nExposures) & (nExposures > 0)
        return np.where(self.nFailed > 0, FAILED, np.where(good, GOOD, UNKNOWN)).astype(np.int8)


class TestTally:
    """Counts of one test, and the worst of its numbers.

    Parameters
    ----------
    test
        The test, with the limits of its first exposure.
    nMembers
        Number of amplifiers, detectors or exposures.
    """

    __test__ = False

    def __init__(self, test: VerifyTest, nMembers: int) -> None:
        self.test = test
        self.counts = StatusTally(nMembers)
        self._nParts = 0
        self._epochs: set[int] = set()
        self._nSuspicious = np.zeros(nMembers, dtype=np.int64)
        self._numbers = {name: np.full(nMembers, np.nan) for name in ("value", "quantity", "margin")}
        self._exposure = np.full(nMembers, -1, dtype=np.int64)
        # 2 if the worst is told by its margin, 1 if by its statistic, 0 if there is none yet.
        self._rank = np.zeros(nMembers, dtype=np.int8)
        self._badness = np.zeros(nMembers)

    def add(self, rows: TestRows, test: VerifyTest, exposure: int) -> None:
        """Add one exposure, or one of those of a visit.

        Parameters
        ----------
        rows
            Its rows, no two of one member.
        test
            The test, with the limits of this exposure.
        exposure
            Its id, or that of the visit.
        """
        self._nParts += 1
        self._epochs.add(exposure)
        if rows.status is not None:
            self.counts.add(rows.status, rows.member)
        self._nSuspicious[rows.member] += rows.suspicious
        margin = rows.margin(test)
        has_margin = ~np.isnan(margin)
        rank = np.where(has_margin, 2, np.where(np.isnan(rows.value), 0, 1)).astype(np.int8)
        badness = np.where(has_margin, -margin, np.where(rank == 1, rows.value, 0.0))
        known = self._rank[rows.member]
        worse = (rank > known) | ((rank == known) & (rank > 0) & (badness > self._badness[rows.member]))
        place = rows.member[worse]
        self._rank[place], self._badness[place] = rank[worse], badness[worse]
        for name, values in (("value", rows.value), ("quantity", rows.quantity), ("margin", margin)):
            self._numbers[name][place] = values[worse]
        self._exposure[place] = exposure

    @property
    def isKnown(self) -> bool:
        """Whether a member has a verdict in an exposure."""
        return bool(self.counts.nFailed.any() or self.counts.nGood.any())

    def report(self, nExposures: int, *, wasRun: bool) -> ReportedTest:
        """Sum up.

        Parameters
        ----------
        nExposures
            Number of exposures, those included that have no tables.
        wasRun
            Whether a member without a verdict is unknown.

        Returns
        -------
        reported
            The test over all exposures.
        """
        n_tested: IdArray = self.counts.nFailed + self.counts.nGood
        # A member is good if it is in all exposures of each visit; an exposure is in no other one.
        n_absent = nExposures - len(self._epochs)
        n_needed = 1 if self.test.row == "exposure" else self._nParts + n_absent
        return ReportedTest(
            test=self.test,
            nTested=n_tested,
            nFailed=self.counts.nFailed,
            nSuspicious=self._nSuspicious,
            status=self.counts.status(n_needed),
            **self._numbers,
            worstExposure=self._exposure,
            wasRun=wasRun,
        )
