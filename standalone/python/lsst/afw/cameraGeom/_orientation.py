# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Position and attitude of a detector on the focal plane."""

from __future__ import annotations

__all__ = ["Orientation"]

import math

import numpy as np
import numpy.typing as npt

from lsst.geom import Angle, Extent2D, Point2D, Point3D

from ._transform import TransformPoint2ToPoint2, makeAffineTransform


class Orientation:
    """Position and attitude of a detector on the focal plane.

    Parameters
    ----------
    fpPosition
        Position of the reference point on the focal plane, in mm; z is 0 if not given.
    refPoint
        Reference point on the detector, in pixels.
    yaw
        First rotation, about z (x to y).
    pitch
        Second rotation, about y' (z' to x').
    roll
        Third rotation, about x'' (y'' to z'').
    """

    def __init__(
        self,
        fpPosition: Point2D | Point3D | None = None,
        refPoint: Point2D | None = None,
        yaw: Angle | None = None,
        pitch: Angle | None = None,
        roll: Angle | None = None,
    ) -> None:
        position = list(fpPosition) if fpPosition is not None else []
        self._fpPosition = Point3D(*position, *([0.0] * (3 - len(position))))
        self._refPoint = Point2D(-0.5, -0.5) if refPoint is None else Point2D(refPoint)
        self._yaw, self._pitch, self._roll = (a or Angle(0.0) for a in (yaw, pitch, roll))

    def getFpPosition(self) -> Point2D:
        """Return the position of the reference point on the focal plane, in mm, without z."""
        return Point2D(self._fpPosition.getX(), self._fpPosition.getY())

    def getFpPosition3(self) -> Point3D:
        """Return the position of the reference point, in mm."""
        return self._fpPosition.clone()

    def getReferencePoint(self) -> Point2D:
        """Return the reference point on the detector, in pixels."""
        return self._refPoint.clone()

    def getHeight(self) -> float:
        """Return the height of the reference point above the focal plane, in mm."""
        return self._fpPosition.getZ()

    def getYaw(self) -> Angle:
        """Return the first rotation, about z."""
        return self._yaw

    def getPitch(self) -> Angle:
        """Return the second rotation, about y'."""
        return self._pitch

    def getRoll(self) -> Angle:
        """Return the third rotation, about x''."""
        return self._roll

    def getNQuarter(self) -> int:
        """Return the number of quarter turns nearest to the yaw, at least 0."""
        degrees = self._yaw.asDegrees()
        turns = math.ceil(-degrees / 360.0) if degrees < 0 else 0
        return math.floor((np.float32(degrees + 360.0 * turns) + 45.0) / 90.0)

    def _rotation(self) -> npt.NDArray[np.float64]:
        """Return the part in x and y of the rotation matrix Z(yaw) Y(pitch) X(roll), shape (2, 2)."""
        angles = np.array([float(self._yaw), float(self._pitch), float(self._roll)])
        (cos_yaw, cos_pitch, cos_roll), (sin_yaw, sin_pitch, sin_roll) = np.cos(angles), np.sin(angles)
        return np.array(
            [
                [cos_yaw * cos_pitch, cos_yaw * sin_pitch * sin_roll - sin_yaw * cos_roll],
                [sin_yaw * cos_pitch, sin_yaw * sin_pitch * sin_roll + cos_yaw * cos_roll],
            ]
        )

    def makePixelFpTransform(self, pixelSizeMm: Extent2D) -> TransformPoint2ToPoint2:
        """Return the transform from pixels to the focal plane.

        Parameters
        ----------
        pixelSizeMm
            Size of a pixel, in mm.
        """
        size, rotation = np.array(list(pixelSizeMm)), self._rotation()
        reference = rotation @ (size * np.array(list(self._refPoint)))
        position = np.array(list(self.getFpPosition()))
        return makeAffineTransform(rotation * size, position - reference)

    def makeFpPixelTransform(self, pixelSizeMm: Extent2D) -> TransformPoint2ToPoint2:
        """Return the transform from the focal plane to pixels.

        Parameters
        ----------
        pixelSizeMm
            Size of a pixel, in mm.
        """
        return self.makePixelFpTransform(pixelSizeMm).inverted()
