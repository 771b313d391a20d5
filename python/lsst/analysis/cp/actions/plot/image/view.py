# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a figure of an image shows, as plain arrays and text; drawn by `_imageDrawing`."""

from __future__ import annotations

__all__ = ["ImageScale", "ImageView", "Marks", "Names", "Projections"]

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.limits import ColourLimits
from lsst.analysis.cp.core.typing import BoolArray, Float32Array, FloatArray

from .frame import ImageFrame
from .regions import Gaps


@dataclass(frozen=True, kw_only=True)
class ImageScale:
    """How the values of an image become colours.

    Parameters
    ----------
    colourMap
        Name of the colour map; ``significance`` for the one that changes at the threshold.
    limits
        Ends of the scale, and how many pixels are beyond.
    softening
        Distance from ``bend`` up to which an inverse hyperbolic sine is about linear; None for a linear
        scale.
    bend
        Value at the middle of the linear part.
    threshold
        Value to mark; None for none.
    nDetected
        Number of pixels above the threshold of a map of significances.
    label
        What is shown, with its unit.
    unit
        That unit.
    note
        How the ends were chosen, in words.
    """

    colourMap: str
    limits: ColourLimits
    softening: float | None = None
    bend: float = 0.0
    threshold: float | None = None
    nDetected: int = 0
    label: str = ""
    unit: str = ""
    note: str = ""

    @property
    def markedThreshold(self) -> float | None:
        """The threshold, if it is on the scale."""
        inside = self.threshold is not None and self.limits.low < self.threshold < self.limits.high
        return self.threshold if inside else None

    @property
    def ticks(self) -> FloatArray | None:
        """Values for ticks at even distances on a scale that is not linear; None for a linear one."""
        low, high = self.limits.low, self.limits.high
        if self.colourMap == "significance" and self.threshold is not None:
            return np.array([low, 0.5 * (low + self.threshold), *np.linspace(self.threshold, high, 6)])
        if self.softening is None:
            return None
        first, last = (float(np.arcsinh((end - self.bend) / self.softening)) for end in (low, high))
        levels = np.linspace(first, last, 9)
        return self.bend + self.softening * np.sinh(levels)


@dataclass(frozen=True, eq=False)
class Names:
    """Names on the image.

    Parameters
    ----------
    texts
        The names.
    positions
        Left corners of what is named, in the unit of the axes; shape (n, 2).
    points
        Size of the letters of each, points; shape (n,).
    atTop
        Whether the corners are the upper or the lower ones.
    """

    texts: tuple[str, ...]
    positions: FloatArray
    points: FloatArray
    atTop: bool = True


@dataclass(frozen=True, eq=False)
class Marks:
    """Positions of structures.

    Parameters
    ----------
    positions
        Their centres in the unit of the axes; shape (n, 2).
    texts
        Their numbers.
    """

    positions: FloatArray
    texts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Projections:
    """Reduced columns and rows of an image.

    Parameters
    ----------
    columns, rows
        One value a column, and one a row; shapes (nx,) and (ny,). NaN where there is none.
    limits
        Ends of the axes of values; robust, so that points may be beyond.
    label
        What is shown, with its unit.
    """

    columns: FloatArray
    rows: FloatArray
    limits: tuple[float, float]
    label: str


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageView:
    """Everything that a figure of an image shows.

    Parameters
    ----------
    image
        Pixels; shape (ny, nx), the first row lowest. NaN where there is no value.
    frame
        Where they lie.
    scale
        Their colours.
    gaps
        What is missing.
    failing
        Amplifiers that failed a test; shape (nAmp,).
    failingDetectors
        Detectors that failed as a whole; shape (nDet,).
    names, ampNames
        Names of detectors and amplifiers on pixels.
    gapNames
        Names of detectors and amplifiers without any.
    marks
        Structures.
    projections
        Reduced columns and rows; None for none.
    title, headline
        What is shown, and the verdict on it.
    provenance
        Lines that say where the data come from.
    lists
        Titles and lines of words beside the image.
    message
        Why there is nothing to see; empty if there is.
    """

    image: Float32Array
    frame: ImageFrame
    scale: ImageScale
    gaps: Gaps
    failing: BoolArray
    failingDetectors: BoolArray
    names: Names
    ampNames: Names
    gapNames: tuple[Names, ...]
    marks: Marks
    projections: Projections | None
    title: str
    headline: str
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    message: str
