# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What ``butler serve-verify`` does."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click

from .explain import explainErrors, openButler

__all__ = ["ServeOptions", "runServer"]

_NEEDED = ("cachetools", "fastapi", "jinja2", "uvicorn")
"""Packages of the extra ``web``."""


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """The options, as on the command line."""

    repo: str
    host: str
    port: int
    report: str | None


def runServer(options: ServeOptions) -> None:
    """Serve until the process is told to end.

    Parameters
    ----------
    options
        The options.

    Raises
    ------
    click.ClickException
        Raised if a package is missing, the repository cannot be opened, or the port is taken.
    """
    if lacking := [name for name in _NEEDED if find_spec(name) is None]:
        raise click.ClickException(
            f"There is no package {', '.join(lacking)}. The server needs further packages: "
            "pip install 'lsst-analysis-cp[web]'."
        )
    from lsst.analysis.cp.navigator.app import makeApp
    from lsst.analysis.cp.navigator.repository import Repository
    from lsst.analysis.cp.navigator.server import Listener, serve

    with explainErrors():
        repository = Repository(openButler(options.repo), options.repo)
        listener = Listener.bind(options.host, options.port)
        if not listener.isLocal:
            click.echo(
                f"Warning: whoever reaches {listener.address} sees all plots and images of {options.repo}.",
                err=True,
            )
        folder = None if options.report is None else Path(options.report)
        app = makeApp(repository, folder, hosts=listener.hosts)
        serve(app, listener, lambda: click.echo(f"{options.repo} is served at {listener.address}"))
