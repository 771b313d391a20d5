# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Windows of the focal plane: which pixels, and which tiles, of an image lie in them."""

from __future__ import annotations

__all__ = ["DetectorWindow", "Image", "TurnedDetectorWindow", "View", "cutMosaic", "windowOf"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.images.placement import DetectorPlacement, MosaicGrid
from lsst.analysis.cp.core.typing import BoolArray, Float32Array, IndexArray

from .hdus import TILE_SIZE

Image = Float32Array | npt.NDArray[np.int32]
Pixels = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A window of the focal plane.

    Parameters
    ----------
    image
        Pixels (rows, columns); shape ``grid.shape``. Of image and significance NaN where there is no
        detector, no data or no stored detector; of a mask 0 there.
    grid
        Where the pixels lie on the focal plane.
    plane
        ``image``, ``mask`` or ``significance``.
    factor
        Side of a pixel, in pixels of the detectors.
    unit
        Unit of the pixels; empty for none.
    maskPlanes
        Number of the bit of each plane of a mask; empty for others.
    missing
        Detectors in the window of which the exposure has no such image.
    nTiles, nBytes
        Number of tiles that were read, and of bytes, without those of the index.
    """

    image: Image
    grid: MosaicGrid
    plane: str
    factor: int
    unit: str
    maskPlanes: Mapping[str, int]
    missing: tuple[int, ...]
    nTiles: int
    nBytes: int


class _Sections(Protocol):
    @property
    def section(self) -> Any: ...


@dataclass(frozen=True, eq=False)
class DetectorWindow:
    """The part of a detector's image that lies in a window, where the detector is turned by whole quarters.

    Parameters
    ----------
    target
        Rows and columns in the window.
    source
        Rows and columns in the detector's image.
    turns
        Quarter turns anticlockwise from the image to the window.
    """

    target: tuple[slice, slice]
    source: tuple[slice, slice]
    turns: int

    def readInto(self, image: Pixels, hdu: _Sections) -> int:
        """Read the part.

        Parameters
        ----------
        image
            The window; shape (ny, nx). Changed.
        hdu
            The detector's image.

        Returns
        -------
        nTiles
            Number of tiles that were read.
        """
        # Quarters are anticlockwise with y upwards; rot90 takes rows downwards.
        _paste(image[self.target], np.rot90(hdu.section[self.source], -self.turns))
        return _nTiles(self.source)


@dataclass(frozen=True, eq=False)
class TurnedDetectorWindow:
    """The same at any angle: each pixel of the window shows that of the image which is nearest.

    Parameters
    ----------
    target
        Whether each pixel of the window lies on the detector; shape (ny, nx).
    rows, columns
        Pixels of the detector's image; shape (n,), one for each that is True in ``target``.
    """

    target: BoolArray
    rows: IndexArray
    columns: IndexArray

    def readInto(self, image: Pixels, hdu: _Sections) -> int:
        """Read the part; see `DetectorWindow.readInto`."""
        first = self.rows.min() // TILE_SIZE * TILE_SIZE, self.columns.min() // TILE_SIZE * TILE_SIZE
        last = int(self.rows.max()) + 1, int(self.columns.max()) + 1
        block = np.zeros((last[0] - first[0], last[1] - first[1]), dtype=image.dtype)
        tiles = np.unique(np.stack([self.rows, self.columns]) // TILE_SIZE, axis=1).T.tolist()
        for tile in tiles:
            starts = [index * TILE_SIZE for index in tile]
            stops = [min(start + TILE_SIZE, end) for start, end in zip(starts, last, strict=True)]
            section = tuple(slice(*ends) for ends in zip(starts, stops, strict=True))
            here = tuple(slice(s - f, e - f) for s, e, f in zip(starts, stops, first, strict=True))
            block[here] = hdu.section[section]
        values = image[self.target]
        _paste(values, block[self.rows - first[0], self.columns - first[1]])
        image[self.target] = values
        return len(tiles)


def windowOf(placement: DetectorPlacement, grid: MosaicGrid) -> DetectorWindow | TurnedDetectorWindow | None:
    """Find the part of a detector's image that lies in a window.

    Parameters
    ----------
    placement
        The image, at the factor of the window.
    grid
        The window.

    Returns
    -------
    part
        The part; None if the detector lies outside.
    """
    n_rows, n_columns = placement.shape
    corners = np.array([[0, 0], [n_columns - 1, 0], [n_columns - 1, n_rows - 1], [0, n_rows - 1]])
    columns, rows = grid.toPixels(*placement.toFocalPlane(*corners.T))
    if columns.max() < -1 or rows.max() < -1 or columns.min() > grid.shape[1] or rows.min() > grid.shape[0]:
        return None
    turns = placement.quarterTurnsOn(grid.pixelSize)
    return _turnedWindow(placement, grid) if turns is None else _quarterWindow(placement, grid, turns)


def _quarterWindow(placement: DetectorPlacement, grid: MosaicGrid, turns: int) -> DetectorWindow | None:
    turn = np.linalg.matrix_power(np.array([[0, -1], [1, 0]]), turns)
    size = np.array(placement.shape[::-1])
    # (column, row) of the window = turn @ (column, row) of the image + shift
    middle = np.array(grid.toPixels(*placement.toFocalPlane(*(0.5 * (size - 1)))))
    shift = np.floor(middle - turn @ (0.5 * (size - 1)) + 0.5).astype(int)
    ends = np.stack([shift, turn @ (size - 1) + shift])
    low = np.maximum(ends.min(axis=0), 0)
    high = np.minimum(ends.max(axis=0), np.array(grid.shape[::-1]) - 1)
    if (low > high).any():
        return None
    own = np.stack([turn.T @ (low - shift), turn.T @ (high - shift)])
    return DetectorWindow(_slices(low, high), _slices(own.min(axis=0), own.max(axis=0)), turns)


def _turnedWindow(placement: DetectorPlacement, grid: MosaicGrid) -> TurnedDetectorWindow | None:
    row, column = np.indices(grid.shape)
    places = placement.toPixels(*grid.toFocalPlane(column, row))
    columns, rows = (np.floor(place + 0.5).astype(np.intp) for place in places)
    inside = (rows >= 0) & (rows < placement.shape[0]) & (columns >= 0) & (columns < placement.shape[1])
    return TurnedDetectorWindow(inside, rows[inside], columns[inside]) if inside.any() else None


def cutMosaic(hdu: _Sections, own: MosaicGrid, grid: MosaicGrid) -> tuple[Pixels, int]:
    """Read a window of a mosaic.

    Parameters
    ----------
    hdu
        The mosaic.
    own
        Its pixels on the focal plane.
    grid
        The window; its pixels are pixels of the mosaic, or lie outside it.

    Returns
    -------
    image
        Pixels of the window, NaN outside the mosaic; shape ``grid.shape``.
    nTiles
        Number of tiles that were read.
    """
    image = np.full(grid.shape, np.nan, dtype=np.float32)
    column, row = own.toPixels(grid.x0, grid.y0)
    shift = -np.rint([column, row]).astype(int)
    low = np.maximum(shift, 0)
    high = np.minimum(shift + np.array(own.shape[::-1]), np.array(grid.shape[::-1])) - 1
    if (low > high).any():
        return image, 0
    source = _slices(low - shift, high - shift)
    image[_slices(low, high)] = hdu.section[source]
    return image, _nTiles(source)


def _slices(low: IndexArray, high: IndexArray) -> tuple[slice, slice]:
    """Return rows and columns between two pixels (column, row), both of them included."""
    return slice(int(low[1]), int(high[1]) + 1), slice(int(low[0]), int(high[0]) + 1)


def _nTiles(window: tuple[slice, slice]) -> int:
    rows, columns = ((part.stop - 1) // TILE_SIZE - part.start // TILE_SIZE + 1 for part in window)
    return int(rows * columns)


def _paste(view: Pixels, piece: Pixels) -> None:
    """Put pixels into a window; those without a value leave what is there."""
    # NaN differs from itself; integers do not.
    np.copyto(view, piece, where=piece == piece)
