# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Commands of the middleware in processes that need not import it anew.

A server imports the middleware and the tasks once, and each command runs in a fork of it: to start one takes
milliseconds, where a new Python takes three seconds for its imports.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from databases import writeWithoutWaiting

__all__ = ["startCommand"]

_IMPORTED = [
    "lsst.ctrl.mpexec.cli.pipetask",
    "lsst.daf.butler.cli.butler",
    "lsst.analysis.cp.atools",
    "lsst.analysis.cp.tasks",
    "lsst.cp.simulator",
    "lsst.cp.verify",
    "lsst.obs.lsst",
]
"""What the commands need."""

_ALLOCATION = {
    # Images come and go by the hundred megabytes: keep their memory instead of giving it back to the system.
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
}


def startCommand(command: Sequence[str], log: Path) -> BaseProcess:
    """Start a command.

    Parameters
    ----------
    command
        Its name and arguments.
    log
        File for what it prints, and for its errors.

    Returns
    -------
    process
        The process, which ends with the status of the command.
    """
    log.touch()
    # As a daemon it never outlives this process.
    process = _server().Process(target=_run, args=(list(command), log, dict(os.environ)), daemon=True)
    process.start()
    return process


@functools.cache
def _server() -> ForkServerContext:
    """Prepare the server, which starts with the first command."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    # The server reads these when it starts.
    os.environ |= _ALLOCATION | os.environ
    return context


def _run(command: list[str], log: Path, environment: Mapping[str, str]) -> None:
    """Run a script of this Python environment in this process; replace the process by any other command."""
    os.environ |= environment
    with log.open("w") as stream:
        for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
            os.dup2(stream.fileno(), descriptor)
    scripts = entry_points(group="console_scripts", name=command[0])
    if not scripts:
        os.execvp(command[0], command)
    writeWithoutWaiting()
    sys.argv = command
    [script] = scripts
    sys.exit(script.load()())
