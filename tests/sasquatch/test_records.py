# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of bundles."""

from __future__ import annotations

import json
import pickle
from uuid import UUID

import astropy.units as u
import numpy as np
import pytest
from services.recordCases import RUN, makeContent, makeRef

from lsst.analysis.cp.catalogue import validityCount
from lsst.analysis.cp.metrics import BundleContent, BundleError, Calibration
from lsst.analysis.cp.sasquatch import makeRecords
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


def makeRecord(ref=None, *, content=None, **options):
    content = content or makeContent(biasNoise={"median": 5.0, "nValid": 16.0})
    (record,) = makeRecords(content, ref or makeRef("exposure"), fallbackTime=0.0, **options)
    return record


@pytest.mark.parametrize(
    ("level", "detector", "exposure", "day", "physical_filter"),
    [
        ("detector", 94, 2026030100012, 20260301, "r_57"),
        ("exposure", None, 2026030100012, 20260301, "r_57"),
        ("runDetector", 94, None, None, None),
        ("run", None, None, None, None),
        ("filter", None, None, None, "r_57"),
    ],
)
def test_identifiersFollowFromTheDataId(level, detector, exposure, day, physical_filter):
    record = makeRecord(makeRef(*LEVELS[level]))
    assert record.instrument == "LSSTCam"
    assert (record.detector, record.exposure) == (detector, exposure)
    assert (record.day_obs, record.physical_filter) == (day, physical_filter)


def test_detectorIsNamed():
    record = makeRecord(makeRef("exposure", "detector"))
    assert (record.detectorName, record.raft) == ("R22_S4", "R22")


def test_eachToolIsATopic():
    content = makeContent(biasNoise={"min": 1.0}, biasMean={"min": 2.0})
    records = makeRecords(content, makeRef("exposure"), fallbackTime=0.0)
    assert [record.topic for record in records] == ["cpBiasExp_biasNoise", "cpBiasExp_biasMean"]


def test_datasetIsNamed():
    ref = makeRef("exposure")
    record = makeRecord(ref)
    assert (record.datasetId, record.run, record.datasetType) == (ref.id, RUN, "cpBiasExp_metrics")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_valuesThatAreNotFiniteAreAbsent(value):
    bundle = MetricMeasurementBundle(testFinite=[Measurement("min", value * u.electron)])
    record = makeRecord(content=BundleContent.fromBundle(bundle))
    assert record.values == {"min": None}


@pytest.mark.parametrize("name", ["min", "median", "max", "quantityMin", "quantityMedian", "quantityMax"])
def test_reductionsAreAbsentWithoutValidValue(name):
    record = makeRecord(content=makeContent(biasNoise={name: 0.0, "nAmps": 16.0, "nValid": 0.0}))
    assert record.values == {name: None, "nAmps": 16.0, "nValid": 0.0}


def test_zeroIsAValueWhereSomeAreValid():
    assert makeRecord(content=makeContent(t={"min": 0.0, "nValid": 1.0})).values["min"] == 0.0


def test_scoresAreAbsentWithoutStructure():
    values = {"nColumn": 0.0, "maxColumnScore": 0.0, "nRow": 1.0, "maxRowScore": 9.0}
    record = makeRecord(content=makeContent(biasStructures=values))
    assert record.values == values | {"maxColumnScore": None}


@pytest.mark.parametrize(("name", "count"), [("max", "nValid"), ("maxRowScore", "nRow"), ("nFailed", None)])
def test_validityIsCounted(name, count):
    assert validityCount(name) == count


def test_valuesKeepAllDigits():
    value = 0.1 + 1e-17 + 1 / 3
    bundle = MetricMeasurementBundle(testDigits=[Measurement("min", value * u.electron)])
    assert makeRecord(content=BundleContent.fromBundle(bundle)).values["min"] == value


def test_jsonHoldsWhatTheBundleHolds():
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
        ("{", "b is not JSON"),
        ("[]", "b is a JSON list, expected an object"),
        ('{"t": [{"value": 1.0}]}', "b has an entry 't' that is no list of scalar measurements.*metric"),
        ('{"t": [{"metric": "m", "value": [1], "unit": ""}]}', "b has an entry 't'"),
        ('{"t": 5}', "b has an entry 't'"),
    ],
)
def test_otherTextIsNoBundle(text, message):
    with pytest.raises(BundleError, match=message):
        BundleContent.fromJson(text, "b")


@pytest.mark.parametrize(
    ("stored", "option", "expected"),
    [(None, None, "Generic"), ("nightly", None, "nightly"), ("nightly", "test", "test")],
)
def test_identifierOfTheDataset(stored, option, expected):
    content = BundleContent.fromJson(json.dumps({"__dataset_identifier": stored, "t": []}))
    assert makeRecord(content=content, datasetTag=option).datasetTag == expected


def test_tagsAreThoseOfTheTool():
    content = makeContent(biasNoise={"min": 1.0}, biasMean={"min": 2.0})
    records = makeRecords(content, makeRef("exposure"), fallbackTime=0.0, tags={"biasMean": ["a", "b"]})
    assert [record.tags for record in records] == [(), ("a", "b")]


def test_calibrationGivesTheTimeOfARun():
    calibration = Calibration(collection="calib", datasetId=UUID(int=1), validityBegin=1.7e9)
    record = makeRecord(makeRef("detector"), calibration=calibration)
    assert (record.observationTime, record.timeSource) == (1.7e9, "validity")
    assert record.calibration == calibration


def test_runWithoutTimeTakesTheFallback():
    (record,) = makeRecords(makeContent(t={}), makeRef(run="u/someone"), fallbackTime=1.7e9)
    assert (record.runTime, record.upstreamTime, record.observationTime) == (1.7e9, 1.7e9, 1.7e9)


@pytest.mark.parametrize(
    ("version", "package"), [("run_timestamp", ""), ("reference_package_timestamp", "lsst_distrib")]
)
def test_referencePackageIsNamedWhereItGivesTheTime(version, package):
    text = json.dumps({"t": [], "__timestamp_version": version, "__reference_package": "lsst_distrib"})
    assert makeRecord(content=BundleContent.fromJson(text)).referencePackage == package


def test_dataIdWithoutRecordsIsAnError():
    ref = makeRef("exposure")
    data_id = DataCoordinate.standardize(dict(ref.dataId.required), universe=ref.dataId.universe)
    bare = DatasetRef(ref.datasetType, data_id, run=ref.run)
    with pytest.raises(ValueError, match="cpBiasExp_metrics .*2026030100012.* has no dimension records"):
        makeRecord(bare)


def test_recordsCanBePickled():
    record = makeRecord(makeRef("exposure", "detector"), extraFields={"site": "summit"})
    assert pickle.loads(pickle.dumps(record)) == record
