# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What verification found, next to what was injected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.stats import mad_std
from astropy.table import Table, vstack

from lsst.analysis.cp.core.amps import SUSPICIOUS_STATUS
from lsst.cp.simulator import ExpectedResult, Fault, listExpectedResults
from lsst.daf.butler import Butler

__all__ = ["Line", "judge"]

Place = tuple[int, int, str]
"""Exposure, detector and amplifier; the amplifier is empty for a whole detector."""

OUTLIER_SIGMA = 7.0
"""Robust standard deviations over all amplifiers from which a corner mean counts as seen."""

CORRELATION = 0.2
"""Coefficient from which two amplifiers count as correlated; clean ones have 0.01."""


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


def judge(butler: Butler, instrument: str, faults: Sequence[Fault], exposures: Sequence[int]) -> list[Line]:
    """Compare findings with faults.

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
        One for each place with a fault or a finding, sorted.
    """
    camera = butler.get("camera", instrument=instrument, collections=f"{instrument}/defaults")
    expected = {
        (result.exposure, result.detector, result.amplifier): result
        for result in listExpectedResults(faults, camera, exposures)
    }
    found = _collectFindings(butler, instrument, exposures)
    statistics = _collectStatistics(butler, instrument, exposures)
    places = sorted({*expected, *found, *statistics})
    names = {detector.getId(): detector.getName() for detector in camera}
    return [
        _compare(
            place, names[place[1]], expected.get(place), found.get(place, set()), statistics.get(place, set())
        )
        for place in places
    ]


def _compare(
    place: Place, detector: str, result: ExpectedResult | None, failures: set[str], statistics: set[str]
) -> Line:
    expected: set[str] = set()
    if result is not None:
        expected = {*result.failures, *result.statistics, *(f"{test} unknown" for test in result.untested)}
        expected |= set() if result.amplifier else {"missing"}
        # A fault that fails a test may well show in the stored statistics too.
        statistics = statistics & expected if result.failures else statistics
    return Line(
        exposure=place[0],
        detector=detector,
        amplifier=place[2],
        injected="" if result is None else ", ".join(result.kinds),
        expected=frozenset(expected),
        found=frozenset(failures | statistics),
    )


def _collectFindings(butler: Butler, instrument: str, exposures: Sequence[int]) -> dict[Place, set[str]]:
    """Collect failed tests and missing detectors from the tables of culprits and detectors."""
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


def _collectStatistics(butler: Butler, instrument: str, exposures: Sequence[int]) -> dict[Place, set[str]]:
    """Collect what only stored statistics show: corner glow, bias shifts, correlated amplifiers."""
    found: dict[Place, set[str]] = defaultdict(set)
    columns = [
        *("exposure", "detector", "amplifier"),
        *("BIAS_AMP_CORNER", "BIAS_NOISE", "BIAS_BIAS_SHIFT_COUNT"),
    ]
    tables = [
        butler.get("verifyBiasExpResults", instrument=instrument, exposure=e, parameters={"columns": columns})
        for e in exposures
    ]
    table = vstack(tables)
    for name, mask in _findOutliers(table).items():
        for row in table[mask]:
            found[int(row["exposure"]), int(row["detector"]), str(row["amplifier"])].add(name)
    for exposure in exposures:
        matrix = butler.get("verifyBiasExpMatrix", instrument=instrument, exposure=exposure)
        for detector, amplifier in _findCorrelated(matrix):
            found[exposure, detector, amplifier].add("AMPCORR")
    return found


def _findOutliers(table: Table) -> Mapping[str, np.ndarray]:
    # In units of each amplifier's noise: the real camera has one of 120 electrons.
    noise = np.asarray(table["BIAS_NOISE"], dtype=float)
    corner = np.asarray(table["BIAS_AMP_CORNER"], dtype=float) / np.where(noise > 0, noise, np.nan)
    corner -= np.nanmedian(corner)
    return {
        "AMP_CORNER": np.abs(corner) > OUTLIER_SIGMA * mad_std(corner, ignore_nan=True),
        "BIAS_SHIFT_COUNT": np.asarray(table["BIAS_BIAS_SHIFT_COUNT"]) > 0,
    }


def _findCorrelated(matrix: Table) -> Iterator[tuple[int, str]]:
    is_pair = matrix["ampName"] != matrix["ampComp"]
    # That of the overscan: in the image the fixed pattern and cosmic rays dilute it.
    strong = np.asarray(matrix["overscanCorr"], dtype=float) > CORRELATION
    for row in matrix[is_pair & strong]:
        yield int(row["detector"]), str(row["ampName"])
