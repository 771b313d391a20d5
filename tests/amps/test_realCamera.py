# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import numpy as np
import pytest

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.amps import AmpTable, summarize


@pytest.fixture(scope="module")
def lsstCam(sharedData):
    return CameraLayout.fromCamera(Camera.readFits(str(sharedData / "cameras" / "LSSTCam.fits")))


def test_medians_of_every_detector(lsstCam, bias):
    rng = np.random.default_rng(0)
    order = rng.permutation(lsstCam.nAmps)
    columns = {
        "exposure": np.full(lsstCam.nAmps, 2026070200001),
        "detector": lsstCam.detectorId[lsstCam.ampDetector[order]],
        "amplifier": lsstCam.ampName[order],
        "BIAS_NOISE": (lsstCam.ampReadNoise * 1.01)[order],
        "BIAS_VERIFY_NOISE": np.full(lsstCam.nAmps, True),
    }
    summary = summarize(AmpTable.fromColumns(columns, bias, lsstCam, tests=["NOISE"]), "detector")
    expected = [
        np.median(lsstCam.ampReadNoise[lsstCam.ampDetector == i] * 1.01) for i in range(lsstCam.nDetectors)
    ]
    np.testing.assert_array_equal(summary.tests["NOISE"].values["median"], expected)
    np.testing.assert_allclose(summary.tests["NOISE"].values["quantityMax"], 0.01, rtol=1e-12)
    assert set(summary.status.tolist()) == {1}
