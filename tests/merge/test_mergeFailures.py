# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What fails in the analysis never costs the merge."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table, vstack
from pipelineRuns import executePipeline

from lsst.analysis.cp.atools import addTools
from lsst.analysis.cp.tasks import ToolFailuresError, ToolRunner, putOutputs
from lsst.analysis.cp.tasks.merge import ExpMergeAnalysisTask, RunMergeAnalysisTask
from lsst.analysis.tools.interfaces import AnalysisTool, NoPlot
from lsst.obs.lsst import Latiss, LsstComCam
from lsst.pex.config import FieldValidationError
from lsst.pipe.base import PipelineGraph, Struct

EXPOSURE = 2026010100001

PIPELINE = """
description: Merges, the first with a tool that raises.
tasks:
  biasExp:
    class: lsst.analysis.cp.tasks.ExpMergeAnalysisTask
    config:
      connections.inputStats: verifyBiasDetStats
      connections.inputResults: verifyBiasDetResults
      connections.outputStats: brokenExpStats
      connections.outputResults: brokenExpResults
      connections.outputName: brokenExp
      python: |
        from lsst.analysis.cp.atools import AmpTestTool
        config.atools.broken = AmpTestTool
        from lsst.analysis.tools.interfaces import BasePrep, NoPlot
        config.atools.broken.prep = BasePrep
        config.atools.broken.produce.plot = NoPlot
        config.atools.broken.prep.keysToLoad = ["NO_SUCH_COLUMN"]
  biasRun:
    class: lsst.analysis.cp.tasks.RunMergeAnalysisTask
    config:
      connections.inputStats: brokenExpStats
      connections.inputResults: brokenExpResults
      connections.outputStats: brokenStats
      connections.outputResults: brokenResults
      connections.inputOutputName: brokenExp
      connections.outputName: brokenRun
"""


class BandlessTool(AnalysisTool):
    """A tool that raises if its column is not there."""

    parameterizedBand: bool = False


def addBrokenTool(struct) -> None:
    """Add a tool that asks for a column that nobody has."""
    struct.broken = BandlessTool
    struct.broken.prep.keysToLoad = ["NO_SUCH_COLUMN"]
    struct.broken.produce.metric.units = {"NO_SUCH_COLUMN": "electron"}


@pytest.fixture(scope="module")
def latiss(makeRepository):
    repository = makeRepository(Latiss, (EXPOSURE,))
    repository.putDetectors()
    return repository


def makeGraph(addMerge, break_, **fields) -> PipelineGraph:
    """Make a pipeline of two merges, the first with a broken tool."""
    graph = PipelineGraph()
    addMerge(graph, "biasExp", ExpMergeAnalysisTask, "verifyBiasDet", "verifyBiasExp", **fields)
    addMerge(graph, "biasRun", RunMergeAnalysisTask, "verifyBiasExp", "verifyBias")
    config = graph.tasks["biasExp"].config.copy()
    break_(config)
    graph.reconfigure_tasks(biasExp=config)
    return graph


def test_run_merge_follows_failed_tool(latiss, addMerge):
    graph = makeGraph(addMerge, lambda config: addBrokenTool(config.atools))
    butler = latiss.run(graph)
    assert butler.exists("verifyBiasResults")
    assert "biasNoise" in butler.get("cpBiasExp_metrics", exposure=EXPOSURE)
    assert "biasNoise" in butler.get("cpBiasExpDet_metrics", exposure=EXPOSURE, detector=0)
    failures = butler.get("biasExp_metadata", exposure=EXPOSURE)["biasExp"]["toolFailures"].to_dict()
    assert list(failures) == ["broken"]
    assert "NO_SUCH_COLUMN" in failures["broken"]


def test_failure_is_raised_if_wanted(latiss, addMerge):
    graph = makeGraph(addMerge, lambda config: addBrokenTool(config.atools), raiseOnToolFailure=True)
    executor = latiss.prepare(graph)
    expected = r"1 analysis tool\(s\) failed: broken: .*NO_SUCH_COLUMN"
    with pytest.raises(ToolFailuresError, match=expected) as caught:
        executePipeline(executor)
    # Where this is not expected, the error of a fixture says what failed.
    (note,) = caught.value.__notes__
    assert f"of biasExp, biasRun, which writes run{latiss.runs}/" in note
    assert "Tool broken failed" in note
    butler = latiss.open(f"run{latiss.runs}")
    assert butler.exists("verifyBiasExpResults", exposure=EXPOSURE)
    assert "biasNoise" in butler.get("cpBiasExp_metrics", exposure=EXPOSURE)


def test_failure_under_pipetask(latiss, tmp_path):
    pipeline = tmp_path / "broken.yaml"
    pipeline.write_text(PIPELINE)
    command = "from lsst.ctrl.mpexec.cli.pipetask import main; main()"
    options = ["-b", str(latiss.root), "-p", str(pipeline), "-i", "inputs,camera/calib", "-o", "pipetask"]
    finished = subprocess.run(
        [sys.executable, "-c", command, "run", *options, "--register-dataset-types"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    assert "Tool broken failed; the other outputs are not affected." in finished.stderr
    assert "Traceback" in finished.stderr
    assert latiss.open("pipetask").exists("brokenResults")


def test_tool_for_each_band_is_refused():
    config = ExpMergeAnalysisTask.ConfigClass()
    config.atools.banded = AnalysisTool
    with pytest.raises(FieldValidationError, match="'banded' is run for each band"):
        config.validate()


@pytest.fixture(scope="module")
def comCamera():
    return LsstComCam().getCamera()


@pytest.fixture(scope="module")
def goodTable(comCamera, makeTable) -> Table:
    return vstack([makeTable(detector, EXPOSURE) for detector in comCamera])


@pytest.fixture(scope="module")
def analyze(comCamera):
    """Analyse a table without a repository; return the outputs and the failures."""
    config = ExpMergeAnalysisTask.ConfigClass()
    addTools(config, "bias", "exposure")
    for tool in config.atools:
        tool.produce.plot = NoPlot
    config.freeze()
    task = ExpMergeAnalysisTask(config=config)

    def run(table):
        runner = ToolRunner(task.log, {})
        detectors = [(EXPOSURE, detector.getId()) for detector in comCamera]
        columns = dict(table.columns)
        outputs = task.analyze(columns, runner, camera=comCamera, exposures=[EXPOSURE], detectors=detectors)
        return outputs, runner.failures

    return run


def test_columns_are_kept_for_tools_that_take_them(comCamera, goodTable, monkeypatch):
    config = ExpMergeAnalysisTask.ConfigClass()
    addTools(config, "bias", "exposure")
    config.atools.other = BandlessTool
    config.atools.other.prep.keysToLoad = ["BIAS_NOISE"]
    given: list[set[str]] = []

    def record(config, data, runner, **kwargs) -> Struct:
        given.append(set(data))
        return Struct()

    monkeypatch.setattr("lsst.analysis.cp.tasks.merge.analysis.runTools", record)
    task = ExpMergeAnalysisTask(config=config)
    for table in (goodTable, goodTable[["detector", "BIAS_NOISE"]]):
        task.analyze(table.columns, ToolRunner(task.log, {}), camera=comCamera, exposures=[EXPOSURE])
    # What cannot be encoded together is all there is for the tools.
    assert given == [{"ampTable", "BIAS_NOISE"}, {"detector", "BIAS_NOISE"}]


def getValues(outputs, tool: str) -> dict[str, float]:
    """Get the values of one tool of the exposure."""
    return {str(m.metric_name): m.quantity.value for m in outputs.metrics[tool]}


def test_missing_required_column(analyze, goodTable):
    table = goodTable.copy()
    table.remove_column("BIAS_CR_NOISE")
    outputs, failures = analyze(table)
    assert "lacks required column(s) BIAS_CR_NOISE" in failures["biasCrNoise"]
    assert "lacks required column(s) BIAS_CR_NOISE" in failures["reduction"]
    assert getValues(outputs, "biasNoise")["nAmps"] == 144


def test_missing_conditional_column(analyze, goodTable, caplog):
    table = goodTable.copy()
    table.remove_column("BIAS_VERIFY_READ_NOISE_CONSISTENT")
    outputs, failures = analyze(table)
    assert not failures
    [record] = [record for record in caplog.records if "columns are absent" in record.getMessage()]
    assert "READ_NOISE_CONSISTENT (BIAS_VERIFY_READ_NOISE_CONSISTENT)" in record.getMessage()
    values = getValues(outputs, "biasReadNoiseConsistent")
    assert (values["nAmps"], values["nTested"], values["nFailed"]) == (144, 0, 0)


def changeAmplifier(table: Table) -> Table:
    table["amplifier"][20] = "C99"
    return table


def changeDetector(table: Table) -> Table:
    table["detector"][20] = 77
    return table


def repeatRow(table: Table) -> Table:
    return vstack([table, table[20:21]])


@pytest.mark.parametrize(
    ("change", "names", "message"),
    [
        (changeAmplifier, {1}, "amplifier 'C99' of detector 1 (R22_S01) is not in the camera"),
        (changeDetector, {77}, "detector(s) 77 are not in the camera"),
        (repeatRow, {1}, "have more than one row"),
    ],
)
def test_wrong_table_costs_itself(analyze, goodTable, change, names, message):
    table = change(goodTable.copy())
    outputs, failures = analyze(table)
    assert failures.keys() == {f"exposure {EXPOSURE} detector {name}" for name in names}
    assert all(message in reason for reason in failures.values())
    good = table[~np.isin(table["detector"], list(names))]
    values = getValues(outputs, "biasNoise")
    assert values["nAmps"] == len(good)
    assert values["nAmpsMissing"] == 144 - len(good)
    assert values["median"] == pytest.approx(np.nanmedian(good["BIAS_NOISE"]), rel=1e-12)
    assert set(outputs.detectorSummary["detector"]) == set(range(9))


def test_many_outputs_are_written_each_before_the_next_is_made():
    events = []

    def make():
        for number in (1, 2):
            events.append(f"make {number}")
            yield number

    context = SimpleNamespace(put=lambda value, ref: events.append(f"put {value} as {ref}"))
    refs = [("bundles", ["first", "second"]), ("absent", ["third"])]
    putOutputs(context, Struct(bundles=make()), refs, ToolRunner(None, {}))
    assert events == ["make 1", "put 1 as first", "make 2", "put 2 as second"]


def test_empty_table(analyze, goodTable):
    outputs, failures = analyze(goodTable[:0])
    assert not failures
    values = getValues(outputs, "biasNoise")
    assert (values["nAmps"], values["nDetectorsMissing"], values["nAmpsMissing"]) == (0, 9, 144)
    assert np.isnan(values["median"])
    assert len(list(outputs.detectorMetrics)) == 9


def test_table_of_nothing(analyze):
    outputs, failures = analyze(Table())
    assert "lacks required column(s) exposure" in failures["reduction"]
    assert len(outputs.metrics) == 0


def test_all_nan(analyze, goodTable):
    table = goodTable.copy()
    table["BIAS_NOISE"] = np.nan
    outputs, failures = analyze(table)
    assert not failures
    values = getValues(outputs, "biasNoise")
    assert (values["nAmps"], values["nValid"]) == (144, 0)
    assert np.isnan(values["max"])


def test_masked_rows_of_other_levels(analyze, goodTable):
    row = Table({"exposure": [EXPOSURE], "detector": [0], "BIAS_NOISE": [1e6]})
    outputs, failures = analyze(vstack([goodTable, row]))
    assert not failures
    assert getValues(outputs, "biasNoise")["nAmps"] == 144
    assert getValues(outputs, "biasNoise")["max"] < 100


def test_masked_flags_are_untested(analyze, goodTable):
    table = goodTable.copy()
    mask = np.arange(len(table)) < 10
    table["BIAS_VERIFY_NOISE"] = MaskedColumn(np.zeros(len(table), bool), mask=mask)
    values = getValues(analyze(table)[0], "biasNoise")
    assert (values["nTested"], values["nFailed"]) == (134, 134)


@pytest.mark.parametrize("dtype", [object, np.int64, np.float64])
def test_types_of_flags(analyze, goodTable, dtype):
    table = goodTable.copy()
    table["BIAS_VERIFY_NOISE"] = np.asarray(table["BIAS_VERIFY_NOISE"]).astype(dtype)
    expected = getValues(analyze(goodTable)[0], "biasNoise")["nFailed"]
    assert getValues(analyze(table)[0], "biasNoise")["nFailed"] == expected


def test_bytes_as_names(analyze, goodTable):
    table = goodTable.copy()
    table["amplifier"] = np.asarray(table["amplifier"]).astype("S3")
    outputs, failures = analyze(table)
    assert not failures
    assert getValues(outputs, "biasNoise")["nAmps"] == 144


def test_bundle_of_detector_without_results(analyze, goodTable):
    outputs, failures = analyze(goodTable[goodTable["detector"] != 5])
    assert not failures
    bundle = list(outputs.detectorMetrics)[5]
    assert {str(m.metric_name): m.quantity.value for m in bundle["biasNoise"]}["nAmps"] == 0
