# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The table of tests and detectors: counts against a count row by row, what is unknown, and its artists."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.keyedData import encodeAmps
from lsst.analysis.cp.actions.plot import FailureTablePlot
from lsst.analysis.cp.actions.plot.amps.blocks import arrangeBlocks
from lsst.analysis.cp.actions.plot.amps.tableDrawing import drawTable, layOutTable
from lsst.analysis.cp.actions.plot.amps.tableView import CellState, FailureTableView
from lsst.analysis.cp.actions.plot.countColours import ZERO
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam
from lsst.utils.plotting import make_figure

MISSING, NOT_RUN, UNKNOWN, PARTIAL, KNOWN = map(int, CellState)
NOISE, DET_SCATTER, WITH_READ_NOISE = range(3)


@pytest.fixture
def prepare(camera: Sequence) -> Callable[..., FailureTableView]:
    """Return what prepares the table of encoded results."""
    return lambda data, **kwargs: FailureTablePlot().prepare(data, camera, **kwargs)


def test_nothing_failed(flats: Callable, encode: Callable, prepare: Callable) -> None:
    view = prepare(encode(flats()))
    assert view.labels == ("10.X NOISE", "10.Y DET_SCATTER †", "NOISE_WITH_READ_NOISE *‡")
    assert view.nCounted == 2
    assert_array_equal(view.cells.texts, np.full((3, 4), "0"))
    assert_array_equal(view.cells.state, KNOWN)
    assert view.headline == "0 of 4 detectors failed, 4 are good, 0 unknown"
    assert not view.failing
    assert view.listing.lines == ()


def test_amplifier_counts_once_over_exposures(
    flats: Callable, encode: Callable, prepare: Callable, rowOf: Callable
) -> None:
    columns = flats()
    for exposure, amplifier in ((5, "C00"), (6, "C00"), (6, "C13")):
        columns["FLAT_VERIFY_NOISE"][rowOf(columns, exposure, 94, amplifier)] = False
    view = prepare(encode(columns))
    # The detectors have the ids 3, 94, 20 and 7.
    assert_array_equal(view.cells.nFailed, [[0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert view.headline.startswith("1 of 4 detectors failed, 3 are good")
    assert view.listing.lines == ("R00_S1  NOISE 2",)


def test_test_of_detectors_and_computed_verdicts(
    flats: Callable, encode: Callable, prepare: Callable, rowOf: Callable
) -> None:
    columns = flats()
    detector_row = (columns["detector"] == 20) & ~columns["FLAT_DET_MEAN"].mask & (columns["exposure"] == 6)
    columns["FLAT_DET_VERIFY_SCATTER"][detector_row] = False
    columns["FLAT_NOISE"][rowOf(columns, 5, 7, "C02")] = 1000.0
    view = prepare(encode(columns))
    assert_array_equal(view.cells.nFailed, [[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    # What does not count is in no list and no head.
    assert view.listing.lines == ("R01_S0  DET_SCATTER",)
    assert view.headline.startswith("1 of 4 detectors failed")
    assert view.lists[1][1:] == (
        "*   verdict does not count",
        "†   one result a detector",
        "‡   verdict computed from the limit, none of cp_verify",
    )


def test_tests_of_exposures_stand_apart(flats: Callable, encode: Callable, prepare: Callable) -> None:
    assert prepare(encode(flats())).lists[2] == (
        "Tests of whole exposures",
        "10.Z EXP_SCATTER *: 2 of 2 exposures failed",
        "EXP_SCATTER_FRACTION *‡: 0 of 2 exposures failed",
    )


def test_unknown_is_not_zero(flats: Callable, encode: Callable, prepare: Callable, rowOf: Callable) -> None:
    columns = flats()
    names = np.ma.filled(columns["amplifier"], "")
    columns["FLAT_VERIFY_NOISE"][(columns["detector"] == 3) & (names != "")] = np.ma.masked
    columns["FLAT_NOISE"][rowOf(columns, 6, 20, "C03")] = np.nan
    columns["FLAT_VERIFY_NOISE"][rowOf(columns, 5, 7, "C00")] = False
    gone = rowOf(columns, 5, 7, "C01")
    view = prepare(encode(columns, gone))
    assert view.cells.texts[NOISE].tolist() == ["?", "0", "0?", "1?"]
    assert view.cells.state[NOISE].tolist() == [UNKNOWN, KNOWN, PARTIAL, PARTIAL]
    assert view.headline == "1 of 4 detectors failed, 1 are good, 2 unknown"


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_statistic_that_passed_is_unknown(
    flats: Callable, encode: Callable, prepare: Callable, value: float, rowOf: Callable
) -> None:
    columns = flats((5,))
    columns["FLAT_NOISE"][rowOf(columns, 5, 94, "C00")] = value
    assert prepare(encode(columns)).cells.texts[NOISE].tolist() == ["0", "0?", "0", "0"]


def test_missing_detector(flats: Callable, encode: Callable, prepare: Callable) -> None:
    columns = flats()
    view = prepare(encode(columns, (columns["detector"] == 94)))
    assert view.cells.state[:, 1].tolist() == [MISSING] * 3
    assert view.cells.texts[:, 1].tolist() == [""] * 3
    assert "1 unknown, 1 of them without data" in view.headline
    assert ("Without data: 1 detector", "R00_S1") in view.lists


def test_half_of_the_camera_is_shown_alone(flats: Callable, encode: Callable, prepare: Callable) -> None:
    columns = flats()
    view = prepare(encode(columns, ~np.isin(columns["detector"], [20, 7])))
    assert view.blocks[0].detectors.tolist() == [2, 3]
    assert all(lines[:1] != ("Without data",) for lines in view.lists)


def test_empty_table(camera: Sequence, flats: Callable, encode: Callable, prepare: Callable) -> None:
    data = encode(flats(), np.ones(2 * 37, dtype=bool))
    view = prepare(data)
    assert_array_equal(view.cells.state, MISSING)
    assert view.message == "No data to show"
    assert view.headline == "0 of 4 detectors failed, 0 are good, 4 unknown, 4 of them without data"
    FailureTablePlot()(data, camera=camera).savefig(io.BytesIO(), dpi=40)


def test_test_that_is_recorded_on_failure_only(camera: Sequence) -> None:
    amps = [(d.id, a.name) for d in camera for a in d.amps]
    detector, amplifier = map(np.array, zip(*amps, strict=True))
    n = len(amps)
    columns = {"exposure": np.full(n, 5), "detector": detector, "amplifier": amplifier}
    columns |= {"BIAS_MEAN": np.zeros(n), "BIAS_NOISE": np.full(n, 5.0), "BIAS_VERIFY_MEAN": np.ones(n, bool)}
    processing = np.ma.array(np.zeros(n, bool), mask=np.arange(n) != 9)
    columns["BIAS_VERIFY_PROCESSING"] = processing
    keys = ["MEAN", "PROCESSING"]
    view = FailureTablePlot().prepare({"ampTable": encodeAmps(columns, "bias", keys, camera=camera)}, camera)
    assert view.cells.texts.tolist() == [["0"] * 4, ["–", "1", "–", "–"]]
    del columns["BIAS_VERIFY_PROCESSING"]
    view = FailureTablePlot().prepare({"ampTable": encodeAmps(columns, "bias", keys, camera=camera)}, camera)
    assert view.cells.texts[1].tolist() == ["–"] * 4


def makeFullBias(camera: object, rng: np.random.Generator) -> tuple[dict, dict]:
    """Make verdicts of a bias of two exposures in random order, and count the failures row by row."""
    keys = [(e, d.getId(), a.getName()) for e in (5, 6) for d in camera for a in d.getAmplifiers()]
    order = rng.permutation(len(keys))
    exposure, detector, amplifier = (np.array(x)[order] for x in zip(*keys, strict=True))
    n = len(keys)
    columns = {"exposure": exposure, "detector": detector, "amplifier": amplifier}
    columns |= {"BIAS_MEAN": np.zeros(n), "BIAS_NOISE": np.full(n, 5.0)}
    expected: dict[tuple[str, int], set[str]] = defaultdict(set)
    for test in ("MEAN", "NOISE"):
        passed = rng.random(n) > 0.02
        columns[f"BIAS_VERIFY_{test}"] = passed
        for row in range(n):
            if not passed[row]:
                expected[test, int(detector[row])].add(str(amplifier[row]))
    return columns, expected


@pytest.mark.parametrize("instrument", [Latiss, LsstComCam, LsstCam])
def test_counts_of_whole_cameras(instrument: type) -> None:
    camera = instrument().getCamera()
    columns, expected = makeFullBias(camera, np.random.default_rng(4))
    table = encodeAmps(columns, "bias", ["MEAN", "NOISE"], camera=camera)
    view = FailureTablePlot().prepare({"ampTable": table}, camera)
    found = {
        (test, number): int(view.cells.nFailed[i, j])
        for i, test in enumerate(("MEAN", "NOISE"))
        for j, number in enumerate(table.layout.detectorId.tolist())
    }
    assert {key: count for key, count in found.items() if count} == {k: len(v) for k, v in expected.items()}
    shown = np.concatenate([block.detectors for block in view.blocks])
    assert sorted(shown.tolist()) == list(range(len(camera)))


def test_rafts_lie_as_in_the_focal_plane() -> None:
    geometry = cameraGeometry(LsstCam().getCamera())
    blocks = arrangeBlocks(geometry, np.arange(geometry.layout.nDetectors))
    places = {block.name: (block.column, block.row) for block in blocks}
    # The first digit of a raft is its row from below, the second its column.
    assert places == {f"R{i}{j}": (j, 4 - i) for i in range(5) for j in range(5)}
    raft = next(block for block in blocks if block.name == "R22")
    assert raft.labels == tuple(f"S{i}{j}" for i in range(3) for j in range(3))


def test_many_detectors_without_rafts_are_in_lines(makeCamera: Callable) -> None:
    geometry = cameraGeometry(makeCamera(*((2.0 * i, 0.0, 0.0) for i in range(60))))
    blocks = arrangeBlocks(geometry, np.arange(60))
    # Two detectors a raft, in one line: the rafts are beside each other.
    assert [len(block.detectors) for block in blocks] == [2] * 30
    assert len({(block.column, block.row) for block in blocks}) == 30


def test_cells_do_not_overlap_and_lie_in_the_axes(
    flats: Callable, encode: Callable, prepare: Callable
) -> None:
    layout = layOutTable(prepare(encode(flats())))
    low, high = layout.corners.min(axis=2), layout.corners.max(axis=2)
    assert_allclose(high[:, :-1, 0], low[:, 1:, 0])
    assert (high[1:, :, 1] <= low[:-1, :, 1] + 1e-12).all()
    # What does not count stands apart.
    gaps = (low[:-1, 0, 1] - high[1:, 0, 1]).tolist()
    assert gaps[0] == pytest.approx(0.0, abs=1e-9)
    assert gaps[1] > 0.05
    assert low.min() >= 0.0
    assert (high.reshape(-1, 2).max(axis=0) <= [layout.width, layout.height]).all()


def test_artists_tell_states_apart_by_more_than_colour(
    flats: Callable, encode: Callable, prepare: Callable, rowOf: Callable
) -> None:
    columns = flats((5,))
    columns["FLAT_VERIFY_NOISE"][rowOf(columns, 5, 3, "C00")] = False
    columns["FLAT_VERIFY_NOISE"][rowOf(columns, 5, 3, "C01")] = False
    names = np.ma.filled(columns["amplifier"], "")
    columns["FLAT_VERIFY_NOISE"][(columns["detector"] == 20) & (names != "")] = np.ma.masked
    view = prepare(encode(columns, columns["detector"] == 94))
    figure = make_figure(figsize=(6, 4))
    artists = drawTable(figure.add_axes((0, 0, 1, 1)), view, layOutTable(view))
    written = {}
    for collection in artists.texts:
        written[collection.get_gid()] = written.get(collection.get_gid(), 0) + len(collection.get_offsets())
    # Eleven cells with data less the unknown one, of three tests; the missing detector has no text.
    assert written == {"2": 1, "?": 1, "0": 7}
    assert artists.noData.get_hatch() != artists.noValue.get_hatch()
    assert artists.counts.get_array().tolist().count(2) == 1
    assert artists.counts.cmap(artists.counts.norm(0))[:3] == pytest.approx([int(ZERO[1:3], 16) / 255] * 3)


@pytest.mark.parametrize("instrument", [Latiss, LsstCam])
def test_texts_of_the_figure_do_not_overlap(instrument: type) -> None:
    camera = instrument().getCamera()
    columns, _ = makeFullBias(camera, np.random.default_rng(4))
    table = encodeAmps(columns, "bias", ["MEAN", "NOISE"], camera=camera)
    info = {
        "instrument": camera.getName(),
        "exposure": 5,
        "run": "u/someone/a",
        "tableName": "verifyBiasExpResults",
    }
    figure = FailureTablePlot()({"ampTable": table}, camera=camera, plotInfo=info)
    figure.draw_without_rendering()
    page = figure.bbox
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    for i, box in enumerate(boxes):
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1 + 1
        assert not any(box.overlaps(other) for other in boxes[:i])


def test_tables_that_are_left_out_are_named(prepare, encode, flats):
    info = {"leftOut": {"exposure 5 detector 3": "AmpKeyError: amplifier 'C99' is not in the camera"}}
    view = prepare(encode(flats()), plotInfo=info)
    assert view.failing
    assert view.headline.endswith("; 1 table left out")
    assert view.lists[-1][0] == "Left out"
    assert "".join(view.lists[-1][1:]).startswith("exposure 5 detector 3: AmpKeyError")
    assert "left out" not in prepare(encode(flats())).headline
