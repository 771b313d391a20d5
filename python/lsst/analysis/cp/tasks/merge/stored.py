# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables of a run that are merged one after the other, so that no more than one is in memory.

The profiles of an exposure of LSSTCam take 65 MB, those of a thousand more than the memory of a machine. The
merged rows are collected in a temporary file, from which the Butler writes them.
"""

from __future__ import annotations

import math
import mmap
import tempfile
import threading
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pyarrow as pa
from astropy.table import Column, Table
from astropy.utils.metadata import MergeConflictWarning

from lsst.analysis.cp.tasks.runner import describeProvenance
from lsst.daf.butler.formatters.parquet import arrow_to_astropy, astropy_to_arrow

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetProvenance, DatasetRef, DeferredDatasetHandle

__all__ = ["MergedTable", "StoredTables", "mergeStored"]

_RELEASE_SECONDS = 0.1
"""How often pages of the temporary file that have been read are given back."""


class StoredTables(Sequence[Table]):
    """The tables of a merge, each of which is read when it is asked for, and is kept by nobody.

    Parameters
    ----------
    handles
        Handles of the tables.
    """

    def __init__(self, handles: Iterable[DeferredDatasetHandle]) -> None:
        self._handles = list(handles)

    def __len__(self) -> int:
        return len(self._handles)

    @overload
    def __getitem__(self, index: int) -> Table: ...

    @overload
    def __getitem__(self, index: slice) -> StoredTables: ...

    def __getitem__(self, index: int | slice) -> Table | StoredTables:
        if isinstance(index, slice):
            return StoredTables(self._handles[index])
        return self._handles[index].get()

    def readEmpty(self) -> list[Table]:
        """Read the columns of each table without its rows, as it has them when it is read with these."""
        tables = [handle.get(component="schema").schema for handle in self._handles]
        for table in tables:
            # Nor are these read with the rows.
            table.meta.clear()
            for column in table.columns.values():
                column.format, column.meta = None, None
        return tables


class MergedTable:
    """A merged table, whose rows are in a file that nobody else sees and that ends with this.

    Parameters
    ----------
    chunks
        Parts of the table, which have the same columns.
    """

    def __init__(self, chunks: Iterable[Table]) -> None:
        with tempfile.TemporaryFile() as file:
            self._write(file, chunks)
            self._pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._rows = pa.ipc.open_file(pa.py_buffer(self._pages)).read_all()

    def _write(self, file: Any, chunks: Iterable[Table]) -> None:
        """Write the parts, and keep the columns of the last, which has the longest names of all."""
        writer = None
        for chunk in chunks:
            rows = _toArrow(chunk)
            if writer is None:
                writer = pa.ipc.new_file(file, rows.schema.remove_metadata())
            writer.write_table(rows)
            self._empty = chunk[:0].copy()
            # The next part shall not be made while this is in memory.
            del chunk, rows
        assert writer is not None, "a table without rows is a part, too"
        writer.close()
        file.flush()

    def __len__(self) -> int:
        return int(self._rows.num_rows)

    def describe(self, ref: DatasetRef, provenance: DatasetProvenance) -> pa.Table:
        """Describe the rows as the Butler describes those of a table in memory.

        Parameters
        ----------
        ref
            What the table is stored as.
        provenance
            What it is made of.

        Returns
        -------
        table
            The table, whose rows are in the file still.
        """
        empty = self._empty.copy()
        empty.meta.update(describeProvenance(ref, provenance))
        return self._describeAs(empty)

    def readColumns(self, names: Collection[str]) -> dict[str, Any]:
        """Read columns into memory, one after the other, by their names.

        Parameters
        ----------
        names
            Names of columns. Those that the table does not have are left out, and so are profiles and other
            vectors: of many exposures they take most of the memory.
        """
        rows = self._describeAs(self._empty)
        columns = {}
        for name, column in self._empty.columns.items():
            if name in names and column.ndim == 1:
                columns[name] = arrow_to_astropy(rows.select([name]))[name]
                self._release()
        return columns

    def _describeAs(self, empty: Table) -> pa.Table:
        """Give the rows the description of a table without rows."""
        schema = astropy_to_arrow(empty).schema
        rowcount = {b"lsst::arrow::rowcount": str(len(self)).encode()}
        schema = schema.with_metadata({**schema.metadata, **rowcount})
        return pa.Table.from_arrays(self._rows.columns, schema=schema)

    def _release(self) -> None:
        """Give pages of the file back that have been read, which would stay in memory."""
        self._pages.madvise(mmap.MADV_DONTNEED)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give pages of the file back, again and again, while they are read: the system would keep them."""
        done = threading.Event()

        def release() -> None:
            while not done.wait(_RELEASE_SECONDS):
                self._release()

        thread = threading.Thread(target=release, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            self._release()


def _toArrow(table: Table) -> pa.Table:
    """Convert a table as the Butler does, which makes an array of each row of each profile."""
    profiles = [name for name, column in table.columns.items() if _isProfile(column)]
    # Columns chosen of a table refer to it, and it to itself, so that it would stay in memory for a while.
    others = [table[name] for name in table.colnames if name not in profiles]
    rows = astropy_to_arrow(Table(others, copy=False))
    for name in profiles:
        values = np.ascontiguousarray(table[name])
        numbers = pa.array(values.reshape(-1))
        vectors = pa.FixedSizeListArray.from_arrays(numbers, math.prod(values.shape[1:]))
        rows = rows.add_column(table.colnames.index(name), name, vectors)
    return rows


def _isProfile(column: Column) -> bool:
    """Tell whether a column has vectors of numbers, none of which is masked."""
    is_plain = type(column) is Column and column.dtype.isnative
    return is_plain and column.ndim > 1 and column.dtype.kind in "fiub"


def mergeStored(
    tables: StoredTables, merge: Callable[..., Table], newStats: Sequence[Mapping[str, Any]] | None = None
) -> MergedTable:
    """Merge tables, of which no more than one is in memory.

    Parameters
    ----------
    tables
        At least one table.
    merge
        What merges tables that are in memory, and appends rows.
    newStats
        Rows to append.

    Returns
    -------
    merged
        What ``merge`` makes of all tables.
    """
    # Rows of all tables, none of each: this decides what the columns are.
    columns = merge(tables.readEmpty(), newStats)
    empty = columns[:0]

    def makeChunk(table: Table) -> Table:
        nonlocal empty
        with warnings.catch_warnings():
            # The merge of the columns has warned of all of them.
            warnings.simplefilter("ignore", MergeConflictWarning)
            chunk = merge([empty, table])
        # Names may be longer than they were said to be.
        empty = _describeAs(chunk[:0].copy(), columns)
        return chunk

    added = () if newStats is None else (columns,)
    # No name is given to a table, which would keep it until the next has been read.
    stored = (makeChunk(tables[index]) for index in range(len(tables)))
    return MergedTable(chain(stored, map(makeChunk, added)))


def _describeAs(empty: Table, described: Table) -> Table:
    """Give the columns of a table the units and descriptions of another."""
    for name, column in described.columns.items():
        empty[name].unit, empty[name].description = column.unit, column.description
    return empty
