# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Points, extents, boxes and angles: the part of ``lsst.geom`` used by images, cameras and analysis actions.

Follows geom of w_2026_30. Positions on the sky, intervals, affine transforms and extents in space are left
out: asking for them raises `NotImplementedError`, `ImportError` or `AttributeError`.
"""

from lsst.standalone import guard

guard(__name__)

from ._angle import Angle, AngleUnit, arcseconds, degrees, radians
from ._box2D import Box2D
from ._box2I import Box2I
from ._coordinates import Extent2D, Extent2I, Point2D, Point2I, Point3D
from ._spherePoint import SpherePoint

__all__ = [
    "Angle",
    "AngleUnit",
    "Box2D",
    "Box2I",
    "Extent2D",
    "Extent2I",
    "Point2D",
    "Point2I",
    "Point3D",
    "SpherePoint",
    "arcseconds",
    "degrees",
    "radians",
]
