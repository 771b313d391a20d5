# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The line that a person reads at night, and the exit status."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from astropy.time import Time
from syntheticReport import FIRST_EXPOSURE, Recipe, makeReport

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.night import Night, Outcome, ProductState, StageResult, StageState, findDayObs, shorten
from lsst.analysis.cp.report import Problem, Verdict
from lsst.obs.lsst import LsstComCam

NIGHT = Night(
    repo="/repo/main",
    instrument="LSSTComCam",
    dayObs=20260301,
    inputs=("LSSTComCam/defaults",),
    output="LSSTComCam/nightly",
    pipeline="verifyNight.yaml",
)
PLACE = "/sdf/data/rubin/nights/20260301/report"
EXPOSURES = tuple(FIRST_EXPOSURE + i for i in range(3))
DONE = tuple(StageResult(label=f"biasStep{i}", state=StageState.DONE, nQuanta=9) for i in range(3))
BIAS = ProductState(product="bias", exposures=EXPOSURES, stages=DONE)


@pytest.fixture(scope="module")
def geometry():
    return cameraGeometry(LsstComCam().getCamera())


@pytest.fixture(scope="module")
def good(geometry):
    """Make the outcome of a night with good biases."""
    report = makeReport(geometry, Recipe(products=("bias",), failing=0.0, lost=()))
    products = [replace(each, verdict=Verdict.MAY) for each in report.products]
    report = replace(report, products=products, problems=())
    return Outcome(
        night=NIGHT, products=(BIAS,), report=report, place=PLACE, pushed="pushed 412", seconds=371.0
    )


def change(outcome, verdict, **changes):
    """Give all products of an outcome another verdict."""
    products = [replace(each, verdict=verdict, **changes) for each in outcome.report.products]
    return replace(outcome, report=replace(outcome.report, products=products))


def test_all_is_well(good):
    assert good.line == f"LSSTComCam 20260301: ok bias; pushed 412; report {PLACE}; 6 min; status 0"


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.0, "59 s"), (60.0, "1 min")])
def test_how_long_it_took(good, seconds, text):
    assert f"; {text}; " in replace(good, seconds=seconds).line


@pytest.mark.parametrize(
    ("verdict", "changes", "status"),
    [
        (Verdict.MAY, {}, 0),
        (Verdict.MAY, {"pushed": "pushed 3, 9 LEFT", "isPushed": False}, 1),
        (Verdict.MAY, {"place": ""}, 1),
        (Verdict.MAY, {"asked": ("bias",)}, 0),
        (Verdict.MAY, {"asked": ("bias", "dark"), "products": (BIAS, ProductState(product="dark"))}, 3),
        (Verdict.MAY, {"products": (BIAS, ProductState(product="dark"))}, 0),
        (Verdict.MAY, {"products": (replace(BIAS, exposures=(*EXPOSURES, 7)),)}, 3),
        (Verdict.MAY, {"products": (replace(BIAS, stages=(replace(DONE[0], state=StageState.FAILED),)),)}, 1),
        (Verdict.UNKNOWN, {"place": ""}, 3),
        (Verdict.MAY_NOT, {"place": "", "isPushed": False, "asked": ("bias", "dark")}, 4),
    ],
)
def test_the_status_is_the_worst(good, verdict, changes, status):
    assert replace(change(good, verdict), **changes).status == status


def test_what_cannot_be_read_is_said(good):
    """It keeps the verdict from being known, although it is of no product."""
    problem = Problem(dataset="some table", reason="it is damaged")
    outcome = replace(good, report=replace(good.report, problems=[problem, replace(problem, isRemark=True)]))
    assert ": UNREAD some table; ok bias; " in outcome.line
    assert outcome.line.endswith("status 3")


def test_an_exposure_that_is_not_verified_is_missed(good):
    """The report knows nothing of what never began."""
    line = replace(good, products=(replace(BIAS, exposures=(*EXPOSURES, 7)),)).line
    assert ": UNKNOWN bias (1 of 4 exposures not verified); " in line
    assert "ok" not in line


def test_what_somebody_has_to_do_something_about_comes_first(good):
    """A product that is well is not read first where another is absent, or a step failed."""
    products = (
        replace(BIAS, stages=(replace(DONE[0], state=StageState.FAILED),)),
        ProductState(product="dark"),
    )
    outcome = replace(good, products=(*products, ProductState(product="flat")), asked=("bias", "dark"))
    assert ": NO dark TAKEN; FAILED biasStep0; ok bias; no flat taken; pushed 412; " in outcome.line


def test_reasons_are_given_as_long_as_the_line_is_short(geometry, good):
    """Some products are named, and how many there are more; the first of each verdict has its reason."""
    filters = tuple(f"flat:{band}_24" for band in "ugri")
    report = makeReport(geometry, Recipe(products=filters, failing=0.3, lost=()))
    flat = ProductState(product="flat", exposures=EXPOSURES, stages=DONE)
    outcome = change(replace(good, report=report, products=(flat,)), Verdict.MAY_NOT)
    assert re.search(
        r": BAD flat-u_24 \([^)]+\), flat-g_24, flat-r_24 and 1 more; UNREAD cpBias", outcome.line
    )
    assert len(outcome.line) <= 300


def test_a_text_of_many_lines_becomes_one():
    assert shorten(" One line,\n  another. ", 60) == "One line, another"
    assert shorten("some words", 0) == ""
    assert shorten("wordsWithoutBlanks", 5) == "words ..."
    assert shorten("some words and more", 12) == "some words ..."


def test_what_is_bad_comes_first_with_its_reason(geometry, good):
    """Of many failures the test with most of them counts, and its worst detector."""
    report = makeReport(geometry, Recipe(products=("bias",), failing=0.3, lost=()))
    (product,) = report.products
    bad = change(replace(good, report=report), Verdict.MAY_NOT)
    reason = bad.line.partition("(")[2].partition(")")[0]
    key, _, _, number, row, _, _, detector = reason.replace(",", "").split(" ")
    column = next(i for i, each in enumerate(product.tests) if each.test.key == key)
    assert row == "amplifiers"
    assert product.failed[:, column].sum() == int(number)
    index = report.layout.detectorName.tolist().index(detector)
    assert product.failed[index, column] == product.failed[:, column].max()
    assert ": BAD bias (" in bad.line


def test_the_line_is_short_however_much_is_wrong(geometry):
    filters = [f"flat:{band}_{number}" for band in "ugrizy" for number in (24, 39)]
    products = ("bias", "dark", *filters)
    report = makeReport(geometry, Recipe(products=products, failing=0.3, lost=(1, 2)))
    verdicts = [Verdict.MAY_NOT, Verdict.UNKNOWN, Verdict.MAY_NOT, Verdict.UNKNOWN, *[Verdict.MAY] * 5]
    verdicts += [Verdict.MAY_NOT, Verdict.UNKNOWN, Verdict.MAY_NOT, Verdict.UNKNOWN, Verdict.NOT_JUDGED]
    report = replace(
        report,
        problems=[Problem(dataset="cpBiasExp_detectorSummary " * 9, reason="it is damaged")],
        products=[
            replace(each, verdict=verdict) for each, verdict in zip(report.products, verdicts, strict=True)
        ],
    )
    steps = ("NightDetectors", "NightExposures", "NightRun", "Trends")
    states = [
        ProductState(
            product=product,
            exposures=EXPOSURES,
            stages=tuple(
                StageResult(label=f"{product}{step}", state=StageState.FAILED, reason="x" * 500)
                for step in steps
            ),
        )
        for product in ("bias", "dark", "flat")
    ]
    line = Outcome(
        night=NIGHT,
        products=states,
        report=report,
        place=PLACE,
        pushed="pushed 12345, 12345 LEFT, 123 BUNDLES LEFT, PUSH FAILED",
        isPushed=False,
        seconds=100000.0,
    ).line
    assert len(line) <= 300, line
    assert ": BAD bias and 3 more; UNKNOWN dark and 3 more; UNREAD 1; FAILED biasNight" in line
    assert line.count("BAD") == line.count("UNKNOWN") == line.count(" ok ") == 1
    assert "\n" not in line


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("2026-11-26T23:00:00", 20261126),
        ("2026-11-27T03:00:00", 20261126),
        ("2026-11-27T11:59:22", 20261126),
        # 12:00 of atomic time is 37 s before noon of UTC.
        ("2026-11-27T11:59:24", 20261127),
    ],
)
def test_a_day_begins_at_noon(time, day):
    assert findDayObs(Time(time, scale="utc")) == day
