# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Mosaics beside those of upstream."""

import numpy as np
import numpy.typing as npt
import pytest

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Camera
from lsst.afw.image import ExposureF
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic
from lsst.pipe.tasks.visualizeVisit import VisualizeMosaicExpConfig, VisualizeMosaicExpTask

Image = npt.NDArray[np.float32]


def numberedImages(camera: Camera, binning: int) -> dict[int, Image]:
    """Return images without partial bins in which every pixel has a number of its own."""
    images, last = {}, 0
    for detector in camera:
        width, height = (side // binning for side in detector.getBBox().getDimensions())
        images[detector.getId()] = np.arange(last, last + width * height, dtype=np.float32).reshape(
            height, width
        )
        last += width * height
    assert last < 1 << 24
    return images


def placesOfNumbers(image: Image) -> npt.NDArray[np.intp]:
    """Return where the pixel of each number is; shape (n, 2)."""
    places = np.argwhere(np.isfinite(image))
    return places[np.argsort(image[tuple(places.T)])]


@pytest.mark.parametrize("binning", [32, 64])
def test_agrees_with_visualize_mosaic(lsstCam: Camera, binning: int) -> None:
    images = numberedImages(lsstCam, binning)
    mosaic = FocalPlaneMosaic(FocalPlaneGeometry.fromCamera(lsstCam, PIXELS, FOCAL_PLANE), binning)
    exposures = []
    for id_, image in images.items():
        mosaic.add(id_, image)
        exposures.append(ExposureF(image.shape[1], image.shape[0]))
        exposures[-1].image.array[:] = image
    config = VisualizeMosaicExpConfig(binning=binning)
    theirs = VisualizeMosaicExpTask(config=config).run(exposures, lsstCam, inputIds=list(images)).outputData
    if theirs is None:
        pytest.skip("needs lsst.afw.cameraGeom.utils, or the whole of pipe_tasks' stand-in")
    shift = placesOfNumbers(theirs.array) - placesOfNumbers(mosaic.image)
    # No pixel is lost; each detector is moved as a whole, by the roundings of afw.
    sizes = np.cumsum([image.size for image in images.values()])
    by_detector = np.split(shift, sizes[:-1])
    assert all((own == own[0]).all() for own in by_detector)
    assert (np.ptp(shift, axis=0) <= 3).all()
