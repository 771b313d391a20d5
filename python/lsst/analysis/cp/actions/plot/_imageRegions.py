# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which pixels of an image belong to amplifiers, and what is missing."""

from __future__ import annotations

__all__ = ["Gaps", "Region", "ampRegions", "findGaps"]

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ._imageFrame import ImageFrame

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

_TOLERANCE = 1e-3
"""Image pixels by which a side may be inclined and still count as upright."""


@dataclass(frozen=True, eq=False)
class Region:
    """Pixels of an image that belong to an amplifier.

    Parameters
    ----------
    box
        Slices of rows and columns that enclose it.
    inside
        Which pixels of the box belong to it; None for all.
    """

    box: tuple[slice, slice]
    inside: BoolArray | None


@dataclass(frozen=True, eq=False)
class Gaps:
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
        Number of pixels without a value on the other amplifiers.
    """

    missing: BoolArray
    masked: BoolArray
    maskedAmps: BoolArray
    nPixels: int


def ampRegions(frame: ImageFrame, amps: IndexArray) -> Iterator[Region]:
    """Find the pixels whose centres lie on amplifiers.

    Parameters
    ----------
    frame
        Where image and amplifiers lie.
    amps
        Positions of amplifiers in the camera; shape (n,).

    Yields
    ------
    region
        The pixels of one amplifier; an empty box if it is narrower than a pixel or not on the image.
    """
    corners = frame.toPixels(frame.ampCorners[amps])
    n_rows, n_columns = frame.shape
    low = np.clip(np.ceil(corners.min(axis=1)).astype(int), 0, (n_columns, n_rows))
    high = np.clip(np.floor(corners.max(axis=1)).astype(int) + 1, 0, (n_columns, n_rows))
    upright = np.abs(np.diff(corners, axis=1)).min(axis=2).max(axis=1) < _TOLERANCE
    for own, (column, row), (end_column, end_row), is_upright in zip(
        corners, low.tolist(), np.maximum(low, high).tolist(), upright, strict=True
    ):
        box = slice(row, end_row), slice(column, end_column)
        yield Region(box, None if is_upright else _inside(own, box))


def _inside(corners: FloatArray, box: tuple[slice, slice]) -> BoolArray:
    """Tell which pixel centres of a box lie in a convex polygon; shape of the box."""
    row, column = np.ogrid[box]
    step = np.roll(corners, -1, axis=0) - corners
    side = [dx * (row - y) - dy * (column - x) for (x, y), (dx, dy) in zip(corners, step, strict=True)]
    inside: BoolArray = np.all(np.array(side) >= 0, axis=0) | np.all(np.array(side) <= 0, axis=0)
    return inside


def findGaps(image: FloatImage, frame: ImageFrame, missing: BoolArray | None) -> Gaps:
    """Find what is missing.

    Parameters
    ----------
    image
        Pixels, NaN where there is no value; shape (ny, nx).
    frame
        Where image and amplifiers lie.
    missing
        Detectors known to have no image, shape (nDet,); None if that is not known: then a detector without a
        single value has none.

    Returns
    -------
    gaps
        What is missing.
    """
    layout = frame.geometry.layout
    finite = np.isfinite(image)
    filled = np.zeros(layout.nAmps, dtype=bool)
    n_pixels = 0
    for amp, region in zip(frame.shownAmps, ampRegions(frame, frame.shownAmps), strict=True):
        own = finite[region.box]
        inside = np.ones_like(own) if region.inside is None else region.inside
        if n_finite := int(np.count_nonzero(own & inside)):
            filled[amp] = True
            n_pixels += int(np.count_nonzero(inside)) - n_finite
    empty = frame.shown & (np.bincount(layout.ampDetector[filled], minlength=layout.nDetectors) == 0)
    absent = empty if missing is None else missing & frame.shown
    lacking = ~filled & (frame.shown & ~absent)[layout.ampDetector]
    return Gaps(absent, empty & ~absent, lacking, n_pixels)
