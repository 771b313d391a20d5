# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The file of a pyramid: FITS images of one exposure, and an index at the start that says where each lies.

Layout: an empty primary HDU, whose header says where the index is; the overview, an image that is not
compressed, which is what a tool sees that reads the first image of a file; the tables INDEX and DETECTORS;
then one tile-compressed image after another, in any order. All is standard FITS (version 4.0, section 10
for the compression; https://fits.gsfc.nasa.gov/fits_standard.html), so other tools read it without the index.
"""

from __future__ import annotations

__all__ = [
    "FORMAT_VERSION",
    "MOSAIC",
    "PLANES",
    "FilePart",
    "ImageKey",
    "PyramidIndex",
    "StoredDetector",
    "StoredImage",
    "readIndex",
]

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import astropy.io.fits
import numpy as np
import numpy.typing as npt

from .placement import DetectorPlacement
from .pyramidHdus import EMPTY_PRIMARY, hduBytes

FloatArray = npt.NDArray[np.float64]

MOSAIC = -1
"""Identifier of the detector of images of the whole focal plane."""

PLANES = ("image", "mask", "significance")
"""What there can be of a detector."""

FORMAT_VERSION = 1
"""Version of the layout of the file."""

_ALL_PLANES = " ".join(PLANES)


class ImageKey(NamedTuple):
    """What an image of a pyramid shows.

    Parameters
    ----------
    detector
        Identifier of the detector, or `MOSAIC`.
    plane
        ``image``, ``mask`` or ``significance``.
    factor
        Side of its pixels, in pixels of the detector.
    """

    detector: int
    plane: str
    factor: int


@dataclass(frozen=True)
class StoredImage:
    """Where an image lies in the file.

    Parameters
    ----------
    offset, length
        Its HDU: first byte, and number of bytes; both are 0 for an image that is missing.
    prefix
        Number of bytes up to the first tile: header, and where each tile is.
    shape
        Number of pixels (ny, nx).
    x0, y0
        Centre of pixel [0, 0] of a mosaic on the focal plane, mm; 0 for an image of a detector.
    """

    offset: int = 0
    length: int = 0
    prefix: int = 0
    shape: tuple[int, int] = (0, 0)
    x0: float = 0.0
    y0: float = 0.0

    @property
    def present(self) -> bool:
        """Whether the image is in the file."""
        return self.length > 0


@dataclass(frozen=True)
class StoredDetector:
    """A detector of a pyramid.

    Parameters
    ----------
    placement
        Where its image lies on the focal plane.
    x0, y0
        Coordinates of the first pixel of its image on the detector.
    planes
        Which of `PLANES` the exposure has of it.
    """

    placement: DetectorPlacement
    x0: int
    y0: int
    planes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PyramidIndex:
    """What is in a pyramid, and where.

    Parameters
    ----------
    images
        Where each image lies. Missing ones have an entry, too, so that the size of the index depends on the
        camera and not on the data.
    detectors
        The camera's detectors.
    """

    images: Mapping[ImageKey, StoredImage]
    detectors: tuple[StoredDetector, ...]

    def toBytes(self) -> bytes:
        """Return the two tables as they are in the file.

        Returns
        -------
        content
            HDUs INDEX and DETECTORS; their length depends on the number of rows and on the longest name only.
        """
        return hduBytes(self._imageTable(), self._detectorTable())

    @classmethod
    def fromBytes(cls, content: bytes) -> PyramidIndex:
        """Read the two tables.

        Parameters
        ----------
        content
            What `toBytes` has returned.

        Returns
        -------
        index
            The index.
        """
        with astropy.io.fits.open(io.BytesIO(EMPTY_PRIMARY + content)) as hdus:
            images, detectors = hdus["INDEX"].data, hdus["DETECTORS"].data
            return cls(
                images=dict(zip(_keysOf(images), _placesOf(images), strict=True)),
                detectors=tuple(_detectorOf(row) for row in detectors),
            )

    def _imageTable(self) -> astropy.io.fits.BinTableHDU:
        keys, places = list(self.images), list(self.images.values())
        width = max((len(key.plane) for key in keys), default=1)
        columns = [
            _column("DETECTOR", "J", [key.detector for key in keys]),
            _column("PLANE", f"{width}A", [key.plane for key in keys]),
            _column("FACTOR", "J", [key.factor for key in keys]),
            _column("OFFSET", "K", [place.offset for place in places], "byte"),
            _column("LENGTH", "K", [place.length for place in places], "byte"),
            _column("PREFIX", "K", [place.prefix for place in places], "byte"),
            _column("NY", "J", [place.shape[0] for place in places]),
            _column("NX", "J", [place.shape[1] for place in places]),
            _column("X0", "D", [place.x0 for place in places], "mm"),
            _column("Y0", "D", [place.y0 for place in places], "mm"),
        ]
        return astropy.io.fits.BinTableHDU.from_columns(columns, name="INDEX")

    def _detectorTable(self) -> astropy.io.fits.BinTableHDU:
        placements = [own.placement for own in self.detectors]
        width = max((len(placement.name) for placement in placements), default=1)
        columns = [
            _column("DETECTOR", "J", [placement.detectorId for placement in placements]),
            _column("NAME", f"{width}A", [placement.name for placement in placements]),
            _column("NY", "J", [placement.shape[0] for placement in placements]),
            _column("NX", "J", [placement.shape[1] for placement in placements]),
            _column("X0", "J", [own.x0 for own in self.detectors], "pixel"),
            _column("Y0", "J", [own.y0 for own in self.detectors], "pixel"),
            _column("PLANES", f"{len(_ALL_PLANES)}A", [" ".join(own.planes) for own in self.detectors]),
            _column("ORIGIN", "2D", [placement.origin for placement in placements], "mm"),
            _column("MATRIX", "4D", [placement.matrix.ravel() for placement in placements], "mm"),
        ]
        return astropy.io.fits.BinTableHDU.from_columns(columns, name="DETECTORS")


def _column(name: str, form: str, values: npt.ArrayLike, unit: str | None = None) -> astropy.io.fits.Column:
    return astropy.io.fits.Column(name=name, format=form, array=np.asarray(values), unit=unit)


def _keysOf(table: astropy.io.fits.FITS_rec) -> list[ImageKey]:
    columns = (table[name].tolist() for name in ("DETECTOR", "PLANE", "FACTOR"))
    return [ImageKey(*row) for row in zip(*columns, strict=True)]


def _placesOf(table: astropy.io.fits.FITS_rec) -> list[StoredImage]:
    names = ("OFFSET", "LENGTH", "PREFIX", "NY", "NX", "X0", "Y0")
    rows = zip(*(table[name].tolist() for name in names), strict=True)
    return [
        StoredImage(offset, length, prefix, (ny, nx), x0, y0)
        for offset, length, prefix, ny, nx, x0, y0 in rows
    ]


def _detectorOf(row: astropy.io.fits.FITS_record) -> StoredDetector:
    placement = DetectorPlacement(
        detectorId=int(row["DETECTOR"]),
        name=str(row["NAME"]),
        shape=(int(row["NY"]), int(row["NX"])),
        origin=np.array(row["ORIGIN"], dtype=np.float64),
        matrix=np.array(row["MATRIX"], dtype=np.float64).reshape(2, 2),
    )
    return StoredDetector(placement, int(row["X0"]), int(row["Y0"]), tuple(row["PLANES"].split()))


class FilePart(io.RawIOBase):
    """One HDU of a large file, which looks like a small FITS file and is read as one.

    Parameters
    ----------
    file
        The large file, open for reading; it stays open when the part is closed.
    place
        Which HDU.

    Raises
    ------
    EOFError
        Raised, as by the methods that read, if the file ends before the HDU does.
    """

    def __init__(self, file: BinaryIO, place: StoredImage) -> None:
        super().__init__()
        self._file = file
        self._place = place
        self._position = 0
        self._count = 0
        # One request for all that is read in small pieces matters where the file is remote.
        self._start = EMPTY_PRIMARY + self._readFile(0, place.prefix)

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

    @property
    def _size(self) -> int:
        return len(EMPTY_PRIMARY) + self._place.length

    def _readFile(self, first: int, count: int) -> bytes:
        self._file.seek(self._place.offset + first)
        content = self._file.read(count)
        self._count += len(content)
        if len(content) != count:
            raise EOFError(
                f"The file ends {count - len(content)} bytes too early, in the HDU at {self._place.offset}."
            )
        return content


def readIndex(file: BinaryIO, name: str) -> tuple[astropy.io.fits.Header, PyramidIndex]:
    """Read the first header and the tables that it points to.

    Parameters
    ----------
    file
        The file, open for reading.
    name
        What to call it in messages.

    Returns
    -------
    header
        The first header.
    index
        The tables.

    Raises
    ------
    ValueError
        Raised if the file is no pyramid, or one of another version.
    EOFError
        Raised if the file is cut short.
    """
    file.seek(0)
    try:
        header = astropy.io.fits.Header.fromfile(file)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{name} is no FITS file: {error}") from error
    version = header.get("PYRVERS")
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{name} is no pyramid of version {FORMAT_VERSION}: its header says PYRVERS = {version!r}."
        )
    file.seek(header["PYRINDEX"])
    content = file.read(header["PYRINLEN"])
    if len(content) != header["PYRINLEN"]:
        raise EOFError(f"{name} is cut short: it ends within its index.")
    return header, PyramidIndex.fromBytes(content)
