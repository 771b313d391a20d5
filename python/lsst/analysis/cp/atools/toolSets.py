# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Sets of tools, one for each test of the catalogue."""

from __future__ import annotations

__all__ = ["addSensorTools", "addTestTools", "addTool"]

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.catalogue import SENSOR_GROUPS, Test, getProduct
from lsst.analysis.tools.interfaces import AnalysisTool, NoPlot

from .amps import AmpFailureTool, AmpTestTool, SummaryRowTool

if TYPE_CHECKING:
    from lsst.analysis.cp.actions.plot.focalPlane import FocalPlaneGeometryPlot
    from lsst.analysis.tools.interfaces import AnalysisBaseConfig


def addTestTools(
    config: AnalysisBaseConfig, product: str, level: str, *, plotted: Collection[str] = ()
) -> None:
    """Add a tool for each test and stored statistic of a product, and one that maps its failures.

    Parameters
    ----------
    config
        Configuration of an analysis task, or of a merge with analysis; the latter gets the metrics of each
        detector, too.
    product
        Name of the product.
    level
        What a quantum of the task holds: ``"detector"``, ``"exposure"`` or ``"run"``.
    plotted
        Keys of the tests that have a plot.
    """
    for test in getProduct(product):
        tool = addTool(config.atools, test.toolName, AmpTestTool, product=product, test=test.key, level=level)
        if test.key in plotted:
            _stylePlot(tool.produce.plot, test)
        else:
            tool.produce.plot = NoPlot
        if hasattr(config, "detectorAtools"):
            row = "runDetector" if level == "run" else "detector"
            addTool(
                config.detectorAtools,
                test.toolName,
                SummaryRowTool,
                product=product,
                test=test.key,
                level=row,
            )
    failures = addTool(config.atools, f"{product}Failures", AmpFailureTool, product=product)
    failures.produce.metric.level = level
    failures.produce.plot.counted = "rows" if level == "run" else "tests"


def addSensorTools(
    config: AnalysisBaseConfig, product: str, level: str, groups: Collection[str] = tuple(SENSOR_GROUPS)
) -> None:
    """Add metrics of the tests of a product for each vendor, and for guiders and wavefront sensors.

    Parameters
    ----------
    config
        Configuration of an analysis task, or of a merge with analysis.
    product
        Name of the product.
    level
        What a quantum of the task holds: ``"exposure"`` or ``"run"``.
    groups
        Keys of the catalogue's `SENSOR_GROUPS`.
    """
    for test in getProduct(product):
        for group in groups:
            tool = addTool(
                config.atools,
                test.toolName + group,
                AmpTestTool,
                product=product,
                test=test.key,
                level=level,
                **SENSOR_GROUPS[group],
            )
            tool.produce.plot = NoPlot


def _stylePlot(plot: FocalPlaneGeometryPlot, test: Test) -> None:
    """Choose the colours that fit a statistic."""
    if test.isCount:
        plot.colourScale = "count"
        plot.statistic = "sum"
        plot.histLog = True
    if test.centre is not None:
        plot.colourMap = "RdBu_r"
        plot.centre = test.centre


def addTool(struct: Any, name: str, toolType: type[AnalysisTool], **fields: Any) -> AnalysisTool:
    """Add a tool to a set of tools.

    Parameters
    ----------
    struct
        The set, such as ``config.atools``.
    name
        Name of the tool.
    toolType
        Class of the tool.
    **fields
        Values of its fields.

    Returns
    -------
    tool
        The tool in the set, to be configured further.
    """
    setattr(struct, name, toolType)
    tool = getattr(struct, name)
    for field, value in fields.items():
        setattr(tool, field, value)
    return tool
