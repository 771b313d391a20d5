# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Statistics of exposures and of a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .ampSummary import AmpSummary, TestSummary, overallStatus
from .ampTable import AmpTable
from .cameraLayout import DetectorSelection
from .majority import majorityThresholds, overLimit
from .segments import Reduction, SegmentGrid, reduceRows
from .status import combineStatus

__all__ = ["summarizeExposures", "summarizeRun"]

_Sum = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]]


def summarizeExposures(
    ampTable: AmpTable, detectors: AmpSummary, *, selection: DetectorSelection | None = None
) -> AmpSummary:
    """Reduce all tests over the amplifiers of the selected detectors of each exposure.

    Parameters
    ----------
    ampTable
        Results of amplifiers. Not modified.
    detectors
        Their summary by detector.
    selection
        Detectors to include; those of type SCIENCE if None.

    Returns
    -------
    summary
        One segment for each expected exposure. Its tests count ``nDetectorsFailed``; the summary counts
        ``nDetectors`` (with a row), ``nDetectorsMissing`` (without) and ``nAmpsMissing``.
    """
    mask = (DetectorSelection() if selection is None else selection).mask(ampTable.layout)
    shape = (len(ampTable.exposures), ampTable.layout.nDetectors)

    def total(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return counts.reshape(shape)[:, mask].sum(axis=1, dtype=np.int64)

    grid, rows = _makeGrid(ampTable, mask)
    summaries = {}
    for key, part in detectors.tests.items():
        failed = None if part.nFailed is None else {"nDetectorsFailed": total(part.nFailed > 0)}
        summaries[key] = _rollUpTest(part, ampTable, grid, rows, total, detectors.nAmpsExpected, failed or {})
    has_rows = (detectors.nAmps > 0).astype(np.int64)
    n_amps, expected = total(detectors.nAmps), total(detectors.nAmpsExpected)
    return AmpSummary(
        level="exposure",
        product=ampTable.product,
        layout=ampTable.layout,
        exposure=ampTable.exposures,
        detectorIndex=None,
        present=None,
        nAmps=n_amps,
        nAmpsExpected=expected,
        tests=summaries,
        status=overallStatus(summaries, n_amps, expected),
        counts={
            "nDetectors": total(has_rows),
            "nDetectorsMissing": total(1 - has_rows),
            "nAmpsMissing": expected - n_amps,
        },
    )


def summarizeRun(
    ampTable: AmpTable,
    detectors: AmpSummary,
    *,
    selection: DetectorSelection | None = None,
    maxFailuresPerDetector: int = 8,
) -> AmpSummary:
    """Reduce all tests over the amplifiers of the selected detectors of all exposures.

    Parameters
    ----------
    ampTable
        Results of amplifiers. Not modified.
    detectors
        Their summary by detector.
    selection
        Detectors to include; those of type SCIENCE if None.
    maxFailuresPerDetector
        Failures of a test in one detector and exposure that the majority verdict takes as a failed detector.

    Returns
    -------
    summary
        One segment. Amplifiers are counted once an exposure. Detectors are counted once: failed if they failed in
        any exposure, missing if they have no row in at least one. Its tests count ``nDetectorsFailed``,
        ``nExposuresFailed`` and ``nExposuresOverLimit`` (see `majorityVerdict`), and tell ``majorityFailed``.
    """
    mask = (DetectorSelection() if selection is None else selection).mask(ampTable.layout)
    shape = (len(ampTable.exposures), ampTable.layout.nDetectors)
    limits = majorityThresholds(len(ampTable.exposures), int(mask.sum()), maxFailuresPerDetector)

    def total(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return counts.reshape(shape)[:, mask].sum(dtype=np.int64, keepdims=True).reshape(1)

    grid, rows = _makeGrid(ampTable, mask)
    whole = SegmentGrid(position=grid.position, nSegments=1, width=grid.nSegments * grid.width)
    summaries = {}
    for key, part in detectors.tests.items():
        counts = {}
        if part.nFailed is not None:
            n_failed = part.nFailed.reshape(shape)[:, mask]
            over = overLimit(ampTable, part.test, mask, limits)
            counts = {
                "nDetectorsFailed": (n_failed > 0).any(axis=0).sum(keepdims=True),
                "nExposuresFailed": (n_failed > 0).any(axis=1).sum(keepdims=True),
                "nExposuresOverLimit": over.sum(keepdims=True),
                "majorityFailed": (over.sum(keepdims=True) >= limits.exposures).astype(np.int64),
            }
        summaries[key] = _rollUpTest(part, ampTable, whole, rows, total, detectors.nAmpsExpected, counts)
    has_rows = (detectors.nAmps > 0).reshape(shape)[:, mask]
    n_amps, expected = total(detectors.nAmps), total(detectors.nAmpsExpected)
    return AmpSummary(
        level="run",
        product=ampTable.product,
        layout=ampTable.layout,
        exposure=None,
        detectorIndex=None,
        present=None,
        nAmps=n_amps,
        nAmpsExpected=expected,
        tests=summaries,
        status=overallStatus(summaries, n_amps, expected),
        counts={
            "nDetectors": has_rows.any(axis=0).sum(keepdims=True),
            "nDetectorsMissing": (~has_rows.all(axis=0)).sum(keepdims=True),
            "nAmpsMissing": expected - n_amps,
            "nExposures": np.array([len(ampTable.exposures)]),
        },
    )


def _makeGrid(
    ampTable: AmpTable, mask: npt.NDArray[np.bool_]
) -> tuple[SegmentGrid, npt.NDArray[np.intp] | None]:
    """Give each row of the selected detectors its cell among (exposure, amplifier); also the selected rows."""
    layout = ampTable.layout
    keep = mask[layout.ampDetector]
    rank = np.cumsum(keep) - 1
    width = int(keep.sum())
    rows = None if keep.all() else np.flatnonzero(keep[ampTable.ampIndex])
    exposure = ampTable.exposureIndex if rows is None else ampTable.exposureIndex[rows]
    amp = ampTable.ampIndex if rows is None else ampTable.ampIndex[rows]
    position = exposure * width + rank[amp]
    return SegmentGrid(position=position, nSegments=len(ampTable.exposures), width=width), rows


def _rollUpTest(
    part: TestSummary,
    ampTable: AmpTable,
    grid: SegmentGrid,
    rows: npt.NDArray[np.intp] | None,
    total: _Sum,
    expected: npt.NDArray[np.int64],
    counts: dict[str, npt.NDArray[np.int64]],
) -> TestSummary:
    """Sum the counts of a test's detectors, and reduce its values anew."""

    def reduce(values: npt.NDArray[np.float64]) -> Reduction:
        return reduceRows(grid.place(values if rows is None else values[rows]))

    test = part.test
    quantity = ampTable.quantity(test)
    sums = {
        name: None if (value := getattr(part, name)) is None else total(value)
        for name in ("nTested", "nFailed", "nGood")
    }
    status = None
    if sums["nFailed"] is not None:
        complete = (sums["nGood"] == total(expected)) & (total(expected) > 0)
        status = combineStatus(sums["nFailed"] > 0, complete)
    return TestSummary(
        test=test,
        statistic=None if test.statisticColumn is None else reduce(ampTable.statistics[test.statisticColumn]),
        quantity=None if quantity is None else reduce(quantity),
        status=status,
        wasRun=part.wasRun,
        counts=counts,
        **sums,
    )
