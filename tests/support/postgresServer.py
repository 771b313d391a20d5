# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A server of PostgreSQL, which has the registries of repositories: a database each."""

from __future__ import annotations

import gc
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from processes import ServiceProcess
from sqlalchemy import URL, create_engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError

__all__ = ["PostgresServer", "findPrograms"]

_ADMINISTRATOR = "postgres"
_TEMPLATE = "empty"

_SETTINGS = {
    # Nobody but who may enter the folder can connect.
    "listen_addresses": "",
    # What is lost with the machine is made anew.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # A Butler that is not closed has one until it is collected.
    "max_connections": "200",
}


def findPrograms() -> Path | None:
    """Find the folder with ``initdb`` and ``postgres``: Debian has it beside those on PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((each.parent for each in folders), key=lambda each: int(each.parent.name), default=None)


def _readConfiguration(root: Path) -> dict[str, Any]:
    """Read where a repository has its registry, among others."""
    return dict(yaml.safe_load((root / "butler.yaml").read_text()))


class PostgresServer:
    """A server of PostgreSQL that sorts text as people do, and not by code points as SQLite does.

    It listens at a socket in a folder of its own. Root may not run it, and gives that folder to the user whom
    the package of the system has made for it.

    Raises
    ------
    FileNotFoundError
        Raised if PostgreSQL is not installed.
    """

    def __init__(self) -> None:
        programs = findPrograms()
        if programs is None:
            raise FileNotFoundError("no initdb on PATH or below /usr/lib/postgresql")
        # Not in the folder of pytest, which only its own user may enter; and sockets have short names.
        self._folder = Path(tempfile.mkdtemp(prefix="postgres"))
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            user = pwd.getpwnam(_ADMINISTRATOR)
            os.chown(self._folder, user.pw_uid, user.pw_gid)
            self._as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        self._initialize(programs)
        settings = _SETTINGS | {"unix_socket_directories": str(self._folder)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [*self._as_user, str(programs / "postgres"), "-D", str(self._folder / "data"), *options]
        self._engine = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")
        self._n_made = 0
        self._process = ServiceProcess(command, self._folder / "postgres.log", self._isReady)
        self._administer(f"CREATE DATABASE {_TEMPLATE}")
        engine = create_engine(self._url(_TEMPLATE), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CREATE EXTENSION btree_gist"))
        # A database with connections cannot be a template.
        engine.dispose()

    def _initialize(self, programs: Path) -> None:
        words = (
            f"--username={_ADMINISTRATOR} --auth=trust --no-sync --no-instructions --encoding=UTF8 "
            "--locale=C --locale-provider=icu --icu-locale=en-US"
        )
        command = [*self._as_user, str(programs / "initdb"), "-D", str(self._folder / "data"), *words.split()]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True)
        if done.returncode:
            shutil.rmtree(self._folder)
            raise RuntimeError(f"initdb failed: {done.stderr[-2000:]}")

    def _url(self, database: str) -> URL:
        query = {"host": str(self._folder)}
        return URL.create("postgresql+psycopg2", username=_ADMINISTRATOR, database=database, query=query)

    def _isReady(self) -> bool:
        try:
            with self._engine.connect():
                return True
        except OperationalError:
            return False

    def _isUsed(self, database: str) -> bool:
        statement = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :database")
        with self._engine.connect() as connection:
            return bool(connection.execute(statement, {"database": database}).scalar())

    def _administer(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    @property
    def version(self) -> str:
        """Version of the server."""
        with self._engine.connect() as connection:
            return str(connection.execute(text("SHOW server_version")).scalar()).split()[0]

    def makeDatabase(self, template: str = _TEMPLATE) -> str:
        """Make a database for the registry of one repository.

        Parameters
        ----------
        template
            Name of the database that is copied, to which nobody may be connected.

        Returns
        -------
        url
            Its URL.
        """
        self._n_made += 1
        name = f"repository{self._n_made}"
        self._administer(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self._url(name).render_as_string()

    def copy(self, source: Path, target: Path) -> Path:
        """Copy a repository, and give the copy a registry of its own."""
        shutil.copytree(source, target)
        configuration = _readConfiguration(source)
        template = make_url(configuration["registry"]["db"]).database
        if self._isUsed(template):
            # The middleware leaves closing of its engines to the garbage collector.
            gc.collect()
        configuration["registry"]["db"] = self.makeDatabase(template)
        (target / "butler.yaml").write_text(yaml.safe_dump(configuration))
        return target

    @contextmanager
    def lock(self, root: Path) -> Iterator[None]:
        """Let nobody read the registry of a repository meanwhile."""
        engine = create_engine(_readConfiguration(root)["registry"]["db"])
        tables = inspect(engine).get_table_names()
        with engine.begin() as connection:
            connection.execute(text(f"LOCK TABLE {', '.join(f'"{name}"' for name in tables)}"))
            yield
        engine.dispose()

    @contextmanager
    def hosting(self) -> Iterator[None]:
        """Let the repository that is made meanwhile have its registry here; it remembers where that is."""
        url = self.makeDatabase()
        folder = self._folder / f"defaults{self._n_made}"
        folder.mkdir()
        (folder / "registry.yaml").write_text(yaml.safe_dump({"registry": {"db": url}}))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAF_BUTLER_CONFIG_PATH", str(folder))
            yield

    def stop(self) -> None:
        """End the server, whoever is connected, and remove its folder."""
        self._engine.dispose()
        # At once: to terminate it would wait for those who are connected, and write what is removed then.
        os.kill(self._process.pid, signal.SIGQUIT)
        self._process.stop()
        shutil.rmtree(self._folder)
