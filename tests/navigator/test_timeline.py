# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""When calibrations are valid, and which of them the Butler finds: checked by what it says itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from calibrationRepository import (
    CHAIN,
    DETECTORS,
    FILTERS,
    NIGHTLY,
    OUTER,
    PATCH,
    UNUSED,
    WITH_RUN,
    CalibrationRepository,
    makeComCam,
    makeTimespan,
    ofDetectors,
)
from hypothesis import given
from hypothesis import strategies as st

from lsst.analysis.cp.navigator.browse.timeline import (
    Step,
    TooManyError,
    findSearchOrder,
    readTimeline,
)
from lsst.analysis.cp.navigator.browse.validity import (
    ALWAYS,
    Validity,
    findGaps,
    findPieces,
    formatTime,
    parseTime,
)
from lsst.daf.butler import CollectionType, MissingCollectionError, MissingDatasetTypeError, Timespan
from lsst.obs.lsst import LsstComCam


@pytest.fixture(scope="module")
def made(tmp_path_factory, registries):
    with registries.hosting():
        made = makeComCam(tmp_path_factory.mktemp("calibrations") / "repository")
    yield made
    made.butler.close()


@pytest.fixture
def empty(tmp_path, registries):
    with registries.hosting():
        made = CalibrationRepository.make(tmp_path / "repository", LsstComCam)
    yield made
    made.butler.close()


def read(made, name, collection=CHAIN, **dataId):
    order = findSearchOrder(made.butler, collection)
    return readTimeline(made.butler, name, order, dataId)


def span(begin, end):
    return Validity(*makeTimespan(begin, end).nsec)


def describe(timeline):
    return [(p.collection, p.run, p.validity, len(p.datasets)) for p in timeline.periods]


def test_periods_are_those_certified(made):
    assert describe(read(made, "bias")) == [
        (PATCH, "made/bias/patch", span("2026-02-10", "2026-02-20"), 2),
        (NIGHTLY, "made/bias/january", span("2026-01-01", "2026-02-01"), 9),
        (NIGHTLY, "made/bias/february", span("2026-02-01", "2026-03-01"), 8),
        (NIGHTLY, "made/bias/march", span("2026-03-06T12:00:00.123456789", None), 9),
    ]


def test_decertified_time_parts_a_period(made):
    periods = [span("2026-01-01", "2026-02-08"), span("2026-02-15", "2026-05-01")]
    assert describe(read(made, "dark")) == [(NIGHTLY, "made/dark", each, 9) for each in periods]
    assert [gap.validity for gap in read(made, "dark").gaps] == [span("2026-02-08", "2026-02-15")]


def test_unbounded_period_has_no_gap(made):
    timeline = read(made, "camera")
    assert describe(timeline) == [(NIGHTLY, "made/camera", ALWAYS, 1)]
    assert timeline.gaps == ()
    assert timeline.keys == (("LSSTComCam",),)


def test_filters_with_the_same_range_and_run_are_one_period(empty):
    empty.register({"flat": ("detector", "physical_filter")})
    data_ids = [each for name in FILTERS for each in ofDetectors(DETECTORS, physical_filter=name)]
    empty.certify("calib", empty.insert("flat", "run", data_ids), "2026-01-01", None)
    (period,) = read(empty, "flat", "calib").periods
    assert set(period.datasets) == {("LSSTComCam", d, f) for d in DETECTORS for f in FILTERS}


def test_missing_detector_is_named(made):
    timeline = read(made, "bias")
    missing = {period.run: timeline.findMissing(period) for period in timeline.periods}
    assert missing["made/bias/february"] == [("LSSTComCam", 4)]
    assert missing["made/bias/march"] == []


def test_no_filter_is_missed_by_another(made):
    timeline = read(made, "flat")
    assert len(timeline.periods) == 2
    assert [timeline.findMissing(period) for period in timeline.periods] == [[], []]


def test_hidden_calibrations_are_not_counted_as_found(made):
    patch, january, february, _ = read(made, "bias").periods
    assert patch.isWhole
    assert january.isWhole
    assert february.found == (
        Step(span("2026-02-01", "2026-02-10"), 8),
        Step(span("2026-02-10", "2026-02-20"), 7),
        Step(span("2026-02-20", "2026-03-01"), 8),
    )


def test_collection_behind_a_run_with_all_is_hidden(made):
    periods = {(p.collection, p.run): p for p in read(made, "bias", WITH_RUN).periods}
    run = periods["made/bias/february", "made/bias/february"]
    assert not run.isCertified
    assert run.validity == ALWAYS
    assert periods[NIGHTLY, "made/bias/february"].isHidden
    # Detector 4 is not in the run before.
    assert {step.n for step in periods[NIGHTLY, "made/bias/march"].found} == {1}


def test_gaps_name_who_lacks(made):
    whole = tuple(("LSSTComCam", detector) for detector in DETECTORS if detector != 4)
    assert [(gap.validity, gap.keys) for gap in read(made, "bias").gaps] == [
        (span("2026-02-01", "2026-02-10"), (("LSSTComCam", 4),)),
        (span("2026-02-20", "2026-03-06T12:00:00.123456789"), (("LSSTComCam", 4),)),
        (span("2026-03-01", "2026-03-06T12:00:00.123456789"), whole),
    ]


@pytest.mark.parametrize("name", ["bias", "dark", "flat", "camera"])
@pytest.mark.parametrize("collection", [CHAIN, NIGHTLY, OUTER, WITH_RUN])
def test_found_is_what_the_butler_finds(made, name, collection):
    """At random times, at all begins and ends, and just before these."""
    timeline = read(made, name, collection)
    edges = {time for p in timeline.periods for time in p.validity} - set(ALWAYS)
    first, last = parseTime("2025-12-01"), parseTime("2026-06-01")
    times = {*np.random.default_rng(1).integers(first, last, 6).tolist(), *edges, *(t - 1 for t in edges)}
    for time in times:
        found, lacking = timeline.findAt(time)
        ids = {key: period.datasets[key] for period, keys in found for key in keys}
        assert not set(ids) & set(lacking)
        assert set(ids) | set(lacking) == set(timeline.keys)
        instant = Timespan(None, None, _nsec=(time, time + 1))
        # All others are as detector 8.
        for key in (key for key in timeline.keys if {3, 4, 8} & set(key) or len(key) == 1):
            data_id = dict(zip(timeline.dimensions, key, strict=True))
            ref = made.butler.find_dataset(name, data_id, collections=collection, timespan=instant)
            assert ids.get(key) == (ref and ref.id)
        steps = [next((s.n for s in p.found if s.validity.covers(time)), 0) for p in timeline.periods]
        numbers = {id(period): len(keys) for period, keys in found}
        assert steps == [numbers.get(id(period), 0) for period in timeline.periods]
        gaps = {key for gap in timeline.gaps if gap.validity.covers(time) for key in gap.keys}
        within = (
            min(p.validity.begin for p in timeline.periods),
            max(p.validity.end for p in timeline.periods),
        )
        assert len(gaps) == next((s.n for s in timeline.lacking if s.validity.covers(time)), 0)
        assert gaps == (set(lacking) if Validity(*within).covers(time) else set())


@pytest.mark.parametrize(
    ("dataId", "n"), [({"detector": 4}, 1), ({"physical_filter": "r_03"}, 9), ({}, 9)], ids=str
)
def test_selection_takes_what_the_type_has(made, dataId, n):
    assert len(read(made, "bias", instrument="LSSTComCam", **dataId).keys) == n


def test_types_are_those_certified(made):
    assert findSearchOrder(made.butler, OUTER).types == ["bias", "camera", "dark", "flat"]


def test_type_that_is_only_made_has_no_period(made):
    assert read(made, "linearizer").periods == ()


def test_collections_without_ranges_are_told(made):
    assert findSearchOrder(made.butler, "made/dark").calibrations == frozenset()
    assert findSearchOrder(made.butler, UNUSED).types == []


def test_all_decertified_leaves_no_period(empty):
    empty.register({"bias": ("detector",)})
    empty.certify("calib", empty.insert("bias", "run", ofDetectors(DETECTORS)), "2026-01-01", None)
    empty.decertify("calib", "bias", None, None)
    assert read(empty, "bias", "calib").periods == ()


def test_empty_range_is_counted_and_never_found(empty):
    empty.register({"bias": ("detector",)})
    refs = empty.insert("bias", "run", ofDetectors(DETECTORS))
    empty.butler.collections.register("calib", CollectionType.CALIBRATION)
    empty.butler.registry.certify("calib", refs, Timespan.makeEmpty())
    timeline = read(empty, "bias", "calib")
    assert (timeline.periods, timeline.nNever) == ((), 9)


def test_tagged_collection_is_found_at_any_time(empty):
    empty.register({"bias": ("detector",)})
    refs = empty.insert("bias", "run", ofDetectors(DETECTORS))
    empty.certify("calib", refs, "2026-01-01", None)
    empty.butler.collections.register("tagged", CollectionType.TAGGED)
    empty.butler.registry.associate("tagged", refs[:2])
    empty.chain("chain", ["tagged", "calib"])
    tagged, certified = read(empty, "bias", "chain").periods
    assert (tagged.collection, tagged.isCertified, tagged.validity) == ("tagged", False, ALWAYS)
    assert [step.n for step in certified.found] == [7]


@pytest.mark.parametrize("name", ["nothing", "LSSTComCam/*"])
def test_missing_collection_is_an_error(made, name):
    with pytest.raises(MissingCollectionError, match="No collection with name"):
        findSearchOrder(made.butler, name)


def test_missing_type_is_an_error(made):
    with pytest.raises(MissingDatasetTypeError, match="nothing"):
        read(made, "nothing")


def test_too_many_are_refused(made):
    order = findSearchOrder(made.butler, CHAIN)
    assert len(readTimeline(made.butler, "bias", order, limit=28).periods) == 4
    with pytest.raises(TooManyError, match="More than 27 calibrations of type bias are in"):
        readTimeline(made.butler, "bias", order, limit=27)


class Claimed(NamedTuple):
    validity: Validity
    rank: int


@st.composite
def claims(draw):
    begins = draw(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30), st.integers(0, 3)), max_size=8))
    return [Claimed(Validity(begin, begin + width), rank) for begin, width, rank in begins]


@given(claims())
def test_first_of_the_valid_is_found(claimed):
    pieces = list(findPieces(claimed))
    for time in range(-1, 62):
        ranks = [claim.rank for claim in claimed if claim.validity.covers(time)]
        found = [claim for claim, validity in pieces if validity.covers(time)]
        assert [claim.rank for claim in found] == sorted(ranks)[:1]
        assert all(claim.validity.covers(time) for claim in found)


@given(claims())
def test_gaps_are_what_pieces_leave(claimed):
    pieces = [validity for _, validity in findPieces(claimed)]
    gaps = list(findGaps(pieces, Validity(0, 60)))
    for time in range(60):
        assert sum(gap.covers(time) for gap in gaps) == (not any(piece.covers(time) for piece in pieces))


@given(st.integers(0, ALWAYS.end - 2))
def test_times_keep_their_digits(time):
    assert parseTime(formatTime(time)) == time


def test_times_are_tai():
    begin, _ = makeTimespan("2026-03-06T12:00:00.123456789", None).nsec
    assert formatTime(begin) == "2026-03-06T12:00:00.123456789"
    assert formatTime(parseTime("2026-07-01")) == "2026-07-01T00:00:00"
    assert parseTime("2026-07-01 12:30") == parseTime("2026-07-01T12:30:00.0")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no time"),
        ("now", "is no time"),
        ("2026-07-01T00:00:00Z", "says UTC"),
        ("2026-13-01", "in no calendar"),
        ("2026-02-30", "in no calendar"),
        ("2026-07-01T25:00:00", "on no clock"),
        ("1969-12-31", "knows the years 1970 to 2099"),
        ("2100-01-01", "knows the years 1970 to 2099"),
        ("２０２６-07-01", "is no time"),
        ("1" * 5000, "is no time"),
    ],
)
def test_odd_times_are_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        parseTime(text)
