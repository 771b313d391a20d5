# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Rates of flats over a run, on the grid of rafts and of the amplifiers of a detector."""

from __future__ import annotations

import numpy as np
import pytest

from lsst.analysis.cp.actions.plot.exposures.drawing import drawPanel, makeSeriesFigure
from lsst.analysis.cp.atools import AmpRateTool, RaftGainTool, RaftRateTool
from lsst.obs.lsst import Latiss, LsstComCam
from lsst.utils.plotting import make_figure

TIMES = np.array([1.0, 2.0, 5.0, 10.0, 2.0, 0.0])
FIRST = 2026010100001


@pytest.fixture(scope="module")
def comCam():
    """Get LSSTComCam."""
    return LsstComCam().getCamera()


@pytest.fixture(scope="module")
def means():
    """Make means of flats at about 1000 electron/s; detector 2 grows by 1 % and detector 8 has no rows."""
    lamp = np.array([1.0, 1.1, 0.9, 1.0, 1.2, 1.0])
    rates = 1000.0 * lamp[:, np.newaxis] * (1.0 + 0.001 * np.repeat(np.arange(9), 16))
    rates[3:, 32:48] *= 1.01
    values = rates * TIMES[:, np.newaxis]
    values[1, 0] = np.nan
    values[:, 128:] = np.inf
    return values


def test_rate_of_detectors_by_date(comCam, means, makeRun, runTool):
    run = makeRun(comCam, "flat", means, TIMES)
    tool, data, info = runTool(RaftRateTool, *run, comCam, product="flat", physical_filter="r_03")
    view = tool.produce.plot.prepare(data, comCam, info)
    (panel,) = view.panels
    with np.errstate(invalid="ignore"):
        rates = means / TIMES[:, np.newaxis]
    for i in range(8):
        np.testing.assert_allclose(panel.values[i, :5], np.nanmedian(rates[:5, 16 * i : 16 * i + 16], axis=1))
    # Nobody knows the rate of an exposure of 0 s.
    assert np.isnan(panel.values[:, 5]).all()
    assert np.isnan(panel.values[8]).all()
    np.testing.assert_allclose(panel.axis.x, 0.25 + np.arange(6) / 48.0)
    assert panel.axis.label == "MJD - 61041 (TAI)"
    assert view.title == "Rate of the flat against date, R22, filter r_03"
    assert view.headline.startswith("8 of 9 detectors with values, 6 exposures; median ")
    assert view.yLabel == "Rate of the flat (electron / s)"
    assert panel.absent == ("S22",)
    assert ("Without data: 1 detector", "R22_S22") in view.lists


def test_rate_by_exposure_time(comCam, means, makeRun, runTool):
    run = makeRun(comCam, "flat", means, TIMES)
    tool, data, info = runTool(RaftRateTool, *run, comCam, product="flat", against="exposureTime")
    view = tool.produce.plot.prepare(data, comCam, info)
    np.testing.assert_array_equal(view.panels[0].axis.x, TIMES)
    assert view.panels[0].axis.label == "Exposure time (s)"
    artists = drawPanel(make_figure().add_subplot(), view.panels[0], view.yLimits)
    # Exposures of equal times are not joined.
    assert {line.get_linestyle() for line in artists.series} == {"None"}


def test_gain_is_relative_to_the_focal_plane_and_the_run(comCam, means, makeRun, runTool):
    run = makeRun(comCam, "flat", means, TIMES)
    tool, data, info = runTool(RaftGainTool, *run, comCam, product="flat")
    view = tool.produce.plot.prepare(data, comCam, info)
    (panel,) = view.panels
    rates = np.array([[np.nanmedian(row[16 * i : 16 * i + 16]) for i in range(8)] for row in means[:5]])
    ratio = rates / np.median(rates, axis=1, keepdims=True)
    np.testing.assert_allclose(panel.values[:8, :5].T, ratio / np.median(ratio, axis=0), rtol=1e-12)
    assert panel.axis.label == "Hours since MJD 61041.2500 (TAI)"
    np.testing.assert_allclose(panel.axis.x, 0.5 * np.arange(6))
    worst = f"R22_S02 in {FIRST + 3}" if panel.values[2, 3] > 1.005 else f"R22_S02 in {FIRST}"
    assert view.lists[0][1].startswith(worst)
    assert "furthest from 1: R22_S02 by " in view.headline
    assert view.yLimits[0] <= 0.998
    assert view.yLimits[1] >= 1.002
    makeSeriesFigure(view).canvas.draw()


def test_one_detector_shows_its_amplifiers(makeRun, runTool):
    camera = Latiss().getCamera()
    means = 1000.0 * TIMES[:5, np.newaxis] * np.ones(16)
    means[3:, 4] *= 1.02
    run = makeRun(camera, "flat", means, TIMES[:5])
    tool, data, info = runTool(RaftGainTool, *run, camera, product="flat")
    view = tool.produce.plot.prepare(data, camera, info)
    (panel,) = view.panels
    np.testing.assert_allclose(panel.values[4], [1.0, 1.0, 1.0, 1.02, 1.02])
    np.testing.assert_allclose(np.delete(panel.values, 4, axis=0), 1.0)
    assert view.keyTitle == "Amplifiers"
    assert view.lists[0][1] == f"RXX_S00 C14 in {FIRST + 3}  1.02000"
    makeSeriesFigure(view).canvas.draw()


def test_detector_has_a_panel_for_date_and_one_for_exposure_time(comCam, means, makeRun, runTool):
    run = makeRun(comCam, "flat", means, TIMES)
    tool, data, info = runTool(AmpRateTool, *run, comCam, product="flat", detector=2, physical_filter="i_06")
    view = tool.produce.plot.prepare(data, info)
    assert [panel.axis.label for panel in view.panels] == ["MJD - 61041 (TAI)", "Exposure time (s)"]
    np.testing.assert_allclose(view.panels[0].values[:, :5], (means[:5, 32:48] / TIMES[:5, np.newaxis]).T)
    assert view.title == "Rate of the flat, R22_S02, filter i_06"
    spread = (1.2 * 1.01 - 0.9) / 1.01
    assert view.headline.endswith(f" {spread:.2%} of its median")
    figure = makeSeriesFigure(view)
    labels = {ax.get_xlabel() for ax in figure.axes}
    assert {"MJD - 61041 (TAI)", "Exposure time (s)"} <= labels


def test_one_exposure_and_none_are_shown(comCam, means, makeRun, runTool):
    for n in (1, 0):
        run = makeRun(comCam, "flat", means[:n], TIMES[:n])
        for tool_class in (RaftRateTool, RaftGainTool):
            tool, data, info = runTool(tool_class, *run, comCam, product="flat")
            view = tool.produce.plot.prepare(data, comCam, info)
            assert f"{n} exposure" in view.headline
            makeSeriesFigure(view).canvas.draw()


def test_lsst_cam_is_a_grid_of_its_rafts(lsstCam, makeRun, runTool):
    means = 1000.0 * TIMES[:3, np.newaxis] * np.ones(3216)
    names = np.array([d.getName() for d in lsstCam for _ in d.getAmplifiers()])
    means[:, np.char.startswith(names, "R30")] = np.inf
    # A sensor that does not count is no part of the focal plane's median.
    means[:, np.char.startswith(names, "R00")] *= 5.0
    run = makeRun(lsstCam, "flat", means, TIMES[:3])
    tool, data, info = runTool(RaftGainTool, *run, lsstCam, product="flat")
    view = tool.produce.plot.prepare(data, lsstCam, info)
    assert (view.shape, len(view.panels)) == ((5, 5), 25)
    panels = {panel.title: panel for panel in view.panels}
    assert panels["R22"].place == (2, 2)
    assert panels["R40"].place == (0, 0)
    assert not panels["R30"].shown.any()
    assert len(panels["R44"].values) == 4
    assert view.key[0] == (0, "S00, SG0")
    assert [len(panel.values) for panel in view.panels].count(9) == 21
    figure = makeSeriesFigure(view)
    hatched = [ax for ax in figure.axes if ax.patch.get_hatch()]
    assert [ax.get_title("left") for ax in hatched] == ["R30"]
    corners = [ax.get_position().bounds for ax in figure.axes[:25]]
    assert len(set(corners)) == 25
