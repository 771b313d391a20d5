# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What became of the quanta of one RUN collection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from lsst.analysis.cp.report.model import QuantumState

from .attempts import Attempt
from .datasets import findBegin, queryByDataId
from .predict import predictQuanta
from .reasons import Told

if TYPE_CHECKING:
    import uuid

    from lsst.daf.butler import Butler, DataCoordinate, DatasetRef

    from .datasets import TaskDatasets
    from .graphs import RunGraph
    from .reader import Reader

__all__ = ["RunQuanta", "describeBriefly", "followGraph", "guessQuanta"]

_FAILING = (QuantumState.FAILED, QuantumState.BLOCKED)


@dataclass(frozen=True, kw_only=True)
class RunQuanta:
    """Attempts in one RUN collection.

    Parameters
    ----------
    attempts
        What became of each quantum, by label of the task and data ID, in the order of the pipeline.
    source
        What the number of quanta rests on, in words.
    isExact
        Whether all quanta are known.
    """

    attempts: Mapping[str, Mapping[DataCoordinate, Attempt]]
    source: str
    isExact: bool

    def select(self, instrument: str) -> RunQuanta:
        """Select the quanta of an instrument, and those of none; tasks that have others only are left out."""
        attempts = {}
        for label, quanta in self.attempts.items():
            chosen = {
                data_id: attempt
                for data_id, attempt in quanta.items()
                if "instrument" not in data_id.dimensions or data_id["instrument"] == instrument
            }
            if chosen or not quanta:
                attempts[label] = chosen
        return replace(self, attempts=attempts)


def guessQuanta(run: str, tasks: Mapping[str, TaskDatasets], reader: Reader) -> RunQuanta:
    """Find what became of the quanta of a RUN collection of which there is no graph.

    Parameters
    ----------
    run
        The collection.
    tasks
        What it holds of each task.
    reader
        Reads metadata.

    Returns
    -------
    quanta
        Attempts; those that were predicted only are "not yet". Tasks of more dimensions come first, of those
        of equal ones those that began first.
    """
    attempts = {}
    for label, data_ids in predictQuanta(tasks).items():
        task = tasks[label]
        has_detector = "detector" in task.dimensions
        attempts[label] = {
            data_id: _started(run, label, task, data_id, reader if not has_detector else None)
            or Attempt(run=run, state=QuantumState.NOT_YET, isGuessed=True)
            for data_id in data_ids
        }
    begin = {label: findBegin(reader.butler, label, tasks[label], run) for label in attempts}
    order = sorted(attempts, key=lambda label: (-len(tasks[label].dimensions.required), begin[label], label))
    return RunQuanta(
        attempts={label: attempts[label] for label in order},
        source=f"logs and metadata in {run}: the exposures and detectors that its tasks started with",
        isExact=False,
    )


def _started(
    run: str, label: str, task: TaskDatasets, data_id: DataCoordinate, reader: Reader | None
) -> Attempt | None:
    """Find what became of a quantum by its log and metadata; None if there is neither.

    Caveats are read if a reader is given.
    """
    log, metadata = task.logs.get(data_id), task.metadata.get(data_id)
    if metadata is not None:
        caveats = reader.readMetadata(metadata, label).caveats if reader else ()
        if log is None and task.hasLogs:
            caveats = (*caveats, "its log is absent")
        return Attempt(run=run, state=QuantumState.SUCCEEDED, caveats=caveats, log=log)
    return None if log is None else Attempt(run=run, state=QuantumState.FAILED, log=log)


@dataclass
class _Follower:
    """Goes through the quanta of graphs in the order in which they are to run."""

    butler: Butler
    run: str
    held: frozenset[str]
    tasks: Mapping[str, TaskDatasets]
    reader: Reader
    attempts: dict[str, dict[DataCoordinate, Attempt]] = field(default_factory=dict)
    causes: dict[uuid.UUID, str] = field(default_factory=dict)
    datasets: dict[str, Mapping[DataCoordinate, DatasetRef]] = field(default_factory=dict)

    def follow(self, graph: RunGraph) -> None:
        """Add what became of the quanta of a graph, and what failures block."""
        places = {
            identifier: (label, data_id)
            for label, quanta in graph.quanta.items()
            for data_id, identifier in quanta.items()
        }
        for label in graph.quanta:
            self.attempts.setdefault(label, {})
        for identifier in TopologicalSorter(graph.needs).static_order():
            label, data_id = places[identifier]
            attempt = self._findAttempt(graph, identifier, label, data_id)
            if attempt.state is QuantumState.FAILED:
                self.causes[identifier] = f"{label} failed for {describeBriefly(data_id)}"
            elif attempt.state is QuantumState.BLOCKED:
                self.causes[identifier] = attempt.reason
            known = self.attempts[label].get(data_id)
            if known is None or known.state is QuantumState.NOT_YET:
                self.attempts[label][data_id] = attempt

    def _findAttempt(
        self, graph: RunGraph, identifier: uuid.UUID, label: str, data_id: DataCoordinate
    ) -> Attempt:
        task = self.tasks.get(label)
        attempt = _started(self.run, label, task, data_id, None) if task else None
        told = graph.told.get(identifier, Told())
        if attempt is None:
            for needed in graph.needs[identifier]:
                if needed in self.causes:
                    return Attempt(run=self.run, state=QuantumState.BLOCKED, reason=self.causes[needed])
            return Attempt(run=self.run, state=QuantumState.NOT_YET)
        if attempt.state is QuantumState.FAILED:
            return Attempt(run=self.run, state=attempt.state, reason=told.exception, log=attempt.log)
        assert task is not None
        return self._checkOutputs(graph, label, data_id, attempt, task.metadata[data_id], told)

    def _checkOutputs(
        self,
        graph: RunGraph,
        label: str,
        data_id: DataCoordinate,
        attempt: Attempt,
        metadata: DatasetRef,
        told: Told,
    ) -> Attempt:
        """Look whether a quantum that succeeded wrote all; its metadata, if read, tell why if it did not."""
        absent = [name for name in graph.outputs[label] if data_id not in self._query(name)]
        if absent or ("detector" not in data_id.dimensions and not graph.told):
            told = self.reader.readMetadata(metadata, label)
        caveats = (*attempt.caveats, *told.caveats)
        state, reason = attempt.state, ""
        if absent and not told.isMissingAllowed:
            state, reason = QuantumState.LOST, f"it wrote {', '.join(absent)}, which is not there now"
        elif absent and not told.caveats:
            caveats = (*caveats, f"without {', '.join(absent)}; why is not known")
        return Attempt(run=self.run, state=state, reason=reason, caveats=caveats, log=attempt.log)

    def _query(self, datasetType: str) -> Mapping[DataCoordinate, DatasetRef]:
        if datasetType not in self.datasets:
            found = queryByDataId(self.butler, datasetType, self.run) if datasetType in self.held else {}
            self.datasets[datasetType] = found
        return self.datasets[datasetType]

    def addOthers(self) -> int:
        """Add the quanta that started and are in no graph; return their number."""
        number = 0
        for label, task in self.tasks.items():
            known = self.attempts.setdefault(label, {})
            for data_id in sorted(task.started - set(known)):
                attempt = _started(self.run, label, task, data_id, None)
                assert attempt is not None
                known[data_id] = attempt
                number += 1
        return number


def followGraph(
    butler: Butler,
    run: str,
    held: Iterable[str],
    tasks: Mapping[str, TaskDatasets],
    graphs: Sequence[RunGraph],
    reader: Reader,
) -> RunQuanta:
    """Find what became of the quanta of graphs of one RUN collection.

    Parameters
    ----------
    butler
        Butler of the repository.
    run
        The collection.
    held
        Dataset types that it holds.
    tasks
        What it holds of each task.
    graphs
        Its graphs.
    reader
        Reads metadata.

    Returns
    -------
    quanta
        Attempts. A quantum that started in no graph's name is among them, and makes the number inexact.
    """
    follower = _Follower(butler, run, frozenset(held), tasks, reader)
    for graph in graphs:
        follower.follow(graph)
    n_others = follower.addOthers()
    source = " and ".join(graph.source for graph in graphs)
    if n_others:
        source += f", and {n_others} more with logs or metadata in {run}"
    attempts = {label: quanta for label, quanta in follower.attempts.items() if quanta}
    return RunQuanta(attempts=attempts, source=source, isExact=not n_others)


def describeBriefly(data_id: DataCoordinate) -> str:
    """Name the exposure and detector of a quantum."""
    names = [name for name in ("exposure", "visit", "detector") if name in data_id.dimensions.required]
    names += [name for name in data_id.dimensions.required if name not in (*names, "instrument")]
    return ", ".join(f"{name} {data_id[name]}" for name in names) or str(data_id["instrument"])
