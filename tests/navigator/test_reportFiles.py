# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The folder of a report through the server: its files, nothing else, and always the present ones."""

from __future__ import annotations

import http.client
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from flipRepository import FlipRepository
from registries import ON_SQLITE_ALONE
from runningServer import runServer

from lsst.analysis.cp.cli.cmd import serve_verify
from lsst.analysis.cp.report.folder import MARKER
from lsst.daf.butler.cli.utils import LogCliRunner

pytestmark = ON_SQLITE_ALONE
SECRET = b"not for browsers"
FILES = {
    "index.html": ("text/html; charset=utf-8", b"<!DOCTYPE html><title>one</title>"),
    "report.css": ("text/css; charset=utf-8", b"p { margin: 0 }"),
    "report.js": ("text/javascript; charset=utf-8", b"void 0"),
    "verdict.json": ("application/json", b"{}"),
    "plots/a b.png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "tables/bias.csv": ("text/csv; charset=utf-8", b"a\n1\n"),
    "tables/bias.ecsv": ("text/plain; charset=utf-8", b"# %ECSV 1.0\n"),
    "tables/other.xyz": ("application/octet-stream", b"?"),
}


def writeFiles(folder: Path) -> Path:
    for name, (_, content) in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / MARKER).touch()
    (folder / ".hidden.html").write_bytes(SECRET)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_bytes(SECRET)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_bytes(SECRET)
    (tmp_path / "report-other").mkdir()
    (tmp_path / "report-other" / "index.html").write_bytes(SECRET)
    return writeFiles(tmp_path / "report")


@pytest.fixture
def address(flips: FlipRepository, folder: Path) -> Iterator[str]:
    with runServer(flips.root, folder) as address:
        yield address


def ask(address: str, path: str, **headers: str) -> http.client.HTTPResponse:
    """Ask for a path as it is written: others make paths shorter before they send them."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def test_files_have_their_types(address):
    for name, (kind, content) in FILES.items():
        response = urllib3.request("GET", f"{address}/report/{name}")
        assert response.status == 200, name
        assert response.headers["Content-Type"] == kind
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.data == content


def test_the_folder_is_its_first_page(address):
    for path in ("/report", "/report/"):
        response = urllib3.request("GET", address + path)
        assert response.data == FILES["index.html"][1]
        assert response.geturl() in ("/report/", f"{address}/report/", None)


def test_folders_are_not_listed(address):
    for path in ("/report/plots", "/report/plots/", "/report/tables/"):
        assert urllib3.request("GET", address + path, redirect=False).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/report/../secret.txt",
        "/report/..%2fsecret.txt",
        "/report/%2e%2e/secret.txt",
        "/report/%2e%2e%2fsecret.txt",
        "/report/..%5csecret.txt",
        "/report/plots/../../secret.txt",
        "/report/plots/%2e%2e/%2e%2e/secret.txt",
        "/report//etc/passwd",
        "/report/%2fetc%2fpasswd",
        "/report/../report-other/index.html",
        "/report/%2e%2e%2freport-other/index.html",
        "/report/index.html%00.png",
        f"/report/{MARKER}",
        "/report/.hidden.html",
        "/report/plots/../.hidden.html",
        "/report/.git/config",
        "/report/%2egit/config",
        "/report/outside.txt",
        "/report/outside/secret.txt",
        "/report/pipe",
        "/report/" + "a" * 300,
    ],
)
def test_nothing_else_is_served(address, folder, path):
    (folder / "outside.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "outside").symlink_to(folder.parent)
    os.mkfifo(folder / "pipe")
    response = ask(address, path)
    content = response.read()
    assert response.status == 404
    assert SECRET not in content
    assert b"root:" not in content


def test_links_within_the_folder_are_followed(address, folder):
    (folder / "latest.png").symlink_to("plots/a b.png")
    assert urllib3.request("GET", f"{address}/report/latest.png").data == FILES["plots/a b.png"][1]


def test_the_present_report_is_served(address, folder):
    first = urllib3.request("GET", f"{address}/report/index.html")
    tag = {"If-None-Match": first.headers["ETag"]}
    assert urllib3.request("GET", f"{address}/report/index.html", headers=tag).status == 304
    new = writeFiles(folder.with_name("new"))
    (new / "index.html").write_bytes(b"<!DOCTYPE html><title>the second</title>")
    folder.rename(folder.with_name("old"))
    gone = urllib3.request("GET", f"{address}/report/index.html")
    assert gone.status == 404
    assert "holds none any more" in gone.json()["detail"]
    new.rename(folder)
    second = urllib3.request("GET", f"{address}/report/index.html", headers=tag)
    assert second.data == (folder / "index.html").read_bytes()
    shutil.rmtree(folder.with_name("old"))
    (folder / MARKER).unlink()
    assert urllib3.request("GET", f"{address}/report/index.html").status == 404


def test_pages_of_the_report_may_style_themselves_and_others_not(address):
    own, other = (
        urllib3.request("GET", address + path).headers["Content-Security-Policy"]
        for path in ("/report/index.html", "/")
    )
    assert "style-src 'self' 'unsafe-inline'" in own
    assert "unsafe" not in other
    for policy in (own, other):
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
    unchanged = urllib3.request("GET", f"{address}/report/index.html", headers={"If-None-Match": "*"})
    assert unchanged.status == 304
    assert unchanged.headers["Content-Security-Policy"] == own


def test_without_a_report_there_is_none(flips):
    with runServer(flips.root) as address:
        assert urllib3.request("GET", f"{address}/report/index.html").status == 404
        assert b'"/report/' not in urllib3.request("GET", address).data


def test_the_first_page_leads_to_the_report(address):
    assert b'href="/report/index.html"' in urllib3.request("GET", address).data


def test_another_folder_is_no_report(flips, tmp_path):
    result = LogCliRunner().invoke(serve_verify, [str(flips.root), "--port", "0", "--report", str(tmp_path)])
    assert result.exit_code == 1
    assert f"{tmp_path} is no report that butler make-verify-report wrote." in result.output
