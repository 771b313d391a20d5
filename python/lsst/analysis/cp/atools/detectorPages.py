# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for pages of one detector, or one raft, over all exposures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lsst.analysis.cp.actions.keyedData import SelectCurves
from lsst.analysis.cp.actions.plot import AmpCorrelationPlot, AmpGridPlot, PtcGridPlot
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.tools.interfaces import AnalysisTool, BasePrep, NoMetric

from .toolSets import addTool

if TYPE_CHECKING:
    from lsst.analysis.tools.interfaces import AnalysisBaseConfig

__all__ = ["AmpCorrelationTool", "AmpCurveTool", "PtcCurveTool", "addCorrelationTool", "addCurveTools"]


class AmpCurveTool(AnalysisTool):
    """Plot of the vectors of the amplifiers of a detector, in its geometry."""

    parameterizedBand: bool = False

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.prep = BasePrep
        self.process = SelectCurves
        self.produce.metric = NoMetric
        self.produce.plot = AmpGridPlot


class AmpCorrelationTool(AnalysisTool):
    """Plot of the correlations of amplifiers."""

    parameterizedBand: bool = False
    propagateData: bool = True

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.prep = BasePrep
        self.produce.metric = NoMetric
        self.produce.plot = AmpCorrelationPlot

    def finalize(self) -> None:
        """Load what the plot takes."""
        self.prep.addInputSchema(self.produce.plot.getInputSchema())


class PtcCurveTool(AnalysisTool):
    """Plot of the photon transfer curves of the amplifiers of a detector, in its geometry."""

    parameterizedBand: bool = False
    propagateData: bool = True

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.prep = BasePrep
        self.produce.metric = NoMetric
        self.produce.plot = PtcGridPlot

    def finalize(self) -> None:
        """Load what the plot takes."""
        self.prep.addInputSchema(self.produce.plot.getInputSchema())


def addCurveTools(config: AnalysisBaseConfig, product: str) -> None:
    """Add a plot of each column of vectors of a product.

    Parameters
    ----------
    config
        Configuration of a `~lsst.analysis.cp.tasks.DetectorTablesTask` on results.
    product
        Name of the product.
    """
    declared = getProduct(product, cast(Any, config).gainsApplied)
    for key, kind in declared.curves.items():
        words = "".join(word.capitalize() for word in key.split("_"))
        tool = addTool(config.atools, f"{product}{words}", AmpCurveTool)
        cast(SelectCurves, tool.process).column = f"{declared.prefix}_{key}"
        plot = tool.produce.plot
        plot.title = f"{declared.images['exposure'].label}, {kind.label.lower()}"
        plot.xAxisLabel, plot.yAxisLabel, plot.unit = kind.along, kind.label, kind.unit


def addCorrelationTool(config: AnalysisBaseConfig, product: str) -> None:
    """Add a plot of the correlations of amplifiers.

    Parameters
    ----------
    config
        Configuration of a `~lsst.analysis.cp.tasks.DetectorTablesTask`, or a
        `~lsst.analysis.cp.tasks.RaftTablesTask`, on tables of correlations.
    product
        Name of the product.
    """
    tool = addTool(config.atools, f"{product}Correlations", AmpCorrelationTool)
    label = getProduct(product).images["exposure"].label
    tool.produce.plot.title = f"{label}, correlations of amplifiers"
