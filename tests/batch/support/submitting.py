# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""``bps`` in a process of its own, which has to leave no process and no file behind."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path

import psutil

__all__ = ["BPS", "runAway", "submitFile"]

BPS = [sys.executable, "-c", "from lsst.ctrl.bps.cli.bps import main; main()"]
"""The program ``bps`` of this Python."""

_LONGEST = 1500
"""How long a command may take on a busy machine (s)."""

_PATIENCE = 30
"""How long processes that were told to end may take (s)."""


def submitFile(file: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Submit a run to parsl on this machine, and wait for its end.

    Parameters
    ----------
    file
        The submit file.
    folder
        A folder for the run.
    options
        Options of ``bps submit``.
    """
    return runAway([*BPS, "submit", str(file), "--compute-site", "local", *options], folder)


def runAway(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty folder, which stays empty; it leaves no process.

    Parameters
    ----------
    command
        The command.
    folder
        A folder for the empty one.
    """
    empty = folder / f"empty{uuid.uuid4().hex}"
    empty.mkdir()
    mark = f"BATCH_TEST_{uuid.uuid4().hex}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    try:
        result = subprocess.run(
            command,
            cwd=empty,
            env=os.environ | {mark: "1", "PATH": path},
            capture_output=True,
            text=True,
            timeout=_LONGEST,
        )
        _, left = psutil.wait_procs(_findMarked(mark), timeout=_PATIENCE)
        assert [process for process in left if process.status() != psutil.STATUS_ZOMBIE] == []
        assert list(empty.iterdir()) == []
        return result
    finally:
        # What outlives a command that failed or took too long.
        for process in _findMarked(mark):
            process.kill()


def _findMarked(mark: str) -> list[psutil.Process]:
    """Find the processes that have a variable."""
    found = []
    for process in psutil.process_iter():
        try:
            if mark in process.environ():
                found.append(process)
        except psutil.Error:
            continue
    return found
