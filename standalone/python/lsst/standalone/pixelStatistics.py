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
    MIN = "minimum"
    MAX = "maximum"
    NMASKED = "number of pixels that are left out by their mask"
    NCLIPPED = "number of the other pixels that are clipped"


_CLIPPING = {Statistic.STDEVCLIP, Statistic.NCLIPPED}


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
        Values in the unit of ``pixels``, and counts; NaN where too few pixels are left. If clipped pixels
        are counted, masks that leave the same pixels after clipping give the same deviation of these to the
        last bit, as in afw.
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
        elif statistic is Statistic.MIN:
            measured[statistic] = float(values.min()) if values.size else np.nan
        elif statistic is Statistic.MAX:
            measured[statistic] = float(values.max()) if values.size else np.nan
        elif statistic is Statistic.NMASKED:
            measured[statistic] = float(np.count_nonzero(isBad))
    if not _CLIPPING.isdisjoint(statistics):
        measured |= _clip(values, control, exact=Statistic.NCLIPPED in statistics)
    return {statistic: measured[statistic] for statistic in statistics}


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


def _clip(values: npt.NDArray[np.float32], control: ClipControl, *, exact: bool) -> dict[Statistic, float]:
    """Clip about the median by the interquartile range first, then about the mean by the deviation.

    Each iteration goes back to all values. Their sums are made once, and those of the few clipped values are
    taken off, so that an iteration costs no more than a comparison. Where it has to be exact, the deviation
    is that of the values left, whatever has been clipped.
    """
    nothing = {Statistic.STDEVCLIP: np.nan, Statistic.NCLIPPED: 0.0}
    if values.size < 2:
        return nothing
    quarter, median, three_quarters = findQuantiles(values, (0.25, 0.5, 0.75))
    deviations = values.astype(np.float64) - median
    sum_all, squares_all = deviations.sum(), deviations @ deviations
    center, half_width = 0.0, control.numSigma * _IQR_TO_STDEV * (three_quarters - quarter)
    variance, is_clipped = np.nan, np.zeros(values.shape, dtype=bool)
    for _ in range(control.numIterations):
        is_clipped = (deviations < center - half_width) | (deviations > center + half_width)
        clipped = deviations[is_clipped]
        number = deviations.size - clipped.size
        if number < 2:
            return nothing | {Statistic.NCLIPPED: float(clipped.size)}
        center = float(sum_all - clipped.sum()) / number
        squares = float(squares_all - clipped @ clipped)
        variance = max((squares - number * center**2) / (number - 1), 0.0)
        half_width = control.numSigma * float(np.sqrt(variance))
    if exact:
        variance = float(np.var(values[~is_clipped], ddof=1, dtype=np.float64))
    return {
        Statistic.STDEVCLIP: float(np.sqrt(variance)),
        Statistic.NCLIPPED: float(np.count_nonzero(is_clipped)),
    }
