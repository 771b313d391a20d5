# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools on stored tables of cp_verify, and the nominal read noise from headers."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table, vstack
from numpy.testing import assert_array_equal

from lsst.afw.image import ExposureF
from lsst.analysis.cp import __version__
from lsst.analysis.cp.atools import AmpTestTool, addSensorTools, addTools
from lsst.analysis.cp.core import ColumnError, cameraLayout
from lsst.analysis.cp.notebook import readPlot
from lsst.analysis.cp.tasks import AmpAnalysisDetectorTask, AmpAnalysisExposureTask, AmpAnalysisRunTask
from lsst.analysis.cp.tasks.merge import (
    CalibMergeAnalysisTask,
    ExpMergeAnalysisTask,
    RunMergeAnalysisTask,
    VisitExpMergeAnalysisTask,
)
from lsst.analysis.cp.tasks.reference import readAmpSummaries, readHeaders
from lsst.analysis.tools.interfaces import NoPlot
from lsst.analysis.tools.tasks import VerifyCalibAnalysisTask
from lsst.obs.lsst import Latiss, LsstComCam
from lsst.pipe.base import AnnotatedPartialOutputsError, PipelineGraph, UnprocessableDataError

EXPOSURE = 2026010100001


@pytest.fixture(scope="module")
def latiss(makeRepository):
    """LATISS with the header of its exposure."""
    repository = makeRepository(Latiss, (EXPOSURE,))
    repository.putDetectors()
    exposure = ExposureF(4, 4)
    for i, amp in enumerate(repository.camera[0].getAmplifiers()):
        exposure.metadata[f"LSST ISR READNOISE {amp.getName()}"] = 5.0 + i
        exposure.metadata[f"LSST ISR GAIN {amp.getName()}"] = 1.0 + 0.1 * i
    exposure.metadata.remove("LSST ISR READNOISE C00")
    repository.register("verifyBiasIsrExp", "Exposure", ("instrument", "exposure", "detector"))
    repository.put("verifyBiasIsrExp", exposure, exposure=EXPOSURE, detector=0)
    return repository


@pytest.fixture(scope="module")
def merged(latiss, addMerge):
    """Run the merges, then the same tools on the stored tables."""
    graph = PipelineGraph()
    addMerge(graph, "biasExp", ExpMergeAnalysisTask, "verifyBiasDet", "verifyBiasExp")
    config = graph.tasks["biasExp"].config.copy()
    config.connections.verifiedExposures = "verifyBiasIsrExp"
    graph.reconfigure_tasks(biasExp=config)
    addMerge(graph, "biasRun", RunMergeAnalysisTask, "verifyBiasExp", "verifyBias")
    config = graph.tasks["biasRun"].config.copy()
    config.connections.inputOutputName = "cpBiasExp"
    graph.reconfigure_tasks(biasRun=config)
    for label, task, level, data in (
        ("detector", AmpAnalysisDetectorTask, "detector", "verifyBiasDetResults"),
        ("exposure", AmpAnalysisExposureTask, "exposure", "verifyBiasExpResults"),
        ("run", AmpAnalysisRunTask, "run", "verifyBiasResults"),
    ):
        config = task.ConfigClass()
        config.connections.data = data
        config.connections.outputName = f"{label}Analysis"
        config.connections.verifiedExposures = "verifyBiasIsrExp"
        config.doReadReference = True
        addTools(config, "bias", level)
        for name, tool in config.atools.items():
            if (level, name) != ("exposure", "biasNoise"):
                tool.produce.plot = NoPlot
        graph.add_task(label, task, config)
    return latiss.run(graph)


def getValues(bundle) -> dict[tuple[str, str], float]:
    """Get all values of a bundle, by tool and measurement."""
    return {(tool, str(m.metric_name)): m.quantity.value for tool, found in bundle.items() for m in found}


def assertSameValues(values, expected) -> None:
    assert values.keys() == expected.keys()
    np.testing.assert_array_equal(list(values.values()), list(expected.values()))


@pytest.mark.parametrize(
    ("analysis", "merge", "dataId"),
    [
        ("detectorAnalysis_metrics", "cpBiasExpDet_metrics", {"exposure": EXPOSURE, "detector": 0}),
        ("exposureAnalysis_metrics", "cpBiasExp_metrics", {"exposure": EXPOSURE}),
        ("runAnalysis_metrics", "cpBiasRun_metrics", {}),
    ],
)
def test_stored_tables_give_the_same_metrics(merged, analysis, merge, dataId):
    values = getValues(merged.get(analysis, **dataId))
    values = {key: value for key, value in values.items() if "Failures" not in key[0]}
    expected = getValues(merged.get(merge, **dataId))
    assertSameValues(values, {key: value for key, value in expected.items() if "Failures" not in key[0]})


def test_plot_of_stored_table_says_where_it_is_from(merged):
    picture = readPlot(merged, "exposureAnalysis_biasNoise_FocalPlaneGeometryPlot", {"exposure": EXPOSURE})
    runs = {merged.find_dataset("verifyBiasExpResults", exposure=EXPOSURE).run, "inputs"}
    assert picture.provenance == {
        "Software": f"analysis_cp {__version__}",
        "Tool": "biasNoise",
        "Inputs": "verifyBiasExpResults",
        "Collections": ", ".join(sorted(runs)),
    }
    (data,) = picture.findData()
    assert data == merged.find_dataset("verifyBiasExpResults", exposure=EXPOSURE)


def test_read_noise_is_the_headers(merged, latiss):
    table = merged.get("cpBiasExp_ampSummary", exposure=EXPOSURE)
    amps = [amp.getName() for amp in latiss.camera[0].getAmplifiers()]
    read_noise = dict(zip(table["amplifier"].tolist(), table["readNoise"].tolist(), strict=True))
    for i, name in enumerate(amps):
        expected = latiss.camera[0]["C00"].getReadNoise() if name == "C00" else 5.0 + i
        assert read_noise[name] == expected


def test_source_of_read_noise(merged):
    table = merged.get("cpBiasExp_ampSummary", exposure=EXPOSURE)
    sources = dict(zip(table["amplifier"].tolist(), table["readNoiseSource"].tolist(), strict=True))
    assert sources.pop("C00") == "camera"
    assert set(sources.values()) == {"header"}


def test_read_noise_of_the_run_is_that_of_its_exposures(merged):
    exposure, run = (
        getValues(merged.get(name, **dataId))
        for name, dataId in (("cpBiasExp_metrics", {"exposure": EXPOSURE}), ("cpBiasRun_metrics", {}))
    )
    key = ("biasNoise", "quantityMedian")
    assert run[key] == exposure[key]


def runTools(latiss, task, data: str, addTools):
    config = task.ConfigClass()
    config.connections.data = data
    config.connections.outputName = f"cp{latiss.runs}"
    addTools(config)
    graph = PipelineGraph()
    graph.add_task("analysis", task, config)
    return latiss.run(graph).get(f"{config.connections.outputName}_metrics")


def addNoiseTool(config) -> None:
    config.atools.biasNoise = AmpTestTool
    config.atools.biasNoise.level = "run"
    config.atools.biasNoise.produce.plot = NoPlot


def test_tool_in_upstreams_task(latiss, merged):
    """A tool without conditional columns runs in the task of analysis_tools as it is."""
    results = merged.get("verifyBiasResults")
    latiss.register("storedResults", "ArrowAstropy", ("instrument",))
    latiss.put("storedResults", results)
    bundle = runTools(latiss, VerifyCalibAnalysisTask, "storedResults", addNoiseTool)
    values = {name: value for (_, name), value in getValues(bundle).items()}
    assert values["nAmps"] == 16
    assert values["max"] == np.nanmax(results["BIAS_NOISE"])


def test_sensor_tools(latiss, merged):
    """On LATISS the tools of E2V sensors find none, with the same measurements."""
    latiss.register("sensorResults", "ArrowAstropy", ("instrument",))
    latiss.put("sensorResults", merged.get("verifyBiasResults"))

    def addTools(config):
        addSensorTools(config, "bias", "run")

    values = getValues(runTools(latiss, AmpAnalysisRunTask, "sensorResults", addTools))
    assert (values["biasNoiseITL", "nAmps"], values["biasNoiseE2V", "nAmps"]) == (16, 0)
    names = [{name for tool, name in values if tool == f"biasNoise{kind}"} for kind in ("ITL", "E2V")]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("name", "table", "error", "message"),
    [
        ("emptyResults", Table(), UnprocessableDataError, "is a table without columns"),
        ("otherResults", Table({"a": [1], "b": [2]}), ColumnError, "has none of the columns .*; it has a, b"),
    ],
)
def test_table_without_needed_columns(latiss, name, table, error, message):
    latiss.register(name, "ArrowAstropy", ("instrument",))
    latiss.put(name, table)
    handle = latiss.butler.getDeferred(name, instrument="LATISS", collections="inputs")
    config = AmpAnalysisRunTask.ConfigClass()
    config.connections.outputName = "cp"
    addNoiseTool(config)
    config.freeze()
    with pytest.raises(error, match=message):
        AmpAnalysisRunTask(config=config).loadData(handle)


def test_only_needed_columns_are_read(merged):
    config = AmpAnalysisRunTask.ConfigClass()
    config.connections.outputName = "cp"
    addNoiseTool(config)
    config.freeze()
    handle = merged.getDeferred("verifyBiasResults")
    table = AmpAnalysisRunTask(config=config).loadData(handle)
    needed = {"exposure", "detector", "amplifier", "BIAS_NOISE", "BIAS_VERIFY_NOISE"}
    assert set(table.colnames) == needed | {"mjd"}, "figures tell the date"


@pytest.fixture(scope="module")
def otherEpochs(comCam, addMerge):
    """Merge a calibration without exposures, and visits; then run the same tools on the stored tables."""
    graph = PipelineGraph()
    addMerge(graph, "calibMerge", CalibMergeAnalysisTask, "calib", "mergedCalib", mergeDimension="detector")
    fields = {"hasMatrixCatalog": False}
    addMerge(graph, "visitMerge", VisitExpMergeAnalysisTask, "verifyBiasDet", "mergedVisit", **fields)
    for label, task, level, epoch, data, dimensions in (
        ("calibDet", AmpAnalysisDetectorTask, "detector", "none", "calibResults", ("detector",)),
        ("calib", AmpAnalysisRunTask, "run", "none", "mergedCalibResults", ()),
        ("visit", AmpAnalysisExposureTask, "exposure", "visit", "mergedVisitResults", ("visit",)),
    ):
        config = task.ConfigClass()
        config.dimensions = ["instrument", *dimensions]
        config.connections.data = data
        config.connections.outputName = f"{label}Analysis"
        addTools(config, "bias", level)
        for tool in config.atools:
            tool.epoch = epoch
            tool.produce.plot = NoPlot
        graph.add_task(label, task, config)
    return comCam.run(graph)


@pytest.mark.parametrize(
    ("analysis", "merge", "dimension", "n"),
    [
        ("calibDetAnalysis_metrics", "cpCalibMergeDet_metrics", "detector", 9),
        ("calibAnalysis_metrics", "cpCalibMerge_metrics", "instrument", 1),
        ("visitAnalysis_metrics", "cpVisitMerge_metrics", "visit", 2),
    ],
)
def test_tables_without_exposures_and_of_visits(otherEpochs, analysis, merge, dimension, n):
    refs = otherEpochs.query_datasets(analysis)
    assert len(refs) == n
    for ref in refs:
        assert set(ref.dimensions.required) == {"instrument", dimension}
        values = getValues(otherEpochs.get(ref))
        expected = getValues(otherEpochs.get(merge, dataId=ref.dataId))
        tools = {tool for tool, _ in values if "Failures" not in tool}
        assert len(tools) > 5
        assertSameValues(*({k: v for k, v in each.items() if k[0] in tools} for each in (values, expected)))


@pytest.mark.parametrize(("epoch", "isRead"), [("exposure", True), ("visit", True), ("none", False)])
def test_headers_are_read_if_there_are_exposures(epoch, isRead):
    config = AmpAnalysisDetectorTask.ConfigClass()
    config.connections.outputName = "cp"
    addNoiseTool(config)
    config.atools.biasNoise.epoch = epoch
    config.freeze()
    connections = config.connections.ConnectionsClass(config=config)
    assert ("verifiedExposures" in connections.inputs) == isRead


class Handle:
    """A handle of an exposure whose header is given, or cannot be read."""

    def __init__(self, detector: int, header: object) -> None:
        self.dataId = {"exposure": EXPOSURE, "detector": detector}
        self._header = header

    def get(self, component: str) -> object:
        if isinstance(self._header, Exception):
            raise self._header
        return self._header


@pytest.fixture
def keys(comCam):
    return [f"LSST ISR READNOISE {amp.getName()}" for amp in comCam.camera[0].getAmplifiers()]


@pytest.mark.parametrize("bad", [FileNotFoundError("no such file"), None, 3])
def test_a_header_that_cannot_be_read_costs_its_own_values_only(comCam, keys, bad):
    headers = [dict.fromkeys(keys, 5.0), bad, dict.fromkeys(keys, 6.0)]
    reference = readHeaders([Handle(i, header) for i, header in enumerate(headers)], comCam.camera)
    assert reference.detector.tolist() == [0] * 16 + [2] * 16
    assert_array_equal(reference.readNoise, [5.0] * 16 + [6.0] * 16)
    assert np.ma.getmaskarray(reference.gain).all()


def test_a_header_of_another_camera_costs_its_own_values_only(comCam, keys):
    header = dict.fromkeys(keys, 5.0)
    reference = readHeaders([Handle(0, header), Handle(77, header)], comCam.camera)
    assert reference.detector.tolist() == [0] * 16


@pytest.mark.parametrize(("gainsApplied", "n_wrong", "other"), [(True, 2, "adu"), (False, 1, "electron")])
def test_unit_of_a_header_that_contradicts_the_configuration_is_said_once(
    comCam, keys, caplog, gainsApplied, n_wrong, other
):
    nominal = dict.fromkeys(keys, 5.0)
    units = [{"LSST ISR UNITS": unit} for unit in ("adu", "electron", "adu")]
    handles = [Handle(i, nominal | unit) for i, unit in enumerate([*units, {}])]
    reference = readHeaders(handles, comCam.camera, gainsApplied=gainsApplied)
    assert len(reference.readNoise) == 64
    (record,) = caplog.records
    assert f"gainsApplied is {gainsApplied}; but the headers of {n_wrong} verified" in record.getMessage()
    assert f"'detector': {0 if other == 'adu' else 1}}} in {other}. " in record.getMessage()
    caplog.clear()
    readHeaders(handles[3:], comCam.camera, gainsApplied=gainsApplied)
    assert not caplog.records


@pytest.mark.parametrize("value", ["none", None, [1.0], 10**400])
def test_header_value_that_is_no_number_is_unknown_and_an_absent_one_the_cameras(comCam, keys, value):
    header = dict.fromkeys(keys[1:], 6.0) | {keys[2]: value}
    reference = readHeaders([Handle(2, header)], comCam.camera)
    layout = cameraLayout(comCam.camera)
    index = np.flatnonzero(layout.detectorId[layout.ampDetector] == 2)
    matched = reference.match(np.full(16, EXPOSURE), index, layout)
    nominal = layout.ampReadNoise[index[0]]
    assert_array_equal(matched.readNoise, [nominal, 6.0, np.nan] + [6.0] * 13)
    assert matched.source.tolist() == ["camera"] + ["header"] * 15
    assert_array_equal(matched.gain, layout.ampGain[index])


class TableHandle:
    """A handle of an amplifier table that is given."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, *, component: str = "", parameters: dict[str, list[str]] | None = None) -> object:
        if component == "columns":
            return self._table.colnames
        return self._table[parameters["columns"]]


def test_a_bad_amplifier_table_costs_its_own_values_only(comCam):
    layout = cameraLayout(comCam.camera)
    good = Table(
        {
            "exposure": [EXPOSURE] * 3,
            "detector": [0] * 3,
            "amplifier": layout.ampName[:3],
            "readNoise": [5.5, np.nan, 7.0],
            "gain": [1.5] * 3,
            "readNoiseSource": ["header", "header", "camera"],
        }
    )
    strange = good.copy()
    strange["amplifier"][1] = "X99"
    lacking = good.copy()
    lacking.remove_column("gain")
    handles = [TableHandle(table) for table in (strange, good, lacking)]
    reference = readAmpSummaries(handles, comCam.camera)
    matched = reference.match(np.full(3, EXPOSURE), np.arange(3), layout)
    assert_array_equal(matched.readNoise, [5.5, np.nan, layout.ampReadNoise[2]])
    assert matched.source.tolist() == ["header", "header", "camera"]


@pytest.mark.parametrize("hidden", ["exposure", "detector", "amplifier"])
def test_rows_of_a_table_that_are_of_no_amplifier_cost_themselves_only(comCam, hidden):
    layout = cameraLayout(comCam.camera)
    columns = {
        "exposure": [EXPOSURE] * 4,
        "detector": [0] * 4,
        "amplifier": layout.ampName[[0, 1, 2, 0]],
        "readNoise": [5.5, 6.5, 7.5, 99.0],
        "gain": [1.5] * 4,
        "readNoiseSource": ["header"] * 4,
    }
    table = Table(columns, masked=True)
    table[hidden].mask = [False, False, False, True]
    table["readNoiseSource"].mask = [False, True, False, False]
    reference = readAmpSummaries([TableHandle(table)], comCam.camera)
    matched = reference.match(np.full(3, EXPOSURE), np.arange(3), layout)
    assert_array_equal(matched.readNoise, [5.5, layout.ampReadNoise[1], 7.5])
    assert matched.source.tolist() == ["header", "camera", "header"]


def test_a_wrong_part_of_a_stored_table_costs_itself(makeTable, monkeypatch):
    camera = LsstComCam().getCamera()
    table = vstack([makeTable(detector, 1) for detector in camera])
    table["amplifier"][20] = "C99"
    config = AmpAnalysisExposureTask.ConfigClass()
    config.connections.outputName = "stored"
    addTools(config, "bias", "exposure")
    config.freeze()
    task = AmpAnalysisExposureTask(config=config)
    data, arguments = task.encode(table, camera=camera, plotInfo={"run": "u/me"})
    assert len(data["ampTable"]) == 8 * 16
    assert arguments["plotInfo"]["leftOut"].keys() == {"exposure 1 detector 1"}
    monkeypatch.setattr("lsst.analysis.tools.interfaces.AnalysisPipelineTask.runQuantum", lambda *_: None)
    with pytest.raises(AnnotatedPartialOutputsError) as caught:
        task.runQuantum(None, None, None)
    assert "C99" in str(caught.value.__cause__)
