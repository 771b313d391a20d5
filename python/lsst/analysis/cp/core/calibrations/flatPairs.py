# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Gains of pairs of flats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, FloatArray

__all__ = ["FlatPair", "chooseFlatPair", "correctionFactor"]

_SLOPES = {"E2V": 0.00046, "ITL": 0.00027}
"""Growth of the gain of a pair with its mean (percent/adu), by vendor, as cp_verify has it (DM-35790)."""

_FACTOR = 2.0
"""Largest ratio of the mean of a pair and what is asked for: the correction is linear in the mean."""


@dataclass(frozen=True, kw_only=True)
class FlatPair:
    """What a pair of flats says of an amplifier; all is NaN if there is no pair.

    Parameters
    ----------
    mean
        Mean (adu).
    gain
        Gain, not corrected (electron/adu).
    noise
        Noise of the overscan (adu).
    """

    mean: float = np.nan
    gain: float = np.nan
    noise: float = np.nan


def chooseFlatPair(
    means: FloatArray, gains: FloatArray, noises: FloatArray, used: BoolArray, *, signal: float
) -> FlatPair:
    """Choose the pair of flats with the mean that is nearest to a signal.

    Parameters
    ----------
    means, gains, noises
        Of each pair, as in `FlatPair`, shape (nPairs,); NaN where there is none.
    used
        Whether the fit of the photon transfer curve used the pair, shape (nPairs,); others are not chosen.
    signal
        Mean that is asked for (adu).

    Returns
    -------
    pair
        The pair, of which mean and gain are finite; an empty one if none is within a factor of two, or the
        vectors are of unequal lengths, so that nobody knows what belongs together.
    """
    if not len(means) == len(gains) == len(noises) == len(used):
        return FlatPair()
    near = used & np.isfinite(gains) & (means * _FACTOR >= signal) & (means <= signal * _FACTOR)
    if not near.any():
        return FlatPair()
    candidates = np.flatnonzero(near)
    best = candidates[np.argmin(np.abs(means[candidates] - signal))]
    return FlatPair(mean=float(means[best]), gain=float(gains[best]), noise=float(noises[best]))


def correctionFactor(mean: float, physicalType: str) -> float:
    """Tell what the gain of a pair of flats has to be multiplied by.

    Parameters
    ----------
    mean
        Mean of the pair (adu).
    physicalType
        Kind of sensor (``"ITL_WF"``), which begins with the vendor.

    Returns
    -------
    factor
        NaN for a vendor that is not known.
    """
    slope = next((slope for vendor, slope in _SLOPES.items() if physicalType.startswith(vendor)), np.nan)
    return 1.0 - slope / 100 * mean
