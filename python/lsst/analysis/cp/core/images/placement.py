# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Where the pixels of detectors and of mosaics lie on the focal plane."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.typing import FloatArray

__all__ = ["DetectorPlacement", "MosaicGrid", "cameraImageGrid"]

_EXACT = 0.1
"""Pixels by which the corners of a detector may be off, for it to count as turned by whole quarters."""

_QUARTERS = np.array([[[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]]])
"""Rotation matrices of 0 to 3 quarter turns anticlockwise; shape (4, 2, 2)."""

_BORDER = 10
"""Pixels around the detectors in the images that afw makes of a camera."""


@dataclass(frozen=True)
class MosaicGrid:
    """Square pixels on the focal plane.

    Parameters
    ----------
    x0, y0
        Centre of pixel [0, 0] on the focal plane, mm.
    pixelSize
        Side of a pixel, mm.
    shape
        Number of pixels (ny, nx); rows are along y of the focal plane, columns along x.
    """

    x0: float
    y0: float
    pixelSize: float
    shape: tuple[int, int]

    @classmethod
    def covering(cls, corners: npt.ArrayLike, pixelSize: float) -> MosaicGrid:
        """Make the smallest grid that holds all detectors.

        The edges of its pixels lie at whole multiples of their size, counted from the origin of the focal
        plane: a grid of one raft is a part of that of the whole camera, and one pixel of twice the size holds
        four.

        Parameters
        ----------
        corners
            Corners of the detectors in (x, y) order, mm; shape (n, 4, 2).
        pixelSize
            Side of a pixel, mm.

        Returns
        -------
        grid
            The grid.

        Raises
        ------
        ValueError
            Raised if there are no finite corners or the pixels have no size.
        """
        points = np.asarray(corners, dtype=np.float64).reshape(-1, 2)
        if len(points) == 0 or not np.isfinite(points).all():
            raise ValueError(
                f"Expected finite corners of one detector or more; got {len(points) // 4} detectors."
            )
        if not pixelSize > 0:
            raise ValueError(f"Expected a pixel size in mm; got {pixelSize!r}.")
        # A millionth of a pixel outside, by rounding, needs no row of its own.
        first = np.floor(points.min(axis=0) / pixelSize + 1e-6).astype(int)
        last = np.ceil(points.max(axis=0) / pixelSize - 1e-6).astype(int)
        x0, y0 = ((first + 0.5) * pixelSize).tolist()
        n_columns, n_rows = np.maximum(last - first, 1).tolist()
        return cls(x0, y0, float(pixelSize), (n_rows, n_columns))

    def toPixels(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Find positions of the focal plane in the mosaic.

        Parameters
        ----------
        x, y
            Positions on the focal plane, mm; any shape.

        Returns
        -------
        column, row
            Positions in pixels; whole numbers are centres of pixels.
        """
        return (
            (np.asarray(x, dtype=np.float64) - self.x0) / self.pixelSize,
            (np.asarray(y, dtype=np.float64) - self.y0) / self.pixelSize,
        )

    def toFocalPlane(self, column: npt.ArrayLike, row: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Find pixels of the mosaic on the focal plane.

        Parameters
        ----------
        column, row
            Positions in pixels; whole numbers are centres of pixels. Any shape.

        Returns
        -------
        x, y
            Positions on the focal plane, mm.
        """
        return (
            self.x0 + self.pixelSize * np.asarray(column, dtype=np.float64),
            self.y0 + self.pixelSize * np.asarray(row, dtype=np.float64),
        )

    def binned(self, factor: int) -> MosaicGrid:
        """Place what `binImage` makes of the mosaic.

        Parameters
        ----------
        factor
            Side of a bin in pixels.

        Returns
        -------
        binned
            Grid of the bins; those cut by the image's edge count as whole.
        """
        offset = 0.5 * (factor - 1) * self.pixelSize
        n_rows, n_columns = (-(-side // factor) for side in self.shape)
        return MosaicGrid(self.x0 + offset, self.y0 + offset, self.pixelSize * factor, (n_rows, n_columns))


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectorPlacement:
    """Where the pixels of a detector lie on the focal plane.

    Make it with `fromGeometry`. Position (column, row) of the detector's image lies at
    ``origin + matrix @ (column, row)``; whole numbers are centres of pixels.

    Parameters
    ----------
    detectorId, name
        The detector.
    shape
        Number of its pixels (ny, nx).
    origin
        Centre of pixel [0, 0] on the focal plane, mm; shape (2,).
    matrix
        Step on the focal plane of one column (first column) and one row (second), mm; shape (2, 2).
    """

    detectorId: int
    name: str
    shape: tuple[int, int]
    origin: FloatArray
    matrix: FloatArray

    @classmethod
    def fromGeometry(cls, geometry: FocalPlaneGeometry, index: int) -> DetectorPlacement:
        """Measure the placement of a detector.

        Parameters
        ----------
        geometry
            The camera.
        index
            Position of the detector in the camera's layout.

        Returns
        -------
        placement
            Its placement.
        """
        x_min, y_min, x_max, y_max = geometry.detectorEdges[index].tolist()
        width, height = x_max - x_min, y_max - y_min
        corners = geometry.detectorCorners[index]
        matrix = ((corners[[1, 3]] - corners[0]) / [[width], [height]]).T
        return cls(
            detectorId=int(geometry.layout.detectorId[index]),
            name=str(geometry.layout.detectorName[index]),
            shape=(round(height), round(width)),
            origin=corners[0] + 0.5 * matrix.sum(axis=1),
            matrix=matrix,
        )

    @property
    def label(self) -> str:
        """Name of the detector in messages."""
        return f"detector {self.detectorId} ({self.name})"

    @property
    def pixelSize(self) -> float:
        """Side of a square of a pixel's area, mm."""
        (xx, xy), (yx, yy) = self.matrix.tolist()
        return math.sqrt(abs(xx * yy - xy * yx))

    def quarterTurnsOn(self, pixelSize: float) -> int | None:
        """Find by how many quarters the detector is turned, if its pixels have a given size.

        Parameters
        ----------
        pixelSize
            Side of a pixel, mm.

        Returns
        -------
        quarterTurns
            Quarter turns anticlockwise, 0 to 3. None if the detector's pixels are not those of an image that
            is turned by quarters: another angle, another size, or a mirror image.
        """
        # A small angle hardly changes the matrix, but over thousands of pixels it moves the corners by some.
        turns = round(math.atan2(self.matrix[1, 0], self.matrix[0, 0]) / (math.pi / 2)) % 4
        misfit = np.abs(self.matrix / pixelSize - _QUARTERS[turns])
        reach = misfit @ (0.5 * self.shape[1], 0.5 * self.shape[0])
        return turns if reach.max() <= _EXACT else None

    def binned(self, factor: int) -> DetectorPlacement:
        """Place the image that `binImage` makes of the detector.

        Parameters
        ----------
        factor
            Side of a bin in pixels.

        Returns
        -------
        placement
            The same with bins for pixels; those cut by the detector's edge count as whole.
        """
        return DetectorPlacement(
            detectorId=self.detectorId,
            name=self.name,
            shape=(-(-self.shape[0] // factor), -(-self.shape[1] // factor)),
            origin=self.origin + 0.5 * (factor - 1) * self.matrix.sum(axis=1),
            matrix=self.matrix * factor,
        )

    def toFocalPlane(self, column: npt.ArrayLike, row: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Find pixels of the detector on the focal plane.

        Parameters
        ----------
        column, row
            Positions in the detector's image; whole numbers are centres of pixels. Any shape.

        Returns
        -------
        x, y
            Positions on the focal plane, mm.
        """
        columns, rows = np.asarray(column, dtype=np.float64), np.asarray(row, dtype=np.float64)
        x, y = (self.origin[i] + self.matrix[i, 0] * columns + self.matrix[i, 1] * rows for i in (0, 1))
        return x, y

    def toPixels(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Find positions of the focal plane in the detector's image.

        Parameters
        ----------
        x, y
            Positions on the focal plane, mm; any shape.

        Returns
        -------
        column, row
            Positions in the detector's image; whole numbers are centres of pixels.
        """
        inverse = np.linalg.inv(self.matrix)
        dx = np.asarray(x, dtype=np.float64) - self.origin[0]
        dy = np.asarray(y, dtype=np.float64) - self.origin[1]
        column, row = (inverse[i, 0] * dx + inverse[i, 1] * dy for i in (0, 1))
        return column, row


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
