# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Schemas of topics, and records in the JSON encoding of Avro."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from uuid import UUID

import astropy.units as u
import fastavro
import numpy as np
import pytest
from services.recordCases import makeContent, makeRef

from lsst.analysis.cp.metrics import BundleContent, Calibration, parseRunTime
from lsst.analysis.cp.sasquatch import IDENTIFIERS, Mode, OutgoingRecord, encodeBundle
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.verify import Measurement

VALUES = {"median": 1 / 3, "nValid": 16.0}
DISPATCHER = "lsst.analysis.tools.interfaces.datastore"
every_mode = pytest.mark.parametrize("mode", Mode)


def makeRecord(mode, *dimensions, values=VALUES, namespace="lsst.cp", **options) -> OutgoingRecord:
    content = makeContent(biasNoise=values)
    ref = makeRef(*(dimensions or ("exposure",)))
    (record,) = encodeBundle(content, ref, namespace, mode, runTime=0.0, **options)
    return record


def decode(record, readerSchema=None):
    """Decode a record as a proxy does, from JSON text by its schema to Avro and back."""
    schema = fastavro.parse_schema(json.loads(record.schema))
    (value,) = fastavro.json_reader(io.StringIO(record.payload.decode()), schema)
    binary = io.BytesIO()
    fastavro.schemaless_writer(binary, schema, value)
    binary.seek(0)
    return fastavro.schemaless_reader(binary, schema, readerSchema)


@pytest.mark.parametrize(
    ("mode", "name"),
    [(Mode.UPSTREAM, "lsst.cp.cpBiasExp_biasNoise"), (Mode.OWN, "lsst.cp.ts.cpBiasExp_biasNoise")],
)
def test_topics_of_the_two_kinds_are_apart(mode, name):
    assert makeRecord(mode).topic == name


@every_mode
def test_name_of_the_schema_is_that_of_the_topic(mode):
    record = makeRecord(mode)
    schema = json.loads(record.schema)
    assert f"{schema['namespace']}.{schema['name']}" == record.topic


@every_mode
@pytest.mark.parametrize("dimensions", [("exposure", "detector"), ("detector",), ("physical_filter",)])
def test_identifiers_are_text(mode, dimensions):
    value = decode(makeRecord(mode, *dimensions))
    data_id = makeRef(*dimensions).dataId
    expected = {name: str(data_id.get(name, "")) for name in IDENTIFIERS}
    assert {name: value[name] for name in IDENTIFIERS} == expected


def test_own_values_keep_all_digits():
    assert decode(makeRecord(Mode.OWN))["median"] == 1 / 3


def test_own_invalid_values_are_null():
    assert decode(makeRecord(Mode.OWN, values={"median": None, "nValid": 0.0}))["median"] is None


def test_upstream_invalid_values_are_zero_where_none_is_valid():
    value = decode(makeRecord(Mode.UPSTREAM, values={"median": None, "nValid": 0.0}))
    assert (value["median"], value["nValid"]) == (0.0, 0.0)


def test_upstream_values_have_32_bits():
    assert decode(makeRecord(Mode.UPSTREAM))["median"] == np.float32(1 / 3)


def test_own_times():
    value = decode(makeRecord(Mode.OWN, "exposure", "detector"))
    assert 0 <= value["timestamp"] - value["observation_time"] < 10.5
    assert (value["run_time"], value["time_source"]) == (0.0, "exposure")


def test_own_calibration():
    calibration = Calibration(
        collection="LSSTCam/calib", run="made", datasetId=UUID(int=1), validityBegin=1.7e9
    )
    value = decode(makeRecord(Mode.OWN, "detector", calibration=calibration))
    assert (value["validity_begin"], value["validity_end"]) == (1.7e9, None)
    assert (value["calib_collection"], value["calib_run"]) == ("LSSTCam/calib", "made")
    assert value["calib_id"] == "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize(("mode", "tags"), [(Mode.OWN, "a,b"), (Mode.UPSTREAM, ["a", "b"])])
def test_tags(mode, tags):
    assert decode(makeRecord(mode, tags={"biasNoise": ["a", "b"]}))["tags"] == tags


@pytest.mark.parametrize(
    ("mode", "real"), [(Mode.OWN, pytest.approx(0.1, rel=1e-15)), (Mode.UPSTREAM, np.float32(0.1))]
)
def test_extra_fields(mode, real):
    value = decode(makeRecord(mode, extraFields={"site": "summit", "try": 2, "scale": 0.1}))
    assert (value["site"], value["try"], value["scale"]) == ("summit", 2, real)


@every_mode
@pytest.mark.parametrize(
    "values", [{"median": None, "nValid": 0.0}, {"median": None, "nValid": 3.0}], ids=["none", "some"]
)
def test_schema_does_not_change_with_the_data(mode, values):
    assert makeRecord(mode, values=values).schema == makeRecord(mode).schema


@every_mode
def test_value_has_the_order_of_the_schema(mode):
    record = makeRecord(mode, tags={"biasNoise": ["a"]}, extraFields={"site": "summit"})
    fields = json.loads(record.schema)["fields"]
    assert list(json.loads(record.payload)) == [field["name"] for field in fields]


def test_own_fields_say_their_unit():
    fields = json.loads(makeRecord(Mode.OWN).schema)["fields"]
    assert {field["name"]: field["units"] for field in fields}["median"] == "electron"


@every_mode
def test_fields_may_be_added_and_dropped(mode):
    """A topic may have records with and without tags and extra fields, in any order."""
    plain = makeRecord(mode)
    more = makeRecord(mode, tags={"biasNoise": ["a"]}, extraFields={"site": "summit"})
    for record, other in ((plain, more), (more, plain)):
        assert decode(record, json.loads(other.schema))["median"] == pytest.approx(1 / 3, rel=1e-7)


@every_mode
@pytest.mark.parametrize("name", ["run", "median", "timestamp"])
def test_two_fields_of_one_name_are_an_error(mode, name):
    with pytest.raises(ValueError, match=f"topic cpBiasExp_biasNoise: two fields with the name {name}"):
        makeRecord(mode, extraFields={name: "x"})


@every_mode
@pytest.mark.parametrize(
    ("field", "namespace"), [("a-b", "lsst.cp"), ("", "lsst.cp"), ("1a", "lsst.cp"), ("a", "lsst cp")]
)
def test_names_that_avro_refuses_are_an_error(mode, field, namespace):
    with pytest.raises(ValueError, match=r"topic cpBiasExp_biasNoise: .* not names of Avro"):
        makeRecord(mode, extraFields={field: "x"}, namespace=namespace)


@pytest.mark.parametrize("value", [None, ["a"]])
def test_extra_field_of_another_type_is_an_error(value):
    with pytest.raises(ValueError, match="extra field site is .*, expected a string or a number"):
        makeRecord(Mode.OWN, extraFields={"site": value})


def test_whole_number_that_is_too_large_is_an_error():
    with pytest.raises(ValueError, match=r"extra field n is 2147483648, expected .* 32 bits"):
        makeRecord(Mode.OWN, extraFields={"n": 2**31})


UPSTREAM_TYPES = {
    **dict.fromkeys(("id", "run", "dataset_type", "reference_package"), "string"),
    "reference_package_version": "string",
    **dict.fromkeys(("reference_package_timestamp", "run_timestamp", "timestamp"), "double"),
    "dataset_tag": "string",
    **dict.fromkeys(("detector", "patch", "skymap", "visit", "tract", "physical_filter"), "string"),
    **dict.fromkeys(("instrument", "band", "exposure", "group", "day_obs"), "string"),
    **dict.fromkeys(VALUES, "float"),
}


def test_upstream_fields_are_the_documented_ones():
    fields = json.loads(makeRecord(Mode.UPSTREAM).schema)["fields"]
    assert [(field["name"], field["type"]) for field in fields] == list(UPSTREAM_TYPES.items())
    defaults = {"string": "", "float": 0.0}
    assert [field.get("default") for field in fields] == [defaults.get(field["type"]) for field in fields]


class RecordingProxy:
    """Keeps what is posted to topics, and answers as a proxy does."""

    def __init__(self):
        self.posted = {}

    def get(self, url, **kwargs):
        return SimpleNamespace(json=lambda: {"data": [{"cluster_id": "c"}]}, raise_for_status=lambda: None)

    def post(self, url, *, json, **kwargs):
        if "records" in json:
            self.posted[url.rpartition("/")[2]] = json["value_schema"], json["records"][0]["value"]
        return SimpleNamespace(raise_for_status=lambda: None)


@pytest.mark.parametrize("dimensions", [("exposure", "detector"), ("exposure",), ("detector",), ()], ids=str)
@pytest.mark.parametrize(
    "extra", [{}, {"site": "summit", "try": 2, "scale": 0.5, "my_timestamp": 3}], ids=len
)
@pytest.mark.parametrize(
    "version", [None, "run_timestamp", "explicit_timestamp:20260301T120000Z", "dataset_timestamp"]
)
def test_upstreams_dispatcher_sends_the_same(monkeypatch, dimensions, extra, version):
    datastore = pytest.importorskip(DISPATCHER, reason="needs upstream's dispatcher in the place of ours")
    measured = [Measurement("min", np.nan * u.electron), Measurement("nValid", 0.0 * u.one)]
    bundle = MetricMeasurementBundle(
        {"testNoise": measured, "testMean": [Measurement("max", 1 / 3 * u.electron)]},
        metricNamePrefix="cpBiasExp_",
        dataset_identifier="nightly",
        reference_package="lsst_distrib",
        timestamp_version=version,
    )
    ref = makeRef(*dimensions)
    content = BundleContent.fromJson(bundle.json())
    run_time = parseRunTime(ref.run)
    records = encodeBundle(content, ref, "lsst.cp", Mode.UPSTREAM, runTime=run_time, extraFields=extra)
    proxy = RecordingProxy()
    monkeypatch.setattr("requests.Session.get", proxy.get)
    monkeypatch.setattr("requests.Session.post", proxy.post)
    dispatcher = datastore.SasquatchDispatcher(url="https://localhost", token="t", namespace="lsst.cp")
    dispatcher.dispatchRef(bundle, ref, extraFields=extra)
    assert proxy.posted == {record.topic: (record.schema, json.loads(record.payload)) for record in records}
