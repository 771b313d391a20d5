# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of charge transfer inefficiency against the calibrations that they show."""

import io

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot import CtiCurvePlot
from lsst.analysis.cp.actions.plot.cti.view import TransferCurves, prepareCti
from lsst.obs.lsst import LsstCam

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

FAULTS = {
    90: [
        "serialCti detector:90 amplifiers:C03",
        "parallelCti detector:90 amplifiers:C05",
        "maskedAmplifier detector:90 amplifiers:C04",
    ],
    191: ["serialCti detector:191 amplifiers:C12"],
}


@pytest.fixture(scope="module")
def camera():
    return LsstCam().getCamera()


@pytest.fixture(scope="module", params=[90, 191], ids=["science", "wavefront"])
def cti(request, camera):
    faults = simulator.parseFaults(FAULTS[request.param])
    return simulator.simulateCti(camera[request.param], camera, faults, seed=5)


@pytest.fixture
def view(cti, camera):
    curves = TransferCurves.fromCalib(cti)
    return prepareCti(curves, cameraGeometry(camera), limits=(5e-6, 3e-6), signalRange=(2e4, 6e4))


def test_curves_are_those_of_the_calibration(view, cti):
    assert set(view.names) == set(cti.signals)
    for panel, estimates in zip(view.panels, (cti.serialEper, cti.parallelEper), strict=True):
        for i, name in enumerate(view.names.tolist()):
            assert_array_equal(panel.signals[i], cti.signals[name])
            assert_array_equal(panel.estimates[i], estimates[name])
            inside = [
                value
                for signal, value in zip(cti.signals[name], estimates[name], strict=True)
                if 2e4 <= signal <= 6e4 and np.isfinite(value)
            ]
            assert_array_equal(panel.averages[i], np.median(inside) if inside else np.nan)


def test_amplifiers_beyond_limits_and_unknown_ones_are_named(view, cti):
    serial, parallel = view.panels
    is_science = len(cti.signals) == 16
    assert view.names[serial.beyond].tolist() == (["C03"] if is_science else ["C12"])
    assert view.names[parallel.beyond].tolist() == (["C05"] if is_science else [])
    assert view.isBad
    assert ("serial unknown: C04" in view.headline) == is_science
    # The largest come first.
    assert view.lists[0][1].split()[0] == ("C03" if is_science else "C12")


def test_figure_draws_a_line_for_each_amplifier_and_the_limits(cti, camera):
    plot = CtiCurvePlot(serialLimit=4e-6)
    figure = plot({"calibrations": {0: cti}}, camera=camera, plotInfo={"run": "u"})
    kinds = ((cti.serialEper, 4e-6), (cti.parallelEper, 3e-6))
    for ax, (estimates, limit) in zip(figure.axes, kinds, strict=True):
        lines = {line.get_label(): line for line in ax.lines}
        for name, values in estimates.items():
            assert_array_equal(lines[name].get_ydata(), values)
        assert list(ax.lines[0].get_ydata()) == [limit, limit]
        assert ax.get_xscale() == "log"
    looks = {(line.get_color(), line.get_linestyle()) for name, line in lines.items() if name in estimates}
    assert len(looks) == len(cti.signals)
    figure.savefig(io.BytesIO())


def test_calibration_without_estimates(camera):
    cti = simulator.simulateCti(camera[0], camera, seed=1)
    for name in cti.signals:
        cti.signals[name] = cti.serialEper[name] = cti.parallelEper[name] = np.array([np.nan])
    figure = CtiCurvePlot()({"calibrations": {0: cti}}, camera=camera)
    assert [ax.texts[-1].get_text() for ax in figure.axes] == ["no data"] * 2
    figure.savefig(io.BytesIO())


@pytest.mark.parametrize("height", [1e-6, 3e-3, 0.9])
def test_names_of_lines_cover_no_line(camera, height):
    calib = simulator.simulateCti(camera[90], camera, seed=5)
    calib.serialEper["C03"] = np.full_like(calib.serialEper["C03"], height)
    calib.serialEper["C04"] = -calib.serialEper["C04"]
    figure = CtiCurvePlot()({"calibrations": {90: calib}}, camera=camera)
    figure.canvas.draw()
    ax = figure.axes[0]
    lowest = ax.get_legend().get_window_extent().y0
    highest = max(ax.transData.transform(line.get_xydata())[:, 1].max() for line in ax.lines[1:-1])
    assert highest < lowest < ax.get_window_extent().y1
