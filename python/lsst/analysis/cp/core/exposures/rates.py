# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""How steady the response of parts of a camera is, beside that of all of it."""

from __future__ import annotations

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, FloatArray

from .grid import finiteMedian

__all__ = ["relativeGains", "relativeSpread"]


def relativeGains(rates: FloatArray, selected: BoolArray) -> FloatArray:
    """Compare the rate of each member with that of the focal plane, and with its own over the run.

    The rate of each exposure is divided by the median of the selected members, which takes out the lamp as a
    photodiode would, and an error of the exposure time. The ratio is divided by its median over the
    exposures, so that a member whose gain does not change stays at 1.

    Parameters
    ----------
    rates
        Of each member in each exposure, shape (nExposures, nMembers), in any unit; NaN if there is none.
    selected
        Members of which the median is that of the focal plane, shape (nMembers,).

    Returns
    -------
    gains
        Of the same shape, without unit; NaN where there is no rate, or a median that is not positive.
    """
    focal_plane = finiteMedian(rates[:, selected], axis=1)
    # A median of no light, or of less, is no lamp to compare with.
    lamp = np.where(focal_plane > 0, focal_plane, np.nan)
    ratio = rates / lamp[:, np.newaxis]
    level = finiteMedian(ratio, axis=0)
    return ratio / np.where(level > 0, level, np.nan)


def relativeSpread(values: FloatArray) -> FloatArray:
    """Divide the range of each member's values by their median.

    Parameters
    ----------
    values
        Of each member in each exposure, shape (nExposures, nMembers); NaN if there is none.

    Returns
    -------
    spread
        Shape (nMembers,), without unit; NaN where there is no value, or a median that is not positive.
    """
    known = np.isfinite(values)
    lowest = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
    highest = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
    median = finiteMedian(values, axis=0)
    return (highest - lowest) / np.where(median > 0, median, np.nan)
