# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for pages of one detector, or one raft, over all exposures of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsst.analysis.cp.actions.keyedData import SelectCurves
from lsst.analysis.cp.actions.plot import (
    AmpCorrelationPlot,
    AmpGridPlot,
    CrosstalkPlot,
    CtiCurvePlot,
    EperCurvePlot,
    KernelGridPlot,
    LinearityDeviationPlot,
    LinearityFitPlot,
    LinearityResidualPlot,
    LinearitySplinePlot,
    TearingPlot,
)
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.tools.interfaces import AnalysisTool, BasePrep, NoMetric
from lsst.pex.config import Field

from .toolSets import addTool

if TYPE_CHECKING:
    from lsst.analysis.cp.actions.plot.linearity import LinearityPlot
    from lsst.analysis.tools.interfaces import AnalysisBaseConfig

__all__ = [
    "AmpCorrelationTool",
    "AmpCurveTool",
    "CrosstalkTool",
    "CtiCurveTool",
    "EperCurveTool",
    "KernelTool",
    "LinearityTool",
    "PageTool",
    "TearingTool",
    "addCorrelationTool",
    "addCurveTools",
    "addLinearityTools",
]


class PageTool(AnalysisTool):
    """Hand to a plot the columns that it takes, without metrics; which one, ``produce.plot`` says."""

    parameterizedBand: bool = False
    propagateData: bool = True

    def setDefaults(self) -> None:
        """Choose the actions that all these tools have."""
        super().setDefaults()
        self.prep = BasePrep
        self.produce.metric = NoMetric

    def finalize(self) -> None:
        """Load what the plot takes."""
        self.prep.addInputSchema(self.produce.plot.getInputSchema())


class AmpCorrelationTool(PageTool):
    """Plot of the correlations of amplifiers."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = AmpCorrelationPlot


class CrosstalkTool(PageTool):
    """Plot of the crosstalk of the amplifiers of a detector, or of a raft."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = CrosstalkPlot


class CtiCurveTool(PageTool):
    """Plot of the charge transfer inefficiencies of the amplifiers of a detector against the signal."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = CtiCurvePlot


class EperCurveTool(PageTool):
    """The same of what is measured in the overscan of each flat."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = EperCurvePlot


class KernelTool(PageTool):
    """Plot of the brighter-fatter kernels of the amplifiers of a detector."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = KernelGridPlot


class LinearityTool(PageTool):
    """Plot of the linearizers of the amplifiers of a detector, in its geometry; the first is the default."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = LinearityDeviationPlot


class TearingTool(PageTool):
    """Plot of the tearing of flats of a detector, or of a raft."""

    def setDefaults(self) -> None:
        """Choose the plot."""
        super().setDefaults()
        self.produce.plot = TearingPlot


class AmpCurveTool(AnalysisTool):
    """Plot of a column of vectors of the amplifiers of a detector, in its geometry."""

    parameterizedBand: bool = False

    product = Field[str](doc="Product that was verified.", default="bias")
    curve = Field[str](doc="Key of the vectors in the catalogue; there is no default.", default="")
    gainsApplied = Field[bool](
        doc="Are vectors in electrons, and not in ADU? A task's configuration tells all of its tools.",
        default=True,
    )

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.prep = BasePrep
        self.process = SelectCurves
        self.produce.metric = NoMetric
        self.produce.plot = AmpGridPlot

    def finalize(self) -> None:
        """Choose the column, and label the plot where the configuration does not say otherwise."""
        product = getProduct(self.product, self.gainsApplied)
        kind = product.curves[self.curve]
        if isinstance(self.process, SelectCurves):
            self.process.column = f"{product.prefix}_{self.curve}"
        if isinstance(plot := self.produce.plot, AmpGridPlot):
            plot.title = plot.title or f"{product.images['exposure'].label}, {kind.label.lower()}"
            plot.xAxisLabel = plot.xAxisLabel or kind.along
            plot.yAxisLabel = plot.yAxisLabel or kind.label
            plot.unit = plot.unit or kind.unit


def addCurveTools(config: AnalysisBaseConfig, product: str) -> None:
    """Add a plot of each column of vectors of a product.

    Parameters
    ----------
    config
        Configuration of a `~lsst.analysis.cp.tasks.DetectorTablesTask` on results.
    product
        Name of the product.
    """
    for key in getProduct(product).curves:
        words = "".join(word.capitalize() for word in key.split("_"))
        addTool(config.atools, f"{product}{words}", AmpCurveTool, product=product, curve=key)


def addLinearityTools(config: AnalysisBaseConfig) -> None:
    """Add the pages of linearizers.

    Parameters
    ----------
    config
        Configuration of a `~lsst.analysis.cp.tasks.DetectorCalibrationTask` on linearizers.
    """
    plots: dict[str, type[LinearityPlot]] = {
        "Deviations": LinearityDeviationPlot,
        "Residuals": LinearityResidualPlot,
        "Fit": LinearityFitPlot,
        "Splines": LinearitySplinePlot,
    }
    for name, plot in plots.items():
        addTool(config.atools, f"linearizer{name}", LinearityTool).produce.plot = plot


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
