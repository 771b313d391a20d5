# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of the metrics of detectors from the tables that they were made of."""

from __future__ import annotations

__all__ = ["SUMMARY_SUFFIX", "readSummary"]

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from lsst.analysis.cp.catalogue import Product, Test, getProduct, measurementUnits, products, summaryColumn
from lsst.analysis.cp.core import floatColumn, idColumn, nameColumn

from .detectorNames import DetectorName, DetectorsById, findRaft
from .labels import Labels
from .observationTimes import ObservationTimes, toMjd
from .recordColumns import RecordKey
from .trendBlock import TrendBlock
from .trendTable import TrendTableError
from .wantedMetrics import WantedMetrics

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.daf.butler import DeferredDatasetHandle

SUMMARY_SUFFIX = "_detectorSummary"
"""End of the names of dataset types of detector summary tables."""

_DETECTOR_COLUMNS = ("detector", "detectorName", "physicalType", "nAmps", "nAmpsMissing")


def readSummary(
    handle: DeferredDatasetHandle, wanted: WantedMetrics, times: ObservationTimes
) -> tuple[list[TrendBlock], DetectorsById]:
    """Read those columns of a detector summary table that are wanted.

    Parameters
    ----------
    handle
        Handle of the table.
    wanted
        Which metrics and measurements are wanted.
    times
        Finds the time of the table.

    Returns
    -------
    blocks
        One for each wanted test of which the table has all columns, with a record for each detector.
    detectors
        The detectors.

    Raises
    ------
    TrendTableError
        Raised if neither the name of the dataset type nor the caller names a product of the catalogue, or
        the table lacks what identifies detectors.
    """
    key = RecordKey.fromRef(handle.ref, times)
    name = handle.ref.datasetType.name
    stored = {str(column) for column in handle.get(component="columns")}
    if missing := [column for column in _DETECTOR_COLUMNS if column not in stored]:
        raise TrendTableError(f"{name} {handle.dataId} lacks column(s) {', '.join(missing)}")
    output_name = name.removesuffix(SUMMARY_SUFFIX)
    level = "detector" if key.exposure >= 0 else "runDetector"
    columns = {
        test: tests
        for test in _findProduct(name, wanted.product)
        if wanted.hasMetric(f"{output_name}Det_{test.toolName}", test.toolName)
        and (tests := _findColumns(test, level, stored, wanted))
    }
    names = {column for tests in columns.values() for column in tests.values()}
    table = handle.get(parameters={"columns": sorted({*_DETECTOR_COLUMNS, *names})})
    blocks = [
        _makeBlock(table, key, f"{output_name}Det_{test.toolName}", test.toolName, tests)
        for test, tests in columns.items()
    ]
    return blocks, _nameDetectors(table, key.instrument)


def _findProduct(datasetType: str, product: str | None) -> Product:
    """Find the product that a table belongs to, by the table's name if it is not said."""
    found = [product] if product else [each for each in products() if _stem(each) in datasetType]
    if len(found) != 1:
        raise TrendTableError(
            f"dataset type {datasetType!r} names no product: say which, or expected one of "
            f"{', '.join(map(_stem, products()))} in it"
        )
    return getProduct(found[0])


def _stem(product: str) -> str:
    """Begin the names of outputs of a product."""
    return f"cp{product[0].upper()}{product[1:]}"


def _findColumns(test: Test, level: str, stored: Collection[str], wanted: WantedMetrics) -> dict[str, str]:
    """Find the column of each wanted measurement; none if the table was made without the test."""
    columns = {name: summaryColumn(test, name) for name in measurementUnits(test, level)}
    if not set(columns.values()).issubset(stored):
        return {}
    return {name: column for name, column in columns.items() if wanted.isRead(name)}


def _makeBlock(
    table: Table, key: RecordKey, topic: str, metric: str, columns: Mapping[str, str]
) -> TrendBlock:
    """Make records of the rows of a table."""
    n = len(table)
    units = {name: table[column].unit for name, column in columns.items()}
    return TrendBlock(
        topic=topic,
        metric=metric,
        units={name: "" if unit is None else unit.to_string() for name, unit in units.items()},
        values={name: floatColumn(table[column], column) for name, column in columns.items()},
        instrument=Labels.constant(key.instrument, n),
        physical_filter=Labels.constant(key.physical_filter, n),
        run=Labels.constant(key.run, n),
        detector=idColumn(table["detector"], "detector")[0],
        exposure=np.full(n, key.exposure),
        day_obs=np.full(n, key.day_obs),
        mjd=np.repeat(toMjd(np.array([key.seconds])), n),
    )


def _nameDetectors(table: Table, instrument: str) -> DetectorsById:
    """Take the names of the detectors of a table."""
    expected = np.asarray(table["nAmps"]) + np.asarray(table["nAmpsMissing"])
    names, _ = nameColumn(table["detectorName"], "detectorName")
    vendors, _ = nameColumn(table["physicalType"], "physicalType")
    rows = zip(table["detector"].tolist(), names.tolist(), vendors.tolist(), expected.tolist(), strict=True)
    return {
        (instrument, number): DetectorName(
            name=name, raft=findRaft(name), physicalType=vendor or None, nAmps=n_amps
        )
        for number, name, vendor, n_amps in rows
    }
