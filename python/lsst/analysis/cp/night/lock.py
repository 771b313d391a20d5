# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A lock that those inherit who work for its holder."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .night import NightError

__all__ = ["holdLock"]

_INTERVAL = 0.5
"""How often a lock is tried, s."""


@contextmanager
def holdLock(path: Path, patience: float, tell: Callable[[str], object]) -> Iterator[int]:
    """Hold a lock.

    A process that was killed may have left others, which inherited the lock and still work: these are waited
    for. The system lets go of the lock when the last of them ends, however that happens.

    Parameters
    ----------
    path
        Its file, made where there is none.
    patience
        How long to wait for what a killed holder has left, s.
    tell
        Told why this waits.

    Yields
    ------
    descriptor
        The open file, for processes that are to inherit it.

    Raises
    ------
    NightError
        Raised if the holder is alive, or what it left has not ended in time.
    """
    deadline = time.monotonic() + patience
    is_told = False
    with path.open("a+", encoding="utf-8") as file:
        while not _take(file.fileno()):
            file.seek(0)
            holder = file.read().split()
            if len(holder) == 2 and _isAlive(*holder):
                raise NightError(f"Process {holder[0]} on {holder[1]} is at it: it holds {path}.")
            if time.monotonic() >= deadline:
                raise NightError(
                    f"What a call that was killed left behind still runs after {patience:g} s, and holds "
                    f"{path}: 'fuser' tells which process that is."
                )
            if not is_told:
                tell("Waiting for what a call that was killed left behind.")
                is_told = True
            time.sleep(_INTERVAL)
        file.truncate(0)
        file.write(f"{os.getpid()} {socket.gethostname()}\n")
        file.flush()
        yield file.fileno()


def _take(descriptor: int) -> bool:
    """Try to take the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _isAlive(pid: str, host: str) -> bool:
    """Tell whether a process runs; one of another host, which cannot be seen, is taken to."""
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
