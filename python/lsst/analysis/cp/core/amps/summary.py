# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Statistics of the amplifiers of each detector in each exposure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import astropy.units as u
import numpy as np

from lsst.analysis.cp.catalogue import Product, Test
from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.groups import Reduction, SegmentGrid
from lsst.analysis.cp.core.typing import BoolArray, FlagArray, FloatArray, IdArray, IndexArray

from .status import FAILED, GOOD, UNKNOWN, combineStatus
from .table import AmpTable

__all__ = ["AmpSummary", "TestSummary", "VerdictCounts", "overallStatus", "reduceTests", "summarizeAmps"]


@dataclass(frozen=True, kw_only=True, eq=False)
class VerdictCounts:
    """Verdicts of one test, counted over the amplifiers of each segment.

    Parameters
    ----------
    nTested, nFailed
        Number of amplifiers with a verdict, and with the verdict False, shape (nSegments,).
    nGood
        Number of amplifiers that passed with a finite statistic, shape (nSegments,).
    status
        Status codes, shape (nSegments,).
    wasRun
        Whether an amplifier without a verdict is unknown; see `AmpTable.wasRun`.
    """

    nTested: IdArray
    nFailed: IdArray
    nGood: IdArray
    status: FlagArray
    wasRun: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class TestSummary:
    """One test, reduced over the amplifiers of each segment.

    Parameters
    ----------
    test
        The test.
    statistic
        Its statistic, reduced; None if it has none.
    quantity
        Its tested quantity, reduced; None if it has none.
    verdicts
        Its verdicts, counted; None if nothing is tested.
    counts
        Further counts by name, each of shape (nSegments,).
    """

    __test__ = False

    test: Test
    statistic: Reduction | None
    quantity: Reduction | None
    verdicts: VerdictCounts | None
    counts: Mapping[str, IdArray] = field(default_factory=dict)

    def columns(self) -> dict[str, FloatArray | IdArray]:
        """Get all reductions by the name of their measurement.

        Returns
        -------
        columns
            Floats of `Test.measurementUnit` and integer counts, each of shape (nSegments,). Which there are
            depends on the declaration of the test and the level only.
        """
        result: dict[str, FloatArray | IdArray] = {}
        for reduction, names in (
            (self.statistic, ("min", "median", "max")),
            (self.quantity, ("quantityMin", "quantityMedian", "quantityMax")),
        ):
            if reduction is not None:
                values = (reduction.minimum, reduction.median, reduction.maximum)
                result.update(zip(names, values, strict=True))
        if self.statistic is not None:
            result["nValid"] = self.statistic.nValid
        if self.verdicts is not None:
            result |= {"nTested": self.verdicts.nTested, "nFailed": self.verdicts.nFailed}
        return result | dict(self.counts)


@dataclass(frozen=True, kw_only=True, eq=False)
class AmpSummary:
    """All tests, reduced over the amplifiers of each segment.

    Parameters
    ----------
    level
        One of the catalogue's `MEASUREMENT_LEVELS`.
    product
        The product that was verified.
    layout
        The camera.
    nAmps
        Number of amplifiers with a row, shape (nSegments,).
    nAmpsExpected
        Number of amplifiers that should have one, shape (nSegments,).
    tests
        Summaries of the tests by key.
    status
        Status codes over all tests, shape (nSegments,).
    exposure
        Exposure id of each segment, shape (nSegments,); empty if a segment holds several.
    detectorIndex
        Index of each segment's detector in the layout, shape (nSegments,); empty if a segment holds
        several.
    present
        Whether an amplifier has a row, shape (nSegments, width), where column i is the i-th amplifier of the
        detector; empty if a segment holds several detectors.
    counts
        Further counts by name, each of shape (nSegments,).
    """

    level: str
    product: Product
    layout: CameraLayout
    nAmps: IdArray
    nAmpsExpected: IdArray
    tests: Mapping[str, TestSummary]
    status: FlagArray
    exposure: IdArray = field(default_factory=lambda: np.empty(0, np.int64))
    detectorIndex: IndexArray = field(default_factory=lambda: np.empty(0, np.intp))
    present: BoolArray = field(default_factory=lambda: np.empty((0, 0), np.bool_))
    counts: Mapping[str, IdArray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.nAmps)

    @cached_property
    def nAmpsMissing(self) -> IdArray:
        """Number of amplifiers that should have a row and have none, shape (nSegments,)."""
        return self.nAmpsExpected - self.nAmps

    def measurements(self, key: str) -> dict[str, u.Quantity]:
        """Get everything that a tool of this level emits.

        Parameters
        ----------
        key
            Key of the test.

        Returns
        -------
        measurements
            By measurement name, each of shape (nSegments,), with its unit.
        """
        test = self.tests[key]
        columns = {**test.columns(), "nAmps": self.nAmps, **self.counts}
        return {name: values * u.Unit(test.test.measurementUnit(name)) for name, values in columns.items()}


def summarizeAmps(ampTable: AmpTable, tests: Collection[str] | None = None) -> AmpSummary:
    """Reduce all tests over the amplifiers of each detector in each exposure.

    Parameters
    ----------
    ampTable
        Results of amplifiers. Not modified.
    tests
        Keys of the tests to reduce; all that were read if None.

    Returns
    -------
    summary
        One segment for each pair of expected exposure and detector of the layout, with or without rows,
        ordered by exposure. Minimum, median and maximum are over finite values.
    """
    layout = ampTable.layout
    n_exposures, n_detectors = len(ampTable.exposures), layout.nDetectors
    grid = _makeGrid(ampTable)
    expected = np.tile(layout.ampsPerDetector, n_exposures)
    summaries = reduceTests(ampTable, grid, expected, tests)
    return AmpSummary(
        level="detector",
        product=ampTable.product,
        layout=layout,
        exposure=np.repeat(ampTable.exposures, n_detectors),
        detectorIndex=np.tile(np.arange(n_detectors), n_exposures),
        present=grid.present,
        nAmps=grid.nMembers,
        nAmpsExpected=expected,
        tests=summaries,
        status=overallStatus(summaries, grid.nMembers, expected),
    )


def overallStatus(tests: Mapping[str, TestSummary], nAmps: IdArray, expected: IdArray) -> FlagArray:
    """Roll up the status of all tests.

    Parameters
    ----------
    tests
        Summaries of the tests.
    nAmps
        Number of amplifiers with a row, shape (nSegments,).
    expected
        Number of amplifiers that should have one, shape (nSegments,).

    Returns
    -------
    status
        Status codes, shape (nSegments,).
    """
    verdicts = [summary.verdicts for summary in tests.values() if summary.verdicts is not None]
    required = [verdict for verdict in verdicts if verdict.wasRun]
    failed = np.zeros(len(nAmps), dtype=bool)
    for verdict in verdicts:
        failed |= verdict.status == FAILED
    complete = (nAmps == expected) & (expected > 0) & bool(required)
    for verdict in required:
        complete &= verdict.status != UNKNOWN
    return combineStatus(failed, complete)


def _makeGrid(ampTable: AmpTable) -> SegmentGrid:
    """Group rows by exposure and detector."""
    layout = ampTable.layout
    width = int(layout.ampsPerDetector.max(initial=0))
    cell_of_amp = layout.ampDetector * width + layout.memberOfAmp
    return SegmentGrid.fromCells(
        ampTable.exposureIndex * (layout.nDetectors * width) + cell_of_amp[ampTable.ampIndex],
        nSegments=len(ampTable.exposures) * layout.nDetectors,
        width=width,
    )


def reduceTests(
    ampTable: AmpTable,
    grid: SegmentGrid,
    expected: IdArray,
    keys: Collection[str] | None = None,
) -> dict[str, TestSummary]:
    """Reduce each test over the groups of a grid.

    Parameters
    ----------
    ampTable
        Results of amplifiers.
    grid
        Groups of its rows.
    expected
        Number of amplifiers that each group should have, shape (nSegments,).
    keys
        Keys of the tests to reduce; all that were read if None.

    Returns
    -------
    summaries
        Summaries by key, without counts of detectors or exposures.
    """
    tests = [test for test in ampTable.tests if keys is None or test.key in keys]
    scratch = grid.makeScratch()
    # A statistic that several tests share is reduced once.
    columns = dict.fromkeys(test.statisticColumn for test in tests if test.statisticColumn is not None)
    statistics = {column: grid.reduce(ampTable.statistics[column], scratch) for column in columns}
    quantities = {}
    buffer = np.empty(len(ampTable))
    for test in tests:
        if test.quantity is not None:
            quantities[test.key] = grid.reduce(ampTable.evaluateQuantity(test, buffer), scratch)
    return {
        test.key: TestSummary(
            test=test,
            statistic=None if test.statisticColumn is None else statistics[test.statisticColumn],
            quantity=quantities.get(test.key),
            verdicts=None if test.verify is None else _countVerdicts(ampTable, test, grid, expected),
        )
        for test in tests
    }


def _countVerdicts(ampTable: AmpTable, test: Test, grid: SegmentGrid, expected: IdArray) -> VerdictCounts:
    """Count the verdicts of a test in each group."""
    flags = ampTable.flags[str(test.verifyColumn)]
    codes = flags + np.int8(1)
    if test.statisticColumn is None:
        codes[flags == GOOD] = 3
    else:
        codes += (flags == GOOD) & np.isfinite(ampTable.statistics[test.statisticColumn])
    n_untested, n_failed, _, n_good = grid.countCodes(codes, 4)
    return VerdictCounts(
        nTested=grid.nMembers - n_untested,
        nFailed=n_failed,
        nGood=n_good,
        status=combineStatus(n_failed > 0, (n_good == expected) & (expected > 0)),
        wasRun=ampTable.wasRun(test),
    )
