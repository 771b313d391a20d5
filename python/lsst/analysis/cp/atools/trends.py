# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for metrics over time, of any product."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from lsst.analysis.cp.actions.keyedData import AnalyzeTrend
from lsst.analysis.cp.actions.metric import TrendMetric
from lsst.analysis.cp.actions.plot.trend import TrendPlot
from lsst.analysis.cp.catalogue import (
    LEVELS,
    MEASUREMENTS,
    Level,
    MeasurementKind,
    VerifyTest,
    getProduct,
)
from lsst.analysis.cp.metrics import TREND_SUFFIXES, trendWord
from lsst.analysis.tools.interfaces import AnalysisTool, BasePrep
from lsst.pex.config import ChoiceField, Field

from .toolSets import addTool

if TYPE_CHECKING:
    from lsst.analysis.tools.interfaces import AnalysisBaseConfig

__all__ = ["MetricTrendTool", "addTrendTools"]

_WORST = {"low": "min", "high": "max", None: "median"}
"""How several values are reduced, by the end at which the worst is."""


class MetricTrendTool(AnalysisTool):
    """History of one measurement of a test of the catalogue: plot, and metrics of what happened to it.

    A tool that is used by itself is ready after its ``finalize``; a task calls it when it freezes its
    configuration.
    Set ``produce.plot`` to `lsst.analysis.tools.interfaces.NoPlot` for metrics alone. The data are the
    columns of a tidy table of any number of metrics, from the Butler or from Sasquatch.
    """

    parameterizedBand: bool = False

    product = Field[str](doc="Product that was verified.", default="bias")
    test = Field[str](doc="Key of the test in the catalogue.", default="NOISE")
    measurement = Field[str](doc="Name of the measurement.", default="median")
    level = ChoiceField[str](
        doc="What the values belong to; for exposures and runs, seriesBy is all.",
        default="detector",
        allowed=dict.fromkeys(LEVELS, ""),
    )
    seriesBy = ChoiceField[str](
        doc="What a series belongs to.", default="detector", allowed=dict.fromkeys(TREND_SUFFIXES, "")
    )

    def setDefaults(self) -> None:
        """Choose the actions that make the tool."""
        super().setDefaults()
        self.prep = BasePrep
        self.process = AnalyzeTrend
        self.produce.metric = TrendMetric
        self.produce.plot = TrendPlot

    def finalize(self) -> None:
        """Hand the measurement to the actions that make the tool."""
        test = getProduct(self.product)[self.test]
        kind = MEASUREMENTS.get(self.measurement)
        if isinstance(process := self.process, AnalyzeTrend):
            process.metric, process.measurement = test.toolName, self.measurement
            process.level, process.seriesBy = self.level, self.seriesBy
            # Of the worst amplifiers the worst counts.
            process.statistic = _WORST[kind.worse if kind else None]
        if isinstance(metric := self.produce.metric, TrendMetric):
            metric.unit = test.measurementUnit(self.measurement)
        if isinstance(plot := self.produce.plot, TrendPlot):
            plot.seriesBy = self.seriesBy
            plot.unit = plot.unit or test.measurementUnit(self.measurement)
            words = describeMeasurement(test, kind, self.measurement)
            plot.yAxisLabel = plot.yAxisLabel or words
            of_quantity = kind is not None and kind.of == "quantity"
            # An expression is no title.
            plot.title = plot.title or (
                f"{test.label or test.key}: tested quantity" if of_quantity else words
            )
            plot.tests = list(plot.tests) or [test.name]
            if of_quantity and test.limit is not None:
                plot.operator = test.operator


def describeMeasurement(test: VerifyTest, kind: MeasurementKind | None, default: str) -> str:
    """Say what a measurement of a test is, in a few words without unit; the default of none of the table."""
    if kind is None:
        return default
    if kind.of in ("statistic", "quantity") and kind.words:
        return f"{test.quantity if kind.of == 'quantity' else test.label or test.key}, {kind.words}"
    words = {"statistic": test.label, "quantity": test.quantity, "key": test.key, "rows": f"{test.row}s"}
    return kind.meaning.format(**words).rstrip(".")


def addTrendTools(
    config: AnalysisBaseConfig,
    product: str,
    *,
    by: str = "detector",
    tests: Collection[str] | None = None,
) -> None:
    """Add histories of tests: of the median of the amplifiers, of the worst, and of how many failed.

    The worst amplifier is that of the tested quantity. Of a statistic that is not tested it is the largest,
    and the least too if the statistic has a value that it should have. A verdict has the number of amplifiers
    that failed alone.

    Parameters
    ----------
    config
        Configuration of a `~lsst.analysis.cp.tasks.MetricTrendTask`.
    product
        Name of the product.
    by
        What a series belongs to, a key of `TREND_SUFFIXES`; of ``all`` the values are those of exposures, or
        of runs if the configuration's inputs have no epochs.
    tests
        Keys of the tests. If None, those that are plotted, as far as they are measured there; by detector
        those that sum up the others, too.
    """
    if hasattr(config, "inputDimensions") and not config.inputDimensions:
        config.inputDimensions = Level("exposure", getProduct(product).epoch).dimensions
    has_epochs = not hasattr(config, "hasEpochs") or config.hasEpochs
    level = ("detector", "exposure") if has_epochs else ("runDetector", "run")
    for test in getProduct(product):
        usual = test.plotted or (test.verdict and by == "detector")
        usual &= test.isMeasuredAt(Level(level[by == "all"], getProduct(product).epoch))
        if not (usual if tests is None else test.key in tests):
            continue
        for measurement in _chooseMeasurements(test):
            addTool(
                config.atools,
                f"{test.toolName}{trendWord(measurement)}{TREND_SUFFIXES[by]}",
                MetricTrendTool,
                product=product,
                test=test.key,
                measurement=measurement,
                level=level[by == "all"],
                seriesBy=by,
            )


def _chooseMeasurements(test: VerifyTest) -> list[str]:
    """Choose the measurements of a test that have histories."""
    measurements = ["median"] * (test.statistic is not None) + ["nFailed"] * test.isTested
    if test.quantity is not None:
        measurements.append("quantityMax" if test.operator in ("<", "<=") else "quantityMin")
    elif test.statistic is not None:
        measurements += ["min"] * (test.centre is not None) + ["max"]
    return measurements
