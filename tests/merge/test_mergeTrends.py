# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The metrics that a merge leaves are read as one history, from bundles or from tables."""

import numpy as np
import pyarrow.compute as pc
import pytest
from pipelineRuns import runPipeline

from lsst.analysis.cp.atools import addTrendTools
from lsst.analysis.cp.metrics import readButler, toArray
from lsst.analysis.cp.tasks.history import MetricTrendConfig, MetricTrendTask
from lsst.analysis.cp.tasks.merge import (
    CalibMergeAnalysisTask,
    ExpMergeAnalysisTask,
    VisitExpMergeAnalysisTask,
)
from lsst.analysis.tools.interfaces import NoPlot
from lsst.pipe.base import PipelineGraph

EXPOSURES = (2026010100001, 2026010100002)


@pytest.fixture(scope="module")
def merged(comCam, addMerge):
    """Merge the detectors of two exposures, of which the second lacks detector 3."""
    graph = PipelineGraph()
    addMerge(graph, "trendMerge", ExpMergeAnalysisTask, "verifyBiasDet", "trendMergeOut")
    return comCam.run(graph)


@pytest.fixture(scope="module")
def table(merged, comCam):
    """Read the detector summary tables."""
    names = "cpTrendMerge_detectorSummary"
    return readButler(merged, merged.collections.defaults, datasetTypes=names, product="bias")


def test_tables_hold_the_metrics_of_detectors(merged, comCam, table):
    collections = merged.collections.defaults
    bundles = readButler(merged, collections, datasetTypes="cpTrendMergeDet_metrics", camera=comCam.camera)
    missing = (toArray(table["detector"]) == 3) & (toArray(table["exposure"]) == EXPOSURES[1])
    assert missing.any()
    found = table.filter(~missing)
    for name in bundles.column_names:
        column, other = toArray(bundles[name]), toArray(found[name])
        np.testing.assert_array_equal(np.ma.getmaskarray(column), np.ma.getmaskarray(other), name)
        np.testing.assert_array_equal(np.ma.getdata(column), np.ma.getdata(other), name)


def test_a_missing_detector_has_no_values(table):
    rows = (toArray(table["detector"]) == 3) & (toArray(table["exposure"]) == EXPOSURES[1])
    medians = table.filter(rows & (toArray(table["measurement"]) == "median"))
    assert set(medians["nValid"].to_pylist()) == {0}
    assert np.isnan(medians["value"]).all()


def test_verdicts_are_those_of_the_tables(merged, table):
    """What the summary calls good has passed, and what it calls failed has not."""
    for exposure in EXPOSURES:
        summary = merged.get("cpTrendMerge_detectorSummary", exposure=exposure)
        own = table.filter(
            (pc.field("metric") == "biasNoise")
            & (pc.field("measurement") == "nFailed")
            & (pc.field("exposure") == exposure)
        )
        assert own["detector"].to_pylist() == summary["detector"].tolist()
        assert own["passed"].to_pylist() == summary["NOISE_status"].tolist()


def gatherTrend(repository, collections, inputName, *inputDimensions):
    """Run the task that gathers histories of the noise, over some collections."""
    config = MetricTrendConfig()
    config.inputDimensions = list(inputDimensions)
    config.doReadBundles = True
    config.connections.inputOutputName = inputName
    config.connections.outputName = f"{inputName}Trend"
    for by in ("detector", "all"):
        addTrendTools(config, "bias", by=by, tests=["NOISE"])
    for tool in config.atools:
        tool.produce.plot = NoPlot
    graph = PipelineGraph()
    graph.add_task(f"{inputName}Trend", MetricTrendTask, config)
    output = f"{inputName}History"
    where = f"instrument='{repository.instrument.getName()}'"
    runPipeline(repository.root, graph, collections, output, where)
    found = repository.open(output)
    metrics = {
        tool: {str(m.metric_name): m.quantity.value for m in measured}
        for tool, measured in found.get(f"{inputName}Trend_metrics").items()
    }
    return found.get(f"{inputName}Trend_trend"), metrics


def test_visits_are_the_epochs_of_a_history(comCam, addMerge):
    graph = PipelineGraph()
    addMerge(graph, "biasVisits", VisitExpMergeAnalysisTask, "verifyBiasDet", "v", hasMatrixCatalog=False)
    merged = comCam.run(graph)
    table, metrics = gatherTrend(comCam, merged.collections.defaults, "cpBiasVisits", "instrument", "visit")
    assert set(table["exposure"].tolist()) == set(EXPOSURES)
    assert set(table["level"].tolist()) == {"detector", "exposure"}
    summary = merged.get("cpBiasVisits_detectorSummary", visit=EXPOSURES[0])
    rows = table[(table["exposure"] == EXPOSURES[0]) & (table["level"] == "detector")]
    medians = rows[rows["measurement"] == "median"]
    np.testing.assert_array_equal(medians["value"], summary["NOISE_median"])
    assert (metrics["biasNoiseByDetector"]["nSeries"], metrics["biasNoiseByDetector"]["nEpochs"]) == (9, 2)
    assert (metrics["biasNoise"]["nSeries"], metrics["biasNoise"]["nValid"]) == (1, 2)


def test_runs_are_the_epochs_of_a_calibration_without_exposures(comCam, addMerge):
    """The metrics of each run have the same data ID, and an ordinary input would be that of one run."""
    runs = []
    for _ in range(2):
        graph = PipelineGraph()
        addMerge(graph, "biasCalibs", CalibMergeAnalysisTask, "calib", "c", mergeDimension="detector")
        runs += comCam.run(graph).collections.defaults
    table, metrics = gatherTrend(comCam, runs, "cpBiasCalibs", "instrument")
    assert set(table["level"].tolist()) == {"runDetector", "run"}
    assert len(set(table["run"].tolist())) == len(set(table["mjd"].tolist())) == 2
    for tool, n_series in (("biasNoiseByDetector", 9), ("biasNoise", 1)):
        assert (metrics[tool]["nSeries"], metrics[tool]["nEpochs"]) == (n_series, 2)
        assert metrics[tool]["nValid"] == 2 * n_series
