# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of tearing against the profiles that they show."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot import TearingPlot
from lsst.analysis.cp.actions.plot.tearing.view import prepareTearing
from lsst.obs.lsst import LsstCam


@pytest.fixture(scope="module")
def camera():
    return LsstCam().getCamera()


def makeColumns(camera, detectors, absent=()):
    """Make the table of some detectors, with profiles of noise, padded to the longest."""
    rng = np.random.default_rng(3)
    ids, names, profiles = [], [], []
    for detector in detectors:
        for amp in () if detector in absent else camera[detector]:
            width = amp.getBBox().getWidth()
            profile = np.full(512, np.nan)
            profile[:width] = 1 + 1e-3 * rng.normal(size=width)
            ids.append(detector)
            names.append(amp.getName())
            profiles.append(profile)
    return {
        "detector": np.array(ids),
        "amplifier": np.array(names),
        "TEARING_PROFILE": np.array(profiles),
        "detectors": np.array(detectors),
    }


def prepare(columns, camera, **plotInfo):
    return prepareTearing(
        columns,
        cameraGeometry(camera),
        limit=0.05,
        nPixels=2,
        title="Tearing",
        nListed=4,
        plotInfo=plotInfo,
    )


@pytest.mark.parametrize("detector", [0, 94, 191], ids=["ITL", "E2V", "wavefront"])
def test_profiles_lie_where_the_amplifiers_are(camera, detector):
    columns = makeColumns(camera, [detector])
    (panel,) = prepare(columns, camera).panels
    boxes = {amp.getName(): amp.getBBox() for amp in camera[detector]}
    assert len(panel.strips) == len({box.getMinY() for box in boxes.values()})
    seen = set()
    for strip in panel.strips:
        assert (np.diff(strip.x) == 1).all()
        for name, profile in zip(columns["amplifier"].tolist(), columns["TEARING_PROFILE"], strict=True):
            if name in strip.names:
                box = boxes[name]
                inside = (strip.x >= box.getMinX()) & (strip.x <= box.getMaxX())
                assert_array_equal(strip.profile[inside], profile[np.isfinite(profile)])
                seen.add(name)
    assert seen == set(boxes)
    bottoms = [boxes[str(strip.names[0])].getMinY() for strip in panel.strips]
    assert bottoms == sorted(bottoms, reverse=True)


def test_torn_boundaries_are_named_and_the_axis_holds_the_limit(camera):
    columns = makeColumns(camera, [94])
    place = columns["amplifier"].tolist().index("C13")
    columns["TEARING_PROFILE"][place, 511] = 0.7
    columns["TEARING_PROFILE"][columns["amplifier"] == "C05"] = np.nan
    view = prepare(columns, camera)
    assert view.isBad
    assert view.headline == "1 of 14 boundaries beyond the limit; 1 amplifier without profile"
    assert view.lists[1][1] == f"{'R22_S11 C13|C14':<20}{0.3:8.4f}"
    assert view.lists[2][1] == "R22_S11 C05"
    upper = view.panels[0].strips[0]
    torn = upper.names[:-1][upper.deviations >= 0.05].tolist()
    assert torn == ["C13"]
    assert view.halfWidth == pytest.approx(1.3 * 1.6 * 0.05)
    assert upper.isEnd.sum() == 7 * 4
    assert_allclose(upper.x[upper.isEnd][:4], [510, 511, 512, 513])


def test_clean_detectors_are_no_bad_news(camera):
    view = prepare(makeColumns(camera, [94]), camera)
    assert not view.isBad
    assert view.headline == "0 of 14 boundaries beyond the limit"
    assert view.halfWidth == pytest.approx(0.065)


def test_detectors_of_a_raft_lie_as_on_the_focal_plane(camera):
    detectors = list(range(90, 99))
    view = prepare(makeColumns(camera, detectors, absent=(92,)), camera, raft="R22")
    places = {panel.name[:7]: (panel.row, panel.column) for panel in view.panels}
    assert places == {f"R22_S{row}{column}": (2 - row, column) for row in range(3) for column in range(3)}
    unknown = {panel.name[:7]: sum(len(strip.unknown) for strip in panel.strips) for panel in view.panels}
    assert {name: number for name, number in unknown.items() if number} == {"R22_S02": 16}
    assert view.title == "Tearing: R22"
    assert "16 amplifiers without profile" in view.headline


def test_no_two_detectors_of_any_raft_share_a_place(camera):
    rafts = {}
    for detector in camera:
        rafts.setdefault(detector.getName()[:3], []).append(detector.getId())
    for detectors in rafts.values():
        view = prepare(makeColumns(camera, detectors), camera)
        assert len({(panel.row, panel.column) for panel in view.panels}) == len(detectors)


def test_figure_draws_profiles_boundaries_and_limits(camera):
    columns = makeColumns(camera, [94])
    columns["TEARING_PROFILE"][columns["amplifier"] == "C13", 511] = 0.9
    figure = TearingPlot(limit=0.04)(columns, camera=camera, plotInfo={"run": "u"})
    for ax, n_torn in zip(figure.axes, (1, 0), strict=True):
        lines = list(ax.lines)
        boundaries = [line.get_xdata()[0] for line in lines if len(set(line.get_xdata())) == 1][:7]
        assert_allclose(boundaries, 512 * np.arange(1, 8) - 0.5)
        levels = {line.get_ydata()[0] for line in lines if list(line.get_xdata()) == [0, 1]}
        assert levels == {0.96, 1.04}
        assert max(len(line.get_xdata()) for line in lines) == 4096
        marks = [line for line in lines if line.get_marker() == "v"]
        assert sum(len(line.get_xdata()) for line in marks) == n_torn
    figure.savefig(io.BytesIO())


def test_nothing_is_hatched_and_named(camera):
    columns = makeColumns(camera, [94])
    columns["TEARING_PROFILE"][columns["amplifier"] != "C01"] = np.nan
    figure = TearingPlot()(columns, camera=camera)
    hatched = [[patch.get_x() for patch in ax.patches if patch.get_hatch() == "///"] for ax in figure.axes]
    assert hatched == [[512 * i - 0.5 for i in range(8)], [512 * i - 0.5 for i in (0, 2, 3, 4, 5, 6, 7)]]
    figure.savefig(io.BytesIO())
