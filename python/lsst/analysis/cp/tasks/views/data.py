# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the tools of views get besides the pixels."""

from __future__ import annotations

__all__ = [
    "ampSlices",
    "gridKeys",
    "makeMosaicImage",
    "placeCameraImage",
    "presenceKeys",
    "structureKeys",
]

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.afw.image import ImageF
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic, MosaicGrid, cameraImageGrid
from lsst.geom import Box2I, Extent2I, Point2I

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.afw.cameraGeom import Camera

STRUCTURE_COLUMNS = {
    "structureX": "fpX",
    "structureY": "fpY",
    "structureKind": "kind",
    "structureDetector": "detectorName",
    "structureAmplifier": "amplifier",
    "structureScore": "score",
    "structureCount": "nFound",
    "structureRank": "rank",
}
"""Column of the table of structures that each vector has."""


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


def presenceKeys(present: Collection[int], missing: Mapping[int, str]) -> dict[str, Any]:
    """Write which detectors have an image as tools take it.

    Parameters
    ----------
    present
        Ids of the detectors that have one.
    missing
        Why a detector is missing, by its id.

    Returns
    -------
    keys
        Vectors ``imageDetector``, ``missingDetector`` and ``missingReason``.
    """
    detectors = sorted(missing)
    return {
        "imageDetector": np.array(sorted(present), dtype=np.int64),
        "missingDetector": np.array(detectors, dtype=np.int64),
        "missingReason": np.array([missing[detector] for detector in detectors], dtype=np.str_),
    }


def ampSlices(geometry: FocalPlaneGeometry, detector: int) -> tuple[tuple[slice, slice], ...]:
    """Say where the amplifiers lie in the image of a detector.

    Parameters
    ----------
    geometry
        The camera.
    detector
        Id of the detector.

    Returns
    -------
    slices
        Rows and columns of each amplifier, in the order of the camera.
    """
    (index,) = geometry.detectorIndex([detector])
    first = geometry.detectorEdges[index][:2]
    boxes = geometry.ampEdges[geometry.layout.ampDetector == index] - [*first, *first]
    return tuple(
        (slice(y_min, y_max), slice(x_min, x_max))
        for x_min, y_min, x_max, y_max in boxes.round().astype(int).tolist()
    )


def makeMosaicImage(mosaic: FocalPlaneMosaic) -> ImageF:
    """Make a dataset of a mosaic.

    Parameters
    ----------
    mosaic
        The mosaic.

    Returns
    -------
    image
        The same pixels. Coordinates count from the centre of the focal plane: pixel (i, j) has its centre at
        (i + 0.5) and (j + 0.5) times the side of a pixel.
    """
    grid = mosaic.grid
    first = Point2I(*(round(centre / grid.pixelSize - 0.5) for centre in (grid.x0, grid.y0)))
    image = ImageF(Box2I(first, Extent2I(grid.shape[1], grid.shape[0])))
    image.array[:] = mosaic.image
    return image


def structureKeys(table: Table) -> dict[str, Any]:
    """Write ranked structures as tools take them.

    Parameters
    ----------
    table
        Structures, one a row, as `rankStructures` makes it.

    Returns
    -------
    keys
        Vectors ``structureX`` and ``structureY`` (mm on the focal plane), ``structureKind``,
        ``structureDetector`` (names), ``structureAmplifier`` (names), ``structureScore``,
        ``structureCount`` (of its kind, in its detector) and ``structureRank``.
    """
    return {key: np.asarray(table[column]) for key, column in STRUCTURE_COLUMNS.items()}
