# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Queries of an InfluxDB 1 server, whose answers are checked.

The package ``influxdb`` drops errors and marks of incomplete answers, and is developed no longer.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import tenacity

from .access import SasquatchError, Secret, TransientError, findSecretText, shorten
from .http import HttpClient

__all__ = ["InfluxClient", "InfluxError", "findLogin"]

TEXT, WHOLE, NUMBER = pa.dictionary(pa.int32(), pa.string()), pa.int64(), pa.float64()
# Tags, and whole numbers in our topics, are texts.
_KINDS = {
    TEXT: ("texts", (str,)),
    WHOLE: ("whole numbers", (int, float, str)),
    NUMBER: ("numbers", (int, float)),
}
_EXACT = 2**53
_CHUNK_ROWS = 10_000
_ATTEMPTS = 4
_FIRST_WAIT = 0.2
_VARIABLE = "SASQUATCH_INFLUXDB_"


class InfluxError(SasquatchError):
    """The database cannot be read, or does not answer as it should."""


@dataclass(frozen=True, kw_only=True)
class InfluxClient:
    """Reads one database.

    Parameters
    ----------
    http
        The server.
    database
        Name of the database.
    retentionPolicy
        Name of the retention policy; the database's default if None.
    timeout
        Longest time that an answer may take, s.
    """

    http: HttpClient
    database: str
    retentionPolicy: str | None = None
    timeout: float = 600.0

    def query(self, text: str, kinds: Mapping[str, pa.DataType]) -> dict[str, pa.Table]:
        """Make a query; what may pass is tried again.

        Parameters
        ----------
        text
            One statement of InfluxQL that reads.
        kinds
            Columns to take from the answer: dictionaries of texts (null where empty), whole numbers of 64
            bits, or floats (NaN where there is none).

        Returns
        -------
        tables
            These columns by the name of the measurement, rows in the order of the server; none of a
            measurement without rows.

        Raises
        ------
        InfluxError
            Raised if the server cannot be reached, refuses the query, or gives an incomplete or odd answer.
        """
        deadline = time.monotonic() + self.timeout

        def isLast(state: tenacity.RetryCallState) -> bool:
            return state.attempt_number >= _ATTEMPTS or time.monotonic() + _findWait(state) > deadline

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError), stop=isLast, wait=_findWait, reraise=True
        )
        try:
            return retrying(self._read, text, kinds, deadline)
        except SasquatchError as error:
            raise InfluxError(str(error)) from None

    def _read(self, text: str, kinds: Mapping[str, pa.DataType], deadline: float) -> dict[str, pa.Table]:
        """Read one answer to the end, which must be marked as such."""
        parameters = {
            "db": self.database,
            "epoch": "ns",
            "chunked": "true",
            "chunk_size": _CHUNK_ROWS,
            "q": text,
        }
        parameters |= {} if self.retentionPolicy is None else {"rp": self.retentionPolicy}
        route = f"/query?{urlencode(parameters)}"
        parts: dict[str, list[pa.Table]] = {}
        is_partial = True
        with closing(self.http.lines(route, timeout=deadline - time.monotonic())) as lines:
            for line in filter(bytes.strip, lines):
                is_partial, found = self._readLine(line, text)
                for name, columns in found:
                    parts.setdefault(name, []).append(_readColumns(name, columns, kinds))
        if is_partial:
            raise TransientError(f"{self.http.address} ended its answer to {text!r} before it was complete")
        return {name: pa.concat_tables(some).unify_dictionaries() for name, some in parts.items()}

    def _readLine(self, line: bytes, text: str) -> tuple[bool, list[tuple[str, dict[str, list[Any]]]]]:
        """Read one document: whether there must be another, and each series' name and columns."""
        try:
            document = json.loads(line, parse_constant=_refuse)
            (result,) = document["results"] if "error" not in document else [document]
            every = _checkList(result.get("series", []))
            found = [_readSeries(series) for series in every]
            is_partial = any(part.get("partial", False) is not False for part in (result, *every))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            start = shorten(line.decode(errors="replace"))[:100]
            message = f"{self.http.address} does not answer as InfluxDB does: {start!r}"
            raise InfluxError(message) from None
        if "error" in result:
            raise InfluxError(f"{self.http.address} refuses {text!r}: {shorten(str(result['error']))}")
        return is_partial, found


def _readSeries(series: Mapping[str, Any]) -> tuple[str, dict[str, list[Any]]]:
    """Read the name and the columns of a series; raise something if it is none."""
    names, rows = (_checkList(each) for each in (series["columns"], series.get("values", [])))
    if set(map(type, names)) > {str} or len(set(names)) < len(names):
        raise ValueError("columns are not named")
    if {len(names)} != {len(names), *map(len, rows)}:
        raise ValueError("rows do not fit the columns")
    columns = map(list, zip(*map(_checkList, rows), strict=True)) if rows else ([] for _ in names)
    return str(series["name"]), dict(zip(names, columns, strict=True))


def _checkList(value: Any) -> list[Any]:
    """Return what must be a list; an object has a length, and can be walked through, too."""
    if not isinstance(value, list):
        raise TypeError("expected a list")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _readColumns(topic: str, columns: Mapping[str, list[Any]], kinds: Mapping[str, pa.DataType]) -> pa.Table:
    """Take columns of some kinds from an answer."""
    arrays = {}
    for name, kind in kinds.items():
        if name not in columns:
            raise InfluxError(f"topic {topic}, field {name}: there is no such column in the answer")
        try:
            arrays[name] = readColumn(columns[name], kind)
        except (ValueError, OverflowError) as error:
            raise InfluxError(f"topic {topic}, field {name}: expected {_KINDS[kind][0]}: {error}") from None
    return pa.table(arrays)


def readColumn(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Read a column; raise ValueError or OverflowError for what is not of its kind."""
    if wrong := set(map(type, values)) - {*_KINDS[kind][1], type(None)}:
        raise ValueError(shorten(repr(next(value for value in values if type(value) in wrong))))
    if kind == TEXT:
        return pa.array([value or None for value in values], pa.string()).dictionary_encode()
    if kind == WHOLE:
        return pa.array(map(_readWhole, values), kind)
    numbers = np.array(values, dtype=np.float64)
    if np.isinf(numbers).any():
        raise ValueError("inf")
    return pa.array(numbers)


def _readWhole(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and not (value.isascii() and value.isdecimal()):
        raise ValueError(shorten(repr(value)))
    if isinstance(value, float) and not (value.is_integer() and abs(value) <= _EXACT):
        raise ValueError(value)
    return int(value)


def _findWait(state: tenacity.RetryCallState) -> float:
    """Find how long to wait: twice as long each time, or as long as the server asked for."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retryAfter if isinstance(error, TransientError) else None
    return max(asked or 0.0, _FIRST_WAIT * 2.0**state.attempt_number)


def findLogin(
    user: str | None = None, passwordFile: str | Path | None = None, tokenFile: str | Path | None = None
) -> Secret | None:
    """Collect what is given, and where nothing is given what the environment variables hold.

    Parameters
    ----------
    user
        Name of the user.
    passwordFile, tokenFile
        Files that hold nothing but the password or the token.

    Returns
    -------
    secret
        A user with a password, or a token; None if there is neither.

    Raises
    ------
    SasquatchError
        Raised if a file cannot be read, or what is found does not go together.
    """
    token = password = None
    if tokenFile is not None or (user is None and passwordFile is None):
        token = findSecretText("token", tokenFile, f"{_VARIABLE}TOKEN")
    if tokenFile is None:
        user = user or os.environ.get(f"{_VARIABLE}USER")
        password = findSecretText("password", passwordFile, f"{_VARIABLE}PASSWORD")
    if token is not None and (user is not None or password is not None):
        raise SasquatchError("Both a token and a user or password are given; expected one of them.")
    if token is not None:
        return Secret.bearer(token)
    if user is None and password is None:
        return None
    if user is None or password is None:
        given, lacking = ("user", "password") if password is None else ("password", "user")
        raise SasquatchError(
            f"A {given} is given, but no {lacking}; it may be in ${_VARIABLE}{lacking.upper()}."
        )
    return Secret.basic(user, password)


def quoteName(name: str) -> str:
    """Quote the name of a measurement or field for InfluxQL."""
    return '"' + re.sub(r'(["\\])', r"\\\1", name).replace("\n", r"\n") + '"'


def quoteText(text: str) -> str:
    """Quote a text for InfluxQL."""
    return "'" + re.sub(r"(['\\])", r"\\\1", text).replace("\n", r"\n") + "'"


def quotePattern(prefix: str) -> str:
    """Write a regular expression of InfluxQL for names with a prefix and no further point."""
    return "/^" + re.sub(r"([^\w])", r"\\\1", prefix) + "[^.]+$/"
