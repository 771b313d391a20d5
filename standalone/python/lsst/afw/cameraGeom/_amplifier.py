# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Amplifiers: their boxes on the assembled and on the raw image, and their electronic properties."""

from __future__ import annotations

__all__ = ["Amplifier", "AmplifierFields", "ReadoutCorner"]

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from lsst.geom import Box2I, Extent2I


class ReadoutCorner(enum.Enum):
    """Corner of an amplifier's box that is read first."""

    LL = 0
    LR = 1
    UR = 2
    UL = 3

    def __int__(self) -> int:
        return int(self.value)


@dataclass(slots=True)
class AmplifierFields:
    """What is known of an amplifier; levels are in ADU, gain is in e-/ADU and read noise in e-."""

    name: str = ""
    bbox: Box2I = field(default_factory=Box2I)
    gain: float = 0.0
    readNoise: float = 0.0
    saturation: float = 0.0
    suspectLevel: float = 0.0
    readoutCorner: ReadoutCorner = ReadoutCorner.LL
    linearityCoeffs: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    linearityType: str = ""
    linearityThreshold: float = 0.0
    linearityMaximum: float = 0.0
    linearityUnits: str = "DN"
    rawBBox: Box2I = field(default_factory=Box2I)
    rawDataBBox: Box2I = field(default_factory=Box2I)
    rawFlipX: bool = False
    rawFlipY: bool = False
    rawXYOffset: Extent2I = field(default_factory=lambda: Extent2I(0, 0))
    rawHorizontalOverscanBBox: Box2I = field(default_factory=Box2I)
    rawVerticalOverscanBBox: Box2I = field(default_factory=Box2I)
    rawPrescanBBox: Box2I = field(default_factory=Box2I)


class Amplifier:
    """Geometry and electronic properties of an amplifier; a `Builder` makes and changes them.

    Parameters
    ----------
    fields
        What is known of the amplifier.
    """

    Builder: type[AmplifierBuilder]

    def __init__(self, fields: AmplifierFields) -> None:
        self._fields = fields

    def rebuild(self) -> AmplifierBuilder:
        """Return a builder that starts from this amplifier."""
        return AmplifierBuilder(replace(self._fields))

    def getName(self) -> str:
        """Return the name, such as ``C00``."""
        return self._fields.name

    def getBBox(self) -> Box2I:
        """Return the box of the amplifier's pixels on the assembled image."""
        return Box2I(self._fields.bbox)

    def getGain(self) -> float:
        """Return the gain, in electrons per ADU."""
        return self._fields.gain

    def getReadNoise(self) -> float:
        """Return the read noise, in electrons."""
        return self._fields.readNoise

    def getSaturation(self) -> float:
        """Return the level above which pixels are saturated, in ADU; NaN for none."""
        return self._fields.saturation

    def getSuspectLevel(self) -> float:
        """Return the level above which pixels are suspect, in ADU; NaN for none."""
        return self._fields.suspectLevel

    def getReadoutCorner(self) -> ReadoutCorner:
        """Return the corner that is read first, on the assembled image."""
        return self._fields.readoutCorner

    def getLinearityCoeffs(self) -> npt.NDArray[np.float64]:
        """Return the coefficients of the linearity model; their number depends on its type."""
        return self._fields.linearityCoeffs.copy()

    def getLinearityType(self) -> str:
        """Return the name of the linearity model."""
        return self._fields.linearityType

    def getLinearityThreshold(self) -> float:
        """Return the level from which linearity applies, in ADU."""
        return self._fields.linearityThreshold

    def getLinearityMaximum(self) -> float:
        """Return the level up to which linearity applies, in ADU."""
        return self._fields.linearityMaximum

    def getLinearityUnits(self) -> str:
        """Return the unit of the linearity model's input."""
        return self._fields.linearityUnits

    def getRawBBox(self) -> Box2I:
        """Return the box of everything the amplifier reads, on the raw image."""
        return Box2I(self._fields.rawBBox)

    def getRawDataBBox(self) -> Box2I:
        """Return the box of the amplifier's pixels on the raw image."""
        return Box2I(self._fields.rawDataBBox)

    def getRawFlipX(self) -> bool:
        """Return whether assembly mirrors the columns."""
        return self._fields.rawFlipX

    def getRawFlipY(self) -> bool:
        """Return whether assembly mirrors the rows."""
        return self._fields.rawFlipY

    def getRawXYOffset(self) -> Extent2I:
        """Return the offset from the raw image to its place in a mosaic of raw images."""
        return self._fields.rawXYOffset.clone()

    def getRawHorizontalOverscanBBox(self) -> Box2I:
        """Return the box of the serial overscan on the raw image."""
        return Box2I(self._fields.rawHorizontalOverscanBBox)

    def getRawVerticalOverscanBBox(self) -> Box2I:
        """Return the box of the parallel overscan on the raw image."""
        return Box2I(self._fields.rawVerticalOverscanBBox)

    def getRawPrescanBBox(self) -> Box2I:
        """Return the box of the serial prescan on the raw image."""
        return Box2I(self._fields.rawPrescanBBox)

    getRawSerialOverscanBBox = getRawHorizontalOverscanBBox
    getRawParallelOverscanBBox = getRawVerticalOverscanBBox
    getRawSerialPrescanBBox = getRawPrescanBBox
    getRawHorizontalPrescanBBox = getRawPrescanBBox

    def __repr__(self) -> str:
        return f"<Amplifier {self.getName()}>"


class AmplifierBuilder(Amplifier):
    """Amplifier under construction; upstream calls it ``Amplifier.Builder``.

    Parameters
    ----------
    fields
        What is known so far.
    """

    def __init__(self, fields: AmplifierFields | None = None) -> None:
        super().__init__(fields if fields is not None else AmplifierFields())

    def finish(self) -> Amplifier:
        """Return the amplifier."""
        return Amplifier(replace(self._fields))

    def assign(self, other: Amplifier) -> None:
        """Take everything from another amplifier."""
        self._fields = replace(other._fields)

    def setName(self, name: str) -> None:
        """Set the name."""
        self._fields.name = name

    def setBBox(self, bbox: Box2I) -> None:
        """Set the box on the assembled image."""
        self._fields.bbox = Box2I(bbox)

    def setGain(self, gain: float) -> None:
        """Set the gain, in electrons per ADU."""
        self._fields.gain = float(gain)

    def setReadNoise(self, readNoise: float) -> None:
        """Set the read noise, in electrons."""
        self._fields.readNoise = float(readNoise)

    def setSaturation(self, saturation: float) -> None:
        """Set the saturation level, in ADU."""
        self._fields.saturation = float(saturation)

    def setSuspectLevel(self, suspectLevel: float) -> None:
        """Set the suspect level, in ADU."""
        self._fields.suspectLevel = float(suspectLevel)

    def setReadoutCorner(self, corner: ReadoutCorner) -> None:
        """Set the corner that is read first."""
        self._fields.readoutCorner = ReadoutCorner(corner)

    def setLinearityCoeffs(self, coeffs: Sequence[float] | npt.NDArray[np.float64]) -> None:
        """Set the coefficients of the linearity model."""
        self._fields.linearityCoeffs = np.array(coeffs, dtype=np.float64)

    def setLinearityType(self, type: str) -> None:
        """Set the name of the linearity model."""
        self._fields.linearityType = type

    def setLinearityThreshold(self, threshold: float) -> None:
        """Set the level from which linearity applies, in ADU."""
        self._fields.linearityThreshold = float(threshold)

    def setLinearityMaximum(self, maximum: float) -> None:
        """Set the level up to which linearity applies, in ADU."""
        self._fields.linearityMaximum = float(maximum)

    def setLinearityUnits(self, units: str) -> None:
        """Set the unit of the linearity model's input."""
        self._fields.linearityUnits = units

    def setRawBBox(self, bbox: Box2I) -> None:
        """Set the box of everything on the raw image."""
        self._fields.rawBBox = Box2I(bbox)

    def setRawDataBBox(self, bbox: Box2I) -> None:
        """Set the box of the pixels on the raw image."""
        self._fields.rawDataBBox = Box2I(bbox)

    def setRawFlipX(self, rawFlipX: bool) -> None:
        """Set whether assembly mirrors the columns."""
        self._fields.rawFlipX = bool(rawFlipX)

    def setRawFlipY(self, rawFlipY: bool) -> None:
        """Set whether assembly mirrors the rows."""
        self._fields.rawFlipY = bool(rawFlipY)

    def setRawXYOffset(self, offset: Extent2I) -> None:
        """Set the offset from the raw image to its place in a mosaic of raw images."""
        self._fields.rawXYOffset = Extent2I(offset)

    def setRawHorizontalOverscanBBox(self, bbox: Box2I) -> None:
        """Set the box of the serial overscan."""
        self._fields.rawHorizontalOverscanBBox = Box2I(bbox)

    def setRawVerticalOverscanBBox(self, bbox: Box2I) -> None:
        """Set the box of the parallel overscan."""
        self._fields.rawVerticalOverscanBBox = Box2I(bbox)

    def setRawPrescanBBox(self, bbox: Box2I) -> None:
        """Set the box of the serial prescan."""
        self._fields.rawPrescanBBox = Box2I(bbox)

    setRawSerialOverscanBBox = setRawHorizontalOverscanBBox
    setRawParallelOverscanBBox = setRawVerticalOverscanBBox
    setRawSerialPrescanBBox = setRawPrescanBBox
    setRawHorizontalPrescanBBox = setRawPrescanBBox


Amplifier.Builder = AmplifierBuilder
