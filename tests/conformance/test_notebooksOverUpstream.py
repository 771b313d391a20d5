# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The notebooks of the documentation, on what tasks and tools of upstream make, and read over its code."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TEST = Path(__file__).parents[1] / "doc" / "test_notebooks.py"


def test_notebooks_run(upstream, overUpstream):
    if not (upstream / "ip_isr").is_dir():
        pytest.skip("needs a checkout of ip_isr")
    options = ("-q", "-p", "no:cacheprovider", "-p", "pixelTasks", "-p", "calibrationTasks")
    result = overUpstream("-m", "pytest", *options, "-k", "not pages", TEST)
    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr
    assert re.search(r"\d+ passed", result.stdout)
    assert "skipped" not in result.stdout
    assert "measured by CpVerifyBiasTask of upstream" in result.stdout
    assert "verified by CpVerifyPtcTask of upstream" in result.stdout
