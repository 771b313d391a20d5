# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Hand-written results of the verification of one detector, as cp_verify writes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy.table import Table

__all__ = ["TESTS", "makeMatrix", "makeResults", "makeStats"]

TESTS = ("MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT")


def makeResults(detector: Any, exposure: int, product: str = "bias", *, exposureColumn: bool = True) -> Table:
    """Make the results of one detector, as cp_verify writes them; seeded by the data ID."""
    amps = detector.getAmplifiers()
    n = len(amps)
    rng = np.random.default_rng([exposure, detector.getId()])
    noise = np.array([amp.getReadNoise() for amp in amps])
    columns: dict[str, Any] = {}
    columns["MEAN"] = rng.normal(0.0, 0.3, n)
    columns["NOISE"] = noise * rng.normal(1.0, 0.03, n)
    columns["CR_NOISE"] = columns["NOISE"] * rng.normal(1.0, 0.03, n)
    columns["READ_NOISE_ADU"] = noise / 1.5 * rng.normal(1.0, 0.03, n)
    for test in TESTS:
        columns[f"VERIFY_{test}"] = rng.random(n) > 0.1
    columns["VERIFY_SUCCESS"] = np.all([columns[f"VERIFY_{test}"] for test in TESTS[:3]], axis=0)
    if product == "bias":
        columns["AMP_CORNER"] = rng.normal(0.0, 1.0, n)
        columns["BIAS_SHIFT_COUNT"] = rng.poisson(0.2, n)
        columns["BIAS_SHIFT_NOISE"] = rng.normal(5.0, 0.1, n)
        columns["SERIAL_PROF"] = rng.normal(size=(n, 4))
    columns["NOISE"][rng.integers(n)] = np.nan
    # The combined calibration is the same in all exposures.
    rng = np.random.default_rng(detector.getId())
    columns[f"{product.upper()}_DIST_50.0_PCT"] = rng.normal(0.0, 0.1, n)
    table = Table()
    table["instrument"] = ["camera"] * n
    if exposureColumn:
        table["exposure"] = np.full(n, exposure)
    table["detector"] = np.full(n, detector.getId())
    table["mjd"] = np.full(n, 61041.0)
    table["amplifier"] = [amp.getName() for amp in amps]
    for name, values in columns.items():
        table[f"{product.upper()}_{name}"] = values
    return table


def makeStats(results: Table, product: str = "bias") -> dict[str, Any]:
    """Make the Stats that belong to results."""
    prefix = product.upper()
    verify = {}
    for row in results:
        flags = {test: bool(row[f"{prefix}_VERIFY_{test}"]) for test in (*TESTS, "SUCCESS")}
        verify[str(row["amplifier"])] = flags
    amp = {str(row["amplifier"]): {"MEAN": float(row[f"{prefix}_MEAN"])} for row in results}
    success = all(flags["SUCCESS"] for flags in verify.values())
    return {"AMP": amp, "VERIFY": {"AMP": verify}, "SUCCESS": success}


def makeMatrix(detector: Any) -> Table:
    """Make a small matrix table."""
    names = [amp.getName() for amp in detector.getAmplifiers()][:2]
    return Table(
        {
            "detector": [detector.getId()] * 2,
            "detectorComp": [detector.getId()] * 2,
            "ampName": names,
            "ampComp": names[::-1],
            "imageCorr": [0.1, 0.2],
            "overscanCorr": [0.0, np.nan],
        }
    )
