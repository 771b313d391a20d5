# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Position on the sky."""

from __future__ import annotations

__all__ = ["SpherePoint"]

import math

from lsst.sphgeom import LonLat, UnitVector3d

from ._angle import Angle, AngleUnit, radians


class SpherePoint:
    """Position on the sphere; only its coordinates, not the great-circle methods.

    Parameters
    ----------
    longitude, latitude
        Position; angles, or numbers in ``units``. The longitude is wrapped to [0, 360) degrees.
    units
        Unit of the numbers.

    Raises
    ------
    ValueError
        Raised if the latitude is not within [-90, 90] degrees.
    """

    __slots__ = ("_latitude", "_longitude")

    def __init__(self, longitude: float | Angle, latitude: float | Angle, units: AngleUnit = radians) -> None:
        self._longitude = _asAngle(longitude, units).wrap()
        self._latitude = _asAngle(latitude, units)
        if not abs(self._latitude.asRadians()) <= math.pi / 2:
            raise ValueError(f"Angle {self._latitude!r} is not a valid latitude.")

    def getLongitude(self) -> Angle:
        """Return the longitude, in [0, 360) degrees."""
        return self._longitude

    def getLatitude(self) -> Angle:
        """Return the latitude."""
        return self._latitude

    def getVector(self) -> UnitVector3d:
        """Return the unit vector that points to the position."""
        return UnitVector3d(LonLat.fromRadians(self._longitude.asRadians(), self._latitude.asRadians()))


def _asAngle(value: float | Angle, units: AngleUnit) -> Angle:
    return value if isinstance(value, Angle) else Angle(value, units)
