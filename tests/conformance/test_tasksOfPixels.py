# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""From simulated pixels to metrics and plots, with cp_verify's own tasks of detectors and merges."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TEST = Path(__file__).parents[1] / "test_endToEnd.py"


def test_injected_faults_are_found(upstream, overUpstream):
    """The tasks of darks and defects measure and judge what the simulator made."""
    if not (upstream / "ip_isr").is_dir():
        pytest.skip("needs a checkout of ip_isr")
    options = ("-q", "-p", "no:cacheprovider", "-p", "pixelTasks")
    result = overUpstream("-m", "pytest", *options, TEST)
    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr
    assert "skipped" not in result.stdout
    measured = set(re.findall(r"measured by (\w+) of upstream", result.stdout))
    assert measured == {f"CpVerify{product}Task" for product in ("Dark", "Defects")}
