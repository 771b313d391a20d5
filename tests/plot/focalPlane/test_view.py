# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the plot prepares, as numbers and words."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from astropy.table import MaskedColumn
from numpy.testing import assert_allclose, assert_array_equal

from lsst.afw.cameraGeom import DetectorType
from lsst.analysis.cp import __version__
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.focalPlane import FailureMapPlot, FocalPlaneGeometryPlot
from lsst.analysis.cp.actions.plot.focalPlane.view import chooseLabels, squareLimits
from lsst.analysis.cp.actions.plot.text import LIST_LENGTH
from lsst.analysis.cp.atools import AmpMarginTool, AmpTestTool
from lsst.analysis.cp.catalogue import StoredLimits, VerifyTest, getProduct
from lsst.analysis.cp.core import CameraLayout, DetectorSelection
from lsst.analysis.tools.actions.plot import FocalPlanePlot
from lsst.analysis.tools.interfaces import Vector
from lsst.obs.lsst import Latiss

NO_DATA, NO_VALUE, VALUE = 0, 1, 2


def makeAction(kind: type = FocalPlaneGeometryPlot, **fields: Any) -> FocalPlaneGeometryPlot:
    action = kind()
    for name, value in ({"zAxisLabel": "Noise"} | fields).items():
        setattr(action, name, value)
    action.validate()
    return action


def test_it_is_a_focal_plane_plot_with_the_same_fields() -> None:
    action = FocalPlaneGeometryPlot()
    assert isinstance(action, FocalPlanePlot)
    assert set(FocalPlanePlot().keys()) | {"level"} <= set(action.keys())
    assert action.getPlotType() == "FocalPlaneGeometryPlot"


@pytest.mark.parametrize(
    ("level", "keys"), [("amplifier", ["detector", "amplifier", "z"]), ("detector", ["detector", "z"])]
)
def test_input_schema(level: str, keys: list[str]) -> None:
    assert list(makeAction(level=level).getInputSchema()) == [(key, Vector) for key in keys]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"statistic": "mode"}, "statistic must be one of mean, median"),
        ({"colourMap": "PuOr"}, "need each other; got 'PuOr' and None"),
        ({"centre": 0.0}, "need each other; got 'viridis' and 0.0"),
        ({"plotMin": 2.0, "plotMax": 2.0}, "plotMin 2.0 must be less than plotMax 2.0"),
    ],
)
def test_fields_that_do_not_fit(fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        makeAction(**fields)


def test_each_amplifier_has_its_value(camera: Sequence, rows: dict) -> None:
    order = np.random.default_rng(0).permutation(32)
    view = makeAction().prepare({key: column[order] for key, column in rows.items()}, camera)
    assert_array_equal(view.patches.value, np.arange(32.0))
    assert view.names[9] == "R00_S1 C01"


def test_statistic_pools_exposures_and_detectors(camera: Sequence, rows: dict) -> None:
    data = {key: np.tile(column, 3) for key, column in rows.items()}
    data["z"] = data["z"] + np.repeat([0.0, 1.0, 50.0], 32)
    median = makeAction(statistic="median").prepare(data, camera)
    assert_array_equal(median.patches.value, np.arange(32.0) + 1.0)
    mean = makeAction(level="detector").prepare(data, camera)
    assert_allclose(mean.patches.value, np.array([3.5, 11.5, 19.5, 27.5]) + 17.0)


def test_amplifier_decides_and_positions_are_ignored(camera: Sequence, rows: dict) -> None:
    data = rows | {"x": rows["detector"], "y": rows["amplifier"]}
    assert_array_equal(makeAction().prepare(data, camera).patches.value, np.arange(32.0))


def test_points_are_averaged_in_their_amplifiers(camera: Sequence) -> None:
    data = {
        "detector": np.array([94, 94, 94, 3]),
        "x": np.array([1.0, 2.0, 60.0, 500.0]),
        "y": np.array([1.0, 2.0, 70.0, 0.0]),
        "z": np.array([1.0, 3.0, 7.0, 9.0]),
        "statMask": np.array([True, False, True, True]),
    }
    view = makeAction().prepare(data, camera)
    assert_array_equal(np.flatnonzero(view.patches.state == VALUE), [8, 14])
    assert_array_equal(view.patches.value[[8, 14]], [2.0, 7.0])
    # The printed statistics are of the selected points: 1 and 7.
    assert "median   4" in view.statistics


def withIndex(rows: dict, order: np.ndarray) -> dict:
    """Return some rows, whose amplifiers are told by their position in the camera alone."""
    columns = {key: rows[key][order] for key in rows if key not in ("detector", "amplifier")}
    return columns | {"ampIndex": order}


@pytest.mark.parametrize("level", ["amplifier", "detector"])
def test_positions_in_the_camera_take_the_place_of_names(camera: Sequence, rows: dict, level: str) -> None:
    rows["flag"] = np.where(np.arange(32) % 5 == 0, 0.0, np.where(np.arange(32) % 7 == 0, np.nan, 1.0))
    order = np.random.default_rng(2).permutation(32)[:29]
    named = {key: column[order] for key, column in rows.items()}
    views = [makeAction(level=level).prepare(data, camera) for data in (named, withIndex(rows, order))]
    for name in ("value", "nRows", "nTested", "nFailed"):
        assert_array_equal(*(getattr(view.patches, name) for view in views))


def test_position_comes_before_names(camera: Sequence, rows: dict) -> None:
    view = makeAction().prepare(rows | {"ampIndex": np.arange(32)[::-1]}, camera)
    assert_array_equal(view.patches.value, np.arange(32.0)[::-1])


@pytest.mark.parametrize("level", ["amplifier", "detector"])
def test_rows_of_no_amplifier_are_left_out(camera: Sequence, rows: dict, level: str) -> None:
    data = withIndex(rows, np.arange(32))
    for index in (
        np.where(np.arange(32) < 30, np.arange(32), -1),
        np.ma.masked_array(np.arange(32), mask=np.arange(32) >= 30),
    ):
        data["ampIndex"] = index
        assert makeAction(level=level).prepare(data, camera).patches.nRows.sum() == 30


@pytest.mark.parametrize("index", [np.arange(32) + 1, np.arange(32) - 2, np.arange(32.0)])
def test_position_that_is_none(camera: Sequence, rows: dict, index: np.ndarray) -> None:
    with pytest.raises(ValueError, match="'ampIndex' must hold whole numbers from -1 to 31; got"):
        makeAction().prepare({"ampIndex": index, "z": rows["z"]}, camera)


def test_rows_are_as_many_as_positions(camera: Sequence, rows: dict) -> None:
    with pytest.raises(ValueError, match="'z' has 32 rows, expected 5 as in 'ampIndex'"):
        makeAction().prepare({"ampIndex": np.arange(5), "z": rows["z"]}, camera)


def test_neither_amplifier_nor_position(camera: Sequence, rows: dict) -> None:
    data = {key: rows[key] for key in ("detector", "z")}
    with pytest.raises(ValueError, match="needs 'amplifier', or numeric 'x' and 'y' in pixels"):
        makeAction().prepare(data, camera)


def test_positions_that_are_names(camera: Sequence, rows: dict) -> None:
    data = {"detector": rows["detector"], "x": rows["detector"], "y": rows["amplifier"], "z": rows["z"]}
    with pytest.raises(ValueError, match="needs 'amplifier', or numeric 'x' and 'y' in pixels"):
        makeAction().prepare(data, camera)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"z": None}, r"needs 'z'; the data have \['amplifier', 'detector'\]"),
        ({"z": 3.0}, "needs a vector 'z'; got 3.0"),
        ({"z": np.zeros(5)}, "'z' has 5 rows, expected 32 as in 'detector'"),
        ({"z": np.full(32, "a")}, "column 'z' has type <U1, expected numbers"),
        ({"detector": np.full(32, 8)}, r"detector\(s\) 8 are not in the camera"),
        ({"amplifier": np.full(32, "C99")}, "amplifier 'C99' of detector 3"),
        ({"flag": np.full(32, 7)}, "column 'flag' holds .*7.0.*, expected True or False"),
    ],
    ids=["missing", "scalar", "length", "type", "detector", "amplifier", "flag"],
)
def test_bad_input_is_named(camera: Sequence, rows: dict, change: dict, message: str) -> None:
    data = {key: column for key, column in (rows | change).items() if column is not None}
    with pytest.raises(ValueError, match=message):
        makeAction().prepare(data, camera)


def test_rows_of_detectors_are_not_averaged_in(camera: Sequence, rows: dict) -> None:
    data = {key: np.append(column, column[:1]) for key, column in rows.items()}
    data["amplifier"] = MaskedColumn(data["amplifier"], mask=np.arange(33) == 32)
    data["z"][32] = 1e6
    assert_array_equal(makeAction().prepare(data, camera).patches.value, np.arange(32.0))


def test_states_of_patches(camera: Sequence, rows: dict) -> None:
    rows["z"][[2, 5]] = np.nan, np.inf
    data = {key: column[:30] for key, column in rows.items()}
    view = makeAction().prepare(data, camera)
    assert_array_equal(np.flatnonzero(view.patches.state == NO_VALUE), [2, 5])
    assert_array_equal(np.flatnonzero(view.patches.state == NO_DATA), [30, 31])
    assert view.headline == "28 amplifiers with a value, 2 without finite value, 2 of 32 without data"


def test_flags_say_what_failed(camera: Sequence, rows: dict) -> None:
    data = {key: np.tile(column, 2) for key, column in rows.items()}
    data["flag"] = np.ma.masked_array(np.ones(64, dtype=bool), mask=np.arange(64) % 32 == 1)
    data["flag"][[4, 41, 42]] = False
    view = makeAction().prepare(data, camera)
    assert_array_equal(np.flatnonzero(view.patches.failing), [4, 9, 10])
    assert view.headline.startswith("3 of 31 tested amplifiers failed on 2 detectors")
    assert "3 of 31 tested amplifiers failed on 2 detectors (3 of 62 results)" in view.headline
    assert (view.listing.title, view.listing.header.split()) == ("Failing", ["value", "failed"])
    assert [line.split() for line in view.listing.lines] == [
        ["R00_S0", "C10", "4", "1/2"],
        ["R00_S1", "C01", "9", "1/2"],
        ["R00_S1", "C02", "10", "1/2"],
    ]


def test_rows_that_passed_are_not_counted(camera: Sequence, rows: dict) -> None:
    data = {key: np.tile(column, 2) for key, column in (rows | {"flag": np.ones(32)}).items()}
    view = makeAction(nListed=1).prepare(data, camera)
    assert view.listing.fit(9) == ("Furthest from the median", "R00_S0 C00         0")


def test_worst_come_first_and_the_rest_is_counted(camera: Sequence, rows: dict) -> None:
    rows["flag"] = np.zeros(32, dtype=bool)
    rows["z"][7] = np.nan
    view = makeAction(nListed=3).prepare(rows, camera)
    assert [line.split()[0:2] for line in view.listing.lines] == [
        ["R00_S0", "C13"],
        ["R00_S0", "C00"],
        ["R00_S0", "C01"],
    ]
    assert view.listing.fit(100)[-1] == "and 29 more"
    assert view.listing.fit(4)[2:] == (view.listing.lines[1], "and 30 more")


def test_no_list_if_none_is_wanted(camera: Sequence, rows: dict) -> None:
    assert makeAction(nListed=0).prepare(rows, camera).listing.fit(9) == ()


def test_whole_camera_is_shown_and_missing_detectors_are_named(camera: Sequence, rows: dict) -> None:
    keep = rows["detector"] != 94
    view = makeAction().prepare({key: column[keep] for key, column in rows.items()}, camera)
    corners = view.geometry.detectorCorners
    assert view.xLimits[0] < corners[..., 0].min()
    assert corners[..., 0].max() < view.xLimits[1]
    assert view.missing == ("Without data: 1 detector", "R00_S1")


def test_part_of_the_camera_fills_the_figure(camera: Sequence, rows: dict) -> None:
    data = {key: column[8:16] for key, column in rows.items()}
    view = makeAction().prepare(data, camera)
    corners = view.geometry.detectorCorners[1]
    low, high = corners.min(axis=0), corners.max(axis=0)
    assert_allclose(np.mean([view.xLimits, view.yLimits], axis=1), 0.5 * (low + high))
    assert np.ptp(view.xLimits) == pytest.approx(np.ptp(view.yLimits))
    assert np.ptp(view.yLimits) == pytest.approx(1.04 * (high - low).max())
    assert view.missing == ()
    assert view.headline == "8 amplifiers with a value, data of 1 of 4 detectors"
    assert view.labels.texts == ("C00", "C01", "C02", "C03", "C10", "C11", "C12", "C13")


def test_one_detector_is_named_if_it_is_the_patch(camera: Sequence, rows: dict) -> None:
    view = makeAction(level="detector").prepare({key: column[8:16] for key, column in rows.items()}, camera)
    assert view.labels.texts == ("R00_S1",)


def test_rafts_are_named_where_detectors_are_small(makeCamera: Callable) -> None:
    places = [(10.0 * (i % 12), 10.0 * (i // 12), 0.0) for i in range(48)]
    data = {"detector": np.arange(48), "z": np.arange(48.0)}
    view = makeAction(level="detector").prepare(data, makeCamera(*places))
    assert len(view.labels.texts) == 24
    assert set(map(len, view.labels.texts)) <= {3, 4}
    first = view.labels.texts.index("R00")
    assert_allclose(view.labels.positions[first], [0.0, 0.8])


def test_limits_are_robust(camera: Sequence, rows: dict) -> None:
    rows["z"] = np.where(rows["z"] == 31, 1e6, 10.0 + rows["z"] % 3)
    view = makeAction().prepare(rows, camera)
    assert (view.limits.low, view.limits.nAbove) == (10.0, 1)
    assert view.limits.high < 20.0
    assert_array_equal(np.flatnonzero(view.above), [31])


@pytest.mark.parametrize(("plotMin", "plotMax"), [(0.0, None), (None, 0.0), (0.0, 5.0)])
def test_zero_is_a_limit(camera: Sequence, rows: dict, plotMin: float | None, plotMax: float | None) -> None:
    rows["z"] -= 10.0
    limits = makeAction(plotMin=plotMin, plotMax=plotMax).prepare(rows, camera).limits
    assert plotMin is None or limits.low == plotMin
    assert plotMax is None or limits.high == plotMax


def test_small_numbers_keep_their_digits(camera: Sequence, rows: dict) -> None:
    rows["z"] = -3.123456e-6 * np.ones(32)
    view = makeAction(unit="1/electron", threshold=-4.56e-6, operator=">").prepare(rows, camera)
    assert [line.split() for line in view.statistics] == [
        ["counted", "E2V", "ITL"],
        ["n", "32", "16", "16"],
        ["median", *["-3.12e-06"] * 3],
        ["σ", "MAD", *["0"] * 3],
        ["min", *["-3.12e-06"] * 3],
        ["max", *["-3.12e-06"] * 3],
    ]
    alone = makeAction().prepare({key: column[:8] for key, column in rows.items()}, camera)
    assert alone.statistics[1] == "median   -3.123e-06"
    assert view.axisLabels[2] == "Noise (1/electron)"
    assert view.thresholdLabel == "limit: > -4.56e-06 1/electron"


def test_unit_is_not_repeated(camera: Sequence, rows: dict) -> None:
    view = makeAction(zAxisLabel="Median of noise (adu)", unit="adu").prepare(rows, camera)
    assert view.axisLabels[2] == "Median of noise (adu)"


def test_provenance(camera: Sequence, rows: dict) -> None:
    info = {
        "plotName": "biasNoise", "run": "u/me/run", "tableName": "verifyBiasResults", "instrument": "LATISS",
        "exposure": 2026070200001, "physical_filter": "SDSSr~empty", "band": "r", "skymap": None,
    }  # fmt: skip
    before = dict(info)
    view = makeAction(tests=["4.3 NOISE"], title="Noise of the bias").prepare(rows, camera, info)
    assert view.title == "Noise of the bias"
    assert view.provenance == (
        "LATISS   exposure 2026070200001   filter SDSSr~empty   tests: 4.3 NOISE",
        f"collection: u/me/run   table: verifyBiasResults   tool: biasNoise   analysis_cp {__version__}",
    )
    assert info == before


def test_title_falls_back_to_the_tool(camera: Sequence, rows: dict) -> None:
    assert makeAction().prepare(rows, camera, {"plotName": "biasNoise"}).title == "biasNoise"


def test_provenance_of_nothing(camera: Sequence, rows: dict) -> None:
    view = makeAction().prepare(rows, camera, {})
    assert (view.title, view.provenance) == ("Noise", (f"analysis_cp {__version__}",))


def test_long_collection_is_cut_in_the_middle(camera: Sequence, rows: dict) -> None:
    view = makeAction().prepare(rows, camera, {"run": "start" + "/x" * 200 + "/end"})
    assert view.provenance[0].startswith("collection: start/x")
    assert view.provenance[0].endswith(f"/end   analysis_cp {__version__}")
    assert len(view.provenance[0]) < 165


@pytest.mark.parametrize(
    ("values", "message"), [([], "No data to plot"), ([np.nan], "No finite value to plot"), ([1.0], "")]
)
def test_message_where_nothing_is_seen(camera: Sequence, values: list[float], message: str) -> None:
    n = len(values)
    data = {"detector": np.full(n, 3), "amplifier": np.full(n, "C00"), "z": np.array(values, dtype=float)}
    assert makeAction().prepare(data, camera).patches.message == message


def test_input_is_unchanged(camera: Sequence, rows: dict) -> None:
    rows["flag"] = rows["z"] > 3
    for column in rows.values():
        column.flags.writeable = False
    keys = list(rows)
    makeAction().prepare(rows, camera)
    assert list(rows) == keys


@pytest.fixture
def failures(rows: dict) -> dict:
    """Return two exposures and two tests: A fails twice for C01, B once for C01 and C02, C03 is untested."""
    flags = np.ones((2, 64), dtype=np.int8)
    flags[0, [1, 33]] = 0
    flags[1, [1, 34]] = 0
    flags[:, [3, 35]] = -1
    return {"ampIndex": np.tile(np.arange(32), 2), "flags": flags}


@pytest.mark.parametrize(("counted", "counts"), [("tests", [0, 2, 1, np.nan]), ("rows", [0, 2, 1, np.nan])])
def test_failures_are_counted(camera: Sequence, failures: dict, counted: str, counts: list[float]) -> None:
    view = makeAction(FailureMapPlot, counted=counted).prepare(failures, camera)
    assert_array_equal(view.patches.value[:5], [*counts, 0])
    assert view.counts is not None
    assert view.counts.labels == ("0", "1", "2")
    assert view.headline == "2 of 31 tested amplifiers failed on 1 detector (3 of 62 results), 1 not tested"


def test_tests_and_rows_are_counted_apart(camera: Sequence, failures: dict) -> None:
    data = failures | {"flags": failures["flags"][:1]}
    tests, rows = (
        makeAction(FailureMapPlot, counted=counted).prepare(data, camera) for counted in ("tests", "rows")
    )
    assert (tests.patches.value[1], rows.patches.value[1]) == (1, 2)


@pytest.mark.parametrize("level", ["amplifier", "detector"])
def test_failures_of_named_amplifiers(camera: Sequence, rows: dict, failures: dict, level: str) -> None:
    named = {key: np.tile(rows[key], 2) for key in ("detector", "amplifier")} | {"flags": failures["flags"]}
    views = [makeAction(FailureMapPlot, level=level).prepare(data, camera) for data in (failures, named)]
    for name in ("value", "nRows", "nTested", "nFailed"):
        assert_array_equal(*(getattr(view.patches, name) for view in views))


def test_failure_map_without_flags(camera: Sequence) -> None:
    with pytest.raises(ValueError, match=r"FailureMapPlot needs 'flags'; the data have \['ampIndex'\]"):
        makeAction(FailureMapPlot).prepare({"ampIndex": np.arange(32)}, camera)


@pytest.mark.parametrize("shape", [(1, 31), (32,)])
def test_flags_have_a_column_for_each_row(camera: Sequence, shape: tuple[int, ...]) -> None:
    data = {"ampIndex": np.arange(32), "flags": np.zeros(shape, dtype=np.int8)}
    expected = re.escape(f"'flags' has shape {shape}, expected (nTests, 32)")
    with pytest.raises(ValueError, match=expected):
        makeAction(FailureMapPlot).prepare(data, camera)


@pytest.mark.parametrize("counted", ["tests", "rows"])
def test_without_tests_nothing_is_tested(camera: Sequence, counted: str) -> None:
    data = {"ampIndex": np.arange(32), "flags": np.ones((0, 32), dtype=np.int8)}
    view = makeAction(FailureMapPlot, counted=counted).prepare(data, camera)
    assert np.isnan(view.patches.value).all()


def test_failure_map_schema() -> None:
    action = makeAction(FailureMapPlot)
    assert [key for key, _ in action.getInputSchema()] == ["ampIndex", "flags"]


def makeRafts(makeCamera: Callable, kinds: Sequence[DetectorType]) -> Sequence:
    """Return a camera of detectors of some types."""
    camera = makeCamera(*((2.0 * i, 0.0, 0.0) for i in range(len(kinds))))
    return tuple(replace(detector, type=kind, amps=[]) for detector, kind in zip(camera, kinds, strict=True))


@pytest.fixture
def mixedSensors(makeCamera: Callable) -> tuple[Sequence, dict]:
    """Return two science detectors, a guider and a wavefront sensor, with values 0 to 7, 100 and 1000."""
    kinds = [DetectorType.SCIENCE, DetectorType.SCIENCE, DetectorType.GUIDER, DetectorType.WAVEFRONT]
    camera = makeRafts(makeCamera, kinds)
    detector = np.repeat(np.arange(4), 8)
    names = np.array([amp.name for detector in camera for amp in detector.amps])
    z = np.tile(np.arange(8.0), 4) + np.repeat([0.0, 0.0, 100.0, 1000.0], 8)
    flag = ~np.isin(np.arange(32), [1, 9, 10, 16, 24, 25])
    return camera, {"detector": detector, "amplifier": names, "z": z, "flag": flag}


def test_science_sensors_set_the_range_and_are_counted(mixedSensors: tuple[Sequence, dict]) -> None:
    camera, data = mixedSensors
    view = makeAction().prepare(data, camera, {"run": "u"})
    assert (view.limits.low, view.limits.high, view.limits.nAbove) == (0.0, 7.0, 16)
    assert view.headline == "3 of 16 tested amplifiers of science sensors failed on 2 detectors"
    assert view.provenance[0] == (
        "not counted: 1 of 8 tested amplifiers of guiders failed, "
        "2 of 8 tested amplifiers of wavefront sensors failed"
    )
    assert view.rule == "colours by science sensors: all values"
    assert (view.otherLimits.low, view.otherLimits.high) == (100.0, 1007.0)
    assert [line.split()[1] for line in view.listing.lines[:3]] == ["C01", "C01", "C02"]
    assert [line.split()[0] for line in view.statistics[1:]] == ["n", "median", "σ", "min", "max"]


def test_marks_tell_what_is_beyond_the_range_of_its_own_sensors(mixedSensors: tuple[Sequence, dict]) -> None:
    camera, data = mixedSensors
    view = makeAction().prepare(data, camera)
    # All other sensors are beyond the range of the colours, and none beyond its own.
    assert np.count_nonzero(view.above) == 16
    assert not view.markedAbove.any()
    assert not view.markedBelow.any()
    science = makeAction(plotMin=1.5, plotMax=5.5).prepare(data, camera)
    values = science.patches.value
    np.testing.assert_array_equal(science.markedAbove, view.counted & (values > 5.5))
    np.testing.assert_array_equal(science.markedBelow, view.counted & (values < 1.5))
    assert science.markedAbove.any()
    assert science.markedBelow.any()


def test_counts_agree_with_the_metric(mixedSensors: tuple[Sequence, dict]) -> None:
    camera, data = mixedSensors
    for types, failed in ((["SCIENCE"], 3), (["GUIDER"], 1), (["GUIDER", "WAVEFRONT"], 3), ([], 6)):
        selection = DetectorSelection(detectorTypes=tuple(types) or None)
        chosen = selection.mask(CameraLayout.fromCamera(camera))[data["detector"]]
        assert np.count_nonzero(~data["flag"][chosen]) == failed
        view = makeAction(detectorTypes=types).prepare(data, camera)
        assert view.headline.startswith(f"{failed} of {chosen.sum()} tested amplifiers")


def test_all_are_counted_if_the_wanted_have_no_data(mixedSensors: tuple[Sequence, dict]) -> None:
    camera, data = mixedSensors
    view = makeAction().prepare({key: column[16:24] for key, column in data.items()}, camera)
    assert view.headline.startswith("1 of 8 tested amplifiers failed")
    assert view.otherLimits is None
    assert view.limits.low == 100.0


def test_failed_tests_are_named(camera: Sequence, failures: dict) -> None:
    action = makeAction(FailureMapPlot, tests=["NOISE", "MEAN"])
    listing = action.prepare(failures, camera).listing
    assert listing.fit(9) == (
        "Failed tests, with the number of exposures",
        "R00_S0 C01  NOISE 2, MEAN 1",
        "R00_S0 C02  MEAN 1",
    )
    once = {"ampIndex": np.arange(32), "flags": failures["flags"][:, :32]}
    assert action.prepare(once, camera).listing.fit(9) == ("Failed tests", "R00_S0 C01  NOISE MEAN")


@pytest.fixture
def detectorFailures(failures: dict) -> dict:
    """Return the same with tests of detectors, of which the last two failed in one exposure each."""
    flags = np.ones((1, 8), dtype=np.int8)
    flags[0, [2, 7, 0]] = 0, 0, -1
    return failures | {"detectorFlags": flags, "detectorIndex": np.tile(np.arange(4), 2)}


def test_detectors_that_fail_by_themselves_are_named(camera: Sequence, detectorFailures: dict) -> None:
    action = makeAction(FailureMapPlot, tests=["NOISE", "MEAN"], detectorTests=["SCATTER"])
    view = action.prepare(detectorFailures, camera)
    assert view.failingDetectors.tolist() == [2, 3]
    assert view.headline.endswith(", 2 of 4 tested detectors failed SCATTER")
    assert view.listing.fit(9)[1:3] == ("R01_S0  SCATTER", "R01_S1  SCATTER")
    assert view.listing.fit(9)[3] == "R00_S0 C01  NOISE 2, MEAN 1"
    # Their amplifiers have not failed.
    plain = makeAction(FailureMapPlot, tests=["NOISE", "MEAN"]).prepare(detectorFailures, camera)
    assert_array_equal(view.patches.value, plain.patches.value)
    assert plain.failingDetectors.tolist() == []


def test_untested_detectors_have_not_failed(camera: Sequence, detectorFailures: dict) -> None:
    data = detectorFailures | {"detectorFlags": np.full((1, 8), -1, dtype=np.int8)}
    view = makeAction(FailureMapPlot, detectorTests=["SCATTER"]).prepare(data, camera)
    assert view.failingDetectors.tolist() == []
    assert view.headline.endswith(", 0 of 0 tested detectors failed SCATTER")


def test_long_names_of_tests_are_whole(camera: Sequence) -> None:
    tests = ["READ_NOISE_CONSISTENT", "NOISE_SIGNAL_INDEPENDENCE", "MAX_RESIDUAL_ERROR"]
    data = {"ampIndex": np.arange(32), "flags": np.zeros((3, 32), dtype=np.int8)}
    lines = makeAction(FailureMapPlot, tests=tests, nListed=1).prepare(data, camera).listing.fit(9)
    assert " ".join(lines[1:-1]).split() == ["R00_S0", "C00", *tests]
    assert max(map(len, lines)) <= LIST_LENGTH


def test_raft_is_named_where_no_marks_are(makeCamera: Callable) -> None:
    places = [(10.0 * (i % 12), 10.0 * (i // 12), 0.0) for i in range(48)]
    camera = makeCamera(*places)
    geometry = cameraGeometry(camera)
    limits = squareLimits(geometry, np.ones(48, bool))
    marked = np.arange(48) == 0
    for crowded, bearer in ((np.zeros(48, bool), 0), (marked, 1), (np.ones(48, bool), 0)):
        labels = chooseLabels(geometry, *limits, crowded, byAmp=False)
        position = labels.positions[labels.texts.index("R00")]
        assert_allclose(position[0], geometry.detectorCorners[bearer, :, 0].min())


def test_dead_amplifier_is_suspicious_though_it_passed(camera: Sequence, rows: dict) -> None:
    rows |= {"z": np.where(np.arange(32) == 5, 0.0, 5.0), "suspicious": np.arange(32) == 5}
    rows["flag"] = np.arange(32) != 9
    view = makeAction().prepare(rows, camera)
    assert view.headline == "1 of 32 tested amplifiers failed on 1 detector, 1 suspicious"
    assert_array_equal(np.flatnonzero(view.patches.suspicious), [5])
    assert_array_equal(np.flatnonzero(view.patches.failing), [9])
    assert view.listing.fit(9) == (
        "Failing, suspicious (×)",
        "R00_S1 C01           5",
        "R00_S0 C11 ×         0",
    )
    rows["flag"] = np.ones(32, dtype=bool)
    assert makeAction().prepare(rows, camera).listing.title == "Suspicious (×)"


@pytest.mark.parametrize("test", ["NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT"])
def test_rows_that_are_suspicious_come_from_the_catalogue(test: str) -> None:
    camera = Latiss().getCamera()
    amps = camera[0].getAmplifiers()
    names = np.array([amp.getName() for amp in amps])
    results = {"exposure": np.full(16, 7), "detector": np.zeros(16, int), "amplifier": names}
    noise = np.array([amp.getReadNoise() for amp in amps])
    noise[[3, 8]] *= 0.0, 0.1
    results |= {"BIAS_NOISE": noise, "BIAS_CR_NOISE": noise, "BIAS_MEAN": noise}
    results["BIAS_READ_NOISE_ADU"] = noise / [amp.getGain() for amp in amps]
    results |= {f"BIAS_VERIFY_{key}": np.ones(16, bool) for key in ("MEAN", "SUCCESS", test)}
    tool = AmpTestTool()
    tool.test = test
    tool.finalize()
    data = tool.process(tool.prep(results, camera=camera))
    view = tool.produce.plot.prepare(data, camera)
    assert_array_equal(np.flatnonzero(view.patches.suspicious), [3, 8])
    assert not view.patches.failing.any()


BY_SENSOR = {"E2V": (1.0, 3.0), "ITL": (-4.0, 2.0)}


@pytest.fixture
def limitedBySensor(monkeypatch: pytest.MonkeyPatch) -> VerifyTest:
    """Put a test whose limits are intervals, one for each vendor, into the catalogue of bias."""
    limits = {"quantity": "NOISE", "operator": "inside", "threshold": BY_SENSOR, "plausibleAbove": None}
    test = replace(getProduct("bias")["NOISE"], **limits)
    product = replace(getProduct("bias"), tests=(test,))
    for module in ("atools.amps", "actions.keyedData.ampEncoding"):
        monkeypatch.setattr(f"lsst.analysis.cp.{module}.getProduct", lambda *_: product)
    return test


@pytest.fixture
def noisyRows(camera: Sequence, rows: dict) -> dict:
    """Return results of noise that each vendor passes in its own interval: 0 to 3.1 by steps of 0.1."""
    noise = 0.1 * np.arange(32)
    # The detectors are of E2V, ITL, E2V and ITL.
    low, high = np.array([BY_SENSOR[d.physicalType] for d in camera for _ in d.amps]).T
    verdict = (noise > low) & (noise < high)
    keys = {key: rows[key] for key in ("detector", "amplifier")}
    return keys | {"exposure": np.full(32, 5), "BIAS_NOISE": noise, "BIAS_VERIFY_NOISE": verdict}


def test_limits_by_sensor_are_mapped_as_margins(
    camera: Sequence, limitedBySensor: VerifyTest, noisyRows: dict
) -> None:
    tool = AmpTestTool()
    tool.test = "NOISE"
    tool.finalize()
    view = tool.produce.plot.prepare(tool.process(tool.prep(noisyRows, camera=camera)), camera)
    noise = noisyRows["BIAS_NOISE"]
    own = [BY_SENSOR[d.physicalType] for d in camera for _ in d.amps]
    expected = [
        min(x - low, high - x) / (0.5 * (high - low)) for x, (low, high) in zip(noise, own, strict=True)
    ]
    assert_allclose(view.beside.patches.value, expected, atol=1e-12)
    assert view.beside.threshold == view.beside.limits.low == 0.0
    assert view.beside.axisLabels[2] == "Margin of NOISE (in half widths)"
    assert_array_equal(view.patches.failing, ~noisyRows["BIAS_VERIFY_NOISE"])
    assert view.provenance[-1].startswith("limits: E2V: 1 to 3, ITL: -4 to 2 ")
    # The worst is named first, with its value, the tested quantity and the margin.
    worst = int(np.argmin(expected))
    assert view.listing.header.split() == ["value", "quantity", "margin"]
    assert view.listing.lines[0].split()[:2] == view.names[worst].split()


@pytest.mark.parametrize(
    ("level", "epoch", "isOne"),
    [("run", "none", True), ("run", "exposure", False), ("exposure", "exposure", True)],
)
def test_quantity_that_is_the_statistic_is_mapped_once(
    camera: Sequence, noisyRows: dict, monkeypatch: pytest.MonkeyPatch, level: str, epoch: str, isOne: bool
) -> None:
    limits = {"quantity": "NOISE", "operator": "<=", "threshold": 2.0, "plausibleAbove": None}
    product = getProduct("bias")
    product = replace(product, tests=(replace(product["NOISE"], **limits),))
    for module in ("atools.amps", "actions.keyedData.ampEncoding"):
        monkeypatch.setattr(f"lsst.analysis.cp.{module}.getProduct", lambda *_: product)
    tool = AmpTestTool()
    tool.test, tool.level, tool.epoch = "NOISE", level, epoch
    tool.finalize()
    view = tool.produce.plot.prepare(tool.process(tool.prep(noisyRows, camera=camera)), camera)
    assert (view.beside is None) == isOne
    assert (view.threshold, view.thresholdLabel) == ((2.0, "limit: ≤ 2 electron") if isOne else (None, ""))


def test_map_of_margins_ends_at_the_limit(
    camera: Sequence, limitedBySensor: VerifyTest, noisyRows: dict
) -> None:
    tool = AmpMarginTool()
    tool.test = "NOISE"
    tool.finalize()
    noisyRows["BIAS_VERIFY_NOISE"][:] = True
    view = tool.produce.plot.prepare(tool.process(tool.prep(noisyRows, camera=camera)), camera)
    assert view.beside is None
    assert (view.threshold, view.limits.low, view.thresholdLabel) == (0.0, 0.0, "limit: > 0 in half widths")
    assert view.title == "Clipped noise of the residual bias: distance to the limit"
    # None failed: those next to the limit come first.
    assert view.listing.title.startswith("Closest to the limit")
    values = [float(line.split()[2]) for line in view.listing.lines]
    assert values == sorted(values)
    assert values[0] == pytest.approx(view.patches.value.min())


def test_margin_of_several_exposures_is_the_worst(camera: Sequence, noisyRows: dict) -> None:
    tool = AmpMarginTool()
    tool.test, tool.level = "NOISE", "run"
    tool.finalize()
    twice = {key: np.tile(column, 2) for key, column in noisyRows.items()}
    twice["exposure"] = np.repeat([5, 6], 32)
    noise = np.concatenate([np.full(32, 5.0), np.full(32, 5.1)])
    twice["BIAS_NOISE"] = np.where(np.arange(64) == 3, 6.0, noise)
    view = tool.produce.plot.prepare(tool.process(tool.prep(twice, camera=camera)), camera)
    # The read noise is 5, and the limit 0.05 of it.
    assert_allclose(view.patches.value, np.where(np.arange(32) == 3, -3.0, 0.6), atol=1e-9)
    assert view.axisLabels[2].startswith("Margin of (NOISE - RN)/RN, min over exposures")


def test_limit_of_a_run_is_that_of_the_map(camera: Sequence, noisyRows: dict) -> None:
    n = len(noisyRows["detector"])
    columns = {"detector": noisyRows["detector"], "amplifier": noisyRows["amplifier"]}
    columns |= {"PTC_PTC_GAIN": np.full(n, 1.02), "PTC_AMP_GAIN": np.ones(n)}
    columns["PTC_VERIFY_PTC_GAIN"] = np.ones(n, dtype=bool)
    limits = StoredLimits({"gainThreshold": 3.0}, "verifyPtcDet_config of u/me")
    for chosen, expected in ((None, 3.0), (4.0, 4.0)):
        tool = AmpTestTool()
        tool.product, tool.test, tool.level, tool.epoch = "ptc", "PTC_GAIN", "run", "none"
        tool.produce.plot.threshold = chosen
        tool.finalize()
        tool.finalize()
        data = tool.process(tool.prep(columns, camera=camera, limits=limits))
        view = tool.produce.plot.prepare(data, camera)
        assert view.beside.threshold == expected
        assert view.beside.limits.high == expected
        assert view.beside.thresholdLabel.endswith(f" {expected:g} percent")
        assert view.provenance[-1] == "limits: < 3 percent (verifyPtcDet_config of u/me)"


def takeDetectors(rows: dict, *ids: int) -> dict:
    return {key: column[np.isin(rows["detector"], ids)] for key, column in rows.items()}


def test_detectors_that_are_not_there_yet_are_not_missed(camera: Sequence, rows: dict) -> None:
    """Of four detectors two are there, one comes later, and one is missing."""
    view = makeAction().prepare(takeDetectors(rows, 3, 20), camera, {"notYet": [94]})
    assert_array_equal(view.notYet, rows["detector"] == 94)
    assert view.headline == "16 amplifiers with a value, 1 detector not yet, 8 of 32 without data"
    assert view.missing == ("Without data: 1 detector", "R01_S1")
    assert view.awaited == ("Not yet: 1 detector", "R00_S1")


def test_the_first_detector_does_not_stand_for_the_camera(camera: Sequence, rows: dict) -> None:
    """One of four with data would be a part of the camera, if the others were not to come."""
    data = takeDetectors(rows, 3)
    alone = makeAction().prepare(data, camera)
    view = makeAction().prepare(data, camera, {"notYet": [94, 20, 7]})
    assert alone.expected.sum() == 8
    assert view.expected.all()
    assert view.xLimits == makeAction().prepare(rows, camera).xLimits
    assert view.headline == "8 amplifiers with a value, 3 detectors not yet"
    assert not view.missing


def test_what_is_there_is_not_awaited(camera: Sequence, rows: dict) -> None:
    """A table may have come since somebody said that it had not."""
    view = makeAction().prepare(rows, camera, {"notYet": [94, 1234]})
    assert not view.notYet.any()
    assert view.awaited == ()
    assert view.headline == makeAction().prepare(rows, camera).headline
