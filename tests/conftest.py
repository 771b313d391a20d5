# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def sharedData() -> Path:
    """Directory with real cameras and measurements, where it is present."""
    default = Path(__file__).parents[1].parent / "shared"
    path = Path(os.environ.get("ANALYSIS_CP_SHARED", default)) / "data"
    if not path.is_dir():
        pytest.skip(f"needs the real camera files: no directory {path} (set ANALYSIS_CP_SHARED)")
    return path
