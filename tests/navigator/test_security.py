# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Nothing can be written, and nothing can be read but plots, images and the pages' own files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from asking import ask, askPage, linksOf
from navigatorRepository import CHAIN, COMCAM, DETECTOR, NavigatorRepository, exposuresOf
from registries import ON_SQLITE_ALONE
from runningServer import runServer

from lsst.analysis.cp.navigator.app import makeApp
from lsst.analysis.cp.navigator.repository import Repository

pytestmark = ON_SQLITE_ALONE
SECRET = "secret of this machine"
OUTSIDE = (
    "../secret.txt",
    "../../secret.txt",
    "../../../../../../../../../../../../etc/passwd",
    "gen3.sqlite3",
    "butler.yaml",
)
WAYS = (
    "/{path}",
    "/static/{path}",
    "/static/report/{path}",
    "/static//{path}",
    "/dataset/{path}",
    "/report/{path}",
    "/view/{path}",
    "/dataset/00000000-0000-0000-0000-000000000000/{path}",
)


def sendRaw(address: str, request: bytes) -> bytes:
    """Send bytes as they are, which clients would put in order first."""
    host, port = urlsplit(address).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        parts = []
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


def getRaw(address: str, target: str) -> bytes:
    return sendRaw(
        address, f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode("latin-1")
    )


def statusOf(response: bytes) -> int:
    return int(response.split(b" ", 2)[1])


def disguise(path: str) -> list[str]:
    """Write a path in the ways in which servers were fooled."""
    return [
        path,
        path.replace("../", "%2e%2e/"),
        path.replace("../", "..%2f"),
        path.replace("../", "%252e%252e%252f"),
        path.replace("../", "..\\"),
        path.replace("../", "....//"),
        path.replace("../", "%c0%ae%c0%ae/"),
        f"{path}%00.png",
        f"x/../{path}",
    ]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", OUTSIDE)
def test_paths_lead_nowhere_else(server, repository, way, path):
    (repository.root.parent / "secret.txt").write_text(SECRET)
    for written in disguise(path):
        response = getRaw(server, way.format(path=written))
        assert 400 <= statusOf(response) < 500, response[:300]
        for content in (SECRET.encode(), b"root:x:", b"SQLite format", b"datastore:"):
            assert content not in response


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "//etc/passwd",
        "http://evil.example/",
        "/static/" + "a/" * 3000,
        "/%ff%fe",
        "/\x7f",
        "*",
    ],
)
def test_odd_targets_are_refused(server, target):
    response = getRaw(server, target)
    assert 400 <= statusOf(response) < 500 or (
        statusOf(response) == 200 and b"<h1>Collections</h1>" in response
    )
    assert b"root:" not in response


def test_requests_that_are_none_are_refused(server):
    assert statusOf(sendRaw(server, b"\x16\x03\x01\x02\x00\r\n\r\n")) == 400
    assert statusOf(sendRaw(server, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")) in (400, 421)
    large = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n"
    # The connection may be closed before all of it is sent.
    with contextlib.suppress(ConnectionError):
        assert statusOf(sendRaw(server, large)) in (400, 431)
    assert ask(server).status == 200


@pytest.mark.parametrize(
    "text",
    [
        "a\r\nX-Evil: 1",
        "a\nSet-Cookie: b=c",
        "é\u202e<script>",
        "'; DROP TABLE dataset; --",
        "%0d%0aX-Evil:%201",
    ],
)
@pytest.mark.parametrize("name", ["collection", "type", "after", "instrument", "detector", "pattern", "kind"])
def test_hostile_parameters_are_text(server, name, text):
    for path in ("/", "/plots", "/images", "/sample", "/choices"):
        query = {"collection": CHAIN, "type": DETECTOR} | {name: text}
        response = ask(server, path, {"Accept": "text/html"}, **query)
        assert "X-Evil" not in response.headers
        assert "Set-Cookie" not in response.headers
        assert response.status < 500
        assert "<script>" not in response.data.decode()


def test_json_is_no_page(server):
    for path in ("/choices", "/plots"):
        response = ask(server, path, collection="<script>alert(1)</script>")
        assert response.status == 404
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_all_routes_read_only(repository):
    with repository.open() as butler:
        app = makeApp(Repository(butler, "test"))
        routes = [route for route in app.routes if getattr(route, "methods", None)]
    assert all(route.methods <= {"GET", "HEAD"} for route in routes)


def test_error_pages_tell_nothing_of_the_code(repository, monkeypatch):
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("lsst.analysis.cp.navigator.routes.home.findCollections", fail)
    with runServer(repository.open()) as address:
        page = askPage(address, status=500)
        assert "RuntimeError. The log of the server says more." in page
        assert SECRET not in page
        # It goes on.
        assert DETECTOR in askPage(address, "/plots", collection=CHAIN)


def test_lost_database_is_no_traceback(changed):
    with runServer(changed.open()) as address:
        with closing(sqlite3.connect(changed.root / "gen3.sqlite3")) as connection:
            connection.execute("DROP TABLE collection_chain")
        page = askPage(address, status=503)
    assert "The database of the repository does not answer." in page
    assert "SELECT" not in page


def hashFiles(root: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()
    }


def test_looking_changes_no_file(server, repository: NavigatorRepository):
    before = hashFiles(repository.root)
    seen = {"/"}
    waiting = ["/", f"/plots?collection={CHAIN}&type={DETECTOR}&instrument={COMCAM}"]
    while waiting and len(seen) < 60:
        for link in linksOf(askPage(server, waiting.pop(0)), "/"):
            if link not in seen and re.match(r"/(plots|images|dataset/[0-9a-f-]+\?|$)", link):
                seen.add(link)
                waiting.append(link)
    assert len(seen) >= 60
    assert hashFiles(repository.root) == before


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may write anywhere")
def test_read_only_repositories_are_served(changed):
    """It runs for people who may read, and no more."""
    plot = changed.find(DETECTOR, instrument=COMCAM, exposure=exposuresOf(COMCAM)[0], detector=4)
    script = "from lsst.daf.butler.cli.butler import main; main()"
    command = [sys.executable, "-c", script, "serve-verify", str(changed.root), "--port", "0"]
    if os.geteuid() == 0:
        powers = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}", *command]
    paths = [changed.root, *changed.root.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                address = re.search(r"http://\S+[^/\s]", process.stdout.readline())[0]
                assert str(plot.id) in askPage(
                    address, "/plots", collection=CHAIN, type=DETECTOR, instrument=COMCAM
                )
                assert ask(address, f"/dataset/{plot.id}/thumbnail").status == 200
            finally:
                process.kill()
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert sorted(changed.root.rglob("*")) == sorted(paths[1:])
