# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Windows of the focal plane: which pixels, and which tiles, of an image lie in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from astropy.io.fits import Header

from lsst.analysis.cp.core.images.placement import DetectorPlacement, MosaicGrid
from lsst.analysis.cp.core.typing import BoolArray, Float32Array, FloatArray, IndexArray

from .index import TILE_SIZE, StoredDetector

__all__ = [
    "DetectorMap",
    "DetectorWindow",
    "StoredPixels",
    "TurnedDetectorWindow",
    "View",
    "ViewPixels",
    "windowOf",
]

ViewPixels = Float32Array | npt.NDArray[np.int32]
"""Pixels of an image, or of a mask."""
Pixels = npt.NDArray[Any]


@dataclass(frozen=True)
class StoredPixels:
    """What the pixels of an image mean.

    Parameters
    ----------
    unit
        Unit of the pixels; empty for none.
    maskPlanes
        Number of the bit of each plane of a mask; empty for others.
    """

    unit: str = ""
    maskPlanes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def fromHeader(cls, header: Header) -> StoredPixels:
        """Read what the header of an image says."""
        return cls(
            unit=str(header.get("BUNIT", "")),
            maskPlanes={name[3:]: int(header[name]) for name in header if name.startswith("MP_")},
        )


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

    image: ViewPixels
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
    """The part of a detector's image that lies in a window, where the detector is turned by any angle.

    Each pixel of the window shows the pixel of the image that is nearest. Such a part is no rectangle of the
    image, so the tiles that hold its pixels are read as wholes, and the pixels are looked up in them.

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
    if turns is not None:
        return _quarterWindow(placement, grid, turns)
    y, x = np.indices(grid.shape)
    column, row = (
        np.floor(place + 0.5).astype(np.intp) for place in placement.toPixels(*grid.toFocalPlane(x, y))
    )
    inside = (row >= 0) & (row < n_rows) & (column >= 0) & (column < n_columns)
    return TurnedDetectorWindow(inside, row[inside], column[inside]) if inside.any() else None


def _quarterWindow(placement: DetectorPlacement, grid: MosaicGrid, turns: int) -> DetectorWindow | None:
    """Find the rectangle of a detector's image that a window shows, if the detector is turned by quarters.

    All pixels of the detector are moved by one whole number of pixels of the window, that of its middle. If
    each were rounded on its own, rows of the image would be lost or doubled where a rounding changes.
    """
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


class DetectorMap:
    """Where the detectors of a pyramid lie.

    Parameters
    ----------
    detectors
        The detectors; one or more.
    """

    def __init__(self, detectors: Sequence[StoredDetector]) -> None:
        self._detectors = tuple(detectors)
        placements = [own.placement for own in self._detectors]
        size = np.array([placement.shape[::-1] for placement in placements], dtype=np.float64)
        self._origins = np.array([placement.origin for placement in placements])
        self._matrices = np.array([placement.matrix for placement in placements])
        self._halves = 0.5 * size
        # The box around a detector, turned or not: a window that does not touch it need not look closer.
        middle = self._origins + np.einsum("nij,nj->ni", self._matrices, self._halves - 0.5)
        reach = np.einsum("nij,nj->ni", np.abs(self._matrices), self._halves)
        self._low, self._high = middle - reach, middle + reach

    def find(self, detector: int | str) -> StoredDetector:
        """Find a detector by its identifier or name.

        Parameters
        ----------
        detector
            Identifier or name.

        Returns
        -------
        found
            The detector.

        Raises
        ------
        ValueError
            Raised if there is none.
        """
        for own in self._detectors:
            if detector in (own.placement.detectorId, own.placement.name):
                return own
        first, last = (self._detectors[i].placement for i in (0, -1))
        raise ValueError(
            f"The camera has no detector {detector!r}; it has {len(self._detectors)}, "
            f"{first.detectorId} ({first.name}) to {last.detectorId} ({last.name})."
        )

    def nearest(self, x: float, y: float) -> DetectorPlacement:
        """Find the detector on which a point lies, or else one that is near.

        Parameters
        ----------
        x, y
            Position on the focal plane, mm.

        Returns
        -------
        placement
            The detector out of whose middle the point lies least far, in units of the detector's size.
        """
        offsets = np.array([x, y]) - self._origins
        places = np.linalg.solve(self._matrices, offsets[:, :, np.newaxis])[:, :, 0]
        distance = np.abs((places + 0.5) / self._halves - 1).max(axis=1)
        return self._detectors[int(np.argmin(distance))].placement

    def inWindow(self, grid: MosaicGrid) -> Iterator[StoredDetector]:
        """Find the detectors that may lie in a window.

        Parameters
        ----------
        grid
            The window.

        Yields
        ------
        detector
            A detector whose outline overlaps with the window, or nearly so.
        """
        low, high = _cornersOf(grid)
        # Partial bins may reach over the edge of a detector by less than one.
        margin = grid.pixelSize
        inside = (self._low - margin <= high) & (self._high + margin >= low)
        for i in np.flatnonzero(inside.all(axis=1)).tolist():
            yield self._detectors[i]

    def checkInside(self, grid: MosaicGrid) -> None:
        """Check that a window shows some part of the focal plane, if only a gap.

        Parameters
        ----------
        grid
            The window.

        Raises
        ------
        ValueError
            Raised if it is outside.
        """
        low, high = _cornersOf(grid)
        first, last = self._low.min(axis=0), self._high.max(axis=0)
        if (low > last).any() or (high < first).any():
            words = [f"({x:.3f}, {y:.3f})" for x, y in (low, high, first, last)]
            raise ValueError(
                f"The window from {words[0]} to {words[1]} mm is outside the focal plane, "
                f"from {words[2]} to {words[3]} mm."
            )


def _cornersOf(grid: MosaicGrid) -> tuple[FloatArray, FloatArray]:
    """Return the lower left and upper right corner of a window, mm; shapes (2,)."""
    start = np.array([grid.x0, grid.y0]) - 0.5 * grid.pixelSize
    return start, start + grid.pixelSize * np.array(grid.shape[::-1])
