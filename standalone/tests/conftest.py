# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import importlib.util
import os
from pathlib import Path

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


# In a set-up stack the real packages are tested by their own repositories.
if importlib.util.find_spec("lsst.standalone") is None:
    collect_ignore_glob = ["test_*.py"]
