# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the plots prepare: places, gaps, failures, structures and words."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from astropy.table import Table
from matplotlib.path import Path as Polygon
from numpy.testing import assert_allclose, assert_array_equal

from lsst.analysis.cp import __version__
from lsst.analysis.cp.actions.plot.image import DetectorImagePlot, FocalPlaneImagePlot
from lsst.analysis.cp.actions.plot.image.frame import binningOf
from lsst.analysis.cp.actions.plot.image.gaps import ampRegions
from lsst.analysis.cp.actions.plot.image.marks import nameRaft, placeNumbers
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.tools.interfaces import Scalar, Tensor

TITLE = "Structures (x and y in pixels)"
INFO = {"plotName": "biasView", "instrument": "Cam", "exposure": 5, "detector": 3, "run": "u/$x$"}


def test_input_schema() -> None:
    assert list(DetectorImagePlot().getInputSchema()) == [("image", Tensor)]
    place = [("x0", Scalar), ("y0", Scalar), ("pixelSize", Scalar)]
    assert list(FocalPlaneImagePlot().getInputSchema()) == [("image", Tensor), *place]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"colourMap": "viridis"}, "need each other; got 'viridis' and 'symmetric'"),
        ({"stretch": "zscale"}, "need each other; got 'PuOr' and 'zscale'"),
        ({"plotMin": 2.0, "plotMax": 2.0}, "plotMin 2.0 must be less than plotMax 2.0"),
    ],
)
def test_fields_that_do_not_fit(makeAction: Callable, fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        makeAction(DetectorImagePlot, **fields)


@pytest.mark.parametrize(
    ("shape", "binning"), [((80, 100), 1), ((40, 50), 2), ((27, 34), 3), ((26, 33), 3), ((2, 2), 64)]
)
def test_image_covers_its_detector(
    camera: Sequence, makeAction: Callable, shape: tuple[int, int], binning: int
) -> None:
    view = makeAction(DetectorImagePlot).prepare({"image": np.ones(shape), "detector": 3}, camera)
    right, top = -0.5 + binning * shape[1], -0.5 + binning * shape[0]
    assert view.frame.extent == (-0.5, right, -0.5, top)
    assert_array_equal(
        view.frame.detectorCorners[0], [[-0.5, -0.5], [99.5, -0.5], [99.5, 79.5], [-0.5, 79.5]]
    )


def test_binning_is_said(camera: Sequence, makeAction: Callable) -> None:
    view = makeAction(DetectorImagePlot).prepare({"image": np.ones((10, 13)), "detector": 3}, camera)
    assert view.provenance[-1] == "one image pixel is 8 × 8 detector pixels"


@pytest.mark.parametrize("shape", [(100, 80), (80, 50), (160, 200)])
def test_image_of_another_size(camera: Sequence, makeAction: Callable, shape: tuple[int, int]) -> None:
    with pytest.raises(
        ValueError, match=r"of detector 94 \(R00_S1\) has shape .*; expected \(80, 100\) binned by a"
    ):
        makeAction(DetectorImagePlot).prepare({"image": np.ones(shape), "detector": 94}, camera)


@pytest.mark.parametrize(
    ("shape", "binning"), [((63, 64), 64), ((62, 63), 64), ((501, 509), 8), ((500, 509), 8)]
)
def test_usual_binnings_are_recognised(shape: tuple[int, int], binning: int) -> None:
    n_rows = 4004 if shape == (501, 509) else 4000
    assert binningOf(shape, (n_rows, 4072), "detector") == binning


def test_known_binning_is_taken(camera: Sequence, makeAction: Callable) -> None:
    data = {"image": np.ones((2, 2)), "detector": 3}
    action = makeAction(DetectorImagePlot)
    assert action.prepare(data | {"binning": 50}, camera).frame.extent == (-0.5, 99.5, -0.5, 99.5)
    with pytest.raises(ValueError, match=r"has shape \(2, 2\); expected \(80, 100\) binned by 8"):
        action.prepare(data | {"binning": 8}, camera)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, r"needs 'image'; the data have \['detector'\]"),
        ({"image": np.ones(5)}, r"rows and columns of numbers; got shape \(5,\)"),
        ({"image": np.ones((0, 5))}, r"got shape \(0, 5\)"),
        ({"image": np.full((80, 100), "x")}, "rows and columns of numbers"),
        ({"image": np.ones((80, 100)), "excluded": np.ones((2, 2))}, r"'excluded' has shape \(2, 2\)"),
        ({"image": np.ones((80, 100)), "detector": 5}, "5"),
    ],
)
def test_data_that_do_not_fit(camera: Sequence, makeAction: Callable, data: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        makeAction(DetectorImagePlot).prepare({"detector": 3} | data, camera)


def test_detector_is_found_in_the_call_then_the_data_then_the_data_id(
    camera: Sequence, makeAction: Callable, detectorData: dict
) -> None:
    action = makeAction(DetectorImagePlot)
    image = {"image": detectorData["image"]}
    assert action.prepare(image, camera, {"detector": 94}).title.endswith("detector R00_S1")
    assert action.prepare(detectorData, camera, {"detector": 94}).title.endswith("detector R00_S0")
    assert action.prepare(detectorData, camera, detector=7).title.endswith("detector R01_S1")
    with pytest.raises(ValueError, match="needs the identifier of the detector"):
        action.prepare(image, camera)


def test_pixels_left_out_have_no_value(camera: Sequence, makeAction: Callable, detectorData: dict) -> None:
    detectorData["image"][3, 4] = np.inf
    detectorData["excluded"] = np.zeros((80, 100), bool)
    detectorData["excluded"][10:12, 20:23] = True
    before = detectorData["image"].copy()
    view = makeAction(DetectorImagePlot).prepare(detectorData, camera)
    lacking = np.zeros((80, 100), bool)
    lacking[3, 4] = lacking[10:12, 20:23] = True
    assert_array_equal(np.isnan(view.image), lacking)
    assert view.gaps.nPixels == 7
    assert_array_equal(detectorData["image"], before)


def test_masked_pixels_have_no_value(camera: Sequence, makeAction: Callable, detectorData: dict) -> None:
    masked = np.zeros((80, 100), bool)
    masked[10:12, 20:23] = True
    detectorData["image"][masked] = 1e6
    detectorData["image"] = np.ma.MaskedArray(detectorData["image"], masked)
    view = makeAction(DetectorImagePlot).prepare(detectorData, camera)
    assert_array_equal(np.isnan(view.image), masked)


@pytest.mark.parametrize(("detector", "index"), [(3, 0), (94, 1), (7, 3)])
def test_turned_detector_is_where_it_is(
    camera: Sequence,
    geometry: FocalPlaneGeometry,
    makeAction: Callable,
    structures: Table,
    detector: int,
    index: int,
) -> None:
    image = np.zeros((80, 100))
    image[39, 24] = 50.0
    action = makeAction(DetectorImagePlot, axisUnit="mm")
    structures = structures[:1]
    structures["x"], structures["y"] = 24.0, 39.0
    structures["detectorName"] = geometry.layout.detectorName[index]
    view = action.prepare({"image": image, "detector": detector, "structures": structures}, camera)
    # Amplifier 0 ends on that pixel; half a pixel is 0.005 mm.
    inner_corner = geometry.ampCorners[8 * index, 2]
    row, column = np.argwhere(view.image == 50.0)[0]
    assert_allclose(view.frame.toPixels(inner_corner), [column, row], atol=0.51)
    assert_allclose(view.frame.toPixels(view.structures.positions[0]), [column, row], atol=0.01)
    assert_allclose(view.frame.ampCorners, geometry.ampCorners)
    assert view.frame.axisLabels == ("focal plane x (mm)", "focal plane y (mm)")


def test_focal_plane_in_pixels(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable, structures: Table
) -> None:
    structures = structures[:1]
    structures["fpX"], structures["fpY"] = 10.5, 5.5
    data = makeMosaic(2) | {"structures": structures}
    in_mm, in_pixels = (
        makeAction(FocalPlaneImagePlot, axisUnit=unit).prepare(data, camera) for unit in ("mm", "pixel")
    )
    assert_allclose(in_pixels.frame.extent, np.multiply(in_mm.frame.extent, 100.0))
    assert_allclose(in_pixels.frame.detectorCorners, in_mm.frame.detectorCorners * 100.0)
    assert_allclose(in_pixels.structures.positions, [[1050.0, 550.0]])
    assert in_pixels.frame.axisLabels[0] == "focal plane x (pixel)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x0": None}, "needs x0, y0, pixelSize"),
        ({"pixelSize": 0.0}, "'pixelSize' above 0 mm; got 0.0"),
        ({"y0": np.nan}, "finite number as 'y0'; got nan"),
        ({"x0": "left"}, "finite number as 'x0'; got 'left'"),
        ({"x0": 500.0}, "No detector lies on the mosaic"),
        ({"imageDetectors": [1234]}, "1234"),
    ],
)
def test_mosaic_that_has_no_place(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable, change: dict, message: str
) -> None:
    data = {key: value for key, value in (makeMosaic() | change).items() if value is not None}
    with pytest.raises(ValueError, match=message):
        makeAction(FocalPlaneImagePlot).prepare(data, camera)


def test_pixels_of_amplifiers(camera: Sequence, makeAction: Callable, makeMosaic: Callable) -> None:
    frame = makeAction(FocalPlaneImagePlot).prepare(makeMosaic(), camera).frame
    row, column = np.indices(frame.shape)
    centres = np.column_stack([column.ravel(), row.ravel()])
    for amp, region in zip(frame.shownAmps, ampRegions(frame, frame.shownAmps), strict=True):
        own = np.zeros(frame.shape, bool)
        own[region.box] = True if region.inside is None else region.inside
        polygon = Polygon(frame.toPixels(frame.ampCorners[amp]))
        assert_array_equal(own.ravel(), polygon.contains_points(centres))


def test_only_tilted_amplifiers_need_a_mask(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable
) -> None:
    frame = makeAction(FocalPlaneImagePlot).prepare(makeMosaic(), camera).frame
    masked = [region.inside is not None for region in ampRegions(frame, frame.shownAmps)]
    assert np.flatnonzero(masked).tolist() == list(range(16, 24))


def test_missing_is_not_masked(camera: Sequence, makeAction: Callable, makeMosaic: Callable) -> None:
    partly = np.ones((80, 100))
    partly[:40, :25] = partly[70, 70:73] = np.nan
    data = makeMosaic(d3=None, d94=np.full((80, 100), np.nan), d7=partly)
    view = makeAction(FocalPlaneImagePlot).prepare(data, camera)
    assert view.gaps.missing.tolist() == [True, False, False, False]
    assert view.gaps.masked.tolist() == [False, True, False, False]
    assert np.flatnonzero(view.gaps.maskedAmps).tolist() == [*range(8, 16), 24]
    assert view.gaps.nPixels >= 3
    assert view.headline == "3 of 4 detectors with an image, 9 amplifiers without a value"
    assert ("Without an image: 1", "R00_S0") in view.lists
    assert ("Without a value", "R00_S1  all", "R01_S1 C00") in view.lists


def test_detector_without_a_value_is_missing_if_nothing_else_is_known(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable
) -> None:
    data = makeMosaic(d94=np.full((80, 100), np.nan))
    del data["imageDetectors"]
    view = makeAction(FocalPlaneImagePlot).prepare(data, camera)
    assert view.gaps.missing.tolist() == [False, True, False, False]
    assert not view.gaps.maskedAmps.any()


def test_reason_is_given_where_it_is_known(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable
) -> None:
    data = makeMosaic(d3=None) | {"missing": Table({"detector": [3], "reason": ["not read"]})}
    assert ("Without an image: 1", "R00_S0  not read") in makeAction(FocalPlaneImagePlot).prepare(
        data, camera
    ).lists


def test_part_of_the_camera(camera: Sequence, makeAction: Callable, makeMosaic: Callable) -> None:
    data = makeMosaic()
    # The upper half of the mosaic begins at y = 7 mm or so: only the tilted detector has its centre there.
    cut = round((7.05 - data["y0"]) / data["pixelSize"])
    data |= {"image": data["image"][cut:], "y0": data["y0"] + cut * data["pixelSize"]}
    view = makeAction(FocalPlaneImagePlot).prepare(data, camera)
    assert view.frame.shown.tolist() == [False, False, True, False]
    assert view.title == "Residual — detector R01_S0"


def test_nothing_to_see(camera: Sequence, makeAction: Callable) -> None:
    view = makeAction(DetectorImagePlot).prepare({"image": np.full((80, 100), np.nan), "detector": 3}, camera)
    assert view.message == "No pixel with a value"
    assert view.gaps.maskedAmps.sum() == 8
    assert not view.gaps.missing.any()
    assert np.isnan(view.projections.columns).all()


def test_failures_of_the_detector(
    camera: Sequence, makeAction: Callable, detectorData: dict, culprits: Table
) -> None:
    view = makeAction(DetectorImagePlot).prepare(detectorData | {"culprits": culprits}, camera)
    assert np.flatnonzero(view.failures.amps).tolist() == [1, 6]
    assert view.headline == "2 amplifiers failed"
    assert ("Failing", "C01  NOISE", "C12  MEAN NOISE") in view.lists


def test_failures_of_the_camera(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable, culprits: Table
) -> None:
    view = makeAction(FocalPlaneImagePlot).prepare(makeMosaic() | {"culprits": culprits}, camera)
    assert np.flatnonzero(view.failures.amps).tolist() == [1, 6, 8]
    lines = ("R00_S0 C01  NOISE", "R00_S0 C12  MEAN NOISE", "R00_S1 C00  NOISE")
    assert ("Failing", *lines) in view.lists


def test_detector_may_fail_as_a_whole(camera: Sequence, makeAction: Callable, detectorData: dict) -> None:
    names = np.ma.array(["", "C00"], mask=[True, False])
    culprits = Table({"detector": [3, 3], "amplifier": names, "test": ["X", "Y"]})
    view = makeAction(DetectorImagePlot).prepare(detectorData | {"culprits": culprits}, camera)
    assert view.failures.detectors.tolist() == [True, False, False, False]
    assert np.flatnonzero(view.failures.amps).tolist() == [0]
    assert view.headline == "1 amplifier failed, 1 detector failed as a whole"


@pytest.mark.parametrize(
    ("key", "columns", "message"),
    [
        ("culprits", ["detector", "amplifier"], "'culprits' lacks test; it has detector, amplifier"),
        ("structures", ["rank", "kind"], "'structures' lacks detectorName, amplifier, x, y, score, nFound"),
        ("missing", ["detector"], "'missing' lacks reason; it has detector"),
    ],
)
def test_tables_that_lack_columns(
    camera: Sequence, makeAction: Callable, detectorData: dict, key: str, columns: list[str], message: str
) -> None:
    table = Table({column: [3] for column in columns})
    with pytest.raises(ValueError, match=message):
        makeAction(DetectorImagePlot).prepare(detectorData | {key: table}, camera)


def test_unknown_amplifier_is_named(
    camera: Sequence, makeAction: Callable, detectorData: dict, culprits: Table
) -> None:
    culprits["amplifier"] = ["C00", "C99", "C01", "C12"]
    with pytest.raises(ValueError, match="C99"):
        makeAction(DetectorImagePlot).prepare(detectorData | {"culprits": culprits}, camera)


def test_structures_by_rank(
    camera: Sequence, makeAction: Callable, detectorData: dict, structures: Table
) -> None:
    view = makeAction(DetectorImagePlot, nListed=2).prepare(detectorData | {"structures": structures}, camera)
    assert_array_equal(view.structures.positions, [[40.0, 30.0], [10.0, 20.0]])
    assert view.structures.numbers == ("1", "2")
    assert (TITLE, " 1 column  C01  33 σ    40 30", " 2 pixel   C00  7.12 σ  10 20") in view.lists
    assert view.headline == "3 structures found"


def test_structures_that_are_not_listed_are_counted(
    camera: Sequence, makeAction: Callable, detectorData: dict, structures: Table
) -> None:
    structures["kind"] = ["pixel", "pixel", "row"]
    structures["nFound"] = [42, 42, 1]
    view = makeAction(DetectorImagePlot).prepare(detectorData | {"structures": structures}, camera)
    assert view.headline == "43 structures found"


def test_events_are_counted_and_not_marked(
    camera: Sequence, makeAction: Callable, detectorData: dict, structures: Table
) -> None:
    structures["kind"] = ["event", "column", "event"]
    structures["nFound"] = [2, 1, 2]
    view = makeAction(DetectorImagePlot).prepare(detectorData | {"structures": structures}, camera)
    assert_array_equal(view.structures.positions, [[40.0, 30.0]])
    assert view.headline == "1 structure found, 2 events such as cosmic rays"


def test_structures_of_other_detectors_are_left_out(
    camera: Sequence, makeAction: Callable, detectorData: dict, structures: Table
) -> None:
    structures["detectorName"] = ["R00_S0", "R00_S1", "R00_S0"]
    view = makeAction(DetectorImagePlot).prepare(detectorData | {"structures": structures}, camera)
    assert_array_equal(view.structures.positions, [[10.0, 20.0], [70.0, 50.0]])
    assert view.headline == "2 structures found"


def test_structures_of_the_camera_name_their_detectors(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable, structures: Table
) -> None:
    view = makeAction(FocalPlaneImagePlot, nListed=1).prepare(
        makeMosaic() | {"structures": structures}, camera
    )
    assert_allclose(view.structures.positions, [[0.4, 0.3]])
    assert (TITLE, " 1 column  R00_S0  C01  33 σ  40 30") in view.lists


def test_no_structures(camera: Sequence, makeAction: Callable, detectorData: dict, structures: Table) -> None:
    view = makeAction(DetectorImagePlot).prepare(detectorData | {"structures": structures[:0]}, camera)
    assert view.structures.numbers == ()
    assert view.headline == "No failure and no structure is known"


@pytest.mark.parametrize("quantity", ["value", "significance"])
def test_image_too_large_for_the_page(camera: Sequence, makeAction: Callable, quantity: str) -> None:
    image = np.zeros((80, 100))
    image[77, 98] = 64.0
    action = makeAction(DetectorImagePlot, maxPixels=30, quantity=quantity, threshold=6.0)
    view = action.prepare({"image": image, "detector": 3}, camera)
    assert view.image.shape == (20, 25)
    assert view.image[19, 24] == (64.0 if quantity == "significance" else 4.0)
    assert view.frame.extent == (-0.5, 99.5, -0.5, 79.5)


@pytest.mark.parametrize(
    ("statistic", "function"), [("mean", np.mean), ("median", np.median), ("max", np.max)]
)
def test_projections(
    camera: Sequence, makeAction: Callable, detectorData: dict, statistic: str, function: Callable
) -> None:
    detectorData["image"][:, 10] = np.nan
    view = makeAction(DetectorImagePlot, projection=statistic).prepare(detectorData, camera)
    rest = np.delete(detectorData["image"], 10, axis=1)
    assert_allclose(np.delete(view.projections.columns, 10), function(rest, axis=0), rtol=1e-5, atol=1e-5)
    assert_allclose(view.projections.rows, function(rest, axis=1), rtol=1e-5, atol=1e-5)
    assert np.isnan(view.projections.columns[10])
    assert view.projections.label == f"{statistic.capitalize()} (electron)"


def test_projections_show_a_gradient_in_full(
    camera: Sequence, makeAction: Callable, detectorData: dict
) -> None:
    detectorData["image"] += np.linspace(0.0, 5.0, 100)
    low, high = makeAction(DetectorImagePlot).prepare(detectorData, camera).projections.columnLimits
    columns = detectorData["image"].mean(axis=0)
    assert low < columns.min() < columns.max() < high


def test_projections_are_not_flattened_by_one_column(
    camera: Sequence, makeAction: Callable, detectorData: dict
) -> None:
    clean = makeAction(DetectorImagePlot).prepare(detectorData, camera).projections
    detectorData["image"][:, 30] = 1e4
    low, high = (
        makeAction(DetectorImagePlot, projection="median").prepare(detectorData, camera).projections.rowLimits
    )
    assert -5.0 < low < high < 5.0
    found = makeAction(DetectorImagePlot).prepare(detectorData, camera).projections
    assert np.ptp(found.columnLimits) == pytest.approx(np.ptp(clean.columnLimits), rel=0.2)


@pytest.mark.parametrize("statistic", ["mean", "max"])
def test_cosmic_rays_do_not_set_the_scale_of_projections(
    camera: Sequence, makeAction: Callable, detectorData: dict, statistic: str
) -> None:
    detectorData["image"][:, 50:75] += 8.0
    clean = makeAction(DetectorImagePlot, projection=statistic).prepare(detectorData, camera).projections
    for start in (5, 40, 71):
        detectorData["image"][start : start + 3, start + 10 : start + 12] += 3e4
    hit = makeAction(DetectorImagePlot, projection=statistic).prepare(detectorData, camera).projections
    for before, after in ((clean.columnLimits, hit.columnLimits), (clean.rowLimits, hit.rowLimits)):
        assert np.ptp(after) < 1.5 * np.ptp(before)
    wide = clean.columns[51:74]
    assert hit.columnLimits[0] < wide.min() < wide.max() < hit.columnLimits[1], "an amplifier that is off"


@pytest.mark.parametrize("value", [np.nan, 3.0])
def test_projections_of_nothing_have_a_scale(camera: Sequence, makeAction: Callable, value: float) -> None:
    data = {"image": np.full((80, 100), value), "detector": 3}
    found = makeAction(DetectorImagePlot).prepare(data, camera).projections
    for low, high in (found.columnLimits, found.rowLimits):
        assert low < high


def test_raft_is_named(camera: Sequence, makeAction: Callable, makeMosaic: Callable) -> None:
    view = makeAction(FocalPlaneImagePlot, title="Bias").prepare(makeMosaic(), camera, INFO | {"raft": "R01"})
    assert view.title == "Bias — raft R01"
    assert view.provenance[0] == "Cam   exposure 5   raft R01", "it is stored under its first detector"
    assert makeAction(FocalPlaneImagePlot, title="Bias").prepare(makeMosaic(), camera).title == "Bias"


@pytest.mark.parametrize(
    ("names", "raft"), [(["R22_S00", "R22_S11"], "R22"), (["R22_S00", "R21_S11"], ""), ([], "")]
)
def test_raft_of_detectors(names: list[str], raft: str) -> None:
    assert nameRaft(names) == raft


def test_kinds_are_in_words(
    camera: Sequence, makeAction: Callable, detectorData: dict, structures: Table
) -> None:
    structures["kind"] = ["deadAmplifier", "rowPattern", "offset"]
    view = makeAction(DetectorImagePlot).prepare(detectorData | {"structures": structures}, camera)
    kinds = [line[3:].split("  ")[0].strip() for line in view.structures.lines]
    assert sorted(kinds) == ["dead amplifier", "offset", "row pattern"]


def test_numbers_cover_no_name_and_no_other_mark() -> None:
    rings = np.array([[0, 10, 0, 10], [12, 22, 12, 22], [100, 110, 0, 10]], dtype=float)
    names = np.array([[108.0, 130, 5, 20], [85, 101, 8, 20]])
    corners = placeNumbers(rings, ["1", "2", "3"], 7.0, names)
    # Up and right of the first is the second, and of the third a name, as is to its upper left.
    assert corners == [(1, -1), (1, 1), (1, -1)]


def test_words_on_origin(camera: Sequence, makeAction: Callable, detectorData: dict) -> None:
    info = dict(INFO)
    view = makeAction(DetectorImagePlot).prepare(detectorData, camera, info)
    assert view.title == "biasView — detector R00_S0"
    titled = makeAction(DetectorImagePlot, title="Dark").prepare(detectorData, camera, info)
    assert titled.title == "Dark — detector R00_S0"
    assert view.provenance == (
        "Cam   exposure 5   detector 3",
        f"collection: u/$x$   tool: biasView   analysis_cp {__version__}",
        "image pixels are detector pixels",
    )
    assert info == INFO


def test_values_are_described(camera: Sequence, makeAction: Callable) -> None:
    image = np.tile([1.0, 2.0, 3.0, 10.0], (80, 25))
    view = makeAction(DetectorImagePlot).prepare({"image": image, "detector": 3}, camera)
    title, n, median, _, least, most = view.lists[0]
    assert title == "Values (electron)"
    assert [line.split()[-1] for line in (n, median, least, most)] == ["8000", "2.5", "1", "10"]


@pytest.mark.parametrize(("pixels", "named"), [(1, True), (40, True)])
def test_names_leave_pixels_uncovered(
    camera: Sequence, makeAction: Callable, makeMosaic: Callable, pixels: int, named: bool
) -> None:
    view = makeAction(FocalPlaneImagePlot).prepare(makeMosaic(pixels), camera)
    assert view.names.texts == ("R00_S0", "R00_S1", "R01_S0", "R01_S1")
    left_top = view.frame.detectorCorners.min(axis=1)[:, 0], view.frame.detectorCorners.max(axis=1)[:, 1]
    assert_allclose(view.names.positions, np.column_stack(left_top))
    assert bool(view.ampNames.texts) is named
    assert (view.names.points <= 8.0).all()
