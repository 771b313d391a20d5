# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""An exposure is followed while the results of its detectors come."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial

import jsonschema
import numpy as np
import pytest
from astropy.table import Column
from detectorResults import makeMatrix, makeStats
from nights import DETECTORS, EXPOSURE, RUN, Follower, Night

from lsst.analysis.cp.arriving import WatchError, arrivals
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.report import collectReport
from lsst.analysis.cp.report.document import makeDocument, readSchema
from lsst.analysis.cp.report.model import Verdict
from lsst.daf.butler import CollectionType

type Action = Callable[[], object]


def oneByOne(night: Night, detectors: Sequence[int] = DETECTORS) -> list[Action]:
    return [partial(night.add, detector) for detector in detectors]


def arrivalOf(follower: Follower) -> dict:
    return follower.read()["arrival"]


def reasonsOf(follower: Follower) -> str:
    return " ".join(arrivalOf(follower)["reasons"])


def dropRuns(product: dict) -> dict:
    """Leave out in which RUN collection tables are: before the merge they are those of detectors."""
    exposures = [{key: value for key, value in each.items() if key != "run"} for each in product["exposures"]]
    return {key: value for key, value in product.items() if key != "runs"} | {"exposures": exposures}


def test_the_verdict_comes_with_the_last_detector(follower, night):
    seen = []

    def look() -> None:
        arrival = arrivalOf(follower)
        seen.append(
            (follower.read()["verdict"], arrival["isFinal"], arrival["nThere"], len(arrival["notYet"]))
        )

    actions = [action for add in oneByOne(night) for action in (look, add)]
    assert follower.follow(*actions) is Verdict.MAY
    assert seen == [("UNKNOWN", False, n, 9 - n) for n in range(9)]
    arrival = arrivalOf(follower)
    assert (arrival["phase"], arrival["isFinal"], arrival["notYet"]) == ("merged", True, [])
    assert arrival["lastTable"] <= arrival["judged"] < arrival["deadline"]


def test_what_is_said(follower, night):
    follower.follow(*oneByOne(night))
    what = f"LSSTComCam bias, exposure {EXPOSURE}"
    assert follower.said[0] == f"{what}: waiting for at least 9 detectors."
    assert follower.said[1].startswith(f"{what}: may be certified. No test failed for the majority of 9")
    assert follower.said[1].endswith("(9 of 9 detectors)")
    assert follower.said[2].startswith("Its merge is in u/night/merge/2")
    assert len(follower.said) == 3


def test_the_order_of_the_detectors_does_not_matter(makeNight, follower, tmp_path):
    found = []
    for seed in range(2):
        follower.night = makeNight(name=f"night{seed}")
        order = np.random.default_rng(seed).permutation(DETECTORS).tolist()
        follower.follow(*oneByOne(follower.night, order))
        found.append(follower.read()["products"])
    assert found[0] == found[1]


def test_the_verdict_is_that_of_the_report_on_the_merge(follower, night):
    night.add(0, failing=16)
    verdict = follower.follow(*oneByOne(night, range(1, 9)))
    with night.open() as butler:
        report = collectReport(butler, ["u/night/merge"], instrument=night.name)
    (expected,) = makeDocument(report)["products"]
    (found,) = follower.read()["products"]
    assert verdict is report.verdict
    assert dropRuns(found) == dropRuns(expected)
    assert found["exposures"][0]["nFailed"]["NOISE"] == 16


def test_a_refusal_is_said_at_once(follower, night):
    """With 16 failures in each of 3 of 9 detectors, 40 are enough."""
    seen = []

    def look() -> None:
        seen.append((follower.read()["verdict"], arrivalOf(follower)["isFinal"], len(follower.said)))

    adds = [partial(night.add, detector, failing=16) for detector in range(3)] + oneByOne(night, range(3, 9))
    assert follower.follow(*(action for add in adds for action in (add, look))) is Verdict.MAY_NOT
    assert seen[1][:2] == ("UNKNOWN", False)
    assert seen[3:5] == [("MAY_NOT", True, 2)] * 2
    refused = [line for line in follower.said if "whatever is still to come" in line]
    assert len(refused) == 1
    assert "may not be certified, whatever is still to come. NOISE failed for the majority" in refused[0]


def test_no_verdict_depends_on_other_detectors():
    """Else a refusal on what is there would not be final."""
    for name in ("bias", "dark", "flat", "defects"):
        tests = getProduct(name).ownVerdicts()
        assert tests
        assert [test.key for test in tests if test.means or test.row == "exposure"] == []


def test_a_table_that_is_replaced_is_read_anew(follower, night):
    def replace() -> None:
        ref = night.butler.find_dataset(
            "verifyBiasDetResults", instrument=night.name, exposure=EXPOSURE, detector=0, collections=RUN
        )
        night.butler.pruneDatasets([ref], unstore=True, purge=True)
        night.addTable(0, night.makeTable(0))

    night.add(0, failing=16)
    assert follower.follow(*oneByOne(night, range(1, 8)), replace, *oneByOne(night, [8])) is Verdict.MAY
    assert follower.read()["products"][0]["exposures"][0]["nFailed"]["NOISE"] == 0


def test_a_later_attempt_in_front_of_the_chain_is_found(follower, night):
    """A RUN collection that did not exist when the exposure was begun to be followed."""
    night.butler.collections.register("u/night/verify", CollectionType.CHAINED)
    night.butler.collections.redefine_chain("u/night/verify", RUN)
    later = "u/night/verify/20260302T020000Z"

    def again() -> None:
        night.add(8, failing=16, run=later)
        night.butler.collections.prepend_chain("u/night/verify", later)

    night.add(*range(8))
    assert follower.follow(again, collections=["u/night/verify"]) is Verdict.MAY
    assert follower.read()["products"][0]["exposures"][0]["nFailed"]["NOISE"] == 16


def test_a_table_that_cannot_be_read_costs_its_detector(follower, night):
    def destroy() -> None:
        night.add(4)
        night.pathOf("verifyBiasDetResults", RUN, exposure=EXPOSURE, detector=4).write_bytes(b"PAR1")

    assert follower.follow(destroy, *oneByOne(night, [0, 1, 2, 3, 5, 6, 7, 8])) is Verdict.UNKNOWN
    arrival = arrivalOf(follower)
    assert arrival["phase"] == "merged"
    assert arrival["missing"] == [{"detector": "R22_S11", "reason": "its table cannot be read"}]
    assert "verifyBiasDetResults" in follower.read()["problems"][0]["dataset"]
    assert "1 detector (R22_S11) has no results in at least one exposure." in arrival["reasons"]


@pytest.mark.parametrize("column", ["detector", "exposure"])
def test_a_table_of_something_else_costs_its_detector(follower, night, column):
    table = night.makeTable(4)
    table[column] += 1
    night.addOthers(4)
    night.addTable(4, table)
    night.add(0, 1, 2, 3, 5, 6, 7, 8)
    assert follower.follow() is Verdict.UNKNOWN
    assert f"it has rows of {column}" in follower.read()["problems"][0]["reason"]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("BIAS_MEAN", ["low"] * 16),
        ("BIAS_MEAN", np.zeros((16, 3))),
        ("BIAS_MEAN", Column([0.0] * 16, unit="m")),
        ("BIAS_VERIFY_NOISE", [7] * 16),
        ("amplifier", ["C99"] * 16),
    ],
)
def test_a_table_with_odd_columns_costs_its_detector(follower, night, column, values):
    """Tables are encoded together."""
    table = night.makeTable(4)
    table[column] = values
    night.addOthers(4)
    night.addTable(4, table)
    night.add(0, 1, 2, 3, 5, 6, 7, 8)
    assert follower.follow() is Verdict.UNKNOWN
    arrival = arrivalOf(follower)
    assert (arrival["phase"], arrival["nThere"]) == ("merged", 8)
    assert arrival["missing"] == [{"detector": "R22_S11", "reason": "its table cannot be read"}]
    assert "detector: 4" in follower.read()["problems"][0]["dataset"]
    assert follower.read()["products"][0]["exposures"][0]["nFailed"]["MEAN"] > 0


def test_a_detector_that_the_camera_does_not_have_costs_itself(follower, night):
    record = {"id": 99, "full_name": "R99_S99", "name_in_raft": "S99", "raft": "R99", "purpose": "SCIENCE"}
    night.butler.registry.insertDimensionData("detector", {"instrument": night.name, **record})
    table = night.makeTable(8)
    table["detector"] = 99
    night.add(*DETECTORS)
    ids = {"exposure": EXPOSURE, "detector": 99}
    night.put("verifyBiasDetStats", makeStats(table), "StructuredDataDict", run=RUN, **ids)
    night.put("verifyBiasDetMatrix", makeMatrix(night.camera[8]), run=RUN, **ids)
    night.addTable(99, table)
    assert follower.follow() is Verdict.UNKNOWN
    assert arrivalOf(follower)["phase"] == "merged"
    assert "detector 99 is not in the camera" in reasonsOf(follower)


def test_a_page_that_cannot_be_written_costs_itself(follower, night):
    night.add(*range(8))
    with pytest.raises(WatchError, match="The page could not be written: .*No such file"):
        follower.follow(partial(shutil.rmtree, follower.out), partial(night.add, 8))
    assert "may be certified" in follower.said[-2]
    with night.open(collections="u/night/merge", instrument=night.name) as butler:
        assert len(butler.get("cpBiasExp_ampSummary", exposure=EXPOSURE)) == 9 * 16


def test_a_table_that_comes_back_is_read(follower, night):
    """A file system may be slow, also with the last table."""
    night.add(*DETECTORS)
    path = night.pathOf("verifyBiasDetResults", RUN, exposure=EXPOSURE, detector=8)
    hidden = path.rename(path.with_suffix(".away"))
    assert follower.follow(lambda: None, partial(hidden.rename, path)) is Verdict.MAY
    assert follower.read()["problems"] == []


def test_a_detector_whose_quantum_failed_is_missing(follower, night):
    night.begin("Isr", 3, succeeds=False)
    night.begin("Isr", 5, succeeds=True)
    night.begin("Det", 5, succeeds=False)
    night.begin("Isr", 7, succeeds=True)
    night.begin("Det", 7, succeeds=True)
    assert follower.follow(*oneByOne(night, [0, 1, 2, 4, 6, 8])) is Verdict.UNKNOWN
    missing = {each["detector"]: each["reason"] for each in arrivalOf(follower)["missing"]}
    assert missing["R22_S10"].startswith("verifyBiasIsr failed: ")
    assert missing["R22_S12"].startswith("verifyBiasDet failed: ")
    assert missing["R22_S21"] == "verifyBiasDet made no verifyBiasDetResults"
    assert (
        "3 detectors (R22_S10, R22_S12, R22_S21) have no results in at least one exposure."
        in arrivalOf(follower)["reasons"]
    )
    assert follower.clock.now < 1100, "nobody waits for the deadline"


def test_a_failure_of_an_earlier_attempt_is_none_while_the_next_goes_on(follower, night):
    night.begin("Isr", 3, succeeds=False)
    later = "u/night/verify/20260302T020000Z"
    night.butler.registry.registerRun(later)
    night.begin("Isr", 4, succeeds=True, run=later)
    seen = []

    def look() -> None:
        seen.append(arrivalOf(follower)["missing"])

    night.add(0, 1, 2, 4, 5, 6, 7, 8)
    actions = [look, look, partial(night.add, 3, run=later)]
    assert follower.follow(*actions, collections=[later, RUN]) is Verdict.MAY
    assert seen == [[], []]


def test_what_is_not_there_at_the_deadline_is_missing(follower, night):
    night.add(*range(8))
    assert follower.follow() is Verdict.UNKNOWN
    arrival = arrivalOf(follower)
    assert arrival["missing"] == [{"detector": "R22_S22", "reason": "not there after 100 s"}]
    assert (arrival["phase"], arrival["notYet"], arrival["nThere"]) == ("merged", [], 8)
    assert reasonsOf(follower).startswith("1 detector (R22_S22) has no results in")
    assert follower.clock.now == pytest.approx(1100, abs=5)


def test_nothing_at_all(follower):
    assert follower.follow() is Verdict.UNKNOWN
    arrival = arrivalOf(follower)
    assert (arrival["phase"], arrival["run"], len(arrival["missing"])) == ("not merged", None, 9)
    assert arrival["reasons"] == ["No detector has come."]
    assert "unknown. No detector has come. (0 of 9 detectors)" in follower.said[-1]


def test_raws_say_what_is_waited_for(follower, night):
    """Of nine detectors seven have a raw, and of another one it comes while others are verified."""

    def sendRaw(*detectors: int) -> None:
        for detector in detectors:
            night.put("raw", {}, "StructuredDataDict", exposure=EXPOSURE, detector=detector, run="raw/all")

    sendRaw(*range(7))
    night.add(*range(7))
    actions = [partial(sendRaw, 7), partial(night.add, 7)]
    assert follower.follow(*actions, collections=[RUN, "raw/all"]) is Verdict.UNKNOWN
    assert arrivalOf(follower)["missing"] == [{"detector": "R22_S22", "reason": "there is no raw of it"}]
    assert arrivalOf(follower)["nThere"] == 8
    assert follower.clock.now < 1100


def test_detectors_that_are_chosen_are_all_that_is_waited_for(follower, night):
    actions = oneByOne(night, [2, 3, 4])
    assert follower.follow(*actions, where="detector IN (2..4)") is Verdict.MAY
    assert arrivalOf(follower)["nExpected"] == 3
    with night.open() as butler:
        report = collectReport(butler, ["u/night/merge"], instrument=night.name, where="detector IN (2..4)")
    assert dropRuns(makeDocument(report)["products"][0]) == dropRuns(follower.read()["products"][0])


def test_the_merge_waits_for_what_it_takes_beside_the_tables(follower, night):
    night.add(*range(8))
    night.addTable(8)
    follower.follow(lambda: None, lambda: None, lambda: None, partial(night.addOthers, 8))
    with night.open(collections="u/night/merge", instrument=night.name) as butler:
        assert len(butler.get("verifyBiasExpMatrix", exposure=EXPOSURE)) == 9 * 2
        stats = butler.get("verifyBiasExpStats", exposure=EXPOSURE)
    assert len([name for name in stats if name.startswith("R22_")]) == 9


def test_a_merge_that_cannot_be_made_leaves_the_verdict(follower, night):
    night.add(*range(8))
    night.addTable(8)
    with pytest.raises(WatchError, match="there is no verifyBiasDetStats of 1 detectors and no verifyBias"):
        follower.follow()
    assert follower.read()["verdict"] == "MAY"
    assert arrivalOf(follower)["phase"] == "not merged"
    assert "there is no verifyBiasDetStats" in follower.page


def test_a_registry_that_does_not_answer_is_asked_again(follower, night, monkeypatch):
    ask = arrivals.Arrivals.find
    answers = iter([None, OSError("locked"), OSError("locked")])

    def find(self, name):
        if (answer := next(answers, None)) is not None:
            raise answer
        return ask(self, name)

    monkeypatch.setattr(arrivals.Arrivals, "find", find)
    night.add(*range(9))
    assert follower.follow() is Verdict.MAY
    assert arrivalOf(follower)["trouble"] is None


def test_the_document_is_one_of_a_report(follower, night):
    documents = []
    actions = [lambda: documents.append(follower.read()), partial(night.add, 0)]
    follower.follow(*actions, lambda: documents.append(follower.read()))
    for document in (*documents, follower.read()):
        jsonschema.validate(document, readSchema())
    assert [document["arrival"]["nThere"] for document in documents] == [0, 1]
