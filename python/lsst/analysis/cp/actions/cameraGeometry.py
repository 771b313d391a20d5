# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The geometry of a camera, measured once a process."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.analysis.cp.core import FocalPlaneGeometry

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["cameraGeometry"]


@lru_cache(maxsize=8)
def cameraGeometry(camera: Camera) -> FocalPlaneGeometry:
    """Get the places and names of a camera's detectors and amplifiers, measured once for each camera.

    Parameters
    ----------
    camera
        The camera.

    Returns
    -------
    geometry
        Its geometry; the names are in ``geometry.layout``.
    """
    return FocalPlaneGeometry.fromCamera(camera, PIXELS, FOCAL_PLANE)
