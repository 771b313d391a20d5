# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Avro schemas of records: of the topics of upstream's dispatcher, field by field, and of our own."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any

__all__ = ["IDENTIFIERS", "OWN_INFIX", "Mode", "makeSchema", "ownFields", "upstreamFields"]

type Fields = tuple[tuple[str, str], ...]

IDENTIFIERS = (
    *("detector", "patch", "skymap", "visit", "tract", "physical_filter", "instrument", "band", "exposure"),
    *("group", "day_obs"),
)
"""Dimensions that are fields of each record, as text, empty where the data id has no value."""

OWN_INFIX = "ts"
"""What comes between the namespace and the names of our own topics."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INT_LIMIT = 2**31
_TEXT = {"type": "string", "default": ""}
_OPTIONAL = {"type": ["null", "double"], "default": None}

_OWN_FIELDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "timestamp": ({"type": "double"}, "s", "time of the point: that of the observation, made unique"),
    "observation_time": ({"type": "double"}, "s", "exact time of the observation, since 1970 UTC"),
    "time_source": (_TEXT, "", "what the time of the observation is taken from"),
    "run_time": ({"type": "double"}, "s", "start of the run, since 1970 UTC"),
    "id": (_TEXT, "", "id of the bundle in the Butler"),
    "run": (_TEXT, "", "RUN collection of the bundle"),
    "dataset_type": (_TEXT, "", "dataset type of the bundle"),
    "dataset_tag": (_TEXT, "", "dataset identifier of the pipeline"),
    **{name: (_TEXT, "", f"value of the dimension {name}") for name in IDENTIFIERS},
    "detector_name": (_TEXT, "", "name of the detector"),
    "raft": (_TEXT, "", "raft of the detector"),
    "validity_begin": (_OPTIONAL, "s", "begin of validity of the calibration, since 1970 UTC"),
    "validity_end": (_OPTIONAL, "s", "end of validity of the calibration, since 1970 UTC"),
    "calib_collection": (_TEXT, "", "collection in which the calibration is certified"),
    "calib_run": (_TEXT, "", "RUN collection of the calibration"),
    "calib_id": (_TEXT, "", "id of the calibration in the Butler"),
    "tags": (_TEXT, "", "tags of the metric, with commas between them"),
}

_UPSTREAM_FIELDS: dict[str, dict[str, Any]] = {
    "id": _TEXT,
    "run": _TEXT,
    "dataset_type": _TEXT,
    "reference_package": _TEXT,
    "reference_package_version": _TEXT,
    "reference_package_timestamp": {"type": "double"},
    "run_timestamp": {"type": "double"},
    "timestamp": {"type": "double"},
    "dataset_tag": _TEXT,
    **dict.fromkeys(IDENTIFIERS, _TEXT),
}


class Mode(StrEnum):
    """Which topics records are sent to."""

    OWN = "own"
    """Our own: 64-bit floats, null where there is no valid value, points at the time of observation."""

    UPSTREAM = "upstream"
    """Those of upstream's dispatcher: 32-bit floats, 0 where there is none, points at the time of the run."""

    def space(self, namespace: str) -> str:
        """Return the full namespace of the topics in one."""
        return f"{namespace}.{OWN_INFIX}" if self is Mode.OWN else namespace


@lru_cache(maxsize=4096)
def makeSchema(
    topic: str, namespace: str, mode: Mode, measurements: Fields, extra: Fields, hasTags: bool
) -> str:
    """Make the schema of a topic, given without its namespace, as JSON text.

    Measurements come with their units, further fields with types as `extraType` names them. Raise ValueError
    if two fields have one name, or one that Avro refuses.
    """
    if mode is Mode.OWN:
        fields = ownFields(dict(measurements), dict(extra))
    else:
        fields = upstreamFields(dict(measurements), dict(extra), hasTags=hasTags)
    names = [field["name"] for field in fields]
    if repeated := {name for name, count in Counter(names).items() if count > 1}:
        raise ValueError(f"topic {topic}: two fields with the name {', '.join(sorted(repeated))}")
    space = mode.space(namespace)
    if refused := [name for name in (*space.split("."), topic, *names) if not _NAME.fullmatch(name)]:
        raise ValueError(f"topic {topic}: {', '.join(map(repr, refused))} are not names of Avro")
    return json.dumps({"type": "record", "namespace": space, "name": topic, "fields": fields})


def extraType(name: str, value: object) -> str:
    """Name the Avro type of an extra field; raise ValueError if it has none."""
    types = {str: "string", int: "int", float: "float"}
    avro = next((avro for kind, avro in types.items() if isinstance(value, kind)), None)
    if avro is None:
        raise ValueError(f"extra field {name} is {value!r}, expected a string or a number")
    if isinstance(value, int) and not -_INT_LIMIT <= value < _INT_LIMIT:
        raise ValueError(f"extra field {name} is {value!r}, expected a whole number of 32 bits")
    return avro


def ownFields(units: Mapping[str, str], extra: Mapping[str, str]) -> list[dict[str, Any]]:
    """List the fields of one of our own topics, as in the schema, with their units and descriptions.

    Measurements are given by their names with units, further fields with types of Avro.
    """
    fields = [
        {"name": name, **avro, "units": unit, "description": description}
        for name, (avro, unit, description) in _OWN_FIELDS.items()
    ]
    fields += [{"name": name, **_extraField(avro, "double")} for name, avro in extra.items()]
    fields += [{"name": name, **_OPTIONAL, "units": unit} for name, unit in units.items()]
    return fields


def upstreamFields(
    units: Mapping[str, str], extra: Mapping[str, str], *, hasTags: bool = False
) -> list[dict[str, Any]]:
    """List the fields of one of upstream's topics, as in the schema, given as those of `ownFields`.

    With tags, what upstream writes is no Avro schema; this is what is meant.
    """
    fields = [{"name": name, **avro} for name, avro in _UPSTREAM_FIELDS.items()]
    fields += [
        {"name": name, **({"type": "double"} if "timestamp" in name else _extraField(avro, "float"))}
        for name, avro in extra.items()
    ]
    if hasTags:
        fields.append({"name": "tags", "type": {"type": "array", "items": "string"}, "default": []})
    fields += [{"name": name, "type": "float", "default": 0.0} for name in units]
    return fields


def _extraField(avro: str, real: str) -> dict[str, Any]:
    """Describe the type of an extra field, whose real numbers have a type of the mode."""
    defaults: dict[str, tuple[str, str | int | float]] = {
        "string": ("string", ""),
        "int": ("int", 0),
        "float": (real, 0.0),
    }
    kind, default = defaults[avro]
    return {"type": kind, "default": default}
