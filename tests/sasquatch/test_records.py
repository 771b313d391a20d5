# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of bundles."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import astropy.units as u
import numpy as np
import pytest
from services.recordCases import RUN, makeContent, makeRef

from lsst.analysis.cp.catalogue import validityCount
from lsst.analysis.cp.metrics import BundleContent, BundleError, Calibration
from lsst.analysis.cp.sasquatch import Mode, encodeBundle
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.daf.butler import DataCoordinate, DatasetRef
from lsst.verify import Measurement

LEVELS = {
    "detector": ("exposure", "detector"),
    "exposure": ("exposure",),
    "runDetector": ("detector",),
    "run": (),
    "filter": ("physical_filter",),
}
NOISE = {"median": 5.0, "nValid": 16.0}


def makeValue(ref=None, *, content=None, mode=Mode.OWN, **options) -> dict[str, Any]:
    """Make the one record of a bundle."""
    content = content or makeContent(biasNoise=NOISE)
    options = {"runTime": 1.7e9} | options
    (record,) = encodeBundle(content, ref or makeRef("exposure"), "lsst.cp", mode, **options)
    return json.loads(record.payload)


def readValues(value: dict[str, Any], *names: str) -> dict[str, float | None]:
    """Take measurements out of a record."""
    return {name: value[name] and value[name]["double"] for name in names}


@pytest.mark.parametrize(
    ("level", "detector", "exposure", "day", "physical_filter"),
    [
        ("detector", "94", "2026030100012", "20260301", "r_57"),
        ("exposure", "", "2026030100012", "20260301", "r_57"),
        ("runDetector", "94", "", "", ""),
        ("run", "", "", "", ""),
        ("filter", "", "", "", "r_57"),
    ],
)
def test_identifiers_follow_from_the_data_id(level, detector, exposure, day, physical_filter):
    value = makeValue(makeRef(*LEVELS[level]))
    assert value["instrument"] == "LSSTCam"
    assert (value["detector"], value["exposure"]) == (detector, exposure)
    assert (value["day_obs"], value["physical_filter"]) == (day, physical_filter)


def test_detector_is_named():
    value = makeValue(makeRef("exposure", "detector"))
    assert (value["detector_name"], value["raft"]) == ("R22_S4", "R22")


def test_each_tool_is_a_topic():
    content = makeContent(biasNoise={"min": 1.0}, biasMean={"min": 2.0})
    records = encodeBundle(content, makeRef("exposure"), "lsst.cp", Mode.OWN, runTime=0.0)
    assert [record.topic for record in records] == [
        f"lsst.cp.ts.cpBiasExp_{tool}" for tool in ("biasNoise", "biasMean")
    ]


def test_dataset_is_named():
    ref = makeRef("exposure")
    value = makeValue(ref)
    assert (value["id"], value["run"], value["dataset_type"]) == (str(ref.id), RUN, "cpBiasExp_metrics")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_absent(value):
    bundle = MetricMeasurementBundle(testFinite=[Measurement("min", value * u.electron)])
    assert makeValue(content=BundleContent.fromJson(bundle.json()))["min"] is None


@pytest.mark.parametrize("name", ["min", "median", "max", "quantityMin", "quantityMedian", "quantityMax"])
def test_reductions_are_absent_without_valid_value(name):
    value = makeValue(content=makeContent(biasNoise={name: 0.0, "nAmps": 16.0, "nValid": 0.0}))
    assert readValues(value, name, "nAmps", "nValid") == {name: None, "nAmps": 16.0, "nValid": 0.0}


def test_zero_is_a_value_where_some_are_valid():
    value = makeValue(content=makeContent(t={"min": 0.0, "nValid": 1.0}))
    assert readValues(value, "min") == {"min": 0.0}


def test_scores_are_absent_without_structure():
    values = {"nColumn": 0.0, "maxColumnScore": 0.0, "nRow": 1.0, "maxRowScore": 9.0}
    value = makeValue(content=makeContent(biasStructures=values))
    assert readValues(value, *values) == values | {"maxColumnScore": None}


@pytest.mark.parametrize(("name", "count"), [("max", "nValid"), ("maxRowScore", "nRow"), ("nFailed", None)])
def test_validity_is_counted(name, count):
    assert validityCount(name) == count


def test_values_keep_all_digits():
    value = 0.1 + 1e-17 + 1 / 3
    bundle = MetricMeasurementBundle(testDigits=[Measurement("min", value * u.electron)])
    assert makeValue(content=BundleContent.fromJson(bundle.json()))["min"] == {"double": value}


def test_json_holds_what_the_bundle_holds():
    bundle = MetricMeasurementBundle(
        testNoise=[Measurement("min", 5.0 * u.electron), Measurement("nValid", 3.0 * u.one)],
        dataset_identifier="nightly",
        reference_package="lsst_distrib",
        timestamp_version="run_timestamp",
        metricNamePrefix="cpBiasExp_",
    )
    content = BundleContent.fromJson(bundle.json())
    assert content == BundleContent(
        prefix="cpBiasExp_",
        datasetIdentifier="nightly",
        timestampVersion="run_timestamp",
        referencePackage="lsst_distrib",
        values={"testNoise": {"min": 5.0, "nValid": 3.0}},
        units={"testNoise": {"min": "electron", "nValid": ""}},
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is a JSON list, expected an object"),
        ('{"t": [{"value": 1.0}]}', "its entry 't' is no list of scalar measurements.*metric"),
        ('{"t": [{"metric": "m", "value": [1], "unit": ""}]}', "its entry 't'"),
        ('{"t": 5}', "its entry 't'"),
    ],
)
def test_other_text_is_no_bundle(text, message):
    with pytest.raises(BundleError, match=message):
        BundleContent.fromJson(text)


@pytest.mark.parametrize(
    ("stored", "option", "expected"),
    [(None, None, "Generic"), ("nightly", None, "nightly"), ("nightly", "test", "test")],
)
def test_identifier_of_the_dataset(stored, option, expected):
    content = BundleContent.fromJson(json.dumps({"__dataset_identifier": stored, "t": []}))
    assert makeValue(content=content, datasetTag=option)["dataset_tag"] == expected


def test_tags_are_those_of_the_tool():
    content = makeContent(biasNoise={"min": 1.0}, biasMean={"min": 2.0})
    tags = {"biasMean": ["a", "b"]}
    records = encodeBundle(content, makeRef("exposure"), "lsst.cp", Mode.OWN, runTime=0.0, tags=tags)
    assert [json.loads(record.payload)["tags"] for record in records] == ["", "a,b"]


def test_calibration_gives_the_time_of_a_run():
    calibration = Calibration(collection="calib", datasetId=UUID(int=1), validityBegin=1.6e9)
    value = makeValue(makeRef("detector"), calibration=calibration)
    assert (value["observation_time"], value["time_source"]) == (1.6e9, "validity")
    assert (value["calib_collection"], value["calib_id"]) == ("calib", str(UUID(int=1)))


def test_run_gives_the_time_of_what_has_none():
    ref = makeRef(run="u/someone")
    assert (value := makeValue(ref))["observation_time"] == value["run_time"] == 1.7e9
    assert makeValue(ref, mode=Mode.UPSTREAM)["timestamp"] == 1.7e9


@pytest.mark.parametrize(
    ("version", "package"), [("run_timestamp", ""), ("reference_package_timestamp", "lsst_distrib")]
)
def test_reference_package_is_named_where_it_gives_the_time(version, package):
    text = json.dumps({"t": [], "__timestamp_version": version, "__reference_package": "lsst_distrib"})
    value = makeValue(content=BundleContent.fromJson(text), mode=Mode.UPSTREAM)
    assert value["reference_package"] == package


def test_data_id_without_records_is_an_error():
    ref = makeRef("exposure")
    data_id = DataCoordinate.standardize(dict(ref.dataId.required), universe=ref.dataId.universe)
    bare = DatasetRef(ref.datasetType, data_id, run=ref.run)
    with pytest.raises(ValueError, match="cpBiasExp_metrics .*2026030100012.* has no dimension records"):
        makeValue(bare)


def makePoint(*dimensions: str, mode: Mode = Mode.OWN, **options: Any) -> int | None:
    ref = makeRef(*(dimensions or ("exposure",)), **options)
    (record,) = encodeBundle(makeContent(biasNoise=NOISE), ref, "lsst.cp", mode, runTime=0.0)
    return record.point


def test_points_are_apart_where_their_times_are():
    assert makePoint() == makePoint()
    assert makePoint() != makePoint(run="u/another/run")
    assert makePoint() != makePoint(prefix="cpDarkExp_")
    assert makePoint(mode=Mode.UPSTREAM) is None
