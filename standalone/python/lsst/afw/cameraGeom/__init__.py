# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Cameras: detectors, amplifiers and coordinate systems, in memory and in FITS files.

Follows afw of w_2026_30. Construction from configs or lists of amplifiers, assembly of images, records of
amplifiers and the pupil are left out: asking for them raises `ImportError` or `AttributeError`. Errors are
Python's own (`ValueError`, `KeyError`), where upstream raises those of pex_exceptions. A rebuilt camera keeps
its parity.
"""

from lsst.standalone import guard

guard(__name__)

from . import testUtils
from ._amplifier import Amplifier, ReadoutCorner
from ._camera import Camera, DetectorCollection
from ._cameraSys import (
    FIELD_ANGLE,
    FOCAL_PLANE,
    PIXELS,
    TAN_PIXELS,
    CameraSys,
    CameraSysPrefix,
)
from ._detector import Detector, DetectorType
from ._orientation import Orientation
from ._transform import TransformPoint2ToPoint2
from ._transformMap import TransformMap

__all__ = [
    "FIELD_ANGLE",
    "FOCAL_PLANE",
    "PIXELS",
    "TAN_PIXELS",
    "Amplifier",
    "Camera",
    "CameraSys",
    "CameraSysPrefix",
    "Detector",
    "DetectorCollection",
    "DetectorType",
    "Orientation",
    "ReadoutCorner",
    "TransformMap",
    "TransformPoint2ToPoint2",
    "testUtils",
]
