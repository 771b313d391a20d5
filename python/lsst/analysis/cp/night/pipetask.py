# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Running of a quantum graph by ``pipetask``."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .night import NightError

__all__ = ["Pipetask"]

_PATIENCE = 20.0
"""How long processes that are asked to end may take, s."""


@dataclass(frozen=True, kw_only=True)
class Pipetask:
    """Calls of ``pipetask run``.

    Parameters
    ----------
    program
        Path of the program.
    processes
        Number of processes of each call.
    lock
        Descriptor of a lock that all of them inherit.
    """

    program: str
    processes: int
    lock: int

    @staticmethod
    def find() -> str:
        """Find the program.

        Raises
        ------
        NightError
            Raised if there is none.
        """
        program = shutil.which("pipetask")
        if program is None:
            raise NightError(
                "There is no pipetask on PATH. Further packages are needed: "
                "pip install 'lsst-analysis-cp[night]'."
            )
        return program

    def run(self, repo: str, graph: Path, outputRun: str, log: Path) -> int:
        """Run a graph into a RUN collection that has all that is written before quanta run.

        What is there of its quanta without metadata is removed first. If this is broken off by an exception,
        all processes are ended.

        Parameters
        ----------
        repo
            The repository.
        graph
            File of the graph.
        outputRun
            The collection.
        log
            File to which all that it prints is added.

        Returns
        -------
        status
            Exit status; that of a process that was killed is negative.
        """
        command = [self.program, "run", "-b", repo, "-g", str(graph), "--output-run", outputRun]
        command += [
            "--extend-run",
            "--clobber-outputs",
            "--skip-init-writes",
            "-j",
            str(self.processes),
        ]
        with log.open("ab") as stream:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                pass_fds=[self.lock],
                # A group of its own, so that all processes of the call can be ended together.
                start_new_session=True,
            )
            try:
                return process.wait()
            except BaseException:
                _end(process)
                raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with all of its group."""
    for number, patience in ((signal.SIGTERM, _PATIENCE), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
