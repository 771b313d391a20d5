# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The routes of the Confluent REST proxy that a push needs."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .httpSession import Answer, HttpSession
from .proxyAddress import AccessToken, ProxyAddress
from .proxyErrors import BatchRejectedError, ProxyError, TransientError

__all__ = ["ProxyClient", "RecordError"]

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
# In a list of results: Kafka may take the record when asked again.
_RETRIABLE_CODES = (2, 50003)


@dataclass(frozen=True)
class RecordError:
    """Why a record was not taken."""

    message: str
    """What the proxy said."""

    isTransient: bool
    """Whether it may be taken when sent again."""


class ProxyClient:
    """A Confluent REST proxy: creation of topics (v3), production of Avro records (v2).

    It makes one attempt a call, and may be used by several threads.

    Parameters
    ----------
    address
        The proxy.
    token
        Bearer token, if the proxy wants one.
    connections
        Most requests at a time.
    requestTimeout
        Longest time for a request and its answer, s.

    References
    ----------
    Confluent, "API Reference for Confluent REST Proxy", docs.confluent.io
    """

    def __init__(
        self,
        address: ProxyAddress,
        token: AccessToken | None = None,
        *,
        connections: int = 1,
        requestTimeout: float = 60.0,
    ) -> None:
        self.address = address
        self._session = HttpSession(address, token, connections=connections)
        self._requestTimeout = requestTimeout
        self._lock = threading.Lock()
        self._cluster: str | None = None
        self._topics: set[str] = set()
        self._schemaIds: dict[tuple[str, str], int] = {}

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def createTopic(self, topic: str, *, timeout: float | None = None) -> None:
        """Create a topic, unless it exists or this client has created it.

        Parameters
        ----------
        topic
            Full name.
        timeout
            Longest time for each request, s, if less than that of the client.

        Raises
        ------
        ProxyError
            Raised if the proxy cannot be used.
        TransientError
            Raised if it failed in a way that may pass.
        BatchRejectedError
            Raised if the proxy does not want such a topic.
        """
        if topic in self._topics:
            return
        cluster = self._findCluster(timeout)
        request = {
            "topic_name": topic,
            "partitions_count": _PARTITIONS,
            "replication_factor": _REPLICATION_FACTOR,
        }
        body = json.dumps(request).encode()
        answer = self._request("POST", f"/v3/clusters/{cluster}/topics", body, _JSON, _JSON, timeout)
        is_known = "already exists" in answer.text
        if answer.status >= 300 and not is_known:
            raise BatchRejectedError(
                f"Topic {topic} is not created by {self.address}: {answer.status} {answer.text}",
                isDivisible=False,
            )
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
            Avro schema of the records, as JSON.
        payloads
            The records, each as JSON in the encoding of Avro.
        timeout
            Longest time for the request, s, if less than that of the client.

        Returns
        -------
        errors
            One for each record, in order; `None` where it was acknowledged.

        Raises
        ------
        ProxyError
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
            self._raiseRejection(answer, topic, schema, usedId=schema_id is not None)
        return self._readResults(answer, topic, schema, len(payloads))

    def _findCluster(self, timeout: float | None) -> str:
        with self._lock:
            if self._cluster is None:
                answer = self._request("GET", "/v3/clusters", None, _JSON, _JSON, timeout)
                if answer.status >= 300:
                    raise ProxyError(
                        f"{self.address} is no REST proxy: /v3/clusters gives {answer.status} {answer.text}"
                    )
                try:
                    self._cluster = str(answer.document["data"][0]["cluster_id"])
                except (TypeError, LookupError):
                    raise TransientError(f"{self.address} names no cluster: {answer.text}") from None
            return self._cluster

    def _request(
        self, method: str, route: str, body: bytes | None, mediaType: str, accept: str, timeout: float | None
    ) -> Answer:
        seconds = self._requestTimeout if timeout is None else min(timeout, self._requestTimeout)
        return self._session.request(
            method, route, body=body, mediaType=mediaType, accept=accept, timeout=seconds
        )

    def _raiseRejection(self, answer: Answer, topic: str, schema: str, *, usedId: bool) -> None:
        message = f"{self.address} does not take records of {topic}: {answer.status} {answer.text}"
        if answer.status == _UNKNOWN_TOPIC:
            self._topics.discard(topic)
            self._schemaIds.pop((topic, schema), None)
            raise TransientError(message)
        if usedId and answer.status != _TOO_LARGE and answer.code != _BAD_RECORD:
            # The registry may have been replaced since; the next attempt tells it the schema anew.
            del self._schemaIds[topic, schema]
            raise TransientError(message)
        is_divisible = answer.status == _TOO_LARGE or (
            answer.status in _UNPROCESSABLE and answer.code not in _SCHEMA_CODES
        )
        raise BatchRejectedError(message, isDivisible=is_divisible)

    def _readResults(self, answer: Answer, topic: str, schema: str, count: int) -> list[RecordError | None]:
        document: Any = answer.document
        results = document.get("offsets") if isinstance(document, dict) else None
        if not isinstance(results, list) or len(results) != count:
            raise TransientError(f"{self.address} does not say which of {count} records of {topic} it took.")
        schema_id = document.get("value_schema_id")
        if isinstance(schema_id, int):
            self._schemaIds[topic, schema] = schema_id
        return [self._readResult(result) for result in results]

    def _readResult(self, result: Any) -> RecordError | None:
        if not isinstance(result, dict):
            return RecordError(f"{self.address} gave no result.", isTransient=True)
        code, text = result.get("error_code"), str(result.get("error"))
        if code is None and result.get("error") is None:
            if isinstance(result.get("offset"), int):
                return None
            return RecordError(f"{self.address} gave no offset.", isTransient=True)
        message = f"{code}: {self._session.hideToken(text)[:500]}"
        return RecordError(message, isTransient=code in _RETRIABLE_CODES)
