# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where the registries of repositories are: in files of SQLite, or in a server of PostgreSQL."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import pytest

__all__ = ["ON_SQLITE_ALONE", "Registries", "SqliteFiles"]

ON_SQLITE_ALONE = pytest.mark.parametrize("registries", ["sqlite"], indirect=True)
"""Mark of tests for which it does not matter where the registry is, since they are not about reading it."""


class Registries(Protocol):
    """Where registries are."""

    def hosting(self) -> AbstractContextManager[None]:
        """Let the repository that is made meanwhile have its registry here."""

    def copy(self, source: Path, target: Path) -> Path:
        """Copy a repository with its registry."""

    def lock(self, root: Path) -> AbstractContextManager[None]:
        """Let nobody read the registry of a repository meanwhile."""


class SqliteFiles:
    """Files of SQLite, each in the directory of its repository, as the Butler makes them by default."""

    def hosting(self) -> AbstractContextManager[None]:
        """Let the repository that is made meanwhile have its registry in a file."""
        return nullcontext()

    def copy(self, source: Path, target: Path) -> Path:
        """Copy a repository with its registry."""
        return Path(shutil.copytree(source, target))

    @contextmanager
    def lock(self, root: Path) -> Iterator[None]:
        """Let nobody read the registry of a repository meanwhile."""
        with closing(sqlite3.connect(root / "gen3.sqlite3", isolation_level=None)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
