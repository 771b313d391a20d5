# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Matrices of crosstalk: prepared data against the calibrations, and artists."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.colors import SymLogNorm, to_hex
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.plot import CrosstalkPlot
from lsst.analysis.cp.actions.plot.crosstalk.drawing import (
    drawCrosstalk,
    drawValidity,
    makeCrosstalkFigure,
)
from lsst.analysis.cp.actions.plot.crosstalk.view import CrosstalkView, joinDetectors
from lsst.analysis.cp.core import CameraLayout
from lsst.ip.isr import CrosstalkCalib, IsrCalib
from lsst.utils.plotting import make_figure


def makeCalib(n: int, seed: int = 0, unit: str = "electron") -> CrosstalkCalib:
    """Make a calibration of small residuals, of which none is significant."""
    rng = np.random.default_rng([n, seed])
    calib = CrosstalkCalib(nAmp=n)
    calib.hasCrosstalk, calib.crosstalkRatiosUnits = True, unit
    calib.coeffs = rng.uniform(-2e-6, 2e-6, (n, n))
    calib.coeffErr[:], calib.coeffNum[:], calib.coeffValid[:] = 3e-4, 40_000, False
    for matrix, value in ((calib.coeffs, np.nan), (calib.coeffErr, np.nan), (calib.coeffNum, 0)):
        np.fill_diagonal(matrix, value)
    return calib


def prepare(layout: CameraLayout, left, references=None, detectors=None, **info: object) -> CrosstalkView:
    ids = list(left) if detectors is None else detectors
    data = {"calibrations": left, "references": references or {}, "detectors": ids}
    return CrosstalkPlot().prepare(data, layout, info)


@pytest.fixture
def faulty() -> CrosstalkCalib:
    """Return residuals of 8 amplifiers with one of each fault: a pair, one with itself, one not measured."""
    calib = makeCalib(8)
    calib.coeffs[3, 6], calib.coeffValid[3, 6] = -2e-4, True
    calib.coeffs[1, 1], calib.coeffErr[1, 1], calib.coeffNum[1, 1] = 5e-5, 3e-4, 40_000
    calib.coeffNum[4], calib.coeffNum[:, 4] = 0, 0
    return calib


def draw(function, *arguments):
    return function(make_figure().add_subplot(), *arguments)


def test_panels_are_the_matrices_of_the_calibrations(lsstCamLayout, sharedData):
    file = str(sharedData / "crosstalk" / "r22_s11.ecsv")
    reference, left = IsrCalib.readText(file), makeCalib(16)
    view = prepare(lsstCamLayout, {94: left}, {94: reference})
    hidden = np.where(np.eye(16, dtype=bool), np.nan, reference.coeffs)
    assert_array_equal(view.reference.values, hidden)
    assert_array_equal(view.residual.values, left.coeffs)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = left.coeffs / (left.coeffErr / np.sqrt(left.coeffNum))
    assert_allclose(view.significance.values, expected, rtol=1e-12)
    assert view.names.tolist() == lsstCamLayout.select([94]).ampName.tolist()
    # One scale of both, to the next power of ten.
    assert view.reference.high == view.residual.high == pytest.approx(1e-3)
    assert view.reference.label == "Coefficient (electron/electron)"
    # Against the list beside the matrices.
    first, second = np.unravel_index(np.nanargmax(hidden), (16, 16))
    assert view.lists[1][1].startswith(f"{view.names[first]} → {view.names[second]}")
    assert float(view.lists[1][1].split()[-1]) == pytest.approx(hidden[first, second], rel=5e-3)
    assert (view.isBad, view.headline) == (
        False,
        "Differing from the reference: none of 240 coefficients",
    )


def test_what_is_wrong_is_named(layout, faulty):
    view = prepare(layout, {21: faulty}, {21: makeCalib(8, seed=1)})
    assert view.isBad
    names = view.names.tolist()
    assert view.headline == (
        f"Differing from the reference: 1 of 42 coefficients ({names[3]} → {names[6]}); "
        f"with themselves: {names[1]}; not measured: {names[4]}"
    )
    expected = np.zeros((8, 8), dtype=bool)
    expected[3, 6] = True
    assert_array_equal(view.isBeyond, expected)
    line = view.lists[0][1]
    assert line.split() == [names[3], "→", names[6], "-0.0002", "-133", "σ", "beyond"]
    significance = -2e-4 / (3e-4 / np.sqrt(40_000))
    assert view.significance.values[3, 6] == pytest.approx(significance)


def test_thresholds_are_those_of_the_configuration(layout, faulty):
    plot = CrosstalkPlot(nSigma=200.0, tolerance=1e-6)
    data = {"calibrations": {21: faulty}, "references": {}, "detectors": [21]}
    view = plot.prepare(data, layout)
    assert not view.isBeyond.any()
    assert (view.residual.threshold, view.significance.threshold) == (1e-6, 200.0)


def test_nothing_is_good_without_a_measurement(layout):
    empty = makeCalib(8)
    empty.coeffNum[:], empty.coeffs[:] = 0, np.nan
    without_errors = makeCalib(8)
    without_errors.coeffErr[:] = np.nan
    for calib, words in ((empty, "Nothing is measured"), (without_errors, "Nothing can be compared")):
        view = prepare(layout, {21: calib}, {21: makeCalib(8)})
        assert view.isBad
        assert view.headline.startswith(words)
        makeCrosstalkFigure(view).savefig(io.BytesIO())


def test_reference_may_be_unknown(layout):
    view = prepare(layout, {21: makeCalib(8)})
    assert view.reference is None
    assert [panel.title.partition(" ")[0] for panel in view.panels] == ["Residual:", "Significance"]
    assert view.headline.endswith("; no reference is known")
    assert not view.isBad


def test_artists_are_cells_frames_and_hatches(layout, faulty):
    view = prepare(layout, {21: faulty}, {21: makeCalib(8, seed=1)})
    artists = draw(drawCrosstalk, view, view.residual)
    shown = np.isfinite(view.residual.values)
    assert_array_equal(artists.cells.get_array(), view.residual.values[shown])
    assert isinstance(artists.cells.norm, SymLogNorm)
    assert (artists.cells.norm.vmin, artists.cells.norm.vmax) == (-1e-3, 1e-3)
    assert artists.cells.norm.linthresh == 1e-6
    assert artists.cells.cmap.name == "RdBu_r"
    # Rows are sources: the cell of the pair is at x = 6, y = 3.
    for frame in artists.frames:
        (path,) = frame.get_paths()
        assert path.get_extents().extents.tolist() == [5.5, 2.5, 6.5, 3.5]
    for frame in artists.selfFrames:
        (path,) = frame.get_paths()
        assert path.get_extents().extents.tolist() == [0.5, 0.5, 1.5, 1.5]
    assert len(artists.diagonal.get_paths()) == 7
    hatched = artists.notMeasured.get_path().to_polygons()
    assert len(hatched) == 14
    assert artists.noElements is None


def test_reference_has_no_frames(layout, faulty):
    view = prepare(layout, {21: faulty}, {21: makeCalib(8, seed=1)})
    artists = draw(drawCrosstalk, view, view.reference)
    assert artists.frames == artists.selfFrames == ()
    assert artists.notMeasured is None


def test_validity_is_that_of_the_calibration(layout, faulty):
    view = prepare(layout, {21: faulty})
    artists = draw(drawValidity, view)
    colours = [to_hex(colour) for colour in artists.cells.get_facecolor()]
    corners = [path.get_extents() for path in artists.cells.get_paths()]
    valid = {
        (round(box.y0 + 0.5), round(box.x0 + 0.5))
        for box, colour in zip(corners, colours, strict=True)
        if colour == "#2a6f97"
    }
    assert valid == {(3, 6)}
    assert len(colours) == 42 + 1
    assert len(artists.notMeasured.get_path().to_polygons()) == 14


def test_matrix_of_a_raft_has_the_coefficients_between_detectors(layout):
    ids = [21, 5, 7]
    shown = layout.select(ids)
    sizes = dict(zip(shown.detectorId.tolist(), np.diff(np.append(shown.firstAmp, shown.nAmps)), strict=True))
    names = dict(zip(shown.detectorId.tolist(), shown.detectorName.tolist(), strict=True))
    assert len(set(sizes.values())) == 1
    n = sizes[5]
    references = {number: makeCalib(n, seed=number) for number in (21, 5)}
    between = np.arange(n * n, dtype=np.float64).reshape(n, n) * 1e-7
    references[5].interChip = {names[21]: between, "another": between}
    crosstalk, blocks = joinDetectors(shown, references)
    places = {
        number: slice(first, first + n)
        for number, first in zip(shown.detectorId.tolist(), shown.firstAmp.tolist(), strict=True)
    }
    assert_array_equal(crosstalk.coefficients[places[21], places[5]], between)
    assert_array_equal(crosstalk.coefficients[places[5], places[5]], references[5].coeffs)
    index = {number: i for i, number in enumerate(shown.detectorId.tolist())}
    expected = np.zeros((3, 3), dtype=bool)
    for source, victim in ((21, 21), (5, 5), (21, 5)):
        expected[index[source], index[victim]] = True
    assert_array_equal(blocks, expected)
    assert np.isnan(crosstalk.coefficients[places[5], places[21]]).all()
    view = prepare(layout, {21: makeCalib(n)}, references, detectors=ids, raft="R01")
    assert view.title == "Crosstalk of amplifiers: R01"
    assert f"not measured: {names[5]}, {names[7]}" in view.headline
    artists = draw(drawCrosstalk, view, view.residual)
    assert len(artists.noElements.get_path().to_polygons()) == 8
    figure = makeCrosstalkFigure(view)
    figure.savefig(io.BytesIO())


def test_matrix_that_does_not_fit_the_detector_is_refused(layout):
    calib = makeCalib(4)
    calib.getMetadata()["DETECTOR"] = 21
    with pytest.raises(ValueError, match=r"detector 21 have the shapes \[\(4, 4\)\], expected \(8, 8\)"):
        prepare(layout, {21: calib})


def test_scales_mark_the_thresholds_and_words_say_the_source(layout, faulty):
    data = {"calibrations": {21: faulty}, "references": {21: makeCalib(8, unit="adu")}, "detectors": [21]}
    view = CrosstalkPlot().prepare(
        data, layout, {"run": "u/me", "tableName": "verifyCrosstalk", "detector": 21}
    )
    figure = makeCrosstalkFigure(view)
    texts = [text.get_text() for text in figure.texts]
    assert any("verifyCrosstalk" in text for text in texts)
    bars = {ax.get_ylabel(): ax for ax in figure.axes if ax.get_ylabel().startswith("Coefficient")}
    assert set(bars) == {
        "Coefficient (adu/adu)",
        "Coefficient (electron/electron)",
        "Coefficient / standard error",
    }
    marked = [line.get_ydata()[0] for line in bars["Coefficient / standard error"].lines]
    assert {-5.0, 5.0} <= set(marked)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "amplifier with itself, not 0: 1" in labels
    assert "beyond the thresholds: 1" in labels
    assert "pairs of amplifiers, not measured: 14" in labels
    figure.savefig(io.BytesIO())
