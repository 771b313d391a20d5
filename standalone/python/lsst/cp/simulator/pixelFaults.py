# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Faults that are structures of the assembled image: drawn at random, and added to its pixels."""

__all__ = ["PixelFault", "addPixelFault", "drawDetectorFaults", "drawPixelFault"]

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .events import addLine
from .fault import Fault
from .faultKind import TRAITS, FaultKind
from .frames import AmplifierGeometry
from .randomStreams import RandomStreams

FloatArray = npt.NDArray[np.float32]
Region = tuple[slice, slice]

_SCRATCH_SIGMA = 0.7
"""Standard deviation of the profile of a scratch (pixels)."""


@dataclass(frozen=True)
class PixelFault:
    """A structure in the assembled image, as it is added.

    Parameters
    ----------
    kind
        What it is.
    region
        Rows and columns of its amplifier, or of the detector for a structure of the whole detector.
    noise
        Noise of a pixel in which the amplitude is measured (electron).
    x, y
        Its place in the assembled image, where pixel n is centred at n: the middle of a column's raised rows
        or of a scratch, a point of a streak, a crest of a pattern, the corner of a glow, else the middle.
    size
        Size in the unit of the kind; zero for a kind without.
    angle
        Direction of a line, or in which a gradient rises, from x towards y (degrees); zero for a
        kind without.
    amplitude
        Amplitude in the unit of the kind.
    """

    kind: FaultKind
    region: Region
    noise: float
    x: float
    y: float
    size: float
    angle: float
    amplitude: float


def drawPixelFault(
    kind: FaultKind,
    region: Region,
    noise: float,
    random: np.random.Generator,
    *,
    x: float | None = None,
    y: float | None = None,
    size: float | None = None,
    angle: float | None = None,
    amplitude: float | None = None,
) -> PixelFault:
    """Draw what is not given of a fault, from random numbers that do not depend on what is given.

    Parameters
    ----------
    kind
        A kind that is a structure in the pixels.
    region
        Rows and columns of the amplifier, or of the detector.
    noise
        Noise of a pixel (electron).
    random
        Random numbers.
    x, y, size, angle, amplitude
        As those of `PixelFault`, if they are given.

    Returns
    -------
    fault
        The fault. A drawn size is cut to fit into the region, and a drawn place is such that all of the
        structure is in the region, but for a streak.

    Raises
    ------
    ValueError
        Raised for a kind that is no structure in the pixels, or a place outside of the region.
    """
    traits = TRAITS[kind]
    if not traits.isStructure:
        raise ValueError(f"Faults of kind {kind} are no structures in the pixels.")
    uniforms = random.uniform(size=5).tolist()
    drawn_amplitude, drawn_size = (
        low + (high - low) * uniform
        for (low, high), uniform in zip((traits.drawn, traits.sizes), uniforms[:2], strict=True)
    )
    turn = 360.0 if kind is FaultKind.GRADIENT else 180.0
    angle = (turn * uniforms[2] if angle is None else angle) if "angle" in traits.places else 0.0
    if size is None:
        size = _fitSize(kind, region, drawn_size, angle) if traits.sizeUnit else 0.0
    drawn_x, drawn_y = _drawPlace(kind, region, _halfExtent(kind, size, angle), uniforms[3:])
    if amplitude is None:
        amplitude = drawn_amplitude if traits.unit else 0.0
    fault = PixelFault(
        kind=kind,
        region=region,
        noise=noise,
        x=drawn_x if x is None else x,
        y=drawn_y if y is None else y,
        size=size,
        angle=angle,
        amplitude=amplitude,
    )
    _checkPlace(fault)
    return _alignWithPixels(fault)


def _checkPlace(fault: PixelFault) -> None:
    for name, place, axis in zip("yx", (fault.y, fault.x), fault.region, strict=True):
        if not axis.start <= place <= axis.stop - 1:
            raise ValueError(
                f"Fault {fault.kind}: expected {name} from {axis.start} to {axis.stop - 1}, got {place!r}."
            )


def _fitSize(kind: FaultKind, region: Region, size: float, angle: float) -> float:
    """Cut a size to what the region can hold."""
    height, width = (axis.stop - axis.start for axis in region)
    if kind is FaultKind.BRIGHT_COLUMN:
        return float(min(round(size), height))
    if kind is FaultKind.CORNER_GLOW:
        return min(size, 0.1 * width)
    if kind is FaultKind.SCRATCH:
        half_width, half_height = _halfExtent(kind, 1.0, angle)
        return min(size, 0.45 * width / max(half_width, 1e-3), 0.45 * height / max(half_height, 1e-3))
    return size


def _halfExtent(kind: FaultKind, size: float, angle: float) -> tuple[float, float]:
    """Give half the width and half the height of a structure that has to lie inside of its region."""
    if kind is FaultKind.BRIGHT_COLUMN:
        return 0.0, 0.5 * (size - 1)
    if kind is FaultKind.SCRATCH:
        radians = math.radians(angle)
        return 0.5 * size * abs(math.cos(radians)), 0.5 * size * abs(math.sin(radians))
    return 0.0, 0.0


def _drawPlace(
    kind: FaultKind, region: Region, halfExtent: tuple[float, float], uniforms: Sequence[float]
) -> tuple[float, float]:
    """Draw x and y: a corner for a glow, the middle for what fills its region, else where there is room."""
    if kind is FaultKind.CORNER_GLOW:
        uniforms = [float(round(uniform)) for uniform in uniforms]
    elif kind in (FaultKind.GRADIENT, FaultKind.DEAD_AMPLIFIER):
        uniforms = (0.5, 0.5)
    x, y = (
        axis.start + half + (axis.stop - 1 - axis.start - 2 * half) * uniform
        for axis, half, uniform in zip(region[::-1], halfExtent, uniforms, strict=True)
    )
    return x, y


def _alignWithPixels(fault: PixelFault) -> PixelFault:
    """Put a fault that consists of whole pixels onto them."""
    if fault.kind is FaultKind.HOT_PIXEL:
        return replace(fault, x=float(round(fault.x)), y=float(round(fault.y)))
    if fault.kind is FaultKind.BRIGHT_COLUMN:
        number = round(fault.size)
        half = 0.5 * (number - 1)
        return replace(fault, x=float(round(fault.x)), y=round(fault.y - half) + half, size=float(number))
    return fault


def drawDetectorFaults(
    faults: Sequence[Fault],
    geometries: Sequence[AmplifierGeometry],
    shape: tuple[int, int],
    streams: RandomStreams,
) -> list[tuple[str, PixelFault]]:
    """Draw the structures in the pixels of a detector in one exposure.

    Parameters
    ----------
    faults
        Faults of the detector in this exposure, of all kinds.
    geometries
        Its amplifiers.
    shape
        Rows and columns of the assembled image.
    streams
        Random numbers of the detector in this exposure. Each fault has a stream of its own that depends on
        nothing but its text, its amplifier and how many equal ones there are before it; defects of the
        detector stay the same in all exposures.

    Returns
    -------
    drawn
        Amplifier, empty for the whole detector, and fault; one for each amplifier of each fault.

    Raises
    ------
    ValueError
        Raised if a place is given that is outside of the amplifier or detector.
    """
    whole = (slice(0, shape[0]), slice(0, shape[1]))
    noise = float(np.median([geometry.readNoise for geometry in geometries]))
    of_name = {geometry.name: geometry for geometry in geometries}
    drawn = []
    for index, fault in enumerate(faults):
        traits = TRAITS[fault.kind]
        if not traits.isStructure:
            continue
        own = streams if traits.changes else replace(streams, exposure=None)
        number = faults[:index].count(fault)
        given = {name: getattr(fault, name) for name in ("x", "y", "size", "angle", "amplitude")}
        for name in fault.amplifiers or ("",):
            random = own.make("fault", f"{fault.toText()} {name} {number}")
            region, sigma = whole, noise
            if name:
                geometry = of_name[name]
                region, sigma = (geometry.rows, geometry.columns), geometry.readNoise
                if fault.kind is FaultKind.CORNER_GLOW:
                    given |= geometry.readoutCorner
            drawn.append((name, drawPixelFault(fault.kind, region, sigma, random, **given)))
    return drawn


def addPixelFault(image: FloatArray, fault: PixelFault) -> None:
    """Add a fault to an image; a dead amplifier replaces what is there.

    Parameters
    ----------
    image
        Assembled image to add to, in place (electron).
    fault
        What to add.
    """
    _ADDERS[fault.kind](image, fault)


def _addHotPixel(image: FloatArray, fault: PixelFault) -> None:
    image[round(fault.y), round(fault.x)] += np.float32(fault.amplitude * fault.noise)


def _addBrightColumn(image: FloatArray, fault: PixelFault) -> None:
    rows = fault.region[0]
    height = rows.stop - rows.start
    number = round(fault.size)
    first = round(fault.y - 0.5 * (number - 1))
    # The standard error of the column's mean is noise / sqrt(height), and only some rows are raised.
    raised = fault.amplitude * fault.noise * np.sqrt(height) / number
    image[max(first, rows.start) : min(first + number, rows.stop), round(fault.x)] += np.float32(raised)


def _addCornerGlow(image: FloatArray, fault: PixelFault) -> None:
    rows, columns = (np.arange(axis.start, axis.stop) for axis in fault.region)
    distance = np.hypot(rows[:, None] - fault.y, columns - fault.x)
    image[fault.region] += (fault.amplitude * fault.noise * np.exp(-distance / fault.size)).astype(np.float32)


def _addDeadAmplifier(image: FloatArray, fault: PixelFault) -> None:
    image[fault.region] = 0


def _addScratch(image: FloatArray, fault: PixelFault) -> None:
    _addRidge(image, fault, fault.size, _SCRATCH_SIGMA)


def _addStreak(image: FloatArray, fault: PixelFault) -> None:
    _addRidge(image, fault, 2 * math.hypot(*image.shape), fault.size)


def _addRidge(image: FloatArray, fault: PixelFault, length: float, sigma: float) -> None:
    """Add a line around the fault's place. Integration over a pixel widens the profile by a twelfth."""
    radians = math.radians(fault.angle)
    half = 0.5 * length * np.array([math.sin(radians), math.cos(radians)])
    middle = np.array([fault.y, fault.x]) + 0.5
    charge = fault.amplitude * fault.noise * length * math.sqrt(2 * math.pi * (sigma**2 + 1 / 12))
    addLine(image, middle - half, middle + half, charge, sigma)


def _addGradient(image: FloatArray, fault: PixelFault) -> None:
    cosine, sine = math.cos(math.radians(fault.angle)), math.sin(math.radians(fault.angle))
    height, width = (axis.stop - axis.start for axis in fault.region)
    slope = fault.amplitude * fault.noise / ((height - 1) * abs(sine) + (width - 1) * abs(cosine))
    view = image[fault.region]
    view += (slope * sine * (np.arange(height) - 0.5 * (height - 1))).astype(np.float32)[:, None]
    view += (slope * cosine * (np.arange(width) - 0.5 * (width - 1))).astype(np.float32)


def _addRowPattern(image: FloatArray, fault: PixelFault) -> None:
    image[fault.region] += _wave(fault.region[0], fault.y, fault)[:, None]


def _addColumnPattern(image: FloatArray, fault: PixelFault) -> None:
    image[fault.region] += _wave(fault.region[1], fault.x, fault)


def _wave(axis: slice, crest: float, fault: PixelFault) -> FloatArray:
    """Make a wave of the amplitude as standard deviation."""
    phase = 2 * np.pi * (np.arange(axis.start, axis.stop) - crest) / fault.size
    return (fault.amplitude * fault.noise * np.sqrt(2) * np.cos(phase)).astype(np.float32)


_ADDERS: dict[FaultKind, Callable[[FloatArray, PixelFault], None]] = {
    FaultKind.HOT_PIXEL: _addHotPixel,
    FaultKind.BRIGHT_COLUMN: _addBrightColumn,
    FaultKind.CORNER_GLOW: _addCornerGlow,
    FaultKind.DEAD_AMPLIFIER: _addDeadAmplifier,
    FaultKind.SCRATCH: _addScratch,
    FaultKind.GRADIENT: _addGradient,
    FaultKind.ROW_PATTERN: _addRowPattern,
    FaultKind.COLUMN_PATTERN: _addColumnPattern,
    FaultKind.STREAK: _addStreak,
}
