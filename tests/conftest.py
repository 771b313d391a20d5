# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What tests of several parts share: real data, and cameras with turned detectors."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from lsst.afw.cameraGeom import DetectorType, Orientation
from lsst.geom import Box2I, Extent2D, Extent2I, Point2D, Point2I, Point3D, radians

# The scripts that generate files are no package.
sys.path.append(str(Path(__file__).parents[1] / "doc" / "generate"))

PIXEL_SIZE = 0.01
WIDTH, HEIGHT = 100, 80
N_COLUMNS = 4


@dataclass(frozen=True)
class FakeAmplifier:
    name: str
    box: Box2I

    def getName(self) -> str:
        return self.name

    def getBBox(self) -> Box2I:
        return self.box

    def getGain(self) -> float:
        return 1.5

    def getReadNoise(self) -> float:
        return 5.0


@dataclass(frozen=True, eq=False)
class FakeDetector:
    """A detector of 4 x 2 amplifiers, turned about its lower left pixel corner."""

    id: int
    name: str
    physicalType: str
    x: float
    y: float
    yaw: float
    amps: list[FakeAmplifier] = field(default_factory=list)

    def __post_init__(self) -> None:
        for i in range(2 * N_COLUMNS):
            column, row = i % N_COLUMNS, i // N_COLUMNS
            corner = Point2I(column * WIDTH // N_COLUMNS, row * HEIGHT // 2)
            self.amps.append(FakeAmplifier(f"C{row}{column}", Box2I(corner, Extent2I(25, 40))))

    def getId(self) -> int:
        return self.id

    def getName(self) -> str:
        return self.name

    def getType(self) -> DetectorType:
        return DetectorType.SCIENCE

    def getPhysicalType(self) -> str:
        return self.physicalType

    def getBBox(self) -> Box2I:
        return Box2I(Point2I(0, 0), Extent2I(WIDTH, HEIGHT))

    def getAmplifiers(self) -> list[FakeAmplifier]:
        return self.amps

    def getTransform(self, fromSys: object, toSys: object) -> object:
        orientation = Orientation(Point3D(self.x, self.y, 0.0), Point2D(-0.5, -0.5), self.yaw * radians)
        return orientation.makePixelFpTransform(Extent2D(PIXEL_SIZE, PIXEL_SIZE))


FakeCamera = Sequence[FakeDetector]


@pytest.fixture(scope="session")
def sharedData() -> Path:
    """Directory with real cameras and measurements, where it is present."""
    default = Path(__file__).parents[1].parent / "shared"
    path = Path(os.environ.get("ANALYSIS_CP_SHARED", default)) / "data"
    if not path.is_dir():
        pytest.skip(f"needs the real camera files: no directory {path} (set ANALYSIS_CP_SHARED)")
    return path


@pytest.fixture(scope="session")
def makeCamera() -> Callable[..., FakeCamera]:
    """Return a maker of cameras from (x, y, yaw) of each detector, in mm and radians."""

    def make(*places: tuple[float, float, float], ids: Sequence[int] | None = None) -> FakeCamera:
        return tuple(
            FakeDetector(number, f"R0{i // 2}_S{i % 2}", ("E2V", "ITL")[i % 2], *place)
            for i, (number, place) in enumerate(zip(ids or range(len(places)), places, strict=True))
        )

    return make


@pytest.fixture(scope="session")
def camera(makeCamera: Callable[..., FakeCamera]) -> FakeCamera:
    """Return a camera of four detectors, away from the origin and turned, whose identifiers have gaps."""
    return makeCamera(
        (10.0, 5.0, 0.0), (12.0, 5.0, np.pi / 2), (10.0, 7.0, 0.3), (12.0, 7.0, np.pi), ids=[3, 94, 20, 7]
    )
