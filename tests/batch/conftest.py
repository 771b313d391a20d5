# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The shell that submits, and where tests find what submits."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "support"))

ROOT = Path(__file__).parents[2]
VARIABLES = {
    "ANALYSIS_CP_DIR": str(ROOT),
    "TICKET": "DM-1",
    "TAG": "trial",
    "VERIFY_RERUN": "a",
    "USER_CALIB_PREFIX": "u/me/",
    "RAW_COLLECTION": "raws",
    "CALIB_COLLECTIONS": "calibrations",
    "HISTORY_COLLECTIONS": "first,second",
    "NIGHT_STEP": "biasNightRun",
    "BPS_CORES": "2",
    "BPS_WMS_SERVICE_CLASS": "lsst.ctrl.bps.parsl.ParslService",
}


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upstreamPipelines: None) -> pytest.MonkeyPatch:
    """Set the variables of the shell, but for camera and selections; all files go to a scratch folder."""
    monkeypatch.delenv("BPS_DETECTORS", raising=False)
    own = {"SCRATCH": str(tmp_path / "scratch"), "REPO": str(tmp_path / "repo")}
    for name, value in (VARIABLES | own).items():
        monkeypatch.setenv(name, value)
    return monkeypatch
