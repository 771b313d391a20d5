# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Databases of repositories that are made anew each time, and need not outlive a power failure."""

from __future__ import annotations

import sqlite3

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["writeWithoutWaiting"]


def writeWithoutWaiting() -> None:
    """Let this process write to SQLite without waiting for the disk.

    Each dataset that a task puts is a transaction, at the end of which SQLite waits for the disk, 20 to 30 ms
    here. It makes a difference to the file only if the whole machine crashes.
    """
    if not event.contains(Engine, "connect", _spareDisk):
        event.listen(Engine, "connect", _spareDisk)


def _spareDisk(connection: object, entry: ConnectionPoolEntry) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")
