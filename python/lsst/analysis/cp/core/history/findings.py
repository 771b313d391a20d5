# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What happened to histories that share epochs, and which of them lie apart from the others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import median_abs_deviation

from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray

from .budgets import TrendBudgets
from .fit import summarizeTrends
from .series import TrendSeries

__all__ = ["TrendFindings", "findTrends"]

MIN_SIBLINGS = 6
"""Number of series of a kind from which it is told which of them are outlying."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendFindings:
    """What was found in the series of `TrendSeries`.

    Parameters
    ----------
    changeSeries, changeEpoch
        Series and first epoch at the new level of each change point, shape (nChanges,).
    changeBefore, changeAfter
        Level on either side, shape (nChanges,) (unit of the values).
    changeScore
        Significance, shape (nChanges,) (standard deviations).
    slope
        Drift of each series, shape (nSeries,) (unit of the values a year); NaN if it cannot be measured.
    driftScore
        Significance of the drift, shape (nSeries,) (standard deviations).
    drifting
        Whether the drift is significant, shape (nSeries,).
    outlyingScore
        Distance of the median of each series from that of its kind, shape (nSeries,) (scaled median absolute
        deviations of the series of the kind); NaN without a value, or in a kind of few series.
    outlying
        Whether this distance is significant, shape (nSeries,).
    outlierSeries, outlierEpoch
        Series and epoch of each value that is far from the level of its series, shape (nOutliers,).
    outlierScore
        Distance of these, shape (nOutliers,) (scaled median absolute deviations of the series).
    expected
        Level of each series along its drift, shape (nSeries, nEpochs) (unit of the values); NaN where there
        is no value.
    """

    changeSeries: IndexArray
    changeEpoch: IndexArray
    changeBefore: FloatArray
    changeAfter: FloatArray
    changeScore: FloatArray
    slope: FloatArray
    driftScore: FloatArray
    drifting: BoolArray
    outlyingScore: FloatArray
    outlying: BoolArray
    outlierSeries: IndexArray
    outlierEpoch: IndexArray
    outlierScore: FloatArray
    expected: FloatArray

    @cached_property
    def interest(self) -> FloatArray:
        """How much there is to look at in each series, shape (nSeries,): its largest score, 0 if nothing."""
        interest = np.where(self.drifting, np.abs(self.driftScore), 0.0)
        np.maximum(interest, np.where(self.outlying, np.abs(self.outlyingScore), 0.0), out=interest)
        np.maximum.at(interest, self.changeSeries, self.changeScore)
        np.maximum.at(interest, self.outlierSeries, np.abs(self.outlierScore))
        return interest


def findTrends(series: TrendSeries, budgets: TrendBudgets | None = None) -> TrendFindings:
    """Find change points, drifts, outliers, and series that are outlying among the others of their kind.

    Parameters
    ----------
    series
        The histories.
    budgets
        Accepted shares of false alarms, by default those of `TrendBudgets`; that of outliers holds for
        outlying series, too.

    Returns
    -------
    findings
        What was found.
    """
    budgets = TrendBudgets() if budgets is None else budgets
    rows, epochs = np.indices(series.values.shape).reshape(2, -1)
    found = summarizeTrends(
        rows, series.mjd[epochs], series.values.ravel(), nSeries=series.nSeries, budgets=budgets
    )
    outlying_score = np.full(series.nSeries, np.nan)
    outlying = np.zeros(series.nSeries, dtype=bool)
    for kind in np.unique(series.groups):
        siblings = np.flatnonzero((series.groups == kind) & np.isfinite(found.median))
        medians = found.median[siblings]
        spread = median_abs_deviation(medians, scale="normal") if len(siblings) else 0.0
        if len(siblings) >= MIN_SIBLINGS and spread > 0:
            outlying_score[siblings] = (medians - np.median(medians)) / spread
            outlying[siblings] = np.abs(outlying_score[siblings]) > budgets.outlierThresholds(len(siblings))
    changes, drifts, outliers = found.changePoints, found.drifts, found.outliers
    return TrendFindings(
        changeSeries=changes.series,
        changeEpoch=np.searchsorted(series.mjd, changes.time),
        changeBefore=changes.before,
        changeAfter=changes.after,
        changeScore=changes.score,
        slope=drifts.slope,
        driftScore=drifts.significance,
        drifting=drifts.isSignificant,
        outlyingScore=outlying_score,
        outlying=outlying,
        outlierSeries=outliers.series,
        outlierEpoch=epochs[outliers.index],
        outlierScore=outliers.score,
        expected=found.expected.reshape(series.values.shape),
    )
