# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Plots of what cp_verify stores of pairs of flats, against the tables that it wrote."""

import io

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot import PtcCovariancePlot, PtcRowMeanPlot
from lsst.analysis.cp.actions.plot.ptc.view import PtcCurves
from lsst.analysis.cp.core import ColumnError

LAGS = ("10", "01", "11", "20", "02")


def read(plot, table, camera):
    names = {"vectors": plot.vectorNames, "values": plot.numberNames}
    return PtcCurves.fromTable(table, cameraGeometry(camera), **names)


def rowsOf(table):
    return {str(row["amplifier"]): row for row in table}


def test_covariances_and_lines_are_those_of_the_table(realTable):
    table, camera = realTable
    plot = PtcCovariancePlot()
    view = plot.prepare(read(plot, table, camera))
    rows = rowsOf(table)
    assert {panel.name for panel in view.panels} == rows.keys()
    for panel in view.panels:
        row = rows[panel.name]
        used = np.asarray(row["PTC_PTC_EXP_ID_MASK"], dtype=bool)
        assert (panel.lacks == "no fit") == (not used.any())
        series = {part.kind: part for part in panel.series}
        for lag in LAGS:
            assert_array_equal(series[lag].y, np.asarray(row[f"PTC_PTC_COV_{lag}"])[used])
            assert_array_equal(series[lag].x, np.asarray(row["PTC_PTC_RAW_MEANS"])[used])
            assert (f"fit {lag}" in series) == used.any()
            if used.any():
                line = series[f"fit {lag}"]
                slope, offset = (row[f"PTC_PTC_COV_{lag}_FIT_{kind}"] for kind in ("SLOPE", "OFFSET"))
                assert_allclose(np.polyfit(line.x, line.y, 1), [slope, offset], rtol=1e-6, atol=1e-6)


def test_slopes_of_means_of_rows_are_those_of_the_points(realTable):
    table, camera = realTable
    plot = PtcRowMeanPlot()
    view = plot.prepare(read(plot, table, camera))
    rows = rowsOf(table)
    widths = {amp.getName(): amp.getBBox().getWidth() for amp in camera[int(table["detector"][0])]}
    n_slopes = 0
    for panel in view.panels:
        row, series = rows[panel.name], {part.kind: part for part in panel.series}
        stored = float(row["PTC_PTC_ROW_MEAN_VARIANCE_SLOPE"])
        assert (panel.lacks == "no slope") == bool(np.isnan(stored))
        used = np.asarray(row["PTC_PTC_EXP_ID_MASK"], dtype=bool)
        signal = np.asarray(row["PTC_PTC_RAW_MEANS"])[used] * row["PTC_PTC_GAIN"]
        assert_allclose(series["used"].x, 2 * signal / widths[panel.name], rtol=1e-12)
        if not panel.lacks:
            n_slopes += 1
            # The slope is that of the points that are drawn.
            assert series["used"].y.sum() / series["used"].x.sum() == pytest.approx(stored, rel=1e-9)
            assert_allclose(series["fit"].y / series["fit"].x, stored, rtol=1e-12)
            assert panel.words == (f"slope {float(f'{stored:.3g}'):.4g}",)
    assert n_slopes >= len(rows) - 1


@pytest.fixture(scope="module")
def padded(cameras):
    """Make rows as those of a merge: one amplifier has fewer pairs, and a mask that is padded with True."""
    camera = cameras["LSSTComCam"]
    names = [amp.getName() for amp in camera[4]]
    n = len(names)
    means = np.tile([100.0, 1000.0, 10_000.0], (n, 1))
    columns = {"detector": np.full(n, 4), "amplifier": np.array(names)}
    columns |= {"PTC_PTC_RAW_MEANS": means, "PTC_PTC_EXP_ID_MASK": np.ones((n, 3), dtype=bool)}
    columns |= {f"PTC_PTC_COV_{lag}": 0.01 * means + 2 for lag in LAGS}
    for lag in LAGS:
        columns[f"PTC_PTC_COV_{lag}_FIT_SLOPE"] = np.full(n, 0.01)
        columns[f"PTC_PTC_COV_{lag}_FIT_OFFSET"] = np.full(n, 2.0)
        columns[f"PTC_PTC_COV_{lag}_FIT_SUCCESS"] = np.ones(n, dtype=bool)
    for name in ("RAW_MEANS", *(f"COV_{lag}" for lag in LAGS)):
        columns[f"PTC_PTC_{name}"][3, 2] = np.nan
    return columns, camera, names[3]


def test_padding_is_no_pair(padded):
    columns, camera, name = padded
    plot = PtcCovariancePlot()
    view = plot.prepare(read(plot, columns, camera))
    for panel in view.panels:
        assert len(panel.series[0].x) == (2 if panel.name == name else 3)
    plot({key: np.ma.asarray(column) for key, column in columns.items()}, camera=camera).savefig(io.BytesIO())


@pytest.mark.parametrize(("slope", "offset", "success"), [(1.0, 0.0, True), (0.3, 1.0, False)])
def test_line_that_is_no_fit_is_left_out(padded, slope, offset, success):
    columns, camera, name = padded
    changed = dict(columns)
    for kind, value in (("SLOPE", slope), ("OFFSET", offset), ("SUCCESS", success)):
        for lag in LAGS:
            key = f"PTC_PTC_COV_{lag}_FIT_{kind}"
            changed[key] = np.where(columns["amplifier"] == name, value, columns[key])
    plot = PtcCovariancePlot()
    view = plot.prepare(read(plot, changed, camera))
    assert [panel.name for panel in view.panels if panel.lacks == "no fit"] == [name]
    assert view.headline == f"16 amplifiers; no fit: {name}"


def test_amplifier_without_a_row_has_no_data(padded):
    columns, camera, name = padded
    kept = columns["amplifier"] != name
    plot = PtcCovariancePlot()
    view = plot.prepare(read(plot, {key: column[kept] for key, column in columns.items()}, camera))
    assert {panel.name: panel.lacks for panel in view.panels if panel.lacks} == {name: "no data"}


def test_rows_are_of_one_detector(padded):
    columns, camera, _ = padded
    wrong = columns | {"detector": np.arange(16) % 2}
    with pytest.raises(ColumnError, match="expected rows of one detector, got 2"):
        read(PtcCovariancePlot(), wrong, camera)
