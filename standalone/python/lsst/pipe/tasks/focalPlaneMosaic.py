# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where binned detectors lie in an image of the whole focal plane.

The layout is that of ``lsst.afw.cameraGeom.utils.makeImageFromCamera`` (afw, 2026), to the pixel, with its
roundings: detectors are turned by whole quarters and placed at whole pixels.
"""

__all__ = ["makeMosaic"]

import logging
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from lsst.afw.cameraGeom import FOCAL_PLANE

_LOG = logging.getLogger(__name__)

_BORDER = 10
"""Binned pixels around the focal plane."""


def makeMosaic(
    camera: Any, images: Mapping[int, npt.NDArray[np.float32]], binning: int
) -> npt.NDArray[np.float32]:
    """Make an image of the focal plane.

    Parameters
    ----------
    camera
        The camera.
    images
        Binned pixels (rows, columns) of detectors, by detector ID.
    binning
        Factor by which they were binned.

    Returns
    -------
    mosaic
        Pixels (rows, columns), x of the focal plane along the columns; NaN where there is no detector.

    Raises
    ------
    RuntimeError
        Raised if pixel sizes differ between detectors.
    """
    pixel_sizes = {tuple(detector.getPixelSize()) for detector in camera}
    if len(pixel_sizes) != 1:
        raise RuntimeError(f"Expected one pixel size in the camera, got {sorted(pixel_sizes)} mm.")
    pixel_size = pixel_sizes.pop()
    box = camera.getFpBBox()
    limits = zip((box.getMinX(), box.getMinY()), (box.getMaxX(), box.getMaxY()), pixel_size, strict=True)
    first, size = [], []
    for low, high, pixel in limits:
        first.append(int(low // pixel) - _BORDER * binning)
        size.append(math.ceil((int(high // pixel) + _BORDER * binning - first[-1] + 1) / binning))
    # As in afw, which rounds the two axes differently.
    origin = (first[0] // binning, -(-first[1] // binning))
    mosaic = np.full((size[1], size[0]), np.nan, dtype=np.float32)
    for detector in camera:
        if detector.getId() in images:
            x, y = _placeDetector(detector, pixel_size, binning)
            _paste(mosaic, images[detector.getId()], detector, (x - origin[0], y - origin[1]), binning)
    return mosaic


def _placeDetector(detector: Any, pixel_size: tuple[float, ...], binning: int) -> tuple[int, int]:
    """Give the first binned pixel (x, y) of a detector, counted from the centre of the focal plane."""
    corners = detector.getCorners(FOCAL_PLANE)
    x = int(min(corner.getX() for corner in corners) // pixel_size[0] / binning)
    y = int(min(corner.getY() for corner in corners) // pixel_size[1] / binning)
    # afw turns boxes about a whole pixel, which moves those with one even side.
    width, height = (side // binning for side in detector.getBBox().getDimensions())
    moved = int(height % 2 == 0) - int(width % 2 == 0)
    quarters = detector.getOrientation().getNQuarter() % 4
    return x + (moved if quarters == 1 else 0), y - (moved if quarters == 3 else 0)


def _paste(
    mosaic: npt.NDArray[np.float32],
    image: npt.NDArray[np.float32],
    detector: Any,
    first: tuple[int, int],
    binning: int,
) -> None:
    """Put an image into the mosaic, turned; one of a wrong size is left out with an error in the log."""
    width, height = (side // binning for side in detector.getBBox().getDimensions())
    if image.shape != (height, width):
        _LOG.error(
            "Detector %s is left out of the mosaic: expected %d x %d pixels, binned by %d, got %d x %d.",
            detector.getName(),
            *(width, height, binning, image.shape[1], image.shape[0]),
        )
        return
    # Quarters are anticlockwise with y upwards; rot90 takes rows downwards.
    turned = np.rot90(image, -detector.getOrientation().getNQuarter())
    mosaic[first[1] : first[1] + turned.shape[0], first[0] : first[0] + turned.shape[1]] = turned
