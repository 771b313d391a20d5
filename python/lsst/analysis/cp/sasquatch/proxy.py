# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The routes of the Confluent REST proxy that a push needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .access import SasquatchError, Secret, TransientError, WebAddress, shorten
from .http import Answer, HttpClient

__all__ = ["BatchRejectedError", "ProxyClient", "RecordError"]

# As upstream makes its topics.
_PARTITIONS = 1
_REPLICATION_FACTOR = 3

_JSON = "application/json"
_AVRO_V2 = "application/vnd.kafka.avro.v2+json"
_ANSWER_V2 = "application/vnd.kafka.v2+json"

_UNKNOWN_TOPIC = 404
_TOO_LARGE = 413
_UNPROCESSABLE = (400, 422)
_BAD_RECORD = 42203
# Schema could not be registered, is incompatible, or is no schema: dividing the batch does not help.
_SCHEMA_CODES = (40801, 40901, 42202, 42205, 42207)
# Kafka counts in 64 bits.
_OFFSET_LIMIT = 2**63
# In a list of results: Kafka may take the record when asked again.
_RETRIABLE_CODES = (2, 50003)


class BatchRejectedError(SasquatchError):
    """The proxy refused a request as a whole.

    Fewer records might be accepted if ``isDivisible``: one of them may be to blame, or there are too many.
    """

    def __init__(self, message: str, *, isDivisible: bool) -> None:
        super().__init__(message)
        self.isDivisible = isDivisible


@dataclass(frozen=True)
class RecordError:
    """Why a record was not taken, and whether it may be when sent again."""

    message: str
    isTransient: bool


class ProxyClient:
    """A Confluent REST proxy: creation of topics (v3), production of Avro records (v2).

    It makes one attempt a call, of at most ``requestTimeout`` seconds. Several threads may use it, each for
    topics of its own.

    References
    ----------
    Confluent, "API Reference for Confluent REST Proxy", docs.confluent.io
    """

    def __init__(
        self, address: WebAddress, token: Secret | None = None, *, requestTimeout: float = 60.0
    ) -> None:
        self.address = address
        self._client = HttpClient(address, token)
        self._requestTimeout = requestTimeout
        self._cluster = ""
        self._topics: set[str] = set()
        self._schemaIds: dict[tuple[str, str], int] = {}

    def createTopic(self, topic: str, *, timeout: float | None = None) -> None:
        """Create a topic by its full name, unless it exists or this client has created it.

        Errors are those of `produce`.
        """
        if topic in self._topics:
            return
        request = {
            "topic_name": topic,
            "partitions_count": _PARTITIONS,
            "replication_factor": _REPLICATION_FACTOR,
        }
        route = f"/v3/clusters/{quote(self._findCluster(timeout), safe='')}/topics"
        answer = self._request("POST", route, json.dumps(request).encode(), _JSON, _JSON, timeout)
        if answer.status >= 300 and "already exists" not in answer.text:
            message = f"Topic {topic} is not created by {self.address}: {answer.status} {answer.text}"
            if _readCode(answer) is None:
                raise TransientError(message)
            raise BatchRejectedError(message, isDivisible=False)
        self._topics.add(topic)

    def produce(
        self, topic: str, schema: str, payloads: Sequence[bytes], *, timeout: float | None = None
    ) -> list[RecordError | None]:
        """Send records to a topic.

        Parameters
        ----------
        topic
            Full name.
        schema
            Avro schema as JSON; only its id is sent once the proxy has named one.
        payloads
            Records as JSON in the encoding of Avro.
        timeout
            Longest time for the request, s, if less than that of the client.

        Returns
        -------
        errors
            For each record, `None` if the proxy has acknowledged it, else why not.

        Raises
        ------
        SasquatchError
            Raised if the proxy cannot be used.
        TransientError
            Raised if it is not known which records were taken.
        BatchRejectedError
            Raised if none of the records was taken.
        """
        schema_id = self._schemaIds.get((topic, schema))
        head = {"value_schema": schema} if schema_id is None else {"value_schema_id": schema_id}
        body = (
            json.dumps(head).encode()[:-1]
            + b', "records": [{"value": '
            + b'}, {"value": '.join(payloads)
            + b"}]}"
        )
        answer = self._request("POST", f"/topics/{topic}", body, _AVRO_V2, _ANSWER_V2, timeout)
        if answer.status >= 300:
            self._raiseRejection(answer, topic, schema)
        # Any other status than this promises less.
        is_good = answer.status == 200 and isinstance(answer.document, dict)
        document = answer.document if is_good else {}
        results = None if "error_code" in document else document.get("offsets")
        if not isinstance(results, list) or len(results) != len(payloads):
            raise TransientError(
                f"{self.address} does not say which of {len(payloads)} records of {topic} it took: "
                f"{answer.status} {answer.text}"
            )
        named = document.get("value_schema_id")
        if type(named) is int:
            self._schemaIds[topic, schema] = named
        return [self._readResult(result) for result in results]

    def _findCluster(self, timeout: float | None) -> str:
        if not self._cluster:
            answer = self._request("GET", "/v3/clusters", b"", "", _JSON, timeout)
            if answer.status >= 300:
                raise SasquatchError(
                    f"{self.address} is no REST proxy: /v3/clusters gives {answer.status} {answer.text}"
                )
            try:
                self._cluster = answer.document["data"][0]["cluster_id"] or ""
                quote(self._cluster)
            except (TypeError, ValueError, LookupError):
                self._cluster = ""
            if not self._cluster:
                raise TransientError(f"{self.address} names no cluster: {answer.text}")
        return self._cluster

    def _request(
        self, method: str, route: str, body: bytes, mediaType: str, accept: str, timeout: float | None
    ) -> Answer:
        seconds = self._requestTimeout if timeout is None else min(timeout, self._requestTimeout)
        return self._client.request(
            method, route, body=body, mediaType=mediaType, accept=accept, timeout=seconds
        )

    def _raiseRejection(self, answer: Answer, topic: str, schema: str) -> None:
        message = f"{self.address} does not take records of {topic}: {answer.status} {answer.text}"
        code = _readCode(answer)
        if answer.status == _UNKNOWN_TOPIC:
            self._topics.discard(topic)
            self._schemaIds.pop((topic, schema), None)
            raise TransientError(message)
        if answer.status == _TOO_LARGE:
            raise BatchRejectedError(message, isDivisible=True)
        if code is None and answer.status not in _UNPROCESSABLE:
            # It is not the proxy who says so, but something on the way.
            raise TransientError(message)
        if code != _BAD_RECORD and self._schemaIds.pop((topic, schema), None) is not None:
            # The registry may have been replaced since; the next attempt tells it the schema anew.
            raise TransientError(message)
        is_divisible = answer.status in _UNPROCESSABLE and code not in _SCHEMA_CODES
        raise BatchRejectedError(message, isDivisible=is_divisible)

    def _readResult(self, result: Any) -> RecordError | None:
        """Read what became of a record; what is not clear is worth another attempt."""
        if not isinstance(result, dict):
            return RecordError(f"{self.address} gave no result.", isTransient=True)
        code, error, offset = (result.get(key) for key in ("error_code", "error", "offset"))
        if code is None and error is None:
            if type(offset) is int and 0 <= offset < _OFFSET_LIMIT:
                return None
            return RecordError(f"{self.address} gave no offset.", isTransient=True)
        is_transient = type(code) is not int or code in _RETRIABLE_CODES
        return RecordError(shorten(f"{code}: {error}"), isTransient=is_transient)


def _readCode(answer: Answer) -> int | None:
    """Read the proxy's own code of an error; `None` if the answer is not of the proxy."""
    code = answer.document.get("error_code") if isinstance(answer.document, dict) else None
    return code if type(code) is int else None
