# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A small camera for tests: two rafts of six detectors, some turned, with two or eight amplifiers.

Follows afw of w_2026_30 in detectors and amplifiers. The optics (plate scale, distortion, parity), and with
them the coordinate systems ``FIELD_ANGLE`` and ``TAN_PIXELS``, are left out.
"""

from __future__ import annotations

__all__ = ["CameraWrapper"]

from collections.abc import Iterator

from lsst.geom import Box2I, Extent2D, Extent2I, Point2D, Point2I, degrees

from ._amplifier import AmplifierBuilder, ReadoutCorner
from ._camera import Camera, CameraBuilder
from ._detector import DetectorType
from ._orientation import Orientation

_PIXEL_SIZE = 0.01
_WIDTH = 100
_RAW_WIDTH = 125
_COLUMNS = {0: (-3.12, -1.1), 1: (1.1, 3.12)}
_ROWS = (-2.02, 0.0, 2.02)
_YAWS = {(0, 0, 0): 180.0, (0, 1, 0): 90.0, (1, 0, 0): 180.0, (1, 1, 1): 90.0}
_GAINS = {(0, 0): 0.0, (0, 1): 0.1, (0, 2): 0.2, (0, 3): 0.3, (1, 0): 0.1, (1, 1): 0.11, (1, 2): 0.12}


class CameraWrapper:
    """A small camera and what it was made of.

    Parameters
    ----------
    isLsstLike
        Whether there is a raw image for each amplifier, and not one for each detector.
    """

    def __init__(self, *, isLsstLike: bool = False) -> None:
        builder = Camera.Builder("testCameraLSST" if isLsstLike else "testCameraSC")
        self.detectorNameList: list[str] = []
        self.detectorIdList: list[int] = []
        for raft in (0, 1):
            for row in (0, 1, 2):
                for column in (0, 1):
                    self._addDetector(builder, raft, column, row, isLsstLike)
        self.camera = builder.finish()

    @property
    def nDetectors(self) -> int:
        """Number of detectors."""
        return len(self.detectorNameList)

    def _addDetector(self, camera: CameraBuilder, raft: int, column: int, row: int, isLsstLike: bool) -> None:
        name, number = f"R:{raft},0 S:{column},{row}", 10 * (self.nDetectors + 1)
        is_guider = (column, row) == (0, 0)
        yaw = _YAWS.get((raft, column, row), 180.0 if row == 2 else 0.0)
        detector = camera.add(name, number)
        detector.setSerial(f"{1234 + 10 * raft + 2 * row + column}")
        detector.setType(DetectorType.GUIDER if is_guider else DetectorType.SCIENCE)
        detector.setBBox(_box(0, 0, 2 * _WIDTH, 204))
        detector.setPixelSize(Extent2D(_PIXEL_SIZE, _PIXEL_SIZE))
        position = Point2D(_COLUMNS[raft][column], _ROWS[row])
        detector.setOrientation(Orientation(position, Point2D(99.5, 101.5), yaw * degrees))
        for amplifier in _makeAmplifiers(is_guider, isLsstLike):
            detector.append(amplifier)
        self.detectorNameList.append(name)
        self.detectorIdList.append(number)


def _makeAmplifiers(is_guider: bool, isLsstLike: bool) -> Iterator[AmplifierBuilder]:
    height = 204 if is_guider else 51
    for column in (0, 1):
        for row in range(204 // height):
            amplifier = AmplifierBuilder()
            amplifier.setName(f"C:{column},{row}")
            amplifier.setBBox(_box(column * _WIDTH, row * height, _WIDTH, height))
            amplifier.setGain(0.5 + 0.5 * column if is_guider else _GAINS.get((column, row), 0.14))
            amplifier.setReadNoise(10.0)
            amplifier.setLinearityType("PROPORTIONAL")
            amplifier.setLinearityCoeffs([1.0 if is_guider else 0.0])
            amplifier.setLinearityThreshold((10.0, 0.1)[column] if is_guider else 0.0)
            amplifier.setLinearityMaximum(65535.0)
            amplifier.setLinearityUnits("ELECTRONS" if is_guider and column else "DN")
            _setRawBoxes(amplifier, column, row, height, isLsstLike)
            yield amplifier


def _setRawBoxes(amplifier: AmplifierBuilder, column: int, row: int, height: int, isLsstLike: bool) -> None:
    is_guider = height == 204
    overscan = 7 if is_guider else 5
    raw_height = 2 + height + overscan
    flip_x, flip_y = (column == 0, True) if is_guider else (column == 1, False)
    offset = Extent2I(column * _RAW_WIDTH, row * raw_height)
    boxes = [
        _box(0, 0, _RAW_WIDTH, raw_height),
        _box(10, 2, _WIDTH, height),
        _box(110, 2, 15, height),
        _box(10, 2 + height, _WIDTH, overscan),
        _box(7, 2, 3, height),
    ]
    if isLsstLike:
        amplifier.setRawFlipX(flip_x)
        amplifier.setRawFlipY(flip_y)
        amplifier.setRawXYOffset(offset)
    else:
        for box in boxes:
            if flip_x:
                box.flipLR(_RAW_WIDTH)
            if flip_y:
                box.flipTB(raw_height)
            box.shift(offset)
        corners = {(False, False): "LL", (True, False): "LR", (True, True): "UR", (False, True): "UL"}
        amplifier.setReadoutCorner(ReadoutCorner[corners[flip_x, flip_y]])
    amplifier.setRawBBox(boxes[0])
    amplifier.setRawDataBBox(boxes[1])
    amplifier.setRawHorizontalOverscanBBox(boxes[2])
    amplifier.setRawVerticalOverscanBBox(boxes[3])
    amplifier.setRawPrescanBBox(boxes[4])


def _box(x: int, y: int, width: int, height: int) -> Box2I:
    return Box2I(Point2I(x, y), Extent2I(width, height))
