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
import numpy.typing as npt
import pyarrow as pa

from lsst.analysis.cp.core import ColumnError, convertUnit
from lsst.analysis.cp.core.amps import FAILED, GOOD, STATUS_NAMES, UNKNOWN
from lsst.analysis.cp.core.typing import FlagArray, FloatArray, IdArray

from .criteria import discardInvalid, findCriterion, judge
from .table import KEY_SCHEMA, TREND_SCHEMA, TrendTableError, describeTable, labelCodes, labelColumn, toArray
from .units import measurementUnit

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["DetectorName", "DetectorsById", "Records", "findRaft", "makeTrendTable", "nameDetectors"]

# By their codes: -1 takes the last.
_VERDICTS = tuple(STATUS_NAMES[status] for status in (FAILED, GOOD, UNKNOWN))
_LEVELS = ("run", "runDetector", "exposure", "detector")
_RECORD_SCHEMA = pa.schema(
    field
    for field in TREND_SCHEMA
    if field.name not in ("measurement", "value", "unit", "threshold", "passed")
)
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
    """Rows of one measurement of some records, which follow each other."""

    topic: str
    measurement: str
    unit: str | None
    records: range
    values: FloatArray
    threshold: float
    verdicts: FlagArray


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
    tables, blocks, start = [_RECORD_SCHEMA.empty_table()], [], 0
    for part in records:
        values = discardInvalid(part.values, zeroIsAbsent=part.zeroIsAbsent)
        names, n_amps = _findDetectors(part.keys, detectors or {})
        tables.append(_describe(part, values.get("nValid"), names))
        rows = range(start, start := start + len(part.keys))
        chosen = [name for name in values if measurements is None or name in measurements]
        blocks += [_judge(part, name, values, n_amps, rows) for name in chosen]
    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    columns = _layOut(table, blocks)
    schema = describeTable(sources, unread or {}, inputs or {})
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _layOut(table: pa.Table, blocks: Sequence[_Block]) -> dict[str, pa.Array]:
    """Make the columns of all rows, sorted, of those of the records."""
    lengths = [len(block.values) for block in blocks]
    ranked = {
        name: _rankNames([getattr(block, name) for block in blocks])
        for name in ("topic", "measurement", "unit")
    }
    places = ranked["topic"][0] * len(ranked["measurement"][1]) + ranked["measurement"][0]
    record = _join([np.arange(block.records.start, block.records.stop) for block in blocks], np.int64)
    order = np.argsort(np.repeat(places, lengths) * len(table) + _rankRecords(table)[record], kind="stable")
    taken = table.take(record[order])
    columns = dict(zip(taken.column_names, taken.columns, strict=True))
    for name in ("measurement", "unit"):
        codes, names = ranked[name]
        columns[name] = labelColumn(np.repeat(codes, lengths)[order], names)
    verdicts = _join([block.verdicts for block in blocks], np.int8)
    columns["passed"] = labelColumn(verdicts[order], _VERDICTS)
    columns["value"] = pa.array(_join([block.values for block in blocks], np.float64)[order])
    thresholds = np.repeat(np.array([block.threshold for block in blocks], dtype=np.float64), lengths)
    columns["threshold"] = pa.array(thresholds[order], from_pandas=True)
    return columns


def _join[T: np.generic](parts: Collection[npt.NDArray[T]], dtype: type[T]) -> npt.NDArray[T]:
    return np.concatenate([np.empty(0, dtype), *parts])


def _rankNames(names: Collection[str | None]) -> tuple[IdArray, list[str]]:
    """Sort names, each once; return the place of each, -1 for None, too."""
    known = sorted({name for name in names if name is not None})
    places: dict[str | None, int] = {name: place for place, name in enumerate(known)}
    return np.array([places.get(name, -1) for name in names], dtype=np.int64), known


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


def _describe(part: Records, nValid: FloatArray | None, names: Mapping[str, pa.Array]) -> pa.Table:
    """Make the columns that all measurements of records share."""
    n = len(part.keys)
    n_valid = np.full(n, np.nan) if nValid is None else nValid
    # What is no count is none.
    absent = ~((n_valid >= 0) & (n_valid < 2**53) & (n_valid % 1 == 0))
    levels = 2 * part.keys["exposure"].is_valid().to_numpy() + part.keys["detector"].is_valid().to_numpy()
    columns = {
        **{name: part.keys[name] for name in KEY_SCHEMA.names},
        **names,
        "topic": labelColumn(np.zeros(n, np.int32), [part.topic]),
        "metric": labelColumn(np.zeros(n, np.int32), [part.metric]),
        "nValid": pa.array(np.where(absent, 0, n_valid).astype(np.int64), mask=absent),
        "level": labelColumn(levels, _LEVELS),
    }
    return pa.Table.from_arrays([columns[name] for name in _RECORD_SCHEMA.names], schema=_RECORD_SCHEMA)


def _judge(
    part: Records, measurement: str, values: Mapping[str, FloatArray], nAmps: IdArray, rows: range
) -> _Block:
    """Compare a measurement with the limit of the catalogue, in the unit of the catalogue if it can be."""
    declared = measurementUnit(part.metric, measurement)
    unit, value = part.units.get(measurement, declared), values[measurement]
    if unit and declared is not None:
        # A value in another unit is no measurement of the catalogue, and keeps its unit.
        with suppress(ColumnError):
            value, unit = convertUnit(value, unit, declared, measurement), declared
        values = {**values, measurement: value}
    criterion = findCriterion(part.metric, measurement, unit)
    threshold, verdicts = np.nan, np.full(len(rows), -1, dtype=np.int8)
    if criterion is not None:
        threshold = criterion.threshold
        verdicts = judge(criterion, measurement, values, nAmps) % len(_VERDICTS)
    return _Block(part.topic, measurement, unit, rows, value, threshold, verdicts)


def _rankRecords(table: pa.Table) -> IdArray:
    """Find the place of each record in the order of the columns that identify it, shape (n,)."""
    columns = []
    for name in reversed(_ORDER):
        if pa.types.is_dictionary(table.schema.field(name).type):
            codes, names = labelCodes(table[name])
            columns.append(np.append(np.argsort(np.argsort(names)), -1)[codes])
        else:
            columns.append(np.ma.getdata(toArray(table[name])))
    rank = np.empty(len(table), dtype=np.int64)
    rank[np.lexsort(columns)] = np.arange(len(table))
    return rank
