# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Making the report of a product of what was read of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from astropy.table import Table

from lsst.analysis.cp.catalogue import Product
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.core.typing import BoolArray, FlagArray, IdArray
from lsst.analysis.cp.report.model import ExposureReport, PlotEntry, ProductReport, ReportedTest
from lsst.analysis.cp.report.verdicts import Counts, Evidence, Judgement, judgeProduct

from .culprits import joinTables, orderCulprits
from .gather import GatheredEpoch, GatheredSection

__all__ = ["assembleProduct"]


def assembleProduct(
    gathered: GatheredSection,
    *,
    exposures: Sequence[int],
    expected: BoolArray,
    counted: BoolArray,
    structures: Table,
    plots: Sequence[PlotEntry],
    unread: Sequence[str] = (),
    notYet: BoolArray | None = None,
) -> ProductReport:
    """Make the report of a product.

    Parameters
    ----------
    gathered
        What was read of it.
    exposures
        Ids of all exposures, or visits, that should have results; one that means nothing without these.
    expected
        Detectors that should have results, shape (nDetectors,).
    counted
        Those that the rule of verdicts counts, shape (nDetectors,).
    structures
        Structures in its images.
    plots
        Its plots.
    unread
        What else a verdict lacks, in sentences.
    notYet
        Detectors whose results are still to come, shape (nDetectors,); none if None.

    Returns
    -------
    report
        The report.
    """
    section, layout, n_exposures = gathered.section, gathered.layout, len(exposures)
    product = _withTests(gathered)
    not_yet = np.zeros(layout.nDetectors, dtype=bool) if notYet is None else notYet
    keys = [test.key for test in product if test.key in gathered.tallies]
    tests = tuple(gathered.tallies[key].report(n_exposures, wasRun=gathered.wasRun(key)) for key in keys)
    judgement = judgeProduct(_findEvidence(gathered, tests, exposures, expected, counted, unread, not_yet))
    detector_status = gathered.status.status(n_exposures)
    reports = tuple(_reportExposures(gathered, exposures, expected, not_yet, judgement))
    matrix = np.full((layout.nDetectors, len(keys)), UNKNOWN, dtype=np.int8)
    for i, key in enumerate(keys):
        if key in gathered.testStatus:
            matrix[:, i] = gathered.testStatus[key].status(n_exposures)
    title = ", ".join(filter(None, [product.title, section.physicalFilter]))
    return ProductReport(
        name=section.name,
        title=title,
        product=product,
        physicalFilter=section.physicalFilter,
        runs=tuple(dict.fromkeys(epoch.tables.run for epoch in gathered.epochs)),
        verdict=judgement.verdict,
        reasons=judgement.reasons,
        status=_rollUp(detector_status[expected]),
        tests=tests,
        expected=np.flatnonzero(expected),
        detectorStatus=detector_status,
        nAmpsMissing=np.bincount(
            layout.ampDetector[gathered.ampsMissing], minlength=layout.nDetectors
        ).astype(np.int64),
        matrix=matrix,
        failed=_countFailed(gathered, tests),
        exposures=reports,
        leaveOut=tuple(each.exposure for each in reports if _isBad(each, int(expected.sum()))),
        culprits=orderCulprits(joinTables(gathered.culprits, "culprits"), product, layout),
        structures=structures,
        plots=tuple(plots),
        notRead=product.notRead,
    )


def _withTests(gathered: GatheredSection) -> Product:
    """Give the product the limits of the tables of all its tests."""
    return replace(
        gathered.product,
        tests=tuple(
            gathered.tallies[test.key].test if test.key in gathered.tallies else test
            for test in gathered.product
        ),
    )


def _rollUp(status: FlagArray) -> int:
    """Roll up the status of detectors: nothing is good without any."""
    if (status == FAILED).any():
        return FAILED
    return GOOD if len(status) and (status == GOOD).all() else UNKNOWN


def _countFailed(gathered: GatheredSection, tests: Sequence[ReportedTest]) -> IdArray:
    """Count the failed members of each detector and test, shape (nDetectors, nTests)."""
    layout = gathered.layout
    counts = np.zeros((layout.nDetectors, len(tests)), dtype=np.int64)
    for i, reported in enumerate(tests):
        failed = reported.nFailed > 0
        if reported.test.row == "amplifier":
            counts[:, i] = np.bincount(layout.ampDetector[failed], minlength=layout.nDetectors)
        elif reported.test.row == "detector":
            counts[:, i] = failed
    return counts


def _findEvidence(
    gathered: GatheredSection,
    tests: Sequence[ReportedTest],
    exposures: Sequence[int],
    expected: BoolArray,
    counted: BoolArray,
    unread: Sequence[str],
    notYet: BoolArray,
) -> Evidence:
    """Find what the verdict is made of."""
    names = gathered.layout.detectorName
    missing = np.zeros(len(names), dtype=bool)  # Those included that are still to come.
    untested: dict[str, BoolArray] = {}
    for epoch in gathered.epochs:
        missing |= expected & ~epoch.hasResults
        for key, each in epoch.counts.items():
            untested[key] = untested.get(key, np.zeros(len(names), dtype=bool)) | (each.untested & expected)
    present = expected & ~missing
    members = {
        "amplifier": present[gathered.layout.ampDetector],
        "detector": present,
        "exposure": np.ones(len(exposures), dtype=bool),
    }
    tested = [reported for reported in tests if reported.test.isTested]
    return Evidence(
        product=gathered.product,
        exposures=exposures,
        counts={
            epoch.tables.epoch: {
                key: Counts(nFailed=each.nFailed, nUnknown=each.nUnknown)
                for key, each in epoch.counts.items()
            }
            for epoch in gathered.epochs
        },
        nDetectors=int(counted.sum()),
        run={reported.test.key for reported in tests if reported.wasRun},
        missing=names[missing & ~notYet].tolist(),
        notYet=names[missing & notYet].tolist(),
        untested={key: names[mask].tolist() for key, mask in untested.items() if mask.any()},
        nFailed={each.test.key: int(np.count_nonzero(each.nFailed)) for each in tested},
        nUnknown={
            each.test.key: int(np.count_nonzero(members[each.test.row] & (each.status == UNKNOWN)))
            for each in tested
        },
        unread=unread,
    )


def _reportExposures(
    gathered: GatheredSection,
    exposures: Sequence[int],
    expected: BoolArray,
    notYet: BoolArray,
    judgement: Judgement,
) -> list[ExposureReport]:
    """Report each exposure, those included that have no results that could be read."""
    if gathered.product.epoch == "none":
        return []
    read = {epoch.tables.epoch: epoch for epoch in gathered.epochs}
    return [
        _reportExposure(gathered, each, read.get(each), expected, notYet, judgement) for each in exposures
    ]


def _reportExposure(
    gathered: GatheredSection,
    exposure: int,
    epoch: GatheredEpoch | None,
    expected: BoolArray,
    notYet: BoolArray,
    judgement: Judgement,
) -> ExposureReport:
    """Report an exposure; everything is unknown if it was not read."""
    tables = gathered.section.epochs.get(exposure)
    nothing = np.zeros(len(expected), dtype=bool)
    has_results = expected & (nothing if epoch is None else epoch.hasResults)
    status = np.full(len(expected), UNKNOWN, dtype=np.int8) if epoch is None else epoch.status
    return ExposureReport(
        exposure=exposure,
        dayObs=-1 if tables is None else tables.dayObs,
        run="" if tables is None else tables.run,
        nDetectors=int(np.count_nonzero(has_results)),
        nDetectorsFailed=int(np.count_nonzero(expected & (status == FAILED))),
        nDetectorsMissing=int(np.count_nonzero(expected & ~has_results & ~notYet)),
        nFailed={} if epoch is None else {key: each.nFailed for key, each in epoch.counts.items()},
        overLimit=judgement.overLimit.get(exposure, ()),
        status=_rollUp(status[expected]),
        detectorStatus=status,
    )


def _isBad(exposure: ExposureReport, nExpected: int) -> bool:
    """Tell whether an exposure is over the limit, or lacks most detectors."""
    return bool(exposure.overLimit) or exposure.nDetectorsMissing > nExpected / 2
