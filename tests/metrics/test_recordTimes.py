# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Times of metrics, and the timestamps of their points."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from services.recordCases import BEGIN, RUN, makeRef

from lsst.analysis.cp.metrics import (
    TIME_SOURCES,
    findObservationTime,
    findUpstreamTime,
    makeTimestamp,
    parseRunTime,
    toMjd,
    toUnix,
)
from lsst.daf.butler import Timespan

RUN_TIME = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
# TAI is ahead of UTC by 37 s since 2017.
MIDDLE = datetime(2026, 3, 1, 9, 59, 30, 500_000, tzinfo=UTC).timestamp()
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
DETECTORS = range(205)
# Filters, and pairs of filters and gratings, that Rubin's instruments use.
FILTERS = [
    *("u_24", "g_6", "r_57", "i_39", "z_20", "y_10", "empty", "unknown", "ph_5", "ef_43"),
    *("u_02", "g_01", "r_03", "i_06", "z_03", "y_04", "pinhole", "empty~empty", "white", "none"),
    *("SDSSu_65mm~empty", "SDSSg_65mm~empty", "SDSSr_65mm~empty", "SDSSi_65mm~empty", "SDSSz_65mm~empty"),
    *("SDSSy_65mm~empty", "BG40_65mm_1~empty", "OG550_65mm_1~empty", "FELH0600~empty", "OG550_65mm_2~empty"),
    *("empty~holo4_003", "empty~ronchi90lpmm", "empty~blue300lpmm_qn1", "OG550_65mm_1~blue300lpmm_qn1"),
    *("BG40_65mm_1~holo4_003", "OG550_65mm_1~holo4_003", "collimator~holo4_003", "empty~holo4_001"),
]


def findTimestamp(*dimensions, time=MIDDLE, **values):
    ref = makeRef(*dimensions, **values)
    return makeTimestamp(time, ref.dataId, ref.run)


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (RUN, RUN_TIME),
        ("20260302T000000Z", RUN_TIME),
        ("u/someone/verifyBias", None),
        ("u/someone/20260302T000000Z/more", None),
        ("u/someone/20260302T000000Zmore", None),
        ("u/someone/20261302T000000Z", None),
    ],
)
def test_time_of_run_is_at_the_end_of_its_name(run, expected):
    assert parseRunTime(run) == expected


@pytest.mark.parametrize("dimension", ["exposure", "visit"])
def test_observation_is_in_the_middle(dimension):
    data_id = makeRef(dimension, "detector").dataId
    assert findObservationTime(data_id, 1.0, RUN_TIME) == (pytest.approx(MIDDLE, abs=1e-6), dimension)


@pytest.mark.parametrize(
    "timespan", [None, Timespan(BEGIN, None), Timespan(None, BEGIN), Timespan.makeEmpty()], ids=str
)
def test_without_timespan_the_sequence_counts(timespan):
    data_id = makeRef("exposure", timespan=timespan, sequence=7).dataId
    assert findObservationTime(data_id, 1.0, RUN_TIME) == (NOON + 7, "sequence")


def test_without_sequence_the_id_counts():
    data_id = makeRef("exposure", timespan=None, sequence=None).dataId
    assert findObservationTime(data_id, None, RUN_TIME) == (NOON + 12, "sequence")


def test_calibration_is_at_its_validity():
    assert findObservationTime(makeRef("detector").dataId, 5.0, RUN_TIME) == (5.0, "validity")


def test_all_else_is_at_the_run():
    assert findObservationTime(makeRef("detector").dataId, None, RUN_TIME) == (RUN_TIME, "run")


def test_sources_are_described():
    assert TIME_SOURCES.keys() == {"exposure", "visit", "sequence", "validity", "run", "night"}


def test_end_of_distant_validity_gives_no_warning():
    assert toUnix(Time("2099-01-01T00:00:37", scale="tai")) == pytest.approx(4070908800.0, abs=30)


LEAP = datetime(2017, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("utc", "seconds"),
    [
        ("2016-12-31T00:00:00", LEAP - 86400),
        ("2016-12-31T12:00:00", LEAP - 43200),
        ("2016-12-31T23:59:59.5", LEAP - 0.5),
        ("2017-01-01T00:00:00", LEAP),
        ("2017-01-01T06:00:00.25", LEAP + 21600.25),
    ],
)
def test_days_that_end_in_a_leap_second_are_as_the_calendar_has_them(utc, seconds):
    time = Time(utc, scale="utc")
    assert toUnix(time) == pytest.approx(seconds, abs=1e-6)
    assert toMjd(np.array([seconds]))[0] == pytest.approx(time.tai.mjd, abs=1e-10)


def test_a_leap_second_is_the_next_day():
    assert toUnix(Time("2016-12-31T23:59:60.25", scale="utc")) == pytest.approx(LEAP + 0.25, abs=1e-6)


@given(st.lists(st.floats(0, 4e9) | st.just(np.nan), max_size=5))
def test_times_come_back(seconds):
    mjd = toMjd(np.array(seconds, dtype=float))
    back = [np.nan if np.isnan(day) else toUnix(Time(day, format="mjd", scale="tai")) for day in mjd]
    # A double keeps a date of this age to a microsecond; before 1972 a second had another length.
    expected = [second if second > 63072000 else each for second, each in zip(seconds, back, strict=True)]
    np.testing.assert_allclose(back, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("resolution", [1e-3, 1e-6])
def test_detectors_are_apart_however_times_are_cut(resolution):
    times = [findTimestamp("exposure", "detector", detector=detector) for detector in DETECTORS]
    assert len({int(time / resolution) for time in times}) == len(DETECTORS)


@given(time=st.floats(1e9, 3e9), detector=st.sampled_from(DETECTORS), run=st.text(max_size=9))
def test_timestamp_is_a_whole_microsecond_within_seconds(time, detector, run):
    timestamp = findTimestamp("exposure", "detector", time=time, detector=detector, run=run)
    assert -1.1e-3 < timestamp - time < 10.5
    assert timestamp == round(timestamp * 1e6) / 1e6


@given(
    first=st.integers(10**15, 3 * 10**15),
    gap=st.integers(128_000, 30_000_000),
    detectors=st.tuples(st.sampled_from(DETECTORS), st.sampled_from(DETECTORS)),
    run=st.text(max_size=9),
)
def test_exposures_are_apart(first, gap, detectors, run):
    """Those of a run that are 128 ms or more apart share no microsecond."""
    times = [
        findTimestamp("exposure", "detector", time=time / 1e6, detector=detector, run=run)
        for time, detector in zip((first, first + gap), detectors, strict=True)
    ]
    assert round(times[0] * 1e6) != round(times[1] * 1e6)


def test_a_burst_of_exposures_keeps_all_points():
    """At 0.2 s spacing, with all detectors of a camera."""
    points = {
        round(findTimestamp("exposure", "detector", time=MIDDLE + 0.2 * i, detector=detector) * 1e6)
        for i in range(60)
        for detector in DETECTORS
    }
    assert len(points) == 60 * len(DETECTORS)


def test_few_pairs_of_runs_share_points():
    """One of 13,320 on an exposure: 7.5e-5; among 4,000 runs there are 8 million pairs."""
    times = [findTimestamp("exposure", run=f"u/someone/verify/{i}") for i in range(4000)]
    _, counts = np.unique(times, return_counts=True)
    pairs = (counts * (counts - 1) // 2).sum()
    share = pairs / (4000 * 3999 / 2)
    assert share == pytest.approx(1 / 13320, rel=0.15)
    assert share < 1e-4


def test_runs_share_no_point_of_another_detector():
    """Those of other runs are a whole 256 ms away, or in another microsecond."""
    points = [
        findTimestamp("exposure", "detector", detector=detector, run=f"run{i}")
        for i in range(60)
        for detector in DETECTORS
    ]
    assert len(set(points)) == len(points)


@pytest.mark.parametrize("dimensions", [("physical_filter",), ("physical_filter", "detector")])
def test_filters_of_a_run_are_apart(dimensions):
    times = [findTimestamp(*dimensions, physicalFilter=name) for name in FILTERS]
    assert len({int(time * 1e6) for time in times}) == len(FILTERS)


@pytest.mark.parametrize("dimensions", [(), ("exposure",), ("exposure", "detector")])
def test_cameras_and_runs_are_apart(dimensions):
    times = [
        findTimestamp(*dimensions, instrument=instrument, run=run)
        for instrument in ("LSSTCam", "LSSTComCam", "LATISS")
        for run in (RUN, "another/20260302T000000Z")
    ]
    assert len({int(time * 1e6) for time in times}) == 6


def test_timestamp_never_changes():
    # Points that are sent by a later version must replace those of this one.
    assert findTimestamp("exposure", "detector") == 1772359176.994411


@pytest.mark.parametrize(
    "version",
    [None, "run_timestamp", "current_timestamp", "dataset_timestamp", "reference_package_timestamp"],
)
def test_upstream_time_is_that_of_the_run(version):
    assert findUpstreamTime(version, RUN_TIME) == RUN_TIME


def test_upstream_time_may_be_explicit():
    assert findUpstreamTime("explicit_timestamp:20260301T120000Z", RUN_TIME) == NOON


@pytest.mark.parametrize("stamp", ["", "noon"])
def test_unreadable_explicit_time_is_an_error(stamp):
    with pytest.raises(ValueError, match=f"timestamp_version 'explicit_timestamp:{stamp}'.*20260101T120000Z"):
        findUpstreamTime(f"explicit_timestamp:{stamp}", RUN_TIME)
