# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Failures by the name of the amplifier, against a count row by row, and their artists."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lsst.analysis.cp.actions.keyedData import encodeAmps
from lsst.analysis.cp.actions.plot import AmpFailuresPlot
from lsst.analysis.cp.actions.plot.amps.ampFailuresPlot import drawNamePanel
from lsst.obs.lsst import LsstCam
from lsst.utils.plotting import make_figure

NAMES = ["C00", "C01", "C02", "C03", "C10", "C11", "C12", "C13"]


def test_failures_of_several_exposures_and_detectors(
    flats: Callable, encode: Callable, rowOf: Callable
) -> None:
    columns = flats()
    for exposure, detector, amplifier in ((5, 3, "C01"), (6, 3, "C01"), (5, 94, "C01"), (6, 7, "C13")):
        columns["FLAT_VERIFY_NOISE"][rowOf(columns, exposure, detector, amplifier)] = False
    columns["FLAT_VERIFY_NOISE"][rowOf(columns, 6, 20, "C02")] = np.ma.masked
    view = AmpFailuresPlot().prepare(encode(columns))
    assert view.names.tolist() == NAMES
    noise, with_read_noise = view.panels
    (counts,) = noise.counts
    assert counts.nFailed.tolist() == [0, 3, 0, 0, 0, 0, 0, 1]
    assert counts.nTested.tolist() == [8, 8, 7, 8, 8, 8, 8, 8]
    assert counts.nExpected.tolist() == [8] * 8
    assert noise.label == "10.X NOISE: 4 of 63 tested failed, 1 not tested"
    assert with_read_noise.label == "NOISE_WITH_READ_NOISE *‡: 0 of 64 tested failed"
    assert view.headline == "4 failures of amplifiers of all sensors in 2 exposures"
    assert view.lists[-1] == ("Failures of tests that count", "C01    3", "C13    1")


def test_nothing_failed_and_nothing_tested(camera: Sequence, flats: Callable, encode: Callable) -> None:
    columns = flats()
    assert not AmpFailuresPlot().prepare(encode(columns)).failing
    columns["FLAT_VERIFY_NOISE"][:] = np.ma.masked
    data = encode(columns)
    panel = AmpFailuresPlot().prepare(data).panels[0]
    assert_array_equal(panel.untested(0), True)
    assert panel.label == "10.X NOISE: 0 of 0 tested failed, 64 not tested"
    AmpFailuresPlot()(data, camera=camera).savefig(io.BytesIO(), dpi=40)


def test_empty_table(camera: Sequence, flats: Callable, encode: Callable) -> None:
    data = encode(flats(), np.ones(2 * 37, dtype=bool))
    view = AmpFailuresPlot().prepare(data)
    assert view.message == "No data to show"
    AmpFailuresPlot()(data, camera=camera).savefig(io.BytesIO(), dpi=40)


def test_sensors_of_other_kinds_and_names_have_their_own_bars() -> None:
    """Wavefront sensors have eight amplifiers, whose names are half of those of the others."""
    camera = LsstCam().getCamera()
    rng = np.random.default_rng(3)
    keys = [(d.getId(), a.getName(), d.getType().name) for d in camera for a in d.getAmplifiers()]
    detector, amplifier, kind = map(np.array, zip(*keys, strict=True))
    passed = rng.random(len(keys)) > 0.05
    columns = {"exposure": np.full(len(keys), 5), "detector": detector, "amplifier": amplifier}
    columns |= {
        "BIAS_MEAN": np.zeros(len(keys)),
        "BIAS_NOISE": np.ones(len(keys)),
        "BIAS_VERIFY_MEAN": passed,
    }
    data = {"ampTable": encodeAmps(columns, "bias", ["MEAN"], camera=camera)}
    view = AmpFailuresPlot().prepare(data)
    assert view.groups == ("science sensors", "other sensors")
    science = kind == "SCIENCE"
    for counts, chosen in zip(view.panels[0].counts, (science, ~science), strict=True):
        failed, tested = (Counter(amplifier[chosen & rows].tolist()) for rows in (~passed, passed | ~passed))
        assert dict(zip(view.names.tolist(), counts.nFailed.tolist(), strict=True)) == {
            name: failed[name] for name in view.names.tolist()
        }
        assert counts.nTested.tolist() == [tested[name] for name in view.names.tolist()]
    every = AmpFailuresPlot()
    every.detectorTypes = []
    (counts,) = every.prepare(data).panels[0].counts
    assert counts.nFailed.sum() == np.count_nonzero(~passed)


def test_bars_reach_the_counts_and_hatches_tell_what_is_unknown(
    flats: Callable, encode: Callable, rowOf: Callable
) -> None:
    columns = flats()
    columns["FLAT_VERIFY_NOISE"][rowOf(columns, 5, 3, "C01")] = False
    columns["FLAT_VERIFY_NOISE"][rowOf(columns, 6, 94, "C01")] = False
    names = np.ma.filled(columns["amplifier"], "")
    columns["FLAT_VERIFY_NOISE"][names == "C10"] = np.ma.masked
    view = AmpFailuresPlot().prepare(encode(columns))
    ax = make_figure(figsize=(6, 2)).add_subplot()
    bars, hatched = drawNamePanel(ax, view, view.panels[0])
    (path,) = bars.get_paths()
    assert path.get_extents().y1 == 2
    assert path.get_extents().x0 < 1 < path.get_extents().x1
    assert hatched.get_path().get_extents().x0 == pytest.approx(4 - 0.4)
    assert hatched.get_hatch()
    # The number of those tested stands as a line above each other name.
    (line,) = [item for item in ax.collections if item.get_gid() is None and item is not bars]
    heights = [segment[0][1] for segment in line.get_segments()]
    assert heights == [8] * 7


def test_numbers_and_the_line_of_those_tested_are_apart(flats: Callable, encode: Callable) -> None:
    columns = flats((5,))
    names = np.ma.filled(columns["amplifier"], "")
    columns["FLAT_VERIFY_NOISE"][np.isin(names, ["C01", "C02"])] = False
    columns["FLAT_VERIFY_NOISE"][(names == "C02") & (columns["detector"] != 3)] = True
    view = AmpFailuresPlot().prepare(encode(columns))
    ax = make_figure(figsize=(6, 0.9), dpi=100).add_axes((0, 0, 1, 1))
    drawNamePanel(ax, view, view.panels[0])
    places = {
        (item.get_gid(), round(x)): y
        for item in ax.collections
        if item.get_gid()
        for x, y in item.get_offsets().tolist()
    }
    # All four that were tested of C01 failed, and one of C02: there is no room above the bar of C01.
    assert places["4", 1] < 4
    assert 1 < places["1", 2] < 4
    assert places["0", 0] < 1
