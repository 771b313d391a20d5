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
# Of calibrations only what their files and their numbers are: images are corrected, and curves made of their
# pairs, by the real classes alone.
TESTS_OF_CALIBRATIONS = {
    "test_ptcDataset.py": (
        "PtcDatasetCases::test_emptyPtcDataset",
        "PtcDatasetCases::test_getExpIdsUsed",
        "PtcDatasetCases::test_getGoodAmps",
        "PtcDatasetCases::test_ptcDataset",
        "PtcDatasetCases::test_ptcDataset_pre_dm38309",
    ),
    "test_brighterFatter.py": ("BrighterFatterTestCases::test_BrighterFatterIO",),
    "test_deferredCharge.py": (
        "DeferredChargeTestCase::testFullyPopulated",
        "DeferredChargeTestCase::testPartiallyPopulated",
    ),
}
OPTIONS = ("-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider")


@pytest.mark.parametrize(("package", "name"), TESTS, ids=[name for _, name in TESTS])
def test_passes_over_the_stand_ins(upstream, overStandIns, package, name):
    file = upstream / package / "tests" / name
    # Out of the project's configuration: upstream has its own view of warnings.
    result = overStandIns(*OPTIONS, file)
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^\d+ passed", result.stdout.splitlines()[-1]), result.stdout


@pytest.mark.parametrize("name", TESTS_OF_CALIBRATIONS)
def test_calibrations_pass_over_the_stand_ins(upstream, overStandIns, name):
    file, chosen = upstream / "ip_isr" / "tests" / name, TESTS_OF_CALIBRATIONS[name]
    if not file.is_file():
        pytest.skip("needs a checkout of ip_isr")
    result = overStandIns(*OPTIONS, "-p", "calibrationsOfTests", *(f"{file}::{test}" for test in chosen))
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].startswith(f"{len(chosen)} passed"), result.stdout


@pytest.mark.parametrize("name", ["lsst.analysis.tools", "lsst.cp.verify", "lsst.ip.isr", "lsst.verify"])
def test_stand_ins_are_tested(overStandIns, name):
    result = overStandIns("-c", f"import {name} as package; print(package.__file__)")
    assert "/standalone/python/lsst/" in result.stdout, result.stderr
