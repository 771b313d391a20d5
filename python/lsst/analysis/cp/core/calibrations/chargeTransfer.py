# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Charge transfer inefficiency, estimated from what is in the overscan beyond the edge of flats."""

from __future__ import annotations

import numpy as np

from lsst.analysis.cp.core.typing import FloatArray

__all__ = ["PARALLEL_LIMIT", "SERIAL_LIMIT", "SIGNAL_RANGE", "averageInefficiency"]

SERIAL_LIMIT = 5e-6
"""Largest inefficiency of a serial transfer that is taken as good, if a configuration says no other."""
PARALLEL_LIMIT = 3e-6
"""Largest inefficiency of a parallel transfer that is taken as good, if a configuration says no other."""

SIGNAL_RANGE = (20_000.0, 60_000.0)
"""Signals (electron) over which inefficiencies are averaged, if a configuration says no others."""


def averageInefficiency(signals: FloatArray, estimates: FloatArray, ends: tuple[float, float]) -> float:
    """Take the median of the estimates within a range of signals.

    Parameters
    ----------
    signals
        Mean signals of flats (electron), shape (n,).
    estimates
        Inefficiency of a transfer by the extended pixel edge response, shape (n,); NaN where there is none.
        Snyder et al. 2021 (doi:10.1117/1.JATIS.7.4.048002) define it.
    ends
        Ends of the range (electron), which belong to it.

    Returns
    -------
    inefficiency
        NaN if no estimate in the range is finite.
    """
    chosen = np.isfinite(estimates) & (signals >= ends[0]) & (signals <= ends[1])
    return float(np.median(estimates[chosen])) if chosen.any() else float("nan")
