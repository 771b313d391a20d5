# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Cameras with fewer pixels, for tests and quick trials."""

__all__ = ["shrinkCamera"]

from typing import Any

from lsst.afw.cameraGeom import Camera, Orientation
from lsst.geom import Box2I, Extent2D, Extent2I, Point2D, Point2I


def shrinkCamera(camera: Camera, factor: int) -> Camera:
    """Make a camera of the same detectors and amplifiers, with larger and fewer pixels.

    Parameters
    ----------
    camera
        The camera.
    factor
        Factor by which pixels are larger.

    Returns
    -------
    small
        Camera whose amplifiers have rows and columns divided by ``factor``, rounded down, and pre- and
        overscans of the same width as before. Detectors keep their places and, but for the rounding, their
        sizes.

    Raises
    ------
    ValueError
        Raised for a factor smaller than one.
    """
    if factor < 1:
        raise ValueError(f"Expected a factor of 1 or more, got {factor!r}.")
    builder = Camera.Builder(camera)
    for detector in builder:
        box = Box2I()
        for amplifier in detector:
            _shrinkAmplifier(amplifier, factor)
            box.include(amplifier.getBBox())
        detector.setBBox(box)
        pixel_size, orientation = detector.getPixelSize(), detector.getOrientation()
        detector.setPixelSize(Extent2D(pixel_size.getX() * factor, pixel_size.getY() * factor))
        reference = orientation.getReferencePoint()
        detector.setOrientation(
            Orientation(
                orientation.getFpPosition3(),
                # The outer edge of the first pixel, at -0.5, is the fixed point of the scale.
                Point2D((reference.getX() + 0.5) / factor - 0.5, (reference.getY() + 0.5) / factor - 0.5),
                orientation.getYaw(),
                orientation.getPitch(),
                orientation.getRoll(),
            )
        )
    return builder.finish()


def _shrinkAmplifier(amplifier: Any, factor: int) -> None:
    box, data, raw = amplifier.getBBox(), amplifier.getRawDataBBox(), amplifier.getRawBBox()
    width, height = box.getWidth() // factor, box.getHeight() // factor
    lost_width, lost_height = box.getWidth() - width, box.getHeight() - height
    column, row = box.getMinX() // box.getWidth(), box.getMinY() // box.getHeight()
    serial, parallel = amplifier.getRawHorizontalOverscanBBox(), amplifier.getRawVerticalOverscanBBox()
    prescan = amplifier.getRawPrescanBBox()
    x, y = data.getMinX(), data.getMinY()
    amplifier.setBBox(_makeBox(column * width, row * height, width, height))
    amplifier.setRawBBox(_makeBox(0, 0, raw.getWidth() - lost_width, raw.getHeight() - lost_height))
    amplifier.setRawXYOffset(Extent2I(0, 0))
    amplifier.setRawDataBBox(_makeBox(x, y, width, height))
    amplifier.setRawHorizontalOverscanBBox(_makeBox(x + width, y, serial.getWidth(), height))
    amplifier.setRawVerticalOverscanBBox(_makeBox(x, y + height, width, parallel.getHeight()))
    amplifier.setRawPrescanBBox(_makeBox(prescan.getMinX(), y, prescan.getWidth(), height))


def _makeBox(x: int, y: int, width: int, height: int) -> Box2I:
    return Box2I(Point2I(x, y), Extent2I(width, height))
