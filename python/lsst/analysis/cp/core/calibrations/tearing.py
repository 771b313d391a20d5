# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tearing of flats: charge that moved across the boundaries of amplifiers (divisadero)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from astropy.stats import sigma_clipped_stats

from lsst.analysis.cp.core.typing import FloatArray, IndexArray

__all__ = [
    "IMPACT_PIXELS",
    "TEARING_LIMIT",
    "boundaryDeviations",
    "columnProfile",
    "pairNeighbours",
    "tearingOfAmps",
]

IMPACT_PIXELS = 2
"""Columns on either side of a boundary that are looked at, if a configuration says no others."""

TEARING_LIMIT = 0.05
"""Deviation that is to be kept below, if a configuration says no other. The maps of eo_pipe end there."""


def pairNeighbours(edges: FloatArray) -> IndexArray:
    """Find the amplifiers that share a boundary between columns.

    Parameters
    ----------
    edges
        Edges (xMin, yMin, xMax, yMax) of the amplifiers of a detector in pixels, shape (nAmps, 4).

    Returns
    -------
    pairs
        Amplifiers on the left and on the right of each boundary, shape (nBoundaries, 2), from the left to the
        right of each row of amplifiers, the lowest row first.
    """
    x_low, y_low, x_high, y_high = edges.T
    beside = (y_low[:, np.newaxis] == y_low) & (y_high[:, np.newaxis] == y_high)
    pairs = np.argwhere(beside & (x_high[:, np.newaxis] == x_low))
    return pairs[np.lexsort((edges[pairs[:, 0], 0], edges[pairs[:, 0], 1]))]


def columnProfile(pixels: FloatArray, nEdge: int) -> FloatArray:
    """Divide the response of the columns of a flat by a line through it.

    Parameters
    ----------
    pixels
        Rows of an amplifier next to its readout, shape (nRows, nColumns); NaN for those that are left out.
    nEdge
        Columns at either side that the line does not take.

    Returns
    -------
    profile
        Mean of each column, without what is three standard deviations off, over the line; shape (nColumns,),
        NaN where nothing is known, and everywhere if there is no light, or no line.
    """
    with warnings.catch_warnings():
        # NaN is what comes out of NaN.
        warnings.simplefilter("ignore")
        means = sigma_clipped_stats(np.asarray(pixels, dtype=np.float64), axis=0)[0]
    columns = np.arange(len(means))
    taken = np.isfinite(means) & (columns >= nEdge) & (columns < len(means) - nEdge)
    if np.count_nonzero(taken) < 2 or not (level := np.median(means[taken])) > 0:
        return np.full(len(means), np.nan)
    line = np.polynomial.Polynomial.fit(columns[taken], means[taken] / level, 1)
    profile: FloatArray = means / level / line(columns)
    return profile


def boundaryDeviations(
    profiles: Sequence[FloatArray], pairs: IndexArray, nPixels: int = IMPACT_PIXELS
) -> FloatArray:
    """Find the largest deviation from 1 on either side of each boundary.

    This is the divisadero signal of eo_pipe (``divisaderoTearingTask``) and of ip_isr
    (``IsrStatisticsTask.measureDivisaderoStatistics``).

    Parameters
    ----------
    profiles
        Response of the columns of each amplifier, divided by a line through it, from the left to the right of
        the assembled image; NaN where there is none.
    pairs
        Amplifiers on both sides of each boundary, shape (nBoundaries, 2).
    nPixels
        Columns on either side that are looked at.

    Returns
    -------
    deviations
        Shape (nBoundaries,); NaN where no column is known.
    """
    ends = [np.concatenate([profiles[i][-nPixels:], profiles[j][:nPixels]]) for i, j in pairs.tolist()]
    return np.array([_largest(np.abs(end - 1.0)) for end in ends], dtype=np.float64)


def tearingOfAmps(deviations: FloatArray, pairs: IndexArray, nAmps: int) -> FloatArray:
    """Give each amplifier the larger deviation of its boundaries.

    Parameters
    ----------
    deviations
        Deviation at each boundary, shape (nBoundaries,); NaN where there is none.
    pairs
        Amplifiers on both sides of each boundary, shape (nBoundaries, 2).
    nAmps
        Number of amplifiers.

    Returns
    -------
    tearing
        Shape (nAmps,); NaN where no boundary of an amplifier is known.
    """
    return np.array([_largest(deviations[(pairs == amp).any(axis=1)]) for amp in range(nAmps)])


def _largest(values: FloatArray) -> float:
    """Take the largest finite value; NaN if there is none."""
    return float(max(values[np.isfinite(values)], default=np.nan))
