# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for results of amplifiers, of any product."""

from __future__ import annotations

from lsst.analysis.cp.actions.keyedData import AmpFlags, AmpValues, EncodeAmps
from lsst.analysis.cp.actions.metric import AmpSummaryMetric, FailureMetric
from lsst.analysis.cp.actions.plot import FailureMapPlot, FocalPlaneGeometryPlot
from lsst.analysis.cp.actions.plot.text import describeQuantity
from lsst.analysis.cp.catalogue import EPOCHS, VerifyTest, getProduct
from lsst.analysis.cp.core import COUNTED_TYPES
from lsst.analysis.tools.interfaces import AnalysisTool
from lsst.pex.config import ChoiceField, Field, ListField

__all__ = ["AmpFailureTool", "AmpTestTool"]

FAILURE_LABELS = {"tests": "Number of failed tests", "rows": "Number of exposures with a failed test"}


class AmpTool(AnalysisTool):
    """Base of tools on results of amplifiers, which hand their fields to the actions that have the same.

    A tool that is used by itself is ready after its ``finalize``; a task calls it when it freezes its
    configuration. Set ``produce.plot`` to `lsst.analysis.tools.interfaces.NoPlot` for metrics alone.
    """

    parameterizedBand: bool = False

    product = Field[str](doc="Product that was verified.", default="bias")
    level = ChoiceField[str](
        doc="What the rows belong to.",
        default="exposure",
        allowed={
            "detector": "One detector of one exposure.",
            "exposure": "One exposure.",
            "run": "Any number of exposures, or a calibration without exposures.",
        },
    )
    epoch = ChoiceField[str](
        doc="What tells the results apart.", default="exposure", allowed=dict.fromkeys(EPOCHS, "")
    )
    detectorTypes = ListField[str](
        doc="Types of detectors that the metrics include; all if empty.", default=list(COUNTED_TYPES)
    )
    physicalTypes = ListField[str](
        doc="Vendors of detectors that the metrics include; all if empty.", default=[]
    )

    def setDefaults(self) -> None:
        """Choose the action that all these tools begin with."""
        super().setDefaults()
        self.prep = EncodeAmps

    def _configure(self, tests: list[str]) -> None:
        """Hand the product, the tests and what the rows are to those actions that ask."""
        if isinstance(self.prep, EncodeAmps):
            self.prep.product, self.prep.tests, self.prep.epoch = self.product, tests, self.epoch
        if isinstance(metric := self.produce.metric, AmpSummaryMetric | FailureMetric):
            metric.product, metric.level, metric.epoch = self.product, self.level, self.epoch
            metric.detectorTypes = list(self.detectorTypes)
            metric.physicalTypes = list(self.physicalTypes)
        if isinstance(plot := self.produce.plot, FocalPlaneGeometryPlot) and self.level != "detector":
            plot.detectorTypes = list(self.detectorTypes)
            plot.physicalTypes = list(self.physicalTypes)


class AmpTestTool(AmpTool):
    """Metrics and a focal-plane plot of one test or stored statistic of the catalogue."""

    test = Field[str](doc="Key of the test in the catalogue.", default="NOISE")

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.process = AmpValues
        self.produce.metric = AmpSummaryMetric
        self.produce.plot = FocalPlaneGeometryPlot
        self.produce.plot.addHistogram = True
        self.produce.plot.statistic = "median"
        self.produce.plot.zAxisLabel = ""

    def finalize(self) -> None:
        """Hand the test to the actions that make the tool."""
        test = getProduct(self.product)[self.test]
        self._configure([self.test])
        if isinstance(self.process, AmpValues):
            self.process.product, self.process.test = self.product, self.test
        if isinstance(metric := self.produce.metric, AmpSummaryMetric):
            metric.test = self.test
        if isinstance(self.produce.plot, FocalPlaneGeometryPlot):
            self._describePlot(test)

    def _describePlot(self, test: VerifyTest) -> None:
        """Label the plot from the catalogue, where the configuration does not say otherwise."""
        plot = self.produce.plot
        of_quantity = isinstance(self.process, AmpValues) and self.process.value == "quantity"
        quantity = describeQuantity(test.quantity or "")
        plot.title = plot.title or test.label or test.description
        label = (quantity if of_quantity else test.label) or test.key
        if self.level == "run" and self.epoch != "none":
            label = f"{label}, {plot.statistic} over exposures"
            quantity += ", worst of the exposures"
        plot.zAxisLabel = plot.zAxisLabel or label
        plot.unit = plot.unit or (test.quantityUnit if of_quantity else test.unit)
        plot.tests = list(plot.tests) or [test.name]
        plot.quantityLabel = plot.quantityLabel or quantity
        plot.quantityUnit = plot.quantityUnit or test.quantityUnit
        plot.listedKeys = list(plot.listedKeys) or list(test.comparedNames)
        if plot.threshold is None and test.limit is not None:
            plot.threshold, plot.operator = test.limit, test.operator


class AmpFailureTool(AmpTool):
    """Number of failures of each amplifier over all tests of a product, as a map and as metrics."""

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.process = AmpFlags
        self.produce.metric = FailureMetric
        self.produce.plot = FailureMapPlot
        self.produce.plot.zAxisLabel = ""

    def finalize(self) -> None:
        """Hand the tests to the actions that make the tool."""
        product = getProduct(self.product)
        keys = [test.key for test in product.ownVerdicts()]
        self._configure(keys)
        for action in (self.process, self.produce.metric):
            if isinstance(action, AmpFlags | FailureMetric):
                action.product, action.tests = self.product, keys
        if isinstance(plot := self.produce.plot, FailureMapPlot):
            computed = " (verdicts computed, not of cp_verify)" * any(product[key].isComputed for key in keys)
            plot.title = plot.title or f"Failed tests of the {product.title.lower()}{computed}"
            kinds = {key: product[key].row for key in keys}
            plot.tests = list(plot.tests) or [key for key in keys if kinds[key] == "amplifier"]
            plot.detectorTests = [key for key in keys if kinds[key] == "detector"]
            plot.zAxisLabel = plot.zAxisLabel or FAILURE_LABELS[plot.counted]
