# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""One pipeline run by ``pipetask`` on several cores, in stages.

A camera of one detector is one ``pipetask run``. Else quanta of detectors are dealt out to as many of them as
there are cores, each with its own output run. Mosaics and the merges of exposures follow side by
side, with these runs as inputs; then the search for structures, and the merges of the run; and then the views
of images, which mark these structures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stages import Stage

from lsst.daf.butler import Butler
from lsst.pipe.base import Pipeline

__all__ = ["PipetaskRun"]

_EPOCHS = {"exposure", "visit"}
"""Dimensions of what is made anew with each exposure."""


@dataclass(frozen=True, kw_only=True)
class _Labels:
    """Labels of tasks by what runs together."""

    detectors: list[str]
    mosaics: list[str]
    merges: list[str]
    ofRun: list[str]
    structures: list[str]
    detectorViews: list[str]
    views: list[str]


@dataclass(frozen=True)
class PipetaskRun:
    """A pipeline, and where its inputs and outputs are.

    Parameters
    ----------
    repository
        Root of the Butler repository.
    pipeline
        Pipeline file.
    inputCollection, outputCollection
        Collections.
    exposures
        Ids of the exposures, of those in the repository.
    configFiles
        Overrides of a task's configuration by label.
    excludedTasks
        Labels of tasks that are left out.
    viewedDetectors
        Names of the detectors of which there are views; all if there are none.
    viewedRaft
        The only raft of which there is a view; if empty, there is one of each raft with such detectors.
    pipelineOnDemand
        File of the pipeline of what is drawn on demand from the outputs.
    tasksOnDemand
        Labels of its tasks that are run; if there are none, nothing is.
    """

    repository: Path
    pipeline: Path
    inputCollection: str
    outputCollection: str
    exposures: tuple[int, ...]
    configFiles: dict[str, Path] = field(default_factory=dict)
    excludedTasks: tuple[str, ...] = ()
    viewedDetectors: tuple[str, ...] = ()
    viewedRaft: str = ""
    pipelineOnDemand: Path | None = None
    tasksOnDemand: tuple[str, ...] = ()

    def plan(self, processes: int) -> list[Stage]:
        """Register what all tasks make, and say what is to be run, one stage after another.

        Parameters
        ----------
        processes
            Number of processes that share the detectors.

        Returns
        -------
        stages
            The stages. `finish` comes after the last.
        """
        with Butler.from_config(str(self.repository), writeable=True) as butler:
            graph = Pipeline.from_uri(str(self.pipeline)).to_graph(butler.registry)
            # Here, once: two processes that register at the same time would lock each other out.
            graph.register_dataset_types(butler)
            on_demand: dict[str, set[str]] = {}
            if self.tasksOnDemand:
                wanted = f"{self.pipelineOnDemand}#{','.join(self.tasksOnDemand)}"
                drawn = Pipeline.from_uri(wanted).to_graph(butler.registry)
                drawn.register_dataset_types(butler)
                on_demand = {label: set(task.dimensions.names) for label, task in drawn.tasks.items()}
            names = {record.id: record.full_name for record in butler.query_dimension_records("detector")}
        dimensions = {
            label: set(task.dimensions.names)
            for label, task in graph.tasks.items()
            if label not in self.excludedTasks
        }
        viewed = [i for i, name in names.items() if not self.viewedDetectors or name in self.viewedDetectors]
        stages = (
            self._planWhole(dimensions)
            if len(names) == 1
            else self._planShares(dimensions, sorted(names), sorted(viewed), processes)
        )
        return [*stages, self._planOnDemand(on_demand, viewed)] if on_demand else stages

    def _planWhole(self, dimensions: dict[str, set[str]]) -> list[Stage]:
        """Run all tasks of the one detector at once: there is nothing to share."""
        command = [*self._command(list(dimensions), self.inputCollection), "-o", self.outputCollection]
        return [
            Stage("simulating, verifying and drawing", [command], self._countSteps(dimensions, dimensions, 1))
        ]

    def _planShares(
        self, dimensions: dict[str, set[str]], detectors: list[int], viewed: list[int], processes: int
    ) -> list[Stage]:
        """Share detectors between processes."""
        tasks = _splitLabels(dimensions)
        queries = _shareDetectors(detectors, processes)
        runs = [f"{self.outputCollection}/detectors{i}" for i in range(len(queries))]
        verified = [
            [*self._command(tasks.detectors, self.inputCollection, query), "--output-run", run]
            for run, query in zip(runs, queries, strict=True)
        ]
        inputs, output = ",".join([*runs, self.inputCollection]), ("-o", self.outputCollection)
        merges = self._listCommands(tasks.merges, inputs, output)
        merges += self._listCommands(tasks.mosaics, inputs, ("--output-run", self._mosaicRun))
        of_run = self._listCommands(tasks.ofRun, inputs, output)
        inputs = f"{self.outputCollection},{self._mosaicRun},{inputs}"
        shown, run = _makeQuery(self.viewedDetectors), ("--output-run", self._structureRun)
        structures = self._listCommands(tasks.structures, inputs, run, shown)
        inputs = f"{self._structureRun},{inputs}"
        viewing = [(tasks.detectorViews, share) for share in _shareDetectors(viewed, processes)]
        viewing += [
            ([label], _makeQuery(self.ofViewedRaft) if label.endswith("Raft") else shown)
            for label in tasks.views
        ]
        views = [
            command
            for i, (labels, query) in enumerate(viewing)
            for command in self._listCommands(labels, inputs, ("--output-run", self._viewRun(i)), query)
        ]
        words = "looking for structures" if structures else "summing up and drawing maps"
        shared = [
            ("simulating and verifying", verified, tasks.detectors, detectors),
            ("summing up and drawing maps", merges, [*tasks.merges, *tasks.mosaics], detectors),
            (words, [*structures, *of_run], [*tasks.structures, *tasks.ofRun], detectors),
            ("looking at images", views, [*tasks.detectorViews, *tasks.views], viewed),
        ]
        return [
            Stage(words, commands, self._countSteps(dimensions, labels, len(of)))
            for words, commands, labels, of in shared
            if commands
        ]

    def _planOnDemand(self, dimensions: dict[str, set[str]], viewed: list[int]) -> Stage:
        """Draw what is looked at on demand; where detectors are chosen, only what shows a detector."""
        labels = [
            label for label in dimensions if not self.viewedDetectors or "detector" in dimensions[label]
        ]
        command = ["pipetask", "run", "-b", str(self.repository)]
        command += ["-p", f"{self.pipelineOnDemand}#{','.join(labels)}"]
        command += [
            "-i",
            f"{self.outputCollection},{self.inputCollection}",
            "--output-run",
            self._onDemandRun,
        ]
        if self.viewedDetectors:
            command += ["-d", _makeQuery(self.viewedDetectors)]
        return Stage(
            "drawing what is looked at on demand",
            [command],
            self._countSteps(dimensions, labels, len(viewed)),
        )

    def finish(self) -> None:
        """Show all outputs in the output collection."""
        with Butler.from_config(str(self.repository), writeable=True) as butler:
            # Those of what ran with an output run of its own.
            made = set(butler.collections.query(f"{self.outputCollection}/*"))
            views = sorted(name for name in made if name.startswith(self._viewRun("")))
            others = (self._mosaicRun, self._structureRun, self._onDemandRun)
            runs = [run for run in others if run in made]
            butler.collections.extend_chain(self.outputCollection, [*runs, *views])

    def _viewRun(self, number: int | str) -> str:
        return f"{self.outputCollection}/views{number}"

    @property
    def _mosaicRun(self) -> str:
        return f"{self.outputCollection}/mosaics"

    @property
    def _structureRun(self) -> str:
        return f"{self.outputCollection}/structures"

    @property
    def _onDemandRun(self) -> str:
        return f"{self.outputCollection}/onDemand"

    @property
    def ofViewedRaft(self) -> tuple[str, ...]:
        """Those of the viewed detectors that views of rafts show."""
        raft = self.viewedRaft
        return tuple(name for name in self.viewedDetectors if not raft or name.partition("_")[0] == raft)

    def _command(self, labels: Sequence[str], inputs: str, query: str = "") -> list[str]:
        command = ["pipetask", "run", "-b", str(self.repository), "-p", f"{self.pipeline}#{','.join(labels)}"]
        for label, file in self.configFiles.items():
            if label in labels:
                command += ["-C", f"{label}:{file}"]
        selected = f"exposure IN ({', '.join(map(str, self.exposures))})" if self.exposures else ""
        where = " AND ".join(filter(None, (selected, query)))
        return [*command, "-i", inputs, *(("-d", where) if where else ())]

    def _listCommands(
        self, labels: Sequence[str], inputs: str, output: tuple[str, str], query: str = ""
    ) -> list[list[str]]:
        """List the command that runs tasks; none if there are no tasks."""
        return [[*self._command(labels, inputs, query), *output]] if labels else []

    def _countSteps(self, dimensions: dict[str, set[str]], labels: Iterable[str], nDetectors: int) -> int:
        """Count quanta. A visit has one exposure."""
        return sum(
            (nDetectors if "detector" in dimensions[label] else 1)
            * (len(self.exposures) if dimensions[label] & _EPOCHS else 1)
            for label in labels
        )


def _splitLabels(dimensions: dict[str, set[str]]) -> _Labels:
    """Find what runs together, from the dimensions of each task."""
    views = [label for label in dimensions if label.startswith("view")]
    structures = [label for label in views if label.endswith("Residual")]
    of_detectors = [label for label, names in dimensions.items() if "detector" in names]
    mosaics = [label for label in dimensions if label.startswith("mosaic")]
    merges = [label for label in dimensions if label not in {*views, *of_detectors, *mosaics}]
    return _Labels(
        detectors=[label for label in of_detectors if label not in views],
        mosaics=mosaics,
        merges=[label for label in merges if dimensions[label] & _EPOCHS],
        ofRun=[label for label in merges if not dimensions[label] & _EPOCHS],
        structures=structures,
        detectorViews=[label for label in views if label in of_detectors],
        views=[label for label in views if label not in {*of_detectors, *structures}],
    )


def _makeQuery(names: Sequence[str]) -> str:
    """Make the query that selects some detectors by name; none for all of them."""
    listed = ", ".join(f"'{name}'" for name in names)
    return f"detector.full_name IN ({listed})" if listed else ""


def _shareDetectors(detectors: list[int], processes: int) -> list[str]:
    """Make a data query for each process."""
    shares = [detectors[i::processes] for i in range(processes)]
    return [f"detector IN ({', '.join(map(str, share))})" for share in shares if share]
