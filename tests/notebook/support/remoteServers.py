# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Servers of repositories on this machine: one of S3 for the files, and a Butler server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3
from processes import ServiceProcess, findFreePorts

from lsst.daf.butler import ButlerConfig
from lsst.daf.butler.repo_relocation import BUTLER_ROOT_TAG
from lsst.resources import ResourcePath

__all__ = ["serveBucket", "serveRepository"]

BUCKET = "s3://verification/"
LABEL = "verify"


@contextmanager
def _serve(command: list[str], probe: str, log: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Run a program with additions to the environment, which stay while it answers to an address."""

    def isReady() -> bool:
        try:
            return urllib3.request("GET", probe, retries=False, timeout=1.0).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        process = ServiceProcess([sys.executable, "-m", *command], log, isReady)
        try:
            yield
        finally:
            process.stop()


@contextmanager
def serveBucket(root: Path, folder: Path) -> Iterator[Path]:
    """Serve the files of a repository from a bucket; yield the configuration that has its registry here.

    Parameters
    ----------
    root
        The repository.
    folder
        Where the configuration is written.
    """
    (port,) = findFreePorts(1)
    address = f"http://127.0.0.1:{port}"
    environment = {
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "S3_ENDPOINT_URL": address,
    }
    command = ["moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with _serve(command, f"{address}/moto-api/data.json", folder / "moto.log", environment):
        urllib3.request("PUT", f"{address}/{ResourcePath(BUCKET).netloc}")
        for file in root.rglob("*"):
            if file.is_file() and file.suffix != ".sqlite3":
                target = ResourcePath(BUCKET).join(str(file.relative_to(root)))
                target.transfer_from(ResourcePath(file), transfer="copy")
        config = ButlerConfig(str(root))
        config["datastore", "root"] = BUCKET
        config["registry", "db"] = config["registry", "db"].replace(BUTLER_ROOT_TAG, str(root))
        config.dumpToUri(folder / "butler.yaml")
        yield folder / "butler.yaml"


@contextmanager
def serveRepository(config: Path, folder: Path) -> Iterator[str]:
    """Serve a repository by a Butler server; yield the address that a Butler is opened with.

    Parameters
    ----------
    config
        The configuration of the repository.
    folder
        Where the server writes its log.
    """
    (port,) = findFreePorts(1)
    address = f"http://127.0.0.1:{port}"
    environment = {
        "DAF_BUTLER_SERVER_REPOSITORIES": json.dumps(
            {LABEL: {"config_uri": str(config), "authorized_groups": ["*"]}}
        ),
        "DAF_BUTLER_SERVER_GAFAELFAWR_URL": "DISABLED",
        "DAF_BUTLER_SERVER_AUTHENTICATION": "rubin_science_platform",
        "BUTLER_RUBIN_ACCESS_TOKEN": "nothing",
    }
    command = ["uvicorn", "--factory", "lsst.daf.butler.remote_butler.server:create_app", "--port", str(port)]
    with _serve(command, f"{address}/", folder / "server.log", environment):
        yield f"{address}/api/butler/repo/{LABEL}/"
