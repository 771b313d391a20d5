# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Residual images without the way through raw frames and ISR, for many detectors in little time."""

__all__ = ["FrameNoise", "simulateFrame"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .correlatedNoise import makeRowNoise
from .events import addCosmicRays
from .pixelFaults import PixelFault, addPixelFault

Amplifier = tuple[slice, slice]


@dataclass(frozen=True)
class FrameNoise:
    """What clean frames look like.

    Parameters
    ----------
    commonFraction
        Part of the noise variance that is common to the amplifiers of a detector.
    rowFraction
        Part of the noise variance that is common to the pixels of a row of an amplifier. The default is what
        the median of 58 columns of overscan leaves.
    lowFrequencyFraction
        Part of the noise variance that varies slowly along rows.
    stepSigma
        Scatter of steps between amplifiers (noises).
    cosmicRayRate
        Mean number of cosmic rays in a million pixels.
    """

    commonFraction: float = 0.01
    rowFraction: float = np.pi / 2 / 58
    lowFrequencyFraction: float = 0.002
    stepSigma: float = 0.04
    cosmicRayRate: float = 2.0


def simulateFrame(
    amplifiers: Sequence[Amplifier],
    shape: tuple[int, int],
    noise: float | npt.NDArray[np.floating],
    seed: int | Sequence[int],
    faults: Iterable[PixelFault] = (),
    *,
    model: FrameNoise | None = None,
) -> npt.NDArray[np.float32]:
    """Simulate the residual image of a detector.

    Parameters
    ----------
    amplifiers
        Rows and columns of each amplifier.
    shape
        Rows and columns of the image.
    noise
        Standard deviation of the pixels of each amplifier, all parts of the noise together (electron).
    seed
        Seed of all random numbers.
    faults
        Faults to add. They change nothing else in the image.
    model
        What clean frames look like.

    Returns
    -------
    image
        Pixels (electron); zero outside of the amplifiers.
    """
    model = FrameNoise() if model is None else model
    random = np.random.Generator(np.random.SFC64(seed))
    image = np.zeros(shape, dtype=np.float32)
    sizes = [(rows.stop - rows.start, columns.stop - columns.start) for rows, columns in amplifiers]
    common = random.standard_normal(np.max(sizes, axis=0), dtype=np.float32)
    common *= np.float32(np.sqrt(model.commonFraction))
    noises = np.broadcast_to(np.asarray(noise, dtype=np.float32), len(sizes))
    for (rows, columns), size, sigma in zip(amplifiers, sizes, noises, strict=True):
        pixels = _makeNoise(size, model, random)
        pixels += common[: size[0], : size[1]]
        pixels += np.float32(random.normal(0, model.stepSigma))
        np.multiply(pixels, sigma, out=image[rows, columns])
    addCosmicRays(image, model.cosmicRayRate, random)
    for fault in faults:
        addPixelFault(image, fault)
    return image


def _makeNoise(
    shape: tuple[int, int], model: FrameNoise, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Make the noise of an amplifier of its own, of unit variance less the common part."""
    pixels = random.standard_normal(shape, dtype=np.float32)
    own = 1 - model.commonFraction - model.rowFraction - model.lowFrequencyFraction
    pixels *= np.float32(np.sqrt(own))
    slow = makeRowNoise(shape, random)
    slow *= np.float32(np.sqrt(model.lowFrequencyFraction))
    slow += np.float32(np.sqrt(model.rowFraction)) * random.standard_normal((shape[0], 1), dtype=np.float32)
    pixels += slow
    return pixels
