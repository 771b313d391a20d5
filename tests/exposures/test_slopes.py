# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Slopes of amplifiers with dark time: metrics, map and pages of detectors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import linregress

from lsst.analysis.cp.actions.plot.exposures.drawing import drawPanel, makeSeriesFigure
from lsst.analysis.cp.atools import AmpSlopeTool, RaftRateTool, SlopeTool
from lsst.analysis.cp.catalogue import CatalogueError, findSlope, getProduct, readProduct
from lsst.analysis.cp.metrics import declaredMeasurements
from lsst.obs.lsst import LsstComCam
from lsst.utils.plotting import make_figure

TIMES = np.array([0.0, 0.0, 30.0, 100.0, 300.0])
DARK = {"product": "dark", "slope": "CURRENT"}


@pytest.fixture(scope="module")
def comCam():
    """Get LSSTComCam."""
    return LsstComCam().getCamera()


@pytest.fixture(scope="module")
def means():
    """Make means of darks; amplifier 3 is hot, 5 has no value, 7 one, and detector 8 has no rows."""
    rng = np.random.default_rng(8)
    values = rng.normal(0.002, 0.001, 144) * TIMES[:, np.newaxis] + rng.normal(0.0, 0.05, (5, 144))
    values[:, 3] = 2.0 * TIMES
    values[:, 5] = values[1:, 7] = np.nan
    values[:, 128:] = np.inf
    return values


def measure(tool, data) -> dict[str, float]:
    return {name: float(m.quantity.value) for name, m in tool.produce.metric(data).items()}


def test_metrics_are_those_of_scipy(comCam, means, makeRun, runTool):
    tool, data, _ = runTool(SlopeTool, *makeRun(comCam, "dark", means, TIMES), comCam, **DARK)
    chosen = [i for i in range(128) if i not in (5, 7)]
    slopes = [linregress(TIMES, means[:, i]).slope for i in chosen]
    values = measure(tool, data)
    assert values.pop("nAmps") == 128
    assert values.pop("nValid") == 126
    expected = {"min": min(slopes), "median": np.median(slopes), "max": max(slopes)}
    assert values == pytest.approx(expected, rel=1e-9)
    units = {name: str(m.quantity.unit) for name, m in tool.produce.metric(data).items()}
    assert units["max"] == "electron / s"
    assert units == declaredMeasurements("darkCurrent", "run")


def test_slopes_without_gains_are_in_adu(comCam, means, makeRun, runTool):
    fields = DARK | {"gainsApplied": False}
    run = makeRun(comCam, "dark", means, TIMES)
    tool, data, info = runTool(SlopeTool, *run, comCam, **fields)
    chosen = [i for i in range(128) if i not in (5, 7)]
    measured = {name: m.quantity for name, m in tool.produce.metric(data).items()}
    assert measured["max"].unit == "adu / s"
    assert measured["max"].value == pytest.approx(max(linregress(TIMES, means[:, i]).slope for i in chosen))
    assert tool.produce.plot.prepare(data, comCam, info).mapTitle == "Residual dark current (adu / s)"
    tool, data, info = runTool(AmpSlopeTool, *run, comCam, detector=0, **fields)
    view = tool.produce.plot.prepare(data, info)
    assert "(adu)" in view.yLabel
    assert "(adu / s)" in view.keyTitle


def test_rates_without_gains_are_in_adu(comCam, means, makeRun, runTool):
    run = makeRun(comCam, "flat", means, TIMES)
    tool, data, _ = runTool(RaftRateTool, *run, comCam, product="flat", gainsApplied=False)
    view = tool.produce.plot.prepare(data, comCam)
    assert view.yLabel == "Rate of the flat (adu / s)"
    assert view.headline.endswith("adu / s")


def test_no_times_give_no_slopes_and_a_page(comCam, means, makeRun, runTool):
    table, _ = makeRun(comCam, "dark", means, TIMES)
    tool, data, info = runTool(SlopeTool, table, None, comCam, **DARK)
    values = measure(tool, data)
    assert (values["nAmps"], values["nValid"]) == (128, 0)
    assert np.isnan([values["min"], values["median"], values["max"]]).all()
    view = tool.produce.plot.prepare(data, comCam, info)
    assert view.patches.message == "No finite value to plot"
    tool, data, info = runTool(AmpSlopeTool, table, None, comCam, detector=0, **DARK)
    view = tool.produce.plot.prepare(data, info)
    assert "no slope" in view.headline
    makeSeriesFigure(view).canvas.draw()


@pytest.mark.parametrize("bad", [np.nan, -1.0, np.inf])
def test_exposure_without_a_time_costs_itself(comCam, means, makeRun, runTool, caplog, bad):
    times = np.array([0.0, bad, 30.0, 100.0, 300.0])
    known = np.isfinite(times) & (times >= 0)
    run = makeRun(comCam, "dark", means, times)
    tool, data, info = runTool(SlopeTool, *run, comCam, **DARK)
    slopes = [linregress(times[known], means[known, i]).slope for i in range(128) if i not in (5, 7)]
    values = measure(tool, data)
    assert (values["nAmps"], values["nValid"]) == (128, 126)
    assert values["max"] == pytest.approx(max(slopes), rel=1e-9)
    assert values["median"] == pytest.approx(np.median(slopes), rel=1e-9)
    name = "exposures have no dark time, and no part in slopes; the first: 2026010100002."
    assert f"1 of 5 {name}" in caplog.text
    tool, data, info = runTool(AmpSlopeTool, *run, comCam, detector=0, **DARK)
    view = tool.produce.plot.prepare(data, info)
    assert "5 exposures (1 without dark time); " in view.headline
    assert view.lists == (("Exposures without dark time", "2026010100002"),)


def test_metrics_count_science_sensors_only(lsstCam, makeRun, runTool):
    slopes = np.linspace(0.0, 1.0, 3216)
    means = slopes * np.array([[0.0], [100.0]])
    tool, data, _ = runTool(
        SlopeTool, *makeRun(lsstCam, "dark", means, np.array([0.0, 100.0])), lsstCam, **DARK
    )
    science = [d.getType().name == "SCIENCE" for d in lsstCam for _ in d.getAmplifiers()]
    values = measure(tool, data)
    assert values["nAmps"] == values["nValid"] == 3024
    assert values["max"] == pytest.approx(slopes[science].max())
    assert values["median"] == pytest.approx(np.median(slopes[science]))
    assert np.isnan(data["uncertainty"]).all()


def test_map_shows_slopes_and_errors(comCam, means, makeRun, runTool):
    tool, data, info = runTool(SlopeTool, *makeRun(comCam, "dark", means, TIMES), comCam, **DARK)
    view = tool.produce.plot.prepare(data, comCam, info)
    for i in (0, 3, 100):
        expected = linregress(TIMES, means[:, i])
        assert view.patches.value[i] == pytest.approx(expected.slope)
        assert view.beside.patches.value[i] == pytest.approx(expected.stderr, abs=1e-12)
    assert np.bincount(view.patches.state).tolist() == [16, 2, 126]
    assert view.axisLabels[2] == "Residual dark current (electron / s)"
    assert view.mapTitle == view.axisLabels[2]
    assert view.beside.mapTitle == "Standard error of the slope (electron / s)"
    assert (view.heading, view.beside.heading) == ("Values", "Standard error of the slope")
    assert view.listing.title == "Steepest"
    assert view.listing.lines[0].split()[:3] == ["R22_S00", "C13", "2"]
    assert view.missing[1] == "R22_S22"


def test_page_of_a_detector(comCam, means, makeRun, runTool):
    run = makeRun(comCam, "dark", means, TIMES)
    tool, data, info = runTool(AmpSlopeTool, *run, comCam, detector=0, **DARK)
    view = tool.produce.plot.prepare(data, info)
    (panel,) = view.panels
    np.testing.assert_array_equal(panel.values, means[:, :16].T)
    np.testing.assert_array_equal(panel.axis.x, TIMES)
    assert panel.axis.label == "Dark time (s)"
    assert view.yLabel == "Mean of the residual dark (electron)"
    assert view.title == "Mean of the residual dark against dark time, R22_S00"
    assert view.headline.startswith("15 amplifiers, 5 exposures; median slope ")
    assert "steepest C13 2 ± " in view.headline
    labels = dict(view.key)
    assert list(labels)[0] == 3
    assert (labels[5].split("  ")[1], labels[7].split("  ")[1]) == ("no value", "no slope")
    expected = linregress(TIMES, means[:, 0])
    np.testing.assert_allclose(panel.lines[0], [expected.intercept, expected.slope], rtol=1e-9)


def test_lines_and_points_are_drawn(comCam, means, makeRun, runTool):
    run = makeRun(comCam, "dark", means, TIMES)
    tool, data, info = runTool(AmpSlopeTool, *run, comCam, detector=0, **DARK)
    view = tool.produce.plot.prepare(data, info)
    ax = make_figure().add_subplot()
    artists = drawPanel(ax, view.panels[0], view.yLimits)
    assert [len(line.get_xdata()) for line in artists.series] == [5] * 5 + [0, 5, 1] + [5] * 8
    assert len(artists.lines) == 14
    x, y = artists.lines[0].get_data()
    start, slope = view.panels[0].lines[0]
    np.testing.assert_allclose(y, start + slope * np.asarray(x))
    # The hot amplifier leaves the axis, which the others set.
    assert view.yLimits[1] < 200.0
    assert len(artists.above.get_offsets()) == view.nAbove > 0
    makeSeriesFigure(view).canvas.draw()


def test_slope_of_two_exposures_has_no_error(comCam, means, makeRun, runTool):
    run = makeRun(comCam, "dark", means[[0, 4]], TIMES[[0, 4]])
    tool, data, info = runTool(AmpSlopeTool, *run, comCam, detector=0, **DARK)
    labels = dict(tool.produce.plot.prepare(data, info).key)
    assert labels[3] == "C13  2 ± unknown"


def test_slope_is_found_by_its_tool():
    slope = getProduct("dark").slope("CURRENT")
    assert findSlope("darkCurrent") == slope
    assert findSlope("darkMean") is None


SLOPE = "slopes: {S: {test: MEAN, against: darkTime, unit: electron / s, label: L, description: D.}}\n"
DECLARED = (
    "product: p\nprefix: P\ntitle: P\nstatistics: {MEAN: {unit: electron, label: M, description: M.}}\n"
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("test: MEAN", "test: OTHER"), "S is of 'OTHER', which is no statistic of amplifiers"),
        (("darkTime", "phase"), "slope S is against 'phase', expected one of darkTime, exposureTime"),
        (("label: L, ", ""), "slope 'S' of p lacks label"),
        (("{S:", "{MEAN:"), "key MEAN is given twice"),
        (("slopes:", "rate: NOISE\nslopes:"), "rate is of 'NOISE', which is no statistic of amplifiers"),
        (("electron / s", "parrot"), "slope S has the unit 'parrot', which is no unit of astropy"),
    ],
)
def test_wrong_slope_is_refused(change, message):
    assert readProduct(DECLARED + SLOPE, "p.yaml").slopes[0].toolName == "pS"
    with pytest.raises(CatalogueError, match=message):
        readProduct(DECLARED + SLOPE.replace(*change), "p.yaml")
