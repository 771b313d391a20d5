# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Correction by the serial overscan as ip_isr (2026-04) does it for Rubin's cameras: medians of rows."""

__all__ = ["OverscanResult", "correctOverscan"]

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsst.standalone.pixelStatistics import ClipControl, Statistic, measurePixels

from .frames import RawAmplifier

_SKIPPED_COLUMNS = 3
"""Columns left out on either side of the overscan for the fit."""

_CLIP = ClipControl(3.0, 3)
"""Clipping of the residuals: the defaults of ip_isr and afw."""


@dataclass(frozen=True)
class OverscanResult:
    """What the correction of an amplifier found (ADU).

    Parameters
    ----------
    raw
        Overscan pixels before the correction, in readout order.
    rowLevels
        Level that was taken off each row.
    median
        Median level.
    residualStdev
        Clipped standard deviation of the corrected overscan.
    """

    raw: npt.NDArray[np.float32]
    rowLevels: npt.NDArray[np.float32]
    median: float
    residualStdev: float


def correctOverscan(raw: RawAmplifier) -> OverscanResult:
    """Take the level of each row off the image.

    Parameters
    ----------
    raw
        Raw pixels; those of the image are corrected in place, those of the overscan are left.

    Returns
    -------
    result
        Levels and residuals.
    """
    width = raw.overscan.shape[1]
    skipped = _SKIPPED_COLUMNS if width > 2 * _SKIPPED_COLUMNS else 0
    levels = np.median(raw.overscan[:, skipped : width - skipped], axis=1)
    raw.data[:] -= levels[:, None]
    residuals = raw.overscan - levels[:, None]
    measured = measurePixels(residuals, np.zeros(residuals.shape, dtype=bool), {Statistic.STDEVCLIP}, _CLIP)
    return OverscanResult(
        raw=raw.overscan,
        rowLevels=levels,
        median=float(np.median(levels)),
        residualStdev=measured[Statistic.STDEVCLIP],
    )
