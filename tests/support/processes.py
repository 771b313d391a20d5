# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Programs that tests start, wait for and stop by their process id."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["ServiceProcess", "findFreePorts"]

START_SECONDS = 30.0
STOP_SECONDS = 10.0


def findFreePorts(number: int) -> list[int]:
    """Find ports of the loopback interface that nobody listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


class ServiceProcess:
    """A program that serves until it is stopped.

    Parameters
    ----------
    command
        The program with its arguments.
    log
        File for what it prints.
    isReady
        Returns whether it answers.
    """

    def __init__(self, command: Sequence[str], log: Path, isReady: Callable[[], bool]) -> None:
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + START_SECONDS
        while not isReady():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{command[0]} did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def stop(self) -> None:
        """Ask it to end, and see to it."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it by force."""
        self._process.kill()
        self._process.wait(STOP_SECONDS)
