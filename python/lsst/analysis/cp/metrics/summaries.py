# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Summary tables of detectors, which have the metrics of all detectors in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING

import numpy as np

from lsst.analysis.cp.catalogue import (
    MEASUREMENTS,
    Level,
    Product,
    VerifyTest,
    getProduct,
    measuredUnit,
    measurementUnits,
    products,
    summaryColumn,
)
from lsst.analysis.cp.core import floatColumn, idColumn, nameColumn
from lsst.analysis.cp.core.typing import FloatArray

from .criteria import WantedMetrics
from .fetching import Fetched
from .gatherer import RecordGatherer, describeRef
from .records import DetectorName, DetectorsById, findRaft
from .table import TrendTableError
from .times import ObservationTimes

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["SUMMARY_SUFFIX", "findProduct", "readSummary"]

SUMMARY_SUFFIX = "_detectorSummary"
"""End of the names of dataset types of detector summary tables."""

_DETECTOR_COLUMNS = ("detector", "detectorName", "physicalType")
_AMP_COLUMNS = ("nAmps", "nAmpsMissing")
"""Columns of products with tests of amplifiers."""


def findProduct(datasetType: str, product: str | None) -> Product:
    """Find the product that a table belongs to, by the table's name if it is not said."""
    stems = {name: f"cp{name[0].upper()}{name[1:]}" for name in products()}
    named = [name for name, stem in stems.items() if stem in datasetType]
    # The name of a product may begin with that of another.
    longest = [name for name in named if not any(other != name and other.startswith(name) for other in named)]
    found = [product] if product else longest
    if len(found) != 1:
        raise TrendTableError(
            f"dataset type {datasetType!r} names no product: say which, or expected one of "
            f"{', '.join(stems.values())} in it"
        )
    return getProduct(found[0])


def _findColumns(test: VerifyTest, level: Level, stored: Set[str], wanted: WantedMetrics) -> dict[str, str]:
    """Find the column of each wanted measurement; none if the table was made without the test."""
    columns = {
        name: column
        for name in measurementUnits(test, level)
        if (column := summaryColumn(test, name)) in stored
    }
    # All tests have the columns of these.
    if all(MEASUREMENTS[name].of == "rows" for name in columns):
        return {}
    return {name: column for name, column in columns.items() if wanted.isRead(name)}


def readSummary(
    fetched: Fetched,
    product: Product,
    wanted: WantedMetrics,
    times: ObservationTimes,
    gatherer: RecordGatherer,
) -> tuple[set[tuple[str, str]], DetectorsById]:
    """Read the wanted columns of a table; return the topics and tools of its tests, and its detectors."""
    handle = fetched.handle
    name = handle.ref.datasetType.name
    instrument, _, exposure, *rest = describeRef(handle.ref, times)
    stored = set(fetched.listColumns())
    counts = _AMP_COLUMNS if any(test.row == "amplifier" for test in product) else ()
    required = (*_DETECTOR_COLUMNS, *counts)
    if missing := [column for column in required if column not in stored]:
        raise TrendTableError(f"{name} {handle.dataId} lacks column(s) {', '.join(missing)}")
    stem = f"{name.removesuffix(SUMMARY_SUFFIX)}Det_"
    # A table of no exposure is one of a run, or of a calibration without exposures, which lacks some columns.
    level = Level("runDetector" if exposure is None else "detector")
    columns = {
        test: found
        for test in product
        if wanted.hasMetric(f"{stem}{test.toolName}", test.toolName)
        and (found := _findColumns(test, level, stored, wanted))
    }
    needed = {column for found in columns.values() for column in found.values()}
    table = fetched.readColumns(sorted({*required, *needed}))
    numbers, present = idColumn(table["detector"], "detector")
    if not present.all() or (numbers < 0).any() or np.asarray(table["detector"]).dtype.kind == "b":
        raise TrendTableError(f"{name} {handle.dataId}: column 'detector' holds what is no id")
    ids = numbers.tolist()
    n_amps = (
        np.sum([np.asarray(table[column]) for column in counts], axis=0).tolist()
        if counts
        else [None] * len(ids)
    )
    texts = (nameColumn(table[column], column)[0].tolist() for column in ("detectorName", "physicalType"))
    detectors = {
        (instrument, number): DetectorName(
            name=detector, raft=findRaft(detector), physicalType=vendor or None, nAmps=count
        )
        for number, detector, vendor, count in zip(ids, *texts, n_amps, strict=True)
    }
    # Nothing is gathered of a table with a column that cannot be read.
    parts = list(_readValues(table, columns))
    rows = gatherer.addKeys([(instrument, number, exposure, *rest) for number in ids])
    for tool, units, values in parts:
        gatherer.add(f"{stem}{tool}", tool, units, rows, values)
    return {(f"{stem}{test.toolName}", test.toolName) for test in columns}, detectors


def _readValues(
    table: Table, columns: Mapping[VerifyTest, Mapping[str, str]]
) -> Iterator[tuple[str, dict[str, str], FloatArray]]:
    """Read the columns of each test in electrons or ADU, as the table has it, one record after the other."""
    for test, found in columns.items():
        units = {
            name: measuredUnit({str(table[column].unit or ""): 1}, test.measurementUnit(name))
            for name, column in found.items()
        }
        values = [floatColumn(table[column], column, units[name]) for name, column in found.items()]
        yield test.toolName, units, np.column_stack(values).ravel()
