# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Use measurements, tools and their task, and write what comes out as JSON, to compare two worlds."""

import io
import json
import math
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import astropy.units as u
import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.tools.actions.plot import FocalPlaneGeometryPlot, FocalPlanePlot
from lsst.analysis.tools.actions.plot.plotUtils import parsePlotInfo
from lsst.analysis.tools.actions.scalar import MeanAction, MedianAction
from lsst.analysis.tools.actions.vector import LoadVector
from lsst.analysis.tools.atools import CalibStatisticFocalPlanePlot
from lsst.analysis.tools.interfaces import (
    AnalysisBaseConfig,
    AnalysisBaseConnections,
    AnalysisPipelineTask,
    AnalysisTool,
    BaseMetricAction,
    KeyedDataAction,
    MetricMeasurementBundle,
    NoMetric,
    PlotAction,
    Scalar,
    Vector,
    VectorAction,
)
from lsst.analysis.tools.tasks import VerifyCalibAnalysisTask
from lsst.pex.config import Field
from lsst.pipe.base.pipelineIR import ConfigIR, ParametersIR
from lsst.verify import Measurement, Name


def plain(value: Any) -> Any:
    """Return what can be written as JSON."""
    match value:
        case Measurement():
            document = {key: item for key, item in value.json.items() if key != "identifier"}
            return plain([document, dict(value.notes.items())])
        case Figure():
            return sorted(text.get_text() for text in value.texts)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set():
            return [plain(item) for item in value]
        case np.ndarray() | np.generic():
            return plain(value.tolist())
        case float():
            return repr(value)
    return value if isinstance(value, (str, int, bool, type(None))) else repr(value)


def attempt(function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    """Return the result, or the type of the exception."""
    try:
        return plain(function(*arguments, **keywords))
    except Exception as error:
        return f"raises {type(error).__name__}"


class Mask(VectorAction):
    """Select the positive elements of a vector."""

    def getInputSchema(self) -> Any:
        """Return the schema."""
        return (("a", Vector),)

    def __call__(self, data: Any, **kwargs: Any) -> Any:
        return data["a"] > 0


class Several(KeyedDataAction):
    """Make two results."""

    def getInputSchema(self) -> Any:
        """Return the schema."""
        return (("{band}_b", Vector), ("k", Scalar))

    def getOutputSchema(self) -> Any:
        """Return the schema."""
        return (("p", Vector), ("q", Vector))

    def __call__(self, data: Any, **kwargs: Any) -> Any:
        return {"p": data["a"] + 1, "q": data["a"] * 2}


class OnePlot(PlotAction):
    """Make a plot."""

    def getInputSchema(self) -> Any:
        """Return the schema."""
        return (("a", Vector),)

    def __call__(self, data: Any, **kwargs: Any) -> Any:
        figure = Figure()
        figure.text(0, 0, json.dumps(kwargs.get("plotInfo", "none"), default=str))
        figure.text(0, 0, ",".join(sorted(data)))
        return figure


class TwoPlots(OnePlot):
    """Make two plots."""

    def getOutputNames(self, config: Any = None) -> Any:
        """Return the names."""
        return ("one", "two") if config is None else ("one", config.connections.outputName)

    def __call__(self, data: Any, **kwargs: Any) -> Any:
        return {name: super(TwoPlots, self).__call__(data, **kwargs) for name in ("one", "two")}


class Broken(OnePlot):
    """Fail."""

    def __call__(self, data: Any, **kwargs: Any) -> Any:
        raise RuntimeError("broken")


class Tool(AnalysisTool):
    """Use every stage."""

    parameterizedBand = Field[bool](doc="by band", default=True)
    propagateData = Field[bool](doc="propagate", default=False)
    dynamicOutputNames = Field[bool](doc="dynamic", default=False)

    def setDefaults(self) -> None:
        """Set the actions."""
        super().setDefaults()
        self.prep.selectors.positive = Mask()
        self.prep.vectorKeys = ["a"]
        self.prep.keysToLoad = ["k"]
        self.process.buildActions.b = LoadVector(vectorKey="{band}_b")
        self.process.buildActions.several = Several()
        self.process.filterActions.c = LoadVector(vectorKey="p")
        self.process.calculateActions.mean = MeanAction(vectorKey="c")
        self.process.calculateActions.median = MedianAction(vectorKey="b")
        self.produce.metric.units = {"mean": "electron", "median": "adu", "k": ""}
        self.produce.metric.newNames = {"median": "{band}_median", "k": "a count"}


def makeTool(plot: Any = None, **fields: Any) -> Tool:
    """Return a tool with a name and, maybe, a plot."""
    tool = Tool(**fields)
    tool.identity = "tool"
    if plot is not None:
        tool.produce.plot = plot
    return tool


def data() -> dict[str, Any]:
    """Return columns for two bands."""
    a = np.array([1.0, -1.0, 3.0, math.nan, 4.0])
    return {"a": a, "k": 7, "g_b": a[::-1].copy(), "r_b": a + 10, "analysisTools_b": a, "{band}_b": a}


def describeMeasurements() -> dict[str, Any]:
    """Return measurements and bundles as they are stored."""
    values = [1.5 * u.electron, 3, math.nan, math.inf * u.adu, np.float32(1.5) * u.m, None, 0 * u.s]
    measurements = [Measurement("min", value, notes={"metric_tags": ["x"]}) for value in values]
    bundle = MetricMeasurementBundle({"tool": measurements}, reference_package="p", metricNamePrefix="a_")
    stored = json.loads(bundle.json())
    again = MetricMeasurementBundle.parse_obj(json.loads(bundle.json().replace('"unit": null', '"unit": ""')))
    for document in stored["tool"]:
        document.pop("identifier")
    return {
        "texts": [str(item) + repr(item) for item in measurements],
        "bundle": plain(stored),
        "attributes": plain(vars(again) | {"data": 0}),
        "again": plain(again["tool"]),
        "names": [attempt(Name, text) for text in ("a", "a.b", "a.b.c", "a.b.c.d")],
        "refused": [attempt(Measurement, name, 1) for name in ("a.b.c", Name("a.b.c"))],
    }


def describeTools() -> dict[str, Any]:
    """Return names and results of tools of several kinds."""
    results: dict[str, Any] = {}
    info = {"run": "r", "tableName": "t"}
    for name, plot in {"no": None, "one": OnePlot(), "two": TwoPlots(), "broken": Broken()}.items():
        for band in (True, False):
            for propagate in (True, False):
                tool = makeTool(plot, parameterizedBand=band, propagateData=propagate, metric_tags=["t"])
                tool.freeze()
                results[f"{name} {band} {propagate}"] = [
                    attempt(tool.getOutputNames),
                    attempt(
                        lambda tool=tool: [[key, str(kind == Vector)] for key, kind in tool.getInputSchema()]
                    ),
                    attempt(tool, data(), bands=["g", "r"], plotInfo=dict(info)),
                    attempt(tool, data(), plotInfo=dict(info)),
                    attempt(tool, data()),
                    attempt(tool, {}),
                ]
    return results


def describeMetricActions() -> dict[str, Any]:
    """Return what a metric action makes of values of several kinds."""
    values = {
        "number": 1,
        "mapping": {"a b": 1.0, "c-d": 2},
        "array": np.arange(2),
        "none": None,
        "text": "x",
    }
    results = {}
    for name, value in values.items():
        action = BaseMetricAction(units={"v": "adu"}, newNames={"v": "new {band}"})
        results[name] = attempt(action, {"v": value}, band="g", metric_tags=["z"])
    results["missing"] = attempt(BaseMetricAction(units={"v": ""}), {})
    results["minus"] = attempt(BaseMetricAction, newNames={"v": "a-b"})
    return results


class Connections(
    AnalysisBaseConnections, dimensions=("instrument",), defaultTemplates={"outputName": "out"}
):
    """Connections with a name."""


class Config(AnalysisBaseConfig, pipelineConnections=Connections):
    """Configuration with a name."""


class Task(AnalysisPipelineTask):
    """A task."""

    ConfigClass = Config
    _DefaultName = "task"


def describeTask() -> dict[str, Any]:
    """Return connections, results and configuration of a task."""
    config = Config(bands=["g", "r"], metric_tags=["x", "y"], addOutputNamePrefix=True)
    config.atools.byBand = makeTool(OnePlot(), propagateData=True)
    config.atools.single = makeTool(TwoPlots(), propagateData=True, parameterizedBand=False)
    config.atools.dynamic = makeTool(
        TwoPlots(), propagateData=True, parameterizedBand=False, dynamicOutputNames=True
    )
    config.atools.broken = makeTool(Broken(), parameterizedBand=False)
    config.freeze()
    connections = Connections(config=config)
    task = Task(config=config)
    results = task.run(data=data())
    text = io.StringIO()
    config.saveToStream(text)
    return {
        "outputs": {
            name: plain(
                [getattr(connections, name).name, sorted(getattr(connections, name).dimensions), name]
            )
            for name in sorted(connections.outputs)
        },
        "columns": sorted(task.collectInputNames()),
        "results": plain({name: value for name, value in results.getDict().items() if "Errors" not in name}),
        "prefix": results.metrics.metricNamePrefix,
        "tags": {tool.identity: list(tool.metric_tags) for tool in config.atools},
        "noData": attempt(task.run),
        "noName": attempt(AnalysisBaseConfig().validate),
        "noNameConnections": attempt(AnalysisBaseConnections, config=AnalysisBaseConfig()),
        "config": [line for line in text.getvalue().splitlines() if line and not line.startswith("#")],
    }


def describeOverrides() -> dict[str, Any]:
    """Return what the parameters of a pipeline do to a configuration."""
    results = {}
    for value in ("run_timestamp", "explicit_timestamp:20260101T000000+0000", "explicit_timestamp:x", "x"):
        for own in (None, [ConfigIR(rest={"dataset_identifier": "own"})]):
            config = Config()
            mapping = {"sasquatch_dataset_identifier": "id", "sasquatch_timestamp_version": value}
            problem = attempt(config.applyConfigOverrides, None, "task", own, ParametersIR(mapping), "label")
            results[f"{value} {own is None}"] = [
                problem,
                config.dataset_identifier,
                config.reference_package,
                config.timestamp_version,
            ]
    return results


def describeMetricsConnection() -> dict[str, Any]:
    """Return which tools make a metrics output."""
    plain_tool = makeTool(OnePlot())
    none = makeTool(OnePlot())
    none.produce.metric = NoMetric()
    empty = makeTool(OnePlot())
    empty.produce.metric.units = {}
    only = makeTool()
    only.produce = BaseMetricAction(units={"k": ""})
    results = {}
    for name, tool in {"some": plain_tool, "no": none, "empty": empty, "only": only}.items():
        config = Config()
        config.atools.tool = tool
        results[name] = attempt(lambda config=config: sorted(Connections(config=config).outputs))
    return results


def describePlots() -> dict[str, Any]:
    """Return the numbers and texts of plots of a camera whose detectors are not turned."""
    from lsst.obs.lsst import LsstComCam

    camera = LsstComCam().getCamera()
    rows = [(detector.getId(), amplifier.getName()) for detector in camera for amplifier in detector]
    rng = np.random.default_rng(5)
    table = {"detector": np.array([row[0] for row in rows]), "amplifier": np.array([row[1] for row in rows])}
    table |= {"z": rng.normal(10.0, 2.0, len(rows)), "x": rng.uniform(0, 4000, len(rows))}
    table |= {"y": rng.uniform(0, 4000, len(rows)), "statMask": rng.uniform(size=len(rows)) > 0.5}
    table["z"][3] = math.nan
    info = {"run": "u/r", "tableName": "t", "bands": ["r"], "plotName": "p", "visit": 4, "Selection: a": "b"}
    results = {"info": parsePlotInfo(info), "more": parsePlotInfo(info | {"SN": 3, "MagLim": 2, "tract": 1})}
    actions: dict[str, FocalPlanePlot] = {
        "pixels": FocalPlanePlot(zAxisLabel="z", nBins=20),
        "adaptive": FocalPlanePlot(zAxisLabel="z", nBins=5, doUseAdaptiveBinning=True, showStats=False),
        "amplifier": FocalPlaneGeometryPlot(zAxisLabel="z", statistic="median", addHistogram=True),
        "detector": FocalPlaneGeometryPlot(zAxisLabel="z", level="detector", plotMin=1.0, plotMax=12.0),
    }
    for name, action in actions.items():
        results[name] = describeFigure(action(table, camera=camera, plotInfo=dict(info)))
        results[f"{name} lacking"] = attempt(action, {"detector": [1]}, camera=camera)
    tool = CalibStatisticFocalPlanePlot(quantityKey="z", unit="electron")
    tool.identity = "tool"
    tool.freeze()
    results["tool"] = {
        key: describeFigure(value) if isinstance(value, Figure) else plain(value)
        for key, value in tool(table, camera=camera, plotInfo=dict(info)).items()
    }
    results["task"] = [
        VerifyCalibAnalysisTask._DefaultName,
        sorted(VerifyCalibAnalysisTask.ConfigClass._fields),
    ]
    return results


def describeFigure(figure: Figure) -> dict[str, Any]:
    """Return size, texts, values, limits and positions of patches, rounded."""
    figure.canvas.draw()
    axes = figure.axes
    mappables = [item for ax in axes[:1] for item in (*ax.images, *ax.collections)]
    return {
        "size": [*figure.get_size_inches(), figure.dpi],
        "texts": sorted(text.get_text() for text in (*figure.texts, *(t for ax in axes for t in ax.texts))),
        "labels": [[ax.get_xlabel(), ax.get_ylabel()] for ax in axes],
        "values": [np.round(np.ma.filled(item.get_array(), np.nan), 9).tolist() for item in mappables],
        "limits": [np.round(item.get_clim(), 9).tolist() for item in mappables],
        "corners": [
            path.vertices[:4].min(axis=0).tolist()
            for item in axes[0].collections
            for path in item.get_paths()
        ],
        "bars": [
            round(patch.get_height()) for ax in axes for patch in ax.patches if hasattr(patch, "get_height")
        ],
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    parts = (
        describeMeasurements,
        describeTools,
        describeMetricActions,
        describeTask,
        describeOverrides,
        describeMetricsConnection,
        describePlots,
    )
    json.dump({part.__name__: plain(part()) for part in parts}, sys.stdout)
