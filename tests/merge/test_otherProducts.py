# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Merges of products unlike those of the catalogue: rows of detectors and exposures, visits, no verdicts."""

from __future__ import annotations

import importlib.resources
import logging
import shutil
from typing import Any

import numpy as np
import pytest

from lsst.analysis.cp.actions.metric import DetectorMetrics, FailureMetric
from lsst.analysis.cp.atools import AmpFailureTool, addTools, addTrendTools
from lsst.analysis.cp.catalogue import getProduct, products
from lsst.analysis.cp.tasks import MetricTrendTask
from lsst.analysis.cp.tasks.merge import (
    CalibMergeAnalysisTask,
    ExpMergeAnalysisTask,
    VisitExpMergeAnalysisTask,
)
from lsst.analysis.cp.tasks.runner import ToolRunner
from lsst.daf.butler.formatters.parquet import arrow_to_astropy, astropy_to_arrow
from lsst.obs.lsst import LsstComCam

PRODUCTS = {
    "ofDetectors": """
product: ofDetectors
prefix: D
title: Of detectors
epoch: none
notRead: {D_OTHER: It is never filled.}
tests:
  FEW: {row: detector, statistic: N, verify: D_VERIFY_FEW, label: Number, plotted: true, description: F.}
""",
    "ofExposures": """
product: ofExposures
prefix: E
title: Of exposures
tests:
  NOISE: {statistic: NOISE, verify: E_VERIFY_NOISE, label: Noise, plotted: true, description: N.}
  SCATTER: {row: exposure, statistic: SCATTER, verify: E_VERIFY_SCATTER, label: Scatter, plotted: true,
    description: S.}
""",
    "ofVisits": """
product: ofVisits
prefix: V
title: Of visits
epoch: visit
tests:
  LOW: {statistic: LOW, verify: computed, label: Low, quantity: LOW, operator: "<", threshold: 2.5,
    description: L.}
""",
    "stored": """
product: stored
prefix: S
title: Stored
statistics:
  MEAN: {unit: electron, label: Mean, description: M.}
""",
}


@pytest.fixture(autouse=True)
def catalogue(tmp_path, monkeypatch):
    """Add the products of this file to those of the catalogue."""
    files = importlib.resources.files
    own = tmp_path / "catalogue"
    shutil.copytree(str(files("lsst.analysis.cp.catalogue")), own)
    for name, text in PRODUCTS.items():
        (own / f"{name}.yaml").write_text(text)
    monkeypatch.setattr(
        importlib.resources, "files", lambda name: own if name.endswith("cp.catalogue") else files(name)
    )
    for function in (products, getProduct):
        function.cache_clear()
    yield
    for function in (products, getProduct):
        function.cache_clear()


@pytest.fixture(scope="module")
def comCamera():
    """Get LSSTComCam."""
    return LsstComCam().getCamera()


def analyze(task, product: str, level: str, columns: dict[str, Any], camera, **known):
    """Analyze a table; return the outputs, the values of the metrics, and what failed."""
    config = task.ConfigClass()
    config.connections.outputName = "cpOther"
    addTools(config, product, level)
    config.freeze()
    config.validate()
    runner = ToolRunner(logging.getLogger(__name__), {"tableName": "results", "run": "run"})
    outputs = task(config=config).analyze(columns, runner, camera=camera, **known)
    values = {
        name: {str(m.metric_name): float(m.quantity.value) for m in measurements}
        for name, measurements in outputs.metrics.items()
    }
    return outputs, values, runner.failures


def ampRows(camera, exposures) -> dict[str, Any]:
    """Name all amplifiers of some exposures."""
    keys = [(e, d.getId(), a.getName()) for e in exposures for d in camera for a in d.getAmplifiers()]
    columns = zip(*keys, strict=True)
    return dict(zip(("exposure", "detector", "amplifier"), map(np.array, columns), strict=True))


def detectorRows(camera) -> dict[str, Any]:
    """Make results of detectors, of which one failed."""
    n = len(camera)
    return {
        "detector": np.array([detector.getId() for detector in camera]),
        "amplifier": np.array(["detector"] * n),
        "D_N": np.arange(n),
        "D_VERIFY_FEW": np.arange(n) != 3,
    }


def test_product_of_detectors_has_its_metrics_and_its_map(comCamera):
    rows = detectorRows(comCamera)
    outputs, values, failures = analyze(CalibMergeAnalysisTask, "ofDetectors", "run", rows, comCamera)
    assert failures == {}
    assert values["ofDetectorsFew"]["nFailed"] == 1
    expected = {
        "nAmps": 0,
        "nAmpsFailed": 0,
        "nAmpsSuspicious": 0,
        "nDetectorsGood": 8,
        "nDetectorsFailed": 1,
    }
    assert values["ofDetectorsFailures"] == expected | {"nDetectorsUnknown": 0}
    figures = [name for name in vars(outputs) if name.startswith("cpOther_")]
    assert sorted(figures) == [
        "cpOther_ofDetectorsFailureTable_FailureTablePlot",
        "cpOther_ofDetectorsFew_FocalPlaneGeometryPlot",
    ]


def test_tables_name_the_values_that_are_left_out(comCamera):
    products = {"ofDetectors": detectorRows(comCamera), "stored": ampRows(comCamera, [1])}
    products["stored"]["S_MEAN"] = np.ones(len(products["stored"]["detector"]))
    tasks = {"ofDetectors": (CalibMergeAnalysisTask, "run"), "stored": (ExpMergeAnalysisTask, "exposure")}
    for product, rows in products.items():
        task, level = tasks[product]
        outputs, _, _ = analyze(task, product, level, rows, comCamera)
        for name in ("detectorSummary", "ampSummary", "culprits"):
            stored = arrow_to_astropy(astropy_to_arrow(getattr(outputs, name)))
            expected = {"D_OTHER": "It is never filled."} if product == "ofDetectors" else {}
            assert stored.meta["notRead"] == expected, (product, name)


def test_failures_of_one_detector_without_rows_of_amplifiers(comCamera):
    tool = AmpFailureTool()
    tool.product, tool.level, tool.epoch = "ofDetectors", "detector", "none"
    tool.finalize()
    assert isinstance(tool.produce.metric, FailureMetric)
    rows = {name: values[3:4] for name, values in detectorRows(comCamera).items()}
    encoded = tool.process(tool.prep(rows, camera=comCamera))
    assert encoded["flags"].shape == (0, 0)
    found = {name: value.quantity.value for name, value in tool.produce.metric(encoded).items()}
    assert (found["nDetectorsGood"], found["nDetectorsFailed"], found["nDetectorsUnknown"]) == (0, 1, 0)


def test_metrics_of_detectors_are_of_the_product_of_the_results(comCamera):
    tool = AmpFailureTool()
    tool.product, tool.epoch = "ofDetectors", "none"
    tool.finalize()
    with pytest.raises(ValueError, match="results of ofDetectors, expected those of bias"):
        DetectorMetrics()(tool.prep(detectorRows(comCamera), camera=comCamera))


def test_product_without_verdicts_has_no_failures(comCamera):
    rows = ampRows(comCamera, [1])
    rows["S_MEAN"] = np.ones(len(rows["detector"]))
    _, values, failures = analyze(ExpMergeAnalysisTask, "stored", "exposure", rows, comCamera)
    assert failures == {}
    assert values.keys() == {"storedMean"}


def exposureRows(camera, *, isMasked: bool) -> dict[str, Any]:
    """Make results of amplifiers and of their exposure, of which the latter may have none."""
    rows = ampRows(camera, [1])
    n = len(rows["detector"])
    of_exposure = np.arange(n + 1) == n
    columns: dict[str, Any] = {name: np.append(values, values[:1]) for name, values in rows.items()}
    for name in ("detector", "amplifier"):
        columns[name] = np.ma.masked_array(columns[name], mask=of_exposure)
    for test in ("NOISE", "SCATTER"):
        mask = of_exposure if test == "NOISE" else ~of_exposure | isMasked
        columns[f"E_{test}"] = np.ma.masked_array(np.ones(n + 1), mask=mask)
        columns[f"E_VERIFY_{test}"] = np.ma.masked_array(np.ones(n + 1, bool), mask=mask)
    return columns


def test_exposure_has_metrics_and_no_map(comCamera):
    rows = exposureRows(comCamera, isMasked=False)
    outputs, values, failures = analyze(ExpMergeAnalysisTask, "ofExposures", "exposure", rows, comCamera)
    assert failures == {}
    assert values["ofExposuresScatter"]["nValid"] == 1
    assert not hasattr(outputs, "cpOther_ofExposuresScatter_FocalPlaneGeometryPlot")


def test_exposure_without_results_costs_nothing_else(comCamera):
    rows = exposureRows(comCamera, isMasked=True)
    outputs, values, failures = analyze(ExpMergeAnalysisTask, "ofExposures", "exposure", rows, comCamera)
    assert failures == {}
    assert values["ofExposuresNoise"]["nValid"] == 144
    assert (values["ofExposuresScatter"]["nValid"], values["ofExposuresScatter"]["nTested"]) == (0, 0)
    (culprit,) = outputs.culprits
    assert (culprit["test"], culprit["status"]) == ("SCATTER", "unknown")
    assert "has no value (NaN or masked)" in culprit["reason"]


@pytest.mark.parametrize(("by", "expected"), [("detector", ["Noise"]), ("all", ["Noise", "Scatter"])])
def test_exposures_have_no_history_by_detector(by, expected):
    config = MetricTrendTask.ConfigClass()
    addTrendTools(config, "ofExposures", by=by)
    assert list(dict.fromkeys(tool.test.capitalize() for tool in config.atools)) == expected


def test_exposures_of_a_visit_are_pooled_but_for_their_detectors(comCamera):
    rows = ampRows(comCamera, [1, 2])
    rows["V_LOW"] = rows["exposure"] + rows["detector"] % 2
    detectors = [(exposure, detector.getId()) for exposure in (1, 2) for detector in comCamera]
    outputs, values, failures = analyze(
        VisitExpMergeAnalysisTask, "ofVisits", "exposure", rows, comCamera, detectors=detectors
    )
    assert failures == {}
    expected = {"min": 1, "median": 2, "max": 3, "nAmps": 288, "nFailed": 64, "nDetectorsFailed": 4}
    assert {name: values["ofVisitsLow"][name] for name in expected} == expected
    for (exposure, detector), bundle in zip(detectors, outputs.detectorMetrics, strict=True):
        found = {str(m.metric_name): m.quantity.value for m in bundle["ofVisitsLow"]}
        value = exposure + detector % 2
        expected = {"min": value, "max": value, "nAmps": 16, "nFailed": 16 * (value > 2)}
        assert {name: found[name] for name in expected} == expected
