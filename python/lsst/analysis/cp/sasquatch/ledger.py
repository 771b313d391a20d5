# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which bundles were sent where, in a file that outlives a push."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from .access import SasquatchError

__all__ = ["Ledger", "LedgerError"]

# "cpML" in ASCII, by which a file is known as a ledger.
_APPLICATION_ID = 0x63704D4C
_VERSION = 2
_MAX_VARIABLES = 500
_TABLES = """
CREATE TABLE sent (
    target TEXT NOT NULL, dataset BLOB NOT NULL, point INTEGER, PRIMARY KEY (target, dataset)
) WITHOUT ROWID;
CREATE INDEX points ON sent (target, point) WHERE point IS NOT NULL;
"""


class LedgerError(SasquatchError):
    """The ledger cannot be used."""


class Ledger:
    """The bundles of which all records were acknowledged.

    It is no more than a memory: what is not in it is sent again, to the same points. One push at a time may
    use a ledger.

    Parameters
    ----------
    path
        The file (SQLite), made where there is none.
    target
        Name of proxy, namespace and kind of topics: where the bundles went.
    isReadOnly
        Whether nothing is to be written; where there is no file, the ledger is then empty.

    Raises
    ------
    LedgerError
        Raised if the file is in use, cannot be written or is no ledger.
    """

    def __init__(self, path: str | Path, target: str, *, isReadOnly: bool = False) -> None:
        self.path = Path(path)
        self._target = target
        self._stack = ExitStack()
        if self.path.exists() and not self.path.is_file():
            raise LedgerError(f"The ledger {self.path} is no file.")
        try:
            with self._explainErrors():
                self._open(isReadOnly)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _open(self, isReadOnly: bool) -> None:
        """Take hold of the file, and make the table of a new one."""
        if not isReadOnly:
            execute = self._connect(str(self.path))
            execute("PRAGMA locking_mode = EXCLUSIVE")
            execute("PRAGMA synchronous = FULL")
            execute("BEGIN EXCLUSIVE")
            self._inode = self.path.stat().st_ino
        elif not self.path.exists() or not self.path.stat().st_size:
            execute = self._connect(":memory:")
        else:
            execute = self._connect(f"{self.path.resolve().as_uri()}?mode=ro")
            try:
                execute("SELECT * FROM sqlite_master")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
                    raise
                execute = self._connect(self._copy().as_uri())
        is_new = execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        marks = [execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
        if is_new:
            for statement in _TABLES.split(";\n"):
                execute(statement)
        elif marks != [_APPLICATION_ID, _VERSION]:
            raise LedgerError(
                f"{self.path} is no ledger of version {_VERSION}. Name another file: with a new one all is "
                "sent again, to the same points."
            )
        if not isReadOnly:
            # Written each time, so that what cannot be written is known before anything is sent.
            execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            execute(f"PRAGMA user_version = {_VERSION}")
            execute("COMMIT")

    def _connect(self, name: str) -> Callable[..., sqlite3.Cursor]:
        self._connection = sqlite3.connect(
            name, uri=name.startswith("file:"), timeout=0, isolation_level=None
        )
        self._stack.callback(self._connection.close)
        return self._connection.execute

    def _copy(self) -> Path:
        """Copy a file with what is left of a push that was killed while it wrote, to be mended there."""
        path = self.path.resolve()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        for each in (path, Path(f"{path}-journal")):
            if each.exists():
                shutil.copyfile(each, folder / each.name)
        return folder / path.name

    @contextmanager
    def _explainErrors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise LedgerError(f"The ledger {self.path} is in use by another push.") from None
            raise LedgerError(f"The ledger {self.path} cannot be used: {error}.") from None

    def findOpen(self, datasets: Sequence[bytes]) -> list[bytes]:
        """Find those of some bundles, by their ids, that are not noted, in order."""
        found: list[bytes] = []
        for some in itertools.batched(datasets, _MAX_VARIABLES):
            sent = self._select("dataset", some)
            found += [each for each in some if each not in sent]
        return found

    def findPoints(self, points: Sequence[int]) -> set[int]:
        """Find those of some points that bundles in the ledger have."""
        return {
            each for some in itertools.batched(points, _MAX_VARIABLES) for each in self._select("point", some)
        }

    def _select[T: bytes | int](self, column: str, values: Sequence[T]) -> set[T]:
        marks = ",".join("?" * len(values))
        query = f"SELECT {column} FROM sent WHERE target = ? AND {column} IN ({marks})"
        with self._explainErrors():
            return {value for (value,) in self._connection.execute(query, (self._target, *values))}

    def note(self, bundles: Iterable[tuple[bytes, int | None]]) -> None:
        """Note bundles of which all records were acknowledged: all the bundles, or none if that fails.

        They are given by their ids, each with a number that stands for the time of its points or `None`.
        """
        rows = [(self._target, *bundle) for bundle in bundles]
        if not rows:
            return
        with self._explainErrors():
            if self.path.stat().st_ino != self._inode:
                raise LedgerError(f"The ledger {self.path} was replaced while it was used.")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                self._connection.executemany("INSERT OR REPLACE INTO sent VALUES (?, ?, ?)", rows)
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
