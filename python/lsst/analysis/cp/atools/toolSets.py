# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Sets of tools, one for each test of the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.actions.plot import AgreementPlot, AmpFailuresPlot, FailureTablePlot
from lsst.analysis.cp.catalogue import SENSOR_GROUPS, Level, VerifyTest, getProduct
from lsst.analysis.tools.interfaces import AnalysisTool, NoPlot

from .amps import AmpFailureTool, AmpResultsTool, AmpTestTool
from .exposures import RaftGainTool, RaftRateTool, SlopeTool

if TYPE_CHECKING:
    from lsst.analysis.cp.actions.plot import AmpTablePlot, FocalPlaneGeometryPlot
    from lsst.analysis.tools.interfaces import AnalysisBaseConfig

__all__ = ["addAgreementTool", "addSensorTools", "addTool", "addTools"]


def addTools(config: AnalysisBaseConfig, product: str, level: str) -> None:
    """Add a tool for each test and stored statistic of a product, and those that show its failures.

    The failures are on a map, in a table of tests and detectors, and counted by the name of the amplifier.
    The map and the last are of amplifiers: without tests of these there are none.

    Parameters
    ----------
    config
        Configuration of an analysis task, or of a merge with analysis; the latter gets the product, the
        metrics of each detector, and the limits that the configuration of cp_verify's task holds.
    product
        Name of the product.
    level
        What a quantum of the task holds: ``"detector"``, ``"exposure"`` or ``"run"``.
    """
    epoch = getattr(config, "epoch", getProduct(product).epoch)
    for test, tool in _addTestTools(config, product, Level(level, epoch), {"": {}}):
        # An exposure has no place in the focal plane.
        if test.plotted and level != "detector" and test.row != "exposure":
            _stylePlot(tool.produce.plot, test)
        else:
            tool.produce.plot = NoPlot
    declared = getProduct(product)
    if tested := declared.ownVerdicts():
        fields = {"product": product, "level": level, "epoch": epoch}
        failures = addTool(config.atools, declared.failureToolName, AmpFailureTool, **fields)
        if any(test.row == "amplifier" for test in tested):
            failures.produce.plot.counted = "rows" if level == "run" and epoch != "none" else "tests"
        else:
            failures.produce.plot = NoPlot
        if level != "detector":
            _addFailurePlots(config, product, fields)
    if level == "run" and epoch != "none":
        _addSeriesTools(config, product, epoch)
    if hasattr(config, "detectorMetrics"):
        metrics = config.detectorMetrics
        config.product = metrics.product = product
        metrics.level, metrics.epoch = "runDetector" if level == "run" else "detector", epoch
        config.limits = dict(declared.configuredLimits)


def _addFailurePlots(config: AnalysisBaseConfig, product: str, fields: Mapping[str, str]) -> None:
    """Add the plots of all tests with verdicts, also of those that do not count."""
    rows = {test.row for test in getProduct(product) if test.isTested and not test.verdict}
    plots: dict[str, type[AmpTablePlot]] = {"FailureTable": FailureTablePlot}
    if "amplifier" in rows:
        plots["FailuresByAmp"] = AmpFailuresPlot
    for name, plot in plots.items():
        addTool(config.atools, f"{product}{name}", AmpResultsTool, **fields).produce.plot = plot


def addSensorTools(
    config: AnalysisBaseConfig, product: str, level: str, groups: Collection[str] = tuple(SENSOR_GROUPS)
) -> None:
    """Add metrics of the tests of a product for each vendor, and for guiders and wavefront sensors.

    Tests of exposures have none.

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
    epoch = getattr(config, "epoch", getProduct(product).epoch)
    chosen = {group: SENSOR_GROUPS[group] for group in groups}
    for _, tool in _addTestTools(config, product, Level(level, epoch), chosen):
        tool.produce.plot = NoPlot


def addAgreementTool(
    config: AnalysisBaseConfig, product: str, test: str, *, measured: str, nominal: str
) -> None:
    """Add a plot of what was measured of the amplifiers of a run against what it should be.

    Parameters
    ----------
    config
        Configuration of a task on results of a run, or of a merge with analysis.
    product
        Name of the product.
    test
        Key of the test of their difference, whose limit is in percent.
    measured, nominal
        Keys of the statistics.
    """
    declared = getProduct(product)
    fields = {"product": product, "level": "run", "epoch": declared.epoch}
    tool = addTool(config.atools, f"{declared[test].toolName}Comparison", AmpResultsTool, **fields)
    tool.produce.plot = AgreementPlot
    plot = tool.produce.plot
    plot.test, plot.measured, plot.nominal = test, measured, nominal


def _addSeriesTools(config: AnalysisBaseConfig, product: str, epoch: str) -> None:
    """Add tools for the values of a run against times of its exposures, as far as the product has such."""
    declared = getProduct(product)
    fields = {"product": product, "epoch": epoch}
    for slope in declared.slopes:
        addTool(config.atools, slope.toolName, SlopeTool, slope=slope.key, **fields)
    if declared.rate:
        name = declared[declared.rate].toolName
        addTool(config.atools, f"{name}ByDate", RaftRateTool, against="mjd", **fields)
        addTool(config.atools, f"{name}ByExposureTime", RaftRateTool, against="exposureTime", **fields)
        addTool(config.atools, f"{product}GainStability", RaftGainTool, **fields)


def _addTestTools(
    config: AnalysisBaseConfig, product: str, level: Level, groups: Mapping[str, Mapping[str, Any]]
) -> list[tuple[VerifyTest, AnalysisTool]]:
    """Add a tool for each test that is measured and each group: end of the tool's name, and its sensors."""
    added = []
    for test in getProduct(product):
        if test.isMeasuredAt(level):
            fields = {"product": product, "test": test.key, "level": level.name, "epoch": level.epoch}
            for suffix, sensors in groups.items():
                if sensors and test.row == "exposure":
                    continue  # It is of all sensors.
                name = test.toolName + suffix
                added.append((test, addTool(config.atools, name, AmpTestTool, **fields, **sensors)))
    return added


def _stylePlot(plot: FocalPlaneGeometryPlot, test: VerifyTest) -> None:
    """Choose the colours that fit a statistic."""
    if test.row == "detector":
        plot.level = "detector"
    if test.isCount:
        plot.colourScale = "count"
        plot.statistic = "sum"
        plot.histLog = True
    if test.centre is not None:
        plot.colourMap = "RdBu_r"
        plot.centre = test.centre


def addTool(struct: Any, name: str, toolType: type[AnalysisTool], **fields: Any) -> AnalysisTool:
    """Add a tool to a set (such as ``config.atools``), with values of its fields, and return it."""
    setattr(struct, name, toolType)
    tool = getattr(struct, name)
    for field, value in fields.items():
        setattr(tool, field, value)
    return tool
