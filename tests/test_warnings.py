# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Warnings are errors: in a stack those of our modules and tests, elsewhere all."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = [
    "lsst.analysis.cp.core.limits",
    "lsst.analysis.cp.tasks",
    "tests.history.test_series",
    "standalone.tests.test_geom",
    "conftest",
    "tests.conftest",
    "services.restProxy",
]
OTHERS = [
    "pandas.core.frame",
    "scipy.odr",
    "lsst.ip.isr.isrTask",
    "lsst.analysis.tools.actions",
    "lsst.analysis.cpx",
]
MODULE = f"""
import warnings
import pytest

def warn(module):
    warnings.warn_explicit("This will go.", DeprecationWarning, "file.py", 1, module=module, registry={{}})

for module in {OTHERS}:
    warn(module)

@pytest.mark.parametrize("module", {OTHERS})
def test_others(module):
    warn(module)

@pytest.mark.parametrize("module", {OURS})
def test_ours(module):
    with pytest.raises(DeprecationWarning, match="This will go"):
        warn(module)
"""


def test_warnings_of_others_stop_nothing_in_a_stack(tmp_path: Path) -> None:
    (tmp_path / "test_module.py").write_text(MODULE)
    command = [sys.executable, "-m", "pytest", "-q", "--noconftest", "-c", str(ROOT / "pyproject.toml")]
    # Plugins are not what is asked about.
    command += ["-p", "no:cacheprovider", "-p", "no:xdist", f"--rootdir={tmp_path}", str(tmp_path)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(OTHERS) + len(OURS)} passed" in result.stdout


@pytest.mark.parametrize("module", OTHERS + OURS)
def test_warnings_of_others_are_errors_only_without_a_stack(module: str, pytestconfig: pytest.Config) -> None:
    with warnings.catch_warnings(record=True) as caught:
        if module in OURS or "error" in pytestconfig.getini("filterwarnings"):
            with pytest.raises(DeprecationWarning):
                _warn(module)
            assert not caught
        else:
            _warn(module)
            assert len(caught) == 1


def _warn(module: str) -> None:
    warnings.warn_explicit("This will go.", DeprecationWarning, "file.py", 1, module=module, registry={})
