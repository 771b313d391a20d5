# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for results of amplifiers, of any product."""

from __future__ import annotations

__all__ = ["AmpFailureTool", "AmpTestTool", "SummaryRowTool"]

from lsst.analysis.cp.actions.keyedData import AmpFlags, AmpValues, LoadAmpColumns, verdictKeys
from lsst.analysis.cp.actions.metric import AmpSummaryMetric, FailureMetric, SummaryRowMetric
from lsst.analysis.cp.actions.plot.focalPlane import FailureMapPlot, FocalPlaneGeometryPlot
from lsst.analysis.cp.catalogue import Test, getProduct
from lsst.analysis.tools.interfaces import AnalysisTool, BasePrep
from lsst.pex.config import ChoiceField, Field, ListField


class AmpTestTool(AnalysisTool):
    """Metrics and a focal-plane plot of one test or stored statistic of the catalogue.

    A tool that is used by itself is ready after its ``finalize``; a task calls it when it freezes its
    configuration.
    Set ``produce.plot`` to `lsst.analysis.tools.interfaces.NoPlot` for metrics alone.
    """

    parameterizedBand: bool = False

    product = Field[str](doc="Product that was verified.", default="bias")
    test = Field[str](doc="Key of the test in the catalogue.", default="NOISE")
    level = ChoiceField[str](
        doc="What the rows belong to.",
        default="exposure",
        allowed={
            "detector": "One detector of one exposure.",
            "exposure": "One exposure.",
            "run": "Any number of exposures.",
        },
    )
    detectorTypes = ListField[str](
        doc="Types of detectors that the metrics include; all if empty.", default=["SCIENCE"]
    )
    physicalTypes = ListField[str](
        doc="Vendors of detectors that the metrics include; all if empty.", default=[]
    )

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.prep = LoadAmpColumns
        self.process = AmpValues
        self.produce.metric = AmpSummaryMetric
        self.produce.plot = FocalPlaneGeometryPlot
        self.produce.plot.addHistogram = True
        self.produce.plot.statistic = "median"
        self.produce.plot.zAxisLabel = ""

    def finalize(self) -> None:
        """Hand the test to the actions that make the tool."""
        test = getProduct(self.product)[self.test]
        if isinstance(self.prep, LoadAmpColumns):
            self.prep.product, self.prep.tests = self.product, [self.test]
        if isinstance(self.process, AmpValues):
            self.process.product, self.process.test = self.product, self.test
        if isinstance(metric := self.produce.metric, AmpSummaryMetric):
            metric.product, metric.test, metric.level = self.product, self.test, self.level
            metric.detectorTypes = list(self.detectorTypes)
            metric.physicalTypes = list(self.physicalTypes)
        if isinstance(self.produce.plot, FocalPlaneGeometryPlot):
            self._describePlot(test)

    def _describePlot(self, test: Test) -> None:
        """Label the plot from the catalogue, where the configuration does not say otherwise."""
        plot = self.produce.plot
        quantity = isinstance(self.process, AmpValues) and self.process.value == "quantity"
        label = (test.quantity if quantity else test.label) or test.key
        if self.level == "run":
            label = f"{label}, {plot.statistic} over exposures"
        plot.zAxisLabel = plot.zAxisLabel or label
        plot.unit = plot.unit or (test.quantityUnit if quantity else test.unit)
        plot.tests = list(plot.tests) or [" ".join(filter(None, (test.section, test.key)))]
        if quantity and plot.threshold is None and test.threshold is not None:
            plot.threshold, plot.operator = test.threshold, test.operator


class AmpFailureTool(AnalysisTool):
    """Number of failures of each amplifier over all tests of a product, as a map and as metrics."""

    parameterizedBand: bool = False

    product = Field[str](doc="Product that was verified.", default="bias")
    detectorTypes = ListField[str](
        doc="Types of detectors that the metrics include; all if empty.", default=["SCIENCE"]
    )
    physicalTypes = ListField[str](
        doc="Vendors of detectors that the metrics include; all if empty.", default=[]
    )

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.prep = LoadAmpColumns
        self.process = AmpFlags
        self.produce.metric = FailureMetric
        self.produce.plot = FailureMapPlot
        self.produce.plot.zAxisLabel = ""
        self.produce.plot.flagKeys = self._flagColumns()

    def _flagColumns(self) -> list[str]:
        """List the columns of flags."""
        return [f"{getProduct(self.product)[key].verifyColumn}" for key in verdictKeys(self.product)]

    def finalize(self) -> None:
        """Hand the tests to the actions that make the tool."""
        keys = verdictKeys(self.product)
        for action in (self.prep, self.process, self.produce.metric):
            if isinstance(action, LoadAmpColumns | AmpFlags | FailureMetric):
                action.product, action.tests = self.product, keys
        if isinstance(metric := self.produce.metric, FailureMetric):
            metric.detectorTypes = list(self.detectorTypes)
            metric.physicalTypes = list(self.physicalTypes)
        if isinstance(plot := self.produce.plot, FailureMapPlot):
            plot.flagKeys = self._flagColumns()
            plot.tests = list(plot.tests) or keys
            plot.zAxisLabel = plot.zAxisLabel or FAILURE_LABELS[plot.counted]


FAILURE_LABELS = {"tests": "Number of failed tests", "rows": "Number of exposures with a failed test"}


class SummaryRowTool(AnalysisTool):
    """Metrics of one test from one row of a detector summary table."""

    parameterizedBand: bool = False

    product = Field[str](doc="Product that was verified.", default="bias")
    test = Field[str](doc="Key of the test in the catalogue.", default="NOISE")
    level = ChoiceField[str](
        doc="What a row belongs to.",
        default="detector",
        allowed={"detector": "A detector of one exposure.", "runDetector": "A detector of a run."},
    )

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.process = BasePrep
        self.produce.metric = SummaryRowMetric

    def finalize(self) -> None:
        """Hand the test to the action that makes the metrics."""
        if isinstance(metric := self.produce.metric, SummaryRowMetric):
            metric.product, metric.test, metric.level = self.product, self.test, self.level
            self.process.addInputSchema(metric.getInputSchema())
