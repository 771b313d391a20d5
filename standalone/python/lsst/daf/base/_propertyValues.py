# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the values of a property can be."""

import math
import numbers
from collections.abc import Iterable
from typing import Any

from ._dateTime import DateTime

__all__ = ["KINDS", "Scalar", "as_values", "cast_values", "equal_values", "format_values"]

type Scalar = bool | int | float | str | DateTime | None
"""What one element of a property can be."""

KINDS: dict[type, str] = {
    bool: "Bool",
    int: "Int",
    float: "Double",
    str: "String",
    DateTime: "DateTime",
    type(None): "Undef",
}
"""How each type is named where a property is persisted."""


def as_values(name: str, value: Any) -> list[Any]:
    """Return the values of a property as plain Python scalars of one type."""
    if hasattr(value, "items"):
        raise NotImplementedError(
            f"The stand-in lsst.daf.base nests no containers: {name!r} cannot be a {type(value).__name__}"
        )
    plain = isinstance(value, str) or not isinstance(value, Iterable)
    elements = [value] if plain else list(value)
    values = [_as_scalar(name, element) for element in elements]
    if len({type(element) for element in values}) > 1:
        raise TypeError(f"The values of {name!r} differ in type: {elements!r}")
    return values


def _as_scalar(name: str, value: Any) -> Scalar:
    if value is None or isinstance(value, bool | DateTime):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    for kind in (float, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"Unknown value type for key {name!r}: {type(value)}")


def cast_values(kind: str, value: Any) -> Any:
    """Return a persisted value as the type that was persisted with it."""
    if kind not in {"Double", "Float"}:
        return value
    return [float(element) for element in value] if isinstance(value, list) else float(value)


def equal_values(mine: list[Any], theirs: list[Any]) -> bool:
    """Compare values and type; a NaN equals a NaN."""
    return len(mine) == len(theirs) and all(
        type(a) is type(b) and (a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b)))
        for a, b in zip(mine, theirs, strict=True)
    )


def format_values(values: list[Any]) -> str:
    """Return the values of a property as text for people."""
    texts = [value.toString(DateTime.UTC) if isinstance(value, DateTime) else str(value) for value in values]
    return texts[0] if len(texts) == 1 else f"[ {', '.join(texts)} ]"
