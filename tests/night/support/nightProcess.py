# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""``butler verify-night`` in processes of its own, which are killed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from nightRepository import NightRepository, environment

__all__ = ["NightProcess", "findLeft"]

TIMEOUT = 300.0


class NightProcess:
    """A call that runs until it ends, or is killed.

    Parameters
    ----------
    repository
        Whose night is verified.
    options
        Further options of the command.
    """

    def __init__(self, repository: NightRepository, options: Sequence[str] = ()) -> None:
        program = shutil.which("butler")
        assert program is not None
        self._root = repository.root
        self._output = repository.folder / "stdout"
        self._progress = repository.folder / "stderr"
        with self._output.open("wb") as output, self._progress.open("wb") as progress:
            self._process = subprocess.Popen(
                [program, "verify-night", *repository.command(*options)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=progress,
                env=environment(repository.folder / "broken"),
            )

    @property
    def output(self) -> list[str]:
        """Lines on standard output."""
        return self._output.read_text().splitlines()

    @property
    def progress(self) -> str:
        """What is on standard error."""
        return self._progress.read_text()

    def awaitProgress(self, text: str) -> None:
        """Wait until a text is on standard error."""
        self._await(lambda: text in self.progress, repr(text))

    def awaitLock(self) -> None:
        """Wait until it holds the lock, which is when its work begins."""
        path = self._root / "verifyNight-u-test-nightly.lock"
        self._await(
            lambda: path.exists() and path.read_text().split()[:1] == [str(self._process.pid)], "lock"
        )

    def awaitChildren(self) -> None:
        """Wait until it has started pipetask."""
        process = psutil.Process(self._process.pid)
        self._await(lambda: bool(process.children()), "child")

    def _await(self, isThere: Callable[[], bool], name: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not isThere():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise TimeoutError(f"there is no {name}: {self.progress}")
            time.sleep(0.002)

    def wait(self) -> int:
        """Wait for its end, and return its exit status."""
        try:
            return self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.kill(withChildren=True)
            raise

    def terminate(self) -> int:
        """Ask it to end; return its exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self, *, withChildren: bool) -> int:
        """Kill it, as by ``kill -9``, alone or with what it runs; return how many processes that were.

        Raises
        ------
        RuntimeError
            Raised if it has ended before.
        """
        if self._process.poll() is not None:
            raise RuntimeError(f"the call has ended: {self.output}")
        killed = [psutil.Process(self._process.pid)]
        if withChildren:
            killed += killed[0].children(recursive=True)
        for process in killed:
            process.kill()
        self._process.wait(TIMEOUT)
        return len(killed)


def findLeft(root: Path) -> list[list[str]]:
    """List the command lines of processes that work in a repository."""
    found = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return [line for line in found if str(root) in line]
