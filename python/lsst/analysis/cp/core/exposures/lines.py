# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Straight lines through the values of many amplifiers at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.typing import FloatArray, IdArray

__all__ = ["LineFits", "fitLines"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LineFits:
    """Straight lines ``intercept + slope * x``, one for each member of a camera.

    Parameters
    ----------
    slope, intercept
        Of each line, shape (nMembers,); NaN where there are not two points at different x.
    slopeError
        Standard error of the slope, shape (nMembers,); NaN where there are less than three points.
    nPoints
        Number of points of each line, shape (nMembers,).
    """

    slope: FloatArray
    intercept: FloatArray
    slopeError: FloatArray
    nPoints: IdArray


def fitLines(x: FloatArray, values: FloatArray) -> LineFits:
    """Fit lines by ordinary least squares.

    All points of a line have the same unknown standard deviation, which is estimated from their residuals
    with two degrees of freedom less than points; the standard error of the slope follows from it (Bevington
    and Robinson, Data Reduction and Error Analysis, section 6.4).

    Parameters
    ----------
    x
        Of each exposure, shape (nExposures,); NaN if it is not known, so that no line has this exposure.
    values
        Of each member in each exposure, shape (nExposures, nMembers); NaN if there is none. Not modified.

    Returns
    -------
    fits
        The line of each member.
    """
    known = np.isfinite(x)[:, np.newaxis] & np.isfinite(values)
    n_points = known.sum(axis=0)
    column = np.where(np.isfinite(x), x, 0.0)[:, np.newaxis]
    y = np.where(known, values, 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x_mean = (column * known).sum(axis=0) / n_points
        y_mean = y.sum(axis=0) / n_points
        # About the means, so that late dates and large levels cost no digits.
        dx = np.where(known, column - x_mean, 0.0)
        dy = np.where(known, values - y_mean, 0.0)
        sum_xx = (dx * dx).sum(axis=0)
        slope = (dx * dy).sum(axis=0) / sum_xx
        residuals = dy - slope * dx
        variance = (residuals * residuals).sum(axis=0) / (n_points - 2)
        slope_error = np.sqrt(variance / sum_xx)
        intercept = y_mean - slope * x_mean
    lowest = np.where(known, column, np.inf).min(axis=0, initial=np.inf)
    highest = np.where(known, column, -np.inf).max(axis=0, initial=-np.inf)
    # Rounding of the mean may leave equal x a sum of squares that is not 0.
    is_line = highest > lowest
    return LineFits(
        slope=np.where(is_line, slope, np.nan),
        intercept=np.where(is_line, intercept, np.nan),
        slopeError=np.where(is_line & (n_points > 2), slope_error, np.nan),
        nPoints=n_points,
    )
