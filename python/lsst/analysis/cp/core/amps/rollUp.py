# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Statistics of exposures and of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.camera import DetectorSelection
from lsst.analysis.cp.core.groups import SegmentGrid
from lsst.analysis.cp.core.typing import BoolArray, IdArray

from .majority import majorityThresholds, overLimit
from .summary import AmpSummary, overallStatus, reduceTests
from .table import AmpTable

__all__ = ["summarizeExposures", "summarizeRun"]


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
    n_exposures = len(ampTable.exposures)
    has_rows = _select(detectors.nAmps > 0, mask)
    n_amps = _select(detectors.nAmps, mask).sum(axis=1)
    expected = np.full(n_exposures, ampTable.layout.ampsPerDetector[mask].sum())
    summaries = {}
    grid = _makeGrid(ampTable, mask, oneSegment=False)
    for key, summary in reduceTests(ampTable, grid, expected, detectors.tests.keys()).items():
        failed = _failedDetectors(detectors, key, mask)
        counts = {} if failed is None else {"nDetectorsFailed": failed.sum(axis=1)}
        summaries[key] = replace(summary, counts=counts)
    return AmpSummary(
        level="exposure",
        product=ampTable.product,
        layout=ampTable.layout,
        exposure=ampTable.exposures,
        nAmps=n_amps,
        nAmpsExpected=expected,
        tests=summaries,
        status=overallStatus(summaries, n_amps, expected),
        counts={
            "nDetectors": has_rows.sum(axis=1),
            "nDetectorsMissing": (~has_rows).sum(axis=1),
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
        Failures of a test in one detector and exposure that the majority verdict takes for a failed detector.

    Returns
    -------
    summary
        One segment. Amplifiers are counted once an exposure. Detectors are counted once: failed if they
        failed in any exposure, missing if they have no row in at least one. Tests count
        ``nDetectorsFailed``, ``nExposuresFailed`` and ``nExposuresOverLimit`` (see `majorityVerdict`), and
        ``majorityFailed`` is 1 if that is the majority of exposures.
    """
    mask = (DetectorSelection() if selection is None else selection).mask(ampTable.layout)
    n_exposures = len(ampTable.exposures)
    limits = majorityThresholds(n_exposures, int(mask.sum()), maxFailuresPerDetector)
    has_rows = _select(detectors.nAmps > 0, mask)
    n_amps = _one(_select(detectors.nAmps, mask).sum())
    expected = _one(n_exposures * ampTable.layout.ampsPerDetector[mask].sum())
    summaries = {}
    grid = _makeGrid(ampTable, mask, oneSegment=True)
    for key, summary in reduceTests(ampTable, grid, expected, detectors.tests.keys()).items():
        counts = {}
        if (failed := _failedDetectors(detectors, key, mask)) is not None:
            n_over = overLimit(ampTable, summary.test, mask, limits).sum()
            counts = {
                "nDetectorsFailed": _one(failed.any(axis=0).sum()),
                "nExposuresFailed": _one(failed.any(axis=1).sum()),
                "nExposuresOverLimit": _one(n_over),
                "majorityFailed": _one(n_over >= limits.exposures),
            }
        summaries[key] = replace(summary, counts=counts)
    return AmpSummary(
        level="run",
        product=ampTable.product,
        layout=ampTable.layout,
        nAmps=n_amps,
        nAmpsExpected=expected,
        tests=summaries,
        status=overallStatus(summaries, n_amps, expected),
        counts={
            "nDetectors": _one(has_rows.any(axis=0).sum()),
            "nDetectorsMissing": _one((~has_rows.all(axis=0)).sum()),
            "nAmpsMissing": expected - n_amps,
            "nExposures": _one(n_exposures),
        },
    )


def _one(value: int | np.integer | np.bool_) -> IdArray:
    """Make the array of one segment."""
    return np.array([value], dtype=np.int64)


def _select[T: np.generic](values: npt.NDArray[T], mask: BoolArray) -> npt.NDArray[T]:
    """Arrange values of detector segments by exposure and selected detector, shape (nExp, nSelected)."""
    return values.reshape(-1, len(mask))[:, mask]


def _failedDetectors(detectors: AmpSummary, key: str, mask: BoolArray) -> BoolArray | None:
    """Tell where a test failed, shape (nExp, nSelected); None if nothing is tested."""
    verdicts = detectors.tests[key].verdicts
    return None if verdicts is None else _select(verdicts.nFailed > 0, mask)


def _makeGrid(ampTable: AmpTable, mask: BoolArray, *, oneSegment: bool) -> SegmentGrid:
    """Group rows of the selected detectors by exposure, or all together."""
    keep = mask[ampTable.layout.ampDetector]
    n_exposures, width = len(ampTable.exposures), int(keep.sum())
    rank = np.cumsum(keep) - 1
    cell = ampTable.exposureIndex * width + rank[ampTable.ampIndex]
    return SegmentGrid.fromCells(
        np.where(keep[ampTable.ampIndex], cell, n_exposures * width),
        nSegments=1 if oneSegment else n_exposures,
        width=n_exposures * width if oneSegment else width,
    )
