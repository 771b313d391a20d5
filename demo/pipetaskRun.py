# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""One pipeline run by ``pipetask`` on several cores.

Quanta of detectors are dealt out to as many ``pipetask run`` processes as there are cores, each with its own
output run. Mosaics, and merges with their plots, follow side by side, with these runs as inputs; then the
views of images, with all of these.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from lsst.daf.butler import Butler
from lsst.pipe.base import Pipeline

__all__ = ["PipetaskError", "PipetaskRun"]

_EXECUTED = re.compile(r"Executed (\d+) quanta successfully, (\d+) failed and (\d+) remain")

_ENVIRONMENT = {
    # Images come and go by the hundred megabytes: keep their memory instead of giving it back to the system.
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
    **os.environ,
}


class PipetaskError(RuntimeError):
    """A command of the middleware failed."""


@dataclass(frozen=True, kw_only=True)
class _Labels:
    """Labels of tasks by what runs together."""

    detectors: list[str]
    mosaics: list[str]
    merges: list[str]
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
    logDirectory
        Where the logs go.
    configFiles
        Overrides of a task's configuration by label.
    viewedDetectors
        Names of the detectors of which there are views; all if there are none.
    """

    repository: Path
    pipeline: Path
    inputCollection: str
    outputCollection: str
    logDirectory: Path
    configFiles: dict[str, Path] = field(default_factory=dict)
    viewedDetectors: tuple[str, ...] = ()

    def execute(self, processes: int) -> None:
        """Run the pipeline.

        Parameters
        ----------
        processes
            Number of processes that share the detectors.

        Raises
        ------
        PipetaskError
            Raised if a command fails, with the end of its log.
        """
        self.logDirectory.mkdir(parents=True, exist_ok=True)
        tasks = self._splitLabels()
        queries = self._shareQuanta(processes)
        runs = [f"{self.outputCollection}/detectors{i}" for i in range(len(queries))]
        commands = [
            [*self._command(tasks.detectors, self.inputCollection), "--output-run", run, "-d", query]
            for run, query in zip(runs, queries, strict=True)
        ]
        self._runAll("detectors", commands, processes)
        inputs = ",".join([*runs, self.inputCollection])
        mosaic_run = f"{self.outputCollection}/mosaics"
        commands = [
            [*self._command(tasks.merges, inputs), "-o", self.outputCollection],
            [*self._command(tasks.mosaics, inputs), "--output-run", mosaic_run],
        ]
        self._runAll("merges", commands, processes)
        inputs = f"{self.outputCollection},{mosaic_run},{inputs}"
        views = self._listViews(tasks.views)
        view_runs = [f"{self.outputCollection}/views{i}" for i in range(len(views))]
        commands = [
            [*self._command(labels, inputs), "--output-run", run, *query]
            for run, (labels, query) in zip(view_runs, views, strict=True)
        ]
        self._runAll("views", commands, processes)
        with Butler.from_config(str(self.repository), writeable=True) as butler:
            butler.collections.extend_chain(self.outputCollection, [mosaic_run, *view_runs])

    def _splitLabels(self) -> _Labels:
        """Find what runs together; register what all tasks make."""
        with Butler.from_config(str(self.repository), writeable=True) as butler:
            graph = Pipeline.from_uri(str(self.pipeline)).to_graph(butler.registry)
            # Here, once: two processes that register at the same time would lock each other out.
            graph.register_dataset_types(butler)
        views = [label for label in graph.tasks if label.startswith("view")]
        detectors = [
            label
            for label, task in graph.tasks.items()
            if "detector" in task.dimensions and label not in views
        ]
        mosaics = [label for label in graph.tasks if label.startswith("mosaic")]
        merges = [label for label in graph.tasks if label not in {*views, *detectors, *mosaics}]
        return _Labels(detectors=detectors, mosaics=mosaics, merges=merges, views=views)

    def _listViews(self, labels: Sequence[str]) -> list[tuple[list[str], list[str]]]:
        """List the views that run together, with their data queries: the longest first."""
        residual = [label for label in labels if label.endswith("Residual")]
        others = [label for label in labels if label not in residual]
        names = ", ".join(f"'{name}'" for name in self.viewedDetectors)
        query = ["-d", f"detector.full_name IN ({names})"] if names else []
        return [(residual, query), (others, query)]

    def _shareQuanta(self, processes: int) -> list[str]:
        """Make a data query for each process: some of the detectors, or exposures if these are more."""
        with Butler.from_config(str(self.repository)) as butler:
            ids = {
                name: sorted(record.id for record in butler.query_dimension_records(name))
                for name in ("detector", "exposure")
            }
        name = max(ids, key=lambda name: len(ids[name]))
        shares = [ids[name][i::processes] for i in range(processes)]
        return [f"{name} IN ({', '.join(map(str, share))})" for share in shares if share]

    def _command(self, labels: Sequence[str], inputs: str) -> list[str]:
        command = ["pipetask", "run", "-b", str(self.repository), "-p", f"{self.pipeline}#{','.join(labels)}"]
        for label, file in self.configFiles.items():
            if label in labels:
                command += ["-C", f"{label}:{file}"]
        return [*command, "-i", inputs]

    def _runAll(self, name: str, commands: Sequence[Sequence[str]], processes: int) -> None:
        """Run commands, as many at a time as there are processes."""
        for i, share in enumerate(itertools.batched(commands, processes)):
            self._runSide(f"{name}{i}", share)

    def _runSide(self, name: str, commands: Sequence[Sequence[str]]) -> None:
        """Run commands side by side, with a progress bar for all."""
        logs = [self.logDirectory / f"{name}-{i}.log" for i in range(len(commands))]
        processes = []
        try:
            for command, log in zip(commands, logs, strict=True):
                with log.open("w") as stream:
                    processes.append(
                        subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=_ENVIRONMENT)
                    )
            _showProgress(name, processes, logs)
        finally:
            for process in processes:
                process.terminate()
        for command, process, log in zip(commands, processes, logs, strict=True):
            if process.returncode != 0:
                tail = "\n".join(log.read_text().splitlines()[-15:])
                raise PipetaskError(f"{' '.join(command[:2])} ({name}) failed; the end of {log}:\n{tail}")


def _showProgress(name: str, processes: Sequence[subprocess.Popen[bytes]], logs: Sequence[Path]) -> None:
    """Show the quanta executed by all processes until they end."""
    interval = 0.5 if sys.stderr.isatty() else 15.0
    with tqdm(desc=f"  {name}", unit="quantum", mininterval=interval) as bar:
        running = True
        while running:
            time.sleep(0.5)
            running = any(process.poll() is None for process in processes)
            counts = [_countQuanta(log) for log in logs]
            bar.total = sum(total for _, total in counts) or None
            bar.update(sum(executed for executed, _ in counts) - bar.n)


def _countQuanta(log: Path) -> tuple[int, int]:
    """Read the number of executed quanta, and that of all, from a log."""
    found = _EXECUTED.findall(log.read_text())
    if not found:
        return 0, 0
    done, failed, remaining = map(int, found[-1])
    return done + failed, done + failed + remaining
