# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""InfluxDB 1 with directories and ports of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
from processes import ServiceProcess, findFreePorts

__all__ = ["InfluxDatabase"]

CONFIGURATION = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpcPort}"
[meta]
  dir = "{directory}/meta"
  logging-enabled = false
[data]
  dir = "{directory}/data"
  wal-dir = "{directory}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  auth-enabled = {hasUsers}
  log-enabled = false
"""


class InfluxDatabase:
    """A server of InfluxDB 1 with one database.

    Parameters
    ----------
    directory
        For its data.
    name
        Name of the database.
    user, password
        Administrator that requests must name; without, none is asked for.

    Raises
    ------
    FileNotFoundError
        Raised if the program is not installed.
    """

    def __init__(self, directory: Path, name: str = "efd", *, user: str = "", password: str = "") -> None:
        program = shutil.which("influxd")
        if program is None:
            raise FileNotFoundError("there is no influxd on PATH")
        self.name = name
        port, rpc_port = findFreePorts(2)
        self.url = f"http://127.0.0.1:{port}"
        self._pool = urllib3.PoolManager(retries=False, timeout=20.0)
        self._login = {"u": user, "p": password} if user else {}
        configuration = directory / "influxdb.conf"
        configuration.write_text(
            CONFIGURATION.format(
                directory=directory, port=port, rpcPort=rpc_port, hasUsers=str(bool(user)).lower()
            )
        )
        self._process = ServiceProcess(
            [program, "-config", str(configuration)], directory / "influxdb.log", self._isReady
        )
        if user:
            self.query(f"CREATE USER \"{user}\" WITH PASSWORD '{password}' WITH ALL PRIVILEGES")
        self.query(f'CREATE DATABASE "{name}"')

    def _isReady(self) -> bool:
        try:
            return bool(self._pool.request("GET", f"{self.url}/ping").status == 204)
        except urllib3.exceptions.HTTPError:
            return False

    def write(self, lines: Iterable[str], precision: str = "ns") -> None:
        """Write points in line protocol."""
        parameters = urlencode({"db": self.name, "precision": precision} | self._login)
        answer = self._pool.request("POST", f"{self.url}/write?{parameters}", body="\n".join(lines).encode())
        if answer.status != 204:
            raise ValueError(f"InfluxDB does not take points: {answer.status} {answer.data.decode()}")

    def query(self, text: str) -> list[dict[str, Any]]:
        """Run a query, and return its rows, series after series."""
        parameters = urlencode({"db": self.name, "epoch": "ns", "q": text} | self._login)
        answer = json.loads(self._pool.request("POST", f"{self.url}/query?{parameters}").data)
        (result,) = answer.get("results", [answer])
        if "error" in result:
            raise ValueError(f"{text}: {result['error']}")
        return [
            dict(zip(series["columns"], values, strict=True)) | series.get("tags", {})
            for series in result.get("series", [])
            for values in series["values"]
        ]

    def measurements(self) -> list[str]:
        """Return the names of all measurements, sorted."""
        return sorted(row["name"] for row in self.query("SHOW MEASUREMENTS"))

    def read(self, measurement: str) -> list[dict[str, Any]]:
        """Read all points of a measurement, ordered by time, with times in ns."""
        return self.query(f'SELECT * FROM "{measurement}"')

    def stop(self) -> None:
        """End the server."""
        self._pool.clear()
        self._process.stop()
