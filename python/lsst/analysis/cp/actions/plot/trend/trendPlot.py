# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from lsst.analysis.cp.actions.plot.style import OPERATORS, checkEnds
from lsst.analysis.cp.actions.plot.text import (
    chooseTitle,
    describeProvenance,
    describeThreshold,
    withUnit,
)
from lsst.analysis.cp.core.history import SERIES_COLUMNS, TrendFindings, TrendSeries
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction
from lsst.pex.config import ChoiceField, Field, ListField

from .axis import AXIS_KINDS, placeEpochs
from .drawing import makeTrendFigure
from .text import trendHeadline, trendLists
from .view import TrendView, chooseNamed, chooseRange, makeBands

__all__ = ["TrendPlot"]

NOUNS = {"detector": "detector", "raft": "raft", "physicalType": "vendor", "all": "series"}


class TrendPlot(PlotAction):
    """History of one measurement, of any number of detectors, rafts or vendors.

    Up to ``nNamed`` series are drawn as lines. More of them are shown by their quantiles at each epoch, for
    each kind of sensor, and lines are drawn of those that changed, drift, failed or are outlying.

    The data are ``trendSeries`` and ``trendFindings``, as
    `~lsst.analysis.cp.actions.keyedData.AnalyzeTrend` makes them.
    """

    title = Field[str](doc="Title of the figure, in words; the name of the tool if empty.", default="")
    seriesBy = ChoiceField[str](
        doc="What a series belongs to.", default="detector", allowed=dict.fromkeys(SERIES_COLUMNS, "")
    )
    xAxis = ChoiceField[str](
        doc="Axis of the epochs: auto is time, unless most of it would be empty.",
        default="auto",
        allowed=dict.fromkeys(AXIS_KINDS, ""),
    )
    gapDays = Field[float](
        doc="Shortest time without data that is shown as a gap, days; three times the usual distance, but "
        "not less than 2.5, if None.",
        default=None,
        optional=True,
    )
    yAxisLabel = Field[str](doc="What the values are, without unit.", default="")
    unit = Field[str](
        doc="Their unit, where the history does not know its own; empty for a number without one.", default=""
    )
    operator = ChoiceField[str](
        doc="How a good value compares with the threshold.",
        default="<=",
        allowed=OPERATORS,
    )
    tests = ListField[str](doc="Tests to which the values belong, to be named on the figure.", default=[])
    axisMin = Field[float](doc="Lower end of the axis of values.", default=None, optional=True)
    axisMax = Field[float](doc="Upper end of the axis of values.", default=None, optional=True)
    nNamed = Field[int](
        doc="Number of series drawn as lines, at most.", default=8, check=lambda n: 0 <= n <= 8
    )
    nListed = Field[int](
        doc="Lines on each kind of finding beside the plot, at most.", default=6, check=lambda n: n >= 0
    )

    def validate(self) -> None:
        """Check fields that depend on each other."""
        super().validate()
        checkEnds(self, "axisMin", "axisMax")

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [("trendSeries", TrendSeries), ("trendFindings", TrendFindings)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``plotInfo`` as `prepare` takes it."""
        return makeTrendFigure(self.prepare(data, kwargs.get("plotInfo")))

    def prepare(self, data: KeyedData, plotInfo: Mapping[str, object] | None = None) -> TrendView:
        """Choose lines, ranges and words; no matplotlib is involved.

        Parameters
        ----------
        data
            ``trendSeries`` and ``trendFindings``.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.
        """
        known: Mapping[str, Any] = data
        series: TrendSeries = known["trendSeries"]
        findings: TrendFindings = known["trendFindings"]
        noun = NOUNS[self.seriesBy]
        named = chooseNamed(series, findings, self.nNamed)
        bands = makeBands(series, self.nNamed)
        unit = series.unitOr(self.unit)
        label = withUnit(self.yAxisLabel, unit)
        return TrendView(
            series=series,
            findings=findings,
            axis=placeEpochs(series, self.xAxis, self.gapDays),
            bands=bands,
            named=named,
            yLimits=chooseRange(series, findings, bands, named, self.axisMin, self.axisMax),
            yLabel=label,
            noun=noun,
            thresholdLabel=describeThreshold(series.lastThreshold, self.operator, unit),
            failsAbove=self.operator in ("<", "<="),
            title=chooseTitle(self.title, plotInfo or {}, label),
            headline=trendHeadline(series, findings, noun),
            provenance=describeProvenance(plotInfo or {}, self.tests, "metrics"),
            lists=trendLists(series, findings, noun, self.nListed),
            message="" if series.hasValues else "No finite values",
        )
