# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Images of a small camera: of its first detector, and a mosaic of all."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from astropy.table import Table

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.analysis.cp.actions.plot.image import DetectorImagePlot, FocalPlaneImagePlot
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.images import FocalPlaneMosaic

Data = dict[str, Any]


@pytest.fixture(scope="session")
def geometry(camera: Sequence) -> FocalPlaneGeometry:
    """Return the geometry of the camera of four detectors; the third is tilted."""
    return FocalPlaneGeometry.fromCamera(camera, PIXELS, FOCAL_PLANE)


@pytest.fixture
def detectorData() -> Data:
    """Return noise on the detector of 80 rows and 100 columns whose identifier is 3."""
    return {"image": np.random.default_rng(1).normal(0.0, 2.0, (80, 100)), "detector": 3}


@pytest.fixture
def makeMosaic(geometry: FocalPlaneGeometry) -> Callable[..., Data]:
    """Return a maker of mosaics of noise, or of given images by identifier; None leaves a detector out."""

    def make(binning: int = 1, **images: Any) -> Data:
        mosaic = FocalPlaneMosaic(geometry, binning)
        rng = np.random.default_rng(2)
        for detector in geometry.layout.detectorId.tolist():
            noise = rng.normal(0.0, 2.0, (-(-80 // binning), -(-100 // binning)))
            image = images.get(f"d{detector}", noise)
            if image is not None:
                mosaic.add(detector, np.broadcast_to(image, noise.shape))
        grid = mosaic.grid
        return {
            "image": mosaic.image,
            "x0": grid.x0,
            "y0": grid.y0,
            "pixelSize": grid.pixelSize,
            "imageDetectors": np.array(mosaic.added),
        }

    return make


@pytest.fixture
def makeAction() -> Callable[..., Any]:
    """Return a maker of validated plots."""

    def make(kind: type, **fields: Any) -> DetectorImagePlot | FocalPlaneImagePlot:
        action = kind()
        for name, value in fields.items():
            setattr(action, name, value)
        action.validate()
        return action

    return make


@pytest.fixture
def culprits() -> Table:
    """Return failures of two amplifiers of detector 3, one with two tests, and of one of detector 94."""
    return Table(
        {
            "detector": [94, 3, 3, 3],
            "amplifier": ["C00", "C12", "C01", "C12"],
            "test": ["NOISE", "MEAN", "NOISE", "NOISE"],
        }
    )


@pytest.fixture
def structures() -> Table:
    """Return three structures of detector 3, the second of which is first in rank."""
    x, y = np.array([10.0, 40.0, 70.0]), np.array([20.0, 30.0, 50.0])
    return Table(
        {
            "rank": [2, 1, 3],
            "detectorName": ["R00_S0"] * 3,
            "amplifier": ["C00", "C01", "C12"],
            "kind": ["pixel", "column", "row"],
            "x": x,
            "y": y,
            "fpX": 0.01 * x,
            "fpY": 0.01 * y,
            "score": [7.123, 33.0, 6.5],
            "nFound": [1, 1, 1],
        }
    )
