# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Joining tables of culprits, and of structures, of many exposures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import Column, Table

from lsst.analysis.cp.catalogue import Product
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.amps import STATUS_NAMES, UNKNOWN, margins
from lsst.analysis.cp.core.tableColumns import TABLE_COLUMNS
from lsst.analysis.cp.core.typing import FloatArray

from .stored import StoredTable

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = [
    "MARGIN",
    "compress",
    "findUnknown",
    "joinTables",
    "orderCulprits",
    "readCulprits",
    "readStructures",
]

MARGIN = "margin"
"""Column that is added to culprits: the distance to the limit."""


def readCulprits(butler: Butler, ref: DatasetRef) -> pa.Table:
    """Read a table of culprits; texts of which few are different are kept once."""
    return _readAll(butler, ref, "culprits")


def readStructures(butler: Butler, ref: DatasetRef) -> pa.Table:
    """Read a table of structures, with the name of its dataset type in the column ``dataset``."""
    table = _readAll(butler, ref, "structures")
    names = pa.array([ref.datasetType.name] * table.num_rows, pa.string()).dictionary_encode()
    return table.append_column("dataset", names)


def _readAll(butler: Butler, ref: DatasetRef, name: str) -> pa.Table:
    return compress(StoredTable.read(butler, ref, TABLE_COLUMNS[name].__contains__))


def compress(stored: StoredTable) -> pa.Table:
    """Keep texts of which few are different once."""
    columns = []
    for field in stored.table.schema:
        column = stored.table[field.name]
        columns.append(column.dictionary_encode() if pa.types.is_string(field.type) else column)
    fields = [
        field.with_type(column.type) for field, column in zip(stored.table.schema, columns, strict=True)
    ]
    return pa.table(columns, schema=pa.schema(fields))


def joinTables(tables: Sequence[pa.Table], name: str) -> Table:
    """Join tables, one below the other.

    Parameters
    ----------
    tables
        Tables that may differ in their columns; a text is empty, and a number NaN or -1, where there is none.
    name
        Name of the table in `TABLE_COLUMNS`.

    Returns
    -------
    joined
        With units and descriptions. Texts are objects, each different one once in memory.
    """
    if not tables:
        return Table()
    together = pa.concat_tables(tables, promote_options="default")
    joined = Table()
    for field in together.schema:
        unit = (field.metadata or {}).get(b"unit", b"").decode()
        joined[field.name] = Column(
            _toNumpy(together[field.name]),
            unit=u.Unit(unit) if unit else None,
            description=TABLE_COLUMNS[name].get(field.name, ""),
        )
    return joined


def _toNumpy(column: pa.ChunkedArray) -> np.ndarray:
    """Make an array of a column."""
    if pa.types.is_dictionary(column.type):
        encoded = column.unify_dictionaries().combine_chunks()
        texts = np.array([*encoded.dictionary.to_pylist(), ""], dtype=object)
        return texts[encoded.indices.fill_null(len(texts) - 1).to_numpy(zero_copy_only=False)]
    empty = np.nan if pa.types.is_floating(column.type) else False if pa.types.is_boolean(column.type) else -1
    return np.array(column.fill_null(empty).to_numpy())


def orderCulprits(culprits: Table, product: Product, layout: CameraLayout) -> Table:
    """Add the distances to the limits, and sort the worst to the top.

    Parameters
    ----------
    culprits
        Culprits of all exposures; changed.
    product
        The product, with its limits.
    layout
        The camera.

    Returns
    -------
    sorted
        Sorted by the distance, then by exposure, in the order of the tables; what has no distance is last.
    """
    if not len(culprits):
        return culprits
    margin = np.full(len(culprits), np.nan)
    place = {int(number): i for i, number in enumerate(layout.detectorId.tolist())}
    index = np.array([place.get(number, len(place)) for number in culprits["detector"].tolist()], dtype=int)
    types = np.append(layout.physicalType, "")[index]
    keys = np.asarray(culprits["test"])
    for test in product:
        if test.quantity is not None and len(rows := np.flatnonzero(keys == test.key)):
            quantity: FloatArray = np.asarray(culprits["quantity"], dtype=np.float64)[rows]
            margin[rows] = margins(test, quantity, types[rows])
    culprits[MARGIN] = Column(
        margin, description="Distance to the limit: negative beyond it; NaN where there is none."
    )
    return culprits[np.argsort(np.where(np.isnan(margin), np.inf, margin), kind="stable")]


def findUnknown(tables: Iterable[pa.Table]) -> set[str]:
    """Name the tests of which something is listed as unknown, so that they were run."""
    unknown = STATUS_NAMES[UNKNOWN]
    found: set[str] = set()
    for table in tables:
        chosen = pc.equal(table["status"], unknown)
        found |= set(table["test"].filter(chosen).unique().to_pylist())
    return found
