# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Photon transfer curves with faults, and those that ip_isr and cp_verify wrote."""

import pyarrow.parquet as pq
import pytest

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.ptc.view import PtcCurves
from lsst.daf.butler.formatters.parquet import arrow_to_astropy
from lsst.ip.isr import IsrCalib
from lsst.obs.lsst import LsstCam, LsstComCam

FAULTS = (
    "wrongGain detector:4 amplifiers:C01",
    "hotNoise detector:4 amplifiers:C02",
    "lowTurnoff detector:4 amplifiers:C03",
    "strongBrighterFatter detector:4 amplifiers:C04",
    "maskedAmplifier detector:4 amplifiers:C06",
    "noiseDrift detector:4 amplifiers:C10",
)


@pytest.fixture(scope="session")
def simulator():
    return pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")


@pytest.fixture(scope="session")
def camera():
    return LsstComCam().getCamera()


@pytest.fixture(scope="session")
def ptc(simulator, camera):
    return simulator.simulatePtc(camera[4], camera, simulator.parseFaults(FAULTS), seed=3)


@pytest.fixture(scope="session")
def curves(ptc, camera):
    return PtcCurves.fromCalibration(ptc, cameraGeometry(camera))


REAL_CURVES = [
    ("ptc_expapprox", "LSSTComCam", 0),
    ("ptc_expapprox", "LSSTComCam", 4),
    ("ptc_fullcov", "LSSTComCam", 0),
    ("ptc_fullcov", "LSSTComCam", 3),
    ("ptc_lsstcam", "LSSTCam", 39),
    ("ptc_lsstcam", "LSSTCam", 191),
]
REAL_TABLES = [("ptc_expapprox", "LSSTComCam", i) for i in range(9)] + [
    ("ptc_fullcov", "LSSTComCam", 4),
    ("ptc_lsstcam", "LSSTCam", 39),
    ("ptc_lsstcam", "LSSTCam", 191),
]


@pytest.fixture(scope="session")
def cameras(camera):
    return {"LSSTComCam": camera, "LSSTCam": LsstCam().getCamera()}


@pytest.fixture(params=REAL_CURVES, ids=lambda given: f"{given[0]}-{given[2]}")
def realCalibration(request, sharedData, cameras):
    """Return a calibration that ip_isr wrote, and its camera."""
    folder, name, detector = request.param
    path = sharedData / "tables" / folder / f"ptc_{name}_{detector}.fits"
    return IsrCalib.readFits(str(path)), cameras[name]


@pytest.fixture(params=REAL_TABLES, ids=lambda given: f"{given[0]}-{given[2]}")
def realTable(request, sharedData, cameras):
    """Return a table of a detector that cp_verify wrote, and its camera."""
    folder, name, detector = request.param
    path = sharedData / "tables" / folder / f"verifyPtcDetResults_{detector}.parq"
    return arrow_to_astropy(pq.read_table(path)), cameras[name]
