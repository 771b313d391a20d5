# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What was sent where, in a file that outlives a push."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID

__all__ = ["EncodedDataset", "Ledger", "LedgerError", "OutgoingRecord", "Target", "UndeliveredRecord"]

# "cpML" in ASCII, by which a file is known as a ledger.
_APPLICATION_ID = 0x63704D4C
_VERSION = 1
_MAX_VARIABLES = 500

_TABLES = """
CREATE TABLE targets (
    id INTEGER PRIMARY KEY, proxy TEXT NOT NULL, namespace TEXT NOT NULL, mode TEXT NOT NULL,
    UNIQUE (proxy, namespace, mode)
);
CREATE TABLE schemas (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (topic, text)
);
CREATE TABLE datasets (
    target INTEGER NOT NULL REFERENCES targets, dataset BLOB NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (target, dataset)
) WITHOUT ROWID;
CREATE TABLE records (
    target INTEGER NOT NULL REFERENCES targets, dataset BLOB NOT NULL, topic TEXT NOT NULL,
    state INTEGER NOT NULL, message TEXT,
    PRIMARY KEY (target, dataset, topic)
) WITHOUT ROWID;
CREATE INDEX unsettled ON records (target, state) WHERE state <> 1;
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, target INTEGER NOT NULL REFERENCES targets, dataset BLOB NOT NULL,
    topic TEXT NOT NULL, schema INTEGER NOT NULL REFERENCES schemas, payload BLOB NOT NULL
);
"""


_ADD_RECORD = """INSERT INTO records (target, dataset, topic, state) VALUES (?, ?, ?, 0)
    ON CONFLICT DO UPDATE SET state = 0, message = NULL WHERE state = 2"""
_ADD_OUTGOING = "INSERT INTO outbox (target, dataset, topic, schema, payload) VALUES (?, ?, ?, ?, ?)"
_SETTLE = """UPDATE records SET state = ?, message = ?
    WHERE (target, dataset, topic) = (SELECT target, dataset, topic FROM outbox WHERE id = ?)"""
_NO_TARGET = -1


class LedgerError(RuntimeError):
    """The ledger cannot be used."""


class _State(IntEnum):
    """Of a record."""

    PENDING = 0
    """It may have been sent, and is in the outbox."""

    DELIVERED = 1
    """The proxy acknowledged it."""

    REJECTED = 2
    """The proxy will not take it as it was; it is made anew next time."""


@dataclass(frozen=True)
class Target:
    """Where records go."""

    proxy: str
    """Address of the proxy, without scheme."""

    namespace: str
    """Namespace of the topics."""

    mode: str
    """Which kind of topics."""


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """A record in the outbox."""

    id: int
    """Its place in the outbox."""

    datasetId: UUID
    """The bundle that it was made of."""

    topic: str
    """Full name of its topic."""

    schema: str
    """Avro schema, as JSON."""

    payload: bytes
    """The record as JSON in the encoding of Avro."""


@dataclass(frozen=True, slots=True)
class EncodedDataset:
    """A bundle as it will be sent."""

    id: UUID
    """Id of the bundle."""

    name: str
    """What people call it."""

    records: Sequence[tuple[str, str, bytes]]
    """Full name of the topic, Avro schema as JSON, and JSON in the encoding of Avro, of each record."""


@dataclass(frozen=True, slots=True)
class UndeliveredRecord:
    """A record that is not delivered."""

    datasetId: UUID
    """Id of the bundle."""

    name: str
    """What people call the bundle."""

    topic: str
    """Full name of the topic."""

    reason: str
    """What the proxy, or the way to it, said last."""

    isRejected: bool
    """Whether the proxy refused it for good; else it may have arrived."""


class Ledger:
    """What was sent to one target.

    A record goes into the outbox, as the bytes that will be sent, before it is sent for the first time, and
    leaves it when the proxy has acknowledged it or refused it for good. So a push that was killed at any
    moment is taken up again with the same bytes, and a record that is acknowledged is never sent again. One
    push at a time may use a ledger.

    Parameters
    ----------
    path
        The file (SQLite), made where there is none.
    target
        The target.
    isReadOnly
        Whether nothing is to be written; where there is no file, the ledger is then empty.

    Raises
    ------
    LedgerError
        Raised if the file is in use, cannot be opened or is no ledger.
    """

    def __init__(self, path: str | Path, target: Target, *, isReadOnly: bool = False) -> None:
        self.path = Path(path)
        self._schemas: dict[tuple[str, str], int] = {}
        with self._explainErrors():
            self._connection = _connect(self.path, isReadOnly)
            try:
                _prepare(self._connection, isReadOnly)
                self._checkFile()
                self._target = self._findTarget(target, isReadOnly)
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _checkFile(self) -> None:
        application = self._connection.execute("PRAGMA application_id").fetchone()[0]
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if (application, version) != (_APPLICATION_ID, _VERSION):
            raise LedgerError(f"{self.path} is no ledger of version {_VERSION}; name another file.")

    def _findTarget(self, target: Target, isReadOnly: bool) -> int:
        key = (target.proxy, target.namespace, target.mode)
        query = "SELECT id FROM targets WHERE (proxy, namespace, mode) = (?, ?, ?)"
        row = self._connection.execute(query, key).fetchone()
        if row is not None:
            return int(row[0])
        if isReadOnly:
            return _NO_TARGET
        cursor = self._connection.execute(
            "INSERT INTO targets (proxy, namespace, mode) VALUES (?, ?, ?)", key
        )
        return int(cursor.lastrowid or 0)

    @contextmanager
    def _explainErrors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise LedgerError(f"The ledger {self.path} is in use by another push.") from error
            raise LedgerError(f"The ledger {self.path} cannot be used: {error}.") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explainErrors():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def findOpen(self, datasetIds: Iterable[UUID]) -> set[UUID]:
        """Find the datasets of which records are to be made.

        Parameters
        ----------
        datasetIds
            Ids of bundles.

        Returns
        -------
        open
            Those that are new, and those with records that were rejected.
        """
        open_ids = set(datasetIds)
        for some in itertools.batched(list(open_ids), _MAX_VARIABLES):
            marks = ",".join("?" * len(some))
            query = f"""SELECT dataset FROM datasets d
                WHERE target = ? AND dataset IN ({marks}) AND NOT EXISTS (
                    SELECT 1 FROM records r WHERE (r.target, r.dataset, r.state) = (d.target, d.dataset, ?)
                )"""
            values = (self._target, *(each.bytes for each in some), _State.REJECTED)
            with self._explainErrors():
                done = self._connection.execute(query, values).fetchall()
            open_ids.difference_update(UUID(bytes=dataset) for (dataset,) in done)
        return open_ids

    def add(self, datasets: Sequence[EncodedDataset]) -> list[OutgoingRecord]:
        """Put records into the outbox, all or none.

        Parameters
        ----------
        datasets
            Bundles as `findOpen` gave them, with all of their records.

        Returns
        -------
        outgoing
            The records but those that were delivered or in the outbox before, in order.
        """
        outgoing = []
        with self._transaction():
            for dataset in datasets:
                key = dataset.id.bytes
                self._connection.execute(
                    "INSERT OR IGNORE INTO datasets VALUES (?, ?, ?)", (self._target, key, dataset.name)
                )
                for topic, schema, payload in dataset.records:
                    cursor = self._connection.execute(_ADD_RECORD, (self._target, key, topic))
                    if cursor.rowcount:
                        row = (self._target, key, topic, self._findSchema(topic, schema), payload)
                        place = self._connection.execute(_ADD_OUTGOING, row).lastrowid
                        outgoing.append(OutgoingRecord(int(place or 0), dataset.id, topic, schema, payload))
        return outgoing

    def _findSchema(self, topic: str, schema: str) -> int:
        known = self._schemas.get((topic, schema))
        if known is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO schemas (topic, text) VALUES (?, ?)", (topic, schema)
            )
            query = "SELECT id FROM schemas WHERE (topic, text) = (?, ?)"
            known = int(self._connection.execute(query, (topic, schema)).fetchone()[0])
            self._schemas[topic, schema] = known
        return known

    def readOutbox(self, after: int, upTo: int, limit: int) -> list[OutgoingRecord]:
        """Read a page of the outbox.

        Parameters
        ----------
        after, upTo
            Places between which to read, the second included.
        limit
            Most records.

        Returns
        -------
        outgoing
            Records in the order in which they were added.
        """
        query = """SELECT o.id, o.dataset, o.topic, s.text, o.payload
            FROM outbox o JOIN schemas s ON s.id = o.schema
            WHERE o.target = ? AND o.id > ? AND o.id <= ? ORDER BY o.id LIMIT ?"""
        with self._explainErrors():
            rows = self._connection.execute(query, (self._target, after, upTo, limit)).fetchall()
        return [OutgoingRecord(id, UUID(bytes=dataset), *others) for id, dataset, *others in rows]

    def measureOutbox(self) -> tuple[int, int]:
        """Count the records in the outbox, and find the last place."""
        query = "SELECT count(*), coalesce(max(id), 0) FROM outbox WHERE target = ?"
        with self._explainErrors():
            count, last = self._connection.execute(query, (self._target,)).fetchone()
        return int(count), int(last)

    def settle(
        self,
        *,
        delivered: Iterable[int] = (),
        rejected: Mapping[int, str] | None = None,
        kept: Mapping[int, str] | None = None,
    ) -> None:
        """Note what became of records.

        Parameters
        ----------
        delivered
            Places of records that were acknowledged.
        rejected
            Places of records that are refused for good, with the reason.
        kept
            Places of records of which it is not known whether they arrived, with the reason; they stay.
        """
        done: list[tuple[_State, str | None, int]] = [(_State.DELIVERED, None, place) for place in delivered]
        done += [(_State.REJECTED, message, place) for place, message in (rejected or {}).items()]
        stay = [(_State.PENDING, message, place) for place, message in (kept or {}).items()]
        with self._transaction():
            self._connection.executemany(_SETTLE, done)
            self._connection.executemany("DELETE FROM outbox WHERE id = ?", [(place,) for *_, place in done])
            self._connection.executemany(_SETTLE, stay)

    def listUndelivered(self) -> Iterator[UndeliveredRecord]:
        """Yield all records of the target that are not delivered."""
        query = """SELECT r.dataset, d.name, r.topic, r.state, r.message
            FROM records r JOIN datasets d USING (target, dataset)
            WHERE r.target = ? AND r.state <> 1 ORDER BY r.topic, d.name"""
        with self._explainErrors():
            for dataset, name, topic, state, message in self._connection.execute(query, (self._target,)):
                reason = message or "not tried yet"
                yield UndeliveredRecord(UUID(bytes=dataset), name, topic, reason, state == _State.REJECTED)


def _connect(path: Path, isReadOnly: bool) -> sqlite3.Connection:
    if not isReadOnly:
        return sqlite3.connect(path, timeout=0, isolation_level=None)
    if not path.exists():
        return sqlite3.connect(":memory:", isolation_level=None)
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=0, isolation_level=None)


def _prepare(connection: sqlite3.Connection, isReadOnly: bool) -> None:
    """Take hold of the file, and make the tables of a new one."""
    if not isReadOnly:
        # With this, the log needs no shared memory, so that the file may lie on a network file system.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")
