# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""HDUs of a pyramid: how they are compressed, say where their pixels lie, and are read one by one."""

from __future__ import annotations

__all__ = [
    "EMPTY_PRIMARY",
    "TILE_SIZE",
    "compressedHdu",
    "hduBytes",
    "linearWcs",
    "mosaicWcs",
    "prefixLength",
]

import io
from typing import BinaryIO

import astropy.io.fits
import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.images.placement import MosaicGrid
from lsst.analysis.cp.core.typing import Float32Array

TILE_SIZE = 512
"""Side of a tile of a compressed image, pixels."""

EMPTY_PRIMARY = astropy.io.fits.PrimaryHDU().header.tostring().encode()
"""A primary HDU without pixels, as it is in a file."""

_DITHER = 2
"""SUBTRACTIVE_DITHER_2, which keeps zeros; see `astropy.io.fits.CompImageHDU`."""


def hduBytes(
    *hdus: astropy.io.fits.ImageHDU | astropy.io.fits.CompImageHDU | astropy.io.fits.BinTableHDU,
) -> bytes:
    """Return HDUs as they are in a file.

    Parameters
    ----------
    hdus
        The HDUs, of which none is a primary one.

    Returns
    -------
    content
        Their bytes; a multiple of 2880.
    """
    buffer = io.BytesIO()
    astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU(), *hdus]).writeto(buffer)
    buffer.seek(len(EMPTY_PRIMARY))
    return buffer.read()


def prefixLength(content: bytes) -> int:
    """Find where the tiles of a compressed image begin.

    Parameters
    ----------
    content
        Bytes of an HDU.

    Returns
    -------
    length
        Number of bytes of its header and, if it is a table, of its rows.
    """
    buffer = io.BytesIO(content)
    header = astropy.io.fits.Header.fromfile(buffer)
    rows = header["NAXIS1"] * header["NAXIS2"] if header["XTENSION"] == "BINTABLE" else 0
    return buffer.tell() + rows


def compressedHdu(
    pixels: Float32Array | npt.NDArray[np.int32],
    header: astropy.io.fits.Header,
    step: float | None = None,
    seed: int = 1,
) -> astropy.io.fits.CompImageHDU:
    """Compress an image, tile by tile.

    Parameters
    ----------
    pixels
        The pixels (rows, columns); shape (ny, nx). NaN stays NaN.
    header
        What to say about them.
    step
        Step to which floats are rounded (with subtractive dithering: what is read is at most half a step off,
        and zeros stay zeros); a tile whose range needs more than 32 bits is kept as it is. None keeps all.
        Integers are always kept.
    seed
        Seed of the dithering; any whole number.

    Returns
    -------
    hdu
        The image.
    """
    tile_shape = tuple(min(TILE_SIZE, size) for size in pixels.shape)
    if pixels.dtype.kind == "f" and step is None:
        return astropy.io.fits.CompImageHDU(
            pixels, header, compression_type="GZIP_2", tile_shape=tile_shape, quantize_level=0.0
        )
    return astropy.io.fits.CompImageHDU(
        pixels,
        header,
        compression_type="RICE_1",
        tile_shape=tile_shape,
        quantize_level=-(step or 0.0),
        quantize_method=_DITHER,
        dither_seed=1 + seed % 10000,
    )


def linearWcs(origin: npt.ArrayLike, matrix: npt.ArrayLike) -> astropy.io.fits.Header:
    """Say where the pixels of an image lie on the focal plane.

    Parameters
    ----------
    origin
        Centre of pixel [0, 0], mm; shape (2,).
    matrix
        Step of one column (first column) and one row (second), mm; shape (2, 2).

    Returns
    -------
    header
        A linear world coordinate system (Greisen & Calabretta 2002, A&A 395, 1061,
        doi:10.1051/0004-6361:20021326) of the axes FOCALX and FOCALY.
    """
    start, step = np.asarray(origin, dtype=np.float64), np.asarray(matrix, dtype=np.float64)
    header = astropy.io.fits.Header()
    header["WCSNAME"] = ("FOCAL_PLANE", "Position on the focal plane")
    for i in (0, 1):
        header[f"CTYPE{i + 1}"] = "FOCAL" + "XY"[i]
        header[f"CUNIT{i + 1}"] = "mm"
        header[f"CRPIX{i + 1}"] = 1.0
        header[f"CRVAL{i + 1}"] = float(start[i])
        for j in (0, 1):
            header[f"CD{i + 1}_{j + 1}"] = float(step[i, j])
    return header


def mosaicWcs(grid: MosaicGrid) -> astropy.io.fits.Header:
    """Say where the pixels of a mosaic lie on the focal plane; see `linearWcs`."""
    return linearWcs((grid.x0, grid.y0), np.diag([grid.pixelSize] * 2))


class FilePart(io.RawIOBase):
    """One HDU of a large file, which looks like a small FITS file and is read as one.

    Parameters
    ----------
    file
        The large file, open for reading; it stays open when the part is closed.
    offset, length
        The HDU: first byte, and number of bytes.
    prefix
        Number of bytes to read at once: those up to the first tile.

    Raises
    ------
    EOFError
        Raised, as by the methods that read, if the file ends before the HDU does.
    """

    def __init__(self, file: BinaryIO, offset: int, length: int, prefix: int) -> None:
        super().__init__()
        self._file = file
        self._offset = offset
        self._size = len(EMPTY_PRIMARY) + length
        self._position = 0
        self._count = 0
        # One request for all that is read in small pieces matters where the file is remote.
        self._start = EMPTY_PRIMARY + self._readFile(0, prefix)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the small file."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position in the small file; see `io.IOBase.seek`."""
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read some bytes, or all that are left; see `io.RawIOBase.read`."""
        left = max(self._size - self._position, 0)
        count = left if size is None or size < 0 else min(size, left)
        first, self._position = self._position, self._position + count
        content = self._start[first : first + count]
        if len(content) < count:
            content += self._readFile(first + len(content) - len(EMPTY_PRIMARY), count - len(content))
        return content

    def takeCount(self) -> int:
        """Return the number of bytes that were read from the large file since the last call."""
        count, self._count = self._count, 0
        return count

    def _readFile(self, first: int, count: int) -> bytes:
        self._file.seek(self._offset + first)
        content = self._file.read(count)
        self._count += len(content)
        if len(content) != count:
            raise EOFError(
                f"The file ends {count - len(content)} bytes too early, in the HDU at {self._offset}."
            )
        return content
