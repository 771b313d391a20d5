# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The tidy table of metrics over time: one row a value."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from astropy.table import Column, MaskedColumn, Table

from lsst.analysis.cp import __version__
from lsst.analysis.cp.catalogue import LEVELS
from lsst.analysis.cp.core import ColumnError, floatColumn, idColumn, nameColumn
from lsst.analysis.cp.core.amps import STATUS_NAMES
from lsst.analysis.cp.core.typing import BoolArray, NameArray
from lsst.daf.butler.formatters.parquet import astropy_to_arrow

from .times import TIME_SOURCES

__all__ = [
    "KEY_SCHEMA",
    "TREND_SCHEMA",
    "TrendTableError",
    "fromTable",
    "labelCodes",
    "labelColumn",
    "splitByMetric",
    "toArray",
    "toStored",
    "toTable",
    "unreadDatasets",
]

_LABEL = pa.dictionary(pa.int32(), pa.string())


class TrendTableError(ValueError):
    """A table of trends does not have the columns or values that it should have."""


def _field(name: str, kind: pa.DataType, description: str, unit: str = "", optional: bool = True) -> pa.Field:
    metadata = {"description": description, "unit": unit}
    return pa.field(name, kind, nullable=optional, metadata=metadata)


TREND_SCHEMA = pa.schema(
    [
        _field("topic", _LABEL, "Topic in Sasquatch, without namespace (cpBiasExpDet_biasNoise)", "", False),
        _field("metric", _LABEL, "Name of the tool (biasNoise)", "", False),
        _field("measurement", _LABEL, "Name of the measurement (median)", "", False),
        _field("value", pa.float64(), "Value, NaN where it is not valid", "", False),
        _field("unit", _LABEL, "Unit of the value, as astropy spells it; empty if dimensionless"),
        _field("nValid", pa.int64(), "Number of amplifiers with a finite statistic, where they are counted"),
        _field("level", _LABEL, "What the value belongs to", "", False),
        _field("instrument", _LABEL, "Name of the instrument"),
        _field("detector", pa.int64(), "Id of the detector"),
        _field("detectorName", _LABEL, "Name of the detector"),
        _field("raft", _LABEL, "Name of the raft"),
        _field("physicalType", _LABEL, "Vendor of the detector"),
        _field("exposure", pa.int64(), "Id of the exposure or visit"),
        _field("day_obs", pa.int64(), "Day of observation, as YYYYMMDD"),
        _field("physical_filter", _LABEL, "Name of the filter"),
        _field(
            "mjd", pa.float64(), "Middle of the exposure, or begin of validity of a calibration (TAI)", "d"
        ),
        _field("time_source", _LABEL, "Where the time comes from"),
        _field("run", _LABEL, "RUN collection that holds the metrics", "", False),
        _field("threshold", pa.float64(), "Limit of the value by the catalogue, in its unit"),
        _field("passed", _LABEL, "Verdict on the value by the catalogue"),
    ],
    metadata={"sources": "[]", "unread": "{}", "inputs": "{}"},
)
"""All columns of the tidy table, in order. A row is one measurement of one tool in one bundle of metrics.

What a row lacks is null; ``value`` is NaN where it is not valid. The metadata of a column have its
``description`` and ``unit``; those of the table, as JSON, ``sources`` (where it was read), ``unread`` (why
each dataset could not be read) and ``inputs`` (exposure and run of each summary that was read, by its id).
"""

_KEYS = ("instrument", "detector", "exposure", "day_obs", "physical_filter", "mjd", "time_source", "run")

KEY_SCHEMA = pa.schema([TREND_SCHEMA.field(name) for name in _KEYS])
"""The columns that say what a record belongs to."""

_CHOICES: Mapping[str, Collection[str]] = {
    "level": LEVELS,
    "time_source": TIME_SOURCES,
    "passed": tuple(STATUS_NAMES.values()),
}
_FILL = {_LABEL: "", pa.int64(): -1, pa.float64(): np.nan}


def labelColumn(codes: npt.NDArray[np.integer], names: Iterable[str]) -> pa.DictionaryArray:
    """Make a column of names, of the index into these of each row, -1 where it has none, shape (n,)."""
    indices = pa.array(codes.astype(np.int32, copy=False), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string()))


def labelCodes(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.int32], NameArray]:
    """Take a column of names apart: the index of each row, -1 where it is null, shape (n,), and the names."""
    chunk = column.unify_dictionaries().combine_chunks()
    codes = chunk.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes, np.array(chunk.dictionary.to_pylist(), dtype=np.str_)


def toArray(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """Make a plain array of a column, shape (n,), which is masked if there are nulls."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        codes, names = labelCodes(column)
        # Five times as fast as an index in brackets.
        values = np.take(np.append(names, ""), codes)
    else:
        values = (column.fill_null(_FILL[kind]) if column.null_count else column).to_numpy()
    if not column.null_count:
        return values
    return np.ma.MaskedArray(values, mask=column.is_null().to_numpy())


def toTable(table: pa.Table) -> Table:
    """Convert for storage as ``ArrowAstropy``.

    Parameters
    ----------
    table
        A tidy table, or some of its rows and columns.

    Returns
    -------
    converted
        The same columns with their units and descriptions, masked where they are null. The metadata
        ``sources``, ``unread`` and ``inputs`` are those of the table, and ``analysis_cp`` is the version of
        this package; a Butler reads them back if it is asked to, with
        ``parameters={"strip_astropy_meta_yaml": False}``.
    """
    stored = {**TREND_SCHEMA.metadata, **(table.schema.metadata or {})}
    columns = []
    for field in table.schema:
        values = toArray(table[field.name])
        kind = MaskedColumn if isinstance(values, np.ma.MaskedArray) else Column
        about = {key.decode(): text.decode() or None for key, text in (field.metadata or {}).items()}
        columns.append(kind(values, field.name, copy=False, **about))
    meta = {key: json.loads(stored[key.encode()]) for key in ("sources", "unread")}
    # Thousands of lines take long to be parsed.
    meta["inputs"] = stored[b"inputs"].decode()
    meta["analysis_cp"] = __version__
    return Table(columns, meta=meta, copy=False)


def toStored(table: pa.Table, meta: Mapping[str, Any] | None = None) -> pa.Table:
    """Convert for storage as ``ArrowAstropy`` without making the astropy table.

    That has texts of one length in each column, and takes 1 kB a row.

    Parameters
    ----------
    table
        A tidy table.
    meta
        More metadata.

    Returns
    -------
    converted
        What the Butler writes of `toTable`.
    """
    empty = toTable(table.schema.empty_table())
    for name in empty.colnames:
        if empty[name].dtype.kind == "U":
            texts = (chunk.dictionary.to_pylist() for chunk in table[name].chunks)
            longest = max((len(text) for each in texts for text in each), default=1)
            empty[name] = Column(np.empty(0, f"U{longest}"), description=empty[name].description)
    empty.meta.update(meta or {})
    schema = astropy_to_arrow(empty).schema
    schema = schema.with_metadata({**schema.metadata, b"lsst::arrow::rowcount": str(len(table)).encode()})
    columns = [_decode(table[field.name]) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _decode(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write the names of a column out; chunks that share their memory share that of their names."""
    if not pa.types.is_dictionary(column.type):
        return column
    decoded: dict[tuple[Any, ...], pa.Array] = {}
    chunks = []
    for chunk in column.chunks:
        buffers = [*chunk.indices.buffers(), *chunk.dictionary.buffers()]
        key = (chunk.offset, len(chunk), *(None if each is None else each.address for each in buffers))
        if key not in decoded:
            decoded[key] = chunk.dictionary_decode()
        chunks.append(decoded[key])
    return pa.chunked_array(chunks, pa.string())


def splitByMetric(table: pa.Table) -> dict[str, pa.Table]:
    """Find the rows of each metric in a sorted table, without copies of them."""
    codes, names = labelCodes(table["metric"])
    ends = np.append(np.flatnonzero(np.diff(codes)) + 1, len(codes))
    parts: dict[str, list[pa.Table]] = {}
    start = 0
    for end in ends[ends > 0].tolist():
        parts.setdefault(str(names[codes[start]]), []).append(table.slice(start, end - start))
        start = end
    return {name: pa.concat_tables(slices) for name, slices in parts.items()}


def fromTable(table: Table) -> pa.Table:
    """Convert from what `toTable` made, whether or not it has been stored in between.

    Parameters
    ----------
    table
        A table with the columns of `TREND_SCHEMA`, in any order, and possibly others, which are ignored.

    Returns
    -------
    converted
        Its rows.

    Raises
    ------
    TrendTableError
        Raised if columns are missing, or hold what they may not hold.
    """
    if missing := [name for name in TREND_SCHEMA.names if name not in table.colnames]:
        raise TrendTableError(
            f"the table lacks column(s) {', '.join(missing)}; it has {', '.join(table.colnames)}"
        )
    try:
        columns = [_readColumn(field, table[field.name]) for field in TREND_SCHEMA]
    except ColumnError as error:
        raise TrendTableError(str(error)) from error
    return pa.Table.from_arrays(
        columns,
        schema=describeTable(
            table.meta.get("sources", ()),
            table.meta.get("unread", {}),
            json.loads(table.meta.get("inputs", "{}")),
        ),
    )


def describeTable(
    sources: Iterable[str], unread: Mapping[str, str], inputs: Mapping[str, tuple[int | None, str]]
) -> pa.Schema:
    """Make the schema of a table with its metadata."""
    return TREND_SCHEMA.with_metadata(
        {
            "sources": json.dumps(list(sources)),
            "unread": json.dumps(dict(unread)),
            "inputs": json.dumps(dict(inputs), separators=(",", ":")),
        }
    )


def unreadDatasets(table: pa.Table) -> dict[str, str]:
    """Tell why datasets could not be read, by their names; empty if all were."""
    return dict(json.loads((table.schema.metadata or {}).get(b"unread", b"{}")))


def _readColumn(field: pa.Field, values: Any) -> pa.Array:
    """Read a column of an astropy table."""
    if field.type == pa.float64():
        # What is NaN is null, unless the column cannot be.
        unit = (field.metadata or {}).get(b"unit", b"").decode()
        column = pa.array(floatColumn(values, field.name, unit or None), from_pandas=field.nullable)
    elif field.type == pa.int64():
        ids, present = idColumn(values, field.name)
        column = pa.array(ids, mask=~present)
    else:
        names, present = nameColumn(values, field.name)
        if field.name == "unit":
            # An empty name is a unit, too: that of numbers.
            mask = getattr(values, "mask", None)
            present = np.ones(len(names), dtype=bool) if mask is None else ~np.asarray(mask)
        column = _encode(names, present)
        _checkChoices(field.name, column)
    if column.null_count and not field.nullable:
        row = int(np.flatnonzero(column.is_null())[0])
        raise TrendTableError(f"column {field.name!r} has no value in row {row}, and others may be such")
    return column


def _encode(names: NameArray, present: BoolArray) -> pa.DictionaryArray:
    """Make a column of names, which come in long runs where a table is sorted."""
    starts = np.flatnonzero(np.append(names[:1] == names[:1], names[1:] != names[:-1]))
    runs = pa.array(names[starts], pa.string()).dictionary_encode()
    codes = np.repeat(runs.indices.to_numpy(), np.diff(np.append(starts, len(names))))
    return labelColumn(np.where(present, codes, -1), runs.dictionary)


def _checkChoices(name: str, column: pa.DictionaryArray) -> None:
    """Raise if a column holds a name that it may not hold."""
    used = column.dictionary.take(column.indices.unique().drop_null()).to_pylist()
    if name in _CHOICES and (unknown := sorted(set(used) - set(_CHOICES[name]))):
        choices = ", ".join(_CHOICES[name])
        raise TrendTableError(f"column {name!r} holds {unknown[0]!r}, expected one of {choices}")
