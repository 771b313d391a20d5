# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Double of the Confluent REST proxy: v2 produce, v3 clusters and topics; strict, and able to fail."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from services.avroJson import AvroJsonError, encodeMessage
from services.faults import Fault, FaultPlan
from services.kafkaBroker import KafkaBroker, MemoryLog
from services.rawServer import RawServer, Step, makeAnswer

__all__ = ["ProxySettings", "RestError", "RestProxy", "SchemaRegistry"]

AVRO = "application/vnd.kafka.avro.v2+json"
CLUSTER = "tests-cluster"
PREFIX = "/base"
REFUSALS = {Fault.PARTIAL: 50003, Fault.PARTIAL_FINAL: 50002}
"""Codes of the errors of single records: worth a repeat, and not."""

ERRORS: Mapping[Fault | None, tuple[int, int, str]] = {
    Fault.TOO_MANY: (429, 42901, "Too Many Requests"),
    Fault.SERVER_ERROR: (500, 50002, "Kafka error: for a test"),
    Fault.SCHEMA_REJECTED: (422, 42207, "Error serializing message. Error when registering schema."),
}
"""Status, code and message of faults that are answers of the proxy."""

PAGE = b"<html><body><h1>Something is between you and the proxy</h1></body></html>"


class RestError(Exception):
    """An answer that is an error: status of HTTP, code of the proxy, and words."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class ProxySettings:
    """How a proxy behaves.

    Parameters
    ----------
    token
        Bearer token that requests must carry; none is asked for if empty.
    maxBody, maxRecords
        Longest body of a request, bytes, and most records in it.
    faults
        Which produce requests fail.
    topicFaults
        Which requests for clusters and topics fail.
    hangSeconds
        How long a request that hangs does so.
    trickleSeconds
        Time between two bytes of a slow answer.
    elsewhere
        The host that redirections name.
    echoes
        Whether errors repeat the request's authorization.
    """

    token: str = ""
    maxBody: int = 1 << 24
    maxRecords: int = 1 << 24
    faults: FaultPlan = field(default_factory=FaultPlan)
    topicFaults: FaultPlan = field(default_factory=FaultPlan)
    hangSeconds: float = 5.0
    trickleSeconds: float = 0.005
    elsewhere: str = "http://127.0.0.2:9"
    echoes: bool = False


class SchemaRegistry:
    """Registers schemas by subject."""

    def __init__(self) -> None:
        self.schemas: dict[int, Any] = {}
        self._ids: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def register(self, subject: str, text: Any) -> int:
        """Register a schema, if it is not yet, and return its id."""
        try:
            schema = fastavro.parse_schema(json.loads(text))
            names = [each["name"] for each in schema["fields"]]
        except (KeyError, TypeError, ValueError, SchemaParseException, UnknownType) as error:
            raise RestError(422, 42205, f"Invalid schema: {error!r}") from error
        if refused := [name for name in names if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)]:
            raise RestError(422, 42205, f"Invalid schema: Illegal character in: {refused}")
        with self._lock:
            id = self._ids.setdefault((subject, text), len(self._ids) + 1)
            self.schemas[id] = schema
            return id

    def find(self, subject: str, id: int) -> int:
        """Check that a subject has a schema."""
        if (subject, id) not in {(each, id) for (each, _), id in self._ids.items()}:
            raise RestError(422, 42207, f"Error serializing message. {subject} has no schema {id!r}")
        return id


class RestProxy:
    """A REST proxy that serves in threads of this process until it is left.

    Parameters
    ----------
    log
        Takes the records; by default, memory.
    settings
        How it behaves.
    certificate
        File with a certificate and its key, for TLS.

    Attributes
    ----------
    registry
        All schemas that were sent.
    requests
        Number of requests of each kind.
    taken
        Number of records that were taken, repeats included.
    unknownFields
        Topics and names of fields that records have and their schemas lack, which were dropped.
    failures
        Errors of the double itself.
    """

    def __init__(
        self,
        log: KafkaBroker | None = None,
        settings: ProxySettings | None = None,
        *,
        certificate: Path | None = None,
    ) -> None:
        self.log: KafkaBroker | MemoryLog = log or MemoryLog()
        self.settings = settings or ProxySettings()
        self.registry = SchemaRegistry()
        self.requests: Counter[str] = Counter()
        self.unknownFields: set[tuple[str, str]] = set()
        self.taken = 0
        self.failures: list[BaseException] = []
        self._lock = threading.Lock()
        self._topics: set[str] = set(self.log.topics())
        context = None
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        self._server = RawServer(self._answer, context=context)
        self.url = self._server.url

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.__exit__(*error)

    def loseTopics(self) -> None:
        """Forget all topics, as a proxy before a new broker."""
        self.log = MemoryLog()
        self._topics.clear()

    def createTopic(self, body: Any) -> dict[str, Any]:
        """Create a topic."""
        known = {"topic_name": str, "partitions_count": int, "replication_factor": int}
        if not isinstance(body, dict) or any(type(value) is not known.get(k) for k, value in body.items()):
            raise RestError(400, 400, f"Bad Request: {body!r}")
        if not body.get("topic_name"):
            raise RestError(422, 422, "Payload error. topic_name must not be null.")
        if not 1 <= body.get("replication_factor", 1) <= 3:
            raise RestError(400, 40002, "Replication factor larger than available brokers: 3.")
        if not self.log.create(body["topic_name"]):
            raise RestError(400, 40002, f"Topic '{body['topic_name']}' already exists.")
        self._topics.add(body["topic_name"])
        return {"kind": "KafkaTopic", "cluster_id": CLUSTER, "topic_name": body["topic_name"]}

    def produce(self, topic: str, body: Any, refusal: int = 0) -> dict[str, Any]:
        """Take records, but for every other one if there is a code of refusal."""
        if not isinstance(body, dict) or not isinstance(body.get("records"), list) or not body["records"]:
            raise RestError(422, 422, "Payload error. records must not be empty.")
        if surplus := body.keys() - {"value_schema", "value_schema_id", "records"}:
            raise RestError(422, 422, f"Unrecognized field: {sorted(surplus)}")
        if topic not in self._topics:
            raise RestError(404, 40403, "This server does not host this topic-partition.")
        if len(body["records"]) > self.settings.maxRecords:
            raise RestError(413, 413, "Too many records")
        subject = f"{topic}-value"
        if "value_schema_id" in body:
            schema_id = self.registry.find(subject, body["value_schema_id"])
        elif "value_schema" in body:
            schema_id = self.registry.register(subject, body["value_schema"])
        else:
            raise RestError(422, 42202, "Request includes values but does not include value schema")
        messages = [self._encode(topic, schema_id, record) for record in body["records"]]
        is_taken = [not (refusal and i % 2 == 0) for i in range(len(messages))]
        taken = [message for message, take_it in zip(messages, is_taken, strict=True) if take_it]
        offsets = iter(self.log.append(topic, taken))
        with self._lock:
            self.taken += len(taken)
        answers = [
            {"partition": 0, "offset": next(offsets), "error_code": None, "error": None}
            if take_it
            else {"partition": None, "offset": None, "error_code": refusal, "error": "refused for a test"}
            for take_it in is_taken
        ]
        return {"offsets": answers, "key_schema_id": None, "value_schema_id": schema_id}

    def _encode(self, topic: str, schema_id: int, record: Any) -> bytes:
        if not isinstance(record, dict) or record.keys() != {"value"}:
            raise RestError(422, 422, "Unrecognized field in a record: it has a value only.")
        schema = self.registry.schemas[schema_id]
        try:
            message = encodeMessage(schema_id, schema, record["value"])
        except AvroJsonError as error:
            raise RestError(422, 42203, str(error)) from error
        names = {each["name"] for each in schema["fields"]}
        self.unknownFields.update((topic, name) for name in record["value"].keys() - names)
        return message

    def _answer(self, request: bytes) -> Sequence[Step]:
        """Answer a request, or fail as planned."""
        head, _, body = request.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        fault = None
        try:
            if self.settings.token and headers.get("authorization") != f"Bearer {self.settings.token}":
                raise RestError(401, 40101, "Unauthorized")
            if len(body) > self.settings.maxBody:
                raise RestError(413, 413, "Request Entity Too Large")
            status, document, fault = self._route(*first.split(" ")[:2], headers, body)
        except RestError as error:
            echo = f" ({headers.get('authorization')})" if self.settings.echoes else ""
            status, document = error.status, {"error_code": error.code, "message": error.message + echo}
        except _PlannedError as planned:
            return planned.steps
        except Exception as error:
            self.failures.append(error)
            raise
        retry = {"Retry_After": "0"} if status == 429 else {}
        # The server takes one request a connection: a client that is not told so may lose its next one.
        answer = makeAnswer(status, json.dumps(document).encode(), Connection="close", **retry)
        if fault is Fault.HANG_AFTER:
            return [self.settings.hangSeconds]
        if fault in (Fault.RESET_IN_BODY, Fault.WRONG_JSON):
            text = json.dumps(document).encode()[:-5]
            return [answer[:-5], None] if fault is Fault.RESET_IN_BODY else [makeAnswer(status, text)]
        if fault is Fault.TRICKLE:
            return [step for byte in answer for step in (bytes([byte]), self.settings.trickleSeconds)]
        if fault is Fault.EARLY_HINTS:
            return [b"HTTP/1.1 103 Early Hints\r\n\r\n", answer]
        return [answer]

    def _route(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, Any], Fault | None]:
        """Do what is asked for."""
        match method, path.removeprefix(PREFIX).split("/")[1:]:
            case "POST", ["topics", topic]:
                if headers.get("content-type") != AVRO:
                    raise RestError(415, 415, "HTTP 415 Unsupported Media Type")
                fault = self._fail("produce", path)
                return (
                    200,
                    self.produce(topic, parseJson(body), REFUSALS.get(fault, 0) if fault else 0),
                    fault,
                )
            case "GET", ["v3", "clusters"]:
                fault = self._fail("clusters", path)
                return 200, {"kind": "KafkaClusterList", "data": [{"cluster_id": CLUSTER}]}, fault
            case "POST", ["v3", "clusters", cluster, "topics"] if cluster == CLUSTER:
                fault = self._fail("create topic", path)
                return 201, self.createTopic(parseJson(body)), fault
        raise RestError(404, 404, f"HTTP 404 Not Found: {method} {path}")

    def _fail(self, kind: str, path: str) -> Fault | None:
        """Find the fault of a request; fail at once if nothing is to be done."""
        self.requests[kind] += 1
        plan = self.settings.faults if kind == "produce" else self.settings.topicFaults
        fault = plan.next()
        if fault in ERRORS:
            raise RestError(*ERRORS[fault])
        steps: dict[Fault | None, list[Step]] = {
            Fault.HANG: [self.settings.hangSeconds],
            Fault.RESET: [None],
            Fault.UNAVAILABLE: [makeAnswer(503, PAGE)],
            Fault.NOT_JSON: [makeAnswer(200, PAGE)],
            Fault.REDIRECT: [makeAnswer(307, b"", Location=self.settings.elsewhere + path)],
        }
        if fault in steps:
            raise _PlannedError(steps[fault])
        return fault


class _PlannedError(Exception):
    """The request has these steps for an answer."""

    def __init__(self, steps: list[Step]) -> None:
        super().__init__()
        self.steps = steps


def parseJson(body: bytes) -> Any:
    """Parse strict JSON."""

    def refuse(token: str) -> Any:
        raise ValueError(f"{token} is not JSON")

    try:
        return json.loads(body.decode(), parse_constant=refuse)
    except ValueError as error:
        raise RestError(400, 400, f"Bad Request: {error}") from error
