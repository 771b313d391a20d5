# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Postage stamps of structures: their pixels and what is around them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from lsst.analysis.cp.core.masked import fillMasked, fillMaskedFlags
from lsst.analysis.cp.core.typing import BoolArray, Float32Array

from .table import TRANSIENT_KINDS, Structures

__all__ = ["LINE_BINS", "Stamp", "cutStamps", "foremostStamps", "stampsOfRows"]

_SURROUNDINGS = 1.5
"""Side of what a stamp of a wide structure, or of a line, shows, in longer sides of the structure."""

_NARROW = 0.5
"""Shorter side up to which a structure is no wide one, in sides of a stamp."""

LINE_BINS = 16
"""Number of means along a line that is longer than a stamp: each shows a share of its significance."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stamp:
    """Pixels of a structure and around it.

    Parameters
    ----------
    detector
        Identifier of the detector.
    kind, amplifier, x, y
        As of the row in `Structures`; they tell the rows of a detector apart.
    excess
        Score in units of its threshold.
    image
        Pixels; shape (ny, nx), row 0 at the lowest y. NaN where pixels are left out, and beyond the edges of
        the detector.
    left, bottom
        Edges of the stamp, in pixels of the detector, of which the first has its centre at 0.
    binning
        Height and width of an image pixel, in pixels of the detector.
    """

    detector: int
    kind: str
    amplifier: int
    x: float
    y: float
    excess: float
    image: Float32Array
    left: float
    bottom: float
    binning: tuple[int, int]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Edges (left, right, bottom, top), in pixels of the detector."""
        height, width = np.multiply(self.image.shape, self.binning).tolist()
        return self.left, self.left + width, self.bottom, self.bottom + height

    @property
    def key(self) -> tuple[int, str, float, float]:
        """What tells it apart from others."""
        return self.detector, self.kind, self.x, self.y


def cutStamps(
    image: npt.NDArray[np.floating],
    excluded: BoolArray,
    structures: Structures,
    detector: int,
    *,
    number: int,
    size: int = 64,
) -> list[Stamp]:
    """Cut stamps of the most conspicuous structures of a detector.

    A stamp shows single pixels around the centre of what is small. Of what is larger, it shows all and its
    surroundings by means: of squares if it is wide, as a glow is, and along it if it is a line, as a column
    is, of which no single pixel stands out.

    Parameters
    ----------
    image
        Image of the detector; shape (ny, nx), row 0 at the lowest y. Masked pixels are left out.
    excluded
        True where a pixel is left out; shape (ny, nx).
    structures
        What was found. Transient kinds, such as events, get no stamp.
    detector
        Identifier of the detector.
    number
        Largest number of stamps.
    size
        Height and width of a stamp in image pixels; along a line there are `LINE_BINS`.

    Returns
    -------
    stamps
        The largest excess first.
    """
    excess = structures.score / structures.threshold
    order = np.lexsort((-excess, np.isin(structures.kind, TRANSIENT_KINDS)))
    lasting = order[~np.isin(structures.kind[order], TRANSIENT_KINDS)][:number]
    pixels, left_out = fillMasked(image), fillMaskedFlags(excluded)
    stamps = []
    for row in lasting.tolist():
        shape, binning = _chooseBins(int(structures.height[row]), int(structures.width[row]), size)
        x, y = float(structures.x[row]), float(structures.y[row])
        first_y, first_x = (
            round(centre - (n * side - 1) / 2) for centre, n, side in zip((y, x), shape, binning, strict=True)
        )
        stamps.append(
            Stamp(
                detector=detector,
                kind=str(structures.kind[row]),
                amplifier=int(structures.amplifier[row]),
                x=x,
                y=y,
                excess=float(excess[row]),
                image=_cut(pixels, left_out, (first_y, first_x), shape, binning),
                left=first_x - 0.5,
                bottom=first_y - 0.5,
                binning=binning,
            )
        )
    return stamps


def _chooseBins(height: int, width: int, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Choose the shape of a stamp, and the height and width of its pixels, for a structure of some size."""
    reach = math.ceil(_SURROUNDINGS * max(height, width))
    if min(height, width) > _NARROW * size:
        side = max(1, math.ceil(reach / size))
        return (size, size), (side, side)
    if max(height, width) <= size:
        return (size, size), (1, 1)
    along = math.ceil(reach / LINE_BINS)
    return ((LINE_BINS, size), (along, 1)) if height > width else ((size, LINE_BINS), (1, along))


def _cut(
    image: npt.NDArray[np.floating],
    excluded: BoolArray,
    first: tuple[int, int],
    shape: tuple[int, int],
    binning: tuple[int, int],
) -> Float32Array:
    """Cut a part that begins at a row and a column, which may be beyond the image, and bin it by means."""
    sides = tuple(np.multiply(shape, binning).tolist())
    inside = tuple(
        slice(max(start, 0), min(start + side, end))
        for start, side, end in zip(first, sides, image.shape, strict=True)
    )
    place = tuple(
        slice(part.start - start, part.stop - start) for part, start in zip(inside, first, strict=True)
    )
    pixels = np.full(sides, np.nan, dtype=np.float32)
    with np.errstate(over="ignore"):
        pixels[place] = image[inside]
    pixels[place][excluded[inside]] = np.nan
    bins = pixels.reshape(shape[0], binning[0], shape[1], binning[1])
    good = np.isfinite(bins)
    number = good.sum(axis=(1, 3))
    total = bins.sum(axis=(1, 3), where=good, dtype=np.float64)
    return np.divide(total, number, out=np.full(shape, np.nan), where=number > 0).astype(np.float32)


def foremostStamps(stamps: Iterable[Stamp], number: int) -> list[Stamp]:
    """Keep the stamps of the largest excess.

    Parameters
    ----------
    stamps
        Stamps of any detectors.
    number
        How many to keep.

    Returns
    -------
    foremost
        These, the largest excess first.
    """
    return sorted(stamps, key=lambda stamp: -stamp.excess)[:number]


def stampsOfRows(stamps: Iterable[Stamp], table: Table, number: int) -> list[tuple[int, Stamp]]:
    """Find the stamps of the first rows of a ranked table.

    Parameters
    ----------
    stamps
        Stamps of any detectors.
    table
        As `rankStructures` makes it.
    number
        Number of rows, transient kinds not counted.

    Returns
    -------
    found
        Row and stamp of those that have one, in the order of the table.
    """
    by_key = {stamp.key: stamp for stamp in stamps}
    rows = np.flatnonzero(~np.isin(np.asarray(table["kind"], dtype=str), TRANSIENT_KINDS))[:number]
    keys = [
        (int(table["detector"][row]), str(table["kind"][row]), float(table["x"][row]), float(table["y"][row]))
        for row in rows
    ]
    return [(int(row), by_key[key]) for row, key in zip(rows, keys, strict=True) if key in by_key]
