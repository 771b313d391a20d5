# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Camera
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.images import DetectorPlacement, MosaicGrid
from lsst.geom import Point2D

ANGLES = st.floats(-7.0, 7.0)
OFFSETS = st.floats(-3.0, 3.0)


def place(geometry: FocalPlaneGeometry, index: int = 0) -> DetectorPlacement:
    return DetectorPlacement.fromGeometry(geometry, index)


def test_pixels_of_the_real_camera(lsstCam: Camera) -> None:
    geometry = FocalPlaneGeometry.fromCamera(lsstCam, PIXELS, FOCAL_PLANE)
    quarters = []
    for index, detector in enumerate(lsstCam):
        placement = place(geometry, index)
        assert (placement.detectorId, placement.name) == (detector.getId(), detector.getName())
        assert placement.shape == tuple(detector.getBBox().getDimensions())[::-1]
        expected = detector.transform(Point2D(1234.5, 77.0), PIXELS, FOCAL_PLANE)
        assert placement.toFocalPlane(1234.5, 77.0) == pytest.approx(tuple(expected), abs=1e-6)
        quarters.append(
            placement.quarterTurnsOn(placement.pixelSize) == detector.getOrientation().getNQuarter() % 4
        )
    assert quarters == [True] * 205


@settings(max_examples=50, deadline=None)
@given(ANGLES, st.floats(-300, 300), st.floats(-300, 300))
def test_focal_plane_and_back(makeGeometry: Callable, angle: float, x: float, y: float) -> None:
    placement = place(makeGeometry((40, 60), (x, y, angle)))
    columns, rows = np.array([0.0, 59.0, 12.3]), np.array([0.0, 39.0, -4.5])
    assert placement.pixelSize == pytest.approx(0.01)
    assert_allclose(placement.toPixels(*placement.toFocalPlane(columns, rows)), [columns, rows], atol=1e-6)


@pytest.mark.parametrize("turns", range(-4, 9))
def test_quarter_turns_are_found(makeGeometry: Callable, turns: int) -> None:
    assert place(makeGeometry((4000, 4072), (1.0, 2.0, turns * np.pi / 2))).quarterTurnsOn(0.01) == turns % 4


@pytest.mark.parametrize("angle", [0.3, np.pi / 4, np.pi / 2 + 1e-3, -1e-4])
def test_other_angles_are_no_quarter_turns(makeGeometry: Callable, angle: float) -> None:
    assert place(makeGeometry((4000, 4072), (1.0, 2.0, angle))).quarterTurnsOn(0.01) is None


def test_rounding_of_an_angle_is_no_angle(makeGeometry: Callable) -> None:
    # A hundredth of a pixel at the edge of the detector.
    assert place(makeGeometry((4000, 4072), (1.0, 2.0, np.pi + 5e-6))).quarterTurnsOn(0.01) == 2


def test_mirror_image_is_no_quarter_turn() -> None:
    placement = DetectorPlacement(
        detectorId=1, name="R00_S00", shape=(40, 60), origin=np.zeros(2), matrix=np.diag([-0.01, 0.01])
    )
    assert placement.quarterTurnsOn(0.01) is None


def test_other_size_is_no_quarter_turn(makeGeometry: Callable) -> None:
    placement = place(makeGeometry((4000, 4072), (1.0, 2.0, np.pi)))
    assert placement.quarterTurnsOn(0.01) == 2
    assert placement.quarterTurnsOn(0.0101) is None


def test_centre_of_a_bin_is_that_of_its_pixels(makeGeometry: Callable) -> None:
    placement = place(makeGeometry((21, 34), (3.0, -2.0, 0.7)))
    binned = placement.binned(8)
    assert binned.shape == (3, 5)
    rows, columns = np.mgrid[8:16, 24:32]
    expected = [np.mean(places) for places in placement.toFocalPlane(columns, rows)]
    assert binned.toFocalPlane(3, 1) == pytest.approx(expected)
    assert binned.pixelSize == pytest.approx(0.08)


def test_grid_encloses_the_detectors() -> None:
    grid = MosaicGrid.covering([[[-0.31, 0.1], [0.1, 0.1], [0.1, 0.29], [-0.31, 0.29]]], 0.1)
    assert grid.shape == (2, 5)
    assert (grid.x0, grid.y0) == pytest.approx((-0.35, 0.15))


def test_pixels_of_grid_are_found() -> None:
    grid = MosaicGrid(-3.0, 2.0, 0.5, (10, 20))
    assert_allclose(grid.toPixels([-2.0, -3.25], [2.0, 1.75]), [[2.0, -0.5], [0.0, -0.5]], atol=1e-9)
    assert_allclose(grid.toFocalPlane(*grid.toPixels(0.3, 7.7)), (0.3, 7.7))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(OFFSETS, OFFSETS), min_size=1, max_size=9), st.floats(0.01, 1.0))
def test_coarser_pixels_hold_four(points: list, pixelSize: float) -> None:
    fine, coarse = (MosaicGrid.covering(points, size) for size in (pixelSize, 2 * pixelSize))
    for name in ("x0", "y0"):
        edge = [getattr(grid, name) - 0.5 * grid.pixelSize for grid in (fine, coarse)]
        steps = (edge[0] - edge[1]) / pixelSize
        assert steps == pytest.approx(round(steps), abs=1e-6)
        assert -1e-6 <= steps <= 1 + 1e-6


@pytest.mark.parametrize(
    ("corners", "arguments", "message"),
    [
        (np.full((1, 4, 2), np.nan), (1.0,), "finite corners"),
        (np.zeros((1, 4, 2)), (0.0,), "pixel size in mm; got 0.0"),
        (np.zeros((1, 4, 2)), (np.nan,), "pixel size in mm; got nan"),
    ],
)
def test_bad_arguments_of_grid(corners: npt.NDArray, arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MosaicGrid.covering(corners, *arguments)
