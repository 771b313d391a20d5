# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Names of the coordinate systems of a camera."""

from __future__ import annotations

__all__ = [
    "FIELD_ANGLE",
    "FOCAL_PLANE",
    "PIXELS",
    "TAN_PIXELS",
    "CameraSys",
    "CameraSysPrefix",
]

from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class CameraSysPrefix:
    """Coordinate system that each detector has one of; with the detector's name it makes a `CameraSys`.

    Parameters
    ----------
    sysName
        Name of the system.
    """

    sysName: str

    def getSysName(self) -> str:
        """Return the name of the system."""
        return self.sysName

    def __str__(self) -> str:
        return f"CameraSysPrefix({self.sysName})"

    __repr__ = __str__


@dataclass(frozen=True, repr=False)
class CameraSys:
    """Coordinate system of a camera or of one of its detectors.

    Parameters
    ----------
    sysName
        Name of the system, or the prefix that has it.
    detectorName
        Name of the detector; empty for a system of the whole camera.
    """

    sysName: str
    detectorName: str = ""

    def __init__(self, sysName: str | CameraSysPrefix, detectorName: str = "") -> None:
        name = sysName.getSysName() if isinstance(sysName, CameraSysPrefix) else sysName
        object.__setattr__(self, "sysName", name)
        object.__setattr__(self, "detectorName", detectorName)

    def getSysName(self) -> str:
        """Return the name of the system, without the detector's."""
        return self.sysName

    def getDetectorName(self) -> str:
        """Return the name of the detector, empty for a system of the whole camera."""
        return self.detectorName

    def hasDetectorName(self) -> bool:
        """Return whether the system belongs to one detector."""
        return bool(self.detectorName)

    def __str__(self) -> str:
        detector = f", {self.detectorName}" if self.detectorName else ""
        return f"CameraSys({self.sysName}{detector})"

    __repr__ = __str__


FOCAL_PLANE = CameraSys("FocalPlane")
"""Position on the focal plane, in mm."""

FIELD_ANGLE = CameraSys("FieldAngle")
"""Angle from the boresight, in radians."""

PIXELS = CameraSysPrefix("Pixels")
"""Pixels of an assembled detector; integers are pixel centres."""

TAN_PIXELS = CameraSysPrefix("TanPixels")
"""Pixels of a detector as they would be if the optics had no distortion."""
