# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Statistics of each detector over the exposures of a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lsst.analysis.cp.core.groups import SegmentGrid

from .summary import AmpSummary, overallStatus, reduceTests
from .table import AmpTable

__all__ = ["summarizeRunDetectors"]


def summarizeRunDetectors(ampTable: AmpTable, detectors: AmpSummary) -> AmpSummary:
    """Reduce all tests over the amplifiers of each detector in all exposures.

    Parameters
    ----------
    ampTable
        Results of amplifiers. Not modified.
    detectors
        Their summary by detector and exposure.

    Returns
    -------
    summary
        One segment for each detector of the layout. Amplifiers are counted once an exposure; ``present``
        tells which have a row in every exposure. The summary counts ``nExposures`` in which the detector has
        a row; its tests count ``nExposuresFailed``.
    """
    n_exposures, n_detectors = len(ampTable.exposures), ampTable.layout.nDetectors
    expected = n_exposures * ampTable.layout.ampsPerDetector
    tests = {}
    for key, summary in reduceTests(ampTable, _makeGrid(ampTable), expected, detectors.tests.keys()).items():
        counts = {}
        if (verdicts := detectors.tests[key].verdicts) is not None:
            failed = verdicts.nFailed.reshape(n_exposures, n_detectors) > 0
            counts = {"nExposuresFailed": failed.sum(axis=0)}
        tests[key] = replace(summary, counts=counts)
    present = detectors.present.reshape(n_exposures, n_detectors, -1)
    n_amps = present.sum(axis=(0, 2))
    return AmpSummary(
        level="runDetector",
        product=ampTable.product,
        layout=ampTable.layout,
        detectorIndex=np.arange(n_detectors),
        present=present.all(axis=0),
        nAmps=n_amps,
        nAmpsExpected=expected,
        tests=tests,
        status=overallStatus(tests, n_amps, expected),
        counts={"nExposures": present.any(axis=2).sum(axis=0)},
    )


def _makeGrid(ampTable: AmpTable) -> SegmentGrid:
    """Group rows by detector."""
    layout, n_exposures = ampTable.layout, len(ampTable.exposures)
    width = int(layout.ampsPerDetector.max(initial=0))
    line = ampTable.detectorIndex * n_exposures + ampTable.exposureIndex
    return SegmentGrid.fromCells(
        line * width + layout.memberOfAmp[ampTable.ampIndex],
        nSegments=layout.nDetectors,
        width=n_exposures * width,
    )
