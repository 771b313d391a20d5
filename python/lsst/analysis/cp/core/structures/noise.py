# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Noise of the pixels of an amplifier, robust against outliers, masks, coarse digits and repeated values."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.typing import BoolArray, Float32Array, IndexArray

__all__ = ["RepeatedValue", "clippedScale", "findRepeated", "measureAmpNoise", "oneOfEach"]

_LEAST_PIXELS = 20
"""Number of pixels from which the noise is measured: to a sixth, and a dead amplifier is significant."""

_ENOUGH_PIXELS = 16384
"""Number of pixels from which only a part is measured: they give the noise to half a per cent."""

_LARGEST_PART = 16
"""Number of pixels of which one is measured, at most."""

_ROUNDING = 4 * float(np.finfo(np.float32).eps)
"""Noise that is rounding of single precision, in units of the level."""

_SMALLEST = float(np.finfo(np.float32).tiny)
"""Noise that is rounding of single precision, whatever the level."""

_LOOKED_AT = 2048
"""Number of pixels in which a repeated value is looked for."""

_REPEATED = 0.15
"""Part of these that one value has, from which it is repeated: the pixels may be digitised in coarse steps,
or it is no measurement."""

_DEAD = 0.8
"""Part of the pixels that have one value, from which an amplifier is dead, unless they are digitised."""

_ONE_SIDED = 0.9
"""Part of the pixels that have one value, up to which they are digitised if no other is on the other side."""

_LEAST_SHARE = 0.005
"""Part of the other pixels that are one step above the commonest value, or one below it, at least."""

_SAME_STEP = 0.1
"""Relative difference of the steps above and below the commonest value, up to which these are digits."""

_CLIP = 3.0
"""Distance at which `clippedScale` clips (standard deviations)."""

_MOST_CLIPS = 5
"""Number of times that it clips, at most."""


@dataclass(frozen=True, kw_only=True)
class RepeatedValue:
    """Value that many pixels of an amplifier have.

    Parameters
    ----------
    filling
        The value, in the unit of the image, if these pixels are no measurement, such as those that something
        filled in; None if there is no such value, or the pixels are digitised.
    step
        Step of digitised pixels, in the unit of the image; 0 if they are not digitised, or in steps that are
        small beside their noise.
    isDead
        Whether nearly all pixels have the value, so that the amplifier is dead.
    """

    filling: float | None = None
    step: float = 0.0
    isDead: bool = False


def oneOfEach(size: int, every: int) -> IndexArray:
    """Draw one index of each group of adjacent ones.

    The draw is random, and always the same: it is in step with no pattern of pixels or masks.

    Parameters
    ----------
    size
        Number of indices.
    every
        Number of indices in a group, 1 or more. An incomplete last group has none.

    Returns
    -------
    indices
        Ascending indices; shape (size // every,).
    """
    first = every * np.arange(size // every)
    return first + np.random.default_rng(size).integers(every, size=len(first), dtype=np.uint16)


def _sample(leftOut: BoolArray) -> IndexArray:
    """Choose pixels that are not left out: all, or one of up to 16 where there are many; flat indices."""
    good = np.flatnonzero(~leftOut) if leftOut.any() else None
    number = leftOut.size if good is None else len(good)
    chosen = oneOfEach(number, min(max(number // _ENOUGH_PIXELS, 1), _LARGEST_PART))
    return chosen if good is None else good[chosen]


def findRepeated(pixels: Float32Array, leftOut: BoolArray) -> RepeatedValue:
    """Find the value that many pixels of an amplifier have, and tell what it means.

    The pixels are digitised if the commonest others lie as far above as below; else those of the value are no
    measurement. If they are four of five, the amplifier is dead.

    Parameters
    ----------
    pixels
        Pixels of the amplifier; shape (ny, nx).
    leftOut
        True where a pixel is left out; shape (ny, nx).

    Returns
    -------
    repeated
        What was found.
    """
    values = pixels.ravel()[_sample(leftOut)]
    if len(values) < _LEAST_PIXELS:
        return RepeatedValue()
    few = values[:: max(len(values) // _LOOKED_AT, 1)]
    centre, number_equal = _commonest(few)
    if number_equal < _REPEATED * len(few):
        return RepeatedValue()
    step = _stepAround(values, centre)
    if step > 0:
        return RepeatedValue(step=step)
    if np.mean(values == centre) >= _DEAD:
        return RepeatedValue(isDead=True)
    return RepeatedValue(filling=centre)


def measureAmpNoise(
    pixels: Float32Array, residual: Float32Array, leftOut: BoolArray, step: float = 0.0
) -> float:
    """Measure the noise of an amplifier on its pixels that are not left out.

    All are measured, or one of up to 16 where there are many.

    Parameters
    ----------
    pixels
        Pixels of the amplifier; shape (ny, nx).
    residual
        The same pixels minus the local background.
    leftOut
        True where a pixel is left out; shape (ny, nx).
    step
        Step of pixels that are digitised in coarse steps: what is one step from the background is noise.

    Returns
    -------
    noise
        Standard deviation of a pixel, in the unit of the image; NaN if there are too few to tell. A noise
        that single precision makes by rounding is 0.
    """
    chosen = _sample(leftOut)
    if len(chosen) < _LEAST_PIXELS:
        return math.nan
    noise = clippedScale(residual.ravel()[chosen], step=step)
    few = pixels.ravel()[chosen[:: max(len(chosen) // _LOOKED_AT, 1)]]
    rounding = max(_ROUNDING * abs(float(np.median(few))), _SMALLEST)
    return noise if noise > rounding else 0.0


def _commonest(values: npt.NDArray[np.floating]) -> tuple[float, int]:
    """Return the value that comes most often, and how often; shape (n,), n > 0."""
    found, counts = np.unique(values, return_counts=True)
    return float(found[counts.argmax()]), int(counts.max())


def _stepAround(values: Float32Array, centre: float) -> float:
    """Return the step of digitised values around one that many have; 0 if they are not digitised."""
    offset = values.astype(np.float64) - centre
    others = np.count_nonzero(offset)
    steps, shares = [], []
    for side in (offset[offset > 0], -offset[offset < 0]):
        step, number = _commonest(side) if len(side) else (0.0, 0)
        if number > _LEAST_SHARE * others:
            steps.append(step)
            shares.append(number / others)
    both = len(steps) == 2 and max(steps) <= (1 + _SAME_STEP) * min(steps)
    # The level is near the edge of a step, so that the noise reaches over that edge only.
    one = len(steps) == 1 and shares[0] > 0.5 and others > (1 - _ONE_SIDED) * len(values)
    return max(steps) if both or one else 0.0


def clippedScale(sample: npt.NDArray[np.floating], *, step: float = 0.0) -> float:
    """Measure the standard deviation of a Gaussian with outliers.

    The standard deviation of what lies within 3 standard deviations of the mean is divided by that of a unit
    Gaussian cut there, until it stays: `astropy.stats.sigma_clip` made unbiased. It starts from the quantiles
    of 1 standard deviation, or from those of 2 on the side where these are nearer, if that is more, as it is
    when most values are equal. It is nearly as precise as the plain standard deviation, and unlike a median
    deviation it does not depend on the step of digitised values.

    Parameters
    ----------
    sample
        Finite values; shape (n,).
    step
        Step of digitised values. What lies within one and a half of them is never clipped.

    Returns
    -------
    scale
        Standard deviation, in the unit of the sample; NaN if it is empty.
    """
    if not len(sample):
        return math.nan
    lowest, low, centre, high, highest = np.quantile(sample, [0.025, 0.15865525, 0.5, 0.84134475, 0.975])
    scale = max(float(high - low) / 2, min(float(highest - centre), float(centre - lowest)) / 1.96)
    number = 0
    for _ in range(_MOST_CLIPS):
        reach = max(_CLIP * scale, 1.5 * step)
        kept = sample[np.abs(sample - centre) <= reach]
        if reach == 0 or len(kept) == number:
            break
        number = len(kept)
        cut = reach / scale if scale > 0 else math.inf
        scale = float(kept.std(dtype=np.float64)) / _deviationWithin(cut)
        centre = kept.mean(dtype=np.float64)
    return scale


def _deviationWithin(cut: float) -> float:
    """Return the standard deviation of a unit Gaussian that is cut at a distance."""
    if not math.isfinite(cut):
        return 1.0
    density = math.exp(-(cut**2) / 2) / math.sqrt(2 * math.pi)
    return math.sqrt(1 - 2 * cut * density / math.erf(cut / math.sqrt(2)))
