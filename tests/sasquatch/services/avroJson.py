# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Values of Avro records in JSON, and how they are kept in Kafka."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from typing import Any

import fastavro
from fastavro.validation import ValidationError

__all__ = ["AvroJsonError", "decodeMessage", "encodeMessage"]

MAGIC = 0


class AvroJsonError(ValueError):
    """A value does not fit its schema."""


def encodeMessage(schema_id: int, schema: Any, value: Any) -> bytes:
    """Encode a record from JSON as the serializers of Confluent do: with the id of its schema before it.

    Fields that the record has and the schema lacks are dropped, as the proxy does.
    """
    if not isinstance(value, dict):
        raise AvroJsonError(f"Expected record-start. Got {value!r}")
    if missing := {field["name"] for field in schema["fields"]} - value.keys():
        raise AvroJsonError(f"Expected field name not found: {sorted(missing)}")
    buffer = io.BytesIO()
    buffer.write(struct.pack(">bI", MAGIC, schema_id))
    try:
        (decoded,) = fastavro.json_reader(io.StringIO(json.dumps(value)), schema)
        fastavro.schemaless_writer(buffer, schema, decoded, strict=True)
        fastavro.validate(decoded, schema, strict=True)
    except (ValidationError, ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise AvroJsonError(f"Conversion of JSON to Object failed: {error!r}") from error
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
