# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""How databases find what the Butler asks them for: by an index, or by a look at all datasets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine

__all__ = ["Plan", "recordPlans"]

_SQLITE_SCAN = re.compile(r"SCAN (dataset|dataset_(tags|calibs)_\w+|\S+_tags|\S+_calibs)\b")

_SQLITE_DISGUISED = re.compile(r"SEARCH (\S+_tags|\S+_calibs) USING .*INDEX \S+ \(instrument=\?\)$")
"""An index of which only the instrument is used, which all have: the whole table is read, unless the rows are
taken in the order of the index until there are enough."""

_SQLITE_SORT = re.compile(r"TEMP B-TREE FOR (ORDER BY|GROUP BY|DISTINCT)")
"""All rows have to be read before the first is there; where an index has the first terms of the order it is
``FOR LAST TERM OF ORDER BY``.
"""

_POSTGRESQL_SCAN = re.compile(r"Seq Scan on (dataset|dataset_tags_\w+|dataset_calibs_\w+)\b")
_POSTGRESQL_INDEX = re.compile(r"Index (?:Only )?Scan.* on (dataset|dataset_tags_\w+|dataset_calibs_\w+)\b")


@dataclass(frozen=True)
class Plan:
    """The plan of a query.

    Parameters
    ----------
    statement
        The query.
    lines
        What the database says of it.
    """

    statement: str
    lines: tuple[str, ...]

    def findScans(self) -> list[str]:
        """List the steps that look at all rows of a table of datasets."""
        patterns = [_SQLITE_SCAN, _POSTGRESQL_SCAN]
        if "LIMIT" not in self.statement or any(_SQLITE_SORT.search(line) for line in self.lines):
            patterns.append(_SQLITE_DISGUISED)
        found = [line for line in self.lines if any(each.search(line) for each in patterns)]
        for line, following in zip(self.lines, (*self.lines[1:], ""), strict=True):
            # Without a condition a whole index is read.
            if _POSTGRESQL_INDEX.search(line) and "Cond:" not in following:
                found.append(line)
        return found


@contextmanager
def recordPlans() -> Iterator[list[Plan]]:
    """Record the plans of all queries that are sent meanwhile by SQLAlchemy.

    Where PostgreSQL has a choice it has to take an index: of small tables it would look at all rows.
    """
    plans: list[Plan] = []

    def explain(connection: Connection, _: Any, statement: str, parameters: Any, *others: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")) and "dataset" in statement:
            plans.append(Plan(statement, tuple(_explain(connection, statement, parameters))))

    event.listen(Engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(Engine, "before_cursor_execute", explain)


def _explain(connection: Connection, statement: str, parameters: Sequence[Any] | dict[str, Any]) -> list[str]:
    cursor = connection.connection.cursor()
    if connection.dialect.name == "sqlite":
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [str(row[3]) for row in cursor.fetchall()]
    cursor.execute("SET LOCAL enable_seqscan = off")
    cursor.execute(f"EXPLAIN {statement}", parameters)
    lines = [str(row[0]).strip() for row in cursor.fetchall()]
    cursor.execute("SET LOCAL enable_seqscan = on")
    return lines
