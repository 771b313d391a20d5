# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The numbers of the bundles against a plain computation from the stored tables."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict

import pytest

from lsst.analysis.cp.tasks.merge import ExpMergeAnalysisTask, RunMergeAnalysisTask
from lsst.daf.butler import QuantumBackedButler
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam
from lsst.pipe.base import PipelineGraph, TaskFactory
from lsst.pipe.base.single_quantum_executor import SingleQuantumExecutor

EXPOSURES = (2026010100001, 2026010100002)
QUANTITIES = {
    "biasMean": lambda row: abs(row["BIAS_MEAN"]) / row["BIAS_NOISE"],
    "biasNoise": lambda row: (row["BIAS_NOISE"] - row["RN"]) / row["RN"],
    "biasCrNoise": lambda row: abs(row["BIAS_NOISE"] - row["BIAS_CR_NOISE"]) / row["BIAS_CR_NOISE"],
    "biasReadNoiseConsistent": lambda row: (row["GAIN"] * row["BIAS_READ_NOISE_ADU"] - row["RN"]) / row["RN"],
}
STATISTICS = {
    "biasMean": "BIAS_MEAN",
    "biasNoise": "BIAS_NOISE",
    "biasCrNoise": "BIAS_CR_NOISE",
    "biasReadNoiseConsistent": "BIAS_READ_NOISE_ADU",
    "biasAmpCorner": "BIAS_AMP_CORNER",
    "biasShiftCount": "BIAS_BIAS_SHIFT_COUNT",
}
FLAGS = {
    "biasMean": "BIAS_VERIFY_MEAN",
    "biasNoise": "BIAS_VERIFY_NOISE",
    "biasCrNoise": "BIAS_VERIFY_CR_NOISE",
    "biasReadNoiseConsistent": "BIAS_VERIFY_READ_NOISE_CONSISTENT",
    "biasSuccess": "BIAS_VERIFY_SUCCESS",
}
UNITS = {"biasMean": "electron", "biasReadNoiseConsistent": "adu", "biasShiftCount": ""}


def readRows(butler, camera, exposures):
    """Read the rows of the stored tables as dictionaries, with the camera's read noise and gain."""
    rows = []
    for exposure in exposures:
        table = butler.get("verifyBiasExpResults", exposure=exposure)
        scalars = [name for name in table.colnames if table[name].ndim == 1]
        for row in table[scalars]:
            amp = camera[int(row["detector"])][row["amplifier"]]
            values = {name: row[name].item() for name in scalars}
            rows.append(values | {"RN": amp.getReadNoise(), "GAIN": amp.getGain()})
    return rows


def reduce(values, names):
    """Get minimum, median and maximum of the finite values."""
    finite = [value for value in values if math.isfinite(value)]
    reduced = (min(finite), statistics.median(finite), max(finite)) if finite else (math.nan,) * 3
    return dict(zip(names, reduced, strict=True)), len(finite)


def expect(rows, tool):
    """Compute what a tool measures on some rows, but for the counts of detectors and exposures."""
    expected = {"nAmps": len(rows)}
    if tool in STATISTICS:
        values = [row[STATISTICS[tool]] for row in rows]
        reduced, expected["nValid"] = reduce(values, ("min", "median", "max"))
        expected |= reduced
    if tool in QUANTITIES:
        names = ("quantityMin", "quantityMedian", "quantityMax")
        expected |= reduce([QUANTITIES[tool](row) for row in rows], names)[0]
    if tool in FLAGS:
        expected |= {"nTested": len(rows), "nFailed": sum(not row[FLAGS[tool]] for row in rows)}
    return expected


def assertMeasured(bundle, rows, tools, **counts):
    """Compare a bundle: exact for counts, to rounding for statistics."""
    for tool in tools:
        measured = {str(m.metric_name): m.quantity.value for m in bundle[tool]}
        expected = expect(rows, tool) | counts
        for name, value in expected.items():
            if name.startswith("n"):
                assert measured[name] == value, (tool, name)
            else:
                assert measured[name] == pytest.approx(value, rel=1e-12, abs=1e-14, nan_ok=True), (tool, name)


TOOLS = sorted(STATISTICS.keys() | FLAGS.keys())


@pytest.fixture(scope="module", params=[Latiss, LsstComCam], ids=["LATISS", "LSSTComCam"])
def merged(request, makeRepository, addMerge):
    """Merge exposures and run of a small camera; one detector is missing in one exposure of LSSTComCam."""
    repository = makeRepository(request.param, EXPOSURES)
    skipped = (EXPOSURES[1], 4)
    repository.putDetectors(skip=lambda exposure, detector: (exposure, detector) == skipped)
    graph = PipelineGraph()
    addMerge(graph, "biasExp", ExpMergeAnalysisTask, "verifyBiasDet", "verifyBiasExp")
    addMerge(graph, "biasRun", RunMergeAnalysisTask, "verifyBiasExp", "verifyBias", mergeDimension="exposure")
    return repository, repository.run(graph)


def test_detectorsOfExposures(merged):
    repository, butler = merged
    rows = readRows(butler, repository.camera, EXPOSURES)
    groups = defaultdict(list)
    for row in rows:
        groups[row["exposure"], row["detector"]].append(row)
    assert len(groups) == 2 * len(repository.camera) - (len(repository.camera) > 1)
    for (exposure, detector), part in groups.items():
        bundle = butler.get("cpBiasExpDet_metrics", exposure=exposure, detector=detector)
        assertMeasured(bundle, part, TOOLS)


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_exposures(merged, exposure):
    repository, butler = merged
    rows = readRows(butler, repository.camera, [exposure])
    n_detectors = len({row["detector"] for row in rows})
    n_missing = len(repository.camera) - n_detectors
    counts = {"nDetectors": n_detectors, "nDetectorsMissing": n_missing, "nAmpsMissing": 16 * n_missing}
    assertMeasured(butler.get("cpBiasExp_metrics", exposure=exposure), rows, TOOLS, **counts)


@pytest.mark.parametrize("tool", sorted(FLAGS))
def test_failedDetectorsOfExposures(merged, tool):
    repository, butler = merged
    rows = readRows(butler, repository.camera, EXPOSURES[:1])
    failed = {row["detector"] for row in rows if not row[FLAGS[tool]]}
    measured = butler.get("cpBiasExp_metrics", exposure=EXPOSURES[0])[tool]
    (count,) = [m.quantity.value for m in measured if str(m.metric_name) == "nDetectorsFailed"]
    assert count == len(failed)


def test_run(merged):
    repository, butler = merged
    rows = readRows(butler, repository.camera, EXPOSURES)
    assertMeasured(butler.get("cpBiasRun_metrics"), rows, TOOLS, nExposures=2)


def test_detectorsOfRun(merged):
    repository, butler = merged
    rows = readRows(butler, repository.camera, EXPOSURES)
    for detector in repository.camera:
        part = [row for row in rows if row["detector"] == detector.getId()]
        bundle = butler.get("cpBiasRunDet_metrics", detector=detector.getId())
        assertMeasured(bundle, part, TOOLS, nExposures=len({row["exposure"] for row in part}))


@pytest.mark.parametrize("tool", UNITS)
def test_units(merged, tool):
    _, butler = merged
    bundle = butler.get("cpBiasExp_metrics", exposure=EXPOSURES[0])
    units = {str(m.metric_name): str(m.quantity.unit) for m in bundle[tool]}
    assert {units[name] for name in ("min", "median", "max")} == {UNITS[tool]}
    assert {unit for name, unit in units.items() if name.startswith(("n", "quantity"))} == {""}


def test_everyDetectorOfLsstCam(makeRepository, addMerge):
    repository = makeRepository(LsstCam, EXPOSURES[:1])
    repository.putDetectors(brief=True)
    graph = PipelineGraph()
    addMerge(graph, "biasExp", ExpMergeAnalysisTask, "verifyBiasDet", "verifyBiasExp", hasMatrixCatalog=False)
    butler, outputs = runQuantumBacked(repository, graph)
    (results,) = outputs["verifyBiasExpResults"]
    groups = defaultdict(list)
    for row in readRows(StoredResults(butler.get(results)), repository.camera, EXPOSURES[:1]):
        groups[row["detector"]].append(row)
    bundles = {ref.dataId["detector"]: butler.get(ref) for ref in outputs["cpBiasExpDet_metrics"]}
    assert len(bundles) == 205
    assert bundles.keys() == groups.keys()
    for detector, bundle in bundles.items():
        assertMeasured(bundle, groups[detector], TOOLS)
    science = [d.getId() for d in repository.camera if d.getType().name == "SCIENCE"]
    (metrics,) = outputs["cpBiasExp_metrics"]
    rows = [row for detector in science for row in groups[detector]]
    assertMeasured(butler.get(metrics), rows, TOOLS, nDetectors=189, nDetectorsMissing=0)


class StoredResults:
    """A butler of one table."""

    def __init__(self, table):
        self._table = table

    def get(self, name, *, exposure):
        return self._table


def runQuantumBacked(repository, graph):
    """Run the one quantum of a pipeline as batch systems do; return its butler, and its outputs by type."""
    predicted = repository.prepare(graph).predicted
    predicted.build_execution_quanta()
    types = {node.name: node.dataset_type for node in predicted.pipeline_graph.dataset_types.values()}
    universe = predicted.pipeline_graph.universe
    ((quantum_id, node),) = predicted.quantum_only_xgraph.nodes.items()
    root = str(repository.root)
    executor = SingleQuantumExecutor(
        task_factory=TaskFactory(),
        limited_butler_factory=lambda q: QuantumBackedButler.initialize(
            root, q, universe, dataset_types=types
        ),
    )
    executor.execute(node["pipeline_node"], node["quantum"], quantum_id)
    outputs = {datasetType.name: refs for datasetType, refs in node["quantum"].outputs.items()}
    ids = [ref.id for refs in outputs.values() for ref in refs]
    return QuantumBackedButler.from_predicted(root, ids, [], universe, {}, dataset_types=types), outputs
