# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of photon transfer curves against the calibrations that they show."""

import copy
import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot import PtcGridPlot
from lsst.analysis.cp.actions.plot.ptc.view import PtcCurves
from lsst.analysis.cp.catalogue import StoredLimits
from lsst.ip.isr import PhotonTransferCurveDataset


@pytest.fixture(scope="module")
def view(curves):
    return PtcGridPlot().prepare(curves)


def seriesOf(panel, kind):
    (found,) = (series for series in panel.series if series.kind == kind)
    return found


def test_points_and_curves_are_those_of_the_calibration(view, ptc):
    assert {panel.name for panel in view.panels} == set(ptc.ampNames)
    for panel in view.panels:
        mask = ptc.expIdMask[panel.name]
        for kind, chosen in (("used", mask), ("unused", ~mask)):
            assert_array_equal(seriesOf(panel, kind).x, ptc.rawMeans[panel.name][chosen])
            assert_array_equal(seriesOf(panel, kind).y, ptc.rawVars[panel.name][chosen])
        a00, gain, noise = ptc.ptcFitPars[panel.name]
        if not panel.lacks:
            fit = seriesOf(panel, "fit")
            expected = 0.5 / (a00 * gain**2) * (np.exp(2 * a00 * gain * fit.x) - 1) + noise / gain**2
            assert_allclose(fit.y, expected, rtol=1e-9)
            assert panel.marks["turnoff"] == ptc.ptcTurnoff[panel.name]
            assert panel.words[0] == f"gain {gain:.3g}"
    assert [panel.name for panel in view.panels if panel.lacks] == ["C06"]


def test_amplifiers_outside_of_limits_are_named(view):
    failed = {panel.name: set(panel.failed) for panel in view.panels if panel.failed}
    assert failed == {
        "C01": {"gain"},
        "C02": {"noise"},
        "C03": {"turnoff"},
        "C04": {"a00"},
        "C06": {"gain", "noise", "turnoff", "a00"},
    }
    assert view.isBad
    assert all(name in view.headline for name in failed)
    assert "no fit: C06" in view.headline


def test_limits_are_those_of_the_run(ptc, camera):
    limits = StoredLimits({"gainThreshold": 50.0}, "verifyPtcDet_config of u/me")
    curves = PtcCurves.fromCalibration(ptc, cameraGeometry(camera), limits)
    view = PtcGridPlot().prepare(curves)
    (panel,) = (panel for panel in view.panels if panel.name == "C01")
    assert not panel.failed
    lines = [line for lines in view.lists for line in lines]
    assert "PTC_GAIN < 50 percent" in lines
    assert {"from: verifyPtcDet_config of u/me", "from: defaults of cp_verify"} <= set(lines)
    # Of the limits of a00, those of the sensor.
    assert "PTC_BFE_A00 -4.56e-06 to 6.91e-07 1 / electron" in lines


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_axes_hold_all_points(curves, scale):
    plot = PtcGridPlot()
    plot.scale = scale
    view = plot.prepare(curves)
    for series in (series for panel in view.panels for series in panel.series if series.kind != "fit"):
        for values, (low, high) in ((series.x, view.xLimits), (series.y, view.yLimits)):
            assert (low < values).all()
            assert (values < high).all()


def test_figure_draws_each_panel(ptc, camera):
    figure = PtcGridPlot()({"calibrations": {4: ptc}}, camera=camera, plotInfo={"run": "u/me"})
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
    assert panels["C06"].patch.get_hatch()
    assert panels["C06"].texts[0].get_text() == "no fit"
    assert not panels["C00"].patch.get_hatch()
    figure.savefig(io.BytesIO())


def test_real_curves_are_drawn_with_the_numbers_of_their_files(realCalibration):
    calib, camera = realCalibration
    view = PtcGridPlot().prepare(PtcCurves.fromCalibration(calib, cameraGeometry(camera)))
    assert len(view.panels) == len(calib.ampNames)
    for panel in view.panels:
        mask = np.asarray(calib.expIdMask[panel.name], dtype=bool)
        assert_array_equal(seriesOf(panel, "used").y, calib.rawVars[panel.name][mask])
        gain = calib.gain[panel.name]
        assert (panel.lacks == "") == bool(np.isfinite(gain))
        if panel.lacks:
            continue
        fit = seriesOf(panel, "fit")
        if calib.ptcFitType == "FULLCOVARIANCE":
            a00 = calib.aMatrix[panel.name][0, 0]
            expected = calib.evalPtcModel(fit.x)[panel.name][:, 0, 0]
            noise = calib.noiseMatrix[panel.name][0, 0]
        else:
            a00, gain, noise = calib.ptcFitPars[panel.name]
            expected = 0.5 / (a00 * gain**2) * (np.exp(2 * a00 * gain * fit.x) - 1) + noise / gain**2
        assert_allclose(fit.y, expected, rtol=1e-9)
        # To first order in the signal all fits are the same.
        low = fit.x < 300
        assert_allclose(fit.y[low], (fit.x / gain + noise / gain**2)[low], rtol=0.02)
        assert f"a00 {float(f'{a00:.3g}'):.4g}" in panel.words


def test_failing_amplifiers_of_real_curves_are_those_of_the_truth(sharedData, cameras):
    """The camera of the stand-ins has other nominal values: a00 and turnoff are compared."""
    from lsst.ip.isr import IsrCalib

    path = sharedData / "tables" / "ptc_fullcov" / "ptc_LSSTComCam_3.fits"
    curves = PtcCurves.fromCalibration(IsrCalib.readFits(str(path)), cameraGeometry(cameras["LSSTComCam"]))
    failed = {name: set(keys) for name, keys in zip(curves.names.tolist(), curves.failed, strict=True)}
    assert [name for name, keys in failed.items() if keys & {"PTC_BFE_A00", "PTC_TURNOFF"}] == ["C12"]


def test_polynomial_is_evaluated(ptc, camera):
    calib = PhotonTransferCurveDataset(ptc.ampNames, "POLYNOMIAL", 3)
    calib.updateMetadata(camera=camera, detector=camera[4])
    for attribute in ("rawMeans", "rawVars", "expIdMask", "gain", "noise", "ptcTurnoff", "noiseList"):
        getattr(calib, attribute).update(getattr(ptc, attribute))
    coefficients = np.array([50.0, 0.7, -1e-6])
    calib.ptcFitPars.update(dict.fromkeys(ptc.ampNames, coefficients))
    view = PtcGridPlot().prepare(PtcCurves.fromCalibration(calib, cameraGeometry(camera)))
    for panel in view.panels:
        fit = seriesOf(panel, "fit")
        assert_allclose(fit.y, np.polyval(coefficients[::-1], fit.x), rtol=1e-12)
        assert "a00 —" in panel.words
        assert "a00" not in panel.failed


@pytest.mark.parametrize("fitType", ["PARTIAL", None])
def test_pairs_that_were_not_fitted_are_shown_without_fit(ptc, camera, fitType):
    calib = PhotonTransferCurveDataset(ptc.ampNames, fitType, 3)
    calib.updateMetadata(camera=camera, detector=camera[4])
    for name in ptc.ampNames[1:]:
        calib.rawMeans[name], calib.rawVars[name] = ptc.rawMeans[name], ptc.rawVars[name]
    view = PtcGridPlot().prepare(PtcCurves.fromCalibration(calib, cameraGeometry(camera)))
    states = {panel.name: panel.lacks for panel in view.panels}
    assert states == dict.fromkeys(ptc.ampNames[1:], "no fit") | {ptc.ampNames[0]: "no data"}
    assert seriesOf(view.panels[3], "used").x.size == 0
    assert seriesOf(view.panels[3], "unused").x.size == len(ptc.rawMeans["C00"])


def test_detector_without_any_result_fails_what_is_always_there(ptc, camera):
    empty = copy.deepcopy(ptc)
    for values in (empty.gain, empty.noise, empty.ptcTurnoff):
        values.update(dict.fromkeys(empty.ptcTurnoff, np.nan))
    panels = PtcGridPlot().prepare(PtcCurves.fromCalibration(empty, cameraGeometry(camera))).panels
    assert len(panels) == 16
    assert all({"gain", "noise", "turnoff"} <= set(panel.failed) for panel in panels)
