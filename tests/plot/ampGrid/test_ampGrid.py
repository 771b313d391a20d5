# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Curves of amplifiers: prepared data and artists."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table, vstack
from numpy.testing import assert_allclose, assert_array_equal

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot import AmpGridPlot
from lsst.analysis.cp.actions.plot.ampGrid.drawing import drawPanel, epochColours, makeAmpGridFigure
from lsst.analysis.cp.actions.plot.ampGrid.view import AmpGridView
from lsst.analysis.cp.core import AmpKeyError, ColumnError
from lsst.daf.butler.formatters.parquet import arrow_to_astropy
from lsst.utils.plotting import make_figure

DETECTOR, OTHER = 20, 94
NAMES = [f"C{i // 4}{i % 4}" for i in range(8)]
N_POINTS, NOISE = 600, 0.5


def makeColumns(n_exposures: int, **changes: Any) -> dict[str, Any]:
    """Make curves of noise of each amplifier and exposure, in random order of the rows."""
    rng = np.random.default_rng(4)
    exposure, amp = (index.ravel() for index in np.indices((n_exposures, len(NAMES))))
    order = rng.permutation(len(amp))
    columns = {
        "detector": np.full(len(amp), DETECTOR),
        "amplifier": np.array(NAMES)[amp],
        "exposure": 2026010100001 + exposure,
        "y": rng.normal(0.0, NOISE, (len(amp), N_POINTS)),
    }
    return {name: changes.get(name, column)[order] for name, column in columns.items()}


def rowOf(columns: dict[str, Any], amplifier: str, exposure: int) -> int:
    """Find the row of an amplifier in an exposure, counted from 0."""
    chosen = (columns["amplifier"] == amplifier) & (columns["exposure"] == 2026010100001 + exposure)
    return int(np.flatnonzero(chosen)[0])


def prepare(columns: dict[str, Any], camera: Any, **fields: Any) -> AmpGridView:
    plot = AmpGridPlot()
    for name, value in ({"yAxisLabel": "Mean", "unit": "electron"} | fields).items():
        setattr(plot, name, value)
    return plot.prepare(columns, cameraGeometry(camera), {"plotName": "curves"})


def test_curves_are_binned_means_in_the_order_of_exposures(camera):
    columns = makeColumns(5)
    curves = prepare(columns, camera).curves
    assert curves.epochs.tolist() == [2026010100001 + i for i in range(5)]
    assert curves.factor == 5
    y = columns["y"][rowOf(columns, "C12", 3)]
    assert_allclose(curves.curves[3, NAMES.index("C12")], y.reshape(-1, 5).mean(axis=1))
    assert_allclose(curves.x[:2], [2.0, 7.0])
    of_amp = np.array([columns["y"][rowOf(columns, "C12", i)] for i in range(5)])
    binned = of_amp.reshape(5, -1, 5).mean(axis=2)
    median = np.median(binned, axis=0)
    assert_allclose(curves.centre[NAMES.index("C12")], median)
    mad = np.median(np.abs(binned - median), axis=0)
    assert_allclose(curves.scatter[NAMES.index("C12")], 1.4826 * mad, rtol=1e-4)
    assert_allclose(curves.median[NAMES.index("C12")], np.median(of_amp, axis=0))


def test_two_exposures_are_drawn_point_by_point_and_have_no_band(camera):
    view = prepare(makeColumns(2), camera)
    assert view.curves.factor == 1
    assert not view.curves.hasBand
    assert [lines[:1] for lines in view.lists] == [(), ("Level of amplifiers, farthest first",)]
    artists = drawPanel(make_figure().add_subplot(), view, 0, epochColours(2))
    assert [line.get_xdata().size for line in artists.curves] == [N_POINTS] * 2
    assert (artists.band, artists.median, artists.spikes) == (None, None, ())


def test_padding_is_no_value(camera):
    columns = makeColumns(4)
    columns["y"][:, 400:] = np.nan
    view = prepare(columns, camera)
    assert view.xLimits == (-0.5, 399.5)
    assert np.isfinite(view.curves.curves[:, :, : 400 // view.curves.factor]).all()
    assert np.isnan(view.curves.curves[:, :, -1]).all()


def test_axis_is_ten_scatters_about_the_level(camera):
    view = prepare(makeColumns(20), camera)
    assert not view.shifted.any()
    # Means of five points of noise.
    assert_allclose(view.yLimits, np.tile([-1, 1], (8, 1)) * 10 * NOISE / np.sqrt(5), rtol=0.05)
    assert not view.outside.any()


def test_amplifier_of_another_level_has_an_axis_of_its_own(camera):
    columns = makeColumns(4)
    columns["y"][columns["amplifier"] == "C11"] += 40.0
    view = prepare(columns, camera)
    assert view.names[view.shifted].tolist() == ["C11"]
    assert_allclose(np.diff(view.yLimits, axis=1), np.diff(view.yLimits[:1])[0, 0])
    assert_allclose(view.yLimits[NAMES.index("C11")].mean(), 40.0, atol=0.2)
    assert not view.outside.any()
    assert view.headline.endswith("off the common axis: C11")
    assert view.isBad
    assert view.lists[1][1].split()[0] == "C11"


def test_what_is_beyond_the_axis_is_said(camera):
    columns = makeColumns(4)
    columns["y"][rowOf(columns, "C03", 1), 300:] -= 30.0
    view = prepare(columns, camera)
    assert_allclose(view.outside[NAMES.index("C03")], [1 / 8, 0])
    assert view.outside.sum() == pytest.approx(1 / 8)
    ax = make_figure().add_subplot()
    drawPanel(ax, view, NAMES.index("C03"), epochColours(4))
    assert [text.get_text() for text in ax.texts] == ["▼ 12%"]
    assert view.lists[2][1].split()[:2] == ["C03", "2026010100002"]


def test_rows_without_a_detector_are_counted_and_left_out(camera):
    columns = makeColumns(3)
    masked = np.array([rowOf(columns, "C12", 0), rowOf(columns, "C03", 2)])
    # Ids below a mask are arbitrary.
    detector = np.ma.array(columns["detector"])
    detector[masked] = OTHER
    detector[masked] = np.ma.masked
    view = prepare(columns | {"detector": detector}, camera)
    assert view.lists[0] == ("Left out", "2 rows without a detector")
    absent = np.isnan(view.curves.curves).all(axis=2)
    assert sorted(map(tuple, np.argwhere(absent).tolist())) == [
        (0, NAMES.index("C12")),
        (2, NAMES.index("C03")),
    ]


def test_single_points_are_kept_that_binning_would_hide(camera):
    columns = makeColumns(5)
    columns["y"][rowOf(columns, "C00", 2), 77] += 20 * NOISE
    columns["y"][columns["amplifier"] == "C13", 500] += 20 * NOISE
    curves = prepare(columns, camera).curves
    assert np.argwhere(np.isfinite(curves.spikes)).tolist() == [[2, NAMES.index("C00"), 77]]
    assert np.argwhere(np.isfinite(curves.commonSpikes)).tolist() == [[NAMES.index("C13"), 500]]
    value = columns["y"][rowOf(columns, "C00", 2), 77]
    assert curves.spikes[2, NAMES.index("C00"), 77] == value


def test_single_points_are_drawn_within_the_axis(camera):
    columns = makeColumns(5)
    columns["y"][rowOf(columns, "C00", 2), 77] += 1e4
    view = prepare(columns, camera)
    artists = drawPanel(make_figure().add_subplot(), view, 0, epochColours(5))
    (spike,) = artists.spikes
    assert spike.get_xdata().tolist() == [77]
    assert spike.get_ydata().tolist() == [view.yLimits[0, 1]]


def test_absent_rows_and_absent_values_are_told_apart(camera):
    columns = makeColumns(3)
    columns["y"][columns["amplifier"] == "C10"] = np.nan
    kept = columns["amplifier"] != "C02"
    view = prepare({name: column[kept] for name, column in columns.items()}, camera)
    assert view.names[~view.curves.hasRows].tolist() == ["C02"]
    assert view.names[view.curves.hasRows & ~view.curves.hasValues].tolist() == ["C10"]
    assert "without data: C02; without a value: C10" in view.headline
    for name, words in (("C02", "no data"), ("C10", "no value")):
        ax = make_figure().add_subplot()
        artists = drawPanel(ax, view, NAMES.index(name), epochColours(3))
        assert artists.curves == ()
        assert [text.get_text() for text in ax.texts] == [words]
        assert ax.patch.get_hatch()


def test_exposure_without_an_amplifier_costs_its_curve_only(camera):
    columns = makeColumns(4)
    kept = np.arange(len(columns["exposure"])) != rowOf(columns, "C01", 1)
    view = prepare({name: column[kept] for name, column in columns.items()}, camera)
    artists = drawPanel(make_figure().add_subplot(), view, NAMES.index("C01"), epochColours(4))
    assert len(artists.curves) == 3
    colours = [line.get_color() for line in artists.curves]
    assert_allclose(colours, epochColours(4)[[0, 2, 3]])
    assert view.curves.hasValues.all()


def test_nothing_finite_gives_a_page_that_says_so(camera):
    view = prepare(makeColumns(3, y=np.full((24, N_POINTS), np.nan)), camera)
    assert_array_equal(view.yLimits, np.tile([0.0, 1.0], (8, 1)))
    assert "without a value" in view.headline
    makeAmpGridFigure(view).savefig(io.BytesIO(), dpi=30)


def test_equal_values_have_an_axis(camera):
    view = prepare(makeColumns(3, y=np.full((24, N_POINTS), 7.0)), camera)
    assert (view.yLimits[:, 0] < 7.0).all()
    assert (view.yLimits[:, 1] > 7.0).all()
    assert view.curves.hasBand
    assert view.lists[2] == ()


def test_order_of_rows_does_not_matter(camera):
    columns = makeColumns(4)
    order = np.random.default_rng(1).permutation(len(columns["exposure"]))
    view, other = (
        prepare({name: column[rows] for name, column in columns.items()}, camera)
        for rows in (slice(None), order)
    )
    assert_array_equal(view.curves.curves, other.curves.curves)
    assert view.lists == other.lists


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("detector", OTHER, ColumnError, "rows of one detector"),
        ("amplifier", "X99", AmpKeyError, "'X99'"),
        ("exposure", 2026010100002, ColumnError, "repeat those of the same exposure"),
    ],
)
def test_rows_that_do_not_belong_are_refused(camera, name, value, error, message):
    columns = makeColumns(2)
    columns[name][rowOf(columns, "C00", 0)] = value
    columns["amplifier"] = columns["amplifier"].astype("U3")
    with pytest.raises(error, match=message):
        prepare(columns, camera)


def readReal(sharedData: Path, detector: int) -> Table:
    """Read the stored results of a detector, one exposure below the other."""
    paths = sorted((sharedData / "tables" / "bias").glob(f"verifyBiasDetResults_*_{detector}.parq"))
    return vstack([arrow_to_astropy(pq.read_table(path)) for path in paths])


@pytest.mark.parametrize(
    ("detector", "n_amps", "n_exposures", "width", "height"),
    [(39, 16, 1, 512, 2002), (189, 16, 2, 509, 2000), (191, 8, 2, 509, 2000)],
    ids=["E2V", "guider", "wavefront sensor"],
)
def test_real_tables(lsstCam, sharedData, detector, n_amps, n_exposures, width, height):
    table = readReal(sharedData, detector)
    for column, length in (("BIAS_SERIAL_PROF", width), ("BIAS_PARALLEL_PROF", height)):
        columns = {name: table[name] for name in ("detector", "amplifier", "exposure")}
        view = prepare(columns | {"y": table[column]}, lsstCam)
        assert view.curves.curves.shape == (n_exposures, n_amps, length)
        assert view.curves.hasValues.all()
        assert view.names.tolist() == [amp.getName() for amp in lsstCam[detector]]
        for row in table:
            layer = view.curves.epochs.tolist().index(row["exposure"])
            amp = view.names.tolist().index(row["amplifier"])
            assert_array_equal(view.curves.curves[layer, amp], row[column])
        # The offset of 1.5 times the read noise that was injected.
        assert view.names[view.shifted].tolist() == (["C13"] if detector == 191 else [])
    figure = makeAmpGridFigure(view)
    assert len(figure.axes) == n_amps + 1
    figure.savefig(io.BytesIO(), dpi=30)


def test_twenty_exposures_are_all_named(camera: Camera):
    plot = AmpGridPlot()
    figure = plot(makeColumns(20), camera=camera, plotInfo={"plotName": "curves"})
    labels = [label.get_text() for label in figure.axes[-1].get_yticklabels()]
    assert labels == [str(2026010100001 + i) for i in range(20)]
    colours = {tuple(np.round(colour, 2)) for colour in epochColours(20)}
    assert len(colours) == 20
    figure.savefig(io.BytesIO(), dpi=30)
