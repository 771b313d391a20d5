# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the tools of views get besides the pixels."""

from __future__ import annotations

__all__ = ["cameraGeometry", "gridKeys", "missingKeys", "placeCameraImage"]

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.imageViews import MosaicGrid, cameraImageGrid

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera


@lru_cache(maxsize=2)
def cameraGeometry(camera: Camera) -> FocalPlaneGeometry:
    """Get the geometry of a camera, measured once for each.

    Parameters
    ----------
    camera
        The camera.

    Returns
    -------
    geometry
        Places of its detectors and amplifiers.
    """
    return FocalPlaneGeometry.fromCamera(camera, PIXELS, FOCAL_PLANE)


def placeCameraImage(camera: Camera, binning: int) -> MosaicGrid:
    """Place an image of the focal plane that ``VisualizeMosaicExpTask`` made.

    Parameters
    ----------
    camera
        The camera.
    binning
        Side of a pixel of the image in detector pixels.

    Returns
    -------
    grid
        The grid of the image.
    """
    width, height = next(iter(camera)).getPixelSize()
    return cameraImageGrid(cameraGeometry(camera).detectorCorners, (width, height), binning)


def gridKeys(grid: MosaicGrid) -> dict[str, float]:
    """Write a grid as tools take it.

    Parameters
    ----------
    grid
        Grid of the pixels.

    Returns
    -------
    keys
        ``x0`` and ``y0``, the centre of pixel [0, 0], and ``pixelSize``, mm.
    """
    return {"x0": grid.x0, "y0": grid.y0, "pixelSize": grid.pixelSize}


def missingKeys(missing: Mapping[int, str]) -> dict[str, Any]:
    """Write what is missing as tools take it.

    Parameters
    ----------
    missing
        Why a detector is missing, by its id.

    Returns
    -------
    keys
        Vectors ``missingDetector`` and ``missingReason``.
    """
    detectors = sorted(missing)
    return {
        "missingDetector": np.array(detectors, dtype=np.int64),
        "missingReason": np.array([missing[detector] for detector in detectors], dtype=np.str_),
    }
