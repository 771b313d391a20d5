# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reduction of results to detectors, exposures and runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np

from lsst.analysis.cp.catalogue import Level, Product, VerifyTest, getLevel, measurementsOf
from lsst.analysis.cp.core.camera import CameraLayout, DetectorSelection
from lsst.analysis.cp.core.groups import GroupGrid
from lsst.analysis.cp.core.typing import BoolArray, FlagArray, FloatArray, IdArray, IndexArray

from .table import AmpTable
from .verdicts import FAILED, GOOD, UNKNOWN, MajorityThresholds, combineStatus, majorityThresholds

__all__ = ["AmpSummary", "ReducedTest", "findOverLimit", "overallStatus", "summarize"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReducedTest:
    """One test, reduced over the rows of each group.

    Parameters
    ----------
    test
        The test.
    values
        Reductions and counts by the name of the measurement, each of shape (nGroups,).
    status
        Status codes, shape (nGroups,); None if nothing is tested.
    wasRun
        Whether a row without a verdict is unknown; see `AmpTable.wasRun`.
    """

    test: VerifyTest
    values: Mapping[str, FloatArray | IdArray]
    status: FlagArray | None
    wasRun: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class AmpSummary:
    """All tests that are measured at a level, reduced over the rows of each group.

    Parameters
    ----------
    level
        What one group belongs to.
    product
        The product that was verified.
    layout
        The camera.
    tests
        Reduced tests by key.
    counts
        Counts that all tests of the same kind of rows share, each of shape (nGroups,), by this kind and the
        name of the measurement.
    complete
        Whether every expected row of the kinds that have verdicts which count is there, shape (nGroups,).
    status
        Status codes over all tests whose verdicts count, shape (nGroups,).
    exposure
        Exposure id of each group, shape (nGroups,); empty if a group holds several exposures.
    detectorIndex
        Index of each group's detector in the layout, shape (nGroups,); empty if a group holds several.
    present
        Whether an amplifier has a row (in all exposures of the group), shape (nGroups, width), where column i
        is the i-th amplifier of the detector; empty if a group holds several detectors.
    """

    level: Level
    product: Product
    layout: CameraLayout
    tests: Mapping[str, ReducedTest]
    counts: Mapping[str, Mapping[str, IdArray]]
    complete: BoolArray
    status: FlagArray
    exposure: IdArray
    detectorIndex: IndexArray
    present: BoolArray

    def __len__(self) -> int:
        return len(self.status)

    @property
    def nAmps(self) -> IdArray:
        """Number of amplifiers with a row, shape (nGroups,)."""
        return self.counts["amplifier"]["nAmps"]

    @property
    def nAmpsMissing(self) -> IdArray:
        """Number of amplifiers that should have a row and have none, shape (nGroups,)."""
        return self.counts["amplifier"]["nAmpsMissing"]

    def values(self, key: str) -> dict[str, FloatArray | IdArray]:
        """Get all reductions and counts of a test.

        Parameters
        ----------
        key
            Key of the test.

        Returns
        -------
        values
            By the name of the measurement, each of shape (nGroups,), in the unit of
            `VerifyTest.measurementUnit`.
        """
        reduced = self.tests[key]
        return {**self.counts[reduced.test.row], **reduced.values}


_SUMMARIES: WeakKeyDictionary[AmpTable, dict[tuple[object, ...], AmpSummary]] = WeakKeyDictionary()


def summarize(
    table: AmpTable,
    level: str,
    selection: DetectorSelection | None = None,
    *,
    maxFailuresPerDetector: int = 8,
) -> AmpSummary:
    """Reduce all tests over the rows of each group of a level.

    A summary is made once for each table, level and selection.

    Parameters
    ----------
    table
        Results. Not modified.
    level
        Name of a level, one of the catalogue's ``LEVELS``.
    selection
        Detectors to include; those of type SCIENCE if None. All are included where each is a group of its
        own.
    maxFailuresPerDetector
        Failures of a test in one detector and exposure that the majority rule takes for a failed detector;
        see `majorityThresholds`.

    Returns
    -------
    summary
        One group for each pair of expected exposure and detector of the layout, for each of one of these, or
        for the run, with or without rows, ordered by exposure, then detector. Minimum, median and maximum are
        over finite values. Over several exposures an amplifier counts once each; a detector counts once:
        failed if it failed in any exposure, missing if it has no row in at least one.
    """
    chosen = getLevel(level, table.epoch)
    selection = DetectorSelection() if selection is None else selection
    made = _SUMMARIES.setdefault(table, {})
    key = (level, None if chosen.byDetector else selection, maxFailuresPerDetector)
    if key not in made:
        made[key] = _summarize(table, chosen, selection, maxFailuresPerDetector)
    return made[key]


def _summarize(
    table: AmpTable, level: Level, selection: DetectorSelection, maxFailuresPerDetector: int
) -> AmpSummary:
    layout, n_exposures = table.layout, len(table.exposures)
    mask = np.ones(layout.nDetectors, dtype=bool) if level.byDetector else selection.mask(layout)
    grids = {kind: _makeGrid(table, kind, level, mask) for kind in table.rows}
    tests = {t.key: _reduceTest(table, t, *grids[t.row]) for t in table.tests if measurementsOf(t, level)}
    limits = majorityThresholds(n_exposures, int(mask.sum()), maxFailuresPerDetector)
    if not (level.byDetector and level.byEpoch):
        tests = {key: _countParts(table, reduced, level, mask, limits) for key, reduced in tests.items()}
    counts = {kind: _countRows(table, kind, level, mask, *grids[kind]) for kind in table.rows}
    counted = [reduced for reduced in tests.values() if reduced.test.counts]
    n_groups = grids["amplifier"][0].nGroups
    complete = np.ones(n_groups, dtype=bool)
    for kind in dict.fromkeys([reduced.test.row for reduced in counted] or ["amplifier"]):
        grid, expected = grids[kind]
        complete &= (grid.nMembers == expected) & (expected > 0)
    exposures = table.exposures if level.byEpoch else np.empty(0, np.int64)
    detectors = np.arange(layout.nDetectors) if level.byDetector else np.empty(0, np.intp)
    present = np.empty((0, 0), np.bool_)
    if level.byDetector:
        # Over several exposures, an amplifier is present if it has a row in each.
        width = int(layout.ampsPerDetector.max())
        n_together = 1 if level.byEpoch else n_exposures
        present = grids["amplifier"][0].present.reshape(n_groups, n_together, width).all(axis=1)
    return AmpSummary(
        level=level,
        product=table.product,
        layout=layout,
        tests=tests,
        counts=counts,
        complete=complete,
        status=overallStatus(counted, complete),
        exposure=np.repeat(exposures, len(detectors)) if level.byDetector else exposures,
        detectorIndex=np.tile(detectors, len(exposures)) if level.byEpoch else detectors,
        present=present,
    )


def overallStatus(tests: Iterable[ReducedTest], complete: BoolArray) -> FlagArray:
    """Roll up the status of tests.

    Parameters
    ----------
    tests
        Reduced tests.
    complete
        Whether every expected row is there, shape (nGroups,).

    Returns
    -------
    status
        Status codes, shape (nGroups,): without any test that was run, nothing is good.
    """
    failed, known = np.zeros(len(complete), dtype=bool), complete.copy()
    n_run = 0
    for reduced in tests:
        if reduced.status is not None:
            failed |= reduced.status == FAILED
            if reduced.wasRun:
                n_run += 1
                known &= reduced.status != UNKNOWN
    return combineStatus(failed, known & (n_run > 0))


def findOverLimit(
    table: AmpTable, test: VerifyTest, mask: BoolArray, limits: MajorityThresholds
) -> BoolArray:
    """Find the exposures in which a test failed too often for the majority rule.

    Parameters
    ----------
    table
        Results.
    test
        A test with a verdict.
    mask
        Selected detectors, shape (nDet,).
    limits
        The limits.

    Returns
    -------
    over
        Shape (nExposures,).
    """
    failed = table.failed(test)
    if not test.inVerdict:
        # Such a failure is listed only for an amplifier whose verdict over all tests is False.
        for other in table.tests:
            if other.verdict and other.row == test.row:
                failed &= table.failed(other)
    counts = _countByDetector(table, test.row, failed)[:, mask].sum(axis=1)
    return counts >= limits.failures


def _makeGrid(table: AmpTable, kind: str, level: Level, mask: BoolArray) -> tuple[GroupGrid, IdArray]:
    """Lay the rows of one kind out by the groups of a level; return how many rows each group should have."""
    rows, layout, n_exposures = table.rows[kind], table.layout, len(table.exposures)
    if kind == "exposure" or not level.byDetector:
        # All selected members of an exposure are in one group, in the order of the camera.
        keep = {"amplifier": mask[layout.ampDetector], "detector": mask, "exposure": np.ones(1, bool)}[kind]
        group, member = np.zeros(len(rows), dtype=np.intp), (np.cumsum(keep) - 1)[rows.member]
        selected, expected = keep[rows.member], np.array([keep.sum()])
    else:
        expected = layout.ampsPerDetector if kind == "amplifier" else np.ones(layout.nDetectors, np.int64)
        member = layout.memberOfAmp[rows.member] if kind == "amplifier" else np.zeros(len(rows), np.intp)
        group, selected = rows.detectorIndex, np.ones(len(rows), bool)
    n_groups, width = len(expected), int(expected.max())
    if level.byEpoch:
        group, expected = rows.epochIndex * n_groups + group, np.tile(expected, n_exposures)
        n_groups *= n_exposures
    else:
        member, expected = rows.epochIndex * width + member, expected * n_exposures
        width *= n_exposures
    cell = np.where(selected, group * width + member, n_groups * width)
    return GroupGrid(cell=cell, nGroups=n_groups, width=width), expected


def _reduceTest(table: AmpTable, test: VerifyTest, grid: GroupGrid, expected: IdArray) -> ReducedTest:
    """Reduce the statistic and the tested quantity of a test, and count its verdicts."""
    values: dict[str, FloatArray | IdArray] = {}
    if test.statisticColumn is not None:
        reduction = grid.reduce(table.statistics[test.statisticColumn])
        values |= {"min": reduction.minimum, "median": reduction.median, "max": reduction.maximum}
        values["nValid"] = reduction.nValid
    if (quantity := table.quantity(test)) is not None:
        reduction = grid.reduce(quantity)
        names = ("quantityMin", "quantityMedian", "quantityMax")
        values |= zip(names, (reduction.minimum, reduction.median, reduction.maximum), strict=True)
    verdict, status = table.verdict(test), table.status(test)
    group_status = None
    if verdict is not None and status is not None:
        # Few rows are not good: to count these is faster than to count the others.
        values["nTested"] = grid.nMembers - grid.count(verdict == UNKNOWN)
        values["nFailed"] = grid.count(verdict == FAILED)
        complete = (grid.nMembers - grid.count(status != GOOD) == expected) & (expected > 0)
        group_status = combineStatus(values["nFailed"] > 0, complete)
    if test.has("plausibility"):
        values["nSuspicious"] = grid.count(table.suspicious(test))
    return ReducedTest(test=test, values=values, status=group_status, wasRun=table.wasRun(test))


def _countByDetector(table: AmpTable, kind: str, chosen: BoolArray | slice = slice(None)) -> IdArray:
    """Count rows of a kind in each exposure and detector, shape (nExposures, nDet)."""
    shape = len(table.exposures), table.layout.nDetectors
    rows = table.rows[kind]
    cell = rows.epochIndex[chosen] * shape[1] + rows.detectorIndex[chosen]
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)


def _countRows(
    table: AmpTable, kind: str, level: Level, mask: BoolArray, grid: GroupGrid, expected: IdArray
) -> dict[str, IdArray]:
    """Count what has a row, and what has none."""
    n = grid.nMembers
    if kind == "exposure":
        return {"nExposures": n}
    has_rows = _countByDetector(table, kind)[:, mask] > 0
    counts = {"nAmps": n, "nAmpsMissing": expected - n} if kind == "amplifier" else {"nDetectors": n}
    if level.byDetector and level.byEpoch:
        return counts
    if level.byDetector:
        n_exposures = has_rows.sum(axis=0)
        once = {"nDetectors": np.minimum(n_exposures, 1)} if kind == "detector" else {}
        return counts | once | {"nExposures": n_exposures}
    if level.byEpoch:
        return counts | {"nDetectors": has_rows.sum(axis=1), "nDetectorsMissing": (~has_rows).sum(axis=1)}
    return counts | {
        "nDetectors": np.array([has_rows.any(axis=0).sum()]),
        "nDetectorsMissing": np.array([(~has_rows.all(axis=0)).sum()]),
        "nExposures": np.array([len(table.exposures)]),
    }


def _countParts(
    table: AmpTable, reduced: ReducedTest, level: Level, mask: BoolArray, limits: MajorityThresholds
) -> ReducedTest:
    """Count the detectors and exposures of each group in which a test failed."""
    test = reduced.test
    if not test.isTested:
        return reduced
    if test.row == "exposure":
        return replace(reduced, values={**reduced.values, "nExposuresFailed": reduced.values["nFailed"]})
    failed = _countByDetector(table, test.row, table.failed(test))[:, mask] > 0
    if level.byDetector:
        counts = {"nExposuresFailed": failed.sum(axis=0)}
    elif level.byEpoch:
        counts = {"nDetectorsFailed": failed.sum(axis=1)}
    else:
        n_over = findOverLimit(table, test, mask, limits).sum()
        counts = {
            "nDetectorsFailed": np.array([failed.any(axis=0).sum()]),
            "nExposuresFailed": np.array([failed.any(axis=1).sum()]),
            "nExposuresOverLimit": np.array([n_over]),
            "majorityFailed": np.array([int(n_over >= limits.exposures)]),
        }
    return replace(reduced, values={**reduced.values, **counts})
