# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Places of images on the axes of a figure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lsst.analysis.cp.core.geometry import FocalPlaneGeometry, boxCorners
from lsst.analysis.cp.core.images import DetectorPlacement, MosaicGrid
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray

__all__ = [
    "IMAGE_INCHES",
    "ImageFrame",
    "binningOf",
    "detectorFrame",
    "focalPlaneFrame",
    "leaveOut",
    "turnedDetectorFrame",
]

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
        Corners of all detectors and amplifiers of the camera, in the unit of the axes; shapes (nDet, 4, 2)
        and (nAmp, 4, 2).
    shown
        Detectors whose centre is on the image and that were requested; shape (nDet,).
    notRequested
        Detectors whose centre is on the image, but of which nobody asked for pixels; shape (nDet,).
    markColumns
        Columns of a table of structures that hold the positions (x, y) to mark.
    matrix, offset
        Where these lie on the axes: ``matrix @ (x, y) + offset``; shapes (2, 2) and (2,).
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
    markColumns: tuple[str, str]
    matrix: FloatArray
    offset: FloatArray
    axisLabels: tuple[str, str]
    note: str
    notRequested: BoolArray

    @cached_property
    def shownAmps(self) -> IndexArray:
        """Positions of the amplifiers of the detectors that are shown; shape (n,)."""
        return np.flatnonzero(self.shown[self.geometry.layout.ampDetector])

    @property
    def pixelSides(self) -> tuple[float, float]:
        """Width and height of an image pixel, in the unit of the axes."""
        left, right, bottom, top = self.extent
        return (right - left) / self.shape[1], (top - bottom) / self.shape[0]

    def toPixels(self, points: FloatArray) -> FloatArray:
        """Turn positions (x, y) on the axes into (column, row) of the image; both of shape (..., 2).

        Whole numbers are centres of pixels.
        """
        left, _, bottom, _ = self.extent
        return (np.asarray(points) - (left, bottom)) / self.pixelSides - 0.5


def binningOf(
    shape: tuple[int, int], detectorShape: tuple[int, int], name: str, binning: int | None = None
) -> int:
    """Find the side of a bin, in pixels, of an image of a detector; shapes are (ny, nx).

    Where several sides fit, with partial bins or without, it is a power of two, and then the smallest. If no
    side, or not that which is known, gives the shape of the image, a ValueError names the detector.
    """
    n_rows = detectorShape[0]
    # Partial bins at the edge may have been kept or left out: these are all sides that give the number of
    # rows in one way or the other, and a few more.
    candidates = [binning] if binning else range(n_rows // (shape[0] + 1), n_rows // max(shape[0] - 1, 1) + 2)
    fitting = [
        factor
        for factor in candidates
        if factor > 0
        and shape
        in (
            tuple(side // factor for side in detectorShape),
            tuple(-(-side // factor) for side in detectorShape),
        )
    ]
    if not fitting:
        by = f"by {binning}" if binning else "by a whole factor"
        raise ValueError(f"The image of {name} has shape {shape}; expected {detectorShape} binned {by}.")
    return min(fitting, key=lambda factor: (factor & (factor - 1) != 0, factor))


def detectorFrame(
    geometry: FocalPlaneGeometry, index: int, shape: tuple[int, int], binning: int
) -> ImageFrame:
    """Place the image, of shape (ny, nx), of the detector at a position in the camera on axes in its pixels.

    An image pixel is ``binning`` detector pixels wide. Corners of other detectors are NaN.
    """
    own = geometry.layout.ampDetector == index
    detector_corners = np.full_like(geometry.detectorCorners, np.nan)
    detector_corners[index] = boxCorners(geometry.detectorEdges[index])
    amp_corners = np.full_like(geometry.ampCorners, np.nan)
    amp_corners[own] = boxCorners(geometry.ampEdges[own])
    left, bottom = geometry.detectorEdges[index][:2].tolist()
    return ImageFrame(
        geometry=geometry,
        extent=(left, left + binning * shape[1], bottom, bottom + binning * shape[0]),
        shape=shape,
        detectorCorners=detector_corners,
        ampCorners=amp_corners,
        shown=np.arange(geometry.layout.nDetectors) == index,
        markColumns=("x", "y"),
        matrix=np.eye(2),
        offset=np.zeros(2),
        axisLabels=("x (pixel)", "y (pixel)"),
        note=_describeBinning(binning),
        notRequested=np.zeros(geometry.layout.nDetectors, dtype=bool),
    )


def focalPlaneFrame(
    geometry: FocalPlaneGeometry, grid: MosaicGrid, unit: str = "mm", shown: BoolArray | None = None
) -> ImageFrame:
    """Place a mosaic on axes of the focal plane, in ``mm`` or in detector ``pixel`` from its centre.

    The detectors ``shown`` are those that the mosaic is meant to hold, shape (nDet,); those whose centre lies
    on it if None.
    """
    n_rows, n_columns = grid.shape
    left, bottom = (float(edge) for edge in grid.toFocalPlane(-0.5, -0.5))
    right, top = (float(edge) for edge in grid.toFocalPlane(n_columns - 0.5, n_rows - 0.5))
    if shown is None:
        x, y = geometry.detectorCorners.mean(axis=1).T
        shown = (left < x) & (x < right) & (bottom < y) & (y < top)
    indices = np.flatnonzero(shown) if shown.any() else np.arange(geometry.layout.nDetectors)
    side = float(np.median([DetectorPlacement.fromGeometry(geometry, int(i)).pixelSize for i in indices]))
    per_mm = 1.0 if unit == "mm" else 1.0 / side
    return ImageFrame(
        geometry=geometry,
        extent=(left * per_mm, right * per_mm, bottom * per_mm, top * per_mm),
        shape=grid.shape,
        detectorCorners=geometry.detectorCorners * per_mm,
        ampCorners=geometry.ampCorners * per_mm,
        shown=shown,
        markColumns=("fpX", "fpY"),
        matrix=per_mm * np.eye(2),
        offset=np.zeros(2),
        axisLabels=(f"focal plane x ({unit})", f"focal plane y ({unit})"),
        note=_describeBinning(grid.pixelSize / side),
        notRequested=np.zeros(geometry.layout.nDetectors, dtype=bool),
    )


def leaveOut(frame: ImageFrame, detectors: IndexArray) -> ImageFrame:
    """Take detectors, given by their positions in the camera, as not requested; shape (n,)."""
    left_out = np.zeros_like(frame.shown)
    left_out[detectors] = True
    return replace(frame, shown=frame.shown & ~left_out, notRequested=frame.shown & left_out)


def turnedDetectorFrame(geometry: FocalPlaneGeometry, index: int, grid: MosaicGrid) -> ImageFrame:
    """Place a mosaic of the detector at a position in the camera on axes of the focal plane, in mm.

    Positions to mark are those of the detector's pixels.
    """
    frame = focalPlaneFrame(geometry, grid, shown=np.arange(geometry.layout.nDetectors) == index)
    placement = DetectorPlacement.fromGeometry(geometry, index)
    first_pixel = geometry.detectorEdges[index][:2] + 0.5
    offset = placement.origin - placement.matrix @ first_pixel
    return replace(frame, markColumns=("x", "y"), matrix=placement.matrix, offset=offset)


def _describeBinning(binning: float) -> str:
    if round(binning) == 1:
        return "image pixels are detector pixels"
    return f"one image pixel is {binning:.4g} × {binning:.4g} detector pixels"
