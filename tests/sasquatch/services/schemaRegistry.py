# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Registry of Avro schemas, with the rule that new ones read what old ones wrote."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException, UnknownType

from services.avroJson import AvroJsonError, Decoder, makeDecoder

__all__ = ["IncompatibleSchemaError", "InvalidSchemaError", "RegisteredSchema", "SchemaRegistry"]

NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")
PROMOTIONS = {
    "long": {"int"},
    "float": {"int", "long"},
    "double": {"int", "long", "float"},
}
"""What a reader of a type takes, too."""


class InvalidSchemaError(ValueError):
    """A schema is not one of Avro."""


class IncompatibleSchemaError(ValueError):
    """A schema breaks the rule of its subject, or is not one of its versions."""


@dataclass(frozen=True)
class RegisteredSchema:
    """A schema with its identifier.

    Parameters
    ----------
    id
        The identifier, the same in all subjects.
    schema
        The schema as fastavro parsed it.
    decode
        Decodes values from JSON.
    """

    id: int
    schema: Any
    decode: Decoder


def findConflicts(reader: Any, writer: Any) -> Iterator[str]:
    """Find why a reader's schema cannot read what was written with a writer's.

    The rules are those of the Avro specification, "Schema Resolution".
    """
    if isinstance(writer, list):
        for branch in writer:
            yield from findConflicts(reader, branch)
    elif isinstance(reader, list):
        if all(any(findConflicts(branch, writer)) for branch in reader):
            yield f"no branch of the union reads {kindOf(writer)}"
    elif kindOf(reader) == kindOf(writer) == "record":
        yield from findRecordConflicts(reader, writer)
    elif kindOf(reader) == kindOf(writer) == "array":
        yield from findConflicts(reader["items"], writer["items"])
    elif kindOf(reader) != kindOf(writer) and kindOf(writer) not in PROMOTIONS.get(kindOf(reader), ()):
        yield f"{kindOf(reader)} does not read {kindOf(writer)}"


def findRecordConflicts(reader: Mapping[str, Any], writer: Mapping[str, Any]) -> Iterator[str]:
    if reader["name"] != writer["name"]:
        yield f"{reader['name']} does not read {writer['name']}"
    written = {field["name"]: field["type"] for field in writer["fields"]}
    for field in reader["fields"]:
        if field["name"] in written:
            for conflict in findConflicts(field["type"], written[field["name"]]):
                yield f"{field['name']}: {conflict}"
        elif "default" not in field:
            yield f"{field['name']}: new, without a default"


def kindOf(schema: Any) -> str:
    return schema["type"] if isinstance(schema, Mapping) else schema


class SchemaRegistry:
    """Registers schemas by subject, under the rule BACKWARD."""

    def __init__(self) -> None:
        self._byText: dict[str, RegisteredSchema] = {}
        self._byId: dict[int, RegisteredSchema] = {}
        self._subjects: dict[str, list[int]] = {}
        self._lock = threading.Lock()

    @property
    def schemas(self) -> dict[int, Any]:
        """Parsed schemas by identifier."""
        with self._lock:
            return {id: registered.schema for id, registered in self._byId.items()}

    def register(self, subject: str, text: str) -> RegisteredSchema:
        """Register a schema, if it is not yet, and return it."""
        try:
            canonical = json.dumps(json.loads(text), sort_keys=True)
        except (TypeError, ValueError) as error:
            raise InvalidSchemaError(f"a schema is a string with JSON: {error}") from error
        with self._lock:
            versions = self._subjects.get(subject, [])
            registered = self._byText.get(canonical) or parseSchema(canonical, len(self._byId) + 1)
            if registered.id in versions:
                return registered
            if versions:
                latest = self._byId[versions[-1]].schema
                if conflicts := list(findConflicts(registered.schema, latest)):
                    raise IncompatibleSchemaError("; ".join(conflicts))
            self._byText[canonical] = self._byId[registered.id] = registered
            self._subjects.setdefault(subject, []).append(registered.id)
            return registered

    def find(self, subject: str, id: int) -> RegisteredSchema:
        """Find a schema of a subject by its identifier."""
        with self._lock:
            if id not in self._subjects.get(subject, []):
                raise IncompatibleSchemaError(f"{subject} has no schema {id!r}")
            return self._byId[id]


def parseSchema(text: str, id: int) -> RegisteredSchema:
    """Parse a schema of a record."""
    try:
        schema = fastavro.parse_schema(json.loads(text))
        if kindOf(schema) != "record":
            raise InvalidSchemaError(f"a schema of a {kindOf(schema)}, not of a record")
        decode = makeDecoder(schema)
        checkFields(schema)
    except (KeyError, TypeError, SchemaParseException, UnknownType, AvroJsonError) as error:
        raise InvalidSchemaError(str(error)) from error
    return RegisteredSchema(id, schema, decode)


def checkFields(schema: Mapping[str, Any]) -> None:
    """Check names and defaults of the fields of a record; the default of a union fits its first branch."""
    for field in schema["fields"]:
        if not NAME.fullmatch(field["name"]):
            raise AvroJsonError(f"Illegal character in: {field['name']}")
        if "default" in field:
            kind = field["type"][0] if isinstance(field["type"], list) else field["type"]
            try:
                makeDecoder(kind)(field["default"])
            except AvroJsonError as error:
                raise AvroJsonError(f"default of {field['name']}: {error}") from None
