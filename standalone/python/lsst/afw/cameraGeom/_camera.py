# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Cameras: collections of detectors with a focal plane in common."""

from __future__ import annotations

__all__ = ["Camera", "CameraBuilder", "DetectorCollection"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import overload

import numpy as np

from lsst.geom import Box2D, Point2D

from ._cameraSys import FIELD_ANGLE, FOCAL_PLANE, CameraSys
from ._detector import Detector, DetectorFields, DetectorInCameraBuilder
from ._transform import TransformPoint2ToPoint2, makeScaling
from ._transformMap import Connection, TransformMap


class _Collection[DetectorT: (Detector, DetectorInCameraBuilder)]:
    """Detectors, found by name or number."""

    def __init__(self, detectors: Iterable[DetectorT]) -> None:
        self._byId: dict[int, DetectorT] = {}
        self._byName: dict[str, DetectorT] = {}
        for detector in detectors:
            self._add(detector)

    def _add(self, detector: DetectorT) -> None:
        name, number = detector.getName(), detector.getId()
        if number in self._byId or name in self._byName:
            raise ValueError(f"Detector {name} ({number}) is not unique in its camera.")
        self._byId[number] = detector
        self._byName[name] = detector

    def getIdMap(self) -> dict[int, DetectorT]:
        """Return the detectors by number, in the order of numbers."""
        return dict(sorted(self._byId.items()))

    def get(self, key: int | str, default: DetectorT | None = None) -> DetectorT | None:
        """Return a detector by number or name, or the default if there is none."""
        return self._byName.get(key, default) if isinstance(key, str) else self._byId.get(key, default)

    def __getitem__(self, key: int | str) -> DetectorT:
        detector = self.get(key)
        if detector is None:
            raise KeyError(f"Detector for key {key} not found.")
        return detector

    def __contains__(self, key: int | str) -> bool:
        return self.get(key) is not None

    def __iter__(self) -> Iterator[DetectorT]:
        return iter(self.getIdMap().values())

    def __len__(self) -> int:
        return len(self._byId)


class DetectorCollection(_Collection[Detector]):
    """Detectors that have a focal plane in common."""

    def getFpBBox(self) -> Box2D:
        """Return the smallest box on the focal plane that holds all detectors, in mm."""
        corners = np.array([list(c) for detector in self for c in detector.getCorners(FOCAL_PLANE)])
        if not corners.size:
            return Box2D()
        return Box2D(Point2D(*corners.min(axis=0).tolist()), Point2D(*corners.max(axis=0).tolist()))


class Camera(DetectorCollection):
    """Camera: its detectors and coordinate systems. A `Builder` or `readFits` makes one.

    Parameters
    ----------
    name
        Name of the instrument.
    detectors
        The detectors, which share the transform map.
    transformMap
        The coordinate systems.
    pupilFactoryName
        Full name of the class that describes the pupil; kept, never imported.

    Raises
    ------
    ValueError
        Raised if two detectors have one name or number.
    """

    Builder: type[CameraBuilder]

    def __init__(
        self, name: str, detectors: Iterable[Detector], transformMap: TransformMap, pupilFactoryName: str = ""
    ) -> None:
        super().__init__(detectors)
        self._name = name
        self._transformMap = transformMap
        self._pupilFactoryName = pupilFactoryName

    def getName(self) -> str:
        """Return the name of the instrument."""
        return self._name

    def getPupilFactoryName(self) -> str:
        """Return the full name of the class that describes the pupil."""
        return self._pupilFactoryName

    def getTransformMap(self) -> TransformMap:
        """Return the coordinate systems."""
        return self._transformMap

    def getFocalPlaneParity(self) -> bool:
        """Return whether the focal plane is mirrored against the field of view."""
        if FIELD_ANGLE not in self._transformMap:
            return False
        return _isMirrored(self.getTransform(FOCAL_PLANE, FIELD_ANGLE))

    def getTransform(self, fromSys: CameraSys, toSys: CameraSys) -> TransformPoint2ToPoint2:
        """Return the transform from one coordinate system to another.

        Raises
        ------
        ValueError
            Raised if the camera does not have one of them.
        """
        return self._transformMap.getTransform(fromSys, toSys)

    @overload
    def transform(self, point: Point2D, fromSys: CameraSys, toSys: CameraSys) -> Point2D: ...

    @overload
    def transform(self, point: Sequence[Point2D], fromSys: CameraSys, toSys: CameraSys) -> list[Point2D]: ...

    def transform(
        self, point: Point2D | Sequence[Point2D], fromSys: CameraSys, toSys: CameraSys
    ) -> Point2D | list[Point2D]:
        """Transform a point or each of a list of points from one coordinate system to another."""
        return self._transformMap.transform(point, fromSys, toSys)

    def rebuild(self) -> CameraBuilder:
        """Return a builder that starts from this camera."""
        return CameraBuilder(self)

    @classmethod
    def readFits(cls, fileName: str) -> Camera:
        """Read a camera from a file that `writeFits`, here or in afw, has written.

        Parameters
        ----------
        fileName
            Path of the file.

        Raises
        ------
        FileNotFoundError
            Raised if there is no such file.
        ValueError
            Raised if the file does not hold a camera; the message names the file and what is wrong with it.
        """
        from ._cameraFits import readCamera  # Here, since it needs this class.

        return readCamera(fileName)

    def writeFits(self, fileName: str) -> None:
        """Write the camera to a FITS file as afw does, replacing one that is there.

        Parameters
        ----------
        fileName
            Path of the file.
        """
        from ._cameraFits import writeCamera  # Here, since it needs this class.

        writeCamera(self, fileName)

    def __repr__(self) -> str:
        return f"<Camera {self._name} with {len(self)} detectors>"


class CameraBuilder(_Collection[DetectorInCameraBuilder]):
    """Camera under construction; upstream's ``Camera.Builder``.

    Parameters
    ----------
    source
        Name of the instrument, or the camera to start from.
    """

    def __init__(self, source: str | Camera) -> None:
        super().__init__([])
        self._connections: dict[CameraSys, Connection] = {}
        self._parity = False
        if isinstance(source, str):
            self._name, self._pupilFactoryName = source, ""
        else:
            self._name, self._pupilFactoryName = source.getName(), source.getPupilFactoryName()
            self._takeFrom(source)

    def _takeFrom(self, camera: Camera) -> None:
        self._parity = camera.getFocalPlaneParity()
        for detector in camera:
            self._add(DetectorInCameraBuilder(replace(detector._fields), [amp.rebuild() for amp in detector]))
        for connection in camera.getTransformMap().getConnections():
            if connection.fromSys.hasDetectorName():
                builder = self[connection.fromSys.getDetectorName()]
                builder.setTransformFromPixelsTo(connection.toSys, connection.transform)
            elif not connection.toSys.hasDetectorName():
                self._connections[connection.toSys] = connection

    def getName(self) -> str:
        """Return the name of the instrument."""
        return self._name

    def setName(self, name: str) -> None:
        """Set the name of the instrument."""
        self._name = name

    def getPupilFactoryName(self) -> str:
        """Return the full name of the class that describes the pupil."""
        return self._pupilFactoryName

    def setPupilFactoryName(self, pupilFactoryName: str) -> None:
        """Set the full name of the class that describes the pupil."""
        self._pupilFactoryName = pupilFactoryName

    def getFocalPlaneParity(self) -> bool:
        """Return whether the focal plane is mirrored against the field of view."""
        return self._parity

    def setFocalPlaneParity(self, flipX: bool) -> None:
        """Set whether the focal plane is mirrored against the field of view."""
        self._parity = flipX

    def add(self, name: str, id: int) -> DetectorInCameraBuilder:
        """Add a detector and return its builder.

        Raises
        ------
        ValueError
            Raised if there is already a detector of that name or number.
        """
        builder = DetectorInCameraBuilder(DetectorFields(name=name, id=id))
        self._add(builder)
        return builder

    def __delitem__(self, key: int | str) -> None:
        detector = self[key]
        del self._byId[detector.getId()]
        del self._byName[detector.getName()]

    def setTransformFromFocalPlaneTo(self, toSys: CameraSys, transform: TransformPoint2ToPoint2) -> None:
        """Set the transform from the focal plane to another coordinate system of the whole camera.

        Raises
        ------
        ValueError
            Raised if the system belongs to a detector.
        """
        if toSys.hasDetectorName():
            raise ValueError(f"{toSys} should be added to its detector, not to the camera.")
        self._connections[toSys] = Connection(transform, FOCAL_PLANE, toSys)

    def finish(self) -> Camera:
        """Return the camera; each detector's place follows from its orientation and pixel size.

        Raises
        ------
        ValueError
            Raised if there is no detector and no coordinate system, or if they are inconsistent.
        """
        systems = TransformMap(FOCAL_PLANE, self._makeConnections())
        detectors = [detector._finish(systems) for detector in self]
        return Camera(self._name, detectors, systems, self._pupilFactoryName)

    def _makeConnections(self) -> list[Connection]:
        connections = [self._fixParity(connection) for connection in self._connections.values()]
        for detector in self:
            pixels = detector.getNativeCoordSys()
            if FOCAL_PLANE not in detector._connections:
                place = detector.getOrientation().makeFpPixelTransform(detector.getPixelSize())
                connections.append(Connection(place, FOCAL_PLANE, pixels))
            connections += detector._connections.values()
        return connections

    def _fixParity(self, connection: Connection) -> Connection:
        transform = connection.transform
        if connection.toSys != FIELD_ANGLE or _isMirrored(transform) == self._parity:
            return connection
        return Connection(transform.then(makeScaling(-1.0, 1.0)), connection.fromSys, connection.toSys)


def _isMirrored(transform: TransformPoint2ToPoint2) -> bool:
    return bool(np.linalg.det(transform.getJacobian(Point2D(0.0, 0.0))) < 0)


Camera.Builder = CameraBuilder
