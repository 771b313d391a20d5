# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""``butler make-verify-report``: its options, what it prints, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import click.testing
import pytest
from tableRepository import EXPOSURES, RUN, TableRepository, failAmps

from lsst.analysis.cp.cli import reportScript
from lsst.analysis.cp.cli.cmd import make_verify_report
from lsst.analysis.cp.report.document import DOCUMENT
from lsst.daf.butler import DatasetType
from lsst.daf.butler.cli.utils import LogCliRunner
from lsst.utils.packages import Packages

MANY = [(detector, f"C{i // 8}{i % 8}") for detector in range(9) for i in range(16)]


def invoke(repository: TableRepository, out: Path, *options: str) -> click.testing.Result:
    repository.butler.close()
    arguments = [str(repository.root), str(out), "--collections", RUN, *options]
    return LogCliRunner().invoke(make_verify_report, arguments)


def putAll(repository: TableRepository, *failing: tuple[int, str]) -> None:
    change = failAmps("BIAS_MEAN", 100.0, *failing) if failing else lambda columns: None
    for exposure in EXPOSURES:
        repository.putTables("bias", exposure, change=change)


def test_status_0_if_all_may_be_certified(repository, tmp_path):
    putAll(repository)
    result = invoke(repository, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "Bias: may be certified. No test failed for the majority of 9 detectors in the majority of 3 "
        "exposures.",
        f"All together: may be certified. The report is in {tmp_path / 'out'}.",
    ]
    document = json.loads((tmp_path / "out" / DOCUMENT).read_text())
    assert document["verdict"] == "MAY"
    assert document["repository"] == str(repository.root)


def test_status_4_if_one_may_not(repository, tmp_path):
    putAll(repository, *MANY[:40])
    repository.putTables("ptc")
    result = invoke(repository, tmp_path / "out")
    assert result.exit_code == 4
    assert "Bias: may not be certified. MEAN failed for the majority of detectors in 3 of 3" in result.stdout
    assert json.loads((tmp_path / "out" / DOCUMENT).read_text())["verdict"] == "MAY_NOT"


def test_status_3_if_that_is_unknown(repository, tmp_path):
    putAll(repository)
    repository.pathOf("cpBiasExp_ampSummary", exposure=EXPOSURES[0]).unlink()
    result = invoke(repository, tmp_path / "out")
    assert result.exit_code == 3
    assert "cannot be read" in result.stderr
    assert json.loads((tmp_path / "out" / DOCUMENT).read_text())["verdict"] == "UNKNOWN"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--instrument", "HSC"], "There is no instrument 'HSC' in the repository; there are LSSTComCam."),
        (["--where", "exposure = 1"], "fulfils 'exposure = 1'. Without it there are bias."),
        (["--where", "exposure == = 1"], "exposure"),
    ],
)
def test_status_1_if_there_is_no_report(repository, tmp_path, options, words):
    putAll(repository)
    result = invoke(repository, tmp_path / "out", *options)
    assert result.exit_code == 1
    assert words in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "out").exists()


def test_an_unknown_collection_names_similar_ones(repository, tmp_path):
    putAll(repository)
    repository.butler.close()
    arguments = [str(repository.root), str(tmp_path / "out"), "--collections", "u/someone/verify"]
    result = LogCliRunner().invoke(make_verify_report, arguments)
    assert result.exit_code == 1
    assert RUN in result.stderr


def test_a_repository_that_is_none_is_named(tmp_path):
    result = LogCliRunner().invoke(make_verify_report, [str(tmp_path / "no"), "out", "--collections", "a"])
    assert result.exit_code == 1
    assert f"There is no repository {tmp_path / 'no'}" in result.stderr


def test_a_folder_that_is_no_report_is_refused_before_the_work(repository, tmp_path):
    (tmp_path / "out").mkdir()
    result = invoke(repository, tmp_path / "out")
    assert result.exit_code == 1
    assert "exists and is no report of this package: it is left alone." in result.stderr


def test_an_expression_of_detectors_needs_no_instrument(repository, tmp_path):
    """The versions of packages are of no instrument."""
    putAll(repository)
    butler = repository.butler
    butler.registry.registerDatasetType(DatasetType("packages", (), "Packages", universe=butler.dimensions))
    butler.put(Packages({"analysis_cp": "1"}), "packages", run=RUN)
    result = invoke(repository, tmp_path / "out", "--where", "detector IN (0..2)")
    assert result.exit_code == 0, result.output
    document = json.loads((tmp_path / "out" / DOCUMENT).read_text())
    assert document["versions"] == {"analysis_cp": "1"}
    assert [each["detector"] for each in document["products"][0]["detectors"]] == [0, 1, 2]


def test_status_2_without_collections(repository, tmp_path):
    result = LogCliRunner().invoke(make_verify_report, [str(repository.root), str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "--collections" in result.stderr


def test_dates_and_collection_go_to_the_sheet(repository, tmp_path):
    putAll(repository)
    options = ["--certify-collection", "LSSTComCam/calib/x", "--begin-date", "2026-03-01T00:00:00"]
    result = invoke(repository, tmp_path / "out", *options)
    assert result.exit_code == 0
    sheet = (tmp_path / "out" / "certification.html").read_text()
    assert "LSSTComCam/calib/x" in sheet
    assert "2026-03-01T00:00:00" in sheet


def test_dates_that_are_none_are_refused(repository, tmp_path):
    """The command of the sheet would be refused by butler certify-calibrations."""
    result = invoke(repository, tmp_path / "out", "--end-date", "tomorrow")
    assert result.exit_code == 2
    assert "'tomorrow' is no date as 2026-03-01T00:00:00." in result.stderr


def test_packages_that_are_absent_are_named(repository, tmp_path, monkeypatch):
    monkeypatch.setattr(reportScript, "_NEEDED", ("jinja2", "no_such_package"))
    result = invoke(repository, tmp_path / "report")
    assert result.exit_code == 1
    assert "There is no package no_such_package" in result.output
    assert "lsst-analysis-cp[report]" in result.output
    assert not (tmp_path / "report").exists()
