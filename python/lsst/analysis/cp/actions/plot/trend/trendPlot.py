# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

__all__ = ["TrendPlot"]

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from lsst.analysis.cp.actions.plot.text import (
    chooseTitle,
    describeProvenance,
    describeThreshold,
    withUnit,
)
from lsst.analysis.cp.core.history import (
    EPOCH_KINDS,
    SERIES_COLUMNS,
    SERIES_STATISTICS,
    TrendFindings,
    TrendSeries,
    findTrends,
    gatherSeries,
)
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import ChoiceField, Field, ListField

from .axis import AXIS_KINDS, placeEpochs
from .drawing import TrendStyle
from .figure import makeTrendFigure
from .text import trendHeadline, trendLists
from .view import TrendView, chooseNamed, chooseRange, makeBands

NOUNS = {"detector": "detector", "raft": "raft", "physicalType": "vendor", "all": "series"}


class TrendPlot(PlotAction):
    """History of one measurement, of any number of detectors, rafts or vendors.

    Up to ``nNamed`` series are drawn as lines. More of them are shown by their quantiles at each epoch, for
    each kind of sensor, and lines are drawn of those that changed, drift or lie apart.

    The data are the columns of a tidy table of one measurement, as `gatherSeries` takes them; they may have
    ``trendSeries`` and ``trendFindings``, the same already laid out and searched.
    """

    title = Field[str](doc="Title of the figure, in words; the name of the tool if empty.", default="")
    seriesBy = ChoiceField[str](
        doc="What a series belongs to.", default="detector", allowed=dict.fromkeys(SERIES_COLUMNS, "")
    )
    epoch = ChoiceField[str](
        doc="What makes an epoch: auto is a day if ten or more have data, else an exposure.",
        default="auto",
        allowed=dict.fromkeys(EPOCH_KINDS, ""),
    )
    statistic = ChoiceField[str](
        doc="How several values of a series and epoch are reduced.",
        default="median",
        allowed=dict.fromkeys(SERIES_STATISTICS, ""),
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
    unit = Field[str](doc="Their unit; empty for a number without one.", default="")
    operator = ChoiceField[str](
        doc="How a good value compares with the threshold.",
        default="<=",
        allowed={"<": "less", "<=": "not greater", ">": "greater", ">=": "not less"},
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
        if self.axisMin is not None and self.axisMax is not None and not self.axisMin < self.axisMax:
            raise ValueError(f"axisMin {self.axisMin!r} must be less than axisMax {self.axisMax!r}.")

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Return the vectors that the plot needs.

        Parameters
        ----------
        **kwargs
            Not used.

        Returns
        -------
        schema
            Keys and their types.
        """
        name = SERIES_COLUMNS[self.seriesBy]
        return [(key, Vector) for key in ("value", "mjd", *([name] if name else []))]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure.

        Parameters
        ----------
        data
            Columns of a tidy table of one measurement.
        **kwargs
            ``plotInfo``, see `prepare`.

        Returns
        -------
        figure
            The figure.
        """
        return makeTrendFigure(self.prepare(data, kwargs.get("plotInfo")), TrendStyle())

    def prepare(self, data: KeyedData, plotInfo: Mapping[str, object] | None = None) -> TrendView:
        """Reduce the data to what is shown; no matplotlib is involved.

        Parameters
        ----------
        data
            Columns of a tidy table of one measurement.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.

        Raises
        ------
        lsst.analysis.cp.core.ColumnError
            Raised if a column is missing or cannot be read.
        """
        known: Mapping[str, Any] = data
        if (series := known.get("trendSeries")) is None:
            series = gatherSeries(known, by=self.seriesBy, epoch=self.epoch, statistic=self.statistic)
        if (findings := known.get("trendFindings")) is None:
            findings = findTrends(series)
        return self._makeView(series, findings, plotInfo or {})

    def _makeView(
        self, series: TrendSeries, findings: TrendFindings, plotInfo: Mapping[str, object]
    ) -> TrendView:
        """Choose lines, ranges and words."""
        noun = NOUNS[self.seriesBy]
        named = chooseNamed(series, findings, self.nNamed)
        bands = makeBands(series, self.nNamed)
        label = withUnit(self.yAxisLabel, self.unit)
        return TrendView(
            series=series,
            findings=findings,
            axis=placeEpochs(series, self.xAxis, self.gapDays),
            bands=bands,
            named=named,
            yLimits=chooseRange(series, findings, bands, named, self.axisMin, self.axisMax),
            yLabel=label,
            noun=noun,
            thresholdLabel=describeThreshold(series.lastThreshold, self.operator, self.unit),
            failsAbove=self.operator in ("<", "<="),
            title=chooseTitle(self.title, plotInfo, label),
            headline=trendHeadline(series, findings, noun),
            provenance=describeProvenance(plotInfo, self.tests),
            lists=trendLists(series, findings, noun, self.nListed),
            message="" if series.hasValues else "No finite values",
        )
