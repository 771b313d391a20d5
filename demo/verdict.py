# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What verification found, next to what was injected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from lsst.analysis.cp.core.amps import SUSPICIOUS_STATUS
from lsst.cp.simulator import ExpectedResult, Fault, listExpectedResults
from lsst.daf.butler import Butler

__all__ = ["Line", "ReportedLine", "judge", "report"]

Place = tuple[int, int, str]
"""Exposure, detector and amplifier; the amplifier is empty for a whole detector."""

REPORTED = {
    "AMP_CORNER": "BIAS_AMP_CORNER",
    "BIAS_SHIFT_COUNT": "BIAS_BIAS_SHIFT_COUNT",
    "AMPCORR": "overscanCorr",
}
"""Columns of statistics that show a fault, but have no limit: what they have is reported, and not judged."""


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


def judge(butler: Butler, instrument: str, faults: Sequence[Fault], exposures: Sequence[int]) -> list[Line]:
    """Compare the tests that failed with faults.

    Parameters
    ----------
    butler
        Butler with the outputs of the pipeline in its default collections.
    instrument
        Name of the instrument.
    faults
        Injected faults.
    exposures
        Simulated exposures.

    Returns
    -------
    lines
        One for each place with a fault that a test looks for, or with a finding, sorted.
    """
    camera = butler.get("camera", instrument=instrument, collections=f"{instrument}/defaults")
    expected = {
        (result.exposure, result.detector, result.amplifier): result
        for result in listExpectedResults(faults, camera, exposures)
    }
    found = _collectFindings(butler, instrument, exposures)
    names = {detector.getId(): detector.getName() for detector in camera}
    lines = [
        _compare(place, names[place[1]], expected.get(place), found.get(place, set()))
        for place in sorted({*expected, *found})
    ]
    return [line for line in lines if line.expected or line.found]


def _compare(place: Place, detector: str, result: ExpectedResult | None, failures: set[str]) -> Line:
    expected: set[str] = set()
    if result is not None:
        expected = {*result.failures, *(f"{test} unknown" for test in result.untested)}
        expected |= set() if result.amplifier else {"missing"}
    return Line(
        exposure=place[0],
        detector=detector,
        amplifier=place[2],
        injected="" if result is None else ", ".join(result.kinds),
        expected=frozenset(expected),
        found=frozenset(failures),
    )


def report(
    butler: Butler, instrument: str, faults: Sequence[Fault], exposures: Sequence[int]
) -> list[ReportedLine]:
    """Look up the statistics that show the faults which no test looks for.

    Parameters
    ----------
    butler
        Butler with the outputs of the pipeline in its default collections.
    instrument
        Name of the instrument.
    faults
        Injected faults.
    exposures
        Simulated exposures.

    Returns
    -------
    lines
        One for each such fault.
    """
    camera = butler.get("camera", instrument=instrument, collections=f"{instrument}/defaults")
    lines = []
    for exposure in exposures:
        results = [r for r in listExpectedResults(faults, camera, [exposure]) if r.statistics]
        tables = _readReported(butler, instrument, exposure) if results else {}
        for result in results:
            for statistic in sorted(result.statistics):
                table = tables[statistic]
                values = np.asarray(table[REPORTED[statistic]], dtype=float)
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


def _readReported(butler: Butler, instrument: str, exposure: int) -> dict[str, Table]:
    """Read the table of each statistic that is reported, with the columns detector and amplifier."""
    data_id = {"instrument": instrument, "exposure": exposure}
    of_amps = [name for name in REPORTED.values() if name.startswith("BIAS_")]
    columns = ["detector", "amplifier", *of_amps]
    results = butler.get("verifyBiasExpResults", data_id, parameters={"columns": columns})
    matrix = butler.get("verifyBiasExpMatrix", data_id)
    pairs = matrix[matrix["ampName"] != matrix["ampComp"]]
    pairs.rename_column("ampName", "amplifier")
    return {name: pairs if name == "AMPCORR" else results for name in REPORTED}


def _collectFindings(butler: Butler, instrument: str, exposures: Sequence[int]) -> dict[Place, set[str]]:
    """Collect failed tests and missing detectors, from the tables of culprits and detectors."""
    found: dict[Place, set[str]] = defaultdict(set)
    for exposure in exposures:
        data_id = {"instrument": instrument, "exposure": exposure}
        summary = butler.get("cpBiasExp_detectorSummary", data_id)
        missing = set(summary["detector"][summary["nAmps"] == 0].tolist())
        for detector in missing:
            found[exposure, detector, ""].add("missing")
        for row in butler.get("cpBiasExp_culprits", data_id):
            # A suspicious value is beside the verdicts that faults are expected to change.
            if int(row["detector"]) not in missing and row["status"] != SUSPICIOUS_STATUS:
                test = str(row["test"]) if row["status"] == "failed" else f"{row['test']} unknown"
                found[exposure, int(row["detector"]), str(row["amplifier"])].add(test)
    return found
