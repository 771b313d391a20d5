# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Places of an image on the axes, and the pixels that belong to amplifiers."""

from __future__ import annotations

__all__ = ["ampRegions", "binningOf", "countFinite", "detectorFrame", "focalPlaneFrame"]

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.focalPlane import FocalPlaneGeometry, boxCorners
from lsst.analysis.cp.core.imageViews import DetectorPlacement, MosaicGrid

from ._imageView import ImageFrame

FloatArray = npt.NDArray[np.float64]
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


def binningOf(shape: tuple[int, int], detectorShape: tuple[int, int], name: str) -> int:
    """Find by how much an image of a detector is binned.

    Parameters
    ----------
    shape
        Its pixels (ny, nx).
    detectorShape
        Pixels (ny, nx) of the detector.
    name
        The detector in words.

    Returns
    -------
    binning
        Side of a bin in pixels.

    Raises
    ------
    ValueError
        Raised if no factor gives that shape.
    """
    factor = max(round(detectorShape[0] / max(shape[0], 1)), 1)
    for binning in range(max(factor - 1, 1), factor + 2):
        sizes = [(side // binning, -(-side // binning)) for side in detectorShape]
        if all(n in size for n, size in zip(shape, sizes, strict=True)):
            return binning
    raise ValueError(
        f"The image of {name} has shape {shape}; expected {detectorShape}, or that binned by a whole factor."
    )


def detectorFrame(
    geometry: FocalPlaneGeometry, index: int, shape: tuple[int, int], binning: int
) -> ImageFrame:
    """Place the image of one detector on axes in its pixels.

    Parameters
    ----------
    geometry
        The camera.
    index
        Position of the detector in the camera.
    shape
        Number of image pixels (ny, nx).
    binning
        Side of an image pixel in detector pixels.

    Returns
    -------
    frame
        The frame. Corners of other detectors are NaN.
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
        axisLabels=("x (pixel)", "y (pixel)"),
        note=_describeBinning(binning),
    )


def focalPlaneFrame(
    geometry: FocalPlaneGeometry, grid: MosaicGrid, unit: str = "mm", shown: BoolArray | None = None
) -> ImageFrame:
    """Place a mosaic on axes of the focal plane.

    Parameters
    ----------
    geometry
        The camera.
    grid
        Grid of the mosaic.
    unit
        Unit of the axes: ``mm``, or ``pixel`` for detector pixels counted from the centre of the focal plane.
    shown
        Detectors that the mosaic is meant to hold; shape (nDet,). Those whose centre lies on it if None.

    Returns
    -------
    frame
        The frame.
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
        axisLabels=(f"focal plane x ({unit})", f"focal plane y ({unit})"),
        note=_describeBinning(grid.pixelSize / side),
    )


def _describeBinning(binning: float) -> str:
    if round(binning) == 1:
        return "image pixels are detector pixels"
    return f"one image pixel is {binning:.4g} × {binning:.4g} detector pixels"


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


def countFinite(finite: BoolArray, frame: ImageFrame) -> tuple[IndexArray, IndexArray]:
    """Count the pixels of each amplifier, and those that have a value.

    Parameters
    ----------
    finite
        Pixels with a value; shape (ny, nx).
    frame
        Where image and amplifiers lie.

    Returns
    -------
    nFinite, nPixels
        Numbers for each amplifier of `ImageFrame.shownAmps`.
    """
    counts = []
    for region in ampRegions(frame, frame.shownAmps):
        own = finite[region.box]
        inside = np.ones_like(own) if region.inside is None else region.inside
        counts.append((np.count_nonzero(own & inside), np.count_nonzero(inside)))
    n_finite, n_pixels = np.array(counts, dtype=np.intp).reshape(-1, 2).T
    return n_finite, n_pixels
