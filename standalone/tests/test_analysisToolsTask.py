# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The task that runs tools: its connections and configuration, and a run of cpCore.yaml in a repository."""

import gc
import io
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from matplotlib.figure import Figure

from lsst.analysis.tools.actions.scalar import MedianAction
from lsst.analysis.tools.actions.vector import LoadVector
from lsst.analysis.tools.interfaces import (
    AnalysisBaseConfig,
    AnalysisBaseConnections,
    AnalysisPipelineTask,
    AnalysisTool,
    NoMetric,
    PlotAction,
    Vector,
)
from lsst.analysis.tools.tasks import VerifyCalibAnalysisConfig
from lsst.cp.simulator import makeRepository
from lsst.daf.butler import Butler, DatasetType
from lsst.obs.lsst import LsstComCam
from lsst.pex.config import Field, FieldValidationError
from lsst.pipe.base import AnnotatedPartialOutputsError, Pipeline
from lsst.pipe.base.pipelineIR import ConfigIR, ParametersIR
from lsst.pipe.base.simple_pipeline_executor import SimplePipelineExecutor

PIPELINE = Path(__file__).parents[1] / "pipelines" / "cpCore.yaml"
TOOLS = {
    "biasReadNoisePerAmp": "BIAS_READ_NOISE_ADU",
    "biasMeanPerAmp": "BIAS_MEAN",
    "biasNoisePerAmp": "BIAS_NOISE",
    "biasCrNoisePerAmp": "BIAS_CR_NOISE",
    "biasCornerMeanPerAmp": "BIAS_AMP_CORNER",
}


class Connections(
    AnalysisBaseConnections, dimensions=("instrument",), defaultTemplates={"outputName": "out"}
):
    pass


class Config(AnalysisBaseConfig, pipelineConnections=Connections):
    pass


class Task(AnalysisPipelineTask):
    ConfigClass = Config
    _DefaultName = "task"


class Plot(PlotAction):
    def getInputSchema(self) -> Any:
        return (("z", Vector),)

    def __call__(self, data: Any, **kwargs: Any) -> Figure:
        if not data["z"].size:
            raise ValueError("nothing to plot")
        kwargs["plotInfo"]["touched"] = True
        return Figure()


class Tool(AnalysisTool):
    key = Field[str](doc="Column", default="{band}_z")
    parameterizedBand = Field[bool](doc="By band", default=True)

    def setDefaults(self) -> None:
        super().setDefaults()
        self.process.buildActions.z = LoadVector(vectorKey="z")
        self.process.calculateActions.median = MedianAction(vectorKey="z")
        self.produce.metric.units = {"median": "adu"}
        self.produce.metric.newNames = {"median": "{band}_median"}
        self.produce.plot = Plot()

    def finalize(self) -> None:
        self.process.buildActions.z.vectorKey = self.key
        self.process.calculateActions.median.vectorKey = self.key


def makeConfig(**tools: Tool) -> Config:
    config = Config(bands=["g", "r"])
    for name, tool in tools.items():
        setattr(config.atools, name, tool)
    return config


def makeTask(**tools: Tool) -> Task:
    config = makeConfig(**tools)
    config.freeze()
    return Task(config=config)


DATA = {"g_z": np.array([1.0, 2.0, 6.0]), "r_z": np.array([4.0]), "empty": np.array([])}


class TestConnections:
    def test_each_plot_is_an_output(self):
        config = makeConfig(byBand=Tool(), single=Tool(key="g_z", parameterizedBand=False))
        connections = Connections(config=config)
        assert connections.outputs == {"metrics", "out_byBand_Plot", "out_single_Plot"}
        assert connections.metrics.name == "out_metrics"
        assert connections.metrics.dimensions == {"instrument"}
        assert connections.out_byBand_Plot.dimensions == {"instrument", "band"}
        assert connections.out_byBand_Plot.multiple
        assert connections.out_single_Plot.dimensions == {"instrument"}
        assert connections.out_single_Plot.storageClass == "Plot"

    def test_without_metrics_there_is_no_output_for_them(self):
        tool = Tool(parameterizedBand=False)
        tool.produce.metric = NoMetric()
        assert Connections(config=makeConfig(tool=tool)).outputs == {"out_tool_Plot"}

    def test_metric_action_that_makes_nothing_counts_as_none(self):
        tool = Tool(parameterizedBand=False)
        tool.produce.metric.units = {}
        assert "metrics" not in Connections(config=makeConfig(tool=tool)).outputs

    def test_names_that_clash_are_refused(self):
        class Clash(Connections, dimensions=("instrument",)):
            out_tool_Plot = "taken"

        with pytest.raises(NameError, match="out_tool_Plot conflicts with existing connection"):
            Clash(config=makeConfig(tool=Tool(parameterizedBand=False)))

    def test_output_name_must_be_set(self):
        with pytest.raises(RuntimeError, match="'outputName' must have a config explicitly set"):
            AnalysisBaseConfig().validate()
        with pytest.raises(RuntimeError, match="must specify an alternative value"):
            AnalysisBaseConnections(config=AnalysisBaseConfig())

    @pytest.mark.parametrize("ofQuantum", [False, True])
    def test_plots_of_other_bands_are_dropped(self, ofQuantum):
        connections = Connections(config=makeConfig(tool=Tool()))
        refs = [
            SimpleNamespace(dataId={"band": band}, datasetType=SimpleNamespace(dimensions={"band"}))
            for band in "gzr"
        ]
        plain = [SimpleNamespace(dataId={}, datasetType=SimpleNamespace(dimensions={"instrument"}))]
        outputs = {
            "out_tool_Plot": (connections.out_tool_Plot, refs),
            "metrics": (connections.metrics, plain),
        }
        names = {"instrument", "band"} if ofQuantum else {"instrument"}
        data_id: Any = SimpleNamespace(dimensions=SimpleNamespace(names=names))
        inputs, adjusted = connections.adjustQuantum({}, outputs, "label", data_id)
        assert inputs == {}
        if ofQuantum:
            assert adjusted == {}
        else:
            assert list(adjusted) == ["out_tool_Plot"]
            assert adjusted["out_tool_Plot"][1] == [refs[0], refs[2]]


class TestConfig:
    def apply(self, own: Any = None, **parameters: str) -> Config:
        config = Config()
        names = {f"sasquatch_{name}": value for name, value in parameters.items()}
        config.applyConfigOverrides(None, "task", own, ParametersIR(names), "label")
        return config

    def test_parameters_of_the_pipeline_are_taken(self):
        config = self.apply(dataset_identifier="id", reference_package="p", timestamp_version="run_timestamp")
        assert (config.dataset_identifier, config.reference_package) == ("id", "p")

    def test_configuration_in_the_pipeline_wins(self):
        config = self.apply([ConfigIR(rest={"dataset_identifier": "own"})], dataset_identifier="id")
        assert config.dataset_identifier == "own"

    def test_without_parameters_nothing_changes(self):
        assert self.apply().timestamp_version == "run_timestamp"

    @pytest.mark.parametrize("value", ["explicit_timestamp:20260102T030405+0000", "dataset_timestamp"])
    def test_timestamp_versions_are_known(self, value):
        config = self.apply(timestamp_version=value)
        config.validate()
        assert config.timestamp_version == value

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ("explicit_timestamp", "must be given in the format 'explicit_timestamp:datetime'"),
            ("explicit_timestamp:yesterday", "datetime yesterday could not be parsed"),
        ],
    )
    def test_explicit_time_must_be_atime(self, caplog, value, message):
        with pytest.raises(ValueError, match=message):
            self.apply(timestamp_version=value)
        with pytest.raises(FieldValidationError):
            Config(timestamp_version=value)
        assert message in caplog.text

    def test_other_timestamp_version_is_refused(self):
        with pytest.raises(FieldValidationError):
            Config(timestamp_version="tomorrow")

    def test_tags_go_to_each_tool(self):
        config = makeConfig(one=Tool(metric_tags=["own"]), two=Tool())
        config.metric_tags = ["shared"]
        config.freeze()
        assert [sorted(tool.metric_tags) for tool in config.atools] == [["own", "shared"], ["shared"]]

    def test_stored_configuration_is_read_again(self):
        config = makeConfig(one=Tool(key="column"))
        text = io.StringIO()
        config.saveToStream(text)
        again = Config()
        again.loadFromString(text.getvalue())
        assert again.atools.one.key == "column"
        assert again.compare(config)


class TestRun:
    def test_plots_and_metrics_are_named(self):
        task = makeTask(byBand=Tool(), single=Tool(key="g_z", parameterizedBand=False))
        results = task.run(data=dict(DATA))
        assert {name: [item.quantity.value for item in items] for name, items in results.metrics.items()} == {
            "byBand": [2.0, 4.0],
            "single": [2.0],
        }
        plots = [name for name in results.getDict() if name.startswith("out_")]
        assert sorted(plots) == ["out_g_byBand_Plot", "out_r_byBand_Plot", "out_single_Plot"]

    def test_prefix_is_the_output_name_if_asked(self):
        config = makeConfig()
        assert Task(config=config).run(data={}).metrics.metricNamePrefix == ""
        config.addOutputNamePrefix = True
        assert Task(config=config).run(data={}).metrics.metricNamePrefix == "out_"

    def test_each_tool_has_its_own_plot_info(self):
        info = {"plotName": "name"}
        makeTask(tool=Tool()).run(data=dict(DATA), plotInfo=info)
        assert info == {"plotName": "name", "bands": ["g", "r"]}

    def test_data_are_needed(self):
        with pytest.raises(ValueError, match="data must not be none"):
            makeTask().run()

    def test_columns_of_all_bands_are_loaded(self):
        task = makeTask(byBand=Tool(), single=Tool(key="z", parameterizedBand=False))
        assert task.collectInputNames() == {"g_z", "r_z", "z"}

    def test_failing_tool_is_raised_after_the_others_are_stored(self):
        tools = {"bad": Tool(key="empty", parameterizedBand=False)}
        tools["good"] = Tool(key="g_z", parameterizedBand=False)
        task = makeTask(**tools)
        outputs = task.run(data=dict(DATA))
        stored: dict[str, Any] = {}
        context: Any = SimpleNamespace(put=lambda value, ref: stored.update({ref.name: value}))
        names = ("metrics", "out_bad_Plot", "out_good_Plot")
        refs: Any = [(name, SimpleNamespace(name=name)) for name in names]
        with pytest.raises(AnnotatedPartialOutputsError) as info:
            task.putByBand(context, outputs, refs)
        assert set(stored) == {"metrics", "out_good_Plot"}
        assert list(stored["metrics"]) == ["good"]
        assert "nothing to plot" in str(info.value.__cause__)
        assert list(info.value.__cause__.metadata) == ["bad"]  # type: ignore[union-attr]

    def test_plot_of_each_band_is_stored_for_it(self):
        task = makeTask(tool=Tool())
        outputs = task.run(data=dict(DATA))
        stored: list[Any] = []
        context: Any = SimpleNamespace(put=lambda value, ref: stored.append((value, ref.dataId["band"])))
        refs: Any = [("out_tool_Plot", [SimpleNamespace(dataId={"band": band}) for band in "rgz"])]
        task.putByBand(context, outputs, refs)
        assert stored == [(outputs.out_r_tool_Plot, "r"), (outputs.out_g_tool_Plot, "g")]

    def test_figures_are_not_kept(self):
        results = makeTask(tool=Tool()).run(data=dict(DATA))
        figure = weakref.ref(results.out_g_tool_Plot)
        del results
        gc.collect()
        assert figure() is None


@pytest.fixture(scope="module")
def results() -> Table:
    """Make bias results of two exposures with a different level for each detector."""
    camera = LsstComCam().getCamera()
    rows = [(detector.getId(), amp.getName()) for detector in camera for amp in detector] * 2
    table = Table({"detector": [row[0] for row in rows], "amplifier": [row[1] for row in rows]})
    rng = np.random.default_rng(20260101)
    for column in TOOLS.values():
        table[column] = table["detector"] + rng.normal(size=len(rows))
    return table


@pytest.fixture(scope="module")
def butler(tmp_path_factory: pytest.TempPathFactory, results: Table) -> Iterator[Butler]:
    """Run the pipeline of bias plots in a new repository."""
    root = tmp_path_factory.mktemp("repo")
    makeRepository(root, LsstComCam, []).close()
    with Butler.from_config(root, writeable=True, run="inputs") as butler:
        dimensions = butler.dimensions.conform(["instrument"])
        dataset_type = DatasetType("verifyBiasResults", dimensions, "ArrowAstropy")
        butler.registry.registerDatasetType(dataset_type)
        butler.put(results, dataset_type, instrument="LSSTComCam")
    inputs = ["inputs", LsstComCam().makeCollectionName("defaults")]
    writer = SimplePipelineExecutor.prep_butler(str(root), inputs=inputs, output="outputs")
    executor = SimplePipelineExecutor.from_pipeline(
        Pipeline.fromFile(f"{PIPELINE}#analyzeBiasCore"), butler=writer
    )
    executor.run(register_dataset_types=True)
    writer.close()
    with Butler.from_config(root, collections="outputs") as reader:
        yield reader


class TestPipeline:
    def test_metric_is_the_median_of_the_column(self, butler, results):
        bundle = butler.get("cpBiasCore_metrics", instrument="LSSTComCam")
        assert {name: items[0].quantity.value for name, items in bundle.items()} == {
            name: np.median(results[column]) for name, column in TOOLS.items()
        }
        assert {item.json["unit"] for items in bundle.values() for item in items} == {"adu"}
        assert {str(item.metric_name) for items in bundle.values() for item in items} == {"median"}

    def test_plot_of_each_column_is_stored(self, butler):
        types = butler.registry.queryDatasetTypes("cpBiasCore_*_FocalPlaneGeometryPlot")
        assert {item.name.split("_")[1] for item in types} == set(TOOLS)
        assert {item.storageClass_name for item in types} == {"Plot"}
        for item in types:
            assert butler.getURI(item, instrument="LSSTComCam").size() > 10_000

    def test_tool_is_read_from_the_pipeline(self):
        tool = AnalysisTool.fromPipeline(str(PIPELINE), "biasNoisePerAmp")
        assert tool is not None
        assert (tool.quantityKey, tool.unit) == ("BIAS_NOISE", "electron")  # type: ignore[attr-defined]
        assert AnalysisTool.fromPipeline(str(PIPELINE), "noSuchTool") is None

    def test_only_tools_are_read_from_apipeline(self):
        with pytest.raises(ValueError, match="did not refer to an analysisTool"):
            AnalysisTool.fromPipeline(str(PIPELINE), "connections", fullpath=True)

    def test_pipeline_of_another_instrument_is_refused(self):
        pipeline = Pipeline.fromFile(str(PIPELINE))
        pipeline.addInstrument("lsst.obs.lsst.LsstComCam")
        with pytest.raises(ValueError, match=r"LsstCam conflicts with the pipelines instrument"):
            AnalysisTool.fromPipeline(pipeline, "biasNoisePerAmp", instrument="lsst.obs.lsst.LsstCam")


def test_verify_table_is_read_by_columns():
    config = VerifyCalibAnalysisConfig()
    connections = config.connections.ConnectionsClass.allConnections
    assert connections["data"].deferLoad
    assert connections["camera"].isCalibration
