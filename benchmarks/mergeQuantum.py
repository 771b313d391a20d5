# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Time the quantum that merges one LSSTCam exposure, with and without its analysis.

The baseline is the merge in the pipeline of cp_verify, on the same small Stats and tables of 205 detectors,
each stored as Butler stores it by default. Stats of real runs are a hundred times as large.
The analysis, that of our pipeline, makes all tools of the product at both levels (one bundle for the
exposure, one for each detector) and its three tables, but no plots. Both are run with a quantum-backed
butler, as ``pipetask run-qbb`` and bps do, and directly on the SQLite repository, as ``pipetask run`` does.
The headers of verified exposures are not stored, so the read noise is the camera's. The puts of the same
bundles and tables are timed alone in the same run: no analysis can save them.

Times are those of the processor, so that other work on the machine does not count, nor do waits for a disk.
What was made before a run is hidden from the garbage collector: a batch job has none of it.

Usage: ``python benchmarks/mergeQuantum.py [product] [repeats]`` (default bias, 3).
"""

from __future__ import annotations

import gc
import os
import platform
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from astropy.table import Table, vstack

from lsst.analysis.cp.catalogue import Product, getProduct
from lsst.cp.simulator import ExposureInfo, defineVisits, makeRepository
from lsst.daf.butler import (
    Butler,
    ButlerConfig,
    DatasetProvenance,
    LimitedButler,
    Quantum,
    QuantumBackedButler,
)
from lsst.obs.lsst import LsstCam
from lsst.pipe.base import Pipeline, PipelineGraph, TaskFactory
from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph
from lsst.pipe.base.single_quantum_executor import SingleQuantumExecutor

MAX_RATIO = 1.3
MAX_BEYOND_PUTS = 0.15
EXPOSURE = ExposureInfo(20260101, 1)
STATISTICS = ("MEAN", "NOISE", "CR_NOISE", "AMP_CORNER")
FAULTY = 0.01
"""Part of the values that are odd, and of the verdicts that are failures."""
SMALL = 0.005
"""Value that passes each test whose verdict is computed, if all are equal."""
WITHOUT_PLOTS = """
from lsst.analysis.tools.interfaces import NoPlot

for tool in config.atools:
    tool.produce.plot = NoPlot
"""
ROOTS = {"parent": "CP_VERIFY_DIR", "analysis": "ANALYSIS_CP_DIR"}
"""Variables with the directories of the pipelines."""


def makeInputs(root: str, product: Product) -> dict[str, PipelineGraph]:
    """Make a repository with the results of one exposure; return the two pipelines of the merge."""
    makeRepository(root, LsstCam, [EXPOSURE]).close()
    with openAsByDefault(root) as butler:
        graphs = {name: makeGraph(butler, name, product) for name in ROOTS}
        types = [
            node.dataset_type
            for _, node in graphs["parent"].iter_overall_inputs()
            if node is not None and not node.is_prerequisite
        ]
        butler.registry.registerRun("inputs")
        for dataset_type in types:
            butler.registry.registerDatasetType(dataset_type)
        rng = np.random.default_rng(1)
        defineVisits(butler, "LSSTCam")
        with butler.transaction():
            for detector in LsstCam().getCamera():
                made = makeResults(detector, product, rng)
                data_id = {"instrument": "LSSTCam", "detector": detector.getId()}
                for dataset_type in types:
                    epoch = {"exposure": EXPOSURE.id, "visit": EXPOSURE.id}
                    known = {key: value for key, value in epoch.items() if key in dataset_type.dimensions}
                    value = next(made[kind] for kind in made if dataset_type.name.endswith(kind))
                    butler.put(value, dataset_type, data_id | known, run="inputs")
    return graphs


def openAsByDefault(root: str) -> Butler:
    """Open the repository so that it stores Stats as Butler does by default: as YAML, in place of JSON."""
    config = ButlerConfig(root)
    formatters = config["datastore", "formatters"]
    for name in [name for name in formatters if name.endswith("Stats")]:
        del config["datastore", "formatters", name]
    return Butler.from_config(config, writeable=True)


def makeResults(detector: Any, product: Product, rng: np.random.Generator) -> dict[str, Any]:
    """Make the small Stats, the table and the matrix of one detector, by the end of their names."""
    names = [amp.getName() for amp in detector.getAmplifiers()]
    tables = []
    for row, rows in (("amplifier", names), ("detector", [""])):
        table = Table({"exposure": [EXPOSURE.id] * len(rows), "detector": [detector.getId()] * len(rows)})
        if row == "amplifier":
            table["amplifier"] = rows
        for test in product:
            if test.row == row and test.statisticColumn is not None:
                table[test.statisticColumn] = np.where(
                    rng.random(len(rows)) > FAULTY, SMALL, rng.normal(5.0, 1.0)
                )
            if test.row == row and test.verifyColumn is not None:
                table[test.verifyColumn] = rng.random(len(rows)) > FAULTY
        tables.append(table)
    amplifiers, of_detector = tables
    keys = [key for key in STATISTICS if f"{product.prefix}_{key}" in amplifiers.colnames]
    stats: dict[str, Any] = {"AMP": {}, "METADATA": {"READ_NOISE_ADU": {}}, "VERIFY": {"AMP": {}}}
    for name, row in zip(names, amplifiers, strict=True):
        stats["AMP"][name] = {key: float(row[f"{product.prefix}_{key}"]) for key in keys}
        stats["METADATA"]["READ_NOISE_ADU"][name] = float(rng.normal(5.0, 1.0))
        flags = {key: bool(rng.random() > FAULTY) for key in ("MEAN", "NOISE", "CR_NOISE")}
        stats["VERIFY"]["AMP"][name] = {**flags, "SUCCESS": all(flags.values())}
    start = f"{product.prefix}_DET_"
    stats["DET"] = {
        name.removeprefix(start): float(of_detector[name][0])
        for name in of_detector.colnames
        if name.startswith(start) and of_detector[name].dtype.kind == "f"
    }
    has_detector = any(test.row == "detector" for test in product)
    stats["SUCCESS"] = all(flags["SUCCESS"] for flags in stats["VERIFY"]["AMP"].values())
    first, second = (grid.ravel() for grid in np.meshgrid(names, names))
    matrix = Table({"detector": [detector.getId()] * len(first), "ampName": first, "ampComp": second})
    matrix["imageCorr"] = rng.normal(size=len(first))
    return {
        "Stats": stats,
        "Results": vstack([amplifiers, of_detector]) if has_detector else amplifiers,
        "Matrix": matrix,
    }


def makeGraph(butler: Butler, name: str, product: Product) -> PipelineGraph:
    """Make the pipeline of the merge, of cp_verify or ours."""
    label = f"verify{product.name.capitalize()}Exp"
    file = f"{os.environ[ROOTS[name]]}/pipelines/LSSTCam/verify{product.name.capitalize()}.yaml"
    pipeline = Pipeline.fromFile(f"{file}#{label}")
    if name == "analysis":
        pipeline.addConfigPython(label, WITHOUT_PLOTS)
    return pipeline.to_graph(butler.registry)


def predict(root: str, graph: PipelineGraph, run: str) -> PredictedQuantumGraph:
    """Build the quantum graph, whose one quantum is ready to run."""
    butler = Butler.from_config(root, collections=["inputs", "LSSTCam/defaults"], run=run, writeable=True)
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


@contextmanager
def measureTime(times: list[float]) -> Iterator[None]:
    """Append the seconds of processor time that the block takes."""
    gc.collect()
    gc.freeze()
    start = time.process_time()
    yield
    times.append(time.process_time() - start)
    gc.unfreeze()


def timeQuantum(root: str, graph: PipelineGraph, run: str, times: list[float], *, direct: bool) -> None:
    """Run the quantum once."""
    predicted = predict(root, graph, run)
    butlers = {"butler": Butler.from_config(root, run=run, writeable=True)} if direct else {}
    executor = SingleQuantumExecutor(
        task_factory=TaskFactory(),
        limited_butler_factory=None if direct else partial(makeLimitedButler, root, predicted),
        **butlers,
    )
    ((quantum_id, node),) = predicted.quantum_only_xgraph.nodes.items()
    with measureTime(times):
        executor.execute(node["pipeline_node"], node["quantum"], quantum_id)


def timePuts(
    root: str, graph: PipelineGraph, made: str, run: str, times: list[float], *, direct: bool
) -> None:
    """Put what the analysis made in a quantum once more."""
    predicted = predict(root, graph, run)
    source = Butler.from_config(root, collections=[made])
    ((_, node),) = predicted.quantum_only_xgraph.nodes.items()
    refs = [
        ref
        for dataset_type, found in node["quantum"].outputs.items()
        if dataset_type.name.startswith("cp")
        for ref in found
    ]
    outputs = [(source.get(ref.datasetType, ref.dataId), ref) for ref in refs]
    if direct:
        butler: Any = Butler.from_config(root, run=run, writeable=True)
    else:
        butler = makeLimitedButler(root, predicted, node["quantum"])
    provenance = DatasetProvenance(quantum_id=uuid.uuid4())
    for ref in chain.from_iterable(node["quantum"].inputs.values()):
        provenance.add_input(ref)
    with measureTime(times):
        for output, ref in outputs:
            butler.put(output, ref, provenance=provenance)


def measure(
    root: str, graphs: dict[str, PipelineGraph], repeats: int
) -> Iterator[tuple[str, float, float, float]]:
    """Time parent, analysis and puts in turns; the best of the repeats, after one that is not counted."""
    timeQuantum(root, graphs["analysis"], "made", [], direct=True)
    for direct, title in ((False, "quantum-backed"), (True, "direct SQLite")):
        times: dict[str, list[float]] = {name: [] for name in (*graphs, "puts")}
        for repeat in range(repeats + 1):
            run = f"{title.split()[0]}/{repeat}"
            for name, graph in graphs.items():
                timeQuantum(root, graph, f"{name}/{run}", times[name], direct=direct)
            timePuts(root, graphs["analysis"], "made", f"puts/{run}", times["puts"], direct=direct)
        yield title, *(min(times[name][1:]) for name in ("parent", "analysis", "puts"))


def main() -> int:
    """Print the times; fail if the quantum-backed ratio is above the limit."""
    product = getProduct(sys.argv[1] if len(sys.argv) > 1 else "bias")
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"{product.name}: Python {platform.python_version()}, numpy {np.__version__}, best of {repeats}")
    failed = False
    with tempfile.TemporaryDirectory() as root:
        graphs = makeInputs(f"{root}/repository", product)
        for title, parent, analysis, puts in measure(f"{root}/repository", graphs, repeats):
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
