# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What subcommands share: opening of repositories, and errors in one line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy.exc import SQLAlchemyError

from lsst.daf.butler import Butler, ButlerUserError

__all__ = ["explainErrors", "firstLine", "openButler"]

_LOG = logging.getLogger(__name__)


@contextmanager
def explainErrors(*known: type[Exception]) -> Iterator[None]:
    """Turn errors that a user can do something about into one line without traceback.

    Parameters
    ----------
    *known
        Kinds of errors whose messages say all.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit):
        raise
    except Exception as error:
        if isinstance(error, (*known, ButlerUserError, OSError, SQLAlchemyError)):
            raise click.ClickException(firstLine(error)) from None
        # Of expressions and registries that are odd, the middleware raises anything.
        _LOG.debug("The command failed.", exc_info=True)
        raise click.ClickException(f"{type(error).__name__}: {firstLine(error)}") from None


def firstLine(error: Exception) -> str:
    """Take the first line of a message, or the kind of an error without message."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def openButler(repo: str) -> Butler:
    """Open a repository for reading.

    Parameters
    ----------
    repo
        URI or label of the repository.

    Returns
    -------
    butler
        The repository.

    Raises
    ------
    click.ClickException
        Raised if there is none, or it cannot be opened.
    """
    try:
        return Butler.from_config(repo, writeable=False)
    except FileNotFoundError as error:
        raise click.ClickException(f"There is no repository {repo}: {error}") from None
    except Exception as error:
        # Whatever configurations, databases and servers come up with.
        raise click.ClickException(
            f"The repository {repo} cannot be opened: {type(error).__name__}: {firstLine(error)}"
        ) from None
