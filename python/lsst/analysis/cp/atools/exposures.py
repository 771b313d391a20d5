# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for the values of amplifiers against times of the exposures of a run, of any product."""

from __future__ import annotations

from lsst.analysis.cp.actions.keyedData import ExposureValues, FitSlopes
from lsst.analysis.cp.actions.metric import SlopeMetric
from lsst.analysis.cp.actions.plot import DetectorSeriesPlot, RaftGainPlot, RaftSeriesPlot, SlopeMapPlot
from lsst.analysis.cp.catalogue import TIMES
from lsst.analysis.tools.interfaces import NoMetric
from lsst.pex.config import ChoiceField, Field

from .amps import AmpTool

__all__ = ["AmpRateTool", "AmpSlopeTool", "RaftGainTool", "RaftRateTool", "SlopeTool"]

_AGAINST = {"mjd": "date", "exposureTime": "exposure time", "hours": "date"}


class SlopeTool(AmpTool):
    """Metrics and a focal-plane plot of a slope of the catalogue."""

    slope = Field[str](doc="Key of the slope in the catalogue; there is no default.", default="")

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.level = "run"
        self.process = FitSlopes
        self.produce.metric = SlopeMetric
        self.produce.plot = SlopeMapPlot
        self.produce.plot.addHistogram = True
        self.produce.plot.zAxisLabel = ""

    def finalize(self) -> None:
        """Hand the slope to the actions that make the tool."""
        product = self.declared
        slope = product.slope(self.slope)
        test = product[slope.test]
        self._configure([slope.test])
        if isinstance(self.process, FitSlopes):
            self.process.test, self.process.against = slope.test, slope.against
        if isinstance(metric := self.produce.metric, SlopeMetric):
            metric.slope = self.slope
        if isinstance(plot := self.produce.plot, SlopeMapPlot):
            plot.title = plot.title or f"{slope.label}: growth with {TIMES[slope.against]}"
            plot.zAxisLabel = plot.zAxisLabel or slope.label
            plot.unit = plot.quantityUnit = slope.unit
            if test.centre is not None:
                # What stays where it should be does not grow.
                plot.colourMap, plot.centre = "RdBu_r", 0.0
            plot.tests = list(plot.tests) or [test.name]
        elif isinstance(plot, DetectorSeriesPlot):
            plot.title = plot.title or f"{test.label} against {TIMES[slope.against]}"
            plot.yAxisLabel = plot.yAxisLabel or test.label
            plot.unit, plot.slopeUnit, plot.against = test.unit, slope.unit, [slope.against]
            plot.tests = list(plot.tests) or [test.name]


class AmpSlopeTool(SlopeTool):
    """Values and lines of the amplifiers of one detector, for a slope of the catalogue."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.metric = NoMetric
        self.produce.plot = DetectorSeriesPlot


class RaftRateTool(AmpTool):
    """The rate of light of a product over a run, on the grid of rafts."""

    against = ChoiceField[str](
        doc="Time of the exposures.",
        default="mjd",
        allowed={"mjd": "Date.", "exposureTime": "Exposure time.", "hours": "Hours since the first."},
    )

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.level = "run"
        self.process = ExposureValues
        self.produce.metric = NoMetric
        self.produce.plot = RaftSeriesPlot

    def finalize(self) -> None:
        """Hand the rate to the actions that make the tool."""
        product = self.declared
        test = product[product.rate]
        self._configure([product.rate])
        if isinstance(self.process, ExposureValues):
            self.process.test = product.rate
        plot = self.produce.plot
        if isinstance(plot, RaftGainPlot):
            plot.title = plot.title or f"Stability of the gain: {test.label}, relative to the focal plane"
        elif isinstance(plot, RaftSeriesPlot):
            plot.title = plot.title or f"{test.label} against {_AGAINST[self.against]}"
            plot.yAxisLabel, plot.unit, plot.against = plot.yAxisLabel or test.label, test.unit, self.against
        elif isinstance(plot, DetectorSeriesPlot):
            plot.title = plot.title or test.label
            plot.yAxisLabel, plot.unit = plot.yAxisLabel or test.label, test.unit
        if isinstance(plot, RaftSeriesPlot):
            plot.detectorTypes = list(self.detectorTypes)
        if isinstance(plot, DetectorSeriesPlot | RaftSeriesPlot):
            plot.tests = list(plot.tests) or [test.name]


class RaftGainTool(RaftRateTool):
    """Stability of the gain over a run, on the grid of rafts."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = RaftGainPlot


class AmpRateTool(RaftRateTool):
    """The rate of light of the amplifiers of one detector, against date and exposure time."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = DetectorSeriesPlot
