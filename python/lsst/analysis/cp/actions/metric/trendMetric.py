# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measurements of a history: how often it changed, how many series drift, and by how much."""

from __future__ import annotations

from typing import Any, cast

import astropy.units as u
import numpy as np

from lsst.analysis.cp.core.amps import FAILED, UNKNOWN
from lsst.analysis.cp.core.history import TrendFindings, TrendSeries
from lsst.analysis.cp.core.typing import FloatArray
from lsst.analysis.cp.metrics import trendUnits
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, MetricAction
from lsst.pex.config import Field
from lsst.verify import Measurement

__all__ = ["TrendMetric"]


class TrendMetric(MetricAction):
    """Sum up what was found in the series of one measurement.

    The measurements are the same whatever was found:

    - ``nSeries``, ``nEpochs`` and ``nValid``, the number of values;
    - ``nChangePoints``, in ``nSeriesChanged`` series; ``nSeriesDrifting``; ``nSeriesApart``, the number of
      series that are outlying among those of their kind; ``nOutliers``, values far from the level of their
      series;
    - ``nSeriesTested`` and ``nSeriesFailed`` at the last epoch with a verdict;
    - ``median`` of all values, NaN where ``nValid`` is 0;
    - ``largestStep`` of a change point and ``steepestDrift`` of a drifting series, with their signs; 0 where
      there is none.
    """

    unit = Field[str](
        doc="Unit of the values, as astropy spells it, where the history does not know its own.",
        default="",
    )

    @property
    def units(self) -> dict[str, str]:
        """Declared unit of each measurement by its name."""
        return trendUnits(self.unit)

    def getInputSchema(self) -> KeyedDataSchema:
        """Name what is summed up."""
        return [("trendSeries", TrendSeries), ("trendFindings", TrendFindings)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> dict[str, Measurement]:
        """Make the measurements.

        Parameters
        ----------
        data
            ``trendSeries`` and ``trendFindings``, as `AnalyzeTrend` makes them.
        **kwargs
            Not used.

        Returns
        -------
        measurements
            By name.
        """
        series = cast(TrendSeries, data["trendSeries"])
        values = _summarize(series, cast(TrendFindings, data["trendFindings"]))
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        return {
            name: Measurement(name, u.Quantity(values[name], unit), notes=notes)
            for name, unit in trendUnits(series.unitOr(self.unit)).items()
        }


def _summarize(series: TrendSeries, findings: TrendFindings) -> dict[str, float]:
    """Sum up findings, by the name of the measurement."""
    finite = np.isfinite(series.values)
    steps = findings.changeAfter - findings.changeBefore
    slopes = findings.slope[findings.drifting]
    return {
        "nSeries": float(series.nSeries),
        "nEpochs": float(series.nEpochs),
        "nValid": float(finite.sum()),
        "nChangePoints": float(len(steps)),
        "nSeriesChanged": float(len(np.unique(findings.changeSeries))),
        "nSeriesDrifting": float(findings.drifting.sum()),
        "nSeriesApart": float(findings.outlying.sum()),
        "nOutliers": float(len(findings.outlierSeries)),
        "nSeriesTested": float((series.lastStatus != UNKNOWN).sum()),
        "nSeriesFailed": float((series.lastStatus == FAILED).sum()),
        "median": float(np.median(series.values[finite])) if finite.any() else np.nan,
        "largestStep": _largest(steps),
        "steepestDrift": _largest(slopes),
    }


def _largest(values: FloatArray) -> float:
    """Return the value with the largest magnitude; 0 if there is none."""
    return float(values[np.argmax(np.abs(values))]) if len(values) else 0.0
