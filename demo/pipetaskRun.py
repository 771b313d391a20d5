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
            names = {record.id: record.full_name for record in butler.query_dimension_records("detector")}
        dimensions = {
            label: set(task.dimensions.names)
            for label, task in graph.tasks.items()
            if label not in self.excludedTasks
        }
        viewed = [i for i, name in names.items() if not self.viewedDetectors or name in self.viewedDetectors]
        if len(names) == 1:
            return self._planWhole(dimensions)
        return self._planShares(dimensions, sorted(names), sorted(viewed), processes)

    def _planWhole(self, dimensions: dict[str, set[str]]) -> list[Stage]:
        """Run all tasks at once, as starts of processes would take longer than what these share."""
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
        inputs = ",".join([*runs, self.inputCollection])
        merges = [
            [*self._command(tasks.merges, inputs), "-o", self.outputCollection],
            [*self._command(tasks.mosaics, inputs), "--output-run", self._mosaicRun],
        ]
        of_run = [[*self._command(tasks.ofRun, inputs), "-o", self.outputCollection]] if tasks.ofRun else []
        inputs = f"{self.outputCollection},{self._mosaicRun},{inputs}"
        structures = self._command(tasks.structures, inputs, _makeQuery(self.viewedDetectors))
        structures += ["--output-run", self._structureRun]
        inputs = f"{self._structureRun},{inputs}"
        views = [
            self._command(tasks.detectorViews, inputs, share) for share in _shareDetectors(viewed, processes)
        ]
        for label in tasks.views:
            shown = self.ofViewedRaft if label.endswith("Raft") else self.viewedDetectors
            views.append(self._command([label], inputs, _makeQuery(shown)))
        numbered = [
            [*command, "--output-run", f"{self.outputCollection}/views{i}"] for i, command in enumerate(views)
        ]
        shared = [
            ("simulating and verifying", verified, tasks.detectors, detectors),
            ("summing up and drawing maps", merges, [*tasks.merges, *tasks.mosaics], detectors),
            ("looking for structures", [structures, *of_run], [*tasks.structures, *tasks.ofRun], detectors),
            ("looking at images", numbered, [*tasks.detectorViews, *tasks.views], viewed),
        ]
        return [
            Stage(words, commands, self._countSteps(dimensions, labels, len(of)))
            for words, commands, labels, of in shared
        ]

    def finish(self) -> None:
        """Show all outputs in the output collection."""
        with Butler.from_config(str(self.repository), writeable=True) as butler:
            # Those of what ran with an output run of its own.
            made = set(butler.collections.query(f"{self.outputCollection}/*"))
            views = sorted(name for name in made if name.startswith(f"{self.outputCollection}/views"))
            runs = [run for run in (self._mosaicRun, self._structureRun) if run in made]
            butler.collections.extend_chain(self.outputCollection, [*runs, *views])

    @property
    def _mosaicRun(self) -> str:
        return f"{self.outputCollection}/mosaics"

    @property
    def _structureRun(self) -> str:
        return f"{self.outputCollection}/structures"

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
        selected = f"exposure IN ({', '.join(map(str, self.exposures))})"
        return [*command, "-i", inputs, "-d", f"{selected} AND {query}" if query else selected]

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
