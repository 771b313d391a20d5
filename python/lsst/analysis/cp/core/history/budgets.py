# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Thresholds of change points, drifts and outliers, from the number of false alarms that is accepted.

The quantiles are written by ``python benchmarks/trends.py --calibrate``, from the scores that
`measureAlarmScores` finds in simulated histories.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from lsst.analysis.cp.core.typing import FloatArray

from .changePoints import largestContrasts
from .drift import measureDrifts
from .noise import Epochs, Noise

__all__ = ["AlarmScores", "TrendBudgets", "measureAlarmScores"]

_BUDGETS = (0.1, 0.03, 0.01, 0.003, 0.001)
_LENGTHS = (10, 14, 20, 30, 50, 100, 200, 500, 1000, 2000)
_CHANGE_QUANTILES = (
    (2.22, 3.42, 4.65, 6.27, 7.80),
    (2.87, 4.00, 5.15, 6.70, 8.17),
    (2.63, 3.42, 4.16, 5.38, 6.47),
    (2.93, 3.71, 4.39, 5.21, 5.76),
    (3.29, 3.90, 4.46, 5.05, 5.60),
    (3.69, 4.24, 4.72, 5.24, 5.75),
    (4.06, 4.60, 5.07, 5.71, 6.00),
    (4.38, 4.91, 5.41, 5.94, 6.34),
    (4.56, 5.00, 5.41, 5.90, 6.37),
    (4.71, 5.07, 5.38, 5.78, 6.22),
)
_DRIFT_QUANTILES = (
    (1.58, 2.11, 2.46, 2.81, 2.98),
    (1.70, 2.23, 2.55, 2.87, 3.09),
    (1.46, 2.06, 2.44, 2.81, 3.06),
    (1.53, 2.17, 2.61, 3.01, 3.41),
    (1.71, 2.38, 2.85, 3.23, 3.56),
    (1.84, 2.52, 3.02, 3.46, 3.75),
    (1.82, 2.48, 3.00, 3.40, 3.67),
    (1.51, 2.08, 2.58, 3.17, 3.50),
    (1.28, 1.66, 2.02, 2.44, 2.70),
    (1.07, 1.35, 1.52, 1.71, 1.85),
)


@dataclass(frozen=True, kw_only=True)
class TrendBudgets:
    """Shares of histories without a change, a drift or an outlier in which one may be found.

    A camera of 205 detectors with 10 metrics has 2,050 histories: with the defaults two of them have a false
    change point, two a false drift and two a false outlier.

    Flicker noise that is stronger than the simulated one has more, most of all in short histories, which say
    little of it: 3 in 100 histories of 30 days of nothing but flicker noise have a false change point, and 1
    in 1000 of a year. Slow changes that are neither steps nor straight, as of seasons, are changes.

    Parameters
    ----------
    changePoint, drift
        Between 0.001 and 0.1. Thresholds are interpolated between quantiles of simulated histories of white,
        heavy-tailed and flicker noise (as strong as the white noise in means of 20 days), of which the worst
        counts.
    outlier
        Between 0 and 1. The threshold is computed for independent Gaussian noise; where the noise has tails,
        they are outliers.

    Raises
    ------
    ValueError
        Raised if a budget is out of range.
    """

    changePoint: float = 0.001
    drift: float = 0.001
    outlier: float = 0.001

    def __post_init__(self) -> None:
        low, high = _BUDGETS[-1], _BUDGETS[0]
        for name, value in (("change points", self.changePoint), ("drifts", self.drift)):
            if not low <= value <= high:
                raise ValueError(f"Expected a budget of {name} between {low} and {high}, got {value!r}.")
        if not 0 < self.outlier < 1:
            raise ValueError(f"Expected a budget of outliers between 0 and 1, got {self.outlier!r}.")

    def changeThresholds(self, counts: npt.NDArray[np.integer]) -> FloatArray:
        """Return the score that a change point needs in a history of so many epochs; any shape."""
        return _interpolate(counts, _CHANGE_QUANTILES, self.changePoint)

    def driftThresholds(self, counts: npt.NDArray[np.integer]) -> FloatArray:
        """Return the significance that a drift needs in a history of so many epochs; any shape."""
        return _interpolate(counts, _DRIFT_QUANTILES, self.drift)

    def outlierThresholds(self, counts: int | npt.NDArray[np.integer]) -> FloatArray:
        """Return the score that an outlier needs in a history of so many points; any shape.

        It is what the largest of so many values exceeds, of either sign, in the share of the budget (Sidak
        1967, doi:10.1080/01621459.1967.10482935). The values follow Student's distribution, whose degrees of
        freedom allow for the error of a median absolute deviation: it is as precise as a standard deviation
        of 37% of the values (Rousseeuw & Croux 1993, doi:10.1080/01621459.1993.10476408).
        """
        number = np.maximum(counts, 1)
        single = -np.expm1(np.log1p(-self.outlier) / number)
        threshold: FloatArray = student.isf(single / 2, np.maximum(0.37 * number, 1.0))
        return threshold


def _interpolate(
    counts: npt.NDArray[np.integer], quantiles: tuple[tuple[float, ...], ...], budget: float
) -> FloatArray:
    """Interpolate in the logarithms of length and budget; past the last length as the last two go on."""
    levels = [np.interp(-np.log(budget), -np.log(_BUDGETS), row) for row in quantiles]
    at = np.log(np.maximum(counts, 1))
    nodes = np.log(_LENGTHS)
    growth = max(0.0, (levels[-1] - levels[-2]) / (nodes[-1] - nodes[-2]))
    threshold: FloatArray = np.interp(at, nodes, levels)
    return threshold + growth * np.maximum(at - nodes[-1], 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class AlarmScores:
    """What is compared with the thresholds of `TrendBudgets`.

    Parameters
    ----------
    changePoint
        Score of the most significant change of each history, shape (nSeries,); 0 if it is too short.
    drift
        Absolute significance of the drift of each history, shape (nSeries,).
    """

    changePoint: FloatArray
    drift: FloatArray


def measureAlarmScores(values: FloatArray) -> AlarmScores:
    """Measure histories of the same length, as if there were neither thresholds nor changes.

    Parameters
    ----------
    values
        Finite values, one a day, shape (nSeries, n).

    Returns
    -------
    scores
        Of each history.
    """
    num_series, length = values.shape
    series = np.repeat(np.arange(num_series), length)
    times = np.tile(np.arange(length, dtype=np.float64), num_series)
    changes, drifts = np.zeros((2, num_series))
    for block in Epochs.fromPoints(series, times, values.ravel(), num_series).makeBlocks():
        noise = Noise.fromBlock(block)
        changes[block.series] = largestContrasts(block.values, block, noise)
        levels = np.zeros(block.values.shape, dtype=np.intp)
        found = measureDrifts(block, noise, levels, np.zeros(len(block.series)))
        drifts[block.series] = np.abs(found.significance)
    return AlarmScores(changePoint=changes, drift=drifts)
