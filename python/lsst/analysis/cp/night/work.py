# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is still to be done of a step, and what results would be out of date when it is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lsst.pipe.base.all_dimensions_quantum_graph_builder import (
    AllDimensionsQuantumGraphBuilder,
    DatasetQueryConstraintVariant,
)

if TYPE_CHECKING:
    from pathlib import Path

    from lsst.daf.butler import Butler, DatasetRef
    from lsst.pipe.base import PipelineGraph
    from lsst.pipe.base.quantum_graph import PredictedQuantumGraph, PredictedQuantumGraphComponents

__all__ = ["Work", "findLabels", "findStale", "findTypes", "findWork"]


@dataclass(frozen=True)
class Work:
    """The quanta of a step that have not succeeded and could run.

    Parameters
    ----------
    components, graph
        Their graph.
    nOpen
        How many have not been tried, and are not downstream of one that failed.
    """

    components: PredictedQuantumGraphComponents
    graph: PredictedQuantumGraph
    nOpen: int

    def prepare(self, butler: Butler, path: Path) -> None:
        """Write the graph to a file, and what is written before quanta run to the RUN collection of a butler.

        That is where other configurations or software show, while everything is as it was.
        """
        self.graph.pipeline_graph.register_dataset_types(butler, include_packages=True)
        self.graph.write_init_outputs(butler, skip_existing=True)
        self.graph.write_configs(butler, compare_existing=True)
        self.graph.write_packages(butler, compare_existing=True)
        self.components.write(str(path))


def findWork(
    butler: Butler, pipeline: PipelineGraph, run: str, inputs: Iterable[str], where: str, *, isLimited: bool
) -> Work | None:
    """Find the quanta that have not succeeded and whose inputs exist.

    One has succeeded if its metadata exist. One has failed if its log exists without them: whatever else
    became of it, as that its process was killed, it is open.

    Parameters
    ----------
    butler
        The repository.
    pipeline
        The tasks of the step.
    run
        RUN collection of their outputs.
    inputs
        Collections of other inputs.
    where
        Expression that data IDs fulfil.
    isLimited
        Whether the expression leaves so few data IDs that inputs can be looked for at each. If it does not,
        only those data IDs are found at which there are all kinds of inputs that the tasks have.

    Returns
    -------
    work
        The quanta; None if there are none.
    """
    constraint = DatasetQueryConstraintVariant.OFF if isLimited else DatasetQueryConstraintVariant.ALL
    builder = AllDimensionsQuantumGraphBuilder(
        pipeline,
        butler,
        where=where,
        dataset_query_constraint=constraint,
        input_collections=[run, *inputs],
        output_run=run,
        skip_existing_in=[run],
        clobber=True,
    )
    components = builder.finish(attach_datastore_records=False)
    if not components.header.n_quanta:
        return None
    graph = components.assemble()
    types = findTypes(butler, run)
    failed = set()
    for label, quanta in graph.quanta_by_task.items():
        if (name := f"{label}_log") in types:
            logs = {ref.dataId.required_values for ref in _query(butler, name, run)}
            failed |= {id for data_id, id in quanta.items() if data_id.required_values in logs}
    blocked = _reach(failed, graph.quantum_only_xgraph.successors)
    return Work(components, graph, len(graph) - len(failed | blocked))


def findTypes(butler: Butler, run: str) -> frozenset[str]:
    """List the dataset types that a RUN collection may hold."""
    return frozenset(butler.collections.get_info(run, include_summary=True).dataset_types or ())


def findLabels(pipeline: PipelineGraph, labels: Iterable[str]) -> set[str]:
    """List the tasks that use what some tasks make, at whatever distance."""

    def findConsumers(label: str) -> Iterable[str]:
        for edge in pipeline.tasks[label].iter_all_outputs():
            yield from (task.label for task in pipeline.consumers_of(edge.parent_dataset_type_name))

    return _reach(labels, findConsumers)


def findStale(
    butler: Butler, pipeline: PipelineGraph, graph: PredictedQuantumGraph, run: str, labels: Iterable[str]
) -> list[DatasetRef]:
    """Find results that the quanta of a graph put out of date, whether or not they will succeed.

    Parameters
    ----------
    butler
        The repository.
    pipeline
        All tasks of all steps.
    graph
        What is to run. Its own quanta are not out of date: they are made anew anyway.
    run
        RUN collection of the results.
    labels
        Tasks downstream of those of the graph.

    Returns
    -------
    refs
        All that these tasks have written at data IDs that agree with that of some quantum in all dimensions
        that they have in common. Metadata and logs come first: without them a quantum is not taken for one
        that succeeded, should the removal of a large number be broken off.
    """
    found: list[DatasetRef] = []
    types = findTypes(butler, run)
    touched = {label: list(quanta) for label, quanta in graph.quanta_by_task.items() if quanta}

    @cache
    def project(label: str, names: tuple[str, ...]) -> set[tuple[object, ...]]:
        return {tuple(data_id[name] for name in names) for data_id in touched[label]}

    for label in sorted(labels):
        own = {data_id.required_values for data_id in graph.quanta_by_task.get(label, ())}
        for edge in pipeline.tasks[label].iter_all_outputs():
            if (name := edge.parent_dataset_type_name) not in types:
                continue
            for ref in _query(butler, name, run):
                if ref.dataId.required_values in own:
                    continue
                for other, data_ids in touched.items():
                    shared = tuple(sorted(ref.dataId.dimensions.names & data_ids[0].dimensions.names))
                    if tuple(ref.dataId[each] for each in shared) in project(other, shared):
                        found.append(ref)
                        break
    return sorted(found, key=lambda ref: not ref.datasetType.name.endswith(("_metadata", "_log")))


def _query(butler: Butler, name: str, run: str) -> list[DatasetRef]:
    return list(butler.query_datasets(name, collections=run, explain=False, limit=None))


def _reach[T: Hashable](starts: Iterable[T], follow: Callable[[T], Iterable[T]]) -> set[T]:
    """Follow edges from some nodes, and find the others that these lead to."""
    known, todo = set(starts), list(starts)
    found: set[T] = set()
    while todo:
        new = set(follow(todo.pop())) - found
        found |= new
        todo += new - known
        known |= new
    return found
