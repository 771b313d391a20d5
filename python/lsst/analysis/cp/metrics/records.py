# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of tools, and the tidy table made of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from lsst.analysis.cp.core import ColumnError, convertUnit
from lsst.analysis.cp.core.amps import FAILED, GOOD, STATUS_NAMES, UNKNOWN
from lsst.analysis.cp.core.typing import FlagArray, FloatArray, IdArray, IndexArray

from .criteria import discardInvalid, findCriterion, judge
from .table import KEY_SCHEMA, TREND_SCHEMA, TrendTableError, describeTable, labelCodes, labelColumn, toArray
from .units import measurementUnit

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["DetectorName", "DetectorsById", "Records", "findRaft", "makeTrendTable", "nameDetectors"]

# By their codes: -1 takes the last.
_VERDICTS = tuple(STATUS_NAMES[status] for status in (FAILED, GOOD, UNKNOWN))
_LEVELS = ("run", "runDetector", "exposure", "detector")
_CONSTANT = ("topic", "metric", "measurement", "unit")
"""Names that all records have, if these come from the same source."""
_RECORD_SCHEMA = pa.schema(
    field
    for field in TREND_SCHEMA
    if field.name not in (*_CONSTANT, "value", "nValid", "threshold", "passed")
)
"""What a record belongs to."""
_ORDER = ("instrument", "physical_filter", "detector", "mjd", "exposure", "run")


def findRaft(name: str) -> str | None:
    """Take the name of the raft from that of a detector (``R22_S11``); None if it has none."""
    raft, separator, _ = name.partition("_")
    return raft if separator else None


class DetectorName(NamedTuple):
    """Name, raft, vendor and number of amplifiers of a detector; None where it is not known."""

    name: str | None = None
    raft: str | None = None
    physicalType: str | None = None
    nAmps: int | None = None


type DetectorsById = Mapping[tuple[str, int], DetectorName]
"""Detectors of any instruments by the name of the instrument and the detector's id."""


def nameDetectors(camera: Camera | None) -> DetectorsById:
    """Describe the detectors of a camera, whose name is that of the instrument; none without a camera."""
    if camera is None:
        return {}
    return {
        (camera.getName(), int(detector.getId())): DetectorName(
            name=detector.getName(),
            raft=findRaft(detector.getName()),
            physicalType=detector.getPhysicalType() or None,
            nAmps=len(detector.getAmplifiers()),
        )
        for detector in camera
    }


@dataclass(frozen=True, kw_only=True, eq=False)
class Records:
    """Records of one topic with the same measurements and units.

    Parameters
    ----------
    topic, metric
        Topic in Sasquatch, without namespace, and the name of the tool.
    keys
        What each record belongs to: columns as in `KEY_SCHEMA`, null where a record lacks one, of length m.
    values
        Values by measurement, NaN where there is none, shape (m,) each.
    units
        Unit of each measurement, None if it is not known; that of the catalogue is taken for others, and
        values that can be are converted to that.
    zeroIsAbsent
        Whether absent values have been replaced by 0.

    Raises
    ------
    TrendTableError
        Raised if columns are not those of the schema, or differ in length.
    """

    topic: str
    metric: str
    keys: pa.Table
    values: Mapping[str, FloatArray]
    units: Mapping[str, str | None] = field(default_factory=dict)
    zeroIsAbsent: bool = False

    def __post_init__(self) -> None:
        if not self.keys.schema.equals(KEY_SCHEMA):
            raise TrendTableError(f"keys of {self.topic} have the columns {self.keys.schema.to_string()}")
        if lengths := {len(column) for column in self.values.values()} - {len(self.keys)}:
            raise TrendTableError(f"{self.topic} has {len(self.keys)} keys, but {lengths.pop()} values")


class _Block(NamedTuple):
    """One measurement of some records."""

    unit: str | None
    values: FloatArray
    threshold: float
    verdicts: FlagArray


class _Layout(NamedTuple):
    """The order of some records, and what they belong to in that order."""

    order: IndexArray
    columns: dict[str, pa.Array]


def makeTrendTable(
    records: Iterable[Records],
    *,
    detectors: DetectorsById | None = None,
    measurements: Collection[str] | None = None,
    sources: Iterable[str] = (),
    unread: Mapping[str, str] | None = None,
    inputs: Mapping[str, tuple[int | None, str]] | None = None,
) -> pa.Table:
    """Make the tidy table.

    Parameters
    ----------
    records
        Records of any topics.
    detectors
        Names of the detectors, as far as they are known.
    measurements
        Names of the measurements that get rows; all if None. Records should have the counts, too, by which
        it is told what is valid.
    sources, unread
        Where the records were read, and why each dataset could not be, for the table's metadata.
    inputs
        Exposure and run of each summary table that was read, by its id, for the table's metadata.

    Returns
    -------
    table
        Columns of `TREND_SCHEMA`: one row for each record and measurement, sorted by topic, measurement,
        instrument, filter, detector, time, exposure and run. Values that are not valid are NaN.
    """
    topics: dict[str, list[Records]] = {}
    for part in records:
        topics.setdefault(part.topic, []).append(part)
    table = _TrendColumns(detectors or {})
    for topic in sorted(topics):
        table.add(topics[topic], measurements)
    return table.finish(describeTable(sources, unread or {}, inputs or {}))


class _TrendColumns:
    """Columns of the tidy table, which grow topic by topic.

    All measurements of the same records share the columns of what these belong to: else a thousand exposures
    of a large camera would need many times the memory of their values.
    """

    def __init__(self, detectors: DetectorsById) -> None:
        self._detectors = detectors
        self._chunks: dict[str, list[pa.Array]] = {name: [] for name in TREND_SCHEMA.names}
        self._names: dict[str, dict[str, int]] = {name: {} for name in _CONSTANT}
        self._described: dict[int, tuple[pa.Table, IdArray]] = {}
        self._layouts: dict[tuple[int, ...], _Layout] = {}
        self._repeated: dict[tuple[pa.DataType, float | None, int], pa.Array] = {}

    def add(self, parts: Sequence[Records], measurements: Collection[str] | None) -> None:
        """Add all records of a topic, measurement by measurement."""
        values = [discardInvalid(part.values, zeroIsAbsent=part.zeroIsAbsent) for part in parts]
        names = sorted({name for each in values for name in each})
        counts: dict[tuple[int, ...], pa.Array] = {}
        for name in names if measurements is None else [name for name in names if name in measurements]:
            places = tuple(i for i, each in enumerate(values) if name in each)
            chosen = [parts[i] for i in places]
            layout = self._layOut(chosen)
            if not len(layout.order):
                continue
            if places not in counts:
                given = [_readCounts(values[i].get("nValid"), len(parts[i].keys)) for i in places]
                counts[places] = pa.concat_arrays(given).take(pa.array(layout.order))
            blocks = [_judge(parts[i], name, values[i], self._describe(parts[i].keys)[1]) for i in places]
            self._append(layout, blocks, chosen, name, counts[places])

    def _append(
        self,
        layout: _Layout,
        blocks: Sequence[_Block],
        parts: Sequence[Records],
        measurement: str,
        nValid: pa.Array,
    ) -> None:
        """Add one measurement of records of a topic."""
        lengths = [len(block.values) for block in blocks]
        columns = dict(layout.columns) | {"nValid": nValid}
        labels: dict[str, list[str | None]] = {
            "topic": [part.topic for part in parts],
            "metric": [part.metric for part in parts],
            "measurement": [measurement] * len(parts),
            "unit": [block.unit for block in blocks],
        }
        for name, given in labels.items():
            known = self._names[name]
            codes = [None if each is None else known.setdefault(each, len(known)) for each in given]
            columns[name] = self._repeat(codes, lengths, layout.order, pa.int32())
        thresholds = [None if np.isnan(block.threshold) else block.threshold for block in blocks]
        columns["threshold"] = self._repeat(thresholds, lengths, layout.order, pa.float64())
        columns["value"] = pa.array(np.concatenate([block.values for block in blocks])[layout.order])
        verdicts = np.concatenate([block.verdicts for block in blocks])[layout.order]
        if (verdicts == verdicts[0]).all():
            code = None if verdicts[0] < 0 else int(verdicts[0])
            columns["passed"] = self._repeat([code], [len(verdicts)], layout.order, pa.int32())
        else:
            columns["passed"] = pa.array(verdicts.astype(np.int32), mask=verdicts < 0)
        for name, chunks in self._chunks.items():
            chunks.append(columns[name])

    def _repeat(
        self, values: Sequence[float | None], lengths: Sequence[int], order: IndexArray, kind: pa.DataType
    ) -> pa.Array:
        """Repeat values, each as often as it is said; what is the same everywhere is made once."""
        if len(set(values)) > 1:
            return pa.array(np.repeat(np.array(values, dtype=object), lengths)[order], kind)
        key = (kind, values[0], len(order))
        if key not in self._repeated:
            self._repeated[key] = pa.repeat(pa.scalar(values[0], kind), len(order))
        return self._repeated[key]

    def _describe(self, keys: pa.Table) -> tuple[pa.Table, IdArray]:
        """Describe what records belong to, and count the amplifiers of their detectors."""
        if id(keys) not in self._described:
            names, n_amps = _findDetectors(keys, self._detectors)
            levels = 2 * keys["exposure"].is_valid().to_numpy() + keys["detector"].is_valid().to_numpy()
            columns = {**{name: keys[name] for name in KEY_SCHEMA.names}, **names}
            columns["level"] = labelColumn(levels, _LEVELS)
            arrays = [columns[name] for name in _RECORD_SCHEMA.names]
            self._described[id(keys)] = pa.Table.from_arrays(arrays, schema=_RECORD_SCHEMA), n_amps
        return self._described[id(keys)]

    def _layOut(self, parts: Sequence[Records]) -> _Layout:
        """Sort records of a topic."""
        key = tuple(id(part.keys) for part in parts)
        if key not in self._layouts:
            table = pa.concat_tables([self._describe(part.keys)[0] for part in parts])
            table = table.unify_dictionaries().combine_chunks()
            order = _sortRecords(table)
            taken = table.take(pa.array(order)).combine_chunks()
            columns = {name: taken[name].combine_chunks() for name in taken.column_names}
            self._layouts[key] = _Layout(order, columns)
        return self._layouts[key]

    def finish(self, schema: pa.Schema) -> pa.Table:
        """Make the table."""
        dictionaries = {name: list(known) for name, known in self._names.items()} | {"passed": _VERDICTS}
        columns = {}
        for column in schema:
            chunks = self._chunks[column.name]
            if column.name in dictionaries:
                names = pa.array(dictionaries[column.name], pa.string())
                chunks = [pa.DictionaryArray.from_arrays(chunk, names) for chunk in chunks]
            columns[column.name] = pa.chunked_array(chunks, column.type)
        table = pa.Table.from_arrays(list(columns.values()), schema=schema)
        return table if len(self._layouts) < 2 else table.unify_dictionaries()


def _findDetectors(keys: pa.Table, detectors: DetectorsById) -> tuple[dict[str, pa.Array], IdArray]:
    """Find columns of names of the records' detectors, and their numbers of amplifiers, -1 if not known."""
    codes, instruments = labelCodes(keys["instrument"])
    numbers, place = np.unique(np.ma.getdata(toArray(keys["detector"])), return_inverse=True)
    pairs, which = np.unique(codes * np.int64(len(numbers)) + place, return_inverse=True)
    # No instrument has the code -1.
    names = [*instruments.tolist(), ""]
    found = [
        detectors.get((names[pair // len(numbers)], int(numbers[pair % len(numbers)])), DetectorName())
        for pair in pairs.tolist()
    ]
    columns = {
        column: pa.array([getattr(each, name) for each in found], pa.string()).dictionary_encode().take(which)
        for column, name in (("detectorName", "name"), ("raft", "raft"), ("physicalType", "physicalType"))
    }
    n_amps = np.array([-1 if each.nAmps is None else each.nAmps for each in found], dtype=np.int64)
    return columns, n_amps[which]


def _readCounts(nValid: FloatArray | None, nRecords: int) -> pa.Array:
    """Make a column of numbers of valid values; what is no count is none."""
    counts = np.full(nRecords, np.nan) if nValid is None else nValid
    absent = ~((counts >= 0) & (counts < 2**53) & (counts % 1 == 0))
    return pa.array(np.where(absent, 0, counts).astype(np.int64), mask=absent)


def _judge(part: Records, measurement: str, values: Mapping[str, FloatArray], nAmps: IdArray) -> _Block:
    """Compare a measurement with the limit of the catalogue, in the unit of the catalogue if it can be."""
    declared = measurementUnit(part.metric, measurement)
    unit, value = part.units.get(measurement, declared), values[measurement]
    if unit and declared is not None:
        # A value in another unit is no measurement of the catalogue, and keeps its unit.
        with suppress(ColumnError):
            value, unit = convertUnit(value, unit, declared, measurement), declared
        values = {**values, measurement: value}
    criterion = findCriterion(part.metric, measurement, unit)
    threshold, verdicts = np.nan, np.full(len(value), -1, dtype=np.int8)
    if criterion is not None:
        threshold = criterion.threshold
        verdicts = judge(criterion, measurement, values, nAmps) % len(_VERDICTS)
    return _Block(unit, value, threshold, verdicts)


def _sortRecords(table: pa.Table) -> IndexArray:
    """Sort records by the columns that identify them, shape (n,)."""
    columns = []
    for name in reversed(_ORDER):
        if pa.types.is_dictionary(table.schema.field(name).type):
            codes, names = labelCodes(table[name])
            columns.append(np.append(np.argsort(np.argsort(names)), -1)[codes])
        else:
            columns.append(np.ma.getdata(toArray(table[name])))
    return np.lexsort(columns)
