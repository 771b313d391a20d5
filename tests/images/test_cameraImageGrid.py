# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Places of pixels in the images of the focal plane that cp_verify stores."""

from __future__ import annotations

import numpy as np
import pytest

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.afw.image import ImageF
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.images import MosaicGrid, cameraImageGrid
from lsst.obs.lsst import Latiss, LsstCam, LsstComCam
from lsst.pipe.tasks.visualizeVisit import VisualizeMosaicExpConfig, VisualizeMosaicExpTask


def makeMosaic(camera, binning: int) -> np.ndarray:
    """Make the image of a camera whose detectors' pixels have the detectors' ids."""
    images = []
    for detector in camera:
        width, height = detector.getBBox().getDimensions()
        image = ImageF(width // binning, height // binning)
        image.array[:] = detector.getId()
        images.append(image)
    config = VisualizeMosaicExpConfig()
    config.binning = binning
    ids = [detector.getId() for detector in camera]
    mosaic = VisualizeMosaicExpTask(config=config).run(images, camera, ids).outputData
    if mosaic is None:
        pytest.skip("needs lsst.afw.cameraGeom.utils, or the whole of pipe_tasks' stand-in")
    return mosaic.array


@pytest.mark.parametrize(("instrument", "binning"), [(Latiss, 8), (LsstComCam, 64), (LsstCam, 64)])
def test_detectors_lie_on_the_grid(instrument, binning):
    camera = instrument().getCamera()
    mosaic = makeMosaic(camera, binning)
    geometry = FocalPlaneGeometry.fromCamera(camera, PIXELS, FOCAL_PLANE)
    grid = cameraImageGrid(geometry.detectorCorners, tuple(camera[0].getPixelSize()), binning)
    assert grid.shape == mosaic.shape
    for corners, detector in zip(geometry.detectorCorners, camera, strict=True):
        rows, columns = np.nonzero(mosaic == detector.getId())
        x, y = grid.toFocalPlane(
            [columns.min() - 0.5, columns.max() + 0.5], [rows.min() - 0.5, rows.max() + 0.5]
        )
        expected = np.array([corners.min(axis=0), corners.max(axis=0)])
        distance = np.abs(np.column_stack([x, y]) - expected) / grid.pixelSize
        # Places are rounded there, and partial bins at the far sides cut off.
        assert (distance < [[2], [3]]).all()


def test_pixels_must_be_square():
    with pytest.raises(ValueError, match=r"Expected square pixels; got \(0.01, 0.02\) mm"):
        cameraImageGrid(np.zeros((1, 4, 2)), (0.01, 0.02), 8)


def test_grid_of_bins_holds_the_grid():
    grid = MosaicGrid(-3.5, 1.5, 1.0, (7, 9))
    binned = grid.binned(2)
    assert (binned.shape, binned.pixelSize) == ((4, 5), 2.0)
    assert binned.toFocalPlane(-0.5, -0.5) == grid.toFocalPlane(-0.5, -0.5)
