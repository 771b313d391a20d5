# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Statistics of the amplifiers of each detector in each exposure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import astropy.units as u
import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.catalogue import Product, Test

from .ampTable import AmpTable
from .cameraLayout import CameraLayout
from .segments import Reduction, SegmentGrid, reduceRows
from .status import FAILED, GOOD, combineStatus

__all__ = ["AmpSummary", "TestSummary", "summarizeAmps"]


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
    nTested, nFailed
        Number of amplifiers with a verdict, and with the verdict False, shape (nSegments,); None if nothing is
        tested.
    nGood
        Number of amplifiers that passed with a finite statistic, shape (nSegments,); None if nothing is tested.
    status
        Status codes, shape (nSegments,); None if nothing is tested.
    wasRun
        Whether an amplifier without a verdict is unknown; see `AmpTable.wasRun`.
    counts
        Further counts by name, each of shape (nSegments,).
    """

    __test__ = False

    test: Test
    statistic: Reduction | None
    quantity: Reduction | None
    nTested: npt.NDArray[np.int64] | None
    nFailed: npt.NDArray[np.int64] | None
    nGood: npt.NDArray[np.int64] | None
    status: npt.NDArray[np.int8] | None
    wasRun: bool
    counts: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)

    def measurements(self) -> dict[str, u.Quantity]:
        """Get all reductions by name.

        Returns
        -------
        measurements
            Each of shape (nSegments,), with its unit; counts are dimensionless. Which there are depends on the
            test's declaration and the level only.
        """
        result = {}
        for reduction, names, unit in (
            (self.statistic, ("min", "median", "max"), self.test.unit),
            (self.quantity, ("quantityMin", "quantityMedian", "quantityMax"), self.test.quantityUnit),
        ):
            if reduction is not None:
                values = (reduction.minimum, reduction.median, reduction.maximum)
                result.update({n: v * u.Unit(unit) for n, v in zip(names, values, strict=True)})
        counts = {} if self.statistic is None else {"nValid": self.statistic.nValid}
        if self.nTested is not None and self.nFailed is not None:
            counts |= {"nTested": self.nTested, "nFailed": self.nFailed}
        counts |= self.counts
        return result | {name: count * u.dimensionless_unscaled for name, count in counts.items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class AmpSummary:
    """All tests, reduced over the amplifiers of each segment.

    Parameters
    ----------
    level
        ``"detector"``, ``"exposure"`` or ``"run"``.
    product
        The product that was verified.
    layout
        The camera.
    exposure
        Exposure id of each segment, shape (nSegments,); None at run level.
    detectorIndex
        Index of each segment's detector in the layout, shape (nSegments,); None at other levels.
    present
        Whether an amplifier has a row, shape (nSegments, width); only at detector level, where column i is the
        i-th amplifier of the detector.
    nAmps
        Number of amplifiers with a row, shape (nSegments,).
    nAmpsExpected
        Number of amplifiers that should have one, shape (nSegments,).
    tests
        Summaries of the tests by key.
    status
        Status codes over all tests, shape (nSegments,).
    counts
        Further counts by name, each of shape (nSegments,).
    """

    level: str
    product: Product
    layout: CameraLayout
    exposure: npt.NDArray[np.int64] | None
    detectorIndex: npt.NDArray[np.intp] | None
    present: npt.NDArray[np.bool_] | None
    nAmps: npt.NDArray[np.int64]
    nAmpsExpected: npt.NDArray[np.int64]
    tests: Mapping[str, TestSummary]
    status: npt.NDArray[np.int8]
    counts: Mapping[str, npt.NDArray[np.int64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.nAmps)

    @cached_property
    def nAmpsMissing(self) -> npt.NDArray[np.int64]:
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
        result = self.tests[key].measurements()
        counts = {"nAmps": self.nAmps, **self.counts}
        return result | {name: count * u.dimensionless_unscaled for name, count in counts.items()}


def summarizeAmps(ampTable: AmpTable, tests: Iterable[str] | None = None) -> AmpSummary:
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
        One segment for each pair of expected exposure and detector of the layout, with or without rows, exposures
        first. Minimum, median and maximum are over finite values; ``nFailed`` counts verdicts that are False.
    """
    layout = ampTable.layout
    n_exposures, n_detectors = len(ampTable.exposures), layout.nDetectors
    grid = _makeGrid(ampTable)
    present = grid.placeFlags(np.ones(len(ampTable), dtype=np.int8)) == 1
    n_amps = np.count_nonzero(present, axis=1)
    expected = np.tile(layout.ampsPerDetector, n_exposures)
    summaries = _reduceTests(ampTable, grid, expected, None if tests is None else set(tests))
    return AmpSummary(
        level="detector",
        product=ampTable.product,
        layout=layout,
        exposure=np.repeat(ampTable.exposures, n_detectors),
        detectorIndex=np.tile(np.arange(n_detectors), n_exposures),
        present=present,
        nAmps=n_amps,
        nAmpsExpected=expected,
        tests=summaries,
        status=overallStatus(summaries, n_amps, expected),
    )


def overallStatus(
    tests: Mapping[str, TestSummary], nAmps: npt.NDArray[np.int64], expected: npt.NDArray[np.int64]
) -> npt.NDArray[np.int8]:
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
    failed = np.zeros(len(nAmps), dtype=bool)
    complete = (nAmps == expected) & (expected > 0)
    n_run = 0
    for summary in tests.values():
        if summary.status is not None:
            failed |= summary.status == FAILED
            if summary.wasRun:
                n_run += 1
                complete &= summary.status != -1
    return combineStatus(failed, complete & (n_run > 0))


def _makeGrid(ampTable: AmpTable) -> SegmentGrid:
    """Give each row its cell among (exposure, detector, amplifier)."""
    layout = ampTable.layout
    width = int(layout.ampsPerDetector.max(initial=0))
    cell_of_amp = layout.ampDetector * width + np.arange(layout.nAmps) - layout.firstAmp[layout.ampDetector]
    position = ampTable.exposureIndex * (layout.nDetectors * width) + cell_of_amp[ampTable.ampIndex]
    return SegmentGrid(position=position, nSegments=len(ampTable.exposures) * layout.nDetectors, width=width)


def _reduceTests(
    ampTable: AmpTable, grid: SegmentGrid, expected: npt.NDArray[np.int64], keys: set[str] | None
) -> dict[str, TestSummary]:
    """Reduce each test; a statistic that several tests share is reduced once."""
    summaries = {}
    for test in ampTable.tests:
        if keys is not None and test.key not in keys:
            continue
        quantity = ampTable.quantity(test)
        statistic = None
        if test.statisticColumn is not None:
            statistic = reduceRows(grid.place(ampTable.statistics[test.statisticColumn]))
        n_tested = n_failed = n_good = status = None
        if test.verifyColumn is not None:
            flags = grid.placeFlags(ampTable.flags[test.verifyColumn])
            n_tested = np.count_nonzero(flags != -1, axis=1)
            n_failed = np.count_nonzero(flags == FAILED, axis=1)
            n_good = np.count_nonzero(grid.placeFlags(ampTable.status(test)) == GOOD, axis=1)
            status = combineStatus(n_failed > 0, (n_good == expected) & (expected > 0))
        summaries[test.key] = TestSummary(
            test=test,
            statistic=statistic,
            quantity=None if quantity is None else reduceRows(grid.place(quantity)),
            nTested=n_tested,
            nFailed=n_failed,
            nGood=n_good,
            status=status,
            wasRun=ampTable.wasRun(test),
        )
    return summaries
