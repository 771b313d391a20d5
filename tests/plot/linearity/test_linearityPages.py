# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of linearizers against the calibrations that they show."""

import copy
import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.interpolate import Akima1DInterpolator

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.linearity import correctSignals
from lsst.analysis.cp.actions.plot import (
    LinearityDeviationPlot,
    LinearityFitPlot,
    LinearityResidualPlot,
    LinearitySplinePlot,
)
from lsst.analysis.cp.actions.plot.linearity.curves import readLinearity
from lsst.analysis.cp.catalogue import StoredLimits
from lsst.ip.isr import IsrCalib, Linearizer
from lsst.obs.lsst import LsstComCam

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

PLOTS = (LinearityDeviationPlot, LinearityFitPlot, LinearityResidualPlot, LinearitySplinePlot)
FAULTS = simulator.parseFaults(
    [
        "linearityChange detector:4 amplifiers:C01",
        "lowTurnoff detector:4 amplifiers:C02",
        "maskedAmplifier detector:4 amplifiers:C04",
    ]
)


@pytest.fixture(scope="module")
def camera():
    return LsstComCam().getCamera()


@pytest.fixture(scope="module")
def first(camera):
    return simulator.simulateLinearizer(camera[4], camera, FAULTS, seed=3)


@pytest.fixture(scope="module")
def second(camera, first):
    return simulator.simulateLinearizer(camera[4], camera, FAULTS, seed=3, first=first)


@pytest.fixture(scope="module")
def curves(second, camera):
    return readLinearity(second, cameraGeometry(camera))


def takeSeries(view, name: str) -> dict:
    """Find the points and lines of an amplifier, the last of each kind."""
    (panel,) = (panel for panel in view.panels if panel.name == name)
    return {part.kind: (part.x, part.y) for part in panel.series}


def evaluate(linearizer, name: str, signals):
    """Evaluate a spline on its own."""
    knots, values = np.split(linearizer.linearityCoeffs[name], 2)
    return Akima1DInterpolator(knots, values)(np.clip(signals, 0, knots[-1] - 0.1))


def test_curves_are_those_of_the_calibration(curves, second):
    assert [amp.name for amp in curves.amps] == second.ampNames
    for amp in curves.amps:
        name = amp.name
        if name == "C04":
            assert not amp.hasFit
            assert len(amp.signals) == len(amp.knots) == 0
            continue
        assert_array_equal(amp.signals, second.inputOrdinate[name])
        assert_array_equal(amp.exposures, second.inputAbscissa[name])
        assert_array_equal(amp.used, second.inputMask[name])
        assert_array_equal(np.concatenate([amp.knots, amp.values]), second.linearityCoeffs[name])
        assert amp.turnoff == second.linearityTurnoff[name]
        assert amp.largest == second.linearityMaxSignal[name]
        assert amp.residual == pytest.approx(100 * np.max(np.abs(amp.values[1:] / amp.knots[1:])))


def test_amplifiers_outside_of_limits_are_named(curves):
    assert {amp.name: amp.failed for amp in curves.amps if amp.failed} == {"C01": ("SPLINE_RESIDUAL",)}
    view = LinearityDeviationPlot().prepare(curves)
    assert view.headline == ("16 amplifiers; type Spline; outside of limits: C01; without a linearizer: C04")
    assert view.isBad
    assert view.lists[0][1].split()[0] == "C01"


def test_limits_are_those_of_the_run(second, camera):
    geometry = cameraGeometry(camera)
    loose = readLinearity(second, geometry, StoredLimits({"maxResidualThresholdSpline": 5.0}, "config"))
    assert not any(amp.failed for amp in loose.amps)
    view = LinearityDeviationPlot().prepare(loose)
    assert view.levels == (("limit", -5.0), ("limit", 5.0))
    assert view.yLimits[0] < -5 < 5 < view.yLimits[1]


def test_deviations_are_the_signals_less_the_line(curves, second):
    view = LinearityDeviationPlot().prepare(curves)
    assert view.levels == (("limit", -1.0), ("limit", 1.0))
    for name in set(second.ampNames) - {"C04"}:
        series = takeSeries(view, name)
        means, times = second.inputOrdinate[name], second.inputAbscissa[name]
        used = second.inputMask[name]
        expected = 100 * (means - second.linearFit[name][1] * times) / means
        assert_array_equal(series["used"][0], means[used])
        assert_allclose(series["used"][1], expected[used], atol=0.02)
        assert_allclose(series["unused"][1], expected[~used], atol=0.02)
        x, y = series["correction"]
        assert_allclose(y, 100 * evaluate(second, name, x) / x, atol=0.02)
        knots, values = np.split(second.linearityCoeffs[name], 2)
        assert_array_equal(series["knot"][0], knots)
        assert np.isnan(series["knot"][1][0])
        assert_allclose(series["knot"][1][1:], 100 * values[1:] / knots[1:])
    # What fails is on the axis.
    assert view.yLimits[1] > np.nanmax(takeSeries(view, "C01")["knot"][1])


def test_residuals_are_what_the_calibration_leaves(curves, second):
    view = LinearityResidualPlot().prepare(curves)
    for name in set(second.ampNames) - {"C04"}:
        used = second.inputMask[name]
        expected = 100 * second.fitResidualsUnmasked[name] / second.fitResidualsModel[name]
        assert_allclose(takeSeries(view, name)["used"][1], expected[used])


def test_fit_is_the_line_of_the_calibration(curves, second):
    view = LinearityFitPlot().prepare(curves)
    assert view.scales == ("log", "log")
    x, y = takeSeries(view, "C00")["line"]
    assert_allclose(y, second.linearFit["C00"][1] * x)
    used = second.inputMask["C00"]
    points = takeSeries(view, "C00")["used"]
    assert_array_equal(points[0], second.inputAbscissa["C00"][used])
    assert_array_equal(points[1], second.fitResidualsModel["C00"][used])
    (panel,) = (panel for panel in view.panels if panel.name == "C02")
    assert panel.marks["turnoff"] * second.linearFit["C02"][1] == pytest.approx(
        second.linearityTurnoff["C02"]
    )


def test_splines_of_both_linearizers_are_shown(curves, first, second):
    view = LinearitySplinePlot().prepare(curves, first)
    for name in set(second.ampNames) - {"C04"}:
        series = takeSeries(view, name)
        for kind, linearizer in (("reference", first), ("correction", second)):
            x, y = series[kind]
            assert_allclose(y, evaluate(linearizer, name, x), atol=0.02)
        assert_allclose(series["limit"][1], 0.01 * series["limit"][0])
        assert np.abs(series["reference"][1]).max() < view.yLimits[1]
    assert view.notes == ()


def test_page_without_a_reference_says_so(curves):
    view = LinearitySplinePlot().prepare(curves)
    assert "reference" not in takeSeries(view, "C00")
    assert view.notes == ("the linearizer that corrected the flats is not there",)


@pytest.mark.parametrize(
    ("kind", "coefficients", "expected"),
    [
        ("Squared", [2e-6], lambda s: -2e-6 * s**2),
        ("Polynomial", [2e-6, 1e-12], lambda s: -2e-6 * s**2 - 1e-12 * s**3),
        ("Spline", [0, 1e5, 0, 100], lambda s: s / 1000),
        ("DoubleSpline", [2, 0, 0, 1e5, 0, 100], lambda s: s / 1000),
        ("Proportional", [0], lambda s: 0 * s),
        ("None", [0, 0], lambda s: np.full(len(s), np.nan)),
        ("Cubic", [0, 0], lambda s: np.full(len(s), np.nan)),
    ],
)
def test_correction_is_that_of_the_type(kind, coefficients, expected):
    linearizer = Linearizer()
    linearizer.linearityType["C00"], linearizer.linearityCoeffs["C00"] = kind, np.array(coefficients, float)
    signals = np.linspace(0, 9e4, 7)
    assert_allclose(correctSignals(linearizer, "C00", signals), expected(signals), atol=0.02)
    assert_array_equal(correctSignals(linearizer, "C99", signals), np.full(7, np.nan))


@pytest.mark.parametrize("plot", PLOTS)
def test_figure_draws_each_panel(plot, first, second, camera):
    data = {"calibrations": {4: second}, "references": {4: first}}
    figure = plot()(data, camera=camera, plotInfo={"run": "u/me"})
    panels = {ax.get_title(loc="left").split()[0]: ax for ax in figure.axes}
    assert panels.keys() == set(second.ampNames)
    assert panels["C01"].get_title(loc="left") == "C01  spline residual"
    assert len(panels["C04"].lines) <= 2
    assert "no linearizer" in panels["C04"].texts[0].get_text()
    assert len(panels["C00"].lines) > 2
    figure.savefig(io.BytesIO())


@pytest.mark.parametrize("plot", PLOTS)
@pytest.mark.parametrize("kind", ["spline", "spline_node1", "squared"])
def test_files_of_the_real_class_are_drawn(plot, kind, sharedData):
    camera = Camera.readFits(str(sharedData / "cameras" / "LSSTComCam.fits"))
    path = sharedData / "tables" / f"linearity_{kind}" / "linearizer_4.fits"
    figure = plot()({"calibrations": {4: IsrCalib.readFits(str(path))}, "references": {}}, camera=camera)
    failing = {
        ax.get_title(loc="left").split()[0] for ax in figure.axes if " " in ax.get_title(loc="left").strip()
    }
    assert failing == {"C05"}
    figure.savefig(io.BytesIO())


@pytest.mark.parametrize("plot", PLOTS)
def test_detector_without_any_linearizer_is_drawn(plot, camera):
    linearizer = Linearizer(camera=camera)
    linearizer.updateMetadata(camera=camera, detector=camera[4])
    figure = plot()({"calibrations": {4: linearizer}, "references": {}}, camera=camera)
    assert {ax.texts[0].get_text() for ax in figure.axes} == {"no linearizer"}
    figure.savefig(io.BytesIO())


@pytest.mark.parametrize("plot", PLOTS)
def test_turnoff_that_was_not_reached_costs_no_page(plot, camera, second):
    endless = copy.deepcopy(second)
    endless.linearityTurnoff["C03"] = np.inf
    figure = plot()({"calibrations": {4: endless}, "references": {}}, camera=camera)
    limits = np.array([ax.get_xlim() for ax in figure.axes])
    assert np.isfinite(limits).all()
    assert limits.max() < 1e6
    figure.savefig(io.BytesIO())
