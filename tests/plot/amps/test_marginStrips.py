# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Ranked margins, against margins worked out row by row, and their artists."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from lsst.analysis.cp.actions.plot import MarginStripPlot
from lsst.analysis.cp.actions.plot.amps.marginStripPlot import drawStrip, rankMargins
from lsst.analysis.cp.actions.plot.histogram import chooseKindLooks
from lsst.utils.plotting import make_figure


@pytest.fixture
def noisy(flats: Callable) -> dict:
    """Return flats with noise that grows with the row; one amplifier has none, one an infinite one."""
    columns = flats()
    columns["FLAT_NOISE"][:64] = 100.0 + np.arange(64)
    columns["FLAT_NOISE"][[3, 35]] = np.nan
    columns["FLAT_NOISE"][7] = np.inf
    return columns


def test_margins_are_ranked_and_the_worst_named(camera: Sequence, noisy: dict, encode: Callable) -> None:
    view = MarginStripPlot().prepare(encode(noisy))
    strip = view.strips[0]
    # The limit of NOISE/sqrt(MEAN) is 1. Rows 32 to 63 are the second exposure, whose noise is larger.
    names = [f"{d.name} {a.name}" for d in camera for a in d.amps]
    expected = {names[i]: 1.0 - (132.0 + i) / math.sqrt(20000.0) for i in range(32) if i not in (3, 7)}
    expected[names[7]] = -math.inf
    assert dict(zip(strip.names.tolist(), strip.margins.tolist(), strict=True)) == pytest.approx(expected)
    assert (np.diff(strip.margins[1:]) >= 0).all()
    assert strip.worst[0] == f"{names[7]}  -inf"
    assert strip.nUnknown == 1
    n_beyond = sum(margin < 0 for margin in expected.values())
    assert strip.label == f"10.X NOISE   NOISE/sqrt(MEAN) ≤ 1: {n_beyond} of 31 beyond, 1 without a margin"
    assert view.headline == f"{n_beyond} margins beyond limits that count, of 2 tests"


def test_detectors_and_exposures_are_ranked_by_themselves(flats: Callable, encode: Callable) -> None:
    by_label = {strip.label.split()[0]: strip for strip in MarginStripPlot().prepare(encode(flats())).strips}
    assert len(by_label["10.Y"].margins) == 4
    assert by_label["10.Y"].margins == pytest.approx([1.0 - 0.01 / 0.05] * 4)
    assert by_label["10.Z"].names.tolist() == ["5", "6"]
    assert by_label["EXP_SCATTER_FRACTION"].margins == pytest.approx([1.0 - 100.0 / 20000.0 / 0.05] * 2)


def test_points_are_all_on_the_axes(noisy: dict, encode: Callable) -> None:
    strip = MarginStripPlot().prepare(encode(noisy)).strips[0]
    ax = make_figure(figsize=(6, 2)).add_subplot()
    drawn = drawStrip(ax, strip, chooseKindLooks(["E2V", "ITL"]))
    points = np.concatenate([collection.get_offsets() for collection in drawn])
    assert sorted(points[:, 0].tolist()) == list(range(1, 32))
    low, high = ax.get_ylim()
    assert ((low < points[:, 1]) & (points[:, 1] < high)).all()
    # Vendors differ by the shape of their marks, not by colour alone.
    shapes = {tuple(collection.get_paths()[0].vertices.ravel().tolist()) for collection in drawn}
    assert len(shapes) == len(drawn) == 2


@pytest.mark.parametrize("drop", [True, False])
def test_nothing_to_rank(camera: Sequence, flats: Callable, encode: Callable, drop: bool) -> None:
    columns = flats()
    columns["FLAT_NOISE"][:] = np.nan
    data = encode(columns, np.full(2 * 37, drop))
    strip = MarginStripPlot().prepare(data).strips[0]
    assert (len(strip.margins), strip.nUnknown) == (0, 0 if drop else 32)
    MarginStripPlot()(data, camera=camera).savefig(io.BytesIO(), dpi=40)


def test_small_margins_fill_the_axis(flats: Callable, encode: Callable) -> None:
    columns = flats((5,))
    columns["FLAT_NOISE"][:32] = math.sqrt(20000.0) * (1.0 - 0.001 * np.arange(1, 33))
    strip = MarginStripPlot().prepare(encode(columns)).strips[0]
    assert strip.margins == pytest.approx(0.001 * np.arange(1, 33))
    ax = make_figure(figsize=(6, 2)).add_subplot()
    drawStrip(ax, strip, chooseKindLooks(["E2V", "ITL"]))
    assert 0.032 < ax.get_ylim()[1] < 0.1
    assert -0.1 < ax.get_ylim()[0] < 0.0
    assert any(0 < tick < 0.032 for tick in ax.get_yticks())


def test_long_quantity_is_cut(flats: Callable, encode: Callable) -> None:
    table = encode(flats())["ampTable"]
    test = replace(table.product["NOISE"], quantity="NOISE/sqrt(MEAN) + 0*(" + "MEAN + " * 30 + "MEAN)")
    label = rankMargins(table, test).label
    assert label.startswith("10.X NOISE   NOISE/sqrt(MEAN)")
    assert label.endswith("MEAN) ≤ 1: 0 of 32 beyond")
    assert len(label) < 110


@pytest.mark.parametrize(("mean", "between"), [(2500.0, True), (1.0, False)])
def test_ticks_tell_that_the_scale_is_not_linear(
    flats: Callable, encode: Callable, mean: float, between: bool
) -> None:
    columns = flats()
    columns["FLAT_NOISE"][:] = 10.0
    columns["FLAT_NOISE"][5] = 200.0
    columns["FLAT_MEAN"][:] = mean
    view = MarginStripPlot().prepare(encode(columns))
    ax = make_figure().add_subplot()
    drawStrip(ax, view.strips[0], chooseKindLooks(view.strips[0].kinds))
    low, high = ax.get_ylim()
    ticks = [tick for tick in ax.get_yticks() if low <= tick <= high]
    assert 0.0 in ticks
    assert (-2.0 in ticks) == between
