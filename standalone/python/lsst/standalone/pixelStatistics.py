# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Statistics of pixels with the definitions of ``lsst.afw.math.makeStatistics`` (afw, 2026)."""

__all__ = ["ClipControl", "Statistic", "findQuantiles", "measurePixels"]

import enum
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_IQR_TO_STDEV = 0.741301109252802
"""Standard deviation of a Gaussian in units of its interquartile range, as afw rounds it."""


class Statistic(enum.Enum):
    """Statistics that can be measured, by afw's names."""

    MEAN = "mean"
    MEDIAN = "median"
    STDEV = "standard deviation"
    STDEVCLIP = "standard deviation of the pixels left after clipping"


@dataclass(frozen=True)
class ClipControl:
    """How to clip.

    Parameters
    ----------
    numSigma
        Clipping limit in standard deviations.
    numIterations
        Number of iterations.
    """

    numSigma: float = 3.0
    numIterations: int = 3


def measurePixels(
    pixels: npt.NDArray[np.float32],
    isBad: npt.NDArray[np.bool_],
    statistics: Collection[Statistic],
    control: ClipControl,
) -> dict[Statistic, float]:
    """Measure pixels that are neither bad nor NaN nor infinite.

    Parameters
    ----------
    pixels
        Pixel values, of any shape.
    isBad
        Whether to leave a pixel out, of the same shape.
    statistics
        What to measure.
    control
        How to clip.

    Returns
    -------
    measured
        Values in the unit of ``pixels``; NaN where too few pixels are left.
    """
    use = np.isfinite(pixels)
    use &= ~isBad
    values = pixels.ravel() if use.all() else pixels[use]
    measured: dict[Statistic, float] = {}
    for statistic in statistics:
        if statistic is Statistic.MEAN:
            measured[statistic] = float(np.mean(values, dtype=np.float64)) if values.size else np.nan
        elif statistic is Statistic.MEDIAN:
            measured[statistic] = findQuantiles(values, (0.5,))[0]
        elif statistic is Statistic.STDEV:
            enough = values.size > 1
            measured[statistic] = float(np.std(values, ddof=1, dtype=np.float64)) if enough else np.nan
        else:
            measured[statistic] = _clippedStdev(values, control)
    return measured


def findQuantiles(values: npt.NDArray[np.float32], fractions: Collection[float]) -> list[float]:
    """Interpolate quantiles linearly, as `numpy.quantile` does.

    Parameters
    ----------
    values
        Values without NaN, of any shape.
    fractions
        Fractions from 0 to 1.

    Returns
    -------
    quantiles
        One for each fraction; NaN if there are no values.
    """
    if not values.size:
        return [np.nan] * len(fractions)
    # With vector instructions a full sort costs less than the partitions for a few quantiles.
    ordered = np.sort(values, axis=None)
    quantiles = []
    for fraction in fractions:
        place = fraction * (ordered.size - 1)
        low, high = float(ordered[int(place)]), float(ordered[min(int(place) + 1, ordered.size - 1)])
        quantiles.append(low + (place - int(place)) * (high - low))
    return quantiles


def _clippedStdev(values: npt.NDArray[np.float32], control: ClipControl) -> float:
    """Clip about the median by the interquartile range first, then about the mean by the deviation.

    Each iteration goes back to all values. Their sums are made once, and those of the few clipped values are
    taken off, so that an iteration costs no more than a comparison.
    """
    if values.size < 2:
        return np.nan
    quarter, median, three_quarters = findQuantiles(values, (0.25, 0.5, 0.75))
    deviations = values.astype(np.float64) - median
    sum_all, squares_all = deviations.sum(), deviations @ deviations
    center, half_width = 0.0, control.numSigma * _IQR_TO_STDEV * (three_quarters - quarter)
    variance = np.nan
    for _ in range(control.numIterations):
        clipped = deviations[(deviations < center - half_width) | (deviations > center + half_width)]
        number = deviations.size - clipped.size
        if number < 2:
            return np.nan
        center = float(sum_all - clipped.sum()) / number
        squares = float(squares_all - clipped @ clipped)
        variance = max((squares - number * center**2) / (number - 1), 0.0)
        half_width = control.numSigma * float(np.sqrt(variance))
    return float(np.sqrt(variance))
