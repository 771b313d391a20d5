# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""``butler serve-verify``: its options, what it says, what it refuses, and how it ends."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3
from runningServer import runServer

from lsst.analysis.cp.cli.cmd import serve_verify
from lsst.analysis.cp.navigator.guard import HostNames
from lsst.analysis.cp.navigator.server import Listener
from lsst.daf.butler import Butler
from lsst.daf.butler.cli.utils import LogCliRunner

BUTLER = "from lsst.daf.butler.cli.butler import main; main()"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repository with one collection."""
    root = tmp_path_factory.mktemp("server") / "repository"
    with Butler.from_config(Butler.makeRepo(str(root)), writeable=True) as butler:
        butler.collections.register("u/me/first")
    return root


@pytest.fixture(scope="module")
def address(empty: Path) -> Iterator[str]:
    with runServer(empty) as address:
        yield address


@pytest.fixture
def taken() -> Iterator[int]:
    """Return a port at which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@contextmanager
def startCommand(root: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command until the end of the block; return it with the address that it prints."""
    command = [sys.executable, "-c", BUTLER, "serve-verify", str(root), "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            line = process.stdout.readline()
            yield process, re.search(r"is served at (http://127\.0\.0\.1:\d+/)\n", line)[1]
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_command_serves_until_it_is_told_to_end(empty, number):
    with startCommand(empty) as (process, address):
        assert "u/me/first" in urllib3.request("GET", address).data.decode()
        process.send_signal(number)
        assert process.wait(20) == 0
        assert process.stderr.read() == ""


def test_taken_port_is_named(empty, taken):
    result = LogCliRunner().invoke(serve_verify, [str(empty), "--port", str(taken)])
    assert result.exit_code == 1
    assert f"Cannot listen at port {taken} of 127.0.0.1: " in result.output


def test_unknown_interface_is_named(empty):
    result = LogCliRunner().invoke(serve_verify, [str(empty), "--host", "no.such.host.invalid"])
    assert result.exit_code == 1
    assert "of no.such.host.invalid: " in result.output


def test_repository_that_does_not_open_is_named(tmp_path):
    result = LogCliRunner().invoke(serve_verify, [str(tmp_path / "no")])
    assert result.exit_code == 1
    assert f"There is no repository {tmp_path}/no" in result.output


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "jinja2", "cachetools"])
def test_missing_extra_is_named(empty, monkeypatch, package):
    monkeypatch.setattr(
        "lsst.analysis.cp.cli.serveScript.find_spec", lambda name: None if name == package else object()
    )
    result = LogCliRunner().invoke(serve_verify, [str(empty)])
    assert result.exit_code == 1
    assert f"There is no package {package}." in result.output
    assert "lsst-analysis-cp[web]" in result.output


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/static/navigator.css", "/nothing"])
def test_nothing_can_be_written(address, method, path):
    response = urllib3.request(method, address + path)
    assert response.status == 405
    assert response.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/static/navigator.css", "/nothing"])
def test_head_is_get_without_body(address, path):
    got, head = (urllib3.request(method, address + path) for method in ("GET", "HEAD"))
    assert head.data == b""
    assert head.status == got.status
    assert head.headers["Content-Length"] == str(len(got.data))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "localhost:80:80"])
def test_other_names_are_refused(address, host):
    """A page of another site whose name leads here reads nothing."""
    response = urllib3.request("GET", address, headers={"Host": host})
    assert response.status in (400, 421)
    assert b"u/me/first" not in response.data


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080"])
def test_own_names_are_taken(address, host):
    assert urllib3.request("GET", address, headers={"Host": host}).status == 200


def test_other_interfaces_are_reached_by_address_or_own_name():
    listener = Listener.bind("0.0.0.0", 0)
    try:
        assert not listener.isLocal
        hosts = listener.hosts
    finally:
        listener.socket.close()
    assert hosts.include(f"{socket.gethostname()}:8080")
    assert hosts.include("192.0.2.1:8080")
    assert hosts.include("[2001:db8::1]")
    assert not hosts.include("evil.example")
    assert not HostNames().include("192.0.2.1")


@pytest.mark.parametrize("path", ["/", "/static/navigator.css", "/nothing"])
def test_browsers_are_told_what_pages_may_do(address, path):
    headers = urllib3.request("GET", address + path).headers
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "server" not in headers


def test_too_long_addresses_are_refused(address):
    assert urllib3.request("GET", f"{address}/?pattern={'a' * 9000}").status == 414


def test_problems_are_pages_for_people_and_json_for_programs(address):
    page = urllib3.request("GET", f"{address}/nothing", headers={"Accept": "text/html"})
    assert page.status == 404
    assert "<h1>Not Found</h1>" in page.data.decode()
    assert urllib3.request("GET", f"{address}/nothing").json() == {"detail": "Not Found"}


def test_what_is_added_is_shown(empty, tmp_path):
    root = shutil.copytree(empty, tmp_path / "copy")
    with runServer(root) as address:
        assert "u/me/second" not in urllib3.request("GET", address).data.decode()
        with Butler.from_config(str(root), writeable=True) as butler:
            butler.collections.register("u/me/second")
        assert "u/me/second" in urllib3.request("GET", address).data.decode()
