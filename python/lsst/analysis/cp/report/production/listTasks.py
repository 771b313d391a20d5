# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What each task should have made, and what it made, over all RUN collections."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsst.analysis.cp.report.model import Missing, Problem, QuantumState, TaskReport
from lsst.daf.butler import MissingCollectionError

from .attempts import Attempt, Outcome, resolveAttempts
from .datasets import findRuns, findTaskDatasets
from .graphs import RunGraph, readGraph, readStoredGraph
from .reader import Reader
from .runQuanta import RunQuanta, describeBriefly, followGraph, guessQuanta

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, CollectionInfo, DataCoordinate
    from lsst.resources import ResourcePathExpression

__all__ = ["Production", "listTasks"]


@dataclass(frozen=True, kw_only=True)
class Production:
    """What was expected of pipelines, and what they made.

    Parameters
    ----------
    tasks
        The tasks, in the order of the pipeline where graphs tell it.
    problems
        Graphs, logs and metadata that could not be read.
    """

    tasks: tuple[TaskReport, ...] = ()
    problems: tuple[Problem, ...] = ()


def listTasks(
    butler: Butler,
    collections: Iterable[str],
    graphs: Sequence[ResourcePathExpression] = (),
    *,
    instrument: str | None = None,
) -> Production:
    """List tasks: what they should have made, what they made, and what failed with which exception.

    Quanta are counted as ``pipetask report`` does. Expected is what the graphs have, or the provenance that
    is stored in a RUN collection; where there is neither, what logs and metadata tell, which may be too
    little: the number is then not exact. No log of a quantum that succeeded is read.

    Parameters
    ----------
    butler
        Butler of the repository; it may be read only.
    collections
        Names of collections, those searched first before others: the latest attempt first.
    graphs
        Files of quantum graphs, as ``pipetask --save-qgraph`` writes them, in any order.
    instrument
        Name of the instrument whose quanta are listed, beside those of no instrument; all if None.

    Returns
    -------
    production
        The tasks; what could not be read is among its problems.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError
        Raised if there is no such collection.
    ValueError
        Raised if a graph is not of one of the collections, or of another repository.
    """
    runs = findRuns(butler, collections)
    reader = Reader(butler)
    by_run = _readGraphs(butler, runs, graphs, reader.problems)
    of_runs = []
    for run in runs:
        tasks = findTaskDatasets(butler, run)
        if by_run[run.name]:
            held = run.dataset_types or ()
            of_runs.append(followGraph(butler, run.name, held, tasks, by_run[run.name], reader))
        elif tasks:
            of_runs.append(guessQuanta(run.name, tasks, reader))
    if instrument is not None:
        of_runs = [quanta.select(instrument) for quanta in of_runs]
    names = _readDetectorNames(butler, of_runs)
    reports = tuple(
        _reportTask(label, [run for run in of_runs if label in run.attempts], reader, names)
        for label in dict.fromkeys(label for run in reversed(of_runs) for label in run.attempts)
    )
    return Production(tasks=reports, problems=tuple(reader.problems))


def _readGraphs(
    butler: Butler,
    runs: Sequence[CollectionInfo],
    graphs: Sequence[ResourcePathExpression],
    problems: list[Problem],
) -> Mapping[str, list[RunGraph]]:
    """Read the graphs of each RUN collection, given ones before stored ones."""
    found: dict[str, list[RunGraph]] = {run.name: [] for run in runs}
    for uri in graphs:
        try:
            graph = readGraph(uri)
        except Exception as error:
            problems.append(Problem(dataset=str(uri), reason=f"{type(error).__name__}: {error}"))
            continue
        _checkGraph(butler, graph, uri, found)
        found[graph.run].append(graph)
    for run, given in found.items():
        if not given:
            try:
                stored = readStoredGraph(butler, run)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                problems.append(Problem(dataset=f"run_provenance in {run}", reason=reason))
                continue
            given.extend([stored] if stored else [])
    return found


def _checkGraph(butler: Butler, graph: RunGraph, uri: ResourcePathExpression, runs: Iterable[str]) -> None:
    """Raise if a graph is not one of these RUN collections in this repository."""
    if graph.run not in runs:
        try:
            butler.collections.get_info(graph.run)
        except MissingCollectionError as error:
            raise ValueError(
                f"The quantum graph {uri} is of the RUN collection {graph.run}, which this repository has "
                "not: it is of another repository, or was never run."
            ) from error
        raise ValueError(
            f"The quantum graph {uri} is of the RUN collection {graph.run}, which is not in the collections "
            f"that are reported: {', '.join(runs) or 'none'}."
        )
    stored = {
        name: ref.id
        for name in graph.initOutputs
        if (ref := butler.find_dataset(name, collections=graph.run)) is not None
    }
    if stored and all(graph.initOutputs[name] != identifier for name, identifier in stored.items()):
        raise ValueError(
            f"The quantum graph {uri} is not the one of {graph.run} here, though its name is the same: "
            f"{next(iter(stored))} is another dataset. It is of another repository, or that collection was "
            "made anew."
        )


def _readDetectorNames(butler: Butler, runs: Iterable[RunQuanta]) -> dict[tuple[str, int], str]:
    """Read the names of the detectors of all instruments whose tasks have any."""
    instruments = {
        str(data_id["instrument"])
        for run in runs
        for quanta in run.attempts.values()
        for data_id in quanta
        if "detector" in data_id.dimensions
    }
    return {
        (instrument, record.id): record.full_name
        for instrument in sorted(instruments)
        for record in butler.query_dimension_records("detector", instrument=instrument, explain=False)
    }


def _reportTask(
    label: str, runs: Sequence[RunQuanta], reader: Reader, names: Mapping[tuple[str, int], str]
) -> TaskReport:
    """Bring together what the RUN collections tell of a task."""
    attempts: dict[DataCoordinate, list[Attempt]] = defaultdict(list)
    for run in runs:
        for data_id, attempt in run.attempts[label].items():
            attempts[data_id].append(attempt)
    missing: list[Missing] = []
    states: Counter[QuantumState] = Counter()
    caveats: Counter[str] = Counter()
    expected: Counter[int] = Counter()
    succeeded: Counter[int] = Counter()
    n_recovered = 0
    for data_id in sorted(attempts):
        outcome = resolveAttempts(attempts[data_id])
        state = outcome.attempt.state
        states[state] += 1
        n_recovered += outcome.isRecovered
        caveats.update(outcome.attempt.caveats)
        if "detector" in data_id.dimensions:
            expected[int(data_id["detector"])] += 1
            succeeded[int(data_id["detector"])] += state is QuantumState.SUCCEEDED
        if state is not QuantumState.SUCCEEDED:
            missing.append(_describeMissing(data_id, outcome, reader, names))
    if not attempts:
        missing.append(_describeUnknown())
        states[QuantumState.NOT_YET] = 1
    return TaskReport(
        task=label,
        nExpected=states.total(),
        nSucceeded=states[QuantumState.SUCCEEDED],
        nFailed=states[QuantumState.FAILED],
        nBlocked=states[QuantumState.BLOCKED],
        nNotYet=states[QuantumState.NOT_YET],
        nLost=states[QuantumState.LOST],
        nRecovered=n_recovered,
        nExpectedSource="; ".join(dict.fromkeys(run.source for run in runs)),
        isExact=all(run.isExact for run in runs),
        nExpectedOfDetector=dict(expected),
        nSucceededOfDetector=dict(succeeded),
        missing=tuple(missing),
        caveats=dict(caveats),
    )


def _describeUnknown() -> Missing:
    """Stand for the quanta of a task of which nothing is known but that it was to run."""
    return Missing(
        dataId="not known",
        detector=-1,
        exposure=-1,
        state=QuantumState.NOT_YET,
        reason="nothing of this task started: how many quanta it has is not known, one at least is expected",
    )


def _describeMissing(
    data_id: DataCoordinate, outcome: Outcome, reader: Reader, names: Mapping[tuple[str, int], str]
) -> Missing:
    attempt = outcome.attempt
    reason = _explain(attempt, reader)
    if outcome.failed is not None:
        earlier = f"it failed in {outcome.failed.run}: {_explain(outcome.failed, reader)}"
        reason = f"{reason}; {earlier}" if reason else earlier
    values = data_id.required
    words = describeBriefly(data_id)
    if "detector" in values:
        name = names.get((str(values["instrument"]), int(values["detector"])))
        place = f"detector {values['detector']}"
        words = words.replace(place, f"{place} ({name})") if name else words
    return Missing(
        dataId=words,
        detector=int(values["detector"]) if "detector" in values else -1,
        exposure=next((int(values[name]) for name in ("exposure", "visit") if name in values), -1),
        state=attempt.state,
        reason=reason,
        run=attempt.run,
    )


def _explain(attempt: Attempt, reader: Reader) -> str:
    """Say why a quantum did not succeed; its log is read where nothing else tells it."""
    if attempt.reason or attempt.state is not QuantumState.FAILED or attempt.log is None:
        return attempt.reason
    return reader.readFailure(attempt.log)
