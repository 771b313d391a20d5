# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Calibrations that metrics were measured on."""

from __future__ import annotations

from uuid import UUID

import pytest

from lsst.analysis.cp.metrics import Calibration, CalibrationLookup, Certification


def certify(number, detector, begin=None, end=None, *, run="made", collection="calib", **others):
    calibration = Calibration(
        collection=collection, run=run, datasetId=UUID(int=number), validityBegin=begin, validityEnd=end
    )
    return Certification(
        calibration=calibration, dataId={"instrument": "LSSTCam", "detector": detector} | others
    )


def identify(*, exposure=None, **others):
    return {"instrument": "LSSTCam"} | others | ({} if exposure is None else {"exposure": exposure})


@pytest.mark.parametrize(
    ("time", "expected"), [(9.0, False), (10.0, True), (19.0, True), (20.0, False)], ids=str
)
def test_validity_has_its_begin_and_not_its_end(time, expected):
    assert Calibration(collection="c", validityBegin=10.0, validityEnd=20.0).covers(time) is expected


def test_open_validity_has_no_end():
    assert Calibration(collection="c").covers(1e12)


def test_calibration_is_that_of_the_detector():
    lookup = CalibrationLookup([certify(1, 1), certify(2, 2)])
    assert lookup.find(identify(detector=2), 0.0).datasetId == UUID(int=2)


def test_calibration_is_that_of_the_filter():
    lookup = CalibrationLookup([certify(1, 1, physical_filter="u"), certify(2, 1, physical_filter="g")])
    assert lookup.find(identify(detector=1, physical_filter="g"), 0.0).datasetId == UUID(int=2)


def test_calibration_is_that_of_the_instrument():
    assert CalibrationLookup([certify(1, 1)]).find({"instrument": "LATISS", "detector": 1}, 0.0) is None


def test_all_detectors_share_what_is_the_same():
    lookup = CalibrationLookup([certify(1, 1, 10.0, 20.0), certify(2, 2, 10.0, 20.0)])
    expected = Calibration(collection="calib", run="made", validityBegin=10.0, validityEnd=20.0)
    assert lookup.find(identify(exposure=5), 15.0) == expected


def test_runs_that_differ_are_not_named():
    lookup = CalibrationLookup([certify(1, 1), certify(2, 2, run="other"), certify(3, 3, run="other")])
    assert lookup.find(identify(exposure=5), 15.0) == Calibration(collection="calib")


def test_first_collection_comes_first():
    lookup = CalibrationLookup([certify(1, 1, collection="a"), certify(2, 1, collection="b")])
    assert lookup.find(identify(detector=1), 0.0).collection == "a"


def test_exposure_needs_a_valid_one():
    assert CalibrationLookup([certify(1, 1, 10.0, 20.0)]).find(identify(detector=1, exposure=5), 5.0) is None


@pytest.mark.parametrize(("ranges", "number"), [([(10.0, 20.0)], 0), ([(10.0, 20.0), (20.0, 30.0)], None)])
def test_run_has_the_only_one_whatever_its_validity(ranges, number):
    certified = [certify(i, 1, *limits) for i, limits in enumerate(ranges)]
    found = CalibrationLookup(certified).find(identify(detector=1), 5.0)
    assert (found and found.datasetId.int) == number
