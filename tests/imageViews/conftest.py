# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Cameras that are described by where their detectors lie."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.focalPlane import FocalPlaneGeometry, boxCorners

PIXEL_SIZE = 0.01

Place = tuple[float, float, float]
GeometryMaker = Callable[..., FocalPlaneGeometry]


def turn(points: npt.ArrayLike, place: Place, pixelSize: float = PIXEL_SIZE) -> npt.NDArray[np.float64]:
    """Move pixel positions (x, y) of a detector to the focal plane; its lower left edge lies at the place."""
    x, y, angle = place
    across, along = np.cos(angle), np.sin(angle)
    matrix = pixelSize * np.array([[across, -along], [along, across]])
    return (np.asarray(points) + 0.5) @ matrix.T + [x, y]


@pytest.fixture(scope="session")
def makeGeometry() -> GeometryMaker:
    """Return a maker of cameras from the shape (ny, nx) of the detectors and the (x, y, angle) of each.

    Positions are in mm, angles in radians; pixels are 0.01 mm. Identifiers count from 10.
    """

    def make(shape: tuple[int, int], *places: Place, pixelSize: float = PIXEL_SIZE) -> FocalPlaneGeometry:
        count = len(places)
        edges = np.tile([-0.5, -0.5, shape[1] - 0.5, shape[0] - 0.5], (count, 1))
        corners = np.array([turn(boxCorners(edges[0])[0], place, pixelSize) for place in places])
        layout = CameraLayout(
            detectorId=np.arange(10, 10 + count),
            detectorName=np.array([f"R00_S{i:02d}" for i in range(count)]),
            detectorType=np.full(count, "SCIENCE"),
            physicalType=np.full(count, "E2V"),
            ampDetector=np.arange(count),
            ampName=np.full(count, "C00"),
            ampGain=np.ones(count),
            ampReadNoise=np.full(count, 5.0),
        )
        return FocalPlaneGeometry(
            layout=layout,
            detectorEdges=edges,
            detectorCorners=corners,
            ampEdges=edges,
            ampCorners=corners,
        )

    return make


@pytest.fixture(scope="session")
def lsstCam(sharedData: Path) -> Camera:
    """Return the real camera of 205 detectors."""
    return Camera.readFits(str(sharedData / "cameras" / "LSSTCam.fits"))
