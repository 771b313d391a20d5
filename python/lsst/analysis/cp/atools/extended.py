# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The extended tools: plots for the day when something is wrong, which make no metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsst.analysis.cp.actions.plot import MarginStripPlot, VendorHistogramPlot
from lsst.analysis.cp.catalogue import Level, getProduct

from .amps import AmpMarginTool, AmpResultsTool
from .exposures import AmpRateTool, AmpSlopeTool
from .toolSets import addTool

if TYPE_CHECKING:
    from lsst.analysis.tools.interfaces import AnalysisBaseConfig

__all__ = ["addExtendedTools"]


def addExtendedTools(config: AnalysisBaseConfig, product: str, level: str) -> None:
    """Add the plots of a product that are made on demand.

    Parameters
    ----------
    config
        Configuration of a task that analyses stored tables.
    product
        Name of the product.
    level
        What a quantum of the task holds, or a page of it: ``"exposure"``, ``"run"`` or ``"runDetector"``.
    """
    if level == "runDetector":
        _addSeriesTools(config, product)
    else:
        _addMarginTools(config, product, level)
        _addHistogramTool(config, product, level)


def _addSeriesTools(config: AnalysisBaseConfig, product: str) -> None:
    """Add pages of the values of a detector against times of the exposures of a run."""
    declared = getProduct(product)
    fields = {"product": product, "epoch": declared.epoch}
    for slope in declared.slopes:
        addTool(config.atools, f"{slope.toolName}ByAmp", AmpSlopeTool, slope=slope.key, **fields)
    if declared.rate:
        addTool(config.atools, f"{declared[declared.rate].toolName}ByAmp", AmpRateTool, **fields)


def _addMarginTools(config: AnalysisBaseConfig, product: str, level: str) -> None:
    """Add maps of the distance to the limit of each test that has one, and all of them ranked."""
    declared = getProduct(product)
    if any(test.quantity is not None for test in declared):
        fields = {"product": product, "level": level, "epoch": declared.epoch}
        addTool(config.atools, f"{product}Margins", AmpResultsTool, **fields).produce.plot = MarginStripPlot
    for test in declared:
        # An exposure has no place in the focal plane.
        if test.quantity is not None and test.row != "exposure":
            if test.isMeasuredAt(Level(level, declared.epoch)):
                fields = {"product": product, "test": test.key, "level": level, "epoch": declared.epoch}
                plot = addTool(config.atools, f"{test.toolName}Margin", AmpMarginTool, **fields).produce.plot
                plot.level = test.row


def _addHistogramTool(config: AnalysisBaseConfig, product: str, level: str) -> None:
    """Add histograms by vendor of all that is tested or mapped."""
    fields = {"product": product, "level": level, "epoch": getProduct(product).epoch}
    addTool(config.atools, f"{product}ByVendor", AmpResultsTool, **fields).produce.plot = VendorHistogramPlot
