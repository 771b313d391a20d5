# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Limits as they are made up: numbers or intervals, of all sensors or of each type of sensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Bounds", "Fields", "StoredLimits", "listLimits", "namedFields", "shapeOf"]

type Bounds = float | tuple[float, float]
"""A limit, or the two ends of an interval."""

type Fields = str | tuple[str, str]
"""Name of the field of a configuration that holds a limit, or of those that hold the two ends."""


@dataclass(frozen=True)
class StoredLimits:
    """Limits with which a run was verified, where they may differ from those of the catalogue.

    Parameters
    ----------
    values
        Values of fields of the configuration of cp_verify's task, by their names.
    source
        Where they are from, in words.
    """

    values: Mapping[str, float]
    source: str

    def find(self, named: Fields | Mapping[str, Fields]) -> Bounds | Mapping[str, Bounds] | None:
        """Find a threshold by the names of its fields, made up as these are.

        Parameters
        ----------
        named
            Names of the fields; empty for none.

        Returns
        -------
        threshold
            The threshold; None if there is no field, or one is not known.
        """
        fields = namedFields(named)
        if not fields or not fields <= self.values.keys():
            return None
        if isinstance(named, Mapping):
            return {sensor: self._lookUp(own) for sensor, own in named.items()}
        return self._lookUp(named)

    def _lookUp(self, fields: Fields) -> Bounds:
        """Get a limit, or the two ends of an interval."""
        if isinstance(fields, tuple):
            low, high = fields
            return float(self.values[low]), float(self.values[high])
        return float(self.values[fields])


def namedFields(named: Fields | Mapping[str, Fields]) -> frozenset[str]:
    """Collect the names of all fields of a threshold."""
    parts = named.values() if isinstance(named, Mapping) else [named]
    return frozenset(name for part in parts for name in (part if isinstance(part, tuple) else [part]) if name)


def listLimits(named: Any, threshold: Any) -> Iterator[tuple[str, float]]:
    """Yield the names of the fields of a threshold, each with its value; both are made up in the same way."""
    if isinstance(named, Mapping):
        for sensor, own in named.items():
            yield from listLimits(own, threshold[sensor])
    elif isinstance(named, tuple):
        yield from zip(named, threshold, strict=True)
    elif named:
        yield named, threshold


def shapeOf(threshold: Any) -> Any:
    """Describe how a threshold is made up: the number of its ends, by the type of sensor if it has such."""
    if isinstance(threshold, Mapping):
        return {sensor: shapeOf(bounds) for sensor, bounds in threshold.items()}
    return len(threshold) if isinstance(threshold, tuple) else None
