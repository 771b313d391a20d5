# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A server that runs in a thread of a test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lsst.analysis.cp.navigator.app import makeApp
from lsst.analysis.cp.navigator.repository import Repository
from lsst.analysis.cp.navigator.server import Listener, makeServer
from lsst.daf.butler import Butler

__all__ = ["runServer"]

_PATIENCE = 30.0


@contextmanager
def runServer(repository: Path | str | Butler, reportFolder: Path | None = None) -> Iterator[str]:
    """Serve a repository at a free port of this machine.

    Parameters
    ----------
    repository
        Its folder or URI, or what was opened of it, which is closed in the end.
    reportFolder
        Folder with a report.

    Yields
    ------
    address
        Address of the first page, without the slash at its end.
    """
    butler = (
        repository if isinstance(repository, Butler) else Butler.from_config(str(repository), writeable=False)
    )
    listener = Listener.bind("127.0.0.1", 0)
    listens = threading.Event()
    server = makeServer(makeApp(Repository(butler, "test"), reportFolder), listens.set)
    thread = threading.Thread(target=server.run, args=([listener.socket],))
    thread.start()
    try:
        assert listens.wait(_PATIENCE)
        yield listener.address.rstrip("/")
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        listener.socket.close()
        assert not thread.is_alive()
