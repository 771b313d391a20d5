# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The simulator runs over the real packages: it imports nothing that only the stand-ins have."""

import ast
from pathlib import Path

import pytest

import lsst.cp.simulator

# The interfaces of upstream that it uses, and what comes with it.
UPSTREAM = {
    "lsst.afw.cameraGeom",
    "lsst.afw.image",
    "lsst.daf.butler",
    "lsst.geom",
    "lsst.ip.isr",
    "lsst.pex.config",
    "lsst.pipe.base",
}
OWN = {"lsst.standalone.pixelStatistics"}
FILES = sorted(Path(lsst.cp.simulator.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_only_what_upstream_has_is_imported(file):
    modules: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(str(node.module))
    assert {module for module in modules if module.startswith("lsst")} <= UPSTREAM | OWN
