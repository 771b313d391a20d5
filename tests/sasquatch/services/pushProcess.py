# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pushes in processes of their own, which can be killed at any moment."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path

from tqdm import tqdm

from services.bundleRepository import RUN, BundleRepository

__all__ = ["PushProcess"]

TIMEOUT = 60.0


def makeContext() -> ForkServerContext:
    """Make processes by forking one that has imported all that a push needs: starting takes milliseconds."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["lsst.analysis.cp.cli.pushScript", "lsst.daf.butler.cli.butler", __name__]
    )
    return context


def runCommand(arguments: Sequence[str], log: str, level: str, variables: Mapping[str, str]) -> None:
    """Run the subcommand in this process as ``butler`` does, with all that it prints in a file."""
    from lsst.analysis.cp.cli.cmd import push_verify_metrics
    from lsst.daf.butler.cli.cliLog import CliLog

    # Of a lock between processes, one that is killed would leave a semaphore.
    tqdm.set_lock(threading.RLock())
    os.environ.update(variables)
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for standard in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(stream, standard)
    CliLog.initLog(longlog=False)
    CliLog.setLogLevels([(None, level)])
    push_verify_metrics.main(list(arguments), prog_name="push-verify-metrics")


class PushProcess:
    """A push that runs until it ends, or is killed.

    Parameters
    ----------
    repository
        What is pushed.
    proxy
        Where to.
    options
        Of ``butler push-verify-metrics``.
    log
        File to which all that it prints is added.
    level
        Level of its logs.
    variables
        Of its environment.
    """

    def __init__(
        self,
        repository: BundleRepository,
        proxy: str,
        options: Sequence[str],
        log: Path,
        *,
        level: str = "INFO",
        **variables: str,
    ) -> None:
        arguments = [str(repository.root), "--collections", RUN, "--proxy", proxy, "--namespace", "lsst.cp"]
        arguments += options
        context = makeContext()
        self._process = context.Process(target=runCommand, args=(arguments, str(log), level, variables))
        self._process.start()

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
