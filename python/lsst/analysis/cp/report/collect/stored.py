# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of stored tables column by column, without the detour of astropy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import Table

from lsst.analysis.cp.core import ColumnError
from lsst.analysis.cp.core.amps import FAILED, GOOD, STATUS_NAMES
from lsst.analysis.cp.core.columns import convertUnit
from lsst.analysis.cp.core.tableMeta import parseTableMeta
from lsst.analysis.cp.core.typing import BoolArray, FlagArray, FloatArray, IdArray, NameArray
from lsst.daf.butler import DeferredDatasetHandle
from lsst.daf.butler.formatters.parquet import astropy_to_arrow

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["StoredTable"]

# Places in this list are the codes; all else is unknown (-1).
_STATUS = pa.array([STATUS_NAMES[FAILED], STATUS_NAMES[GOOD]])
_ALL_STATUS = pa.array(list(STATUS_NAMES.values()))
_WITH_META = {"strip_astropy_meta_yaml": False}
_META = b"table_meta_yaml"


@dataclass(frozen=True, eq=False)
class StoredTable:
    """Columns of a table as they are stored.

    Parameters
    ----------
    table
        The table.
    meta
        Its own metadata, without those of the Butler; empty if they were not read.
    """

    table: pa.Table
    meta: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def convert(cls, table: Table) -> StoredTable:
        """Convert a table in memory to what is read of it when it is stored."""
        return cls(astropy_to_arrow(table), dict(table.meta))

    @classmethod
    def read(
        cls, butler: Butler, ref: DatasetRef, isWanted: Callable[[str], bool], *, withMeta: bool = False
    ) -> StoredTable:
        """Read the wanted columns of a table.

        Parameters
        ----------
        butler
            The repository.
        ref
            The dataset.
        isWanted
            Tells of a column whether it is wanted.
        withMeta
            Whether to read the metadata, too.

        Returns
        -------
        table
            Those wanted columns that there are.

        Raises
        ------
        ColumnError
            If there is none.
        """
        handle = DeferredDatasetHandle(butler=butler, ref=ref, parameters=None)
        stored = [str(name) for name in handle.get(component="columns")]
        wanted = [name for name in stored if isWanted(name)]
        if not wanted:
            raise ColumnError(f"it has no column that is expected, but {', '.join(stored) or 'none'}")
        parameters = {"columns": wanted} | (_WITH_META if withMeta else {})
        table = handle.get(parameters=parameters, storageClass="ArrowTable")
        meta = parseTableMeta((table.schema.metadata or {}).get(_META, b"").decode()) if withMeta else {}
        return cls(table, meta)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __contains__(self, name: str) -> bool:
        return name in self.table.column_names

    def unit(self, name: str) -> str:
        """Tell the unit of a column; empty if it has none."""
        given = (self._field(name).metadata or {}).get(b"unit", b"")
        return str(given.decode())

    def _field(self, name: str) -> pa.Field:
        if name not in self:
            raise ColumnError(f"it has no column {name!r}")
        return self.table.schema.field(name)

    def _column(self, name: str, kind: pa.DataType) -> pa.Array:
        """Take a column as a type that it can be made without loss."""
        self._field(name)
        try:
            column = self.table[name].cast(kind)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ColumnError(f"column {name!r} holds {self._field(name).type}, expected {kind}") from error
        return column

    def numbers(self, name: str, unit: str | None = None) -> FloatArray:
        """Read a column of numbers.

        Parameters
        ----------
        name
            Name of the column.
        unit
            The unit to read it in; as it is stored if None.

        Returns
        -------
        numbers
            Shape (n,); NaN where there is none.

        Raises
        ------
        ColumnError
            If there is no such column, or it holds something else.
        """
        column = pc.fill_null(self._column(name, pa.float64()), np.nan)
        values: FloatArray = np.array(column.to_numpy())
        return values if unit is None else convertUnit(values, self.unit(name), unit, name)

    def counts(self, name: str) -> IdArray:
        """Read a column of whole numbers of which none is absent, shape (n,)."""
        column = self._column(name, pa.int64())
        if column.null_count:
            raise ColumnError(f"column {name!r} has no value in {column.null_count} of {len(column)} row(s)")
        values: IdArray = np.array(column.to_numpy())
        return values

    def names(self, name: str) -> NameArray:
        """Read a column of texts, empty where there is none, shape (n,)."""
        column = pc.fill_null(self._column(name, pa.string()), "")
        return np.array(column.to_pylist(), dtype=np.str_)

    def flags(self, name: str) -> BoolArray:
        """Read a column of truth values, False where there is none, shape (n,)."""
        values: BoolArray = np.array(pc.fill_null(self._column(name, pa.bool_()), False).to_numpy())
        return values

    def status(self, name: str) -> FlagArray:
        """Read a column of status names as codes, unknown where there is none, shape (n,).

        It raises `ColumnError` if a name is that of no status.
        """
        column = self._column(name, pa.string())
        known = pc.or_(pc.is_null(column), pc.is_in(column, value_set=_ALL_STATUS))
        if len(column) and not pc.all(known).as_py():
            other = next(each for each in column.to_pylist() if each not in (None, *STATUS_NAMES.values()))
            raise ColumnError(f"column {name!r} holds the status {other!r}")
        codes = pc.fill_null(pc.index_in(column, value_set=_STATUS), -1)
        return np.array(codes.to_numpy(), dtype=np.int8)

    def isInUnit(self, name: str, unit: str) -> bool:
        """Tell whether a column is in a unit, or in none."""
        given = self.unit(name)
        return not given or u.Unit(given, parse_strict="silent") == u.Unit(unit)
