# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
import tracemalloc
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Camera
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic, binImage

HALF = 0.5 + 1e-5
ANGLES = st.floats(-7.0, 7.0).filter(lambda angle: abs(np.sin(2 * angle)) > 0.01)
OFFSETS = st.floats(-3.0, 3.0)
Image = npt.NDArray[np.float32]


def measure(camera: Camera) -> FocalPlaneGeometry:
    return FocalPlaneGeometry.fromCamera(camera, PIXELS, FOCAL_PLANE)


def findMarks(image: Image, nMarks: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return rows and columns of pixels that hold 1, 2, 3, ..., in this order."""
    rows, columns = np.nonzero(image > 0)
    order = np.argsort(image[rows, columns])
    assert_array_equal(image[rows, columns][order], np.arange(1, nMarks + 1))
    return rows[order], columns[order]


def assertMarksInPlace(mosaic: FocalPlaneMosaic, expected: npt.NDArray[np.float64]) -> None:
    """Compare where marks 1, 2, 3, ... are with positions (x, y) in mm."""
    rows, columns = findMarks(mosaic.image, len(expected))
    grid = mosaic.grid
    off = (expected - [grid.x0, grid.y0]) / grid.pixelSize - np.column_stack([columns, rows])
    assert np.abs(off).max() <= HALF


def onFocalPlane(camera: Camera, pixels: dict[int, npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Move positions (x, y) on detectors to the focal plane by the camera's own transforms."""
    mapped = []
    for id_, points in pixels.items():
        mapping = camera[id_].getTransform(PIXELS, FOCAL_PLANE).getMapping()
        mapped.append(mapping.applyForward(np.ascontiguousarray(points.T, dtype=np.float64)).T)
    return np.concatenate(mapped)


CORNERS = [(0, 0), (0, -1), (-1, 0), (-1, -1)]


def cornersOf(shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return the corner pixels of an image as (column, row)."""
    return np.array([(column % shape[1], row % shape[0]) for row, column in CORNERS], dtype=np.float64)


@pytest.mark.parametrize("partial", [True, False], ids=["partialBins", "wholeBins"])
@pytest.mark.parametrize("binning", [8, 13, 64])
def test_corners_of_binned_detectors_of_the_real_camera(lsstCam: Camera, binning: int, partial: bool) -> None:
    mosaic = FocalPlaneMosaic(measure(lsstCam), binning)
    pixels: dict[int, npt.NDArray[np.float64]] = {}
    for detector in lsstCam:
        width, height = detector.getBBox().getDimensions()
        image = np.zeros((-(-height // binning), -(-width // binning)), np.float32)
        if not partial:
            image = image[: height // binning, : width // binning]
        for number, corner in enumerate(CORNERS, start=4 * len(pixels) + 1):
            image[corner] = number
        mosaic.add(detector.getId(), image)
        pixels[detector.getId()] = (cornersOf(image.shape) + 0.5) * binning - 0.5
    assert len(mosaic.added) == 205
    assertMarksInPlace(mosaic, onFocalPlane(lsstCam, pixels))


@pytest.mark.parametrize("binning", [8, 64])
def test_corner_pixels_of_the_real_camera(lsstCam: Camera, binning: int) -> None:
    mosaic = FocalPlaneMosaic(measure(lsstCam), binning)
    blank: dict[tuple[int, int], Image] = {}
    pixels: dict[int, npt.NDArray[np.float64]] = {}
    for detector in lsstCam:
        width, height = detector.getBBox().getDimensions()
        image = blank.setdefault((height, width), np.zeros((height, width), np.float32))
        for number, corner in enumerate(CORNERS, start=4 * len(pixels) + 1):
            image[corner] = number
        mosaic.addUnbinned(detector.getId(), image, "max")
        pixels[detector.getId()] = cornersOf(image.shape)
    assertMarksInPlace(mosaic, onFocalPlane(lsstCam, pixels))


def test_no_detector_covers_another_of_the_real_camera(lsstCam: Camera) -> None:
    mosaic = FocalPlaneMosaic(measure(lsstCam), 64)
    n_pixels = 0
    for detector in lsstCam:
        width, height = detector.getBBox().getDimensions()
        mosaic.add(detector.getId(), np.ones((-(-height // 64), -(-width // 64)), np.float32))
        n_pixels += -(-height // 64) * -(-width // 64)
    assert np.isfinite(mosaic.image).sum() == n_pixels


@settings(max_examples=200, deadline=None)
@given(ANGLES, OFFSETS, OFFSETS, st.sampled_from(CORNERS))
def test_corner_of_turned_detector(
    makeGeometry: Callable, angle: float, x: float, y: float, corner: tuple
) -> None:
    geometry = makeGeometry((40, 60), (x, y, angle))
    mosaic = FocalPlaneMosaic(geometry, 2)
    image = np.zeros((20, 30), np.float32)
    image[corner] = 1.0
    mosaic.add(10, image)
    row, column = np.unravel_index(np.nanargmax(mosaic.image), mosaic.image.shape)
    position = complex(corner[1] % 30 + 0.5, corner[0] % 20 + 0.5) * 0.02 * np.exp(1j * angle)
    expected_column = (position.real + x - mosaic.grid.x0) / 0.02
    expected_row = (position.imag + y - mosaic.grid.y0) / 0.02
    assert np.abs([expected_column - column, expected_row - row]).max() <= HALF


@settings(max_examples=50, deadline=None)
@given(ANGLES, OFFSETS, OFFSETS)
def test_interpolation_keeps_a_plane(makeGeometry: Callable, angle: float, x: float, y: float) -> None:
    mosaic = FocalPlaneMosaic(makeGeometry((40, 60), (x, y, angle)), 1)
    rows, columns = np.mgrid[:40, :60]
    places = (columns + 0.5 + 1j * (rows + 0.5)) * 0.01 * np.exp(1j * angle) + complex(x, y)
    mosaic.add(10, (3 * places.real - 2 * places.imag).astype(np.float32))
    out_rows, out_columns = np.nonzero(np.isfinite(mosaic.image))
    out_x, out_y = mosaic.grid.x0 + 0.01 * out_columns, mosaic.grid.y0 + 0.01 * out_rows
    found = mosaic.image[out_rows, out_columns]
    # At the rim, values are those of pixels that are up to half a pixel away along either axis.
    assert_allclose(found, 3 * out_x - 2 * out_y, atol=(3 + 2) * 0.5 * 0.01 + 1e-5)
    inside = (out_x + 1j * out_y - complex(x, y)) * np.exp(-1j * angle) / 0.01
    kept = (np.abs(inside.real - 30) < 29.5) & (np.abs(inside.imag - 20) < 19.5)
    assert_allclose(found[kept], (3 * out_x - 2 * out_y)[kept], atol=1e-5)
    assert len(found) == pytest.approx(40 * 60, rel=0.04)


def test_missing_pixel_of_turned_detector_stays_a_hole(makeGeometry: Callable) -> None:
    image = np.ones((40, 60), np.float32)
    image[10, 20] = np.nan
    excluded = np.zeros(image.shape, bool)
    excluded[30, 40] = True
    geometry = makeGeometry(image.shape, (0.0, 0.0, 0.4))
    holed, whole = FocalPlaneMosaic(geometry, 1), FocalPlaneMosaic(geometry, 1)
    holed.add(10, image, excluded=excluded)
    whole.add(10, np.ones_like(image))
    lost = np.isfinite(whole.image) & np.isnan(holed.image)
    assert 2 <= lost.sum() <= 4
    assert_allclose(holed.image[np.isfinite(holed.image)], 1.0, rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 3), st.lists(st.tuples(st.integers(-200, 200), st.integers(-200, 200)), min_size=1))
def test_quarter_turn_of_the_camera_turns_the_mosaic(
    makeGeometry: Callable, turns: int, corners: list
) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(len(corners), 10, 15)).astype(np.float32)
    mosaics = []
    for angle in (0, turns):
        places = [complex(*corner) * 1j**angle * 0.02 for corner in corners]
        geometry = makeGeometry((20, 30), *((z.real, z.imag, angle * np.pi / 2) for z in places))
        mosaics.append(mosaic := FocalPlaneMosaic(geometry, 2))
        for id_, image in enumerate(images, start=10):
            mosaic.add(id_, image)
    assert_allclose(mosaics[1].image, np.rot90(mosaics[0].image, -turns), rtol=1e-6, atol=1e-6)


CROWDED = st.lists(st.tuples(OFFSETS, OFFSETS, ANGLES | st.just(np.pi / 2)), min_size=2, max_size=5)


@settings(max_examples=40, deadline=None)
@given(CROWDED, st.randoms(use_true_random=False))
def test_order_of_adding_does_not_matter(makeGeometry: Callable, places: list, random: object) -> None:
    geometry = makeGeometry((200, 300), *places)
    order = list(range(len(places)))
    random.shuffle(order)
    images = np.random.default_rng(1).normal(size=(len(places), 25, 38)).round(1).astype(np.float32)
    images[:, 3:6, 7] = np.nan
    mosaics = [FocalPlaneMosaic(geometry, 8), FocalPlaneMosaic(geometry, 8)]
    for mosaic, own in zip(mosaics, (range(len(places)), order), strict=True):
        for i in own:
            mosaic.add(10 + i, images[i])
    assert_allclose(mosaics[0].image, mosaics[1].image, rtol=1e-6, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(CROWDED, st.data())
def test_parts_of_the_camera_merge_to_the_whole(
    makeGeometry: Callable, places: list, data: st.DataObject
) -> None:
    # One part is a single detector; of overlapping pixels the one farther from 0 stays.
    geometry = makeGeometry((200, 300), *places)
    alone = data.draw(st.integers(0, len(places) - 1)) + 10
    images = np.random.default_rng(2).uniform(1.0, 2.0, (len(places), 50, 75)).astype(np.float32)
    whole = FocalPlaneMosaic(geometry, 4)
    part = FocalPlaneMosaic(geometry, 4, [alone])
    rest = FocalPlaneMosaic(geometry, 4)
    for id_, image in enumerate(images, start=10):
        whole.add(id_, image)
        (part if id_ == alone else rest).add(id_, image)
    column, row = (
        round((getattr(part.grid, name) - getattr(whole.grid, name)) / 0.04) for name in ("x0", "y0")
    )
    joined = rest.image.copy()
    window = np.s_[row : row + part.image.shape[0], column : column + part.image.shape[1]]
    joined[window] = np.fmax(joined[window], part.image)
    # Equal fractions of pixels differ by rounding, since they are counted from other pixels.
    both = np.isfinite(joined) & np.isfinite(whole.image)
    assert_allclose(joined[both], whole.image[both], rtol=1e-5)
    assert (np.isfinite(joined) != np.isfinite(whole.image)).mean() < 1e-3


@pytest.mark.parametrize("angle", [0.0, np.pi / 2, np.pi, -np.pi / 2])
@pytest.mark.parametrize("halves", [1, 25, -601])
def test_detector_between_two_pixels_always_goes_the_same_way(
    makeGeometry: Callable, angle: float, halves: int
) -> None:
    between = (0.02 * halves, -0.02 * halves, angle)
    geometry = makeGeometry((200, 300), between, (-17.77, -12.31, 0.0))
    alone, among = FocalPlaneMosaic(geometry, 4, [10]), FocalPlaneMosaic(geometry, 4)
    places = []
    for mosaic in (alone, among):
        mosaic.add(10, np.ones((50, 75), np.float32))
        row, column = np.argwhere(np.isfinite(mosaic.image))[0]
        places.append(mosaic.grid.toFocalPlane(column, row))
    assert_allclose(places[0], places[1], atol=1e-9)


@pytest.mark.parametrize("angle", [0.0, np.pi / 2, np.pi, -np.pi / 2])
def test_binning_on_the_grid_of_the_mosaic(makeGeometry: Callable, angle: float) -> None:
    # Every output pixel is the mean of the pixels whose centres lie in it.
    mosaic = FocalPlaneMosaic(makeGeometry((21, 34), (0.013, -0.124, angle)), 8)
    image = np.random.default_rng(3).normal(size=(21, 34)).astype(np.float32)
    excluded = image > 1.5
    mosaic.addUnbinned(10, image, excluded=excluded)
    rows, columns = np.nonzero(~excluded)
    places = (columns + 0.5 + 1j * (rows + 0.5)) * 0.01 * np.exp(1j * angle) + complex(0.013, -0.124)
    out_columns = np.rint((places.real - mosaic.grid.x0) / 0.08).astype(int)
    out_rows = np.rint((places.imag - mosaic.grid.y0) / 0.08).astype(int)
    total, count = np.zeros(mosaic.grid.shape), np.zeros(mosaic.grid.shape)
    np.add.at(total, (out_rows, out_columns), image[rows, columns])
    np.add.at(count, (out_rows, out_columns), 1)
    expected = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    assert_allclose(mosaic.image, expected, rtol=1e-5, atol=1e-6)


def test_turned_detector_is_binned_on_its_own(makeGeometry: Callable) -> None:
    geometry = makeGeometry((21, 34), (0.0, 0.0, 0.5))
    image = np.random.default_rng(4).normal(size=(21, 34)).astype(np.float32)
    direct, binned = FocalPlaneMosaic(geometry, 4), FocalPlaneMosaic(geometry, 4)
    direct.addUnbinned(10, image, "std")
    binned.add(10, binImage(image, 4, "std"))
    assert_allclose(direct.image, binned.image, rtol=1e-6, atol=1e-6)


def joinGeometries(first: FocalPlaneGeometry, second: FocalPlaneGeometry, like: FocalPlaneGeometry):
    """Put the detectors of two cameras together, with the names of a third."""
    fields = ("detectorEdges", "detectorCorners", "ampEdges", "ampCorners")
    arrays = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in fields}
    return FocalPlaneGeometry(layout=like.layout, **arrays)


def test_pixels_of_another_size(makeGeometry: Callable) -> None:
    places = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (2.0, 0.0, 0.0)]
    fine, coarse = makeGeometry((9, 9), *places[:2]), makeGeometry((9, 9), places[2], pixelSize=0.02)
    geometry = joinGeometries(fine, coarse, makeGeometry((9, 9), *places))
    message = r"detector 12 \(R00_S02\) are 0.02 mm wide and those of most detectors 0.01 mm"
    with pytest.raises(ValueError, match=message):
        FocalPlaneMosaic(geometry, 1)
    assert FocalPlaneMosaic(geometry, 1, [12]).grid.shape == (9, 9)


def test_slightly_different_pixels_are_interpolated(makeGeometry: Callable) -> None:
    places = [(0.0, 0.0, 0.0), (8.0, 0.0, 0.0), (16.0, 0.0, 0.0)]
    shape = (400, 400)
    same, other = makeGeometry(shape, *places[:2]), makeGeometry(shape, places[2], pixelSize=0.0101)
    mosaic = FocalPlaneMosaic(joinGeometries(same, other, makeGeometry(shape, *places)), 1)
    image = np.zeros(shape, np.float32)
    image[399, 399] = 1.0
    mosaic.add(12, image)
    ((row, column),) = np.argwhere(mosaic.image > 0.5)
    assert [row, column] == pytest.approx([399.5 * 1.01 - 0.5, 1600 + 399.5 * 1.01 - 0.5], abs=HALF)


def test_missing_detectors_stay_empty(makeGeometry: Callable) -> None:
    mosaic = FocalPlaneMosaic(makeGeometry((20, 30), (0.0, 0.0, 0.0), (0.4, 0.0, 0.0)), 2)
    mosaic.add(11, np.full((10, 15), 4.0))
    assert mosaic.added == (11,)
    assert mosaic.image.dtype == np.float32
    assert np.isnan(mosaic.image[:, :20]).all()
    assert_allclose(mosaic.image[:, 20:], 4.0, rtol=1e-6)


def test_fully_masked_detector_is_empty(makeGeometry: Callable) -> None:
    mosaic = FocalPlaneMosaic(makeGeometry((20, 30), (0.0, 0.0, 0.0)), 2)
    mosaic.add(10, np.ones((10, 15)), excluded=np.ones((10, 15), bool))
    assert np.isnan(mosaic.image).all()
    assert mosaic.added == (10,)


@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_numbers_too_large_for_the_mosaic_are_infinite(makeGeometry: Callable, angle: float) -> None:
    """They are not taken for others, and spoil none."""
    image = np.full((10, 15), 3.0)
    image[5, 7] = 1e300
    mosaics = [FocalPlaneMosaic(makeGeometry((20, 30), (0.0, 0.0, angle)), 2) for _ in range(2)]
    mosaics[0].add(10, image)
    mosaics[1].add(10, np.where(image > 1e38, np.float32(np.inf), image).astype(np.float32))
    assert_array_equal(mosaics[0].image, mosaics[1].image)
    finite = mosaics[0].image[np.isfinite(mosaics[0].image)]
    assert_allclose(finite, 3.0, rtol=1e-6)
    assert angle or np.isinf(mosaics[0].image).sum() == 1


def test_added_images_are_not_modified(makeGeometry: Callable) -> None:
    for angle in (0.0, 0.3):
        mosaic = FocalPlaneMosaic(makeGeometry((20, 30), (0.0, 0.0, angle), (0.1, 0.1, 0.0)), 1)
        image, excluded = np.ones((20, 30), np.float32), np.eye(20, 30, dtype=bool)
        image.flags.writeable = excluded.flags.writeable = False
        mosaic.add(10, image, excluded=excluded)
        mosaic.addUnbinned(11, image, excluded=excluded)


@pytest.mark.parametrize("method", ["add", "addUnbinned"])
@pytest.mark.parametrize("nDetectors", [5, 205])
def test_memory_is_that_of_the_output_and_one_detector(
    makeGeometry: Callable, nDetectors: int, method: str
) -> None:
    shape = (400, 410)
    places = [(4.2 * (i % 15), 4.2 * (i // 15), 0.0) for i in range(nDetectors)]
    geometry = makeGeometry(shape, *places)
    added = (50, 52) if method == "add" else shape
    tracemalloc.start()
    try:
        mosaic = FocalPlaneMosaic(geometry, 8)
        for id_ in range(10, 10 + nDetectors):
            image = np.full(added, float(id_), np.float32)
            getattr(mosaic, method)(id_, image)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The descriptions of the detectors' places are small, and do not grow with their images.
    assert peak < mosaic.image.nbytes + 3 * image.nbytes + 4000 * nDetectors


def test_wrong_size_names_the_detector(makeGeometry: Callable) -> None:
    mosaic = FocalPlaneMosaic(makeGeometry((20, 31), (0.0, 0.0, 0.0)), 8)
    message = (
        r"detector 10 \(R00_S00\) has shape \(4, 3\); expected \(3, 4\) or \(2, 3\), that is \(20, 31\) bin"
    )
    with pytest.raises(ValueError, match=message):
        mosaic.add(10, np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"has shape \(3, 4\); expected \(20, 31\)"):
        mosaic.addUnbinned(10, np.zeros((3, 4)))
    assert mosaic.added == ()


def test_excluded_of_other_size(makeGeometry: Callable) -> None:
    mosaic = FocalPlaneMosaic(makeGeometry((20, 30), (0.0, 0.0, 0.0)), 2)
    with pytest.raises(ValueError, match=r"excluded pixels of detector 10 .* \(9, 15\); expected \(10, 15\)"):
        mosaic.add(10, np.zeros((10, 15)), excluded=np.zeros((9, 15), bool))


def test_unknown_detector_is_named(makeGeometry: Callable) -> None:
    geometry = makeGeometry((20, 30), (0.0, 0.0, 0.0), (1.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="Detector 11 is not among the 1 of the mosaic"):
        FocalPlaneMosaic(geometry, 2, [10]).add(11, np.zeros((10, 15)))
    with pytest.raises(ValueError, match="12.* not in the camera"):
        FocalPlaneMosaic(geometry, 2, [10, 12])


def test_detector_is_added_once(makeGeometry: Callable) -> None:
    mosaic = FocalPlaneMosaic(makeGeometry((20, 30), (0.0, 0.0, 0.0)), 2)
    mosaic.add(10, np.zeros((10, 15)))
    with pytest.raises(ValueError, match=r"detector 10 \(R00_S00\) is in the mosaic already"):
        mosaic.add(10, np.zeros((10, 15)))


@pytest.mark.parametrize("binning", [0, -1, 1.5])
def test_binning_is_a_whole_number(makeGeometry: Callable, binning: float) -> None:
    with pytest.raises(ValueError, match="whole number of pixels to bin"):
        FocalPlaneMosaic(makeGeometry((20, 30), (0.0, 0.0, 0.0)), binning)


def test_no_detectors_to_hold(makeGeometry: Callable) -> None:
    with pytest.raises(ValueError, match="one detector or more to hold; got none"):
        FocalPlaneMosaic(makeGeometry((20, 30), (0.0, 0.0, 0.0)), 2, [])
