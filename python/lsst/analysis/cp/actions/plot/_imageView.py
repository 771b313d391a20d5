# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a figure of an image shows, as plain arrays and text; drawn by `_imageDrawing`."""

from __future__ import annotations

__all__ = ["IMAGE_INCHES", "ImageFrame", "ImageScale", "ImageView", "Marks", "Names", "Projections"]

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.colourLimits import ColourLimits
from lsst.analysis.cp.core.focalPlane import FocalPlaneGeometry

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]

IMAGE_INCHES = 9.0
"""Longer side of the image on paper; decides which names fit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageFrame:
    """Where the pixels of an image, the detectors and the amplifiers lie on the axes.

    Parameters
    ----------
    geometry
        The camera.
    extent
        Edges (left, right, bottom, top) of the image, in the unit of the axes.
    shape
        Number of pixels (ny, nx).
    detectorCorners, ampCorners
        Corners of all detectors and amplifiers of the camera, in the unit of the axes; shapes (nDet, 4, 2) and
        (nAmp, 4, 2).
    shown
        Detectors whose centre is on the image; shape (nDet,).
    axisLabels
        Labels of the x and the y axis.
    note
        Size of an image pixel in words.
    """

    geometry: FocalPlaneGeometry
    extent: tuple[float, float, float, float]
    shape: tuple[int, int]
    detectorCorners: FloatArray
    ampCorners: FloatArray
    shown: BoolArray
    axisLabels: tuple[str, str]
    note: str

    @cached_property
    def shownAmps(self) -> IndexArray:
        """Positions of the amplifiers of the detectors that are shown; shape (n,)."""
        return np.flatnonzero(self.shown[self.geometry.layout.ampDetector])

    def toPixels(self, points: FloatArray) -> FloatArray:
        """Find positions of the axes in the image.

        Parameters
        ----------
        points
            Positions in (x, y) order; shape (..., 2).

        Returns
        -------
        pixels
            Positions in (column, row) order; whole numbers are centres of pixels. Shape (..., 2).
        """
        left, right, bottom, top = self.extent
        n_rows, n_columns = self.shape
        scale = np.array([n_columns / (right - left), n_rows / (top - bottom)])
        return (np.asarray(points) - (left, bottom)) * scale - 0.5


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
        Distance from ``bend`` up to which an inverse hyperbolic sine is about linear; None for a linear scale.
    bend
        Value at the middle of the linear part.
    threshold
        Value to mark; None for none.
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
    label: str = ""
    unit: str = ""
    note: str = ""

    @property
    def markedThreshold(self) -> float | None:
        """The threshold, if it is on the scale."""
        inside = self.threshold is not None and self.limits.low < self.threshold < self.limits.high
        return self.threshold if inside else None


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
        Size of the letters, points.
    atTop
        Whether the corners are the upper or the lower ones.
    """

    texts: tuple[str, ...]
    positions: FloatArray
    points: float
    atTop: bool = True


@dataclass(frozen=True, eq=False)
class Marks:
    """Positions of structures.

    Parameters
    ----------
    positions
        Their centres in the unit of the axes; shape (n, 2).
    texts
        Their numbers; empty for those that have none.
    kinds
        What they are.
    """

    positions: FloatArray
    texts: tuple[str, ...]
    kinds: tuple[str, ...]


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
    missing
        Detectors that are shown but have no image; shape (nDet,).
    masked
        Amplifiers that have an image without a single value; shape (nAmp,).
    nMasked
        Number of pixels without a value on the other amplifiers.
    failing
        Amplifiers that failed a test; shape (nAmp,).
    failingDetectors
        Detectors that failed as a whole; shape (nDet,).
    names, ampNames, missingNames
        Names of detectors and amplifiers on the image, and those on the places of missing detectors.
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

    image: FloatImage
    frame: ImageFrame
    scale: ImageScale
    missing: BoolArray
    masked: BoolArray
    nMasked: int
    failing: BoolArray
    failingDetectors: BoolArray
    names: Names
    ampNames: Names
    missingNames: Names
    marks: Marks
    projections: Projections | None
    title: str
    headline: str
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    message: str
