# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the tools of views get besides the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic, MosaicGrid, cameraImageGrid

from .reading import DetectorImages

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["gridKeys", "placeCameraImage", "presenceKeys"]


def placeCameraImage(camera: Camera, binning: int) -> MosaicGrid:
    """Place an image of the focal plane that ``VisualizeMosaicExpTask`` made, binned by a factor."""
    width, height = next(iter(camera)).getPixelSize()
    return cameraImageGrid(cameraGeometry(camera).detectorCorners, (width, height), binning)


def gridKeys(grid: MosaicGrid) -> dict[str, float]:
    """Give tools the place of an image: ``x0`` and ``y0`` of pixel [0, 0], and ``pixelSize``, mm."""
    return {"x0": grid.x0, "y0": grid.y0, "pixelSize": grid.pixelSize}


def presenceKeys(mosaic: FocalPlaneMosaic, images: DetectorImages) -> dict[str, Any]:
    """Tell tools which detectors have an image, of those that have none, why, and which nobody asked for.

    Parameters
    ----------
    mosaic
        What the images were added to.
    images
        The images, after the iteration.

    Returns
    -------
    keys
        ``imageDetectors``, ids of those that have one; ``missing``, a table with the columns ``detector``
        (id) and ``reason``; and ``notRequested``, ids of those that the configuration leaves out.
    """
    detectors = sorted(images.missing)
    reasons = [images.missing[detector] for detector in detectors]
    return {
        "imageDetectors": np.array(sorted(mosaic.added), dtype=np.int64),
        "notRequested": np.array(sorted(images.notRequested), dtype=np.int64),
        "missing": Table(
            {"detector": np.array(detectors, dtype=np.int64), "reason": np.array(reasons, dtype=np.str_)}
        ),
    }
