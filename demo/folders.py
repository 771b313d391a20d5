# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Folders that the demonstration may empty: new ones, and those that it has marked as its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

__all__ = ["MARK", "checkFolder", "renewFolder", "takeFolder"]

MARK = ".made-by-analysis-cp-demo"
"""Name of the file that marks a folder as the demonstration's own."""


def checkFolder(folder: Path) -> None:
    """Check that a folder is new, empty or marked as the demonstration's own.

    Parameters
    ----------
    folder
        The folder, which need not exist.

    Raises
    ------
    click.ClickException
        Raised if it holds anything of others, is a link or no folder, or cannot be read.
    """
    try:
        if not folder.is_symlink() and not folder.exists():
            return
        if folder.is_dir() and not folder.is_symlink():
            names = sorted(path.name for path in folder.iterdir())
            if not names or MARK in names:
                return
            what = f"has files that the demonstration did not make, such as {names[0]}"
        else:
            what = "is no folder, or a link to one"
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
    raise click.ClickException(f"{folder} {what}. Nothing was changed: name a new folder with --output.")


def takeFolder(folder: Path) -> None:
    """Make a folder the demonstration's own, with what it holds.

    Parameters
    ----------
    folder
        The folder, new, empty or own.

    Raises
    ------
    click.ClickException
        Raised if it is none of these, or cannot be written.
    """
    checkFolder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).touch()
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be written: {error.strerror}.") from error


def renewFolder(folder: Path) -> None:
    """Make a folder of the demonstration anew: all that it holds is deleted.

    Parameters
    ----------
    folder
        The folder, new, empty or own.

    Raises
    ------
    click.ClickException
        Raised if it is none of these, or cannot be written.
    """
    checkFolder(folder)
    try:
        if folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise click.ClickException(f"{folder} cannot be made anew: {error.strerror}.") from error
    takeFolder(folder)
