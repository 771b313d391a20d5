# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Mosaics of the focal plane."""

import logging

import numpy as np
import pytest

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.afw.image import ExposureF
from lsst.geom import Point2D
from lsst.obs.lsst import LsstCam, LsstComCam
from lsst.pipe.tasks.focalPlaneMosaic import makeMosaic
from lsst.pipe.tasks.visualizeVisit import VisualizeMosaicExpConfig, VisualizeMosaicExpTask

BINNING = 64


@pytest.fixture(scope="module")
def camera():
    return LsstCam.getCamera()


def binnedShape(detector) -> tuple[int, int]:
    width, height = detector.getBBox().getDimensions()
    return height // BINNING, width // BINNING


def mark(detector, row: int, column: int) -> np.ndarray:
    image = np.zeros(binnedShape(detector), dtype=np.float32)
    image[row, column] = 1
    return image


@pytest.mark.parametrize(
    "name", ["R22_S11", "R00_SG0", "R04_SG0", "R40_SG1", "R44_SG0", "R00_SW0", "R44_SW1"]
)
@pytest.mark.parametrize("corner", [(1, 2), (-2, 1)])
def test_pixels_lie_where_the_camera_has_them(camera, name, corner) -> None:
    detector = camera[name]
    rows, columns = binnedShape(detector)
    row, column = corner[0] % rows, corner[1] % columns
    mosaic = makeMosaic(camera, {detector.getId(): mark(detector, row, column)}, BINNING)
    ((y, x),) = np.argwhere(mosaic == 1)
    pixel = Point2D((column + 0.5) * BINNING, (row + 0.5) * BINNING)
    place = detector.transform(pixel, PIXELS, FOCAL_PLANE)
    # The centre of the mosaic is that of the focal plane, but for the border's roundings.
    scale = 0.01 * BINNING
    box = camera.getFpBBox()
    expected_x = (place.getX() - box.getMinX()) / scale + 10
    expected_y = (place.getY() - box.getMinY()) / scale + 10
    assert (x + 0.5, y + 0.5) == pytest.approx((expected_x, expected_y), abs=2.6)


def test_detectors_do_not_overlap(camera) -> None:
    images = {detector.getId(): np.ones(binnedShape(detector), np.float32) for detector in camera}
    mosaic = makeMosaic(camera, images, BINNING)
    assert np.isfinite(mosaic).sum() == sum(image.size for image in images.values())


def test_background_is_nan(camera) -> None:
    assert np.isnan(makeMosaic(camera, {}, BINNING)).all()


def test_wrong_size_is_left_out(camera, caplog) -> None:
    with caplog.at_level(logging.ERROR):
        mosaic = makeMosaic(camera, {94: np.ones((5, 5), np.float32)}, BINNING)
    assert np.isnan(mosaic).all()
    assert "R22_S11 is left out of the mosaic: expected 64 x 62 pixels" in caplog.text


def test_task_masks_what_has_no_data() -> None:
    camera = LsstComCam.getCamera()
    rows, columns = binnedShape(camera[4])
    exposure = ExposureF(columns, rows)
    exposure.setDetector(camera[4])
    exposure.image.array[:] = 3
    exposure.mask.array[0, 0] = exposure.mask.getPlaneBitMask("NO_DATA")
    task = VisualizeMosaicExpTask(config=VisualizeMosaicExpConfig(binning=BINNING))
    mosaic = task.run([exposure], camera).outputData
    assert np.count_nonzero(mosaic.array == 3) == rows * columns - 1
    by_id = task.run([exposure.image], camera, inputIds=[4]).outputData
    assert np.count_nonzero(by_id.array == 3) == rows * columns


def test_dimensions_follow_the_configuration() -> None:
    config = VisualizeMosaicExpConfig(dimensions=["instrument", "exposure"], storageClass="Exposure")
    connections = config.ConnectionsClass(config=config)
    assert connections.dimensions == {"instrument", "exposure"}
    assert set(connections.inputExps.dimensions) == {"instrument", "exposure", "detector"}
    assert connections.inputExps.storageClass == "Exposure"
    assert set(connections.outputData.dimensions) == {"instrument", "exposure"}
    default = VisualizeMosaicExpConfig()
    assert default.ConnectionsClass(config=default).dimensions == {"instrument", "visit"}
