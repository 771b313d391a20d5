# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The rule by which a product may be certified."""

from __future__ import annotations

from typing import Any

import pytest

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core.amps import majorityThresholds
from lsst.analysis.cp.report import Verdict
from lsst.analysis.cp.report.verdicts import Counts, Evidence, failureLimit, judgeProduct

BIAS, CROSSTALK = getProduct("bias"), getProduct("crosstalk")
KEYS = tuple(test.key for test in BIAS.ownVerdicts())
RUN = frozenset(KEYS) - {"PROCESSING"}


def makeEvidence(failed: dict[int, dict[str, int]], nDetectors: int = 9, **changes: Any) -> Evidence:
    """Make what is known of biases, in which tests failed so often in each exposure."""
    counts = {
        exposure: {key: Counts(nFailed=own.get(key, 0), nUnknown=0) for key in KEYS}
        for exposure, own in failed.items()
    }
    known = {
        "product": BIAS,
        "exposures": tuple(failed),
        "counts": counts,
        "nDetectors": nDetectors,
        "run": RUN,
        "nFailed": {key: sum(own.get(key, 0) for own in failed.values()) for key in KEYS},
    }
    return Evidence(**(known | changes))


@pytest.mark.parametrize(("n_failed", "verdict"), [(39, Verdict.MAY), (40, Verdict.MAY_NOT)])
def test_five_of_nine_detectors_are_the_majority(n_failed, verdict):
    assert judgeProduct(makeEvidence({1: {"NOISE": n_failed}})).verdict is verdict


@pytest.mark.parametrize(
    ("n_over", "n_exposures", "verdict"),
    [(1, 2, Verdict.MAY), (2, 2, Verdict.MAY_NOT), (2, 4, Verdict.MAY), (3, 5, Verdict.MAY_NOT)],
)
def test_more_than_half_of_the_exposures_are_the_majority(n_over, n_exposures, verdict):
    failed = {i: {"NOISE": 40 if i < n_over else 0} for i in range(n_exposures)}
    assert judgeProduct(makeEvidence(failed)).verdict is verdict


def test_different_tests_may_fail_in_different_exposures():
    judgement = judgeProduct(makeEvidence({1: {"NOISE": 40}, 2: {"MEAN": 50}, 3: {}}))
    assert judgement.verdict is Verdict.MAY_NOT
    assert judgement.overLimit == {1: ("NOISE",), 2: ("MEAN",), 3: ()}
    assert [reason.split()[0] for reason in judgement.reasons[:2]] == ["MEAN", "NOISE"]


def test_failures_of_tests_that_do_not_count_refuse_nothing():
    evidence = makeEvidence({1: {}})
    ours = {"NOISE_TWO_SIDED": Counts(nFailed=144, nUnknown=0)}
    counts = {1: {**evidence.counts[1], **ours}}
    judgement = judgeProduct(
        makeEvidence({1: {}}, counts=counts, nFailed={**evidence.nFailed, "NOISE_TWO_SIDED": 144})
    )
    assert judgement.verdict is Verdict.MAY


def test_a_sum_of_tests_that_failed_alone_is_doubtful():
    evidence = makeEvidence({1: {}})
    counts = {1: {**evidence.counts[1], "SUCCESS": Counts(nFailed=40, nUnknown=0)}}
    judgement = judgeProduct(
        makeEvidence({1: {}}, counts=counts, nFailed={**evidence.nFailed, "SUCCESS": 40})
    )
    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.reasons[0] == (
        "SUCCESS failed for the majority of detectors, although no single test did."
    )


def test_a_refusal_stands_where_something_is_absent():
    judgement = judgeProduct(makeEvidence({1: {"NOISE": 144}}, missing=["R22_S00"]))
    assert judgement.verdict is Verdict.MAY_NOT
    assert judgement.reasons[0].startswith("NOISE failed")
    assert judgement.reasons[1] == "1 detector (R22_S00) has no results in at least one exposure."


def test_exposures_without_results_count_for_the_majority():
    """One of two is over the limit, and the other is not known."""
    evidence = makeEvidence({1: {"NOISE": 40}}, exposures=(1, 2))
    assert judgeProduct(evidence).verdict is Verdict.UNKNOWN


def test_unknown_rows_are_enough_only_with_the_failures():
    def judge(n_unknown: int) -> Verdict:
        evidence = makeEvidence({1: {"NOISE": 30}})
        counts = {1: {**evidence.counts[1], "NOISE": Counts(nFailed=30, nUnknown=n_unknown)}}
        return judgeProduct(makeEvidence({1: {"NOISE": 30}}, counts=counts)).verdict

    assert [judge(9), judge(10)] == [Verdict.MAY, Verdict.UNKNOWN]


def test_unknown_rows_of_tests_that_were_not_run_do_not_count():
    evidence = makeEvidence({1: {}})
    counts = {1: {**evidence.counts[1], "READ_NOISE_CONSISTENT": Counts(nFailed=0, nUnknown=144)}}
    run = RUN - {"READ_NOISE_CONSISTENT"}
    judgement = judgeProduct(makeEvidence({1: {}}, counts=counts, run=run))
    assert judgement.verdict is Verdict.MAY
    assert judgement.reasons[-1] == "READ_NOISE_CONSISTENT was not run."


def test_nothing_is_known_of_nothing():
    judgement = judgeProduct(makeEvidence({}))
    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.reasons[0].startswith("There are no tables of it")


def test_many_names_are_shortened():
    names = [f"R{i:02d}_S00" for i in range(20)]
    (reason, *_) = judgeProduct(makeEvidence({1: {}}, missing=names)).reasons
    assert reason == (
        "20 detectors (R00_S00, R01_S00, R02_S00, R03_S00, R04_S00, R05_S00 and 14 more) have no results in "
        "at least one exposure."
    )


def test_tests_of_detectors_count_detectors():
    test = CROSSTALK["NO_SIGNIFICANT_DETECTION"]
    assert failureLimit(test, 189) == 95
    counts = {-1: {test.key: Counts(nFailed=95, nUnknown=0)}}
    evidence = Evidence(
        product=CROSSTALK,
        exposures=(-1,),
        counts=counts,
        nDetectors=189,
        run={test.key},
        nFailed={test.key: 95},
    )
    judgement = judgeProduct(evidence)
    assert judgement.verdict is Verdict.MAY_NOT
    assert judgement.reasons[0] == (
        "NO_SIGNIFICANT_DETECTION failed for the majority of detectors: 95 detectors failed, 95 failed "
        "detectors are enough to refuse."
    )


@pytest.mark.parametrize("n_detectors", [1, 2, 9, 189])
def test_the_limit_is_that_of_the_metrics(n_detectors):
    assert failureLimit(BIAS["NOISE"], n_detectors) == majorityThresholds(1, n_detectors, 8).failures
