# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Scores from which thresholds are made: the largest in each history, whether it is an alarm or not."""

from __future__ import annotations

__all__ = ["AlarmScores", "measureAlarmScores"]

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.typing import FloatArray

from .blocks import Epochs
from .changePoints import largestContrasts
from .drift import measureDrifts
from .noise import Noise


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
