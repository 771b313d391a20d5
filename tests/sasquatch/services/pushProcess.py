# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pushes in processes of their own, which can be killed at any moment."""

from __future__ import annotations

__all__ = ["PushProcess"]

import multiprocessing
import os
import sys
from collections.abc import Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

TIMEOUT = 60.0


def makeContext() -> ForkServerContext:
    """Make processes by forking one that has imported all that a push needs: starting takes milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["lsst.analysis.cp.cli.pushScript", "lsst.daf.butler.cli.cmd", __name__])
    return context


def runCommand(arguments: Sequence[str], log: str) -> None:
    """Run the subcommand of ``butler`` in this process, with all that it prints in a file."""
    from lsst.analysis.cp.cli.cmd import push_verify_metrics

    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for standard in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(stream, standard)
    push_verify_metrics.main(list(arguments), prog_name="push-verify-metrics")


class PushProcess:
    """A push that runs until it ends, or is killed.

    Parameters
    ----------
    arguments
        Those of ``butler push-verify-metrics``.
    log
        File to which all that it prints is added.
    """

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        process = makeContext().Process(target=runCommand, args=(list(arguments), str(log)))
        process.start()
        self._process = process

    @property
    def isAlive(self) -> bool:
        """Whether it still runs."""
        return self._process.is_alive()

    def wait(self) -> int:
        """Wait for its end, and return its exit status."""
        self._process.join(TIMEOUT)
        if self._process.exitcode is None:
            self.kill()
            raise TimeoutError("a push does not end")
        return self._process.exitcode

    def kill(self) -> None:
        """Kill it, as by ``kill -9``."""
        self._process.kill()
        self._process.join(TIMEOUT)
