# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of windows of a pyramid: only the index and the tiles under the window are read."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import astropy.io.fits
import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.images.placement import DetectorPlacement, MosaicGrid
from lsst.analysis.cp.core.typing import Float32Array, FloatArray

from .checksums import PyramidFileError
from .filePart import FilePart
from .index import (
    CHECKSUM_CARDS,
    EMPTY_PRIMARY,
    MOSAIC,
    PLACE_CARDS,
    TILE_SIZE,
    ImageKey,
    StoredDetector,
    StoredImage,
    readIndex,
)
from .window import (
    DetectorMap,
    DetectorWindow,
    StoredPixels,
    TurnedDetectorWindow,
    View,
    ViewPixels,
    windowOf,
)

__all__ = ["PyramidReader"]

_MOST_OPEN = 64
"""Number of images whose headers are kept: those of all images of a large camera would take 300 MB."""


class PyramidReader:
    """Reads windows of the pyramid of an exposure, as `PyramidWriter` writes it.

    Of the file, it reads the first header and the index (about 100 kB for 205 detectors) when it is opened,
    and then, for each window, the headers of the images in it and the tiles under it.

    Parameters
    ----------
    source
        Name of the file, or the file itself, open for reading of bytes at any place (local, or remote through
        ``ResourcePath.open`` or fsspec). A file that is handed over stays open at the end.
    name
        What to call the file in messages; by default what it says itself.

    Raises
    ------
    PyramidFileError
        Raised if the file is no pyramid, is one of another version, is damaged or cut short. It is a
        `ValueError`, and names the file, and the image and tile that are damaged.
    """

    def __init__(self, source: str | Path | BinaryIO, name: str | None = None) -> None:
        self._owned = isinstance(source, str | Path)
        self._file: BinaryIO = Path(source).open("rb") if isinstance(source, str | Path) else source
        self.name = name or str(getattr(source, "name", source))
        try:
            self._header, self._index = readIndex(self._file, self.name)
        except Exception:
            self.close()
            raise
        self._images = self._index.images
        self._map = DetectorMap(self._index.detectors)
        self._open: dict[ImageKey, tuple[FilePart, Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, if it was opened here."""
        if self._owned:
            self._file.close()

    @property
    def pixelSize(self) -> float:
        """Side of a pixel of factor 1, mm."""
        return float(self._header["PYRPIXEL"])

    @property
    def detectors(self) -> tuple[StoredDetector, ...]:
        """The camera's detectors, whether they are in the exposure or not."""
        return self._index.detectors

    def factors(self, plane: str = "image") -> tuple[int, ...]:
        """Return the factors at which a plane is kept.

        Parameters
        ----------
        plane
            ``image``, ``mask`` or ``significance``.

        Returns
        -------
        factors
            Sides of the pixels, in pixels of the detectors; the finest first.

        Raises
        ------
        ValueError
            Raised if there is no such plane in the file.
        """
        present = {key.plane for key, place in self._images.items() if place.present}
        if plane not in present:
            raise ValueError(f"The pyramid {self.name} has no plane {plane!r}; it has {sorted(present)}.")
        return tuple(sorted({key.factor for key in self._images if key.plane == plane}))

    def toFocalPlane(self, detector: int | str, x: float, y: float) -> tuple[float, float]:
        """Find a pixel on the focal plane.

        Parameters
        ----------
        detector
            Identifier or name of a detector.
        x, y
            Position on it, pixels; whole numbers are centres of pixels.

        Returns
        -------
        x, y
            Position on the focal plane, mm.

        Raises
        ------
        ValueError
            Raised if the camera has no such detector, or the position is not on it.
        """
        own = self._map.find(detector)
        column, row = x - own.x0, y - own.y0
        n_rows, n_columns = own.placement.shape
        if not (-0.5 <= column <= n_columns - 0.5 and -0.5 <= row <= n_rows - 0.5):
            raise ValueError(
                f"Pixel ({x}, {y}) is not on {own.placement.label}, "
                f"whose pixels start at ({own.x0}, {own.y0}) and number {n_columns} by {n_rows}."
            )
        fp_x, fp_y = own.placement.toFocalPlane(column, row)
        return float(fp_x), float(fp_y)

    def overview(self) -> Float32Array:
        """Read the coarsest mosaic of the image, not rounded; shape (ny, nx).

        Raises
        ------
        PyramidFileError
            Raised if it is damaged.
        """
        first, last = len(EMPTY_PRIMARY), int(self._header[PLACE_CARDS[0]])
        self._file.seek(first)
        content = self._file.read(last - first)
        if zlib.crc32(content) != self._header[CHECKSUM_CARDS[0]]:
            raise PyramidFileError(f"{self.name} is damaged: the checksum of its overview is wrong.")
        hdus = astropy.io.fits.open(io.BytesIO(EMPTY_PRIMARY + content), memmap=False)
        return np.array(hdus[1].data, dtype=np.float32)

    @property
    def images(self) -> Mapping[ImageKey, StoredImage]:
        """The images that are in the file, and where."""
        return {key: place for key, place in self._images.items() if place.present}

    def describe(self, detector: int, plane: str, factor: int) -> StoredPixels:
        """Say what the pixels of an image are; see `readTile` for parameters and errors."""
        return StoredPixels.fromHeader(self._hdu(self._findImage(detector, plane, factor))[1].header)

    def readTile(
        self, detector: int, plane: str, factor: int, row: int, column: int
    ) -> Float32Array | npt.NDArray[np.int32]:
        """Read a tile of an image as it is in the file.

        Parameters
        ----------
        detector
            Identifier of the detector, or `MOSAIC`.
        plane, factor
            Which of its images.
        row, column
            Which tile, counted from 0: its first pixel is [row * TILE_SIZE, column * TILE_SIZE].

        Returns
        -------
        pixels
            The tile (rows, columns); at most TILE_SIZE either way, less at the upper and right edge. Floats,
            NaN where there is no value; of a mask whole numbers.

        Raises
        ------
        ValueError
            Raised if the image is not in the file, or has no such tile.
        PyramidFileError
            Raised if what is read of the file is damaged or cut short.
        """
        key = self._findImage(detector, plane, factor)
        place = self._images[key]
        numbers = [-(-size // TILE_SIZE) for size in place.shape]
        if not (0 <= row < numbers[0] and 0 <= column < numbers[1]):
            raise ValueError(
                f"{self._nameOf(key)} has {numbers[0]} by {numbers[1]} tiles; got row {row}, column {column}."
            )
        window = tuple(
            slice(start * TILE_SIZE, min((start + 1) * TILE_SIZE, size))
            for start, size in zip((row, column), place.shape, strict=True)
        )
        dtype = np.int32 if plane == "mask" else np.float32
        return np.asarray(self._hdu(key)[1].section[window], dtype=dtype)

    def read(
        self,
        centre: tuple[float, float],
        width: float | tuple[float, float],
        *,
        plane: str = "image",
        factor: int | None = None,
        maxPixels: int = 1024,
    ) -> View:
        """Read a window.

        Pixels are never interpolated: each shows the value of the one in the file whose centre is nearest, at
        most half an output pixel away along either axis of the detector. Where the detector in the middle is
        turned by whole quarters, the pixels of the view are its own.

        Parameters
        ----------
        centre
            Position (x, y) on the focal plane, mm.
        width
            Width of the window, or width and height, mm.
        plane
            ``image``, ``mask`` or ``significance``.
        factor
            One of `factors`; if None, the finest that needs no more than ``maxPixels``.
        maxPixels
            Most pixels along either axis.

        Returns
        -------
        view
            The pixels.

        Raises
        ------
        ValueError
            Raised if the plane or factor is not in the file, the window has no size, lies outside the focal
            plane, or needs more pixels.
        PyramidFileError
            Raised if what is read of the file is damaged or cut short.
        """
        size = np.broadcast_to(np.asarray(width, dtype=np.float64), (2,))
        middle = np.asarray(centre, dtype=np.float64)
        if not (
            np.isfinite(middle).all() and middle.shape == (2,) and np.isfinite(size).all() and size.min() > 0
        ):
            raise ValueError(f"Expected a window in mm; got centre {centre!r} and width {width!r}.")
        chosen = self._chooseFactor(plane, factor, float(size.max()), maxPixels)
        grid = self._gridOf(middle, size, chosen, plane)
        image: ViewPixels = np.full(grid.shape, np.nan, dtype=np.float32)
        if plane == "mask":
            image = np.zeros(grid.shape, dtype=np.int32)
        parts, missing = self._partsIn(grid, plane, chosen)
        meaning = StoredPixels()
        n_tiles = n_bytes = 0
        for key, window in parts:
            part, hdu = self._hdu(key)
            n_tiles += window.readInto(image, hdu)
            n_bytes += part.takeCount()
            meaning = StoredPixels.fromHeader(hdu.header)
        return View(
            image=image,
            grid=grid,
            plane=plane,
            factor=chosen,
            unit=meaning.unit,
            maskPlanes=meaning.maskPlanes,
            missing=tuple(missing),
            nTiles=n_tiles,
            nBytes=n_bytes,
        )

    def _chooseFactor(self, plane: str, factor: int | None, size: float, maxPixels: int) -> int:
        factors = self.factors(plane)
        if factor is not None and factor not in factors:
            raise ValueError(f"The pyramid {self.name} has {plane!r} at factors {factors}; got {factor!r}.")
        candidates = factors if factor is None else (factor,)
        for candidate in candidates:
            if round(size / (self.pixelSize * candidate)) <= maxPixels:
                return candidate
        n_pixels = round(size / (self.pixelSize * candidates[-1]))
        raise ValueError(
            f"A window of {size:g} mm needs {n_pixels} pixels of {plane!r} at factor {candidates[-1]}, and "
            f"{maxPixels} are allowed; ask for a narrower one"
            + (" or a larger factor." if factor is not None else ".")
        )

    def _gridOf(self, middle: FloatArray, size: FloatArray, factor: int, plane: str) -> MosaicGrid:
        """Return the grid of the window, whose pixels are those of the file in its middle."""
        pixel = self.pixelSize * factor
        n_columns, n_rows = np.maximum(np.rint(size / pixel).astype(int), 1).tolist()
        x0, y0 = (middle - 0.5 * pixel * (np.array([n_columns, n_rows]) - 1)).tolist()
        own = self._mosaicPlacement(plane, factor)
        if own is None:
            own = self._map.nearest(*middle.tolist()).binned(factor)
        if own.quarterTurnsOn(pixel) is not None:
            column, row = own.toPixels(x0, y0)
            x0, y0 = (float(value) for value in own.toFocalPlane(np.rint(column), np.rint(row)))
        grid = MosaicGrid(x0, y0, pixel, (n_rows, n_columns))
        self._map.checkInside(grid)
        return grid

    def _mosaicPlacement(self, plane: str, factor: int) -> DetectorPlacement | None:
        """Place a mosaic, as if it were a detector that is not turned; None at the factors of detectors."""
        place = self._images.get(ImageKey(MOSAIC, plane, factor))
        if place is None:
            return None
        return DetectorPlacement(
            detectorId=MOSAIC,
            name="MOSAIC",
            shape=place.shape,
            origin=np.array([place.x0, place.y0]),
            matrix=np.diag([self.pixelSize * factor] * 2),
        )

    def _partsIn(
        self, grid: MosaicGrid, plane: str, factor: int
    ) -> tuple[list[tuple[ImageKey, DetectorWindow | TurnedDetectorWindow]], list[int]]:
        """Find the parts of images that a window shows, and the detectors in it without such an image."""
        near = list(self._map.inWindow(grid))
        mosaic = self._mosaicPlacement(plane, factor)
        if mosaic is not None:
            window = windowOf(mosaic, grid)
            missing = [own.placement.detectorId for own in near if plane not in own.planes]
            return [(ImageKey(MOSAIC, plane, factor), window)] if window is not None else [], missing
        parts, missing = [], []
        for own in near:
            number = own.placement.detectorId
            window = windowOf(own.placement.binned(factor), grid)
            if window is None:
                continue
            if plane in own.planes:
                parts.append((ImageKey(number, plane, factor), window))
            else:
                missing.append(number)
        return parts, missing

    def _findImage(self, detector: int, plane: str, factor: int) -> ImageKey:
        key = ImageKey(detector, plane, factor)
        if key not in self._images or not self._images[key].present:
            raise ValueError(f"The pyramid has no such image: {self._nameOf(key)}.")
        return key

    def _nameOf(self, key: ImageKey) -> str:
        what = "mosaic" if key.detector == MOSAIC else f"detector {key.detector}"
        return f"{self.name}: {key.plane!r} of {what} at factor {key.factor}"

    def _hdu(self, key: ImageKey) -> tuple[FilePart, Any]:
        """Return an image whose tiles are read when asked for; its header is kept for a while."""
        if key in self._open:
            self._open[key] = self._open.pop(key)
        else:
            part = FilePart(self._file, self._images[key], self._nameOf(key))
            self._open[key] = part, astropy.io.fits.open(part, memmap=False)[1]
            if len(self._open) > _MOST_OPEN:
                del self._open[next(iter(self._open))]
        return self._open[key]
