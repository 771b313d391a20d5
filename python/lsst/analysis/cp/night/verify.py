# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Verification of a night: each product in its steps, as far as they are not done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from lsst.analysis.cp.batch.outcome import describeFailures
from lsst.daf.butler import Butler
from lsst.pipe.base import LabelSpecifier, Pipeline, PipelineGraph

from .night import STEPS, Night, NightError, Step
from .pipetask import Pipetask
from .work import Work, findLabels, findStale, findTypes, findWork

__all__ = ["ProductState", "StageResult", "StageState", "Verification"]

_LOG = logging.getLogger(__name__)


class StageState(StrEnum):
    """What became of a step of a product."""

    IDLE = "nothing to do"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class StageResult:
    """What became of a step of a product.

    Parameters
    ----------
    label
        Name of the subset of the pipeline.
    state
        What became of it.
    nQuanta
        Number of quanta that were run.
    reason
        Why it failed, in a line; of one that failed earlier, and was not tried again, how many quanta.
    """

    label: str
    state: StageState
    nQuanta: int = 0
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class ProductState:
    """What became of a product.

    Parameters
    ----------
    product
        Its name.
    exposures
        Ids of its exposures of the night.
    stages
        What became of its steps; none if there are no exposures.
    """

    product: str
    exposures: tuple[int, ...] = ()
    stages: tuple[StageResult, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Brings the results of a night up to date.

    Parameters
    ----------
    night
        The night.
    pipetask
        Runs what is to be run.
    folder
        Folder for logs and graphs, which exists.
    isRetrying
        Whether quanta that failed earlier are tried again even if there is nothing else to do.
    tell
        Told of each step, in a line.
    """

    night: Night
    pipetask: Pipetask
    folder: Path
    isRetrying: bool = False
    tell: Callable[[str], object] = field(default=_LOG.info)

    @cached_property
    def _pipeline(self) -> Pipeline:
        return Pipeline.from_uri(self.night.pipeline)

    def _makeGraph(self, product: str, steps: Sequence[Step]) -> PipelineGraph:
        """Make the graph of the tasks of steps."""
        labels = {step.label(product) for step in steps}
        return self._pipeline.subsetFromLabels(LabelSpecifier(labels=labels)).to_graph()

    def run(self, products: Sequence[str]) -> Iterator[ProductState]:
        """Verify products; whatever is wrong with one costs no more than itself.

        Parameters
        ----------
        products
            Names of the products.

        Yields
        ------
        state
            What became of each.

        Raises
        ------
        NightError
            Raised if the pipeline has not the steps of a product.
        """
        for product in products:
            if absent := {step.label(product) for step in STEPS} - set(self._pipeline.subsets):
                raise NightError(f"{self.night.pipeline} has no subset {', '.join(sorted(absent))}.")
        with Butler.from_config(self.night.repo, writeable=True) as butler:
            self.night.register(butler)
        for product in products:
            with Butler.from_config(self.night.repo) as butler:
                exposures = self.night.findExposures(butler, product)
            stages = tuple(self._runProduct(product)) if exposures else ()
            yield ProductState(product=product, exposures=tuple(exposures), stages=stages)

    def _runProduct(self, product: str) -> Iterator[StageResult]:
        for step in STEPS:
            yield self._tryStage(self.night, product, step)
            if step.isOfHistory:
                # The latest history has this night, too. Others in between are made when they are asked for.
                with Butler.from_config(self.night.repo) as butler:
                    later = self.night.findLater(butler)[:1]
                for night in later:
                    yield self._tryStage(night, product, step)

    def _tryStage(self, night: Night, product: str, step: Step) -> StageResult:
        """Run a step as far as it is not done, and tell what became of it."""
        label = step.label(product)
        try:
            result = self._runStage(night, product, step)
        except Exception as error:
            # Of pipelines, repositories and databases that are odd the middleware raises anything.
            _LOG.debug("%s failed.", label, exc_info=True)
            reason = f"{type(error).__name__}: {str(error).partition('\n')[0]}"
            result = StageResult(label=label, state=StageState.FAILED, reason=reason)
        noun = "quantum" if result.nQuanta == 1 else "quanta"
        number = f", {result.nQuanta} {noun}" if result.nQuanta else ""
        self.tell(f"{label} of {night.dayObs}: {result.state}{number}{result.reason and ': '}{result.reason}")
        return result

    def _runStage(self, night: Night, product: str, step: Step) -> StageResult:
        label = step.label(product)
        with Butler.from_config(night.repo, run=night.run, writeable=True) as butler:
            work = self._findWork(butler, night, product, step)
            if work is None:
                if step is STEPS[0] and not self._hasBegun(butler, label):
                    raise NightError("there is nothing to verify: the inputs have no such data")
                return StageResult(label=label, state=StageState.IDLE)
            n_quanta = len(work.graph)
            if not work.nOpen and not self.isRetrying:
                reason = f"{n_quanta} quanta failed earlier, or are blocked by such"
                return StageResult(label=label, state=StageState.FAILED, reason=reason)
            graph, log = self.folder / f"{label}.qg", self.folder / f"{label}.log"
            work.prepare(butler, graph)
            self._removeStale(butler, night, product, work)
        status = self.pipetask.run(night.repo, graph, night.run, log)
        if not status:
            return StageResult(label=label, state=StageState.DONE, nQuanta=n_quanta)
        lines = describeFailures(str(graph), night.repo)
        self.tell("\n".join([f"pipetask ended with status {status}, see {log}:", *lines]))
        reason = f"status {status}; {lines[0]}" if lines else f"status {status}; see {log}"
        return StageResult(label=label, state=StageState.FAILED, nQuanta=n_quanta, reason=reason)

    def _findWork(self, butler: Butler, night: Night, product: str, step: Step) -> Work | None:
        pipeline = self._makeGraph(product, [step])
        inputs = (night.output, *night.inputs) if step.isOfHistory else night.inputs
        where = night.history if step.isOfHistory else night.expression(product)
        return findWork(butler, pipeline, night.run, inputs, where, isLimited=not step.isOfHistory)

    def _hasBegun(self, butler: Butler, label: str) -> bool:
        """Tell whether any task of a step ever ran in this night."""
        types = findTypes(butler, self.night.run)
        return any(f"{task}_log" in types for task in self._pipeline.subsets[label])

    def _removeStale(self, butler: Butler, night: Night, product: str, work: Work) -> None:
        """Remove what is to be made anew if a graph is run, of this night and of the histories of later ones.

        This comes before the run: should it be broken off after that, what is removed is still to be made,
        whereas after the run nobody would know that it is out of date.
        """
        begun = [label for label, quanta in work.graph.quanta_by_task.items() if quanta]
        pipeline = self._makeGraph(product, STEPS)
        labels = findLabels(pipeline, begun)
        of_history = {
            label
            for step in STEPS
            if step.isOfHistory
            for label in self._pipeline.subsets[step.label(product)]
        }
        stale = findStale(butler, pipeline, work.graph, night.run, labels)
        for later in night.findLater(butler):
            stale += findStale(butler, pipeline, work.graph, later.run, labels & of_history)
        if stale:
            self.tell(f"{len(stale)} datasets are out of date, and are made anew.")
            butler.pruneDatasets(stale, disassociate=True, unstore=True, purge=True)
