# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""One pipeline run by ``pipetask`` on several cores.

The quanta of detectors are dealt out to as many ``pipetask run-qbb`` processes as there are cores; merges, mosaics
and plots follow in one.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from lsst.pipe.base.pipeline_graph import TaskImportMode
from lsst.pipe.base.quantum_graph import PredictedQuantumGraph

__all__ = ["PipetaskError", "PipetaskRun"]

_EXECUTED = re.compile(r"Executed (\d+) quanta successfully, (\d+) failed")


class PipetaskError(RuntimeError):
    """A command of the middleware failed."""


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
    """

    repository: Path
    pipeline: Path
    inputCollection: str
    outputCollection: str
    logDirectory: Path
    configFiles: dict[str, Path]

    @property
    def graphFile(self) -> Path:
        """File of the quantum graph."""
        return self.logDirectory / "quantumGraph.qg"

    def execute(self, processes: int) -> None:
        """Run the pipeline and transfer its outputs to the repository.

        Parameters
        ----------
        processes
            Number of processes for the quanta of detectors.

        Raises
        ------
        PipetaskError
            Raised if a command fails, with the end of its log.
        """
        self.logDirectory.mkdir(parents=True, exist_ok=True)
        self._buildGraph()
        self._command("pre-exec-init", "pipetask", "pre-exec-init-qbb", self.repository, self.graphFile)
        per_detector, others = self._listQuanta()
        shares = [per_detector[i::processes] for i in range(processes)]
        self._runQuanta("detectors", [share for share in shares if share])
        self._runQuanta("merges", [others])
        self._command(
            "transfer",
            *("butler", "transfer-from-graph", self.graphFile, self.repository),
            *("--register-dataset-types", "--update-output-chain", "--no-transfer-dimensions"),
        )

    def _buildGraph(self) -> None:
        overrides = [text for label, file in self.configFiles.items() for text in ("-C", f"{label}:{file}")]
        self._command(
            "qgraph",
            *("pipetask", "qgraph", "-b", self.repository, "-p", self.pipeline),
            *("-i", self.inputCollection, "-o", self.outputCollection, "-q", self.graphFile),
            *overrides,
        )

    def _listQuanta(self) -> tuple[list[str], list[str]]:
        """List the quanta of detectors, those of one detector together, and all others."""
        with PredictedQuantumGraph.open(self.graphFile, import_mode=TaskImportMode.DO_NOT_IMPORT) as reader:
            reader.read_thin_graph()
            graph = reader.finish()
        by_data_id: dict[tuple[object, ...], list[str]] = {}
        others = []
        for quanta in graph.quanta_by_task.values():
            for data_id, quantum_id in quanta.items():
                if "detector" in data_id.dimensions:
                    by_data_id.setdefault(tuple(data_id.required_values), []).append(str(quantum_id))
                else:
                    others.append(str(quantum_id))
        return [",".join(by_data_id[key]) for key in sorted(by_data_id)], others

    def _runQuanta(self, name: str, shares: Sequence[Sequence[str]]) -> None:
        """Run shares of quanta side by side, with a progress bar for all."""
        logs = [self.logDirectory / f"{name}{i}.log" for i in range(len(shares))]
        processes = []
        for share, log in zip(shares, logs, strict=True):
            command = [
                "run-qbb",
                str(self.repository),
                str(self.graphFile),
                "--qgraph-node-id",
                ",".join(share),
            ]
            with log.open("w") as stream:
                processes.append(
                    subprocess.Popen(["pipetask", *command], stdout=stream, stderr=subprocess.STDOUT)
                )
        total = sum(ids.count(",") + 1 for share in shares for ids in share)
        try:
            self._showProgress(name, processes, logs, total)
        finally:
            for process in processes:
                process.terminate()
        for process, log in zip(processes, logs, strict=True):
            if process.returncode != 0:
                raise PipetaskError(_describeFailure(f"pipetask run-qbb ({name})", log))

    def _showProgress(
        self, name: str, processes: Sequence[subprocess.Popen[bytes]], logs: Sequence[Path], total: int
    ) -> None:
        interval = 0.5 if sys.stderr.isatty() else 15.0
        with tqdm(total=total, desc=f"  {name}", unit="quantum", mininterval=interval, leave=True) as bar:
            while True:
                running = any(process.poll() is None for process in processes)
                bar.update(sum(_countExecuted(log) for log in logs) - bar.n)
                if not running:
                    return
                time.sleep(0.5)

    def _command(self, name: str, *arguments: object) -> None:
        log = self.logDirectory / f"{name}.log"
        print(f"  {name} ...", flush=True)
        with log.open("w") as stream:
            result = subprocess.run(
                [str(argument) for argument in arguments],
                stdout=stream,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if result.returncode != 0:
            raise PipetaskError(_describeFailure(" ".join(map(str, arguments[:2])), log))


def _countExecuted(log: Path) -> int:
    found = _EXECUTED.findall(log.read_text())
    return sum(map(int, found[-1])) if found else 0


def _describeFailure(command: str, log: Path) -> str:
    tail = "\n".join(log.read_text().splitlines()[-15:])
    return f"{command} failed; the end of {log}:\n{tail}"
