# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading what should have run, from a saved quantum graph or from the provenance of a RUN collection."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsst.daf.butler import MissingDatasetTypeError
from lsst.pipe.base import QuantumGraph
from lsst.pipe.base.automatic_connection_constants import (
    LOG_OUTPUT_CONNECTION_NAME,
    METADATA_OUTPUT_CONNECTION_NAME,
    PROVENANCE_DATASET_TYPE_NAME,
)
from lsst.pipe.base.pipeline_graph import TaskImportMode
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph, ProvenanceQuantumGraphReader
from lsst.resources import ResourcePath

from .reasons import Told, describeCaveats, describeException

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DataCoordinate
    from lsst.pipe.base.pipeline_graph import PipelineGraph
    from lsst.pipe.base.quantum_graph import BaseQuantumGraph, ProvenanceQuantumGraph
    from lsst.resources import ResourcePathExpression

__all__ = ["RunGraph", "readGraph", "readStoredGraph"]


@dataclass(frozen=True, kw_only=True)
class RunGraph:
    """The quanta that should run in one RUN collection.

    Parameters
    ----------
    source
        Where they are from, in words.
    run
        The collection.
    quanta
        Id of each quantum by data ID, by the label of the task, in the order of the pipeline.
    needs
        The quanta whose outputs each quantum needs, by its id.
    outputs
        Dataset types of which each quantum of a task writes one with its own data ID, by label.
    initOutputs
        Ids of datasets that are written before anything runs, by dataset type.
    told
        What provenance tells of each quantum, by its id.
    """

    source: str
    run: str
    quanta: Mapping[str, Mapping[DataCoordinate, uuid.UUID]]
    needs: Mapping[uuid.UUID, Collection[uuid.UUID]]
    outputs: Mapping[str, tuple[str, ...]]
    initOutputs: Mapping[str, uuid.UUID] = field(default_factory=dict)
    told: Mapping[uuid.UUID, Told] = field(default_factory=dict)


def readGraph(uri: ResourcePathExpression) -> RunGraph:
    """Read the file of a quantum graph: of one that was to be run, or of one with the provenance of a run.

    The classes of the tasks need not be installed, but for files of the old format (``.qgraph``).

    Parameters
    ----------
    uri
        The file.

    Returns
    -------
    graph
        Its quanta.
    """
    path = ResourcePath(uri)
    if path.getExtension() == ".qgraph":
        graph = PredictedQuantumGraph.from_old_quantum_graph(QuantumGraph.loadUri(path))
        return _convertGraph(graph, f"the quantum graph {path.basename()}")
    try:
        with PredictedQuantumGraph.open(path, import_mode=TaskImportMode.DO_NOT_IMPORT) as reader:
            reader.read_thin_graph()
            reader.read_init_quanta()
            return _convertGraph(reader.finish(), f"the quantum graph {path.basename()}")
    except TypeError as error:
        # A graph with provenance is not a predicted one.
        if "provenance" not in str(error):
            raise
    with ProvenanceQuantumGraphReader.open(path, import_mode=TaskImportMode.DO_NOT_IMPORT) as provenance:
        provenance.read_init_quanta()
        provenance.read_quanta()
        return _convertProvenance(provenance.graph, f"the provenance {path.basename()}")


def readStoredGraph(butler: Butler, run: str) -> RunGraph | None:
    """Read the provenance that is stored in a RUN collection; None if there is none."""
    try:
        ref = butler.find_dataset(PROVENANCE_DATASET_TYPE_NAME, collections=run)
    except MissingDatasetTypeError:
        return None
    if ref is None:
        return None
    parameters = {
        "import_mode": TaskImportMode.DO_NOT_IMPORT,
        "datasets": [],
        "read_init_quanta": True,
    }
    return _convertProvenance(butler.get(ref, parameters=parameters), f"the provenance of {run}")


def _convertGraph(
    graph: BaseQuantumGraph, source: str, told: Mapping[uuid.UUID, Told] | None = None
) -> RunGraph:
    empty = graph.pipeline_graph.universe.empty
    init_outputs = {
        name: identifier
        for name, datasets in graph.datasets_by_type.items()
        for data_id, identifier in datasets.items()
        if data_id.dimensions == empty and name.endswith("_config")
    }
    labels = [label for label in _sortTasks(graph.pipeline_graph) if graph.quanta_by_task[label]]
    return RunGraph(
        source=source,
        run=graph.header.output_run,
        quanta={label: graph.quanta_by_task[label] for label in labels},
        needs={quantum: tuple(before) for quantum, before in graph.quantum_only_xgraph.pred.items()},
        outputs={label: _listOutputs(graph.pipeline_graph, label) for label in labels},
        initOutputs=init_outputs,
        told=told or {},
    )


def _convertProvenance(graph: ProvenanceQuantumGraph, source: str) -> RunGraph:
    told = {
        identifier: Told(
            exception=describeException(info["exception"]) if info["exception"] else "",
            caveats=describeCaveats(info["caveats"], info["exception"]),
            isMissingAllowed=True,
        )
        for identifier, info in graph.quantum_only_xgraph.nodes.items()
    }
    return _convertGraph(graph, source, told)


def _sortTasks(pipeline: PipelineGraph) -> list[str]:
    pipeline.sort()
    return list(pipeline.tasks)


def _listOutputs(pipeline: PipelineGraph, label: str) -> tuple[str, ...]:
    task = pipeline.tasks[label]
    ignored = {LOG_OUTPUT_CONNECTION_NAME, METADATA_OUTPUT_CONNECTION_NAME}
    return tuple(
        edge.parent_dataset_type_name
        for name, edge in task.outputs.items()
        if name not in ignored
        and pipeline.dataset_types[edge.parent_dataset_type_name].dimensions == task.dimensions
    )
