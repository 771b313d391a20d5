# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is known of an exposure while its detectors are verified, for the page and for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray
from lsst.analysis.cp.report.document import makeDocument
from lsst.analysis.cp.report.model import ProductReport, RunReport, Verdict
from lsst.analysis.cp.report.verdicts import failureLimit

__all__ = ["Phase", "State"]


class Phase(StrEnum):
    """How far it is: waiting for tables, merging after the last, then merged or not."""

    WAITING = "waiting"
    MERGING = "merging"
    MERGED = "merged"
    NOT_MERGED = "not merged"


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """What is known by now.

    Parameters
    ----------
    report
        The exposure, or visit, as a run of one product, or of none before the first table.
    what
        What is followed, in words.
    phase
        How far it is.
    expected
        Detectors that are waited for, shape (nDetectors,).
    there, notYet
        Those of them that are there, and that are still to come, shape (nDetectors,).
    counted
        Detectors that the rule of verdicts counts, shape (nDetectors,).
    missing
        Why the others will not come, by their names.
    deadline
        When those that are still to come are missing, UTC.
    lastTable, judged
        When the last table was found, and when the verdict was known to be final, UTC; None before.
    run
        RUN collection of the merge; empty before.
    trouble
        What is wrong with the repository, or has broken the merge; empty if nothing is.
    """

    report: RunReport
    what: str
    phase: Phase
    expected: BoolArray
    there: BoolArray
    notYet: BoolArray
    counted: BoolArray
    missing: Mapping[str, str] = field(default_factory=dict)
    deadline: datetime
    lastTable: datetime | None = None
    judged: datetime | None = None
    run: str = ""
    trouble: str = ""

    @property
    def product(self) -> ProductReport | None:
        """The product; None before the first table."""
        return next(iter(self.report.products), None)

    @property
    def verdict(self) -> Verdict:
        """The verdict on what is there."""
        return self.report.verdict

    @property
    def isFinal(self) -> bool:
        """Whether nothing that is still to come changes the verdict: failures can only become more."""
        return not self.notYet.any() or self.verdict is Verdict.MAY_NOT

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, one sentence each."""
        if self.product is not None:
            return self.product.reasons
        if self.report.problems:
            return tuple(f"{each.dataset}: {each.reason}." for each in self.report.problems)
        return ("No detector is there yet." if self.notYet.any() else "No detector has come.",)

    @property
    def progress(self) -> str:
        """How many detectors are there."""
        return f"{np.count_nonzero(self.there)} of {np.count_nonzero(self.expected)} detectors"

    def namesOf(self, chosen: BoolArray) -> list[str]:
        """List the names of some detectors, shape (nDetectors,)."""
        return list(self.report.layout.detectorName[chosen].tolist())

    def listTests(self) -> list[dict[str, Any]]:
        """List the tests whose verdicts count, with what failed by now, and how many are enough to refuse."""
        if self.product is None:
            return []
        n_counted = int(np.count_nonzero(self.counted))
        (exposure,) = self.product.exposures
        return [
            {
                "key": each.test.key,
                "label": each.test.label,
                "row": each.test.row,
                "nFailed": exposure.nFailed.get(each.test.key, 0),
                "enough": failureLimit(each.test, n_counted),
                "isOver": each.test.key in exposure.overLimit,
            }
            for each in self.product.tests
            if each.test.counts and each.test.isTested and not each.test.verdict
        ]

    def makeDocument(self) -> dict[str, Any]:
        """Make the document for scripts: that of a report, with what is still to come."""
        return makeDocument(self.report) | {
            "arrival": {
                "phase": str(self.phase),
                "isFinal": self.isFinal,
                "nExpected": int(np.count_nonzero(self.expected)),
                "nThere": int(np.count_nonzero(self.there)),
                "notYet": self.namesOf(self.notYet),
                "missing": [
                    {"detector": name, "reason": reason} for name, reason in sorted(self.missing.items())
                ],
                "reasons": list(self.reasons),
                "deadline": _write(self.deadline),
                "lastTable": _write(self.lastTable),
                "judged": _write(self.judged),
                "run": self.run or None,
                "trouble": self.trouble or None,
            }
        }


def _write(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="milliseconds")
