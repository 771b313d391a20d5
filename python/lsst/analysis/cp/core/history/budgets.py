# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Thresholds of change points, drifts and outliers, from the number of false alarms that is accepted."""

from __future__ import annotations

__all__ = ["TrendBudgets"]

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from lsst.analysis.cp.core.typing import FloatArray

from .quantiles import BUDGETS, CHANGE_QUANTILES, DRIFT_QUANTILES, LENGTHS


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
        low, high = BUDGETS[-1], BUDGETS[0]
        for name, value in (("change points", self.changePoint), ("drifts", self.drift)):
            if not low <= value <= high:
                raise ValueError(f"Expected a budget of {name} between {low} and {high}, got {value!r}.")
        if not 0 < self.outlier < 1:
            raise ValueError(f"Expected a budget of outliers between 0 and 1, got {self.outlier!r}.")

    def changeThresholds(self, counts: npt.NDArray[np.integer]) -> FloatArray:
        """Return the score that a change point needs in a history of so many epochs; any shape."""
        return _interpolate(counts, CHANGE_QUANTILES, self.changePoint)

    def driftThresholds(self, counts: npt.NDArray[np.integer]) -> FloatArray:
        """Return the significance that a drift needs in a history of so many epochs; any shape."""
        return _interpolate(counts, DRIFT_QUANTILES, self.drift)

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
    levels = [np.interp(-np.log(budget), -np.log(BUDGETS), row) for row in quantiles]
    at = np.log(np.maximum(counts, 1))
    nodes = np.log(LENGTHS)
    growth = max(0.0, (levels[-1] - levels[-2]) / (nodes[-1] - nodes[-2]))
    threshold: FloatArray = np.interp(at, nodes, levels)
    return threshold + growth * np.maximum(at - nodes[-1], 0.0)
