# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables of nights: the metrics that the summaries of a night have, in one file that is read at once."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsst.analysis.cp import __version__
from lsst.analysis.cp.core.typing import BoolArray, FloatArray

from .criteria import WantedMetrics
from .gatherer import GatheredRecords, RecordGatherer, RecordKey
from .records import DetectorName, DetectorsById, findRaft
from .table import KEY_SCHEMA, describeTable

__all__ = ["NightContent", "listNightInputs", "makeNightTable", "readNight"]

_TIME = pa.field(
    "unixTime", pa.float64(), metadata={"description": "Middle of the exposure, since 1970 UTC", "unit": "s"}
)
_KEYS = tuple(
    _TIME
    if field.name == "mjd"
    else field.with_type(pa.string() if pa.types.is_dictionary(field.type) else field.type)
    for field in KEY_SCHEMA
)
"""What a row belongs to, in the order of a `RecordKey`."""

_DETECTOR = (
    pa.field("detectorName", pa.string(), metadata={"description": "Name of the detector"}),
    pa.field("physicalType", pa.string(), metadata={"description": "Vendor of the detector"}),
    pa.field("nAmps", pa.int64(), metadata={"description": "Number of amplifiers that it should have"}),
)


class NightContent(NamedTuple):
    """What was read of the table of a night, besides values: topics and tools, and detectors."""

    topics: set[tuple[str, str]]
    detectors: DetectorsById


def makeNightTable(
    gatherer: RecordGatherer,
    detectors: DetectorsById,
    *,
    unread: Mapping[str, str],
    inputs: Mapping[str, tuple[int | None, str]],
) -> pa.Table:
    """Make the table of a night.

    Parameters
    ----------
    gatherer
        Records of the summaries of a night.
    detectors
        The detectors that they belong to.
    unread
        Why datasets could not be read, by their names.
    inputs
        Exposure and run of each summary, by its id.

    Returns
    -------
    table
        One row an exposure and detector. Each measurement of a tool has a column (``biasNoise_median``) with
        the metadata ``topic``, ``metric``, ``measurement`` and ``unit``; it is null where a summary does not
        have it, and NaN where it is not valid. The metadata of the table are ``sources``, ``unread`` and
        ``inputs``, as a tidy table has them, and ``analysis_cp``, the version of this package.
    """
    keys = gatherer.keys
    known = [detectors.get((key[0], -1 if key[1] is None else key[1]), DetectorName()) for key in keys]
    columns: dict[pa.Field, Any] = {
        field: pa.array([key[i] for key in keys], field.type) for i, field in enumerate(_KEYS)
    }
    for field in _DETECTOR:
        attribute = "name" if field.name == "detectorName" else field.name
        columns[field] = pa.array([getattr(each, attribute) for each in known], field.type)
    columns |= {
        field: pa.array(values, mask=absent)
        for field, (values, absent) in _layOut(gatherer, len(keys)).items()
    }
    sources = dict.fromkeys(key[-1] for key in keys)
    described = describeTable(sources, unread, inputs).metadata | {b"analysis_cp": __version__.encode()}
    return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(list(columns), metadata=described))


def _layOut(gatherer: RecordGatherer, nRows: int) -> dict[pa.Field, tuple[FloatArray, BoolArray]]:
    """Make the columns of measurements, one for each unit, and masks of the rows without one."""
    columns: dict[tuple[str, str, str], tuple[pa.Field, FloatArray, BoolArray]] = {}
    names: set[str] = set()
    for part in gatherer.parts():
        for i, (measurement, unit) in enumerate(part.units.items()):
            key = (part.topic, measurement, unit)
            if key not in columns:
                name = f"{part.metric}_{measurement}"
                name = f"{name}_{unit}" if name in names else name
                names.add(name)
                about = {"topic": part.topic, "metric": part.metric, "measurement": measurement, "unit": unit}
                field = pa.field(name, pa.float64(), metadata=about)
                columns[key] = field, np.full(nRows, np.nan), np.ones(nRows, dtype=bool)
            _, values, absent = columns[key]
            values[part.rows], absent[part.rows] = part.values[:, i], False
    return {field: (values, absent) for field, values, absent in columns.values()}


def listNightInputs(table: pa.Table) -> dict[str, tuple[int, str]]:
    """List the exposure (or visit) and the run of each summary that the table of a night has, by its id."""
    inputs = json.loads(table.schema.metadata[b"inputs"])
    return {identifier: (int(epoch), str(run)) for identifier, (epoch, run) in inputs.items()}


def readNight(
    table: pa.Table, summaries: Collection[tuple[int, str]], wanted: WantedMetrics, gatherer: RecordGatherer
) -> NightContent:
    """Read the wanted measurements of some summaries of a night.

    Parameters
    ----------
    table
        The table of the night.
    summaries
        Exposure (or visit) and run of each.
    wanted
        Which metrics are.
    gatherer
        Where the records are added, all or, if the table is not as it should be, none.

    Returns
    -------
    content
        What else was read.
    """
    places = pc.binary_join_element_wise(table["exposure"].cast(pa.string()), table["run"], " ")
    chosen = pa.array([f"{exposure} {run}" for exposure, run in sorted(summaries)], pa.string())
    table = table.filter(pc.is_in(places, chosen))
    keys: list[RecordKey] = list(zip(*(_toObjects(table[field.name]) for field in _KEYS), strict=True))
    about = [_toObjects(table[field.name]) for field in _DETECTOR]
    detectors = {
        (key[0], key[1]): DetectorName(name, None if name is None else findRaft(name), vendor, n_amps)
        for key, name, vendor, n_amps in zip(keys, *about, strict=True)
        if key[1] is not None
    }
    parts = _readParts(table, wanted)
    rows = np.asarray(gatherer.addKeys(keys))
    for part in parts:
        gatherer.add(part.topic, part.metric, part.units, rows[part.rows], part.values)
    return NightContent({(part.topic, part.metric) for part in parts}, detectors)


def _readParts(table: pa.Table, wanted: WantedMetrics) -> list[GatheredRecords]:
    """Read the wanted columns of each topic, rows with the same measurements together."""
    topics: dict[tuple[str, str], list[pa.Field]] = {}
    for field in table.schema:
        about = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
        if "topic" in about and wanted.hasMetric(about["topic"], about["metric"]):
            if wanted.isRead(about["measurement"]):
                topics.setdefault((about["topic"], about["metric"]), []).append(field)
    parts = []
    for (topic, metric), fields in topics.items():
        columns = [table[field.name] for field in fields]
        present = np.column_stack([column.is_valid().to_numpy() for column in columns])
        values = np.column_stack([column.fill_null(np.nan).to_numpy() for column in columns])
        for pattern in np.unique(present, axis=0) if not present.all() else present[:1]:
            rows = np.flatnonzero((present == pattern).all(axis=1))
            names = [field.metadata for field, is_there in zip(fields, pattern, strict=True) if is_there]
            units = {each[b"measurement"].decode(): each[b"unit"].decode() for each in names}
            if units:
                parts.append(GatheredRecords(topic, metric, units, rows, values[np.ix_(rows, pattern)]))
    return parts


def _toObjects(column: pa.ChunkedArray) -> list[Any]:
    """List the values of a column, of which equal ones are the same object."""
    encoded = column.combine_chunks().dictionary_encode()
    values = [*encoded.dictionary.to_pylist(), None]
    return [values[code] for code in encoded.indices.fill_null(-1).to_pylist()]
