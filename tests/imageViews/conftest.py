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
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry, boxCorners
from lsst.analysis.cp.core.pyramid import PyramidWriter
from lsst.analysis.cp.core.structures import (
    DetectionThresholds,
    Structures,
    findStructures,
    measureSignificance,
)

PIXEL_SIZE = 0.01

Place = tuple[float, float, float]
GeometryMaker = Callable[..., FocalPlaneGeometry]
Image = npt.NDArray[np.float32]

AMPS = tuple(
    (slice(300 * row, 300 * row + 300), slice(256 * column, 256 * column + 256))
    for row in range(2)
    for column in range(4)
)
"""Amplifiers of a small detector of 600 rows and 1024 columns."""


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


@pytest.fixture(scope="session")
def pyramidCamera(makeGeometry: GeometryMaker) -> FocalPlaneGeometry:
    """Return five detectors of 700 by 1100 pixels: upright, turned by each number of quarters, and by 0.3."""
    angles = [0.0, 0.5 * np.pi, np.pi, -0.5 * np.pi, 0.3]
    # The origin of a detector is the corner that turns least away from the lower left of its place.
    starts = [(0.0, 0.0), (19.0, 0.0), (11.003, 20.0), (12.0, 24.0), (30.0, 3.0)]
    return makeGeometry((700, 1100), *((x, y, angle) for (x, y), angle in zip(starts, angles, strict=True)))


@pytest.fixture(scope="session")
def pyramidImages(pyramidCamera: FocalPlaneGeometry) -> dict[int, npt.NDArray[np.float32]]:
    """Return an image of noise 5 for each of those detectors but the last but one, at levels of their own."""
    rng = np.random.default_rng(7)
    ids = pyramidCamera.layout.detectorId.tolist()
    return {
        number: rng.normal(100.0 * i, 5.0, (700, 1100)).astype(np.float32)
        for i, number in enumerate(ids)
        if i != 3
    }


@pytest.fixture(scope="session")
def pyramidPath(
    pyramidCamera: FocalPlaneGeometry,
    pyramidImages: dict[int, npt.NDArray[np.float32]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return a pyramid of those images, with masks and significances."""
    path = tmp_path_factory.mktemp("pyramid") / "pyramid.fits"
    with PyramidWriter(path, pyramidCamera, unit="electron") as writer:
        for i, (number, image) in enumerate(pyramidImages.items()):
            writer.addDetector(
                number,
                image,
                image > 115.0 + 100.0 * i,
                mask=np.arange(image.size, dtype=np.int32).reshape(image.shape) % 8,
                planes={"BAD": 0, "SAT": 1, "DETECTED_NEGATIVE": 2},
                significance=(image - np.median(image)) / 5,
                noise=5.0,
            )
    return path


@pytest.fixture(scope="session")
def amps() -> tuple[tuple[slice, slice], ...]:
    """Return the amplifiers of a small detector."""
    return AMPS


@pytest.fixture(scope="session")
def makeFrame() -> Callable[..., Image]:
    """Return a maker of clean frames of that detector: noise 5, a tenth of it common to rows, and steps."""

    def make(seed: int = 1, noise: npt.ArrayLike = 5.0) -> Image:
        rng = np.random.default_rng(seed)
        image = np.empty((600, 1024), dtype=np.float32)
        for amp, sigma in zip(AMPS, np.broadcast_to(noise, len(AMPS)), strict=True):
            pixels = rng.normal(0, np.sqrt(0.99), (300, 256)) + rng.normal(0, 0.1, (300, 1))
            image[amp] = sigma * (pixels + rng.normal(0, 0.04))
        return image

    return make


@pytest.fixture(scope="session")
def findIn() -> Callable[..., Structures]:
    """Return a function that finds the structures of an image of that detector."""
    thresholds = DetectionThresholds(pixel=6.2, column=5.2, row=5.4)

    def find(image: Image, excluded: npt.NDArray[np.bool_] | None = None, **options: int) -> Structures:
        left_out = np.zeros(image.shape, dtype=bool) if excluded is None else excluded
        return findStructures(measureSignificance(image, left_out, AMPS), AMPS, thresholds, **options)

    return find
