# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a person reads at night: a line, and the exit status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lsst.analysis.cp.core.amps import FAILED
from lsst.analysis.cp.report import Verdict
from lsst.analysis.cp.report.document import EXIT_STATUS

from .verify import StageState

if TYPE_CHECKING:
    from lsst.analysis.cp.report import ProductReport, RunReport

    from .night import Night
    from .verify import ProductState

__all__ = ["Outcome", "shorten"]

_WORDS: Mapping[Verdict, str] = {
    Verdict.MAY_NOT: "BAD",
    Verdict.UNKNOWN: "UNKNOWN",
    Verdict.NOT_JUDGED: "not judged",
    Verdict.MAY: "ok",
}
"""Verdicts as the line has them, the worst first."""

_DETAILS = ((60, 3), (40, 2), (20, 1), (0, 1))
"""Lengths of reasons, and numbers of products of a verdict that are named: the first that fit are taken."""

_LONGEST = 260
"""Length of a line that is short enough, without the place of the report."""

_UNKNOWN_STATUS = EXIT_STATUS[Verdict.UNKNOWN]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a night.

    Parameters
    ----------
    night
        The night.
    products
        What became of each product.
    asked
        Names of the products that there have to be.
    report
        The report; None if there is none.
    place
        Where the report is; empty if it could not be written.
    pushed
        What was pushed, in a few words.
    isPushed
        Whether nothing that should have been pushed is left.
    seconds
        How long it took.
    """

    night: Night
    products: Sequence[ProductState]
    asked: Sequence[str] = ()
    report: RunReport | None = None
    place: str = ""
    pushed: str = ""
    isPushed: bool = True
    seconds: float = 0.0

    @property
    def status(self) -> int:
        """Exit status: that of the report, 3 if something is absent, 1 if something failed and no more."""
        taken = [state for state in self.products if state.exposures]
        status = 0 if self.report is None else EXIT_STATUS[self.report.verdict]
        is_unknown = not taken or any(self._absent) or any(self._countMissing(state) for state in taken)
        if status == EXIT_STATUS[Verdict.MAY_NOT]:
            return status
        if is_unknown or status == _UNKNOWN_STATUS:
            return _UNKNOWN_STATUS
        return int(bool(self._failed) or not self.place or not self.isPushed)

    @property
    def line(self) -> str:
        """The line, what a person has to do something about first."""
        lines = [self._compose(*each) for each in _DETAILS]
        return next((line for line in lines if len(line) <= _LONGEST + len(self.place)), lines[-1])

    def _compose(self, width: int, nNamed: int) -> str:
        """Write the line in some detail."""
        verdicts = self._describeVerdicts(width, nNamed)
        parts = [verdicts.pop(verdict, "") for verdict in (Verdict.MAY_NOT, Verdict.UNKNOWN)]
        unread = [each.dataset for each in self.report.problems if not each.isRemark] if self.report else []
        if unread:
            parts.append(f"UNREAD {shorten(_join(unread), width) or len(unread)}")
        if self._absent:
            parts.append(f"NO {' OR '.join(self._absent)} TAKEN")
        if self._failed:
            parts.append(f"FAILED {_join(self._failed)}")
        parts += verdicts.values()
        if self._notTaken:
            parts.append(f"no {' or '.join(self._notTaken)} taken")
        parts += [self.pushed, f"report {self.place}" if self.place else "NO REPORT"]
        parts.append(f"{self.seconds / 60:.0f} min" if self.seconds >= 60 else f"{self.seconds:.0f} s")
        head = f"{self.night.instrument} {self.night.dayObs}"
        return f"{head}: {'; '.join(part for part in parts if part)}; status {self.status}"

    @property
    def _absent(self) -> list[str]:
        """Names of the products that were asked for and of which there are no exposures."""
        return [
            state.product for state in self.products if not state.exposures and state.product in self.asked
        ]

    @property
    def _notTaken(self) -> list[str]:
        """Names of the other products of which there are no exposures."""
        return [
            state.product
            for state in self.products
            if not state.exposures and state.product not in self.asked
        ]

    @property
    def _failed(self) -> list[str]:
        """Names of the steps that failed, each once."""
        stages = (stage for state in self.products for stage in state.stages)
        return list(dict.fromkeys(stage.label for stage in stages if stage.state is StageState.FAILED))

    def _reportsOf(self, product: str) -> list[ProductReport]:
        return [each for each in self.report.products if each.product.name == product] if self.report else []

    def _countMissing(self, state: ProductState) -> int:
        """Count the exposures of a product that the report does not have."""
        found = {exposure.exposure for each in self._reportsOf(state.product) for exposure in each.exposures}
        return len(set(state.exposures) - found)

    def _describeVerdicts(self, width: int, nNamed: int) -> dict[Verdict, str]:
        """Name the products by their verdicts, the worst first, and the first of each with its reason."""
        found: dict[Verdict, dict[str, str]] = {verdict: {} for verdict in _WORDS}
        for state in self.products:
            n_missing = self._countMissing(state)
            if n_missing:
                reason = f"{n_missing} of {len(state.exposures)} exposures not verified"
                found[Verdict.UNKNOWN][state.product] = reason
            for each in self._reportsOf(state.product):
                if not n_missing or each.verdict is Verdict.MAY_NOT:
                    found[each.verdict][each.name] = self._explain(each)
        return {
            verdict: f"{_WORDS[verdict]} {_list(reasons, width, nNamed)}"
            for verdict, reasons in found.items()
            if reasons
        }

    def _explain(self, product: ProductReport) -> str:
        """Say in a few words why a product has its verdict; nothing where all is well."""
        if product.verdict is Verdict.MAY:
            return ""
        if product.verdict is Verdict.UNKNOWN:
            return product.reasons[0]
        over = {key for exposure in product.exposures for key in exposure.overLimit}
        tests = [
            (each.test.key in over, int(np.count_nonzero(each.status == FAILED)), column)
            for column, each in enumerate(product.tests)
            if each.test.isTested and each.test.counts
        ]
        _, number, column = max(tests, default=(False, 0, 0))
        if not number or self.report is None:
            return ""
        test = product.tests[column].test
        places = product.failed[:, column]
        names = self.report.layout.detectorName
        most = f" of {names[int(np.argmax(places))]}" if places.any() else ""
        if np.count_nonzero(places) > 1:
            most = f", most{most.replace(' of ', ' in ')}"
        return f"{test.key} fails in {number} {test.row}{'s' if number > 1 else ''}{most}"


def _join(names: Sequence[str]) -> str:
    """Name the first, and say how many there are more."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _list(reasons: Mapping[str, str], width: int, nNamed: int) -> str:
    """Name some products, the first with its reason, and say how many there are more."""
    first, *others = list(reasons)[:nNamed]
    reason = shorten(reasons[first], width)
    more = f" and {len(reasons) - nNamed} more" if len(reasons) > nNamed else ""
    return f"{', '.join([f'{first} ({reason})' if reason else first, *others])}{more}"


def shorten(text: str, width: int) -> str:
    """Make one line of a text, and cut that at a blank, if it is long; there is nothing of no width."""
    text = " ".join(text.split()).rstrip(".")
    if len(text) <= width:
        return text
    return f"{text[:width].rpartition(' ')[0] or text[:width]} ..." if width else ""
