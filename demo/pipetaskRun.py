# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""One pipeline run by ``pipetask`` on several cores, in stages.

Quanta of detectors are dealt out to as many ``pipetask run`` processes as there are cores, each with its own
output run. Mosaics and the merges of exposures follow side by side, with these runs as inputs; then the
search for structures, and the merges of the run; and then the views of images, which mark these structures.
"""

from __future__ import annotations

import itertools
import math
import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from progress import Progress

from lsst.daf.butler import Butler
from lsst.pipe.base import Pipeline

__all__ = ["PipetaskError", "PipetaskRun", "Stage"]

_EXECUTED = re.compile(r"Executed (\d+) quanta successfully, (\d+) failed and (\d+) remain")

_ALLOCATION = {
    # Images come and go by the hundred megabytes: keep their memory instead of giving it back to the system.
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
}


class PipetaskError(RuntimeError):
    """A command of the middleware failed."""


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
class Stage:
    """Commands that run side by side.

    Parameters
    ----------
    words
        What they do, for people.
    commands
        The commands.
    nSteps
        Number of quanta.
    """

    words: str
    commands: list[list[str]]
    nSteps: int

    def execute(self, processes: int, logs: Path, progress: Progress) -> None:
        """Run the commands, as many at a time as there are processes.

        Parameters
        ----------
        processes
            Number of processes.
        logs
            Directory of the logs.
        progress
            Grows by the number of steps.

        Raises
        ------
        PipetaskError
            Raised if a command fails, with the end of its log.
        """
        logs.mkdir(parents=True, exist_ok=True)
        start, done = progress.step, 0
        files = [logs / f"{'-'.join(self.words.split())}-{i}.log" for i in range(len(self.commands))]
        for share in itertools.batched(zip(self.commands, files, strict=True), processes):
            running: list[subprocess.Popen[bytes]] = []
            try:
                for command, log in share:
                    with log.open("w") as stream:
                        running.append(
                            subprocess.Popen(
                                command, stdout=stream, stderr=subprocess.STDOUT, env=_ALLOCATION | os.environ
                            )
                        )
                while any(process.poll() is None for process in running):
                    time.sleep(0.5)
                    executed = done + sum(_countQuanta(log) for _, log in share)
                    progress.reach(start + min(executed, self.nSteps))
            finally:
                for process in running:
                    process.terminate()
            done += sum(_countQuanta(log) for _, log in share)
            for process, (_, log) in zip(running, share, strict=True):
                if process.returncode != 0:
                    tail = "\n".join(log.read_text().splitlines()[-15:])
                    raise PipetaskError(f"{self.words}: failed; the end of {log}:\n{tail}")
        progress.reach(start + self.nSteps)


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
    configFiles
        Overrides of a task's configuration by label.
    viewedDetectors
        Names of the detectors of which there are views; all if there are none.
    viewedRaft
        The only raft of which there is a view; if empty, there is one of each raft with such detectors.
    """

    repository: Path
    pipeline: Path
    inputCollection: str
    outputCollection: str
    configFiles: dict[str, Path] = field(default_factory=dict)
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
            ids = {
                name: sorted(record.id for record in butler.query_dimension_records(name))
                for name in ("detector", "exposure")
            }
            viewed = [
                record.id
                for record in butler.query_dimension_records("detector")
                if not self.viewedDetectors or record.full_name in self.viewedDetectors
            ]
        dimensions = {label: set(task.dimensions.names) for label, task in graph.tasks.items()}
        tasks = _splitLabels(dimensions)
        sizes = {name: len(values) for name, values in ids.items()}
        of_views = sizes | {"detector": len(viewed)}
        queries = _shareQuanta(ids, processes)
        runs = [f"{self.outputCollection}/detectors{i}" for i in range(len(queries))]
        detectors = [
            [*self._command(tasks.detectors, self.inputCollection), "--output-run", run, "-d", query]
            for run, query in zip(runs, queries, strict=True)
        ]
        inputs = ",".join([*runs, self.inputCollection])
        merges = [
            [*self._command(tasks.merges, inputs), "-o", self.outputCollection],
            [*self._command(tasks.mosaics, inputs), "--output-run", self._mosaicRun],
        ]
        of_run = [*self._command(tasks.ofRun, inputs), "-o", self.outputCollection]
        inputs = f"{self.outputCollection},{self._mosaicRun},{inputs}"
        structures = self._command(tasks.structures, inputs)
        structures += ["--output-run", self._structureRun, *_makeQuery(self.viewedDetectors)]
        inputs = f"{self._structureRun},{inputs}"
        shares = _shareQuanta(ids | {"detector": viewed}, processes)
        views = [(self._command(tasks.detectorViews, inputs), ["-d", share]) for share in shares]
        for label in tasks.views:
            shown = self.ofViewedRaft if label.endswith("Raft") else self.viewedDetectors
            views.append((self._command([label], inputs), _makeQuery(shown)))
        numbered = [
            [*command, "--output-run", f"{self.outputCollection}/views{i}", *query]
            for i, (command, query) in enumerate(views)
        ]
        return [
            Stage("simulating and verifying", detectors, _countSteps(tasks.detectors, dimensions, sizes)),
            Stage(
                "summing up and drawing maps",
                merges,
                _countSteps([*tasks.merges, *tasks.mosaics], dimensions, sizes),
            ),
            Stage(
                "looking for structures",
                [structures, of_run],
                _countSteps([*tasks.structures, *tasks.ofRun], dimensions, sizes),
            ),
            Stage(
                "looking at images",
                numbered,
                _countSteps([*tasks.detectorViews, *tasks.views], dimensions, of_views),
            ),
        ]

    def finish(self) -> None:
        """Show all outputs in the output collection."""
        with Butler.from_config(str(self.repository), writeable=True) as butler:
            views = sorted(butler.collections.query(f"{self.outputCollection}/views*"))
            runs = [self._mosaicRun, self._structureRun, *views]
            butler.collections.extend_chain(self.outputCollection, runs)

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

    def _command(self, labels: Sequence[str], inputs: str) -> list[str]:
        command = ["pipetask", "run", "-b", str(self.repository), "-p", f"{self.pipeline}#{','.join(labels)}"]
        for label, file in self.configFiles.items():
            if label in labels:
                command += ["-C", f"{label}:{file}"]
        return [*command, "-i", inputs]


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
        merges=[label for label in merges if "exposure" in dimensions[label]],
        ofRun=[label for label in merges if "exposure" not in dimensions[label]],
        structures=structures,
        detectorViews=[label for label in views if label in of_detectors],
        views=[label for label in views if label not in {*of_detectors, *structures}],
    )


def _makeQuery(names: Sequence[str]) -> list[str]:
    """Make the option that selects some detectors by name; none for all of them."""
    listed = ", ".join(f"'{name}'" for name in names)
    return ["-d", f"detector.full_name IN ({listed})"] if listed else []


def _shareQuanta(ids: dict[str, list[int]], processes: int) -> list[str]:
    """Make a data query for each process: some of the detectors, or exposures if these are more."""
    name = max(ids, key=lambda name: len(ids[name]))
    shares = [ids[name][i::processes] for i in range(processes)]
    return [f"{name} IN ({', '.join(map(str, share))})" for share in shares if share]


def _countSteps(labels: Sequence[str], dimensions: dict[str, set[str]], sizes: dict[str, int]) -> int:
    """Count quanta, by the number of detectors and exposures."""
    return sum(
        math.prod(size for name, size in sizes.items() if name in dimensions[label]) for label in labels
    )


def _countQuanta(log: Path) -> int:
    """Read the number of executed quanta from a log."""
    found = _EXECUTED.findall(log.read_text())
    return int(found[-1][0]) + int(found[-1][1]) if found else 0
