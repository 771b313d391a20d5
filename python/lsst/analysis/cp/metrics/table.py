# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The tidy table of metrics over time: one row a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Column, MaskedColumn, Table

from lsst.analysis.cp.catalogue import MEASUREMENT_LEVELS
from lsst.analysis.cp.core import ColumnError, floatColumn, idColumn, nameColumn
from lsst.analysis.cp.core.amps import STATUS_NAMES
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IdArray, NameArray

__all__ = ["Labels", "TREND_SCHEMA", "TrendColumn", "TrendTable", "TrendTableError"]

_DTYPES: Mapping[str, type[np.generic]] = {"integer": np.int64, "float": np.float64}


@dataclass(frozen=True, eq=False)
class Labels:
    """A column of names, each stored once.

    Parameters
    ----------
    codes
        Index into ``names`` of each row, -1 where a row has no name, shape (n,). Made read-only.
    names
        The names, each once, in any order; rows need not use all.

    Raises
    ------
    ValueError
        Raised if a code is no index, or a name is given twice.
    """

    codes: npt.NDArray[np.int32]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        codes = np.asarray(self.codes)
        if codes.ndim != 1 or codes.dtype.kind != "i":
            raise ValueError(f"codes have shape {codes.shape} and type {codes.dtype}, expected integers (n,)")
        if len(codes) and not -1 <= codes.min() <= codes.max() < len(self.names):
            raise ValueError(f"codes from {codes.min()} to {codes.max()} for {len(self.names)} names")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"names are given twice: {sorted(self.names)}")
        codes = codes.astype(np.int32, copy=False).view()
        codes.flags.writeable = False
        object.__setattr__(self, "codes", codes)

    @classmethod
    def fromValues(cls, values: Iterable[str | None]) -> Labels:
        """Make a column from a name for each row, None where there is none."""
        index: dict[str, int] = {}
        codes = [-1 if value is None else index.setdefault(str(value), len(index)) for value in values]
        return cls(np.array(codes, dtype=np.int32), tuple(index))

    @classmethod
    def fromArray(cls, values: npt.NDArray[Any], present: BoolArray | None = None) -> Labels:
        """Make a column from an array of names, shape (n,), and where they count (everywhere if None)."""
        names, indices = np.unique(np.asarray(values, dtype=np.str_), return_inverse=True)
        codes = indices.astype(np.int32)
        if present is not None:
            codes[~present] = -1
        return cls(codes, tuple(names.tolist()))

    @classmethod
    def constant(cls, name: str | None, length: int) -> Labels:
        """Make a column of one name (or of none, if None)."""
        return cls(np.full(length, -1 if name is None else 0, np.int32), () if name is None else (name,))

    @classmethod
    def concatenate(cls, parts: Sequence[Labels]) -> Labels:
        """Join columns, one after the other."""
        index: dict[str, int] = {}
        codes = [np.empty(0, np.int32)]
        for part in parts:
            # The last entry is for rows without a name.
            new = [index.setdefault(name, len(index)) for name in part.names] + [-1]
            codes.append(np.array(new, dtype=np.int32)[part.codes])
        return cls(np.concatenate(codes), tuple(index))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, index: Any) -> Labels:
        """Choose rows by a mask, a slice or indices, shape (n,) or (m,)."""
        return Labels(np.atleast_1d(self.codes[index]), self.names)

    def isName(self, *names: str) -> BoolArray:
        """Tell which rows have one of some names, shape (n,)."""
        return np.isin(self.codes, [code for code, name in enumerate(self.names) if name in names])

    @property
    def present(self) -> BoolArray:
        """Whether each row has a name, shape (n,)."""
        return self.codes >= 0

    @cached_property
    def values(self) -> NameArray:
        """Name of each row, empty where it has none, shape (n,)."""
        return np.array([*self.names, ""], dtype=np.str_)[self.codes]

    @cached_property
    def ranks(self) -> npt.NDArray[np.int32]:
        """Place of each row's name in alphabetical order, -1 where it has none, shape (n,)."""
        order = np.argsort(np.array(self.names, dtype=np.str_))
        places = np.full(len(self.names) + 1, -1, dtype=np.int32)
        places[order] = np.arange(len(order), dtype=np.int32)
        return places[self.codes]


class TrendTableError(ValueError):
    """A table of trends does not have the columns or values that it should have."""


@dataclass(frozen=True, kw_only=True)
class TrendColumn:
    """Declaration of one column.

    Parameters
    ----------
    name
        Name of the column.
    kind
        ``"label"`` (a name), ``"integer"`` (64 bits) or ``"float"`` (64 bits).
    description
        What it holds.
    unit
        Unit of the numbers, as astropy spells it; None if they have none or each row its own.
    optional
        Whether rows may lack it: then they are masked in a `~astropy.table.Table`.
    choices
        All names that a label may be; any if empty.
    """

    name: str
    kind: str
    description: str
    unit: str | None = None
    optional: bool = True
    choices: tuple[str, ...] = ()


def _label(name: str, description: str, **fields: Any) -> TrendColumn:
    return TrendColumn(name=name, kind="label", description=description, **fields)


def _integer(name: str, description: str, **fields: Any) -> TrendColumn:
    return TrendColumn(name=name, kind="integer", description=description, **fields)


def _float(name: str, description: str, **fields: Any) -> TrendColumn:
    return TrendColumn(name=name, kind="float", description=description, **fields)


TREND_SCHEMA = (
    _label("topic", "Topic in Sasquatch, without namespace (cpBiasExpDet_biasNoise)", optional=False),
    _label("metric", "Name of the tool (biasNoise)", optional=False),
    _label("measurement", "Name of the measurement (median)", optional=False),
    _float("value", "Value, NaN where it is not valid", optional=False),
    _label("unit", "Unit of the value, as astropy spells it; empty if dimensionless, masked if not known"),
    _integer("nValid", "Number of amplifiers with a finite statistic, where the metric counts them"),
    _label("level", "What the value belongs to", optional=False, choices=MEASUREMENT_LEVELS),
    _label("instrument", "Name of the instrument"),
    _integer("detector", "Id of the detector"),
    _label("detectorName", "Name of the detector"),
    _label("raft", "Name of the raft"),
    _label("physicalType", "Vendor of the detector"),
    _integer("exposure", "Id of the exposure or visit"),
    _integer("day_obs", "Day of observation, as YYYYMMDD"),
    _label("physical_filter", "Name of the filter"),
    _float("mjd", "Middle of the exposure, or begin of validity of a calibration (TAI)", unit="d"),
    _label("run", "RUN collection that holds the metrics", optional=False),
    _float("threshold", "Limit of the value by the catalogue, in its unit"),
    _label("passed", "Verdict on the value by the catalogue", choices=tuple(STATUS_NAMES.values())),
)
"""All columns, in order. A row is one measurement of one tool in one bundle of metrics."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TrendTable:
    """Values of metrics, with what they belong to; `TREND_SCHEMA` says what each column means.

    Arrays are made read-only. What a row lacks is -1 in columns of integers, NaN in ``mjd`` and
    ``threshold``, and has no label. ``value`` is NaN where it is not valid, never 0.

    Parameters
    ----------
    topic, metric, measurement, unit, level, instrument, detectorName, raft, physicalType, physical_filter, \
run, passed
        Columns of labels, of length n.
    nValid, detector, exposure, day_obs
        Columns of integers, shape (n,).
    value, mjd, threshold
        Columns of floats, shape (n,).

    Raises
    ------
    TrendTableError
        Raised if columns differ in length, have another type, lack what may not be absent, or hold a label
        that they may not hold.
    """

    topic: Labels
    metric: Labels
    measurement: Labels
    value: FloatArray
    unit: Labels
    nValid: IdArray
    level: Labels
    instrument: Labels
    detector: IdArray
    detectorName: Labels
    raft: Labels
    physicalType: Labels
    exposure: IdArray
    day_obs: IdArray
    physical_filter: Labels
    mjd: FloatArray
    run: Labels
    threshold: FloatArray
    passed: Labels

    def __post_init__(self) -> None:
        for column in TREND_SCHEMA:
            values = getattr(self, column.name)
            if len(values) != len(self):
                raise TrendTableError(
                    f"column {column.name!r} has {len(values)} rows, but 'topic' has {len(self)}"
                )
            if column.kind == "label":
                _checkLabels(column, values)
            else:
                object.__setattr__(self, column.name, _freeze(column, values))

    def __len__(self) -> int:
        return len(self.topic)

    def __repr__(self) -> str:
        return f"TrendTable({len(self)} values of {len(self.topic.names)} topics)"

    def columns(self) -> dict[str, Any]:
        """Get all columns by name, in the order of the schema."""
        return {column.name: getattr(self, column.name) for column in TREND_SCHEMA}

    def select(self, rows: npt.NDArray[Any]) -> TrendTable:
        """Choose rows.

        Parameters
        ----------
        rows
            A mask, shape (n,), or indices, shape (m,).

        Returns
        -------
        table
            The rows, in the order of the indices.
        """
        return TrendTable(**{name: values[rows] for name, values in self.columns().items()})

    @classmethod
    def concatenate(cls, tables: Sequence[TrendTable]) -> TrendTable:
        """Join tables, one after the other.

        Parameters
        ----------
        tables
            Any number of tables.

        Returns
        -------
        table
            All their rows; an empty table if there is none.
        """
        columns: dict[str, Any] = {}
        for column in TREND_SCHEMA:
            parts = [getattr(table, column.name) for table in tables]
            if column.kind == "label":
                columns[column.name] = Labels.concatenate(parts)
            else:
                columns[column.name] = np.concatenate([np.empty(0, _DTYPES[column.kind]), *parts])
        return cls(**columns)

    def sort(self) -> TrendTable:
        """Sort by topic, measurement, instrument, filter, detector, time, exposure and run."""
        keys = ("run", "exposure", "mjd", "detector", "physical_filter", "instrument", "measurement", "topic")
        columns = [getattr(self, name) for name in keys]
        return self.select(np.lexsort([c.ranks if isinstance(c, Labels) else c for c in columns]))

    def toTable(self) -> Table:
        """Convert for storage as ``ArrowAstropy``, and for use without this class.

        Returns
        -------
        table
            The columns of `TREND_SCHEMA`, with units and descriptions. What rows lack is masked; values that
            are not valid are NaN.
        """
        table = Table()
        for column in TREND_SCHEMA:
            values = getattr(self, column.name)
            data, mask = _splitMask(column, values)
            kwargs = {"name": column.name, "description": column.description, "unit": column.unit}
            table[column.name] = (
                MaskedColumn(data, mask=mask, **kwargs) if mask.any() else Column(data, **kwargs)
            )
        return table

    @classmethod
    def fromTable(cls, table: Table) -> TrendTable:
        """Convert from what `toTable` made, whether or not it has been stored in between.

        Parameters
        ----------
        table
            A table with the columns of `TREND_SCHEMA`, in any order, and possibly others, which are ignored.

        Returns
        -------
        table
            Its rows.

        Raises
        ------
        TrendTableError
            Raised if columns are missing, or hold what they may not hold.
        """
        if missing := [column.name for column in TREND_SCHEMA if column.name not in table.colnames]:
            raise TrendTableError(
                f"the table lacks column(s) {', '.join(missing)}; it has {', '.join(table.colnames)}"
            )
        try:
            return cls(**{column.name: _readColumn(column, table[column.name]) for column in TREND_SCHEMA})
        except ColumnError as error:
            raise TrendTableError(str(error)) from error


def _checkLabels(column: TrendColumn, labels: Labels) -> None:
    """Raise unless labels may be in a column."""
    if not column.optional and not labels.present.all():
        row = int(np.flatnonzero(~labels.present)[0])
        raise TrendTableError(f"column {column.name!r} has no value in row {row}, and others may be such")
    used = {labels.names[code] for code in np.unique(labels.codes[labels.present])}
    if column.choices and (unknown := sorted(used - set(column.choices))):
        raise TrendTableError(
            f"column {column.name!r} holds {unknown[0]!r}, expected one of {', '.join(column.choices)}"
        )


def _freeze(column: TrendColumn, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Get a read-only view of the numbers of a column."""
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype != _DTYPES[column.kind]:
        raise TrendTableError(
            f"column {column.name!r} has shape {array.shape} and type {array.dtype}, "
            f"expected (n,) and {np.dtype(_DTYPES[column.kind])}"
        )
    array = array.view()
    array.flags.writeable = False
    return array


def _splitMask(column: TrendColumn, values: Any) -> tuple[npt.NDArray[Any], BoolArray]:
    """Get the values of a column, and where they are absent."""
    if isinstance(values, Labels):
        return values.values, ~values.present
    if not column.optional:
        return values, np.zeros(len(values), dtype=bool)
    return values, (values < 0) if column.kind == "integer" else np.isnan(values)


def _readColumn(column: TrendColumn, values: Any) -> Any:
    """Read a column of a table."""
    if column.kind == "float":
        return floatColumn(values, column.name)
    if column.kind == "integer":
        ids, present = idColumn(values, column.name)
        return np.where(present, ids, -1)
    names, present = nameColumn(values, column.name)
    if column.name == "unit":
        # An empty name is a unit, too: that of numbers.
        mask = getattr(values, "mask", None)
        present = np.ones(len(names), dtype=bool) if mask is None else ~np.asarray(mask)
    return Labels.fromArray(names, present)
