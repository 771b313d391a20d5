# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Runs with checkouts of upstream packages, each in an interpreter of its own."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "python"
STAND_INS = ROOT / "standalone" / "python"
SUPPORT = Path(__file__).parent / "support"
PREPARATION = Path(__file__).parent / "preparation"
PACKAGES = {
    "verify": "lsst/verify",
    "analysis_tools": "lsst/analysis/tools",
    "cp_verify": "lsst/cp/verify",
}
# Modules that define the tasks of cp_verify's pipelines, where there are checkouts; few of them run here.
PARTIAL = {
    "ip_isr": ("lsst/ip/isr", "*.py"),
    "pipe_tasks": ("lsst/pipe/tasks", "visualizeVisit.py"),
    "cp_pipe": ("lsst/cp/pipe", "**/*.py"),
}
# What the methods of these use of afw, where it is not among the stand-ins.
WITHOUT = re.compile(r"^from lsst\.afw\.\w+ import (NullLinearityType|TransmissionCurve)\n", re.M)
# Libraries that analysis_tools imports and the plugin does not.
LIBRARIES = ("deprecated", "healsparse", "pandas", "requests", "seaborn")
# Ends what hangs, and nothing that a busy machine is slow at (s).
TIMEOUT = 3600
VERSION = '__version__ = "checkout"\n__all__ = ("__version__",)\n'

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the checkouts that UPSTREAM_DIR holds, and complete them.

    A built package has a ``version.py``, a checkout has none; nothing is
    written into the checkouts themselves.
    """
    if "UPSTREAM_DIR" not in os.environ:
        pytest.skip("needs checkouts of verify, analysis_tools and cp_verify: set UPSTREAM_DIR")
    source = Path(os.environ["UPSTREAM_DIR"])
    if missing := [name for name in PACKAGES if not (source / name / "python").is_dir()]:
        pytest.skip(f"UPSTREAM_DIR={source} has no checkout of {', '.join(missing)}")
    copy = tmp_path_factory.mktemp("upstream")
    for name, package in PACKAGES.items():
        for part in ("python", "tests", "pipelines"):
            if (source / name / part).is_dir():
                shutil.copytree(source / name / part, copy / name / part)
        (copy / name / "python" / package / "version.py").write_text(VERSION)
    copyTasks(source, copy)
    # A test of tools imports this for the sake of catalogue plots.
    (copy / "unused").mkdir()
    (copy / "unused" / "skyproj.py").touch()
    return copy


def copyTasks(source: Path, copy: Path) -> None:
    """Copy what defines the tasks of pipelines, of the packages that are there."""
    for name, (package, pattern) in PARTIAL.items():
        if not (source / name / "python").is_dir():
            continue
        folder = copy / name / "python" / package
        original = source / name / "python" / package
        for file in original.glob(pattern):
            copied = folder / file.relative_to(original)
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_text(WITHOUT.sub("", file.read_text()))
        if (source / name / "tests").is_dir():
            shutil.copytree(source / name / "tests", copy / name / "tests")
        for parent in folder.relative_to(copy / name / "python").parents[:-1]:
            namespace = (ROOT / "python" / "lsst" / "__init__.py").read_text()
            (copy / name / "python" / parent / "__init__.py").write_text(namespace)
        (folder / "version.py").write_text(VERSION)
    if (tasks := copy / "pipe_tasks/python/lsst/pipe/tasks/__init__.py").parent.is_dir():
        tasks.write_text("")


@pytest.fixture(scope="session")
def overStandIns(upstream: Path) -> Run:
    """Run Python with the plugin and the stand-ins, without upstream's code."""

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        path = [PLUGIN, STAND_INS, upstream / "unused", PREPARATION]
        return _run(path, arguments, ANALYSIS_TOOLS_DIR=upstream / "analysis_tools")

    return run


@pytest.fixture(scope="session")
def overUpstream(upstream: Path) -> Run:
    """Run Python with upstream's code wherever there is a checkout, and stand-ins for the rest."""
    if missing := [name for name in LIBRARIES if importlib.util.find_spec(name) is None]:
        pytest.skip(f"analysis_tools needs {', '.join(missing)}: pip install {' '.join(missing)}")

    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        path = [folder for name in (*PACKAGES, *PARTIAL) if (folder := upstream / name / "python").is_dir()]
        environment = {"ANALYSIS_CP_ALLOW_MIXED": "1", "ANALYSIS_TOOLS_DIR": str(upstream / "analysis_tools")}
        environment["CP_VERIFY_DIR"] = str(upstream / "cp_verify")
        return _run([*path, PLUGIN, STAND_INS, SUPPORT], arguments, **environment)

    return run


def _run(
    path: list[Path], arguments: tuple[str | Path, ...], **environment: str | Path
) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if key != "ANALYSIS_CP_ALLOW_MIXED"}
    standalone = ROOT / "standalone"
    env |= {"ANALYSIS_CP_DIR": str(ROOT), "ANALYSIS_TOOLS_DIR": str(standalone)}
    env |= {"CP_VERIFY_DIR": str(standalone), "PYTHONPATH": os.pathsep.join(map(str, path))}
    env |= {key: str(value) for key, value in environment.items()}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
