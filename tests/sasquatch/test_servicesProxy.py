# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The double of the proxy is as strict as the true one."""

import json
from typing import Any

import pytest
from services.avroJson import decodeMessage
from services.faults import Fault, FaultPlan
from services.restProxy import RestError, RestProxy

TOPIC = "lsst.cp.cpBiasExp_biasNoise"
FIELDS = [
    {"name": "id", "type": "string", "default": ""},
    {"name": "timestamp", "type": "double"},
    {"name": "median", "type": ["null", "double"], "default": None},
]
NOISE = {"id": "a", "timestamp": 1.5, "median": {"double": 5.1}}


def makeBody(*values: Any, fields: Any = FIELDS) -> dict[str, Any]:
    schema = json.dumps({"type": "record", "namespace": "lsst.cp", "name": "noise", "fields": fields})
    return {"value_schema": schema, "records": [{"value": value} for value in values]}


def read(proxy: RestProxy) -> list[dict[str, Any]]:
    return [decodeMessage(message, proxy.registry.schemas) for message in proxy.log.read(TOPIC)]


@pytest.fixture
def double() -> RestProxy:
    """Make a proxy with a topic, which is not served."""
    proxy = RestProxy()
    proxy.createTopic({"topic_name": TOPIC, "partitions_count": 1, "replication_factor": 3})
    return proxy


def test_topic_is_created_once(double: RestProxy) -> None:
    with pytest.raises(RestError, match="already exists"):
        double.createTopic({"topic_name": TOPIC})


def test_records_keep_their_values(double: RestProxy) -> None:
    answer = double.produce(TOPIC, makeBody(NOISE, NOISE | {"median": None}))
    assert answer["offsets"][1] == {"partition": 0, "offset": 1, "error_code": None, "error": None}
    assert read(double) == [NOISE | {"median": 5.1}, NOISE | {"median": None}]


def test_messages_reach_the_broker(kafkaProxy: RestProxy) -> None:
    kafkaProxy.createTopic({"topic_name": TOPIC})
    assert kafkaProxy.produce(TOPIC, makeBody(NOISE, NOISE | {"id": "b"}))["offsets"][1]["offset"] == 1
    assert [value["id"] for value in read(kafkaProxy)] == ["a", "b"]


def test_floats_of_32_bits_lose_precision(double: RestProxy) -> None:
    field = {"name": "median", "type": "float", "default": 0.0}
    double.produce(TOPIC, makeBody({"median": 0.1}, fields=[field]))
    assert read(double) == [{"median": pytest.approx(0.1, rel=1e-7)}]
    assert read(double) != [{"median": 0.1}]


def test_schemas_are_used_again_by_id(double: RestProxy) -> None:
    schema_id = double.produce(TOPIC, makeBody(NOISE))["value_schema_id"]
    body = {"value_schema_id": schema_id, "records": [{"value": NOISE}]}
    assert double.produce(TOPIC, body)["value_schema_id"] == schema_id
    double.createTopic({"topic_name": "other"})
    with pytest.raises(RestError, match="other-value has no schema"):
        double.produce("other", body)


@pytest.mark.parametrize(
    "change",
    [
        {"median": 5.1},
        {"median": {"float": 5.1}},
        {"id": None},
        {"timestamp": "1.5"},
        {"timestamp": None},
        {"id": 5},
    ],
    ids=str,
)
def test_values_must_fit_the_schema(double: RestProxy, change: dict[str, Any]) -> None:
    with pytest.raises(RestError) as error:
        double.produce(TOPIC, makeBody(NOISE, NOISE | change))
    assert (error.value.status, error.value.code) == (422, 42203)
    assert read(double) == []


def test_fields_have_no_defaults_in_json(double: RestProxy) -> None:
    with pytest.raises(RestError, match="Expected field name not found: .*median"):
        double.produce(TOPIC, makeBody({"id": "a", "timestamp": 1.5}))


def test_further_fields_are_dropped_and_noted(double: RestProxy) -> None:
    double.produce(TOPIC, makeBody(NOISE | {"tags": []}))
    assert "tags" not in read(double)[0]
    assert double.unknownFields == {(TOPIC, "tags")}


@pytest.mark.parametrize(
    "fields",
    [
        [{"name": "tags", "type": "array", "items": "string"}],
        [{"name": "mean noise", "type": "float"}],
        [{"name": "median", "type": "number"}],
    ],
    ids=str,
)
def test_schemas_must_be_avro(double: RestProxy, fields: Any) -> None:
    with pytest.raises(RestError, match="Invalid schema") as error:
        double.produce(TOPIC, makeBody(NOISE, fields=fields))
    assert (error.value.status, error.value.code) == (422, 42205)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"records": [{"value": NOISE}]}, 42202),
        ({"value_schema_id": 77, "records": [{"value": NOISE}]}, 42207),
        (makeBody(), 422),
        (makeBody(NOISE) | {"records": [NOISE]}, 422),
        (makeBody(NOISE) | {"more": 1}, 422),
        ([], 422),
    ],
)
def test_requests_must_be_whole(double: RestProxy, body: Any, code: int) -> None:
    with pytest.raises(RestError) as error:
        double.produce(TOPIC, body)
    assert error.value.code == code


def test_topics_must_exist(double: RestProxy) -> None:
    with pytest.raises(RestError, match="does not host"):
        double.produce("other", makeBody(NOISE))


@pytest.mark.parametrize(("fault", "code"), [(Fault.PARTIAL, 50003), (Fault.PARTIAL_FINAL, 50002)])
def test_partial_errors_are_of_single_records(double: RestProxy, fault: Fault, code: int) -> None:
    answers = double.produce(TOPIC, makeBody(NOISE, NOISE | {"id": "b"}), code)["offsets"]
    assert [answer["error_code"] for answer in answers] == [code, None]
    assert [value["id"] for value in read(double)] == ["b"]


def test_faults_come_at_their_rates() -> None:
    plan = FaultPlan({Fault.TOO_MANY: 0.2, Fault.RESET: 0.1}, seed=5)
    drawn = [plan.next() for _ in range(10_000)]
    assert drawn.count(Fault.TOO_MANY) == pytest.approx(2000, abs=160)
    assert drawn.count(Fault.RESET) == pytest.approx(1000, abs=120)
    assert plan.counts == {fault: drawn.count(fault) for fault in (Fault.TOO_MANY, Fault.RESET)}
