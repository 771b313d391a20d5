# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The merge of the detectors of an exposure, as a pipeline has it, and its run through the middleware."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsst.analysis.cp.tasks.merge import MergeAnalysisMixin
from lsst.daf.butler import CollectionType, Quantum, QuantumBackedButler
from lsst.pipe.base import LabelSpecifier, Pipeline
from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder
from lsst.pipe.base.pipeline_graph import TaskNode
from lsst.pipe.base.single_quantum_executor import SingleQuantumExecutor

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef
    from lsst.pipe.base.pipeline_graph import PipelineGraph
    from lsst.pipe.base.quantum_graph import PredictedQuantumGraph

__all__ = ["MergeStep", "NoMergeError"]

_OF_QUANTA = ("inputStats", "inputResults", "inputMatrix")
"""Inputs of a merge that one quantum a detector writes."""


class NoMergeError(ValueError):
    """There is no merge of the detectors of an exposure, or nothing that it could merge."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MergeStep:
    """The task of a pipeline that merges the detectors of an exposure.

    Parameters
    ----------
    graph
        The task alone.
    task
        The task.
    inputs
        Dataset types that it merges, by the names of its connections.
    headers
        Dataset type of the verified exposures; empty if their headers are not read.
    verifyConfig
        Dataset type of the configuration that has limits; empty if none has.
    earlier
        Labels of the tasks that work on each detector before it, the last first.
    """

    graph: PipelineGraph
    task: MergeAnalysisMixin
    inputs: dict[str, str]
    headers: str
    verifyConfig: str
    earlier: tuple[str, ...]

    @classmethod
    def find(cls, uri: str, product: str) -> MergeStep:
        """Find the merge in a pipeline.

        Parameters
        ----------
        uri
            The file of the pipeline.
        product
            Name of the product that is verified.

        Returns
        -------
        step
            The merge.

        Raises
        ------
        NoMergeError
            Raised if the pipeline has none, or several.
        """
        pipeline = Pipeline.from_uri(uri)
        whole = pipeline.to_graph()
        nodes = [node for node in whole.tasks.values() if _isMerge(node, product)]
        if len(nodes) != 1:
            raise NoMergeError(
                f"{uri} has {len(nodes) or 'no'} merges of the detectors of an exposure of the product "
                f"{product!r}, expected one"
            )
        (node,) = nodes
        names = {name: edge.parent_dataset_type_name for name, edge in node.inputs.items()}
        inputs = {name: names[name] for name in _OF_QUANTA if name in names}
        task_class = node.task_class
        assert issubclass(task_class, MergeAnalysisMixin)
        return cls(
            graph=pipeline.subsetFromLabels(LabelSpecifier(labels={node.label})).to_graph(),
            task=task_class(config=node.config, name=node.label),
            inputs=inputs,
            headers=names.get("verifiedExposures", ""),
            verifyConfig=names.get("verifyConfig", ""),
            earlier=tuple(dict.fromkeys(_findEarlier(whole, inputs.values()))),
        )

    @property
    def label(self) -> str:
        """Label of the task in the pipeline."""
        return str(self.task.getName())

    def run(
        self, butler: Butler, repo: str, inputs: Sequence[str], output: str, run: str, where: str
    ) -> list[DatasetRef]:
        """Run the merge as bps runs a quantum: the registry sees the outputs when all are there.

        Parameters
        ----------
        butler
            The repository, for writing.
        repo
            The same as a URI.
        inputs
            Collections of the inputs.
        output
            Collection that begins with the outputs afterwards: a chain, which is made if there is none.
        run
            RUN collection for the outputs; a new one.
        where
            Expression that says which exposure, and which detectors of it.

        Returns
        -------
        refs
            All that was written.

        Raises
        ------
        NoMergeError
            Raised if there is nothing to merge.
        """
        predicted = self._predict(butler, inputs, output, run, where)
        node = predicted.pipeline_graph.tasks[self.label]
        quanta = predicted.build_execution_quanta()
        if len(quanta) != 1:
            raise NoMergeError(
                f"{len(quanta) or 'no'} quanta of {self.label} in {', '.join(inputs)}: {where}"
            )
        ((identifier, quantum),) = quanta.items()
        init_refs = [ref for label in ("", self.label) for ref in predicted.get_init_outputs(label).values()]
        refs = [*init_refs, *(ref for each in quantum.outputs.values() for ref in each)]
        types = {node.name: node.dataset_type for node in predicted.pipeline_graph.dataset_types.values()}

        def openLimited(quantum: Quantum) -> QuantumBackedButler:
            return QuantumBackedButler.initialize(
                repo, quantum, dimensions=butler.dimensions, dataset_types=types
            )

        with predicted.make_init_qbb(repo) as limited:
            predicted.init_output_run(limited)
        executor = SingleQuantumExecutor(limited_butler_factory=openLimited, assume_no_existing_outputs=True)
        try:
            executor.execute(node, quantum, identifier)
        finally:
            # What a failed task leaves is its log.
            written = self._transfer(butler, repo, refs, types)
            _chain(butler, output, run, inputs)
        return written

    def _predict(
        self, butler: Butler, inputs: Sequence[str], output: str, run: str, where: str
    ) -> PredictedQuantumGraph:
        """Make the quantum graph."""
        builder = AllDimensionsQuantumGraphBuilder(
            self.graph, butler, where=where, input_collections=inputs, output_run=run
        )
        return builder.finish(output=output, attach_datastore_records=True).assemble()

    @staticmethod
    def _transfer(butler: Butler, repo: str, refs: Sequence[DatasetRef], types: dict) -> list[DatasetRef]:
        """Show the registry what was written."""
        with QuantumBackedButler.from_predicted(
            config=repo,
            predicted_inputs=[ref.id for ref in refs],
            predicted_outputs=[],
            dimensions=butler.dimensions,
            datastore_records={},
            dataset_types=types,
        ) as limited:
            return list(
                butler.transfer_from(
                    limited, refs, transfer="auto", skip_missing=True, register_dataset_types=True
                )
            )


def _isMerge(node: TaskNode, product: str) -> bool:
    """Tell whether a task merges the detectors of an exposure of a product."""
    return (
        issubclass(node.task_class, MergeAnalysisMixin)
        and not node.task_class.mergesExposures
        and node.config.product == product  # type: ignore[attr-defined]
        and node.config.epoch != "none"  # type: ignore[attr-defined]
    )


def _findEarlier(graph: PipelineGraph, datasetTypes: Collection[str]) -> Iterator[str]:
    """List the tasks that make datasets, and those before them, as far as they work on detectors."""
    for name in datasetTypes:
        producer = graph.producer_of(name)
        if isinstance(producer, TaskNode) and "detector" in producer.raw_dimensions:
            yield producer.label
            # Tasks have their inputs in no order.
            edges = [edge for _, edge in sorted(producer.inputs.items())]
            yield from _findEarlier(graph, [edge.parent_dataset_type_name for edge in edges])


def _chain(butler: Butler, output: str, run: str, inputs: Sequence[str]) -> None:
    """Put a RUN in front of the output chain, which is made of the inputs if there is none."""
    butler.collections.register(run)
    if butler.collections.register(output, CollectionType.CHAINED):
        butler.collections.extend_chain(output, butler.collections.query(inputs, flatten_chains=True))
    butler.collections.prepend_chain(output, run)
