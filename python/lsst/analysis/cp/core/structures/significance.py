# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""How far each pixel lies from its local background, in units of the noise of its amplifier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt

from lsst.analysis.cp.core.masked import fillMasked, fillMaskedFlags
from lsst.analysis.cp.core.typing import BoolArray, Float32Array, FloatArray, IndexArray

from .noise import findRepeated, measureAmpNoise, oneOfEach

__all__ = ["AmpSlices", "BackgroundMesh", "Significance", "measureSignificance"]

type AmpSlices = tuple[slice, slice]
"""Rows and columns of an amplifier in the image of its detector."""

_DEAD_NOISE = 0.2
"""Noise of a dead amplifier, in units of the median of all, at most."""

_LARGEST = np.float32(1e30)
"""Absolute value from which a pixel is excluded: its square overflows single precision."""

_MOST_MASKED = 0.5
"""Part of an amplifier that is left out, up to which one row of two is enough for the medians."""

_LEAST_FILLED = 0.1
"""Part of a box that must be left for its median to be used, if any box has so much left."""

_FEW_LEFT = 30
"""Number of pixels that must be left for that where a mask leaves less of all boxes."""

_TIED = 0.5
"""Part of the boxes whose middle two pixels are equal, from which the pixels are digitised."""

_ALL_EQUAL = 0.9
"""Part of an amplifier that has the middle value of its box, from which it is dead and not digitised."""

_ALL_EQUAL_BOX = 0.97
"""The same part of a box: more, for parts of boxes scatter, and all boxes are to be treated alike."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BackgroundMesh:
    """Background of an amplifier on a coarse mesh.

    Parameters
    ----------
    rows, columns
        Centres of the boxes, in pixels of the amplifier; shapes (nBoxesY,) and (nBoxesX,).
    boxShape
        Height and width of a box (pixels).
    values
        Medians of the boxes; shape (nBoxesY, nBoxesX), in the unit of the image. NaN in all boxes if the
        amplifier has no pixel left; a box with too few pixels has the value of the nearest that has enough,
        or that of all pixels if there is none.
    number
        Number of pixels that entered each median; shape (nBoxesY, nBoxesX).
    """

    rows: FloatArray
    columns: FloatArray
    boxShape: tuple[int, int]
    values: FloatArray
    number: IndexArray

    @property
    def level(self) -> float:
        """Median of the boxes."""
        return float(np.median(self.values))

    def interpolate(self, shape: tuple[int, int]) -> Float32Array:
        """Interpolate linearly between the centres, and extrapolate linearly beyond the outermost.

        Parameters
        ----------
        shape
            Height and width of the amplifier (pixels).

        Returns
        -------
        background
            Background of each pixel; of the given shape.
        """
        # Single precision is fast, but the products would round a high level.
        level = np.float32(self.level)
        left = _weights(self.rows, shape[0]) @ (self.values - level).astype(np.float32)
        background: Float32Array = left @ _weights(self.columns, shape[1]).T
        background += level
        return background


@dataclass(frozen=True, kw_only=True, eq=False)
class Significance:
    """Significance of each pixel of a detector.

    Parameters
    ----------
    values
        (pixel - local background) / ``scale``, signed; shape (ny, nx). 0 where pixels are left out, outside
        the amplifiers, and in an amplifier whose noise is 0 or unknown.
    noise
        Standard deviation of a pixel of each amplifier; shape (nAmp,), in the unit of the image. 0 if its
        pixels are all equal, or differ by rounding only; NaN if there are too few to tell.
    scale
        What the values are in units of; shape (nAmp,), in the unit of the image. It is the noise; of pixels
        in coarse steps, the root of the squares of the noise and of the standard deviation of rounding, since
        the noise of a pixel one step off may be half a step less.
    level
        Median background of each amplifier; shape (nAmp,), in the unit of the image. NaN if no pixel is left.
    meshes
        Background of each amplifier.
    excluded
        True where a pixel is left out; shape (ny, nx).
    """

    values: Float32Array
    noise: FloatArray
    scale: FloatArray
    level: FloatArray
    meshes: tuple[BackgroundMesh, ...]
    excluded: BoolArray

    @property
    def dead(self) -> BoolArray:
        """Amplifiers with less than a fifth of the median noise, or none; shape (nAmp,)."""
        known = self.noise[np.isfinite(self.noise)]
        typical = float(np.median(known)) if len(known) else 0.0
        return (self.noise <= _DEAD_NOISE * typical) | (self.noise == 0)

    @property
    def unsearched(self) -> BoolArray:
        """Amplifiers with too few pixels to measure their noise, in which nothing is found; shape (nAmp,)."""
        return np.isnan(self.noise)

    @property
    def live(self) -> BoolArray:
        """Amplifiers whose noise is known and that are not dead; shape (nAmp,)."""
        return np.isfinite(self.noise) & ~self.dead


def measureSignificance(
    image: npt.NDArray[np.floating],
    excluded: BoolArray,
    amps: Sequence[AmpSlices],
    *,
    boxSize: int = 64,
) -> Significance:
    """Compare each pixel with its local background, in units of the noise of its amplifier.

    Background and noise are measured amplifier by amplifier, so a step between amplifiers is no structure
    of their pixels. The background is the median of square boxes, interpolated linearly between their
    centres: the mesh of Bertin & Arnouts 1996 (doi:10.1051/aas:1996164, section 4), as in
    ``photutils.background.Background2D``. Of digitised pixels it is the median of grouped data, which does
    not jump by their step. The noise is the standard deviation of the residuals within 3
    standard deviations, corrected for what a Gaussian loses by that cut, iterated from the quantiles; see
    `clippedScale`. If many pixels have one value and are not digitised, background and noise are those of the
    others; if nearly all have it, the amplifier is dead; see `findRepeated`.

    Parameters
    ----------
    image
        Image of the detector; shape (ny, nx), row 0 at the lowest y.
    excluded
        True where a pixel is left out; shape (ny, nx). Pixels that are not finite, beyond 1e30, or masked (as
        of a `numpy.ma.MaskedArray`) are left out, too.
    amps
        Rows and columns of each amplifier.
    boxSize
        Height and width of a box of the mesh (pixels). An amplifier is divided into the number of equal boxes
        that makes them nearest to this.

    Returns
    -------
    significance
        Significance of the pixels, and the noise and background that it stands on.

    Raises
    ------
    ValueError
        Raised if the image is not two-dimensional, shapes disagree, there is no amplifier, an amplifier
        reaches out of the image, or the box is smaller than 4 pixels.
    """
    pixels = fillMasked(image)
    _checkInputs(pixels, excluded, amps, boxSize)
    left_out = fillMaskedFlags(excluded).copy()
    values = np.zeros(pixels.shape, dtype=np.float32)
    noise, scale, level = np.empty((3, len(amps)))
    meshes = []
    for i, amp in enumerate(amps):
        with np.errstate(over="ignore"):
            part = pixels[amp].astype(np.float32, copy=False)
        left_out[amp] |= ~(np.abs(part) < _LARGEST)
        unmeasured = left_out[amp]
        while (repeated := findRepeated(part, unmeasured)).filling is not None:
            unmeasured = unmeasured | (part == repeated.filling)
        mesh = _measureMesh(part, unmeasured, boxSize)
        level[i] = mesh.level
        meshes.append(mesh)
        residual = mesh.interpolate(part.shape)
        np.subtract(part, residual, out=residual)
        noise[i] = 0.0 if repeated.isDead else measureAmpNoise(part, residual, unmeasured, repeated.step)
        scale[i] = math.hypot(noise[i], repeated.step / math.sqrt(12))
        if noise[i] > 0:
            _fillSignificance(values[amp], residual, left_out[amp], scale[i])
    return Significance(
        values=values, noise=noise, scale=scale, level=level, meshes=tuple(meshes), excluded=left_out
    )


def _checkInputs(
    pixels: npt.NDArray[np.floating], excluded: BoolArray, amps: Sequence[AmpSlices], boxSize: int
) -> None:
    if pixels.ndim != 2:
        raise ValueError(f"Expected an image of two dimensions, got one of shape {pixels.shape}.")
    if excluded.shape != pixels.shape:
        raise ValueError(f"Expected a mask of the image's shape {pixels.shape}, got {excluded.shape}.")
    if not amps:
        raise ValueError("Expected the rows and columns of at least one amplifier, got none.")
    if boxSize < 4:
        raise ValueError(f"Expected boxes of at least 4 pixels, got {boxSize!r}.")
    for i, amp in enumerate(amps):
        for part, size in zip(amp, pixels.shape, strict=True):
            if part.step not in (None, 1) or not 0 <= part.start < part.stop <= size:
                raise ValueError(
                    f"Amplifier {i} has rows {amp[0]} and columns {amp[1]}, which are not within the image "
                    f"of shape {pixels.shape}."
                )


def _measureMesh(pixels: Float32Array, leftOut: BoolArray, boxSize: int) -> BackgroundMesh:
    """Take the medians of boxes.

    Boxes whose width does not divide the amplifier overlap by a pixel, so that none is narrow and noisy. Of
    two rows of a box one is sorted, which takes half the time, unless a mask leaves too few.
    """
    number_of_boxes = [max(round(size / boxSize), 1) for size in pixels.shape]
    box = (-(-pixels.shape[0] // number_of_boxes[0]), -(-pixels.shape[1] // number_of_boxes[1]))
    first = [
        np.linspace(0, size - width, number).round().astype(np.intp)
        for size, width, number in zip(pixels.shape, box, number_of_boxes, strict=True)
    ]
    every = 2 if box[0] > 1 and leftOut.mean() <= _MOST_MASKED else 1
    rows = first[0][:, None] + oneOfEach(box[0], every)

    def cut[T: np.generic](array: npt.NDArray[T]) -> npt.NDArray[T]:
        """Copy rows of the boxes; shape (nBoxesY, nBoxesX, nRows, width)."""
        strips = np.lib.stride_tricks.sliding_window_view(array[rows], box[1], axis=-1)
        return strips[:, :, first[1]].swapaxes(1, 2)

    boxes = cut(pixels)
    if leftOut.any():
        boxes[cut(leftOut)] = np.nan
    boxes = np.sort(boxes.reshape(*boxes.shape[:2], -1), axis=-1)  # NaN last
    number = boxes.shape[-1] - np.isnan(boxes).sum(axis=-1)
    values = _medians(boxes, number)
    empty = number < _LEAST_FILLED * boxes.shape[-1]
    if empty.all():
        empty = number < _FEW_LEFT
    if empty.all():
        left = pixels[~leftOut]
        values = np.full(values.shape, np.median(left) if len(left) else np.nan)
    elif empty.any():
        values = values[tuple(distance_transform_edt(empty, return_distances=False, return_indices=True))]
    return BackgroundMesh(
        rows=first[0] + (box[0] - 1) / 2,
        columns=first[1] + (box[1] - 1) / 2,
        boxShape=box,
        values=values,
        number=number,
    )


def _medians(boxes: Float32Array, number: IndexArray) -> FloatArray:
    """Return the medians of sorted pixels, given how many there are before the NaN."""
    last = boxes.shape[-1] - 1
    middle = np.stack([np.maximum(number - 1, 0) // 2, np.minimum(number // 2, last)], axis=-1)
    values = np.take_along_axis(boxes, middle, axis=-1).astype(np.float64).mean(axis=-1)
    low, high = (
        np.take_along_axis(boxes, np.minimum(middle[..., :1] + step, last), axis=-1)[..., 0]
        for step in (0, 1)
    )
    return _groupedMedians(boxes, number, low, values) if (low == high).mean() > _TIED else values


def _groupedMedians(
    boxes: Float32Array, number: IndexArray, middle: Float32Array, medians: FloatArray
) -> FloatArray:
    """Interpolate within the step of digitised pixels that the median lies in.

    The medians of such pixels jump by a step, which may be many times their standard error and would be
    found as a glow. The pixels of one value are taken to be spread evenly over its step, as for the median of
    grouped data.
    """
    below, through = (np.sum(test(boxes, middle[..., None]), axis=-1) for test in (np.less, np.less_equal))
    equal = through - below
    neighbours = [
        np.where(
            there, np.take_along_axis(boxes, np.where(there, index, 0)[..., None], axis=-1)[..., 0], np.nan
        )
        for index, there in ((below - 1, below > 0), (through, through < number))
    ]
    step = np.fmin(*(np.abs(value - middle) for value in neighbours))
    part = (number / 2 - below) / np.maximum(equal, 1) - 0.5
    # Where nearly all pixels are equal, the amplifier is dead, and the next value is that of an outlier.
    grouped = np.isfinite(step) & (equal < _ALL_EQUAL_BOX * number)
    grouped &= equal.sum() < _ALL_EQUAL * number.sum()
    return np.where(grouped, middle + step * part, medians)


def _weights(centres: FloatArray, size: int) -> Float32Array:
    """Make the matrix that interpolates values at the centres to all pixels; shape (size, nCentres)."""
    weights = np.ones((size, 1), dtype=np.float32)
    if len(centres) == 1:
        return weights
    position = np.arange(size)
    left = np.clip(np.searchsorted(centres, position) - 1, 0, len(centres) - 2)
    fraction = (position - centres[left]) / np.diff(centres)[left]
    weights = np.zeros((size, len(centres)), dtype=np.float32)
    weights[position, left] = 1 - fraction
    weights[position, left + 1] = fraction
    return weights


def _fillSignificance(values: Float32Array, residual: Float32Array, leftOut: BoolArray, scale: float) -> None:
    """Fill the significance of an amplifier."""
    with np.errstate(over="ignore"):
        np.multiply(residual, np.float32(1 / scale), out=values)
    if leftOut.any():
        values[leftOut] = 0
