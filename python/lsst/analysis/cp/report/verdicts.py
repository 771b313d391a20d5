# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Whether a product may be certified, and why: the majority rule, and what it needs to be applied."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lsst.analysis.cp.catalogue import Product, VerifyTest
from lsst.analysis.cp.core.amps import majorityThresholds

from .model import Verdict

__all__ = ["MAX_FAILURES", "Counts", "Evidence", "Judgement", "failureLimit", "judgeProduct"]

MAX_FAILURES = 8
"""Failures of a test in one detector and exposure that make a failed detector."""

_NAMED = 6


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Failures of one test in one exposure, and what may be one.

    Parameters
    ----------
    nFailed
        Number of failed members.
    nUnknown
        Number of those without verdict.
    """

    nFailed: int
    nUnknown: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a verdict on a product is made of.

    Parameters
    ----------
    product
        The product.
    exposures
        Ids of all exposures, or visits, that should have results; one that means nothing for a calibration
        without exposures.
    counts
        Counts of tests by their keys, by the id of the exposure; only exposures that could be read.
    nDetectors
        Number of detectors that the rule counts.
    run
        Keys of the tests of which something without verdict is unknown.
    missing
        Names of the detectors that should have results, and have none in some exposure.
    notYet
        Names of the detectors that should have results, and will have them later.
    untested
        Names of detectors that have results, but no verdict of a test in some exposure, by its key.
    nFailed, nUnknown
        Numbers of members, counted once over all exposures, that failed each test, and that have no verdict
        in some exposure, without those of detectors that are missing.
    unread
        What could not be read, and why, a sentence each.
    """

    product: Product
    exposures: Sequence[int]
    counts: Mapping[int, Mapping[str, Counts]]
    nDetectors: int
    run: Collection[str]
    missing: Sequence[str] = ()
    notYet: Sequence[str] = ()
    untested: Mapping[str, Sequence[str]] = field(default_factory=dict)
    nFailed: Mapping[str, int] = field(default_factory=dict)
    nUnknown: Mapping[str, int] = field(default_factory=dict)
    unread: Sequence[str] = ()

    @property
    def hasEpochs(self) -> bool:
        """Whether there are exposures."""
        return self.product.epoch != "none"

    @property
    def tests(self) -> list[VerifyTest]:
        """Tests that the rule is applied to: their verdicts count, they sum up no others, and were made."""
        return [test for test in self.product.ownVerdicts() if test.key in self.nFailed]

    @property
    def noun(self) -> str:
        """What an exposure is called."""
        return "visit" if self.product.epoch == "visit" else "exposure"

    @property
    def nNeeded(self) -> int:
        """Number of exposures over the limit that are enough to refuse."""
        return len(self.exposures) // 2 + 1

    def limit(self, test: VerifyTest) -> int:
        """Tell how many failures of a test make an exposure one over the limit."""
        return failureLimit(test, self.nDetectors)


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A verdict.

    Parameters
    ----------
    verdict
        Whether the product may be certified.
    reasons
        Why, one sentence each; what is against certification first.
    overLimit
        Keys of the tests that the rule takes as failed, by the id of each exposure that could be read.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    overLimit: Mapping[int, tuple[str, ...]]


def failureLimit(test: VerifyTest, nDetectors: int) -> int:
    """Tell how many failures of a test in one exposure the majority rule takes for one of the exposure.

    Parameters
    ----------
    test
        The test.
    nDetectors
        Number of detectors that the rule counts.

    Returns
    -------
    limit
        That of `~lsst.analysis.cp.core.amps.majorityThresholds`. Of a test of detectors one failure makes a
        failed detector.
    """
    return majorityThresholds(1, nDetectors, MAX_FAILURES if test.row == "amplifier" else 1).failures


def judgeProduct(evidence: Evidence) -> Judgement:
    """Judge a product by the majority rule.

    Parameters
    ----------
    evidence
        What is known.

    Returns
    -------
    judgement
        The product may not be certified where in the majority of exposures some test, whose verdict counts,
        failed for the majority of detectors. It is unknown where exposures, detectors, tests or tables are
        absent, or not there yet; where a detector has no verdict of a test at all; and where the rule would
        refuse if all had failed that has no verdict. It is not judged where no test of it counts.
    """
    over = {
        exposure: tuple(
            test.key
            for test in evidence.tests
            if test.key in counts and counts[test.key].nFailed >= evidence.limit(test)
        )
        for exposure, counts in evidence.counts.items()
    }
    refused = list(_refuse(evidence, over))
    unknown = list(_doubt(evidence, isRefused=bool(refused)))
    verdict = Verdict.MAY if evidence.product.ownVerdicts() else Verdict.NOT_JUDGED
    verdict = Verdict.MAY_NOT if refused else Verdict.UNKNOWN if unknown else verdict
    good = [] if refused or unknown else [_praise(evidence)]
    return Judgement(verdict=verdict, reasons=(*refused, *unknown, *good, *_remark(evidence)), overLimit=over)


def _refuse(evidence: Evidence, over: Mapping[int, Collection[str]]) -> Iterator[str]:
    """Say why the rule refuses."""
    failed = [exposure for exposure, keys in over.items() if keys]
    if len(failed) < evidence.nNeeded:
        return
    for test in evidence.tests:
        own = [exposure for exposure in failed if test.key in over[exposure]]
        if not own:
            continue
        limit = evidence.limit(test)
        enough = f"{_count(limit, f'failed {test.row}')} {'is' if limit == 1 else 'are'} enough"
        if evidence.hasEpochs:
            yield (
                f"{test.key} failed for the majority of detectors in {len(own)} of "
                f"{_count(len(evidence.exposures), evidence.noun)}, of which {evidence.nNeeded} are enough "
                f"to refuse: {enough} in each."
            )
        else:
            n_failed = evidence.counts[own[0]][test.key].nFailed
            yield (
                f"{test.key} failed for the majority of detectors: {_count(n_failed, test.row)} failed, "
                f"{enough} to refuse."
            )


def _doubt(evidence: Evidence, *, isRefused: bool) -> Iterator[str]:
    """Say what a verdict would need and does not have."""
    yield from evidence.unread
    yield from _missExposures(evidence)
    if not evidence.counts:
        return
    if evidence.missing:
        where = f" in at least one {evidence.noun}" if evidence.hasEpochs else ""
        yield f"{_nameSome(evidence.missing, 'detector')} no results{where}."
    if evidence.notYet:
        yield f"{_nameSome(evidence.notYet, 'detector')} no results yet."
    own = evidence.product.ownVerdicts()
    if own and not any(test.key in evidence.run for test in evidence.tests):
        yield "Nothing was tested: no test was made whose verdict counts."
    for test in own:
        if test.presence == "always" and test.key not in evidence.nFailed:
            yield f"{test.key} was not tested: the tables have no results of it."
    for test in evidence.tests:
        if test.key in evidence.run and (names := evidence.untested.get(test.key)):
            yield f"{_nameSome(names, 'detector')} no verdict of {test.key}."
    if not isRefused:
        yield from _mayBeFailed(evidence)


def _missExposures(evidence: Evidence) -> Iterator[str]:
    """Say which exposures have no results."""
    absent = [exposure for exposure in evidence.exposures if exposure not in evidence.counts]
    if not evidence.counts and not evidence.unread:
        yield (
            "There are no tables of it: what was verified was not merged by the tasks of this package, or "
            "not in these collections."
        )
    elif absent and evidence.hasEpochs:
        yield (
            f"{len(absent)} of {_count(len(evidence.exposures), evidence.noun)} "
            f"{'has' if len(absent) == 1 else 'have'} no results that could be read: {_list(absent)}."
        )


def _mayBeFailed(evidence: Evidence) -> Iterator[str]:
    """Say whether the rule would refuse if all had failed that has no verdict, or sums up several tests."""
    run = [test for test in evidence.tests if test.key in evidence.run]
    n_possible = sum(
        any(
            counts[test.key].nFailed + counts[test.key].nUnknown >= evidence.limit(test)
            for test in run
            if test.key in counts
        )
        for counts in evidence.counts.values()
    )
    if n_possible >= evidence.nNeeded:
        largest = {
            test.key: max(each[test.key].nUnknown for each in evidence.counts.values() if test.key in each)
            for test in run
        }
        listed = ", ".join(f"{key} of up to {number}" for key, number in largest.items() if number)
        yield f"There is no verdict of too many to tell: {listed}. Had they failed, the rule would refuse."
    for test in evidence.product:
        if test.verdict and test.counts and test.key in evidence.nFailed:
            n_over = sum(
                counts[test.key].nFailed >= evidence.limit(test)
                for counts in evidence.counts.values()
                if test.key in counts
            )
            if n_over >= evidence.nNeeded:
                yield f"{test.key} failed for the majority of detectors, although no single test did."


def _praise(evidence: Evidence) -> str:
    """Say that the rule does not refuse, or has nothing to say."""
    if not evidence.product.ownVerdicts():
        return "No test of it has a verdict that counts: its statistics are for people to judge."
    where = ""
    if evidence.hasEpochs:
        where = f" in the majority of {_count(len(evidence.exposures), evidence.noun)}"
    return f"No test failed for the majority of {_count(evidence.nDetectors, 'detector')}{where}."


def _remark(evidence: Evidence) -> Iterator[str]:
    """Say what is not good, although the rule allows it."""
    where = f" in at least one {evidence.noun}" if evidence.hasEpochs else ""
    for test in evidence.tests:
        if n_failed := evidence.nFailed[test.key]:
            yield f"{_count(n_failed, test.row)} failed {test.key}{where}."
        if test.key not in evidence.run:
            if test.presence == "conditional":
                yield f"{test.key} was not run."
        elif n_unknown := evidence.nUnknown.get(test.key, 0):
            verb = "has" if n_unknown == 1 else "have"
            yield f"{_count(n_unknown, test.row)} {verb} no verdict of {test.key}{where}."


def _count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _nameSome(names: Sequence[str], noun: str) -> str:
    """Name some of many, as in ``2 detectors (R01_S00, R01_S01) have``."""
    return f"{_count(len(names), noun)} ({_list(names)}) {'has' if len(names) == 1 else 'have'}"


def _list(names: Sequence[object]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(str(name) for name in names[:_NAMED]) + more
