# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of photon transfer curves against the calibrations that they show."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot import PtcGridPlot
from lsst.analysis.cp.actions.plot.ptc.view import preparePtcs
from lsst.obs.lsst import LsstComCam

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

FAULTS = simulator.parseFaults(
    [
        "wrongGain detector:4 amplifiers:C01",
        "hotNoise detector:4 amplifiers:C02",
        "lowTurnoff detector:4 amplifiers:C03",
        "strongBrighterFatter detector:4 amplifiers:C04",
        "maskedAmplifier detector:4 amplifiers:C06",
    ]
)


@pytest.fixture(scope="module")
def camera():
    return LsstComCam().getCamera()


@pytest.fixture(scope="module")
def ptc(camera):
    return simulator.simulatePtc(camera[4], camera, FAULTS, seed=3)


@pytest.fixture(scope="module")
def view(ptc, camera):
    return preparePtcs(ptc, cameraGeometry(camera))


def test_points_and_curves_are_those_of_the_calibration(view, ptc):
    assert {panel.name for panel in view.panels} == set(ptc.ampNames)
    for panel in view.panels:
        assert_array_equal(panel.means, ptc.rawMeans[panel.name])
        assert_array_equal(panel.variances, ptc.rawVars[panel.name])
        assert_array_equal(panel.used, ptc.expIdMask[panel.name])
        a00, gain, noise = ptc.ptcFitPars[panel.name]
        if panel.hasFit:
            mu = panel.fitMeans
            expected = 0.5 / (a00 * gain**2) * (np.exp(2 * a00 * gain * mu) - 1) + noise / gain**2
            assert_allclose(panel.fitVariances, expected, rtol=1e-9)
            assert panel.turnoff == ptc.ptcTurnoff[panel.name]
    assert [panel.name for panel in view.panels if not panel.hasFit] == ["C06"]


def test_amplifiers_outside_of_limits_are_named(view):
    failed = {panel.name: set(panel.failed) for panel in view.panels if panel.failed}
    assert failed == {
        "C01": {"PTC_GAIN"},
        "C02": {"PTC_NOISE"},
        "C03": {"PTC_TURNOFF"},
        "C04": {"PTC_BFE_A00"},
        "C06": {"PTC_GAIN", "PTC_NOISE", "PTC_TURNOFF", "PTC_BFE_A00"},
    }
    assert view.isBad
    assert all(name in view.headline for name in failed)


def test_axes_hold_all_points(view):
    for panel in view.panels:
        for values, (low, high) in ((panel.means, view.xLimits), (panel.variances, view.yLimits)):
            assert low < values.min()
            assert values.max() < high


def test_figure_draws_each_panel(ptc, view, camera):
    figure = PtcGridPlot()({"calibrations": {0: ptc}}, camera=camera, plotInfo={"run": "u/me"})
    panels = {ax.get_title(loc="left").split()[0]: ax for ax in figure.axes}
    assert panels.keys() == set(ptc.ampNames)
    raw, used, fit, turnoff = panels["C03"].lines
    mask = ptc.expIdMask["C03"]
    assert len(raw.get_xdata()) == (~mask).sum()
    assert_array_equal(used.get_ydata(), ptc.rawVars["C03"][mask])
    assert fit.get_linestyle() == "-"
    assert turnoff.get_xdata()[0] == ptc.ptcTurnoff["C03"]
    assert panels["C03"].get_title(loc="left") == "C03  turnoff"
    assert panels["C00"].get_xscale() == panels["C00"].get_yscale() == "log"
    assert len(panels["C06"].lines) == 2
    assert "no fit" in panels["C06"].texts[0].get_text()
    figure.savefig(io.BytesIO())


def test_fit_of_covariances_has_the_variance_without_lag(sharedData, camera):
    from lsst.ip.isr import IsrCalib

    calib = IsrCalib.readFits(str(sharedData / "tables" / "ptc_fullcov" / "ptc_LSSTComCam_3.fits"))
    view = preparePtcs(calib, cameraGeometry(camera))
    panel = view.panels[0]
    expected = calib.evalPtcModel(panel.fitMeans)[panel.name][:, 0, 0]
    assert_allclose(panel.fitVariances, expected, rtol=1e-12)
    (bad,) = (panel for panel in view.panels if "PTC_BFE_A00" in panel.failed)
    assert bad.name == "C12"
