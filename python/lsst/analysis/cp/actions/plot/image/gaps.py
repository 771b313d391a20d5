# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which pixels of an image belong to amplifiers, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, Float32Array, FloatArray, IndexArray

from .frame import ImageFrame

__all__ = ["AmpGaps", "Region", "ampRegions", "findAmpGaps", "innerSides", "moveSides"]

_TOLERANCE = 1e-3
"""Image pixels by which a side may be inclined and still count as upright."""


@dataclass(frozen=True, eq=False)
class Region:
    """Pixels of an image that belong to an amplifier."""

    box: tuple[slice, slice]
    """Slices of rows and columns that enclose it."""
    inside: BoolArray | None
    """Which pixels of the box belong to it; None for all."""


@dataclass(frozen=True, eq=False)
class AmpGaps:
    """What is missing of an image.

    Parameters
    ----------
    missing
        Detectors that are shown but have no image; shape (nDet,).
    masked
        Detectors that have an image without a single value; shape (nDet,).
    maskedAmps
        Amplifiers without a single value, of detectors that have an image; shape (nAmp,).
    nPixels
        Number of pixels without a value on the other amplifiers. Those at the very edge of a detector do not
        count: partial bins may have been left out, and detectors of a mosaic are up to half a pixel off.
    """

    missing: BoolArray
    masked: BoolArray
    maskedAmps: BoolArray
    nPixels: int


def ampRegions(frame: ImageFrame, amps: IndexArray) -> Iterator[Region]:
    """Find the pixels whose centres lie on amplifiers, given by their positions in the camera, shape (n,).

    An amplifier that is narrower than a pixel or not on the image gets an empty box.
    """
    yield from _regions(frame.toPixels(frame.ampCorners[amps]), frame.shape)


def _regions(corners: FloatArray, shape: tuple[int, int]) -> Iterator[Region]:
    """Find the pixels whose centres lie in rectangles; corners are in pixels, shape (n, 4, 2)."""
    n_rows, n_columns = shape
    low = np.clip(np.ceil(corners.min(axis=1)).astype(int), 0, (n_columns, n_rows))
    high = np.clip(np.floor(corners.max(axis=1)).astype(int) + 1, 0, (n_columns, n_rows))
    upright = np.abs(np.diff(corners, axis=1)).min(axis=2).max(axis=1) < _TOLERANCE
    for own, (column, row), (end_column, end_row), is_upright in zip(
        corners, low.tolist(), np.maximum(low, high).tolist(), upright, strict=True
    ):
        box = slice(row, end_row), slice(column, end_column)
        yield Region(box, None if is_upright else _inside(own, box))


def _inside(corners: FloatArray, box: tuple[slice, slice]) -> BoolArray:
    """Tell which pixel centres of a box lie in a convex polygon; shape of the box.

    These lie on the same side of all its edges.
    """
    row, column = np.ogrid[box]
    step = np.roll(corners, -1, axis=0) - corners
    side = [dx * (row - y) - dy * (column - x) for (x, y), (dx, dy) in zip(corners, step, strict=True)]
    inside: BoolArray = np.all(np.array(side) >= 0, axis=0) | np.all(np.array(side) <= 0, axis=0)
    return inside


def findAmpGaps(image: Float32Array, frame: ImageFrame, missing: BoolArray | None) -> AmpGaps:
    """Find what is missing of an image of shape (ny, nx), NaN where there is no value.

    The detectors ``missing`` are known to have no image, shape (nDet,). If that is not known (None), a
    detector without a single value has none.
    """
    layout = frame.geometry.layout
    finite = np.isfinite(image)
    interior = _interior(frame)
    filled = np.zeros(layout.nAmps, dtype=bool)
    n_pixels = 0
    for amp, region in zip(frame.shownAmps, ampRegions(frame, frame.shownAmps), strict=True):
        own = finite[region.box]
        inside = np.ones_like(own) if region.inside is None else region.inside
        if (own & inside).any():
            filled[amp] = True
            n_pixels += int(np.count_nonzero(inside & ~own & interior[region.box]))
    empty = frame.shown & (np.bincount(layout.ampDetector[filled], minlength=layout.nDetectors) == 0)
    absent = empty if missing is None else missing & frame.shown
    lacking = ~filled & (frame.shown & ~absent)[layout.ampDetector]
    return AmpGaps(absent, empty & ~absent, lacking, n_pixels)


def _interior(frame: ImageFrame) -> BoolArray:
    """Tell which pixels lie on a detector that is shown, a pixel or more from its edge; shape (ny, nx)."""
    interior = np.zeros(frame.shape, dtype=bool)
    corners = frame.toPixels(frame.detectorCorners[frame.shown])
    for region in _regions(moveSides(corners, -1.0), frame.shape):
        interior[region.box] |= True if region.inside is None else region.inside
    return interior


def moveSides(corners: FloatArray, amount: float) -> FloatArray:
    """Move the sides of rectangles outwards by an amount, or inwards if it is negative.

    Corners are in (x, y) order, anticlockwise; shape (n, 4, 2).
    """
    # Of the two sides of a rectangle that meet in a corner, the one that ends there points outwards across
    # the other, and the one that begins there points inwards: no angle needs to be known.
    sides = np.roll(corners, -1, axis=1) - corners
    sides = sides / np.linalg.norm(sides, axis=2, keepdims=True)
    moved: FloatArray = corners + amount * (np.roll(sides, 1, axis=1) - sides)
    return moved


def innerSides(frame: ImageFrame, amps: IndexArray) -> FloatArray:
    """Find the sides of amplifiers that are not on the edge of their detector.

    The amplifiers are given by their positions in the camera, shape (n,). Each side is two ends (x, y) in the
    unit of the axes, shape (nSides, 2, 2); of two sides that coincide there is one.
    """
    corners = frame.ampCorners[amps]
    sides = np.stack([corners, np.roll(corners, -1, axis=1)], axis=2).reshape(-1, 2, 2)
    middle = sides.mean(axis=1)
    edges = np.repeat(frame.detectorCorners[frame.geometry.layout.ampDetector[amps]], 4, axis=0)
    along = np.roll(edges, -1, axis=1) - edges
    offset = middle[:, np.newaxis] - edges
    cross = along[..., 0] * offset[..., 1] - along[..., 1] * offset[..., 0]
    distance = np.abs(cross / np.linalg.norm(along, axis=2)).min(axis=1)
    pixel = frame.pixelSides[0]
    inner = distance > _TOLERANCE * pixel
    # Neighbours share a side, apart from rounding: their middles fall on the same tenth of a pixel.
    _, first = np.unique(np.rint(middle[inner] / (0.1 * pixel)), axis=0, return_index=True)
    found: FloatArray = sides[inner][np.sort(first)]
    return found
