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
    "Mean": lambda row: abs(row["MEAN"]) / row["NOISE"],
    "Noise": lambda row: (row["NOISE"] - row["RN"]) / row["RN"],
    "CrNoise": lambda row: abs(row["NOISE"] - row["CR_NOISE"]) / row["CR_NOISE"],
    "ReadNoiseConsistent": lambda row: (row["GAIN"] * row["READ_NOISE_ADU"] - row["RN"]) / row["RN"],
}
STATISTICS = {
    "Mean": "MEAN",
    "Noise": "NOISE",
    "CrNoise": "CR_NOISE",
    "ReadNoiseConsistent": "READ_NOISE_ADU",
    "AmpCorner": "AMP_CORNER",
    "ShiftCount": "BIAS_SHIFT_COUNT",
    "Dist50Pct": "DIST_50.0_PCT",
}
FLAGS = {
    "Mean": "VERIFY_MEAN",
    "Noise": "VERIFY_NOISE",
    "CrNoise": "VERIFY_CR_NOISE",
    "ReadNoiseConsistent": "VERIFY_READ_NOISE_CONSISTENT",
    "Success": "VERIFY_SUCCESS",
}
"""What tools measure, by their names without that of the product."""

COMMON = ("Mean", "Noise", "CrNoise", "ReadNoiseConsistent", "Success")
TOOLS = {"bias": (*COMMON, "AmpCorner", "ShiftCount"), "dark": COMMON}
OF_RUN = "Dist50Pct"
"""It has the same values in all exposures: so that only runs have it."""

UNITS = {"Mean": "electron", "ReadNoiseConsistent": "adu", "ShiftCount": ""}
UNITS_OF_RUN = {"bias": "electron", "dark": "electron / s"}


def readRows(butler, camera, product, exposures):
    """Read the rows of the stored tables as dictionaries, with the camera's read noise and gain."""
    rows = []
    for exposure in exposures:
        table = butler.get(f"verify{product.title()}ExpResults", exposure=exposure)
        scalars = [name for name in table.colnames if table[name].ndim == 1]
        for row in table[scalars]:
            amp = camera[int(row["detector"])][row["amplifier"]]
            prefix = product.upper()
            # The combined calibration has the product twice in its columns.
            values = {
                name.removeprefix(f"{prefix}_").replace(f"{prefix}_DIST", "DIST"): row[name].item()
                for name in scalars
            }
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


def assertMeasured(bundle, rows, product, tools, **counts):
    """Compare a bundle: exact for counts, to rounding for statistics."""
    for tool in tools:
        measured = {str(m.metric_name): m.quantity.value for m in bundle[f"{product}{tool}"]}
        expected = expect(rows, tool) | counts
        for name, value in expected.items():
            if name.startswith("n"):
                assert measured[name] == value, (tool, name)
            else:
                assert measured[name] == pytest.approx(value, rel=1e-12, abs=1e-14, nan_ok=True), (tool, name)


@pytest.fixture(scope="module", params=[Latiss, LsstComCam], ids=["LATISS", "LSSTComCam"])
def repository(request, makeRepository):
    """Results of a small camera; one detector is missing in one exposure of LSSTComCam."""
    repository = makeRepository(request.param, EXPOSURES)
    for product in TOOLS:
        repository.putDetectors(product, skip=lambda *dataId: dataId == (EXPOSURES[1], 4))
    return repository


@pytest.fixture(scope="module", params=TOOLS)
def product(request):
    """Name a product."""
    return request.param


@pytest.fixture(scope="module")
def butler(repository, product, addMerge):
    """Merge exposures and run."""
    graph = PipelineGraph()
    stem = f"verify{product.title()}"
    addMerge(graph, f"{product}Exp", ExpMergeAnalysisTask, f"{stem}Det", f"{stem}Exp", product)
    addMerge(
        graph,
        f"{product}Run",
        RunMergeAnalysisTask,
        f"{stem}Exp",
        stem,
        product,
        mergeDimension="exposure",
    )
    return repository.run(graph)


def test_detectors_of_exposures(repository, butler, product):
    rows = readRows(butler, repository.camera, product, EXPOSURES)
    groups = defaultdict(list)
    for row in rows:
        groups[row["exposure"], row["detector"]].append(row)
    assert len(groups) == 2 * len(repository.camera) - (len(repository.camera) > 1)
    for (exposure, detector), part in groups.items():
        name = f"cp{product.title()}ExpDet_metrics"
        bundle = butler.get(name, exposure=exposure, detector=detector)
        assertMeasured(bundle, part, product, TOOLS[product])
        assert f"{product}{OF_RUN}" not in bundle


@pytest.mark.parametrize("exposure", EXPOSURES)
def test_exposures(repository, butler, product, exposure):
    rows = readRows(butler, repository.camera, product, [exposure])
    n_detectors = len({row["detector"] for row in rows})
    n_missing = len(repository.camera) - n_detectors
    counts = {"nDetectors": n_detectors, "nDetectorsMissing": n_missing, "nAmpsMissing": 16 * n_missing}
    bundle = butler.get(f"cp{product.title()}Exp_metrics", exposure=exposure)
    assertMeasured(bundle, rows, product, TOOLS[product], **counts)
    assert f"{product}{OF_RUN}" not in bundle


@pytest.mark.parametrize("tool", sorted(FLAGS))
def test_failed_detectors_of_exposures(repository, butler, product, tool):
    rows = readRows(butler, repository.camera, product, EXPOSURES[:1])
    failed = {row["detector"] for row in rows if not row[FLAGS[tool]]}
    bundle = butler.get(f"cp{product.title()}Exp_metrics", exposure=EXPOSURES[0])
    measured = bundle[f"{product}{tool}"]
    (count,) = [m.quantity.value for m in measured if str(m.metric_name) == "nDetectorsFailed"]
    assert count == len(failed)


def test_run(repository, butler, product):
    rows = readRows(butler, repository.camera, product, EXPOSURES)
    bundle = butler.get(f"cp{product.title()}Run_metrics")
    assertMeasured(bundle, rows, product, (*TOOLS[product], OF_RUN), nExposures=2)


def test_detectors_of_run(repository, butler, product):
    rows = readRows(butler, repository.camera, product, EXPOSURES)
    for detector in repository.camera:
        part = [row for row in rows if row["detector"] == detector.getId()]
        bundle = butler.get(f"cp{product.title()}RunDet_metrics", detector=detector.getId())
        n_exposures = len({row["exposure"] for row in part})
        assertMeasured(bundle, part, product, (*TOOLS[product], OF_RUN), nExposures=n_exposures)


def test_units(butler, product):
    of_level = {tool: unit for tool, unit in UNITS.items() if tool in TOOLS[product]}
    title = product.title()
    for bundle, expected in (
        (butler.get(f"cp{title}Exp_metrics", exposure=EXPOSURES[0]), of_level),
        (butler.get(f"cp{title}Run_metrics"), of_level | {OF_RUN: UNITS_OF_RUN[product]}),
    ):
        for tool, unit in expected.items():
            units = {str(m.metric_name): str(m.quantity.unit) for m in bundle[f"{product}{tool}"]}
            assert {units[name] for name in ("min", "median", "max")} == {unit}
            assert {unit for name, unit in units.items() if name.startswith(("n", "quantity"))} == {""}


@pytest.mark.slow
def test_every_detector_of_lsst_cam(makeRepository, addMerge):
    repository = makeRepository(LsstCam, EXPOSURES[:1])
    repository.putDetectors(brief=True)
    graph = PipelineGraph()
    addMerge(graph, "biasExp", ExpMergeAnalysisTask, "verifyBiasDet", "verifyBiasExp", hasMatrixCatalog=False)
    butler, outputs = runQuantumBacked(repository, graph)
    (results,) = outputs["verifyBiasExpResults"]
    groups = defaultdict(list)
    for row in readRows(StoredResults(butler.get(results)), repository.camera, "bias", EXPOSURES[:1]):
        groups[row["detector"]].append(row)
    bundles = {ref.dataId["detector"]: butler.get(ref) for ref in outputs["cpBiasExpDet_metrics"]}
    assert len(bundles) == 205
    assert bundles.keys() == groups.keys()
    for detector, bundle in bundles.items():
        assertMeasured(bundle, groups[detector], "bias", TOOLS["bias"])
    science = [d.getId() for d in repository.camera if d.getType().name == "SCIENCE"]
    (metrics,) = outputs["cpBiasExp_metrics"]
    rows = [row for detector in science for row in groups[detector]]
    counts = {"nDetectors": 189, "nDetectorsMissing": 0}
    assertMeasured(butler.get(metrics), rows, "bias", TOOLS["bias"], **counts)


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
