# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Summary tables of detectors, which have the metrics of all detectors in one file."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

import numpy as np

from lsst.analysis.cp.catalogue import (
    MEASUREMENTS,
    Level,
    Product,
    VerifyTest,
    getProduct,
    measurementUnits,
    products,
    summaryColumn,
)
from lsst.analysis.cp.core import floatColumn, idColumn, nameColumn

from .criteria import WantedMetrics
from .gatherer import RecordGatherer, describeRef
from .records import DetectorName, DetectorsById, findRaft
from .table import TrendTableError
from .times import ObservationTimes

if TYPE_CHECKING:
    from lsst.daf.butler import DeferredDatasetHandle

__all__ = ["SUMMARY_SUFFIX", "findProduct", "readSummary"]

SUMMARY_SUFFIX = "_detectorSummary"
"""End of the names of dataset types of detector summary tables."""

_DETECTOR_COLUMNS = ("detector", "detectorName", "physicalType", "nAmps", "nAmpsMissing")


def findProduct(datasetType: str, product: str | None) -> Product:
    """Find the product that a table belongs to, by the table's name if it is not said."""
    stems = {name: f"cp{name[0].upper()}{name[1:]}" for name in products()}
    found = [product] if product else [name for name, stem in stems.items() if stem in datasetType]
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
    handle: DeferredDatasetHandle,
    product: Product,
    wanted: WantedMetrics,
    times: ObservationTimes,
    gatherer: RecordGatherer,
) -> tuple[set[tuple[str, str]], DetectorsById]:
    """Read the wanted columns of a table; return the topics and tools of its tests, and its detectors."""
    name = handle.ref.datasetType.name
    instrument, _, exposure, *rest = describeRef(handle.ref, times)
    stored = {str(column) for column in handle.get(component="columns")}
    if missing := [column for column in _DETECTOR_COLUMNS if column not in stored]:
        raise TrendTableError(f"{name} {handle.dataId} lacks column(s) {', '.join(missing)}")
    stem = f"{name.removesuffix(SUMMARY_SUFFIX)}Det_"
    # A table of no exposure is one of a run, or of a calibration without exposures, which lacks some columns.
    level = Level("runDetector" if exposure is None else "detector")
    columns = {
        test.toolName: found
        for test in product
        if wanted.hasMetric(f"{stem}{test.toolName}", test.toolName)
        and (found := _findColumns(test, level, stored, wanted))
    }
    needed = {column for found in columns.values() for column in found.values()}
    table = handle.get(parameters={"columns": sorted({*_DETECTOR_COLUMNS, *needed})})
    numbers, present = idColumn(table["detector"], "detector")
    if not present.all() or (numbers < 0).any() or np.asarray(table["detector"]).dtype.kind == "b":
        raise TrendTableError(f"{name} {handle.dataId}: column 'detector' holds what is no id")
    ids = numbers.tolist()
    floats = {column: floatColumn(table[column], column) for column in needed}
    n_amps = np.asarray(table["nAmps"]) + np.asarray(table["nAmpsMissing"])
    texts = (nameColumn(table[column], column)[0].tolist() for column in ("detectorName", "physicalType"))
    detectors = {
        (instrument, number): DetectorName(
            name=detector, raft=findRaft(detector), physicalType=vendor or None, nAmps=count
        )
        for number, detector, vendor, count in zip(ids, *texts, n_amps.tolist(), strict=True)
    }
    rows = gatherer.addKeys([(instrument, number, exposure, *rest) for number in ids])
    for tool, found in columns.items():
        units = {each: str(table[column].unit or "") for each, column in found.items()}
        values = np.column_stack([floats[column] for column in found.values()])
        gatherer.add(f"{stem}{tool}", tool, units, rows, values.ravel())
    return {(f"{stem}{tool}", tool) for tool in columns}, detectors
