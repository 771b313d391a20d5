# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Upstream's own tests, run against the stand-ins."""

import re

import pytest

pytestmark = pytest.mark.slow

TESTS = (
    ("analysis_tools", "test_analysisTool.py"),
    ("analysis_tools", "test_contexts.py"),
    ("analysis_tools", "test_genericPlotAction.py"),
    ("cp_verify", "test_mergeResults.py"),
)


@pytest.mark.parametrize(("package", "name"), TESTS, ids=[name for _, name in TESTS])
def test_passes_over_the_stand_ins(upstream, overStandIns, package, name):
    file = upstream / package / "tests" / name
    # Out of the project's configuration: upstream has its own view of warnings.
    result = overStandIns("-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider", file)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^\d+ passed", result.stdout.splitlines()[-1]), result.stdout


@pytest.mark.parametrize("name", ["lsst.analysis.tools", "lsst.cp.verify", "lsst.verify"])
def test_stand_ins_are_tested(overStandIns, name):
    result = overStandIns("-c", f"import {name} as package; print(package.__file__)")
    assert "/standalone/python/lsst/" in result.stdout, result.stderr
