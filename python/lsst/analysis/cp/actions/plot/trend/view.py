# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a plot of a trend shows: bands, lines, and the range of values."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.amps import FAILED
from lsst.analysis.cp.core.history import TrendFindings, TrendSeries
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IdArray, IndexArray

from .axis import TrendAxis
from .text import changeEvents, rankFailing

__all__ = ["TrendBand", "TrendView", "chooseNamed", "chooseRange", "makeBands"]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Shares of the series below each line of a band."""

_REACH = 2.0
"""How far beyond the bulk the axis goes to hold single values of named series, in heights of the bulk."""

_LEVEL_REACH = 5.0
"""The same to hold their levels."""

_LIMIT_REACH = 1.5
"""How far beyond the values the axis goes to hold the threshold, in heights of what is shown."""

_MARGIN = 0.06


@dataclass(frozen=True, eq=False)
class TrendBand:
    """Distribution of the series of one kind, which is the label, at each epoch."""

    label: str
    nSeries: int
    quantiles: FloatArray
    """Quantiles 0.05, 0.25, 0.5, 0.75, 0.95 of the values, shape (5, nEpochs); NaN where there is none."""

    @property
    def median(self) -> FloatArray:
        """Median of the series at each epoch, shape (nEpochs,)."""
        return self.quantiles[2]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendView:
    """What a plot of a trend shows.

    Parameters
    ----------
    series
        The histories.
    findings
        What was found in them.
    axis
        Places of the epochs.
    bands
        Distributions, if there are more series than lines.
    named
        Index of each series that is drawn as a line, the one to look at first before the others.
    yLimits
        Ends of the axis of values.
    yLabel
        What the values are, with unit.
    noun
        What a series is, in the singular.
    thresholdLabel
        What a good value is; empty without a threshold.
    failsAbove
        Whether the values above the threshold fail, or those below.
    title, headline, provenance
        Lines at the top.
    lists
        Title and lines of each list beside the plot.
    message
        Why there is nothing to see; empty if there is something.
    """

    series: TrendSeries
    findings: TrendFindings
    axis: TrendAxis
    bands: tuple[TrendBand, ...]
    named: IndexArray
    yLimits: tuple[float, float]
    yLabel: str
    noun: str
    thresholdLabel: str
    failsAbove: bool
    title: str
    headline: str
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    message: str

    @property
    def nFailing(self) -> IdArray:
        """Number of series that failed at each epoch, shape (nEpochs,)."""
        return np.sum(self.series.status == FAILED, axis=0)

    @property
    def isAlarming(self) -> bool:
        """Whether something was found, or failed on the last epoch."""
        return bool(self.findings.interest.any() or (self.series.lastStatus == FAILED).any())

    @property
    def showsThreshold(self) -> bool:
        """Whether the threshold lies on the axis."""
        return bool(
            np.any((self.series.threshold >= self.yLimits[0]) & (self.series.threshold <= self.yLimits[1]))
        )

    @property
    def nChanging(self) -> IdArray:
        """Number of series of which a change point is at each epoch, shape (nEpochs,)."""
        return np.bincount(self.findings.changeEpoch, minlength=self.series.nEpochs)


def makeBands(series: TrendSeries, nLines: int) -> tuple[TrendBand, ...]:
    """Describe more series than can be drawn as lines by bands, one for each kind of sensor.

    Kinds are in the order of their numbers of series, the greatest first.
    """
    if series.nSeries <= nLines or not series.hasValues:
        return ()
    kinds, counts = np.unique(series.groups, return_counts=True)
    bands = []
    for i in np.argsort(-counts, kind="stable"):
        values = series.values[series.groups == kinds[i]]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)
            # Quantiles are values, taken inwards: the one outlier of a few values is in none.
            low = np.nanquantile(values, QUANTILES[:2], axis=0, method="higher")
            # The sum of the middle two may overflow, that of their halves does not.
            median = 2 * np.nanmedian(values / 2, axis=0, keepdims=True)
            high = np.nanquantile(values, QUANTILES[3:], axis=0, method="lower")
        quantiles = np.concatenate([np.minimum(low, median), median, np.maximum(high, median)])
        bands.append(TrendBand(str(kinds[i]), int(counts[i]), quantiles))
    return tuple(bands)


def chooseNamed(series: TrendSeries, findings: TrendFindings, nLines: int) -> IndexArray:
    """Choose the series to draw as at most some lines: all if they are no more.

    Else it is those in which something was found or that failed: the strongest of each kind of finding, and
    of those that changed together, before the second of any.
    """
    if not series.hasValues:
        return np.empty(0, dtype=np.intp)
    rows = np.arange(series.nSeries)
    if series.nSeries <= nLines:
        return rows
    ranked = [
        _rank(rows, np.where(findings.drifting, findings.driftScore, 0.0)),
        _rank(rows, np.where(findings.outlying, findings.outlyingScore, 0.0)),
        _rank(findings.outlierSeries, findings.outlierScore),
        rankFailing(series),
        *(
            _rank(findings.changeSeries, np.where(findings.changeEpoch == epoch, findings.changeScore, 0.0))
            for epoch in changeEvents(findings)
        ),
    ]
    turns = [index for turn in itertools.zip_longest(*ranked) for index in turn if index is not None]
    return np.array(list(dict.fromkeys(turns))[:nLines], dtype=np.intp)


def _rank(rows: IndexArray, scores: FloatArray) -> list[int]:
    """Return the rows with a score, the highest first."""
    order = np.argsort(-np.abs(scores), kind="stable")
    return rows[order[scores[order] != 0]].tolist()


def chooseRange(
    series: TrendSeries,
    findings: TrendFindings,
    bands: Sequence[TrendBand],
    named: IndexArray,
    axisMin: float | None,
    axisMax: float | None,
) -> tuple[float, float]:
    """Choose the range of values, which a few outliers cannot stretch, and which has the threshold if it can.

    It suits the bands, and the series named by their indices, that are drawn. Ends that are given are kept.
    """
    bulk = np.concatenate(
        [band.quantiles[[0, -1]].ravel() for band in bands] or [series.values[named].ravel()]
    )
    bulk = bulk[np.isfinite(bulk)]
    if len(bulk) == 0:
        return _keepEnds((0.0, 1.0), axisMin, axisMax)
    # One epoch gone wrong must not hide the others, whichever way it is drawn.
    low, high = np.percentile(bulk, [1.0, 99.0]).tolist()
    height = high - low
    parts = ((bulk, _REACH), (series.values[named], _REACH), (findings.expected[named], _LEVEL_REACH))
    shown = np.concatenate(
        [values[np.isfinite(values) & _isNear(values, low, high, reach * height)] for values, reach in parts]
    )
    low, high = float(shown.min()), float(shown.max())
    height = (high - low) or 0.05 * abs(high) or 1.0
    thresholds = series.threshold[np.isfinite(series.threshold)]
    near = thresholds[_isNear(thresholds, low, high, _LIMIT_REACH * height)].tolist()
    low, high = min(low, *near, low), max(high, *near, high)
    if low == high == round(low):
        # As of counts that are all 0: there is another whole number on the axis.
        high += 1.0
    margin = _MARGIN * ((high - low) or height)
    return _keepEnds((low - margin, high + margin), axisMin, axisMax)


def _isNear(values: FloatArray, low: float, high: float, reach: float) -> BoolArray:
    """Tell which values are within a reach of a range; if that is 0, all are."""
    if reach == 0:
        return np.ones(values.shape, dtype=bool)
    return (values >= low - reach) & (values <= high + reach)


def _keepEnds(
    limits: tuple[float, float], axisMin: float | None, axisMax: float | None
) -> tuple[float, float]:
    """Use the ends that are wanted, and keep the range from being empty."""
    low = limits[0] if axisMin is None else axisMin
    high = limits[1] if axisMax is None else axisMax
    if low < high:
        return low, high
    width = limits[1] - limits[0]
    return (low, low + width) if axisMax is None else (high - width, high)
