# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import json
from typing import Any

import pytest
import urllib3
from services.avroJson import decodeMessage
from services.faults import Fault, FaultPlan
from services.restProxy import ProxySettings, RestProxy

AVRO = "application/vnd.kafka.avro.v2+json"
TOPIC = "lsst.cp.cpBiasExp_biasNoise"
FIELDS = [
    {"name": "id", "type": "string", "default": ""},
    {"name": "timestamp", "type": "double"},
    {"name": "median", "type": ["null", "double"], "default": None},
]
NOISE = {"id": "a", "timestamp": 1.5, "median": {"double": 5.1}}

Answer = urllib3.BaseHTTPResponse
HTTP = urllib3.PoolManager(retries=False)
PATIENCE = 20.0


def makeSchema(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "namespace": "lsst.cp", "name": "noise", "fields": list(fields)})


def post(proxy: RestProxy, path: str, body: Any, kind: str = AVRO, *, timeout: float = PATIENCE) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return HTTP.request(
        "POST", proxy.url + path, body=content, headers={"Content-Type": kind}, timeout=timeout
    )


def createTopic(proxy: RestProxy, topic: str = TOPIC) -> Answer:
    cluster = HTTP.request("GET", f"{proxy.url}/v3/clusters").json()["data"][0]["cluster_id"]
    body = {"topic_name": topic, "partitions_count": 1, "replication_factor": 3}
    return post(proxy, f"/v3/clusters/{cluster}/topics", body, "application/json")


def push(proxy: RestProxy, *values: Any, fields: Any = FIELDS, timeout: float = PATIENCE) -> Answer:
    body = {"value_schema": makeSchema(*fields), "records": [{"value": value} for value in values]}
    return post(proxy, f"/topics/{TOPIC}", body, timeout=timeout)


def read(proxy: RestProxy) -> list[dict[str, Any]]:
    return [decodeMessage(message, proxy.registry.schemas) for message in proxy.log.read(TOPIC)]


@pytest.fixture
def topic(proxy: RestProxy) -> str:
    createTopic(proxy)
    return TOPIC


def test_topic_is_created_once(proxy: RestProxy) -> None:
    answers = [createTopic(proxy) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 400]
    assert answers[1].json() == {"error_code": 40002, "message": f"Topic '{TOPIC}' already exists."}


def test_records_keep_their_values(proxy: RestProxy, topic: str) -> None:
    answer = push(proxy, NOISE, NOISE | {"median": None})
    assert answer.status == 200
    assert answer.json()["offsets"][1] == {"partition": 0, "offset": 1, "error_code": None, "error": None}
    assert read(proxy) == [NOISE | {"median": 5.1}, NOISE | {"median": None}]


def test_messages_reach_the_broker(kafkaProxy: RestProxy) -> None:
    createTopic(kafkaProxy)
    assert push(kafkaProxy, NOISE, NOISE | {"id": "b"}).json()["offsets"][1]["offset"] == 1
    assert [value["id"] for value in read(kafkaProxy)] == ["a", "b"]
    assert createTopic(kafkaProxy).status == 400


def test_floats_of_32_bits_lose_precision(proxy: RestProxy, topic: str) -> None:
    push(proxy, {"median": 0.1}, fields=[{"name": "median", "type": "float", "default": 0.0}])
    assert read(proxy) == [{"median": pytest.approx(0.1, rel=1e-7)}]
    assert read(proxy) != [{"median": 0.1}]


def test_schemas_are_used_again_by_id(proxy: RestProxy, topic: str) -> None:
    schema_id = push(proxy, NOISE).json()["value_schema_id"]
    answer = post(proxy, f"/topics/{topic}", {"value_schema_id": schema_id, "records": [{"value": NOISE}]})
    assert answer.json()["value_schema_id"] == schema_id
    assert len(read(proxy)) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"median": 5.1}, "Expected start-union. Got 5.1 in field median"),
        ({"median": {"float": 5.1}}, "Unknown union branch float"),
        ({"id": None}, "Expected string. Got None in field id"),
        ({"timestamp": "1.5"}, "Expected a finite number. Got '1.5' in field timestamp"),
        ({"timestamp": True}, "Expected a finite number. Got True in field timestamp"),
        ({"timestamp": 10**400}, "Expected a finite number"),
    ],
)
def test_values_must_fit_the_schema(
    proxy: RestProxy, topic: str, change: dict[str, Any], message: str
) -> None:
    answer = push(proxy, NOISE, NOISE | change)
    assert (answer.status, answer.json()["error_code"]) == (422, 42203)
    assert message in answer.json()["message"]
    assert read(proxy) == []


@pytest.mark.parametrize("value", [1.5, 1 << 31, "1"])
def test_integers_are_not_cut(proxy: RestProxy, topic: str, value: object) -> None:
    answer = push(proxy, {"n": value}, fields=[{"name": "n", "type": "int", "default": 0}])
    assert "Expected int" in answer.json()["message"]


def test_fields_have_no_defaults_in_json(proxy: RestProxy, topic: str) -> None:
    answer = push(proxy, {"id": "a", "timestamp": 1.5})
    assert "Expected field name not found: median" in answer.json()["message"]


def test_further_fields_are_dropped_and_noted(proxy: RestProxy, topic: str) -> None:
    assert push(proxy, NOISE | {"tags": []}).status == 200
    assert "tags" not in read(proxy)[0]
    assert proxy.unknownFields == {(topic, "tags")}


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "}"])
def test_bodies_must_be_json(proxy: RestProxy, topic: str, token: str) -> None:
    body = f'{{"value_schema": {json.dumps(makeSchema(*FIELDS))}, "records": [{{"value": {token}}}]}}'
    assert post(proxy, f"/topics/{topic}", body.encode()).status == 400


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([{"name": "tags", "type": "array", "items": "string"}], "array"),
        ([{"name": "mean noise", "type": "float"}], "mean noise"),
        ([{"name": "median", "type": ["null", "double"], "default": 0.0}], "default of median"),
        ([{"name": "median", "type": "number"}], "number"),
    ],
)
def test_schemas_must_be_avro(proxy: RestProxy, topic: str, fields: Any, message: str) -> None:
    answer = push(proxy, NOISE, fields=fields)
    assert (answer.status, answer.json()["error_code"]) == (422, 42205)
    assert message in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"records": [{"value": NOISE}]}, 42202),
        ({"value_schema_id": 77, "records": [{"value": NOISE}]}, 42207),
        ({"value_schema": makeSchema(*FIELDS), "records": []}, 422),
        ({"value_schema": makeSchema(*FIELDS), "records": [NOISE]}, 422),
        ({"value_schema": json.loads(makeSchema(*FIELDS)), "records": [{"value": NOISE}]}, 42205),
        ([], 422),
    ],
)
def test_requests_must_be_whole(proxy: RestProxy, topic: str, body: Any, code: int) -> None:
    answer = post(proxy, f"/topics/{topic}", body)
    assert (answer.status, answer.json()["error_code"]) == (422, code)


def test_schema_of_another_topic_is_not_known(proxy: RestProxy, topic: str) -> None:
    createTopic(proxy, "other")
    schema_id = push(proxy, NOISE).json()["value_schema_id"]
    body = {"value_schema_id": schema_id, "records": [{"value": NOISE}]}
    assert post(proxy, "/topics/other", body).json()["error_code"] == 42207


def test_topics_must_exist(proxy: RestProxy) -> None:
    assert push(proxy, NOISE).json()["error_code"] == 40403


def test_content_type_is_checked(proxy: RestProxy, topic: str) -> None:
    body = {"value_schema": makeSchema(*FIELDS), "records": [{"value": NOISE}]}
    assert post(proxy, f"/topics/{topic}", body, "application/json").status == 415


def test_long_bodies_are_refused(proxy: RestProxy, topic: str) -> None:
    proxy.settings.maxBody = 100
    assert push(proxy, NOISE).status == 413


def test_token_is_asked_for(settings: ProxySettings, proxy: RestProxy) -> None:
    settings.token = "secret"
    statuses = [
        HTTP.request("GET", f"{proxy.url}/v3/clusters", headers={"Authorization": value}).status
        for value in ("Bearer secret", "Bearer secre", "secret", "")
    ]
    assert statuses == [200, 401, 401, 401]


def test_paths_start_with_the_prefix(settings: ProxySettings, proxy: RestProxy) -> None:
    assert HTTP.request("GET", proxy.url.removesuffix(settings.prefix) + "/v3/clusters").status == 404


OLD = {"name": "median", "type": "float", "default": 0.0}


@pytest.mark.parametrize(
    "new",
    [
        [OLD],
        [OLD, {"name": "max", "type": "float", "default": 0.0}],
        [{"name": "median", "type": "double", "default": 0.0}],
        [{"name": "median", "type": ["null", "double"], "default": None}],
        [],
    ],
)
def test_new_schemas_may_read_old_records(proxy: RestProxy, topic: str, new: list[dict[str, Any]]) -> None:
    value = {"median": {"double": 1.0} if isinstance(new and new[0]["type"], list) else 1.0, "max": 2.0}
    assert push(proxy, {"median": 1.0}, fields=[OLD]).status == 200
    assert push(proxy, value, fields=new).status == 200


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ([OLD, {"name": "max", "type": "float"}], "max: new, without a default"),
        ([{"name": "median", "type": "int", "default": 0}], "median: int does not read float"),
        ([{"name": "median", "type": "string", "default": ""}], "median: string does not read float"),
        (
            [{"name": "median", "type": ["null", "int"], "default": None}],
            "median: no branch of the union reads float",
        ),
    ],
)
def test_new_schemas_that_read_no_old_records_are_refused(
    proxy: RestProxy, topic: str, new: list[dict[str, Any]], message: str
) -> None:
    push(proxy, {"median": 1.0}, fields=[OLD])
    answer = push(proxy, {"median": 1, "max": 2.0}, fields=new)
    assert (answer.status, answer.json()["error_code"]) == (422, 42207)
    assert message in answer.json()["message"]


@pytest.mark.parametrize(
    ("fault", "status", "nTaken"),
    [
        (Fault.TOO_MANY, 429, 0),
        (Fault.SERVER_ERROR, 500, 0),
        (Fault.UNAVAILABLE, 503, 0),
        (Fault.SCHEMA_REJECTED, 422, 0),
        (Fault.REDIRECT, 307, 0),
        (Fault.PARTIAL, 200, 1),
        (Fault.PARTIAL_FINAL, 200, 1),
        (Fault.TRICKLE, 200, 2),
        (Fault.WRONG_JSON, 200, 2),
        (Fault.NOT_JSON, 200, 0),
    ],
)
def test_faults_that_answer(proxy: RestProxy, topic: str, fault: Fault, status: int, nTaken: int) -> None:
    proxy.settings.faults.script(fault)
    proxy.settings.trickleSeconds = 0.0
    assert push(proxy, NOISE, NOISE).status == status
    assert len(read(proxy)) == nTaken
    assert push(proxy, NOISE, NOISE).status == 200


@pytest.mark.parametrize(
    ("fault", "nTaken", "message"),
    [
        (Fault.RESET, 0, "Connection aborted|reset by peer"),
        (Fault.RESET_IN_BODY, 2, "IncompleteRead|reset by peer"),
        (Fault.HANG, 0, "Read timed out"),
        (Fault.HANG_AFTER, 2, "Read timed out"),
    ],
)
def test_faults_without_answer(proxy: RestProxy, topic: str, fault: Fault, nTaken: int, message: str) -> None:
    proxy.settings.faults.script(fault)
    with pytest.raises(urllib3.exceptions.HTTPError, match=message):
        push(proxy, NOISE, NOISE, timeout=0.3)
    assert len(read(proxy)) == nTaken
    assert push(proxy, NOISE, NOISE).status == 200


@pytest.mark.parametrize(("fault", "code"), [(Fault.PARTIAL, 50003), (Fault.PARTIAL_FINAL, 50002)])
def test_partial_errors_are_of_single_records(proxy: RestProxy, topic: str, fault: Fault, code: int) -> None:
    proxy.settings.faults.script(fault)
    answers = push(proxy, NOISE, NOISE | {"id": "b"}).json()["offsets"]
    assert [answer["error_code"] for answer in answers] == [code, None]
    assert [value["id"] for value in read(proxy)] == ["b"]


def test_faults_come_at_their_rates() -> None:
    plan = FaultPlan({Fault.TOO_MANY: 0.2, Fault.RESET: 0.1}, seed=5)
    drawn = [plan.next() for _ in range(10_000)]
    assert drawn.count(Fault.TOO_MANY) == pytest.approx(2000, abs=160)
    assert drawn.count(Fault.RESET) == pytest.approx(1000, abs=120)
    assert plan.counts == {fault: drawn.count(fault) for fault in (Fault.TOO_MANY, Fault.RESET)}
