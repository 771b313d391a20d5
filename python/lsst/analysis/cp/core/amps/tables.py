# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Summaries as astropy tables with units."""

from __future__ import annotations

import astropy.units as u
import numpy as np
from astropy.table import Table

from lsst.analysis.cp.core.typing import IndexArray, NameArray

from .status import FAILED, statusNames
from .summary import AmpSummary
from .table import AmpTable

__all__ = ["ampSummaryTable", "detectorSummaryTable", "runCountsTable"]


def detectorSummaryTable(summary: AmpSummary) -> Table:
    """Write a summary by detector as a table.

    Parameters
    ----------
    summary
        A summary at detector level.

    Returns
    -------
    table
        One row for each segment, with or without results: each pair of exposure and detector of the layout,
        or each detector of a run. Columns ``<KEY>_<measurement>`` and ``<KEY>_status`` hold the tests.
    """
    layout, index = summary.layout, summary.detectorIndex
    table = Table()
    if summary.level == "detector":
        table["exposure"] = summary.exposure
    table["detector"] = layout.detectorId[index]
    table["detectorName"] = layout.detectorName[index]
    table["detectorType"] = layout.detectorType[index]
    table["physicalType"] = layout.physicalType[index]
    table["nAmps"] = summary.nAmps
    table["nAmpsMissing"] = summary.nAmpsMissing
    for name, counts in summary.counts.items():
        table[name] = counts
    table["missingAmps"] = missingAmps(summary)
    table["status"] = statusNames(summary.status)
    for key, test in summary.tests.items():
        for name, values in test.columns().items():
            counted = values.dtype.kind == "i"
            table[f"{key}_{name}"] = values if counted else values * u.Unit(test.test.measurementUnit(name))
        if test.verdicts is not None:
            table[f"{key}_status"] = statusNames(test.verdicts.status)
    return table


def missingAmps(summary: AmpSummary) -> NameArray:
    """Name the amplifiers that should have a row and have none.

    Parameters
    ----------
    summary
        A summary at detector level.

    Returns
    -------
    names
        Names of each segment, space-separated, shape (nSegments,).
    """
    layout = summary.layout
    result = np.full(len(summary), "", dtype=object)
    incomplete = np.flatnonzero(summary.nAmpsMissing)
    if len(incomplete) == 0:
        return result.astype(np.str_)
    # The same few patterns repeat from exposure to exposure: name each once.
    patterns = np.column_stack([summary.detectorIndex[incomplete], summary.present[incomplete]])
    unique, which = np.unique(patterns, axis=0, return_inverse=True)
    texts = []
    for detector, *present in unique.tolist():
        start = layout.firstAmp[detector]
        names = layout.ampName[start : start + layout.ampsPerDetector[detector]]
        texts.append(" ".join(n for n, there in zip(names.tolist(), present, strict=False) if not there))
    result[incomplete] = np.array(texts, dtype=object)[which.ravel()]
    return result.astype(np.str_)


def ampSummaryTable(ampTable: AmpTable) -> Table:
    """Write results of amplifiers, with their tested quantities, as a table.

    Parameters
    ----------
    ampTable
        Results of amplifiers.

    Returns
    -------
    table
        One row for each amplifier and exposure that has a row, in the order of the input. Columns
        ``<KEY>_value``, ``<KEY>_quantity`` and ``<KEY>_status`` hold the tests.
    """
    table = _ampColumns(ampTable, ampTable.ampIndex)
    table.add_column(ampTable.exposure, name="exposure", index=0)
    table["readNoise"] = ampTable.readNoise * u.electron
    table["gain"] = ampTable.gain * u.electron / u.adu
    table["readNoiseSource"] = ampTable.readNoiseSource
    for test in ampTable.tests:
        if test.statisticColumn is not None:
            table[f"{test.key}_value"] = ampTable.statistics[test.statisticColumn] * u.Unit(test.unit)
        if (quantity := ampTable.quantity(test)) is not None:
            table[f"{test.key}_quantity"] = quantity * u.Unit(test.quantityUnit)
        if (status := ampTable.status(test)) is not None:
            table[f"{test.key}_status"] = statusNames(status)
    return table


def runCountsTable(ampTable: AmpTable) -> Table:
    """Count the exposures in which each amplifier failed.

    Parameters
    ----------
    ampTable
        Results of amplifiers of a run.

    Returns
    -------
    table
        One row for each amplifier of the layout. ``nExposures`` counts exposures in which it has a row,
        ``<KEY>_nTested`` and ``<KEY>_nFailed`` those in which it was tested and failed, and
        ``<KEY>_majorityFailed`` tells whether it failed in the majority of the run's exposures.
    """
    n = ampTable.layout.nAmps
    majority = len(ampTable.exposures) // 2 + 1
    table = _ampColumns(ampTable, np.arange(n))
    table["nExposures"] = np.bincount(ampTable.ampIndex, minlength=n)
    for test in ampTable.tests:
        if test.verifyColumn is not None:
            flags = ampTable.flags[test.verifyColumn]
            n_failed = np.bincount(ampTable.ampIndex[flags == FAILED], minlength=n)
            table[f"{test.key}_nTested"] = np.bincount(ampTable.ampIndex[flags >= 0], minlength=n)
            table[f"{test.key}_nFailed"] = n_failed
            table[f"{test.key}_majorityFailed"] = n_failed >= majority
    return table


def _ampColumns(ampTable: AmpTable, ampIndex: IndexArray) -> Table:
    """Start a table with the columns that identify amplifiers."""
    layout = ampTable.layout
    detector = layout.ampDetector[ampIndex]
    table = Table()
    table["detector"] = layout.detectorId[detector]
    table["detectorName"] = layout.detectorName[detector]
    table["detectorType"] = layout.detectorType[detector]
    table["physicalType"] = layout.physicalType[detector]
    table["amplifier"] = layout.ampName[ampIndex]
    return table
