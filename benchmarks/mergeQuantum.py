# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time the quantum that merges one LSSTCam exposure, with and without its analysis.

The baseline is the parent task, `lsst.cp.verify.CpVerifyExpMergeTask`, on the same small Stats and tables of
205 detectors. The analysis makes all bias tools at both levels (one bundle for the exposure, one for each
detector) and its three tables, but no plots. Both are run with a quantum-backed butler, as
``pipetask run-qbb`` and bps do, and directly on the SQLite repository, as ``pipetask run`` does. The headers
of verified exposures are not stored, so the read noise is the camera's. The puts of the same bundles are
timed alone in the same run: no analysis can save them.

Usage: ``python benchmarks/mergeQuantum.py [repeats]`` (default 3).
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import astropy.units as u
import numpy as np
from astropy.table import Table
from astropy.time import Time

from lsst.analysis.cp.atools import addSensorTools, addTools
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.tasks.merge import ExpMergeAnalysisTask
from lsst.analysis.tools.interfaces import NoPlot
from lsst.cp.verify import CpVerifyExpMergeTask
from lsst.daf.butler import Butler, DatasetType, LimitedButler, Quantum, QuantumBackedButler, Timespan
from lsst.obs.lsst import LsstCam
from lsst.pipe.base import PipelineGraph, TaskFactory
from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph
from lsst.pipe.base.single_quantum_executor import SingleQuantumExecutor

MAX_RATIO = 1.3
MAX_BEYOND_PUTS = 0.15
EXPOSURE = 2026010100001
STORAGE_CLASSES = {"Stats": "StructuredDataDict", "Results": "ArrowAstropy", "Matrix": "ArrowAstropy"}


def makeRepository(root: str) -> Butler:
    """Make a repository with the results of one exposure."""
    Butler.makeRepo(root)
    butler = Butler.from_config(root, writeable=True)
    instrument = LsstCam()
    instrument.register(butler.registry)
    instrument.writeCameraGeom(butler, "camera/calib")
    butler.registry.syncDimensionData("day_obs", {"instrument": "LSSTCam", "id": 20260101})
    butler.registry.syncDimensionData("group", {"instrument": "LSSTCam", "name": "1"})
    start = Time("2026-01-02T00:00:00", scale="tai")
    record = {"instrument": "LSSTCam", "id": EXPOSURE, "obs_id": "1", "group": "1", "day_obs": 20260101}
    record |= {"physical_filter": "unknown", "timespan": Timespan(start, start + 1 * u.second)}
    butler.registry.syncDimensionData("exposure", record)
    butler.registry.registerRun("inputs")
    for kind, storage_class in STORAGE_CLASSES.items():
        dimensions = ("instrument", "exposure", "detector")
        butler.registry.registerDatasetType(
            DatasetType(f"verifyBiasDet{kind}", dimensions, storage_class, universe=butler.dimensions)
        )
    rng = np.random.default_rng(1)
    with butler.transaction():
        for detector in instrument.getCamera():
            data_id = {"instrument": "LSSTCam", "exposure": EXPOSURE, "detector": detector.getId()}
            for kind, value in zip(STORAGE_CLASSES, makeResults(detector, rng), strict=True):
                butler.put(value, f"verifyBiasDet{kind}", data_id, run="inputs")
    return butler


def makeResults(detector: Any, rng: np.random.Generator) -> tuple[dict[str, Any], Table, Table]:
    """Make the small Stats, the table and the matrix of one detector."""
    names = [amp.getName() for amp in detector.getAmplifiers()]
    n = len(names)
    table = Table({"exposure": [EXPOSURE] * n, "detector": [detector.getId()] * n, "amplifier": names})
    for test in getProduct("bias"):
        if test.statisticColumn is not None:
            table[test.statisticColumn] = rng.normal(5.0, 1.0, n)
        if test.verifyColumn is not None:
            table[test.verifyColumn] = rng.random(n) > 0.01
    stats: dict[str, Any] = {"AMP": {}, "METADATA": {"READ_NOISE_ADU": {}}, "VERIFY": {"AMP": {}}}
    for name, row in zip(names, table, strict=True):
        stats["AMP"][name] = {
            key: float(row[f"BIAS_{key}"]) for key in ("MEAN", "NOISE", "CR_NOISE", "AMP_CORNER")
        }
        stats["METADATA"]["READ_NOISE_ADU"][name] = float(row["BIAS_READ_NOISE_ADU"])
        flags = {key: bool(row[f"BIAS_VERIFY_{key}"]) for key in ("MEAN", "NOISE", "CR_NOISE")}
        stats["VERIFY"]["AMP"][name] = {**flags, "SUCCESS": all(flags.values())}
    stats["SUCCESS"] = all(flags["SUCCESS"] for flags in stats["VERIFY"]["AMP"].values())
    first, second = (grid.ravel() for grid in np.meshgrid(names, names))
    matrix = Table({"detector": [detector.getId()] * n**2, "ampName": first, "ampComp": second})
    matrix["imageCorr"] = rng.normal(size=n**2)
    return stats, table, matrix


def makeGraph(taskClass: type, label: str) -> PipelineGraph:
    """Make a pipeline of one merge."""
    config = taskClass.ConfigClass()
    for kind in STORAGE_CLASSES:
        setattr(config.connections, f"input{kind}", f"verifyBiasDet{kind}")
        setattr(config.connections, f"output{kind}", f"verifyBiasExp{kind}")
    config.hasInputResults = config.hasMatrixCatalog = True
    if taskClass is ExpMergeAnalysisTask:
        config.connections.outputName = "cpBiasExp"
        addTools(config, "bias", "exposure")
        addSensorTools(config, "bias", "exposure")
        for tool in config.atools:
            tool.produce.plot = NoPlot
    graph = PipelineGraph()
    graph.add_task(label, taskClass, config)
    return graph


def predict(root: str, graph: PipelineGraph, run: str) -> PredictedQuantumGraph:
    """Build the quantum graph, whose one quantum is ready to run."""
    butler = Butler.from_config(root, collections=["inputs", "camera/calib"], run=run, writeable=True)
    predicted = (
        AllDimensionsQuantumGraphBuilder(graph, butler).finish(attach_datastore_records=True).assemble()
    )
    predicted.pipeline_graph.register_dataset_types(butler)
    predicted.build_execution_quanta()
    return predicted


def makeLimitedButler(root: str, predicted: PredictedQuantumGraph, quantum: Quantum) -> LimitedButler:
    """Make the butler that a quantum has without a database."""
    types = {node.name: node.dataset_type for node in predicted.pipeline_graph.dataset_types.values()}
    universe = predicted.pipeline_graph.universe
    return QuantumBackedButler.initialize(root, quantum, universe, dataset_types=types)


def timeQuantum(root: str, graph: PipelineGraph, run: str, *, direct: bool) -> float:
    """Run the quantum once, in seconds of wall time."""
    predicted = predict(root, graph, run)
    butlers = {"butler": Butler.from_config(root, run=run, writeable=True)} if direct else {}
    executor = SingleQuantumExecutor(
        task_factory=TaskFactory(),
        limited_butler_factory=None if direct else partial(makeLimitedButler, root, predicted),
        **butlers,
    )
    ((quantum_id, node),) = predicted.quantum_only_xgraph.nodes.items()
    start = time.perf_counter()
    executor.execute(node["pipeline_node"], node["quantum"], quantum_id)
    return time.perf_counter() - start


def timePuts(root: str, graph: PipelineGraph, made: str, run: str, *, direct: bool) -> float:
    """Put the bundles that a quantum made once more, in seconds of wall time."""
    predicted = predict(root, graph, run)
    source = Butler.from_config(root, collections=[made])
    ((_, node),) = predicted.quantum_only_xgraph.nodes.items()
    refs = [
        ref
        for dataset_type, found in node["quantum"].outputs.items()
        if dataset_type.storageClass_name == "MetricMeasurementBundle"
        for ref in found
    ]
    bundles = [(source.get(ref.datasetType, ref.dataId), ref) for ref in refs]
    if direct:
        butler: Any = Butler.from_config(root, run=run, writeable=True)
    else:
        butler = makeLimitedButler(root, predicted, node["quantum"])
    start = time.perf_counter()
    for bundle, ref in bundles:
        butler.put(bundle, ref)
    return time.perf_counter() - start


def measure(root: str, repeats: int) -> Iterator[tuple[str, float, float, float]]:
    """Time parent, analysis and puts in turns; the best of the repeats, after one that is not counted."""
    graphs = {name: makeGraph(task, "verifyBiasExp") for name, task in TASKS.items()}
    timeQuantum(root, graphs["analysis"], "made", direct=True)
    for direct, title in ((False, "quantum-backed"), (True, "direct SQLite")):
        times: dict[str, list[float]] = {name: [] for name in (*graphs, "puts")}
        for repeat in range(repeats + 1):
            run = f"{title.split()[0]}/{repeat}"
            for name, graph in graphs.items():
                times[name].append(timeQuantum(root, graph, f"{name}/{run}", direct=direct))
            times["puts"].append(timePuts(root, graphs["analysis"], "made", f"puts/{run}", direct=direct))
        yield title, *(min(times[name][1:]) for name in ("parent", "analysis", "puts"))


TASKS: dict[str, Callable[..., Any]] = {"parent": CpVerifyExpMergeTask, "analysis": ExpMergeAnalysisTask}


def main() -> int:
    """Print the times; fail if the quantum-backed ratio is above the limit."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    print(f"Python {platform.python_version()}, numpy {np.__version__}, best of {repeats}")
    failed = False
    with tempfile.TemporaryDirectory() as root:
        makeRepository(root)
        for title, parent, analysis, puts in measure(root, repeats):
            ratio, beyond = analysis / parent, (analysis - parent - puts) / parent
            print(
                f"{title:15s} parent {parent:6.2f} s, analysis {analysis:6.2f} s, puts {puts:6.2f} s: "
                f"ratio {ratio:.2f}, beyond the puts {beyond:.2f} of the parent"
            )
            if title == "quantum-backed":
                print(f"{'at most':15s} ratio {MAX_RATIO:.2f}, beyond the puts {MAX_BEYOND_PUTS:.2f}")
                failed = ratio > MAX_RATIO or beyond > MAX_BEYOND_PUTS
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
