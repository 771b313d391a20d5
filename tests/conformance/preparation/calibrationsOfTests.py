# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""A pytest plugin: what upstream's tests of calibrations import, or prepare with, and do not test.

Mock images give the names of amplifiers. The stand-ins of calibrations are what is tested.
"""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

import lsst.afw.cameraGeom
import lsst.ip.isr
from lsst.ip.isr import brighterFatterKernel


class Amplifier:
    """An amplifier with a name."""

    def __init__(self, name: str) -> None:
        self.getName = lambda: name


class Detector(list[Amplifier]):
    """A detector with amplifiers."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(map(Amplifier, names))

    def getName(self) -> str:
        """Return its name."""
        return "detector 1"

    def getId(self) -> int:
        """Return its id."""
        return 1

    def getSerial(self) -> str:
        """Return its serial number."""
        return "serial 1"

    def getAmplifiers(self) -> list[Amplifier]:
        """Return its amplifiers."""
        return list(self)


class Camera(dict[int, Detector]):
    """A camera, and what builds it."""

    def __init__(self, name: str) -> None:
        self.getName = lambda: name

    def finish(self) -> "Camera":
        """Return the camera."""
        return self


class DetectorWrapper:
    """Adds a detector to a camera."""

    def __init__(self, numAmps: int, cameraBuilder: Camera) -> None:
        self.detector = Detector([f"amp {number}" for number in range(numAmps)])
        cameraBuilder[1] = self.detector


class MockExposure:
    """An exposure with pixels that nothing reads."""

    def __init__(self) -> None:
        self.image = SimpleNamespace(array=np.zeros((4, 4)))

    def clone(self) -> "MockExposure":
        """Return another."""
        return MockExposure()

    def getDimensions(self) -> tuple[int, int]:
        """Return its size."""
        return 4, 4

    def getDetector(self) -> Detector:
        """Return its detector."""
        return Detector([f"C:{x},{y}" for y in range(2) for x in range(4)])


class IsrMock:
    """Makes exposures."""

    ConfigClass = SimpleNamespace

    def __init__(self, config: Any) -> None:
        pass

    def run(self) -> MockExposure:
        """Return an exposure."""
        return MockExposure()


mock: Any = ModuleType("lsst.ip.isr.isrMock")
mock.IsrMock = mock.FlatMock = IsrMock
sys.modules[mock.__name__] = lsst.ip.isr.isrMock = mock
lsst.ip.isr.DeferredChargeTask = None
brighterFatterKernel.brighterFatterCorrection = None
brighterFatterKernel.fluxConservingBrighterFatterCorrection = None
lsst.afw.cameraGeom.Camera.Builder = Camera
lsst.afw.cameraGeom.testUtils = SimpleNamespace(DetectorWrapper=DetectorWrapper)
