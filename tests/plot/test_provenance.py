# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What figures say of their origin."""

import subprocess
import sys
from pathlib import Path

import pytest

import lsst.analysis.cp
from lsst.analysis.cp import __version__
from lsst.analysis.cp.actions.plot.text import describeProvenance

PACKAGE = Path(lsst.analysis.cp.__file__).parent


def test_exposures_and_days_of_a_run_are_named():
    info = {"instrument": "LATISS", "exposures": [2026070200001, 2026070200002], "days": [20260702]}
    assert describeProvenance(info, ())[0] == "LATISS   exposures 2026070200001, 2026070200002   day 20260702"


def test_many_exposures_are_counted():
    info = {"exposures": list(range(2026070200001, 2026070200021)), "days": [20260702, 20260703]}
    assert describeProvenance(info, ())[0] == (
        "20 exposures from 2026070200001 to 2026070200020   days 20260702, 20260703"
    )


def test_every_collection_is_named():
    runs = [f"u/me/verifyBias/2026070{i}" for i in range(8)]
    lines = describeProvenance({"run": ", ".join(runs), "tableName": "t"}, (), "image")
    assert lines[-1] == f"image: t   analysis_cp {__version__}"
    assert " ".join(lines[:-1]).removeprefix("collections: ").split(", ") == runs
    assert max(map(len, lines)) <= 180


def test_hundreds_of_collections_are_counted():
    runs = [f"u/me/verifyBias/2026{i:04d}" for i in range(300)]
    lines = describeProvenance({"run": ", ".join(runs)}, ())
    named = " ".join(lines[:-1]).split(" and ")[0].removeprefix("collections: ").split(", ")
    assert named == runs[: len(named)]
    assert lines[1].endswith(f" and {300 - len(named)} more")
    assert (len(lines), max(map(len, lines)) <= 180) == (3, True)


BUILT = {"lsst/analysis/cp/version.py": '__version__ = "g0123456"\n'}
INSTALLED = {
    "lsst_analysis_cp-1.2.3.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: lsst-analysis-cp\nVersion: 1.2.3\n"
    )
}


@pytest.mark.parametrize(
    ("files", "version"),
    [(BUILT | INSTALLED, "g0123456"), (INSTALLED, "1.2.3"), ({}, "unknown")],
    ids=["built", "installed", "neither"],
)
def test_version_is_that_of_the_build_or_the_installation(tmp_path, files, version):
    files = files | {"lsst/analysis/cp/__init__.py": (PACKAGE / "__init__.py").read_text()}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    code = "import lsst.analysis.cp as p; print(p.__version__)"
    command = [sys.executable, "-S", "-E", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == version, done.stderr
