# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Queries of an InfluxDB 1 server, whose answers are read as they come.

The chunked answers of InfluxDB are JSON documents, one a line. They are read by urllib3, not by the package
``influxdb``: that drops errors and marks of incomplete answers from chunks, and is developed no longer.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from .influxLogin import InfluxLogin

__all__ = ["InfluxClient", "InfluxError", "Series", "quoteName", "quotePattern", "quoteText"]

_LOG = logging.getLogger(__name__)

_CHUNK_ROWS = 10_000
_CONNECT_TIMEOUT = 10.0
_READ_TIMEOUT = 60.0
_BLOCK = 1 << 16
_RETRIES = urllib3.Retry(
    total=3,
    read=1,
    backoff_factor=0.2,
    redirect=0,
    status_forcelist=(429, 502, 503, 504),
    raise_on_status=False,
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class InfluxError(RuntimeError):
    """The database cannot be read."""


@dataclass(frozen=True)
class Series:
    """Rows of a measurement, which may be a part of them only.

    Parameters
    ----------
    name
        Name of the measurement.
    columns
        Names of the columns.
    values
        Rows of values, None where there is none.
    """

    name: str
    columns: list[str]
    values: list[list[Any]]


class InfluxClient:
    """Reads one database.

    Certificates are verified against those that the system trusts (or ``$SSL_CERT_FILE``), redirections are
    refused. Nothing secret is part of an address, an error or a message.

    Parameters
    ----------
    url
        Address of the server, such as ``https://sasquatch.example.org/influxdb``.
    database
        Name of the database.
    login
        Who asks.
    retentionPolicy
        Name of the retention policy; that which is the database's default if None.
    timeout
        Longest time that an answer may take, s.

    Raises
    ------
    InfluxError
        Raised if the address is not one of http or https, or holds more than host, port and path.
    """

    def __init__(
        self,
        url: str,
        database: str,
        *,
        login: InfluxLogin | None = None,
        retentionPolicy: str | None = None,
        timeout: float = 600.0,
    ) -> None:
        self._login = InfluxLogin() if login is None else login
        self.address = _checkAddress(url)
        self._parameters = {"db": database, "epoch": "ns", "chunked": "true", "chunk_size": str(_CHUNK_ROWS)}
        if retentionPolicy is not None:
            self._parameters["rp"] = retentionPolicy
        self._timeout = timeout
        self._pool = urllib3.PoolManager(
            cert_reqs="CERT_REQUIRED",
            retries=_RETRIES,
            timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT, read=min(_READ_TIMEOUT, timeout)),
            headers=urllib3.util.make_headers(user_agent="analysis_cp", accept_encoding=True),
        )
        parts = urlsplit(self.address)
        if self._login.isSecret and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            _LOG.warning("The password goes to %s unencrypted; use https.", self.address)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def query(self, text: str) -> Iterator[Series]:
        """Make a query.

        Parameters
        ----------
        text
            One statement of InfluxQL that reads.

        Yields
        ------
        series
            Up to 10,000 rows at a time, in the order of the server.

        Raises
        ------
        InfluxError
            Raised if the server cannot be reached, refuses the query, or gives an incomplete answer.
        """
        # Integers stay what they are, and floats have all the digits that tell them from their neighbours.
        is_partial = False
        for line in filter(bytes.strip, self._readLines(text)):
            results = self._parse(line, text)
            for result in results:
                is_partial = bool(result.get("partial"))
                for series in result.get("series", ()):
                    is_partial |= bool(series.get("partial"))
                    yield Series(series.get("name", ""), series["columns"], series.get("values", []))
        if is_partial:
            raise InfluxError(f"{self.address} ended its answer to {text!r} before it was complete")

    def _readLines(self, text: str) -> Iterator[bytes]:
        """Yield the lines of an answer."""
        # A line has thousands of rows and comes in as many blocks.
        parts: list[bytes] = []
        for block in self._readBlocks(text):
            first, *others = block.split(b"\n")
            parts.append(first)
            for other in others:
                yield b"".join(parts)
                parts = [other]
        yield b"".join(parts)

    def _readBlocks(self, text: str) -> Iterator[bytes]:
        """Yield an answer as it comes."""
        url = f"{self.address}/query?{urlencode(self._parameters | {'q': text})}"
        deadline = time.monotonic() + self._timeout
        try:
            response = self._pool.request(
                "GET", url, headers=self._headers(), preload_content=False, redirect=False
            )
            try:
                self._checkStatus(response)
                # What has come is taken at once, so that a slow answer is noticed.
                while block := response.read1(_BLOCK, decode_content=True):
                    yield block
                    if time.monotonic() > deadline:
                        raise InfluxError(f"{self.address} took more than {self._timeout:g} s for {text!r}")
            finally:
                response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise InfluxError(f"{self.address} cannot be read: {_explain(error)}") from None

    def _headers(self) -> dict[str, str]:
        return {**self._pool.headers, "Accept": "application/json", **self._login.headers()}

    def _checkStatus(self, response: urllib3.BaseHTTPResponse) -> None:
        """Raise unless the answer is one to the query."""
        if response.status == 200:
            return
        if 300 <= response.status < 400:
            parts = urlsplit(response.headers.get("Location", ""))
            raise InfluxError(
                f"{self.address} redirects to {parts.scheme}://{parts.hostname}, which is refused; if that "
                "is the database, give its address"
            )
        body = response.read(2000, decode_content=True)
        try:
            reason = str(json.loads(body)["error"])
        except (ValueError, KeyError, TypeError):
            reason = body.decode(errors="replace")[:200]
        if response.status in (401, 403):
            reason += "" if self._login.isSecret else " (no user, password or token was given)"
        raise InfluxError(f"{self.address} answers {response.status}: {self._login.hide(reason)}")

    def _parse(self, line: bytes, text: str) -> list[dict[str, Any]]:
        """Read one document of an answer."""
        try:
            document = json.loads(line)
            results = document.get("results", [document])
            errors = [result["error"] for result in results if "error" in result]
        except (ValueError, AttributeError, TypeError):
            start = line[:100].decode(errors="replace")
            raise InfluxError(
                f"{self.address} does not answer as InfluxDB does: {self._login.hide(start)!r}"
            ) from None
        if errors:
            raise InfluxError(f"{self.address} refuses {text!r}: {self._login.hide(str(errors[0]))}")
        return list(results)


def _checkAddress(url: str) -> str:
    """Check an address, and return it without a slash at its end."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InfluxError("the address of the database cannot be read; expected https://host/path") from None
    if parts.scheme not in ("http", "https") or not host:
        raise InfluxError(
            "the address of the database must start with http:// or https:// and a host, "
            f"not {parts.scheme!r}"
        )
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise InfluxError(
            f"the address of the database at {host} must hold no user, password, query or fragment"
        )
    return parts.geturl().rstrip("/")


def _explain(error: Exception) -> str:
    """Say what went wrong, without the address and its query."""
    while isinstance(cause := getattr(error, "reason", error.args[-1] if error.args else None), Exception):
        error = cause
    return f"{type(error).__name__}: {str(error).rpartition(': ')[2]}"


def quoteName(name: str) -> str:
    """Quote the name of a measurement or field for InfluxQL."""
    return '"' + re.sub(r'(["\\])', r"\\\1", name).replace("\n", r"\n") + '"'


def quoteText(text: str) -> str:
    """Quote a text for InfluxQL."""
    return "'" + re.sub(r"(['\\])", r"\\\1", text).replace("\n", r"\n") + "'"


def quotePattern(prefix: str) -> str:
    """Write a regular expression of InfluxQL for names with a prefix and no further point."""
    return "/^" + re.sub(r"([^\w])", r"\\\1", prefix) + "[^.]+$/"
