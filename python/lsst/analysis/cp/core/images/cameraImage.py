# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where the pixels of afw's images of a camera lie."""

from __future__ import annotations

__all__ = ["binGrid", "cameraImageGrid"]

import math

import numpy as np
import numpy.typing as npt

from .mosaic import MosaicGrid

_BORDER = 10
"""Pixels of the image around the detectors."""


def cameraImageGrid(corners: npt.ArrayLike, pixelSize: tuple[float, float], binning: int) -> MosaicGrid:
    """Place an image that ``lsst.afw.cameraGeom.utils.makeImageFromCamera`` made of a whole camera.

    That function, which ``VisualizeMosaicExpTask`` uses, counts whole detector pixels from the centre of the
    focal plane and leaves ten binned pixels around the camera. It cuts off the fractions of places, so a
    detector in the image may be off this grid by up to two of its pixels along either axis.

    Parameters
    ----------
    corners
        Corners of all detectors in (x, y) order, mm; shape (n, 4, 2).
    pixelSize
        Size of a detector's pixel along x and y, mm.
    binning
        Side of a pixel of the image in detector pixels.

    Returns
    -------
    grid
        The grid of the image.

    Raises
    ------
    ValueError
        Raised if the pixels are not square.
    """
    if not math.isclose(*pixelSize):
        raise ValueError(f"Expected square pixels; got {pixelSize} mm.")
    points = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
    first = np.floor(points.min(axis=0) / pixelSize).astype(int) - _BORDER * binning
    last = np.floor(points.max(axis=0) / pixelSize).astype(int) + _BORDER * binning
    n_columns, n_rows = (-(-(last - first + 1) // binning)).tolist()
    # The two axes are rounded differently there.
    origin = int(first[0]) // binning, -(-int(first[1]) // binning)
    size = pixelSize[0] * binning
    return MosaicGrid((origin[0] + 0.5) * size, (origin[1] + 0.5) * size, size, (n_rows, n_columns))


def binGrid(grid: MosaicGrid, factor: int) -> MosaicGrid:
    """Place what `binImage` makes of an image.

    Parameters
    ----------
    grid
        Grid of the image.
    factor
        Side of a bin in its pixels.

    Returns
    -------
    binned
        Grid of the bins; those cut by the image's edge count as whole.
    """
    offset = 0.5 * (factor - 1) * grid.pixelSize
    n_rows, n_columns = (-(-side // factor) for side in grid.shape)
    return MosaicGrid(grid.x0 + offset, grid.y0 + offset, grid.pixelSize * factor, (n_rows, n_columns))
