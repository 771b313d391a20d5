# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Tools for the results of calibration verification."""

__all__ = ["CalibStatisticFocalPlanePlot"]

from typing import override

from lsst.analysis.tools.actions.plot import FocalPlaneGeometryPlot
from lsst.analysis.tools.actions.scalar import MedianAction
from lsst.analysis.tools.actions.vector import LoadVector
from lsst.analysis.tools.interfaces import AnalysisTool
from lsst.pex.config import Field


class CalibrationTool(AnalysisTool):
    """Show a column of a table of amplifiers over the focal plane."""

    parameterizedBand: bool = False

    @override
    def setDefaults(self) -> None:
        build = self.process.buildActions
        build.x = LoadVector(vectorKey="detector")
        build.y = LoadVector(vectorKey="amplifier")
        build.detector = LoadVector(vectorKey="detector")
        build.amplifier = LoadVector(vectorKey="amplifier")
        build.z = LoadVector()
        self.produce.plot = FocalPlaneGeometryPlot()
        self.produce.plot.statistic = "median"


class CalibStatisticFocalPlanePlot(CalibrationTool):
    """Plot the median of a column in each amplifier; its median over all is the metric ``median``.

    The unit of the metric is adu whatever ``unit`` says, and only the first
    letter of the label stays a capital, both as upstream.
    """

    quantityKey = Field[str](
        default="biasMean", doc="VectorKey to perform the statistic on and to plot per amp and per detector."
    )
    unit = Field[str](default="ADU", doc="Unit of quantity for including on z-axis label.")

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.process.buildActions.z.vectorKey = "biasMean"
        self.process.calculateActions.median = MedianAction(vectorKey="biasMean")
        self.produce.plot.zAxisLabel = "Median of biasMean"

    @override
    def finalize(self) -> None:
        self.process.buildActions.z.vectorKey = self.quantityKey
        self.process.calculateActions.median.vectorKey = self.quantityKey
        self.produce.metric.units = {"median": "adu"}
        label = f"{self.produce.plot.statistic} of {self.quantityKey} ({self.unit})"
        self.produce.plot.zAxisLabel = label.capitalize()
