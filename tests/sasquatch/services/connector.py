# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Double of the connector that takes records from Kafka to InfluxDB."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from services.avroJson import decodeMessage
from services.influxDatabase import InfluxDatabase
from services.restProxy import RestProxy

__all__ = ["Connector", "makeLine"]

BATCH = 2000
NANOSECONDS = {"ns": 1, "u": 10**3, "ms": 10**6}


class Connector:
    """Takes new records of all topics to a measurement of the topic's name.

    Parameters
    ----------
    proxy
        Whose log and schemas are read.
    database
        Where points go.
    tags
        Fields that become tags; all others become fields.
    precision
        To which times are rounded: ns, u or ms.
    """

    def __init__(
        self,
        proxy: RestProxy,
        database: InfluxDatabase,
        *,
        tags: Sequence[str] = ("dataset_tag",),
        precision: str = "ns",
    ) -> None:
        self._proxy = proxy
        self._database = database
        self._tags = tags
        self._precision = precision
        self._offsets: dict[str, int] = {}

    def run(self) -> int:
        """Take what has come since, and return the number of records."""
        number = 0
        for topic in self._proxy.log.topics():
            messages = self._proxy.log.read(topic, self._offsets.get(topic, 0))
            schemas = self._proxy.registry.schemas
            lines = [
                makeLine(topic, decodeMessage(message, schemas), tags=self._tags, precision=self._precision)
                for message in messages
            ]
            for start in range(0, len(lines), BATCH):
                self._database.write(lines[start : start + BATCH], self._precision)
            self._offsets[topic] = self._offsets.get(topic, 0) + len(messages)
            number += len(messages)
        return number


def makeLine(
    topic: str, record: Mapping[str, Any], *, tags: Sequence[str] = ("dataset_tag",), precision: str = "ns"
) -> str:
    """Write a record in line protocol; its ``timestamp``, in s, is the time of the point.

    References
    ----------
    InfluxData, "InfluxDB line protocol reference", InfluxDB OSS 1.x documentation
    """
    time = round(Fraction(record["timestamp"]) * 10**9 / NANOSECONDS[precision])
    series = [escape(topic, ", ")]
    series += [f"{escape(tag, ',= ')}={escape(record[tag], ',= ')}" for tag in tags if record.get(tag)]
    fields = ",".join(
        f"{escape(name, ',= ')}={text}"
        for name, value in record.items()
        if name not in tags
        for name, text in formatField(name, value)
    )
    return f"{','.join(series)} {fields} {time}"


def formatField(name: str, value: Any) -> list[tuple[str, str]]:
    """Format a value, those of a list each with its index; null is no field."""
    if value is None:
        return []
    if isinstance(value, list):
        return [pair for i, each in enumerate(value) for pair in formatField(f"{name}_{i}", each)]
    if isinstance(value, bool):
        return [(name, str(value).lower())]
    if isinstance(value, int):
        return [(name, f"{value}i")]
    if isinstance(value, float):
        return [(name, repr(value))]
    return [(name, '"' + escape(value, '"', "\\") + '"')]


def escape(text: str, special: str, *more: str) -> str:
    """Put a backslash before special characters."""
    for character in (*more, *special):
        text = text.replace(character, f"\\{character}")
    return text
