# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Requests to the double of the REST proxy: routes, headers, and faults on the wire."""

from __future__ import annotations

import hmac
import json
import socket
import struct
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from services.faults import Fault

if TYPE_CHECKING:
    from services.restProxy import ProxyServer, RestProxy

__all__ = ["CLUSTER", "ProxyHandler", "RestError"]

AVRO = "application/vnd.kafka.avro.v2+json"
JSON_V2 = "application/vnd.kafka.v2+json"
JSON = "application/json"
CLUSTER = "tests-cluster"
RETRIABLE, FINAL = 50003, 50002
"""Codes of the errors of single records: worth a repeat, and not."""

ERRORS: Mapping[Fault | None, tuple[int, int, str]] = {
    Fault.TOO_MANY: (429, 42901, "Too Many Requests"),
    Fault.SERVER_ERROR: (500, 50002, "Kafka error: for a test"),
    Fault.SCHEMA_REJECTED: (422, 42207, "Error serializing message. Error when registering schema."),
    Fault.REDIRECT: (307, 307, "Temporary Redirect"),
}
"""Status, code and message of faults that are answers of the proxy."""

PAGE = b"<html><body><h1>Something is between you and the proxy</h1></body></html>"


class RestError(Exception):
    """An answer that is an error.

    Parameters
    ----------
    status
        Status of HTTP.
    code
        Code of the proxy.
    message
        What is said.
    """

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class DropConnectionError(Exception):
    """The connection is to be reset."""


class AnsweredError(Exception):
    """The request has its answer."""


class ProxyHandler(BaseHTTPRequestHandler):
    """Answers the requests of a connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = 60.0
    server: ProxyServer

    @property
    def proxy(self) -> RestProxy:
        """The proxy that this is a part of."""
        return self.server.proxy

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Answer a GET."""
        self.handleRequest("GET")

    def do_POST(self) -> None:
        """Answer a POST."""
        self.handleRequest("POST")

    def handleRequest(self, method: str) -> None:
        """Answer a request, or fail as planned."""
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            self.checkHeaders()
            self.route(method)
        except RestError as error:
            echo = f" ({self.headers.get('Authorization')})" if self.proxy.settings.echoes else ""
            self.answer(error.status, {"error_code": error.code, "message": error.message + echo})
        except AnsweredError:
            pass
        except DropConnectionError:
            reset = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            self.connection.close()
            self.close_connection = True

    def checkHeaders(self) -> None:
        """Refuse what no client may send."""
        settings = self.proxy.settings
        if self.headers.get("Content-Encoding") or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise RestError(415, 415, "HTTP 415 Unsupported Media Type")
        if len(self.body) > settings.maxBody:
            raise RestError(413, 413, "Request Entity Too Large")
        given = (self.headers.get("Authorization") or "").encode("latin-1")
        if settings.token and not hmac.compare_digest(given, f"Bearer {settings.token}".encode()):
            raise RestError(401, 40101, "Unauthorized")

    def checkType(self, expected: str) -> None:
        """Refuse a body of another type."""
        given = (self.headers.get("Content-Type") or "").split(";")[0].strip().lower()
        if given != expected:
            raise RestError(415, 415, f"HTTP 415 Unsupported Media Type: {given!r}")

    def route(self, method: str) -> None:
        """Find what is asked for."""
        path = urlsplit(self.path).path
        prefix = self.proxy.settings.prefix
        parts = [unquote(part) for part in path.removeprefix(prefix).split("/")[1:]]
        match method, parts if path.startswith(f"{prefix}/") else []:
            case "POST", ["topics", topic]:
                self.checkType(AVRO)
                self.produce(topic)
            case "GET", ["v3", "clusters"]:
                self.listClusters()
            case "POST", ["v3", "clusters", cluster, "topics"] if cluster == CLUSTER:
                self.checkType(JSON)
                self.createTopic()
            case _:
                raise RestError(404, 404, f"HTTP 404 Not Found: {method} {path}")

    def listClusters(self) -> None:
        """Name the one cluster, or fail as planned."""
        self.proxy.requests["clusters"] += 1
        fault = self.proxy.settings.topicFaults.next()
        self.failBefore(fault)
        self.answer(200, {"kind": "KafkaClusterList", "data": [{"cluster_id": CLUSTER}]}, fault)

    def createTopic(self) -> None:
        """Create a topic, or fail as planned."""
        self.proxy.requests["create topic"] += 1
        fault = self.proxy.settings.topicFaults.next()
        self.failBefore(fault)
        self.answer(201, self.proxy.createTopic(parseJson(self.body)), fault)

    def produce(self, topic: str) -> None:
        """Take records, or fail as planned."""
        self.proxy.requests["produce"] += 1
        fault = self.proxy.settings.faults.next()
        self.failBefore(fault)
        refusal = {Fault.PARTIAL: RETRIABLE, Fault.PARTIAL_FINAL: FINAL}.get(fault, 0) if fault else 0
        self.answer(200, self.proxy.produce(topic, parseJson(self.body), refusal), fault)

    def failBefore(self, fault: Fault | None) -> None:
        """Fail without doing what is asked for."""
        if fault in ERRORS:
            raise RestError(*ERRORS[fault])
        if fault is Fault.HANG:
            self.hang()
        if fault is Fault.RESET:
            raise DropConnectionError
        if fault is Fault.UNAVAILABLE:
            self.send(503, PAGE, "text/html")
            raise AnsweredError
        if fault is Fault.NOT_JSON:
            self.send(200, PAGE, "text/html")
            raise AnsweredError

    def hang(self) -> None:
        """Do nothing for longer than a sender waits, then leave without an answer."""
        self.proxy.stopping.wait(self.proxy.settings.hangSeconds)
        raise DropConnectionError

    def answer(self, status: int, content: dict[str, Any], fault: Fault | None = None) -> None:
        """Answer, or fail when all that is asked for is done."""
        body = json.dumps(content).encode()
        if fault is Fault.HANG_AFTER:
            self.hang()
        elif fault is Fault.RESET_IN_BODY:
            self.send(status, body, JSON_V2, upTo=len(body) // 2)
            raise DropConnectionError
        elif fault is Fault.WRONG_JSON:
            self.send(status, body[: len(body) // 2], JSON_V2)
        elif fault is Fault.TRICKLE:
            self.trickle(status, body)
        else:
            self.send(status, body, JSON_V2)

    def send(self, status: int, body: bytes, kind: str, upTo: int | None = None) -> None:
        """Send an answer, or the first bytes of its body only."""
        self.sendHead(status, len(body), kind)
        self.wfile.write(body[:upTo])
        self.wfile.flush()

    def trickle(self, status: int, body: bytes) -> None:
        """Send an answer byte by byte."""
        self.sendHead(status, len(body), JSON_V2)
        for i in range(len(body)):
            self.wfile.write(body[i : i + 1])
            self.wfile.flush()
            if self.proxy.stopping.wait(self.proxy.settings.trickleSeconds):
                raise DropConnectionError

    def sendHead(self, status: int, length: int, kind: str) -> None:
        """Send the status and the headers of an answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        if status in (429, 503):
            self.send_header("Retry-After", self.proxy.settings.retryAfter)
        if status == 307:
            self.send_header("Location", self.proxy.settings.elsewhere + self.path)
        self.end_headers()


def parseJson(body: bytes) -> Any:
    """Parse strict JSON."""

    def refuse(token: str) -> Any:
        raise ValueError(f"{token} is not JSON")

    try:
        return json.loads(body.decode(), parse_constant=refuse)
    except ValueError as error:
        raise RestError(400, 400, f"Bad Request: {error}") from error
