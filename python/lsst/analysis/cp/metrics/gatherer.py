# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of any topics, gathered one dataset after the other."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from lsst.analysis.cp.core.typing import FloatArray, IndexArray

from .records import Records
from .table import KEY_SCHEMA
from .times import ObservationTimes, toMjd

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

__all__ = ["GatheredRecords", "RecordGatherer", "RecordKey", "describeRef"]

type RecordKey = tuple[str, int | None, int | None, int | None, str | None, float, str | None, str]
"""What a record belongs to: columns of `KEY_SCHEMA`, but the time in seconds since 1970 UTC."""


def describeRef(ref: DatasetRef, times: ObservationTimes) -> RecordKey:
    """Describe what a dataset belongs to, whose data ID must have dimension records."""
    seconds, source = times.find(ref)
    known = ref.dataId.mapping
    detector, exposure, day_obs = (
        None if number is None else int(number)
        for number in (known.get("detector"), known.get("exposure", known.get("visit")), known.get("day_obs"))
    )
    physical_filter = known.get("physical_filter")
    return (
        str(known["instrument"]),
        detector,
        exposure,
        day_obs,
        None if physical_filter is None else str(physical_filter),
        seconds,
        source if math.isfinite(seconds) else None,
        ref.run,
    )


class GatheredRecords(NamedTuple):
    """Records of a topic with the same measurements and units.

    Parameters
    ----------
    topic, metric
        Their topic, and the name of the tool.
    units
        Unit of each measurement.
    rows
        Which key each record belongs to, shape (m,).
    values
        Measurements in the order of the units, NaN where there is none, shape (m, nMeasurements).
    """

    topic: str
    metric: str
    units: dict[str, str]
    rows: IndexArray
    values: FloatArray


class RecordGatherer:
    """Collects records, of which it keeps no more than numbers."""

    def __init__(self) -> None:
        self._keys: list[RecordKey] = []
        self._parts: dict[tuple[str, str, tuple[tuple[str, str], ...]], tuple[array[int], array[float]]] = {}

    def addKeys(self, keys: Sequence[RecordKey]) -> range:
        """Add what records belong to, and tell where these are."""
        start = len(self._keys)
        self._keys.extend(keys)
        return range(start, len(self._keys))

    def add(
        self,
        topic: str,
        metric: str,
        units: Mapping[str, str],
        rows: range | IndexArray,
        values: FloatArray | Sequence[float | None],
    ) -> None:
        """Add records.

        Parameters
        ----------
        topic, metric
            Their topic, and the name of the tool.
        units
            Unit of each measurement.
        rows
            Where that is which each of them belongs to.
        values
            All measurements of the first record in the order of the units, then those of the next; None or
            NaN where there is none.
        """
        key = (topic, metric, tuple(units.items()))
        places, numbers = self._parts.setdefault(key, (array("q"), array("d")))
        places.frombytes(np.asarray(rows, dtype=np.int64).tobytes())
        numbers.frombytes(np.asarray(values, dtype=np.float64).tobytes())

    @property
    def keys(self) -> Sequence[RecordKey]:
        """What records belong to."""
        return self._keys

    def parts(self) -> Iterator[GatheredRecords]:
        """Yield all records, those of a topic with the same measurements and units together."""
        for (topic, metric, units), (places, numbers) in self._parts.items():
            values = np.frombuffer(numbers).reshape(len(places), len(units))
            yield GatheredRecords(topic, metric, dict(units), np.frombuffer(places, dtype=np.int64), values)

    def records(self) -> Iterator[Records]:
        """Yield what `parts` does, as records with the columns of their keys, which most of them share."""
        keys = _makeKeys(self._keys)
        rows, taken = np.empty(0, dtype=np.int64), keys.slice(0, 0)
        for part in self.parts():
            if not np.array_equal(part.rows, rows):
                rows, taken = part.rows, keys.take(pa.array(part.rows))
            yield Records(
                topic=part.topic,
                metric=part.metric,
                keys=taken,
                values={name: part.values[:, i] for i, name in enumerate(part.units)},
                units=part.units,
            )


def _makeKeys(keys: Sequence[RecordKey]) -> pa.Table:
    """Make columns of what records belong to."""
    columns = dict(zip(KEY_SCHEMA.names, zip(*keys, strict=True), strict=True)) if keys else {}
    arrays = []
    for field in KEY_SCHEMA:
        values: Any = columns.get(field.name, ())
        if field.name == "mjd":
            arrays.append(pa.array(toMjd(np.array(values, dtype=np.float64)), from_pandas=True))
        elif pa.types.is_dictionary(field.type):
            arrays.append(pa.array(values, pa.string()).dictionary_encode())
        else:
            arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=KEY_SCHEMA)
