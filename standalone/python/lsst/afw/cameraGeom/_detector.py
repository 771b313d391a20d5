# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Detectors: their geometry, their amplifiers and their place in a camera."""

from __future__ import annotations

__all__ = [
    "Detector",
    "DetectorFields",
    "DetectorType",
    "DetectorInCameraBuilder",
    "DetectorPartialRebuilder",
]

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
import numpy.typing as npt

from lsst.geom import Box2D, Box2I, Extent2D, Point2D

from ._amplifier import Amplifier, AmplifierBuilder
from ._cameraSys import PIXELS, CameraSys, CameraSysPrefix
from ._orientation import Orientation
from ._transform import TransformPoint2ToPoint2
from ._transformMap import Connection, TransformMap


class DetectorType(enum.Enum):
    """What a detector is for."""

    SCIENCE = 0
    FOCUS = 1
    GUIDER = 2
    WAVEFRONT = 3

    def __int__(self) -> int:
        return int(self.value)


@dataclass(slots=True)
class DetectorFields:
    """What is known of a detector, but for its amplifiers; pixel sizes are in mm."""

    name: str = ""
    id: int = 0
    type: DetectorType = DetectorType.SCIENCE
    serial: str = ""
    bbox: Box2I = field(default_factory=Box2I)
    orientation: Orientation = field(default_factory=Orientation)
    pixelSize: Extent2D = field(default_factory=lambda: Extent2D(0.0, 0.0))
    crosstalk: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    physicalType: str = ""


class _DetectorBase[AmpT: Amplifier]:
    """What detectors and their builders have in common."""

    def __init__(self, fields: DetectorFields, amplifiers: Iterable[AmpT]) -> None:
        self._fields = fields
        self._amplifiers = list(amplifiers)

    def getName(self) -> str:
        """Return the name, such as ``R22_S11``."""
        return self._fields.name

    def getId(self) -> int:
        """Return the number in the camera."""
        return self._fields.id

    def getType(self) -> DetectorType:
        """Return what the detector is for."""
        return self._fields.type

    def getPhysicalType(self) -> str:
        """Return the kind of the sensor, such as ``E2V``."""
        return self._fields.physicalType

    def getSerial(self) -> str:
        """Return the serial name."""
        return self._fields.serial

    def getBBox(self) -> Box2I:
        """Return the box of the assembled image."""
        return Box2I(self._fields.bbox)

    def getOrientation(self) -> Orientation:
        """Return position and attitude on the focal plane."""
        return self._fields.orientation

    def getPixelSize(self) -> Extent2D:
        """Return the size of a pixel, in mm."""
        return self._fields.pixelSize.clone()

    def hasCrosstalk(self) -> bool:
        """Return whether there is a crosstalk matrix."""
        return self._fields.crosstalk.size > 0

    def getCrosstalk(self) -> npt.NDArray[np.float32]:
        """Return the crosstalk matrix, shape (n, n) for n amplifiers; (0, 0) if there is none."""
        return self._fields.crosstalk.copy()

    def getNativeCoordSys(self) -> CameraSys:
        """Return the coordinate system of the detector's pixels."""
        return CameraSys(PIXELS, self.getName())

    def makeCameraSys(self, cameraSys: CameraSys | CameraSysPrefix) -> CameraSys:
        """Return a system, given the detector's name if it is a prefix."""
        if isinstance(cameraSys, CameraSysPrefix):
            return CameraSys(cameraSys, self.getName())
        return cameraSys

    def getAmplifiers(self) -> list[AmpT]:
        """Return the amplifiers."""
        return list(self._amplifiers)

    def __iter__(self) -> Iterator[AmpT]:
        return iter(self._amplifiers)

    def __len__(self) -> int:
        return len(self._amplifiers)

    def __getitem__(self, key: int | str) -> AmpT:
        if isinstance(key, str):
            for amplifier in self._amplifiers:
                if amplifier.getName() == key:
                    return amplifier
            raise KeyError(f"Detector {self.getName()} has no amplifier {key!r}.")
        return self._amplifiers[key]


class Detector(_DetectorBase[Amplifier]):
    """Detector of a camera.

    Parameters
    ----------
    fields
        What is known of the detector.
    transformMap
        The coordinate systems of the camera.
    amplifiers
        The amplifiers.

    Raises
    ------
    ValueError
        Raised if two amplifiers have one name, or if the crosstalk matrix does not fit them.
    """

    InCameraBuilder: type[DetectorInCameraBuilder]
    PartialRebuilder: type[DetectorPartialRebuilder]

    def __init__(
        self, fields: DetectorFields, transformMap: TransformMap, amplifiers: Iterable[Amplifier]
    ) -> None:
        super().__init__(fields, amplifiers)
        self._transformMap = transformMap
        names = [amplifier.getName() for amplifier in self._amplifiers]
        if len(set(names)) < len(names):
            raise ValueError(f"Two amplifiers of detector {fields.name} have one name: {names}")
        if self.hasCrosstalk() and self.getCrosstalk().shape != (len(names), len(names)):
            shape = self.getCrosstalk().shape
            raise ValueError(
                f"Crosstalk of detector {fields.name} has shape {shape}, but it has {len(names)} amplifiers."
            )

    def rebuild(self) -> DetectorPartialRebuilder:
        """Return a builder that starts from this detector and keeps its place in the camera."""
        return DetectorPartialRebuilder(self)

    def getTransformMap(self) -> TransformMap:
        """Return the coordinate systems of the camera."""
        return self._transformMap

    def getTransform(
        self, fromSys: CameraSys | CameraSysPrefix, toSys: CameraSys | CameraSysPrefix
    ) -> TransformPoint2ToPoint2:
        """Return the transform from one coordinate system to another.

        Raises
        ------
        ValueError
            Raised if the camera does not have one of them.
        """
        return self._transformMap.getTransform(self.makeCameraSys(fromSys), self.makeCameraSys(toSys))

    @overload
    def transform(
        self, point: Point2D, fromSys: CameraSys | CameraSysPrefix, toSys: CameraSys | CameraSysPrefix
    ) -> Point2D: ...

    @overload
    def transform(
        self,
        point: Sequence[Point2D],
        fromSys: CameraSys | CameraSysPrefix,
        toSys: CameraSys | CameraSysPrefix,
    ) -> list[Point2D]: ...

    def transform(
        self,
        point: Point2D | Sequence[Point2D],
        fromSys: CameraSys | CameraSysPrefix,
        toSys: CameraSys | CameraSysPrefix,
    ) -> Point2D | list[Point2D]:
        """Transform a point or each of a list of points from one coordinate system to another."""
        return self.getTransform(fromSys, toSys).applyForward(point)

    def getCorners(self, cameraSys: CameraSys | CameraSysPrefix) -> list[Point2D]:
        """Return the outer corners of the corner pixels, counterclockwise from the lower left."""
        return self.transform(Box2D(self._fields.bbox).getCorners(), PIXELS, cameraSys)

    def __repr__(self) -> str:
        return f"<Detector {self.getName()} ({self.getId()})>"


class _Builder(_DetectorBase[AmplifierBuilder]):
    """Detector under construction."""

    def setType(self, type: DetectorType) -> None:
        """Set what the detector is for."""
        self._fields.type = DetectorType(type)

    def setPhysicalType(self, physicalType: str) -> None:
        """Set the kind of the sensor."""
        self._fields.physicalType = physicalType

    def setSerial(self, serial: str) -> None:
        """Set the serial name."""
        self._fields.serial = serial

    def setBBox(self, bbox: Box2I) -> None:
        """Set the box of the assembled image."""
        self._fields.bbox = Box2I(bbox)

    def setCrosstalk(self, crosstalk: npt.ArrayLike) -> None:
        """Set the crosstalk matrix, shape (n, n) for n amplifiers."""
        self._fields.crosstalk = np.array(crosstalk, dtype=np.float32)

    def append(self, builder: AmplifierBuilder) -> None:
        """Add an amplifier."""
        self._amplifiers.append(builder)

    def clear(self) -> None:
        """Remove all amplifiers."""
        self._amplifiers.clear()

    def _finish(self, transformMap: TransformMap) -> Detector:
        amplifiers = [amplifier.finish() for amplifier in self._amplifiers]
        return Detector(replace(self._fields), transformMap, amplifiers)


class DetectorPartialRebuilder(_Builder):
    """Builder of a changed detector that keeps its place; upstream's ``Detector.PartialRebuilder``.

    Parameters
    ----------
    detector
        The detector to start from.
    """

    def __init__(self, detector: Detector) -> None:
        super().__init__(replace(detector._fields), [amplifier.rebuild() for amplifier in detector])
        self._transformMap = detector.getTransformMap()

    def finish(self) -> Detector:
        """Return the detector."""
        return self._finish(self._transformMap)


class DetectorInCameraBuilder(_Builder):
    """Builder of a detector of a camera under construction; upstream's ``Detector.InCameraBuilder``."""

    def __init__(self, fields: DetectorFields, amplifiers: Iterable[AmplifierBuilder] = ()) -> None:
        super().__init__(fields, amplifiers)
        self._connections: dict[CameraSys, Connection] = {}

    def setOrientation(self, orientation: Orientation) -> None:
        """Set position and attitude on the focal plane."""
        self._fields.orientation = orientation

    def setPixelSize(self, pixelSize: Extent2D) -> None:
        """Set the size of a pixel, in mm."""
        self._fields.pixelSize = Extent2D(pixelSize)

    def setTransformFromPixelsTo(
        self, toSys: CameraSys | CameraSysPrefix, transform: TransformPoint2ToPoint2
    ) -> None:
        """Set the transform from pixels to another coordinate system.

        Raises
        ------
        ValueError
            Raised if the system belongs to another detector.
        """
        system = self._checkSystem(toSys)
        self._connections[system] = Connection(transform, self.getNativeCoordSys(), system)

    def _checkSystem(self, toSys: CameraSys | CameraSysPrefix) -> CameraSys:
        system = self.makeCameraSys(toSys)
        if system.hasDetectorName() and system.getDetectorName() != self.getName():
            raise ValueError(f"{system} does not belong to detector {self.getName()}.")
        return system


Detector.InCameraBuilder = DetectorInCameraBuilder
Detector.PartialRebuilder = DetectorPartialRebuilder
