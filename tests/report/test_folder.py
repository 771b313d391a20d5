# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The folder of a report is the old one or the new one, and nothing else is touched."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from registries import ON_SQLITE_ALONE
from tableRepository import EXPOSURES, RUN, TableRepository, failAmps

from lsst.analysis.cp.report import Problem, RunReport, collectReport, folder
from lsst.analysis.cp.report.document import DOCUMENT, makeDocument
from lsst.analysis.cp.report.folder import MARKER, writeReport


@pytest.fixture
def report(repository: TableRepository) -> RunReport:
    """Collect a report."""
    repository.putTables("ptc")
    with repository.open() as butler:
        return collectReport(butler, RUN)


def listAll(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


def test_a_report_has_pages_and_the_document(report, tmp_path):
    writeReport(report, tmp_path / "out", None)
    written = listAll(tmp_path / "out")
    assert {"index.html", DOCUMENT, MARKER} <= written.keys()
    assert json.loads(written[DOCUMENT]) == json.loads(json.dumps(makeDocument(report)))
    assert [path.name for path in tmp_path.iterdir() if path.name != "repository"] == ["out"]


def test_others_may_read_a_report(report, tmp_path):
    writeReport(report, tmp_path / "out", None)
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("hasExchange", [True, False])
def test_an_old_report_is_replaced_as_a_whole(report, tmp_path, monkeypatch, hasExchange):
    if not hasExchange:
        monkeypatch.setattr(folder, "_exchange", lambda one, other: False)
    out = tmp_path / "out"
    writeReport(report, out, None)
    (out / "left.txt").write_text("old")
    writeReport(report, out, None)
    assert not (out / "left.txt").exists()
    assert (out / MARKER).is_file()
    assert [path.name for path in tmp_path.iterdir() if path.name != "repository"] == ["out"]


@pytest.mark.parametrize("kind", ["folder", "empty", "file", "link"])
def test_what_is_no_report_is_left_alone(report, tmp_path, kind):
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("precious")
    elif kind == "link":
        out.symlink_to(tmp_path / "nowhere")
    else:
        out.mkdir()
        if kind == "folder":
            (out / "thesis.tex").write_text("precious")
    before = listAll(tmp_path)
    if kind == "link":
        # It is followed, and leads to nothing: the report is where it leads to.
        writeReport(report, out, None)
        assert (tmp_path / "nowhere" / MARKER).is_file()
        assert out.is_symlink()
        return
    with pytest.raises(FileExistsError, match="is no report of this package"):
        writeReport(report, out, None)
    assert listAll(tmp_path) == before


def test_a_folder_that_is_not_there_is_named(report, tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder .*absent"):
        writeReport(report, tmp_path / "absent" / "out", None)


def test_a_report_that_fails_leaves_the_old_one(report, tmp_path, monkeypatch):
    out = tmp_path / "out"
    writeReport(report, out, None)
    before = listAll(out)

    def fail(report: RunReport, folder: Path, butler: object) -> tuple[Problem, ...]:
        (folder / "index.html").write_text("half")
        raise OSError("the disk is full")

    monkeypatch.setattr(folder, "writePages", fail)
    with pytest.raises(OSError, match="the disk is full"):
        writeReport(report, out, None)
    assert listAll(out) == before
    assert [path.name for path in tmp_path.iterdir() if path.name != "repository"] == ["out"]


KILLED = """
import os, sys
from pathlib import Path
from lsst.daf.butler import Butler
from lsst.analysis.cp.report import collectReport, folder

root, out, run, moment = sys.argv[1:]
with Butler.from_config(root, writeable=False) as butler:
    report = collectReport(butler, run)
    kill = lambda *arguments: os._exit(9)
    if moment == "pages":
        folder.writePages = kill
    elif moment == "before":
        folder._takePlace = kill
    else:
        folder.shutil.rmtree = kill
    folder.writeReport(report, Path(out), butler)
"""


@ON_SQLITE_ALONE
@pytest.mark.slow
@pytest.mark.parametrize("moment", ["pages", "before", "after"])
def test_a_report_that_is_killed_leaves_a_whole_one(repository, report, tmp_path, moment):
    """At each moment there is the old report, or the new one."""
    out = tmp_path / "out"
    writeReport(report, out, None)
    old = listAll(out)
    repository.putTables("bias", EXPOSURES[0], change=failAmps("BIAS_MEAN", 100.0, (3, "C05")))
    arguments = [str(repository.root), str(out), RUN, moment]
    status = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False, capture_output=True)
    assert status.returncode == 9, status.stderr.decode()
    if moment == "after":
        products = json.loads((out / DOCUMENT).read_text())["products"]
        assert [each["name"] for each in products] == ["bias", "ptc"]
        assert (out / MARKER).is_file()
    else:
        assert listAll(out) == old
