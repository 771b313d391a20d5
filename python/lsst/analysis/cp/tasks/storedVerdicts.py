# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Comparison of computed verdicts with those that cp_verify stores outside of its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lsst.analysis.cp.core.amps import FAILED, GOOD, AmpTable, statusNames

__all__ = ["StoredStatistics", "compareVerdicts"]

type StoredStatistics = tuple[int | None, int, Callable[[], Any]]
"""Ids of exposure and detector, and what reads the statistics that cp_verify stored of them."""


def compareVerdicts(table: AmpTable, stats: Iterable[StoredStatistics]) -> tuple[list[str], list[str]]:
    """Compare the computed verdicts of amplifiers with those of cp_verify.

    Parameters
    ----------
    table
        Results.
    stats
        Statistics of detectors, with the verdicts of cp_verify in ``VERIFY``; they are read one by one.

    Returns
    -------
    differences
        One line for each amplifier and test whose verdicts differ: a missing value fails at cp_verify, and is
        unknown in the table.
    unread
        One line for each detector whose statistics cannot be read or have no verdicts, and why.
    """
    tests = [test for test in table.tests if test.isComputed and not test.isOurs and test.row == "amplifier"]
    verdicts = {test.key: verdict for test in tests if (verdict := table.verdict(test)) is not None}
    layout = table.layout
    keys = zip(
        table.exposures[table.exposureIndex].tolist(),
        layout.detectorId[layout.ampDetector[table.ampIndex]].tolist(),
        layout.ampName[table.ampIndex].tolist(),
        strict=True,
    )
    rows = {key: row for row, key in enumerate(keys)}
    differences, unread = [], []
    for exposure, detector, read_stats in stats:
        place = f"exposure {exposure} detector {detector}"
        try:
            amplifiers: Mapping[str, Mapping[str, bool]] = read_stats()["VERIFY"]["AMP"]
            found = [(amp, key, passed) for amp, own in amplifiers.items() for key, passed in own.items()]
        except Exception as error:
            unread.append(f"{place}: {type(error).__name__}: {error}")
            continue
        for amplifier, key, passed in found:
            if key not in verdicts:
                continue
            row = rows.get((exposure, detector, amplifier))
            words = "no row" if row is None else str(statusNames(verdicts[key][[row]])[0])
            if row is None or verdicts[key][row] != (GOOD if passed else FAILED):
                words = f"{'passed' if passed else 'failed'} by cp_verify, computed {words}"
                differences.append(f"{place} {amplifier} {key}: {words}")
    return differences, unread
