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
HTTP = urllib3.PoolManager(retries=False, timeout=0.3)


def makeSchema(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "namespace": "lsst.cp", "name": "noise", "fields": list(fields)})


def post(proxy: RestProxy, path: str, body: Any, kind: str = AVRO, **headers: str) -> Answer:
    headers = {"Content-Type": kind, **headers}
    content = body if isinstance(body, bytes) else json.dumps(body)
    return HTTP.request("POST", proxy.url + path, body=content, headers=headers)


def createTopic(proxy: RestProxy, topic: str = TOPIC) -> Answer:
    cluster = HTTP.request("GET", f"{proxy.url}/v3/clusters").json()["data"][0]["cluster_id"]
    body = {"topic_name": topic, "partitions_count": 1, "replication_factor": 3}
    return post(proxy, f"/v3/clusters/{cluster}/topics", body, "application/json")


def push(proxy: RestProxy, *values: Any, fields: Any = FIELDS, topic: str = TOPIC) -> Answer:
    body = {"value_schema": makeSchema(*fields), "records": [{"value": value} for value in values]}
    return post(proxy, f"/topics/{topic}", body)


def read(proxy: RestProxy, topic: str = TOPIC) -> list[dict[str, Any]]:
    return [decodeMessage(message, proxy.registry.schemas) for message in proxy.log.read(topic)]


@pytest.fixture
def topic(proxy: RestProxy) -> str:
    createTopic(proxy)
    return TOPIC


def test_topicIsCreatedOnce(proxy: RestProxy) -> None:
    answers = [createTopic(proxy) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 400]
    assert answers[1].json() == {"error_code": 40002, "message": f"Topic '{TOPIC}' already exists."}


def test_recordsKeepTheirValues(proxy: RestProxy, topic: str) -> None:
    answer = push(proxy, NOISE, NOISE | {"median": None})
    assert answer.status == 200
    assert answer.json()["offsets"][1] == {"partition": 0, "offset": 1, "error_code": None, "error": None}
    assert read(proxy) == [NOISE | {"median": 5.1}, NOISE | {"median": None}]


def test_messagesReachTheBroker(kafkaProxy: RestProxy) -> None:
    createTopic(kafkaProxy)
    assert push(kafkaProxy, NOISE, NOISE | {"id": "b"}).json()["offsets"][1]["offset"] == 1
    assert [value["id"] for value in read(kafkaProxy)] == ["a", "b"]
    assert createTopic(kafkaProxy).status == 400


def test_floatsOf32BitsLosePrecision(proxy: RestProxy, topic: str) -> None:
    push(proxy, {"median": 0.1}, fields=[{"name": "median", "type": "float", "default": 0.0}])
    assert read(proxy) == [{"median": pytest.approx(0.1, rel=1e-7)}]
    assert read(proxy) != [{"median": 0.1}]


def test_schemasAreUsedAgainById(proxy: RestProxy, topic: str) -> None:
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
def test_valuesMustFitTheSchema(proxy: RestProxy, topic: str, change: dict[str, Any], message: str) -> None:
    answer = push(proxy, NOISE, NOISE | change)
    assert (answer.status, answer.json()["error_code"]) == (422, 42203)
    assert message in answer.json()["message"]
    assert read(proxy) == []


@pytest.mark.parametrize("value", [1.5, 1 << 31, "1"])
def test_integersAreNotCut(proxy: RestProxy, topic: str, value: object) -> None:
    answer = push(proxy, {"n": value}, fields=[{"name": "n", "type": "int", "default": 0}])
    assert "Expected int" in answer.json()["message"]


def test_fieldsHaveNoDefaultsInJson(proxy: RestProxy, topic: str) -> None:
    answer = push(proxy, {"id": "a", "timestamp": 1.5})
    assert "Expected field name not found: median" in answer.json()["message"]


def test_furtherFieldsAreDroppedAndNoted(proxy: RestProxy, topic: str) -> None:
    assert push(proxy, NOISE | {"tags": []}).status == 200
    assert "tags" not in read(proxy)[0]
    assert proxy.unknownFields == {(topic, "tags")}


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "}"])
def test_bodiesMustBeJson(proxy: RestProxy, topic: str, token: str) -> None:
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
def test_schemasMustBeAvro(proxy: RestProxy, topic: str, fields: Any, message: str) -> None:
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
def test_requestsMustBeWhole(proxy: RestProxy, topic: str, body: Any, code: int) -> None:
    answer = post(proxy, f"/topics/{topic}", body)
    assert (answer.status, answer.json()["error_code"]) == (422, code)


def test_schemaOfAnotherTopicIsNotKnown(proxy: RestProxy, topic: str) -> None:
    createTopic(proxy, "other")
    schema_id = push(proxy, NOISE).json()["value_schema_id"]
    body = {"value_schema_id": schema_id, "records": [{"value": NOISE}]}
    assert post(proxy, "/topics/other", body).json()["error_code"] == 42207


def test_topicsMustExist(proxy: RestProxy) -> None:
    assert push(proxy, NOISE).json()["error_code"] == 40403


def test_contentTypeIsChecked(proxy: RestProxy, topic: str) -> None:
    body = {"value_schema": makeSchema(*FIELDS), "records": [{"value": NOISE}]}
    assert post(proxy, f"/topics/{topic}", body, "application/json").status == 415


def test_longBodiesAreRefused(proxy: RestProxy, topic: str) -> None:
    proxy.settings.maxBody = 100
    assert push(proxy, NOISE).status == 413


def test_tokenIsAskedFor(settings: ProxySettings, proxy: RestProxy) -> None:
    settings.token = "secret"
    statuses = [
        HTTP.request("GET", f"{proxy.url}/v3/clusters", headers={"Authorization": value}).status
        for value in ("Bearer secret", "Bearer secre", "secret", "")
    ]
    assert statuses == [200, 401, 401, 401]


def test_pathsStartWithThePrefix(settings: ProxySettings, proxy: RestProxy) -> None:
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
def test_newSchemasMayReadOldRecords(proxy: RestProxy, topic: str, new: list[dict[str, Any]]) -> None:
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
def test_newSchemasThatReadNoOldRecordsAreRefused(
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
def test_faultsThatAnswer(proxy: RestProxy, topic: str, fault: Fault, status: int, nTaken: int) -> None:
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
def test_faultsWithoutAnswer(proxy: RestProxy, topic: str, fault: Fault, nTaken: int, message: str) -> None:
    proxy.settings.faults.script(fault)
    with pytest.raises(urllib3.exceptions.HTTPError, match=message):
        push(proxy, NOISE, NOISE)
    assert len(read(proxy)) == nTaken
    assert push(proxy, NOISE, NOISE).status == 200


@pytest.mark.parametrize(("fault", "code"), [(Fault.PARTIAL, 50003), (Fault.PARTIAL_FINAL, 50002)])
def test_partialErrorsAreOfSingleRecords(proxy: RestProxy, topic: str, fault: Fault, code: int) -> None:
    proxy.settings.faults.script(fault)
    answers = push(proxy, NOISE, NOISE | {"id": "b"}).json()["offsets"]
    assert [answer["error_code"] for answer in answers] == [code, None]
    assert [value["id"] for value in read(proxy)] == ["b"]


def test_faultsComeAtTheirRates() -> None:
    plan = FaultPlan({Fault.TOO_MANY: 0.2, Fault.RESET: 0.1}, seed=5)
    drawn = [plan.next() for _ in range(10_000)]
    assert drawn.count(Fault.TOO_MANY) == pytest.approx(2000, abs=160)
    assert drawn.count(Fault.RESET) == pytest.approx(1000, abs=120)
    assert plan.counts == {fault: drawn.count(fault) for fault in (Fault.TOO_MANY, Fault.RESET)}
