# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Bias frames, amplifier by amplifier, as arrays.

An amplifier's raw pixels, in readout order (row r, column c) and in ADU, are

    level + drift(r) + [pattern(r, c) + step + noise(r, c)] / gain

and its overscan pixels are ``level + drift(r) + noise(r, c) / gain``. The noise has the nominal read noise as
its standard deviation; a small part of its variance is common to all amplifiers of the detector, which are
clocked together, and another one varies slowly along each row. The drift of the level is smooth and largely
removed by the overscan; the fixed pattern is removed by the combined bias; the step is an offset of image
against overscan that changes from exposure to exposure. The level is not digitised.
"""

__all__ = ["AmplifierGeometry", "CombinedBias", "FrameModel", "RawAmplifier", "makeCombinedBias", "makeRaw"]

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .correlatedNoise import makeRowNoise
from .fault import Fault, FaultKind
from .randomStreams import RandomStreams

FloatArray = npt.NDArray[np.float32]

_SHIFTED_ROWS = (0.4, 0.6)
"""Where a bias shift begins and ends, as a fraction of the rows."""


@dataclass(frozen=True)
class FrameModel:
    """What clean frames look like.

    Parameters
    ----------
    biasLevel
        Level of the amplifiers (ADU).
    driftAmplitude
        Amplitude of the level's drift along the rows (ADU).
    commonFraction
        Part of the noise variance that is common to the amplifiers of a detector.
    lowFrequencyFraction
        Part of the noise variance that varies slowly along rows, overscan included.
    stepSigma
        Scatter of the offset of image against overscan (electron).
    patternAmplitude
        Amplitude of the fixed pattern (electron).
    numCombined
        Number of frames in the combined bias.
    cosmicRayRate
        Mean number of cosmic rays in a million pixels.
    """

    biasLevel: float = 1000.0
    driftAmplitude: float = 1.0
    commonFraction: float = 0.01
    lowFrequencyFraction: float = 0.002
    stepSigma: float = 0.2
    patternAmplitude: float = 2.0
    numCombined: int = 100
    cosmicRayRate: float = 2.0


@dataclass(frozen=True)
class AmplifierGeometry:
    """An amplifier's pixels in the assembled image and on readout.

    Parameters
    ----------
    name
        Name of the amplifier.
    rows, columns
        Its pixels in the assembled image.
    overscanShape
        Rows and columns of the serial overscan.
    flipX, flipY
        Whether columns and rows are read out against those of the assembled image.
    gain
        Gain (electron/ADU).
    readNoise
        Nominal read noise (electron).
    """

    name: str
    rows: slice
    columns: slice
    overscanShape: tuple[int, int]
    flipX: bool
    flipY: bool
    gain: float
    readNoise: float

    @classmethod
    def fromAmplifier(cls, amplifier: Any, detectorBox: Any) -> "AmplifierGeometry":
        """Take what is needed from an afw amplifier.

        Parameters
        ----------
        amplifier
            An ``lsst.afw.cameraGeom.Amplifier``.
        detectorBox
            Bounding box of the assembled image.

        Returns
        -------
        geometry
            Geometry of the amplifier.

        Raises
        ------
        ValueError
            Raised if the overscan has other rows than the image, so that it cannot correct it row by row.
        """
        box, overscan = amplifier.getBBox(), amplifier.getRawSerialOverscanBBox()
        if overscan.getHeight() != box.getHeight() or overscan.getWidth() < 1:
            raise ValueError(
                f"Amplifier {amplifier.getName()}: expected a serial overscan of {box.getHeight()} rows, "
                f"got {overscan.getHeight()} rows and {overscan.getWidth()} columns."
            )
        y, x = box.getMinY() - detectorBox.getMinY(), box.getMinX() - detectorBox.getMinX()
        return cls(
            name=amplifier.getName(),
            rows=slice(y, y + box.getHeight()),
            columns=slice(x, x + box.getWidth()),
            overscanShape=(overscan.getHeight(), overscan.getWidth()),
            flipX=amplifier.getRawFlipX(),
            flipY=amplifier.getRawFlipY(),
            gain=amplifier.getGain(),
            readNoise=amplifier.getReadNoise(),
        )

    @property
    def pixels(self) -> tuple[slice, slice]:
        """Rows and columns in the assembled image, to select them there."""
        return self.rows, self.columns

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the image."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def readoutCorner(self) -> dict[str, float]:
        """Pixel of the assembled image that is read out first, as ``x`` and ``y``."""
        rows, columns = self.rows, self.columns
        return {
            "x": columns.stop - 1 if self.flipX else columns.start,
            "y": rows.stop - 1 if self.flipY else rows.start,
        }

    def assemble(self, pixels: FloatArray) -> FloatArray:
        """Turn pixels from readout order to that of the assembled image.

        Parameters
        ----------
        pixels
            Pixels in readout order.

        Returns
        -------
        assembled
            A view of them.
        """
        return pixels[:: -1 if self.flipY else 1, :: -1 if self.flipX else 1]


@dataclass(frozen=True)
class CombinedBias:
    """The combined bias of an amplifier.

    Parameters
    ----------
    pattern
        The true fixed pattern, in readout order (electron).
    pixels
        The same with the noise of the combined frames (electron).
    """

    pattern: FloatArray
    pixels: FloatArray


@dataclass(frozen=True)
class RawAmplifier:
    """Pixels of an amplifier in readout order (ADU).

    Parameters
    ----------
    data
        Image pixels.
    overscan
        Serial overscan pixels, of the same rows.
    """

    data: FloatArray
    overscan: FloatArray


def makeCombinedBias(
    geometry: AmplifierGeometry, model: FrameModel, streams: RandomStreams, *, isDead: bool = False
) -> CombinedBias:
    """Make the combined bias of an amplifier: steps, edge glows, and noise.

    Parameters
    ----------
    geometry
        The amplifier.
    model
        What frames look like.
    streams
        Random numbers of the detector, without exposure.
    isDead
        Whether the amplifier reads one constant value; the combined bias is then zero.

    Returns
    -------
    combined
        The combined bias.
    """
    height, width = geometry.shape
    if isDead:
        return CombinedBias(np.zeros(geometry.shape, np.float32), np.zeros(geometry.shape, np.float32))
    random = streams.make("combined", geometry.name)
    step, serial, parallel = model.patternAmplitude * random.uniform(-1, 1, 3)
    row_part = (step + parallel * np.exp(-np.arange(height) / 30.0)).astype(np.float32)
    column_part = (serial * np.exp(-np.arange(width) / 5.0)).astype(np.float32)
    pattern = row_part[:, None] + column_part
    pixels = random.standard_normal(geometry.shape, dtype=np.float32)
    pixels *= np.float32(geometry.readNoise / np.sqrt(model.numCombined))
    pixels += pattern
    return CombinedBias(pattern, pixels)


def makeRaw(
    geometry: AmplifierGeometry,
    model: FrameModel,
    streams: RandomStreams,
    combined: CombinedBias,
    faults: Collection[Fault],
    shared: dict[str, RawAmplifier],
) -> RawAmplifier:
    """Make the raw pixels of an amplifier.

    Parameters
    ----------
    geometry
        The amplifier.
    model
        What frames look like.
    streams
        Random numbers of the detector in this exposure.
    combined
        Combined bias of the amplifier.
    faults
        Faults of the amplifier.
    shared
        Noise that several amplifiers share, by its purpose; filled here so that it is made once a detector.

    Returns
    -------
    raw
        Pixels of image and overscan.
    """
    level = _makeLevel(geometry, model, streams, faults)[:, None]
    if any(fault.kind is FaultKind.DEAD_AMPLIFIER for fault in faults):
        constant = np.float32(model.biasLevel)
        return RawAmplifier(np.full(geometry.shape, constant), np.full(geometry.overscanShape, constant))
    raw = _makeNoise(geometry, model, streams, faults, shared)
    raw.data[:] += combined.pattern
    raw.data[:] += np.float32(streams.make("step", geometry.name).normal(0, model.stepSigma))
    for fault in faults:
        if fault.kind is FaultKind.OFFSET_MEAN:
            raw.data[:] += np.float32(fault.strength * geometry.readNoise)
    for pixels in (raw.data, raw.overscan):
        pixels *= np.float32(1 / geometry.gain)
        pixels += level
    return raw


def _makeLevel(
    geometry: AmplifierGeometry, model: FrameModel, streams: RandomStreams, faults: Collection[Fault]
) -> FloatArray:
    """Make the level of each row (ADU): a slow wave of the detector, a settling of the amplifier, shifts."""
    rows = np.arange(geometry.shape[0])
    wave = streams.make("drift")
    period, phase = wave.uniform(600, 1500), wave.uniform(0, 2 * np.pi)
    settling = streams.make("settling", geometry.name).uniform(0, 1)
    level = model.biasLevel + model.driftAmplitude * (
        np.sin(2 * np.pi * rows / period + phase) + settling * np.exp(-rows / 100.0)
    )
    first, last = (round(fraction * len(rows)) for fraction in _SHIFTED_ROWS)
    for fault in faults:
        if fault.kind is FaultKind.BIAS_SHIFT:
            level[first:last] += fault.strength * geometry.readNoise / geometry.gain
    return level.astype(np.float32)


def _makeNoise(
    geometry: AmplifierGeometry,
    model: FrameModel,
    streams: RandomStreams,
    faults: Collection[Fault],
    shared: dict[str, RawAmplifier],
) -> RawAmplifier:
    """Make noise with the nominal read noise (electron), but for faults."""
    noise = _drawNoise(geometry, streams, "noise", geometry.name)
    common = _getShared(geometry, streams, "common noise", shared)
    parts = [
        (model.commonFraction, common),
        (model.lowFrequencyFraction, _makeSlowNoise(geometry, streams)),
    ]
    for fault in faults:
        if fault.kind is FaultKind.CORRELATED_AMPLIFIERS:
            group = "noise of " + " ".join(fault.amplifiers)
            parts.append((fault.strength, _getShared(geometry, streams, group, shared)))
    factor = np.prod([fault.strength for fault in faults if fault.kind is FaultKind.HOT_NOISE])
    scale = factor * geometry.readNoise
    for own, others in zip(
        (noise.data, noise.overscan), zip(*((p.data, p.overscan) for _, p in parts), strict=True), strict=True
    ):
        for (fraction, _), other in zip(parts, others, strict=True):
            own *= np.float32(np.sqrt(1 - fraction))
            own += np.float32(np.sqrt(fraction)) * other
        own *= np.float32(scale)
    return noise


def _drawNoise(geometry: AmplifierGeometry, streams: RandomStreams, purpose: str, item: str) -> RawAmplifier:
    random = streams.make(purpose, item)
    return RawAmplifier(
        random.standard_normal(geometry.shape, dtype=np.float32),
        random.standard_normal(geometry.overscanShape, dtype=np.float32),
    )


def _makeSlowNoise(geometry: AmplifierGeometry, streams: RandomStreams) -> RawAmplifier:
    """Make noise along whole rows; the overscan is read after the image."""
    height, width = geometry.shape
    random = streams.make("slow noise", geometry.name)
    rows = makeRowNoise((height, width + geometry.overscanShape[1]), random)
    return RawAmplifier(rows[:, :width], rows[:, width:])


def _getShared(
    geometry: AmplifierGeometry, streams: RandomStreams, purpose: str, shared: dict[str, RawAmplifier]
) -> RawAmplifier:
    if purpose not in shared:
        shared[purpose] = _drawNoise(geometry, streams, purpose, "")
    return shared[purpose]
