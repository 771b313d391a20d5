# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""``bps`` in processes of its own, of which none is left, and no file where they were started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

__all__ = ["BPS", "killWhen", "runAway", "submitFile"]

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


def runAway(
    command: list[str], folder: Path, *, place: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command, which leaves no process.

    Parameters
    ----------
    command
        The command.
    folder
        A folder for an empty one, in which it runs, and which stays empty.
    place
        Where it runs instead.
    """
    empty = folder / f"empty{uuid.uuid4().hex}"
    empty.mkdir()
    with _marking() as (environment, find_ours):
        result = subprocess.run(
            command,
            cwd=place or empty,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
        )
        _, left = psutil.wait_procs(find_ours(), timeout=_PATIENCE)
        assert [process for process in left if process.status() != psutil.STATUS_ZOMBIE] == []
        assert list(empty.iterdir()) == []
        return result


def killWhen(isTime: Callable[[], bool], command: list[str], place: Path) -> None:
    """Start a command, and kill it and all that it has started, as a machine does that goes down.

    Parameters
    ----------
    isTime
        Tells whether it is time to do so.
    command
        The command.
    place
        Where it runs.
    """
    with _marking() as (environment, _):
        process = subprocess.Popen(
            command, cwd=place, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + _LONGEST
        while not isTime():
            assert process.poll() is None, "it has ended before"
            assert time.monotonic() < end
            time.sleep(0.05)
        # One of parsl's has a title in the place of its environment.
        started = psutil.Process(process.pid).children(recursive=True)
        assert process.poll() is None, "it has ended before"
        for each in (process, *started):
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait()


@contextmanager
def _marking() -> Iterator[tuple[dict[str, str], Callable[[], list[psutil.Process]]]]:
    """Give an environment by which processes are found, and what finds them; kill all that are left."""
    mark = f"BATCH_TEST_{uuid.uuid4().hex}"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    try:
        yield os.environ | {mark: "1", "PATH": path}, lambda: _findMarked(mark)
    finally:
        for process in _findMarked(mark):
            # It may end with the one that has started it.
            with suppress(psutil.NoSuchProcess):
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
