# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Standard deviation of the Gaussian core of a sample."""

from __future__ import annotations

__all__ = ["clippedScale"]

import math

import numpy as np
import numpy.typing as npt

_CLIP = 3.0
"""Distance at which a sample is clipped (standard deviations)."""

_NUM_ITERATIONS = 3


def clippedScale(sample: npt.NDArray[np.floating]) -> float:
    """Measure the standard deviation of a Gaussian with outliers.

    The standard deviation of what lies within 3 standard deviations of the mean is divided by that of a unit
    Gaussian cut there, three times, from the quantiles on: `astropy.stats.sigma_clip` made unbiased. It is
    nearly as precise as the plain standard deviation, and unlike a median deviation it does not depend on
    the step of digitised values.

    Parameters
    ----------
    sample
        Finite values; shape (n,).

    Returns
    -------
    scale
        Standard deviation, in the unit of the sample; NaN if it is empty.
    """
    if not len(sample):
        return math.nan
    low, center, high = np.quantile(sample, [0.15865525, 0.5, 0.84134475])
    scale = float(high - low) / 2
    # Variance of a unit Gaussian that is cut at the distance c: 1 - 2 c phi(c) / (2 Phi(c) - 1).
    density = math.exp(-(_CLIP**2) / 2) / math.sqrt(2 * math.pi)
    correction = math.sqrt(1 - 2 * _CLIP * density / math.erf(_CLIP / math.sqrt(2)))
    for _ in range(_NUM_ITERATIONS if scale > 0 else 0):
        kept = sample[np.abs(sample - center) <= _CLIP * scale]
        scale = float(kept.std(dtype=np.float64)) / correction
        center = kept.mean(dtype=np.float64)
    return scale
