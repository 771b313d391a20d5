# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What verification found, next to what was injected."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from astropy.table import Table
from simulatedRun import SimulatedRun

from lsst.analysis.cp.core.amps import SUSPICIOUS_STATUS
from lsst.cp.simulator import ExpectedResult, FaultKind

__all__ = ["Line", "ReportedLine", "judge", "report"]

Place = tuple[int, int, str]
"""Exposure, detector and amplifier; the amplifier is empty for a whole detector."""


@dataclass(frozen=True)
class Line:
    """One line of the verdict.

    Parameters
    ----------
    exposure
        Exposure id.
    detector, amplifier
        Names; the amplifier is empty for a whole detector.
    injected, expected, found
        Faults, what they have to show, and what was found.
    """

    exposure: int
    detector: str
    amplifier: str
    injected: str
    expected: frozenset[str]
    found: frozenset[str]

    @property
    def isRight(self) -> bool:
        """Whether exactly that was found which had to be."""
        return self.expected == self.found


@dataclass(frozen=True)
class ReportedLine:
    """What a statistic without a limit has where a fault was injected.

    Parameters
    ----------
    exposure
        Exposure id.
    detector, amplifier
        Names.
    injected
        The fault.
    statistic
        The statistic.
    value
        Its value there.
    usual
        Its median over all amplifiers.
    """

    exposure: int
    detector: str
    amplifier: str
    injected: str
    statistic: str
    value: float
    usual: float


def judge(run: SimulatedRun) -> list[Line]:
    """Compare the tests that failed with faults.

    Parameters
    ----------
    run
        The run.

    Returns
    -------
    lines
        One for each place with a fault that a test looks for, or with a finding, sorted.
    """
    expected = {(result.exposure, result.detector, result.amplifier): result for result in run.expected}
    found = _collectFindings(run)
    names = {detector.getId(): detector.getName() for detector in run.camera}
    lines = [
        _compare(place, names[place[1]], expected.get(place), found.get(place, set()))
        for place in sorted({*expected, *found})
    ]
    return [line for line in lines if line.expected or line.found]


def _compare(place: Place, detector: str, result: ExpectedResult | None, failures: set[str]) -> Line:
    expected: set[str] = set()
    if result is not None:
        expected = {*result.failures, *(f"{test} unknown" for test in result.untested)}
        expected |= {"missing"} if FaultKind.MISSING_DETECTOR in result.kinds else set()
    return Line(
        exposure=place[0],
        detector=detector,
        amplifier=place[2],
        injected="" if result is None else ", ".join(result.kinds),
        expected=frozenset(expected),
        found=frozenset(failures),
    )


def report(run: SimulatedRun) -> list[ReportedLine]:
    """Look up the statistics that show the faults which no test looks for.

    Parameters
    ----------
    run
        The run.

    Returns
    -------
    lines
        One for each such fault.
    """
    lines = []
    for exposure in run.exposures:
        results = [r for r in run.expected if r.exposure == exposure and r.statistics]
        tables = _readReported(run, exposure) if results else {}
        for result in results:
            for statistic in sorted(result.statistics):
                table = tables[statistic]
                values = np.asarray(table[run.part.product.reported[statistic]], dtype=float)
                own = (table["detector"] == result.detector) & (table["amplifier"] == result.amplifier)
                lines.append(
                    ReportedLine(
                        exposure=exposure,
                        detector=result.detectorName,
                        amplifier=result.amplifier,
                        injected=", ".join(result.kinds),
                        statistic=statistic,
                        value=float(np.nanmax(values[own])),
                        usual=float(np.nanmedian(values)),
                    )
                )
    return lines


def _readReported(run: SimulatedRun, exposure: int) -> dict[str, Table]:
    """Read the table of each statistic that is reported, with the columns detector and amplifier."""
    columns = {
        name: column
        for name, column in run.part.product.reported.items()
        if column.startswith(run.part.product.title.upper())
    }
    parameters = {"columns": ["detector", "amplifier", *columns.values()]}
    results = run.get("verify{}ExpResults", exposure, parameters=parameters)
    tables = dict.fromkeys(columns, results)
    if len(columns) < len(run.part.product.reported):
        matrix = run.get("verify{}ExpMatrix", exposure)
        pairs = matrix[matrix["ampName"] != matrix["ampComp"]]
        pairs.rename_column("ampName", "amplifier")
        tables |= dict.fromkeys(run.part.product.reported.keys() - columns, pairs)
    return tables


def _collectFindings(run: SimulatedRun) -> dict[Place, set[str]]:
    """Collect failed tests and missing detectors, from the tables of culprits, amplifiers and detectors."""
    found: dict[Place, set[str]] = defaultdict(set)
    for exposure in run.exposures:
        summary = run.get("{output}_detectorSummary", exposure)
        # What is judged of a detector as a whole has no amplifiers.
        number = summary["nAmps" if "nAmps" in summary.colnames else "nDetectors"]
        missing = set(summary["detector"][number == 0].tolist())
        for detector in missing:
            found[exposure, detector, ""].add("missing")
        for row in run.get("{output}_culprits", exposure):
            # A suspicious value is beside the verdicts that faults are expected to change.
            if int(row["detector"]) not in missing and row["status"] != SUSPICIOUS_STATUS:
                place = exposure, int(row["detector"]), str(row["amplifier"])
                found[place].add(_nameFinding(str(row["test"]), row["status"]))
        for test in run.part.product.ownTests:
            table = run.get("{output}_ampSummary", exposure)
            for row in table[np.isin(table[f"{test}_status"], ["failed", "unknown"])]:
                place = exposure, int(row["detector"]), str(row["amplifier"])
                if place[1] not in missing:
                    found[place].add(_nameFinding(test, row[f"{test}_status"]))
    return found


def _nameFinding(test: str, status: str) -> str:
    return test if status == "failed" else f"{test} unknown"
