# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def sharedData() -> Path:
    """Directory with real cameras and measurements, where it is present."""
    default = Path(__file__).parents[2].parent / "shared"
    path = Path(os.environ.get("ANALYSIS_CP_SHARED", default)) / "data"
    if not path.is_dir():
        pytest.skip(f"needs the real camera files: no directory {path} (set ANALYSIS_CP_SHARED)")
    return path


@pytest.fixture
def planes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the mask planes back at the end."""
    from lsst.afw.image import Mask  # Here, since in a set-up stack it is not a stand-in.

    monkeypatch.setattr(Mask, "_planes", dict(Mask._planes))


@pytest.fixture
def isrModule(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Load modules of calibrations from a checkout of ip_isr; what they need for images is left empty."""
    root = Path(os.environ.get("UPSTREAM_DIR", "")) / "ip_isr/python/lsst/ip/isr"
    if "UPSTREAM_DIR" not in os.environ or not root.is_dir():
        pytest.skip("needs a checkout of ip_isr: set UPSTREAM_DIR to the directory that has it")
    package, functions = ModuleType("isrOfUpstream"), ModuleType("isrOfUpstream.isrFunctions")
    package.__path__ = [str(root)]
    functions.gainContext = None
    headers = ModuleType("astro_metadata_translator")
    headers.merge_headers = None
    for module in (package, functions, headers, ModuleType("lsst.afw.math")):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    package.IsrCalib = importlib.import_module("isrOfUpstream.calibType").IsrCalib
    return lambda name: importlib.import_module(f"isrOfUpstream.{name}")


# In a set-up stack the real packages are tested by their own repositories.
if importlib.util.find_spec("lsst.standalone") is None:
    collect_ignore_glob = ["test_*.py"]
