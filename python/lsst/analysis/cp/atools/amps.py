# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for results of amplifiers, of any product."""

from __future__ import annotations

from lsst.analysis.cp.actions.keyedData import AmpFlags, AmpResults, AmpValues, EncodeAmps
from lsst.analysis.cp.actions.metric import AmpMetricAction, AmpSummaryMetric, FailureMetric
from lsst.analysis.cp.actions.plot import AmpTablePlot, FailureMapPlot, FocalPlaneGeometryPlot
from lsst.analysis.cp.actions.plot.text import describeQuantity
from lsst.analysis.cp.catalogue import EPOCHS, Product, VerifyTest, getProduct
from lsst.analysis.cp.core import COUNTED_TYPES
from lsst.analysis.cp.core.amps import marginUnit
from lsst.analysis.tools.interfaces import AnalysisTool, NoMetric
from lsst.pex.config import ChoiceField, Field, ListField

__all__ = ["AmpFailureTool", "AmpMarginTool", "AmpResultsTool", "AmpTestTool"]

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
    gainsApplied = Field[bool](
        doc="Are statistics in electrons, and not in ADU? A task's configuration tells all of its tools.",
        default=True,
    )
    detectorTypes = ListField[str](
        doc="Types of detectors that the metrics include; all if empty.", default=list(COUNTED_TYPES)
    )
    physicalTypes = ListField[str](
        doc="Vendors of detectors that the metrics include; all if empty.", default=[]
    )

    @property
    def declared(self) -> Product:
        """The product, in the units of the statistics."""
        return getProduct(self.product, self.gainsApplied)

    def setDefaults(self) -> None:
        """Choose the action that all these tools begin with."""
        super().setDefaults()
        self.prep = EncodeAmps

    def _configure(self, tests: list[str]) -> None:
        """Hand the product, the tests and what the rows are to those actions that ask."""
        if isinstance(self.prep, EncodeAmps):
            self.prep.product, self.prep.tests, self.prep.epoch = self.product, tests, self.epoch
            self.prep.gainsApplied = self.gainsApplied
        if isinstance(metric := self.produce.metric, AmpMetricAction):
            metric.product, metric.level, metric.epoch = self.product, self.level, self.epoch
            metric.gainsApplied = self.gainsApplied
            metric.detectorTypes = list(self.detectorTypes)
            metric.physicalTypes = list(self.physicalTypes)
        if (
            isinstance(plot := self.produce.plot, FocalPlaneGeometryPlot | AmpTablePlot)
            and self.level != "detector"
        ):
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
        test = self.declared[self.test]
        self._configure([self.test])
        if isinstance(self.process, AmpValues):
            self.process.test = self.test
        if isinstance(metric := self.produce.metric, AmpSummaryMetric):
            metric.test = self.test
        if isinstance(self.produce.plot, FocalPlaneGeometryPlot):
            self._describePlot(test)

    def _describePlot(self, test: VerifyTest) -> None:
        """Label the plot from the catalogue, where the configuration does not say otherwise."""
        plot = self.produce.plot
        value = self.process.value if isinstance(self.process, AmpValues) else "statistic"
        quantity, unit = describeQuantity(test.quantity or ""), test.quantityUnit
        limit, operator = test.limit, test.operator
        labels = {"statistic": (test.label or test.key, test.unit), "quantity": (quantity or test.key, unit)}
        listed = list(test.comparedNames)
        if test.quantity is not None and (limit is None or value == "margin"):
            # One limit holds for the margins of all sensors, and for both ends of an interval.
            quantity, unit, limit = f"Margin of {quantity}", marginUnit(test), 0.0
            operator = ">=" if operator in ("<=", ">=") else ">"
            labels["margin"] = quantity, unit
            listed.insert(0, "quantity")
            plot.quantityKey = "" if value == "margin" else "margin"
        repeated = self.level == "run" and self.epoch != "none"
        if value == "statistic" and limit == test.limit and test.quantity == test.statistic and not repeated:
            # A map of the tested quantity would be the same again.
            plot.quantityKey = ""
        label, z_unit = labels[value]
        plot.title = plot.title or test.label or test.description
        if repeated:
            label = f"{label}, {plot.statistic} over exposures"
            quantity += ", worst of the exposures"
        plot.zAxisLabel = plot.zAxisLabel or label
        plot.unit = plot.unit or z_unit
        plot.tests = list(plot.tests) or [test.name]
        plot.quantityLabel = plot.quantityLabel or quantity
        plot.quantityUnit = plot.quantityUnit or unit
        plot.listedKeys = list(plot.listedKeys) or listed
        if plot.threshold is None and limit is not None:
            plot.threshold, plot.operator = limit, operator
        elif plot.threshold != limit:
            # What somebody has chosen is not that of the run.
            plot.thresholdKey = ""


class AmpMarginTool(AmpTestTool):
    """A map of how far the tested quantity of each amplifier is from its limit; of several rows the worst."""

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.process.value = "margin"
        self.produce.metric = NoMetric
        self.produce.plot.statistic = "min"
        self.produce.plot.plotMin = 0.0

    def finalize(self) -> None:
        """Say in the title what is shown, and hand the test to the actions that make the tool."""
        test = self.declared[self.test]
        plot = self.produce.plot
        plot.title = plot.title or f"{test.label or test.key}: distance to the limit"
        super().finalize()


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
        product = self.declared
        keys = [test.key for test in product.ownVerdicts()]
        self._configure(keys)
        if isinstance(self.process, AmpFlags):
            self.process.tests = keys
        if isinstance(metric := self.produce.metric, FailureMetric):
            metric.product, metric.tests = self.product, keys
        if isinstance(plot := self.produce.plot, FailureMapPlot):
            computed = " (verdicts computed, not of cp_verify)" * any(product[key].isComputed for key in keys)
            plot.title = plot.title or f"Failed tests of the {product.title.lower()}{computed}"
            kinds = {key: product[key].row for key in keys}
            plot.tests = list(plot.tests) or [key for key in keys if kinds[key] == "amplifier"]
            plot.detectorTests = [key for key in keys if kinds[key] == "detector"]
            plot.zAxisLabel = plot.zAxisLabel or FAILURE_LABELS[plot.counted]


class AmpResultsTool(AmpTool):
    """A plot of all tests of a product, without metrics; which one, ``produce.plot`` says."""

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.process = AmpResults
        self.produce.metric = NoMetric

    def finalize(self) -> None:
        """Ask for all tests that the plot wants."""
        plot = self.produce.plot
        wanted = filter(plot.wants, self.declared) if isinstance(plot, AmpTablePlot) else ()
        self._configure([test.key for test in wanted])
