# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The client of the REST proxy: what is an acknowledgement, what a refusal, and what neither."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from services.faults import Fault
from services.rawServer import RawServer, makeAnswer
from services.restProxy import ProxySettings, RestProxy, SchemaRegistry

from lsst.analysis.cp.sasquatch import (
    BatchRejectedError,
    ProxyClient,
    SasquatchError,
    Secret,
    TransientError,
    WebAddress,
)

TOPIC = "lsst.cp.ts.test"
SECRET = "hunter2-secret-token"
SCHEMA = json.dumps({"type": "record", "name": "test", "fields": [{"name": "x", "type": "double"}]})
PAYLOADS = [b'{"x": 1.5}', b'{"x": 2.5}', b'{"x": 3.5}']
GOOD = {"partition": 0, "offset": 1, "error_code": None, "error": None}


def makeClient(proxy: RestProxy, **options: float) -> ProxyClient:
    return ProxyClient(WebAddress.parse(proxy.url, "proxy"), Secret.bearer(SECRET), **options)


@pytest.fixture
def client(proxy: RestProxy) -> ProxyClient:
    """Make a client whose topic is there."""
    client = makeClient(proxy, requestTimeout=5.0)
    client.createTopic(TOPIC)
    return client


@pytest.fixture
def serve() -> Iterator[Callable[..., ProxyClient]]:
    """Return a maker of servers that give the same answer to each request, and of their clients."""
    with ExitStack() as stack:

        def start(status: int, document: Any) -> ProxyClient:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            server = stack.enter_context(RawServer(lambda _: [makeAnswer(status, body)]))
            return ProxyClient(WebAddress.parse(server.url, "proxy"), Secret.bearer(SECRET))

        yield start


def test_token_is_sent(settings: ProxySettings, proxy: RestProxy):
    settings.token = SECRET
    makeClient(proxy).createTopic(TOPIC)
    assert proxy.log.topics() == [TOPIC]


def test_wrong_token_is_fatal(settings: ProxySettings, proxy: RestProxy):
    settings.token, settings.echoes = "another", True
    with pytest.raises(SasquatchError, match=r"does not let us in: GET /v3/clusters .*401 Unauth") as error:
        makeClient(proxy).createTopic(TOPIC)
    assert SECRET not in str(error.value)


def test_missing_token_is_named(settings: ProxySettings, proxy: RestProxy):
    settings.token = SECRET
    with pytest.raises(SasquatchError, match=r"no token or password was given"):
        ProxyClient(WebAddress.parse(proxy.url, "proxy")).createTopic(TOPIC)


# Topics.


def test_topic_is_created_once(proxy: RestProxy):
    client = makeClient(proxy)
    for _ in range(3):
        client.createTopic(TOPIC)
    assert proxy.requests["create topic"] == 1
    assert proxy.log.topics() == [TOPIC]


def test_existing_topic_is_used(proxy: RestProxy):
    for _ in range(2):
        makeClient(proxy).createTopic(TOPIC)
    assert proxy.log.topics() == [TOPIC]


def test_topic_that_is_not_wanted_is_rejected(proxy: RestProxy):
    with pytest.raises(BatchRejectedError, match="Topic  is not created by .*422 Payload error"):
        makeClient(proxy).createTopic("")


CLUSTERS = [
    [],
    {"data": []},
    {},
    None,
    b"not JSON",
    {"data": [{"cluster_id": 5}]},
    {"data": [{"cluster_id": ""}]},
]


@pytest.mark.parametrize("document", CLUSTERS, ids=str)
def test_cluster_must_be_named(serve, document):
    with pytest.raises(TransientError, match="names no cluster"):
        serve(200, document).createTopic(TOPIC)


def test_address_without_proxy_is_fatal(serve):
    with pytest.raises(SasquatchError, match="is no REST proxy: /v3/clusters gives 404 nothing here"):
        serve(404, b"nothing here").createTopic(TOPIC)


# Records.


def test_records_are_taken(client: ProxyClient, proxy: RestProxy):
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]
    assert len(proxy.log.read(TOPIC)) == 3


def test_schema_is_sent_once(client: ProxyClient, proxy: RestProxy, monkeypatch):
    bodies = []
    take = proxy.produce
    monkeypatch.setattr(
        proxy, "produce", lambda topic, body, *args: bodies.append(body) or take(topic, body, *args)
    )
    for _ in range(3):
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert ["value_schema" in body for body in bodies] == [True, False, False]
    assert len(set(proxy.log.read(TOPIC))) == 3


def test_schema_is_sent_again_to_a_new_registry(client: ProxyClient, proxy: RestProxy):
    client.produce(TOPIC, SCHEMA, PAYLOADS)
    proxy.registry = SchemaRegistry()
    with pytest.raises(TransientError, match="has no schema"):
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


@pytest.mark.parametrize(("fault", "isTransient"), [(Fault.PARTIAL, True), (Fault.PARTIAL_FINAL, False)])
def test_errors_of_records_are_read(client: ProxyClient, settings: ProxySettings, fault, isTransient):
    settings.faults.script(fault)
    first, second, third = client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert second is None
    assert first is not None
    assert first == third
    assert first.isTransient is isTransient
    assert "refused for a test" in first.message


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault.TOO_MANY, "429 Too Many Requests"),
        (Fault.SERVER_ERROR, "500 Kafka error"),
        (Fault.UNAVAILABLE, "503 <html>"),
        (Fault.RESET, "reset by peer|closed connection"),
        (Fault.RESET_IN_BODY, "reset by peer|ends before it is complete"),
        (Fault.HANG, "no complete answer within"),
        (Fault.WRONG_JSON, f"does not say which of 3 records of {TOPIC} it took"),
        (Fault.NOT_JSON, f"does not say which of 3 records of {TOPIC} it took"),
    ],
)
def test_what_may_pass_is_transient(client: ProxyClient, settings: ProxySettings, fault, message):
    settings.faults.script(fault)
    start = time.monotonic()
    with pytest.raises(TransientError, match=message):
        client.produce(TOPIC, SCHEMA, PAYLOADS, timeout=1.0)
    assert time.monotonic() - start < 2.0
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


@pytest.mark.parametrize("fault", [Fault.TRICKLE, Fault.EARLY_HINTS])
def test_odd_but_good_answers(client: ProxyClient, settings: ProxySettings, fault):
    settings.trickleSeconds = 0.001
    settings.faults.script(fault)
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


def test_lost_topic_is_created_again(client: ProxyClient, proxy: RestProxy):
    proxy.loseTopics()
    with pytest.raises(TransientError, match="404"):
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    client.createTopic(TOPIC)
    assert client.produce(TOPIC, SCHEMA, PAYLOADS) == [None, None, None]


# Refusals.


def test_rejected_schema_is_not_divided(client: ProxyClient, settings: ProxySettings):
    settings.faults.script(Fault.SCHEMA_REJECTED)
    with pytest.raises(BatchRejectedError, match=f"does not take records of {TOPIC}: 422") as error:
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert not error.value.isDivisible


@pytest.mark.parametrize("isFirst", [True, False])
def test_bad_record_is_worth_a_division(client: ProxyClient, isFirst):
    if not isFirst:
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    with pytest.raises(
        BatchRejectedError, match="422 Conversion of JSON to Object failed|not found"
    ) as error:
        client.produce(TOPIC, SCHEMA, [*PAYLOADS, b'{"y": 1}'])
    assert error.value.isDivisible


def test_long_body_is_worth_a_division(client: ProxyClient, settings: ProxySettings):
    settings.maxBody = 10
    with pytest.raises(BatchRejectedError, match="413") as error:
        client.produce(TOPIC, SCHEMA, PAYLOADS)
    assert error.value.isDivisible


NO_CODES = pytest.mark.parametrize(
    "document", [b"<html>", {}, {"error_code": "42203"}, {"error_code": True}, []], ids=str
)


@pytest.mark.parametrize("status", [400, 422])
@NO_CODES
def test_refusal_without_a_code_is_worth_a_division(serve, status, document):
    with pytest.raises(BatchRejectedError, match=f"does not take records of {TOPIC}: {status}") as error:
        serve(status, document).produce(TOPIC, SCHEMA, PAYLOADS)
    assert error.value.isDivisible


@pytest.mark.parametrize("status", [409, 405, 451])
@NO_CODES
def test_refusal_that_is_not_of_the_proxy_is_none(serve, status, document):
    with pytest.raises(TransientError, match=f"does not take records of {TOPIC}: {status}"):
        serve(status, document).produce(TOPIC, SCHEMA, PAYLOADS)


@pytest.mark.parametrize(("status", "code"), [(409, 409), (422, 42207), (400, 40001)])
def test_refusal_of_the_proxy(serve, status, code):
    with pytest.raises(BatchRejectedError):
        serve(status, {"error_code": code, "message": "no"}).produce(TOPIC, SCHEMA, PAYLOADS)


# Acknowledgements.


@pytest.mark.parametrize("offset", [0, 1, 2**62])
def test_offset_is_an_acknowledgement(serve, offset):
    answer = {"offsets": [GOOD | {"offset": offset}]}
    assert serve(200, answer).produce(TOPIC, SCHEMA, PAYLOADS[:1]) == [None]


RESULTS = [
    *(GOOD | {"offset": offset} for offset in (None, True, False, -1, 1.0, "1", [], {}, 2**63)),
    *(GOOD | {"error_code": code} for code in (2, 50003, "x", True, 0.5)),
    GOOD | {"error": "words"},
    *({}, None, 5, [], "x"),
]


@pytest.mark.parametrize("result", RESULTS, ids=str)
def test_record_without_clear_result_is_not_delivered(serve, result):
    (error,) = serve(200, {"offsets": [result]}).produce(TOPIC, SCHEMA, PAYLOADS[:1])
    assert error is not None
    assert error.isTransient


def test_offsets_beside_an_error_are_no_acknowledgement(serve):
    with pytest.raises(TransientError, match="does not say which of 3 records"):
        serve(200, {"error_code": 50002, "message": "no", "offsets": [GOOD] * 3}).produce(
            TOPIC, SCHEMA, PAYLOADS
        )


@pytest.mark.parametrize("offsets", [[], [GOOD] * 2, [GOOD] * 4, None, {"a": 1}, "abc", 3], ids=str)
def test_answer_must_speak_of_each_record(serve, offsets):
    with pytest.raises(TransientError, match="does not say which of 3 records"):
        serve(200, {"offsets": offsets}).produce(TOPIC, SCHEMA, PAYLOADS)


@pytest.mark.parametrize("document", [{"error_code": 50002, "message": "no"}, [GOOD] * 3, None, b""], ids=str)
def test_other_document_is_no_acknowledgement(serve, document):
    with pytest.raises(TransientError, match="does not say which of 3 records"):
        serve(200, document).produce(TOPIC, SCHEMA, PAYLOADS)


@pytest.mark.parametrize("status", [201, 202, 203, 204, 206])
def test_other_status_is_no_acknowledgement(serve, status):
    with pytest.raises(TransientError, match=f"does not say which of 3 records .*: {status}|complete"):
        serve(status, {"offsets": [GOOD] * 3}).produce(TOPIC, SCHEMA, PAYLOADS)


@pytest.mark.parametrize("code", [f"Bearer {SECRET}", 1])
def test_echo_of_the_token_in_a_result_is_hidden(serve, code):
    result = {"error_code": code, "error": f"you sent {SECRET}"}
    (error,) = serve(200, {"offsets": [result]}).produce(TOPIC, SCHEMA, PAYLOADS[:1])
    assert error is not None
    assert error.message == f"{'Bearer ***' if code != 1 else 1}: you sent ***"
