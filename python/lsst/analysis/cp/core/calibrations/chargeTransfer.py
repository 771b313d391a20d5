# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Charge transfer inefficiency, estimated from what is in the overscan beyond the edge of flats."""

from __future__ import annotations

import numpy as np

from lsst.analysis.cp.core.typing import FloatArray

__all__ = [
    "PARALLEL_LIMIT",
    "SERIAL_LIMIT",
    "SIGNAL_RANGE",
    "averageInefficiency",
    "estimateInefficiency",
]

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
        NaN if no estimate in the range is finite, or the vectors are of unequal lengths.
    """
    if len(signals) != len(estimates):
        return float("nan")
    chosen = np.isfinite(estimates) & (signals >= ends[0]) & (signals <= ends[1])
    return float(np.median(estimates[chosen])) if chosen.any() else float("nan")


def estimateInefficiency(overscan: FloatArray, last: float, nTransfers: int, nPixels: int) -> float:
    """Estimate the inefficiency of a transfer by the extended pixel edge response.

    It is the charge in the first pixels of the overscan, divided by that in the last pixel of the image and
    by the number of transfers (Snyder et al. 2021, doi:10.1117/1.JATIS.7.4.048002).

    Parameters
    ----------
    overscan
        Means of the columns, or rows, of the overscan in the order of readout, without their level
        (electron), shape (n,).
    last
        Mean of the last column, or row, of the image (electron).
    nTransfers
        Number of transfers from there.
    nPixels
        Columns, or rows, of the overscan that hold the deferred charge.

    Returns
    -------
    inefficiency
        NaN if there are fewer columns, one of them is not known, or the last of the image has no charge.
    """
    if len(overscan) < nPixels or not last > 0:
        return float("nan")
    return float(np.sum(overscan[:nPixels]) / (last * nTransfers))
