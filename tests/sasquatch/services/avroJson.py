# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Values of Avro records in JSON, and how they are kept in Kafka."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import fastavro

__all__ = ["AvroJsonError", "Decoder", "decodeMessage", "encodeMessage", "makeDecoder"]

Decoder = Callable[[Any], Any]
"""Takes a value from JSON; returns it as fastavro writes it."""

MAGIC = 0
INTEGER_BITS = {"int": 31, "long": 63}


class AvroJsonError(ValueError):
    """A value does not fit its schema."""


def makeDecoder(schema: Any) -> Decoder:
    """Make the decoder of values with a parsed schema.

    As with the decoder of Apache Avro, a value in a union is an object with
    the name of its type, fields have no defaults, and further fields of a
    record are not looked at. Other than there, a number that is rounded or
    cut off is an error.
    """
    if isinstance(schema, list):
        return decodeUnion({nameOf(branch): makeDecoder(branch) for branch in schema})
    kind = schema["type"] if isinstance(schema, Mapping) else schema
    if kind == "record":
        return decodeRecord({field["name"]: makeDecoder(field["type"]) for field in schema["fields"]})
    if kind == "array":
        return decodeArray(makeDecoder(schema["items"]))
    if kind in INTEGER_BITS:
        return decodeInteger(kind)
    if kind in ("float", "double"):
        return decodeReal
    simple = {"string": str, "boolean": bool, "null": type(None)}
    if kind not in simple:
        raise AvroJsonError(f"schemas of type {kind!r} are not known here")
    return decodeSimple(kind, simple[kind])


def nameOf(schema: Any) -> str:
    """Return the name by which JSON names a branch of a union."""
    if isinstance(schema, Mapping):
        return schema["name"] if schema["type"] == "record" else schema["type"]
    return schema


def decodeSimple(kind: str, expected: type) -> Decoder:
    def decode(value: Any) -> Any:
        if type(value) is not expected:
            raise AvroJsonError(f"Expected {kind}. Got {value!r}")
        return value

    return decode


def decodeInteger(kind: str) -> Decoder:
    limit = 1 << INTEGER_BITS[kind]

    def decode(value: Any) -> int:
        if type(value) is not int or not -limit <= value < limit:
            raise AvroJsonError(f"Expected {kind}. Got {value!r}")
        return value

    return decode


def decodeReal(value: Any) -> float:
    try:
        if type(value) in (int, float) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise AvroJsonError(f"Expected a finite number. Got {value!r}")


def decodeArray(item: Decoder) -> Decoder:
    def decode(value: Any) -> list[Any]:
        if type(value) is not list:
            raise AvroJsonError(f"Expected array-start. Got {value!r}")
        return [item(each) for each in value]

    return decode


def decodeUnion(branches: Mapping[str, Decoder]) -> Decoder:
    def decode(value: Any) -> Any:
        if value is None and "null" in branches:
            return None
        if type(value) is not dict or len(value) != 1:
            raise AvroJsonError(f"Expected start-union. Got {value!r}")
        ((name, content),) = value.items()
        if name not in branches:
            raise AvroJsonError(f"Unknown union branch {name}")
        return branches[name](content)

    return decode


def decodeRecord(fields: Mapping[str, Decoder]) -> Decoder:
    def decode(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise AvroJsonError(f"Expected record-start. Got {value!r}")
        decoded = {}
        for name, field in fields.items():
            if name not in value:
                raise AvroJsonError(f"Expected field name not found: {name}")
            try:
                decoded[name] = field(value[name])
            except AvroJsonError as error:
                raise AvroJsonError(f"{error} in field {name}") from None
        return decoded

    return decode


def encodeMessage(schema_id: int, schema: Any, value: Any) -> bytes:
    """Encode a value as the serializers of Confluent do: with the id of its schema before it."""
    buffer = io.BytesIO()
    buffer.write(struct.pack(">bI", MAGIC, schema_id))
    fastavro.schemaless_writer(buffer, schema, value, strict=True)
    return buffer.getvalue()


def decodeMessage(message: bytes, schemas: Mapping[int, Any]) -> dict[str, Any]:
    """Decode a message by the schema that it names."""
    magic, schema_id = struct.unpack_from(">bI", message)
    if magic != MAGIC:
        raise AvroJsonError(f"a message starts with {magic}, not {MAGIC}")
    buffer = io.BytesIO(message[5:])
    value = fastavro.schemaless_reader(buffer, schemas[schema_id], None)
    if buffer.read(1):
        raise AvroJsonError("a message goes on after its record")
    return value
