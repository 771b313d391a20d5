# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Double of the Confluent REST proxy: v2 produce, v3 clusters and topics; strict, and able to fail."""

from __future__ import annotations

import ssl
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from services.avroJson import AvroJsonError, encodeMessage
from services.faults import FaultPlan
from services.kafkaBroker import KafkaBroker, MemoryLog
from services.proxyHandler import CLUSTER, ProxyHandler, RestError
from services.schemaRegistry import (
    IncompatibleSchemaError,
    InvalidSchemaError,
    RegisteredSchema,
    SchemaRegistry,
)

__all__ = ["ProxySettings", "RestProxy"]


@dataclass
class ProxySettings:
    """How a proxy behaves.

    Parameters
    ----------
    prefix
        Path under which its routes are.
    token
        Bearer token that requests must carry; none is asked for if empty.
    maxBody
        Longest body of a request, bytes.
    faults
        Which produce requests fail.
    topicFaults
        Which requests for clusters and topics fail.
    hangSeconds
        How long a request that hangs does so.
    trickleSeconds
        Time between two bytes of a slow answer.
    retryAfter
        Seconds that a sender is asked to wait.
    elsewhere
        The host that redirections name.
    echoes
        Whether errors repeat the request's authorization.
    """

    prefix: str = "/sasquatch-rest-proxy"
    token: str = ""
    maxBody: int = 1 << 24
    faults: FaultPlan = field(default_factory=FaultPlan)
    topicFaults: FaultPlan = field(default_factory=FaultPlan)
    hangSeconds: float = 5.0
    trickleSeconds: float = 0.005
    retryAfter: str = "0"
    elsewhere: str = "http://127.0.0.2:9"
    echoes: bool = False


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
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._topics: set[str] = set(self.log.topics())
        self._server = ProxyServer(("127.0.0.1", 0), ProxyHandler)
        self._server.proxy = self
        self._scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self._scheme}://127.0.0.1:{self.port}{self.settings.prefix}"

    def stop(self) -> None:
        """Stop serving."""
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def loseTopics(self) -> None:
        """Forget all topics, as a proxy before a new broker."""
        self.log = MemoryLog()
        self._topics.clear()

    def createTopic(self, body: Any) -> dict[str, Any]:
        """Create a topic."""
        known = {"topic_name": str, "partitions_count": int, "replication_factor": int, "configs": list}
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

    def findSchema(self, topic: str, body: dict[str, Any]) -> RegisteredSchema:
        """Find or register the schema that a request names."""
        subject = f"{topic}-value"
        try:
            if "value_schema_id" in body:
                return self.registry.find(subject, body["value_schema_id"])
            if "value_schema" not in body:
                raise RestError(422, 42202, "Request includes values but does not include value schema")
            return self.registry.register(subject, body["value_schema"])
        except InvalidSchemaError as error:
            raise RestError(422, 42205, f"Invalid schema: {error}") from error
        except IncompatibleSchemaError as error:
            message = f"Error serializing message. Error when registering schema. subject = {subject}"
            raise RestError(422, 42207, f"{message}\n{error}") from error

    def encodeRecords(self, topic: str, body: Any) -> tuple[int, list[bytes]]:
        """Encode the records of a request, all or none."""
        if not isinstance(body, dict) or not isinstance(body.get("records"), list) or not body["records"]:
            raise RestError(422, 422, "Payload error. records must not be empty.")
        if surplus := body.keys() - {"value_schema", "value_schema_id", "records"}:
            raise RestError(422, 422, f"Unrecognized field: {sorted(surplus)}")
        if topic not in self._topics:
            raise RestError(404, 40403, "This server does not host this topic-partition.")
        schema = self.findSchema(topic, body)
        names = {each["name"] for each in schema.schema["fields"]}
        messages = []
        for record in body["records"]:
            if not isinstance(record, dict) or record.keys() != {"value"}:
                raise RestError(422, 422, "Unrecognized field in a record: it has a value only.")
            try:
                value = schema.decode(record["value"])
            except AvroJsonError as error:
                raise RestError(422, 42203, f"Conversion of JSON to Object failed: {error}") from error
            self.unknownFields.update((topic, name) for name in record["value"].keys() - names)
            messages.append(encodeMessage(schema.id, schema.schema, value))
        return schema.id, messages

    def produce(self, topic: str, body: Any, refusal: int = 0) -> dict[str, Any]:
        """Take records, but for every other one if there is a code of refusal."""
        schema_id, messages = self.encodeRecords(topic, body)
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


class ProxyServer(ThreadingHTTPServer):
    """The server of a proxy; silent about connections that senders drop."""

    proxy: RestProxy
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep errors, but for those that a killed sender causes."""
        error = sys.exception()
        if error is not None and not isinstance(error, OSError):
            self.proxy.failures.append(error)
