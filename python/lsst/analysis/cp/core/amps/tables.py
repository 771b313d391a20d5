# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Summaries as astropy tables with units and descriptions."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.table import Table

from lsst.analysis.cp.catalogue import measurementsOf, summaryColumn
from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.tableColumns import describeColumns
from lsst.analysis.cp.core.typing import IndexArray, NameArray

from .summary import AmpSummary
from .table import AmpTable
from .verdicts import FAILED, UNKNOWN, statusNames

__all__ = ["ampSummaryTable", "detectorSummaryTable", "runCountsTable"]


def detectorSummaryTable(summary: AmpSummary) -> Table:
    """Write a summary by detector as a table.

    Parameters
    ----------
    summary
        A summary at one of the levels of detectors.

    Returns
    -------
    table
        One row for each group, with or without results: each pair of exposure and detector of the layout, or
        each detector of a run. Columns ``<KEY>_<measurement>`` and ``<KEY>_status`` hold the tests. Counts of
        amplifiers are there if a test is of amplifiers, ``nDetectors`` if one is of detectors.
    """
    table = _startTable(summary.layout, summary.detectorIndex)
    if "exposure" in summary.level.keys:
        table.add_column(summary.exposure, name="exposure", index=0)
    kinds = {reduced.test.row for reduced in summary.tests.values()} or {"amplifier"}
    if "amplifier" in kinds:
        table["nAmps"] = summary.nAmps
        table["nAmpsMissing"] = summary.nAmpsMissing
    if "detector" in kinds:
        table["nDetectors"] = summary.counts["detector"]["nDetectors"]
    if summary.level.hasEpochs and not summary.level.byEpoch:
        table["nExposures"] = summary.counts[min(kinds)]["nExposures"]
    if "amplifier" in kinds:
        table["missingAmps"] = _missingAmps(summary)
    table["status"] = statusNames(summary.status)
    for key, reduced in summary.tests.items():
        for kind in measurementsOf(reduced.test, summary.level):
            if kind.of != "rows":
                values, unit = reduced.values[kind.name], reduced.test.measurementUnit(kind.name)
                column = summaryColumn(reduced.test, kind.name)
                table[column] = values if values.dtype.kind == "i" else values * u.Unit(unit)
        if reduced.status is not None:
            table[f"{key}_status"] = statusNames(reduced.status)
    return describeColumns(table, "detectorSummary", [reduced.test for reduced in summary.tests.values()])


def _missingAmps(summary: AmpSummary) -> NameArray:
    """Name the amplifiers of each group that should have a row and have none, shape (nGroups,)."""
    layout = summary.layout
    result = np.full(len(summary), "", dtype=object)
    for group in np.flatnonzero(summary.nAmpsMissing):
        detector = summary.detectorIndex[group]
        first, n_amps = layout.firstAmp[detector], layout.ampsPerDetector[detector]
        absent = ~summary.present[group, :n_amps]
        result[group] = " ".join(layout.ampName[first : first + n_amps][absent])
    return result.astype(np.str_)


def ampSummaryTable(table: AmpTable) -> Table:
    """Write results of amplifiers, with their tested quantities, as a table.

    Parameters
    ----------
    table
        Results.

    Returns
    -------
    written
        One row for each amplifier and exposure that has a row, in the order of the input. Columns
        ``<KEY>_value``, ``<KEY>_quantity`` and ``<KEY>_status`` hold the tests of amplifiers, and
        ``<KEY>_suspicious`` tells whether the value is too low to be plausible, whatever the status. Where
        values are left out because they are no measurements, the description of the column names the
        detectors and amplifiers.
    """
    written = _startTable(table.layout, table.rows["amplifier"].detectorIndex, table.ampIndex)
    if table.epoch != "none":
        written.add_column(table.exposures[table.exposureIndex], name="exposure", index=0)
        for name in ("exposureTime", "darkTime"):
            written[name] = getattr(table.times, name)[table.exposureIndex] * u.s
            written[f"{name}Source"] = getattr(table.times, f"{name}Source")[table.exposureIndex]
    written["readNoise"] = table.readNoise * u.electron
    written["gain"] = table.gain * u.electron / u.adu
    written["readNoiseSource"] = table.readNoiseSource
    for test in table.tests:
        if test.row != "amplifier":
            continue
        if test.statisticColumn is not None:
            written[f"{test.key}_value"] = table.statistics[test.statisticColumn] * u.Unit(test.unit)
        if (quantity := table.quantity(test)) is not None:
            written[f"{test.key}_quantity"] = quantity * u.Unit(test.quantityUnit)
        if (status := table.status(test)) is not None:
            written[f"{test.key}_status"] = statusNames(status)
        if test.has("plausibility"):
            written[f"{test.key}_suspicious"] = table.suspicious(test)
    describeColumns(written, "ampSummary", table.tests)
    for test in table.tests:
        if test.row == "amplifier" and (absent := table.leftOut.get(str(test.statisticColumn))) is not None:
            names = [f"{row['detectorName']} {row['amplifier']}" for row in written[absent]]
            written[f"{test.key}_value"].info.description += f" Left out of {', '.join(names)}: not measured."
    return written


def runCountsTable(table: AmpTable) -> Table:
    """Count the exposures in which each amplifier failed.

    Parameters
    ----------
    table
        Results of a run.

    Returns
    -------
    written
        One row for each amplifier of the layout. ``nExposures`` counts exposures in which it has a row,
        ``<KEY>_nTested``, ``<KEY>_nFailed`` and ``<KEY>_nSuspicious`` those in which it was tested, failed,
        or had a value that is too low to be plausible, and ``<KEY>_majorityFailed`` tells whether it failed
        in the majority of the run's exposures.
    """
    n, amp_index = table.layout.nAmps, table.ampIndex
    majority = len(table.exposures) // 2 + 1
    written = _startTable(table.layout, table.layout.ampDetector, np.arange(n))
    written["nExposures"] = np.bincount(amp_index, minlength=n)
    for test in table.tests:
        if test.row == "amplifier" and (verdict := table.verdict(test)) is not None:
            n_failed = np.bincount(amp_index[verdict == FAILED], minlength=n)
            written[f"{test.key}_nTested"] = np.bincount(amp_index[verdict != UNKNOWN], minlength=n)
            written[f"{test.key}_nFailed"] = n_failed
            written[f"{test.key}_majorityFailed"] = n_failed >= majority
        if test.has("plausibility"):
            written[f"{test.key}_nSuspicious"] = np.bincount(amp_index[table.suspicious(test)], minlength=n)
    return describeColumns(written, "ampSummary of a run", table.tests)


def _startTable(layout: CameraLayout, detectorIndex: IndexArray, ampIndex: IndexArray | None = None) -> Table:
    """Start a table with the columns that identify detectors, or amplifiers."""
    columns = {
        "detector": layout.detectorId,
        "detectorName": layout.detectorName,
        "detectorType": layout.detectorType,
        "physicalType": layout.physicalType,
    }
    table = Table({name: values[detectorIndex] for name, values in columns.items()})
    if ampIndex is not None:
        table["amplifier"] = layout.ampName[ampIndex]
    return table
