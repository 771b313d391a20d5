# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Values of amplifiers, or of detectors, laid out by exposure."""

from __future__ import annotations

import warnings

import numpy as np

from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.groups import GroupGrid
from lsst.analysis.cp.core.typing import FloatArray, IndexArray

__all__ = ["detectorMedians", "exposureGrid", "finiteMedian"]


def exposureGrid(
    values: FloatArray, exposureIndex: IndexArray, member: IndexArray, shape: tuple[int, int]
) -> FloatArray:
    """Lay out the rows of a table with a line for each exposure and a place for each member.

    Parameters
    ----------
    values
        Value of each row, shape (n,).
    exposureIndex, member
        Exposure and member (such as an amplifier) of each row, shape (n,); no two rows share both.
    shape
        Number of exposures, and of members.

    Returns
    -------
    grid
        Of this shape; NaN where there is no row, or no finite value.
    """
    grid = np.full(shape, np.nan)
    grid[exposureIndex, member] = np.where(np.isfinite(values), values, np.nan)
    return grid


def finiteMedian(values: FloatArray, axis: int) -> FloatArray:
    """Take the median along an axis of the values that are not NaN; NaN where there is none."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice|Mean of empty slice", RuntimeWarning)
        # The sum of the middle two may overflow, that of their halves does not.
        return 2.0 * np.nanmedian(values / 2.0, axis=axis)


def detectorMedians(grid: FloatArray, layout: CameraLayout) -> FloatArray:
    """Reduce the amplifiers of each detector to their median in each exposure.

    Parameters
    ----------
    grid
        Values, shape (nExposures, nAmps), NaN for none. Not modified.
    layout
        The camera.

    Returns
    -------
    medians
        Shape (nExposures, nDet); NaN where no amplifier has a value.
    """
    n_exposures, width = len(grid), int(layout.ampsPerDetector.max())
    place = layout.ampDetector * width + layout.memberOfAmp
    cell = (np.arange(n_exposures)[:, np.newaxis] * (layout.nDetectors * width) + place).ravel()
    groups = GroupGrid(cell=cell, nGroups=n_exposures * layout.nDetectors, width=width)
    return groups.reduce(grid.ravel()).median.reshape(n_exposures, layout.nDetectors)
