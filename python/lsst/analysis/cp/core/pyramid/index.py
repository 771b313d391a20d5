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

import io
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import astropy.io.fits
import numpy as np

from lsst.analysis.cp.core.images.placement import DetectorPlacement

from .checksums import PyramidFileError, isHeaderIntact

__all__ = [
    "CHECKSUM_CARDS",
    "EMPTY_PRIMARY",
    "FORMAT_VERSION",
    "MOSAIC",
    "PLACE_CARDS",
    "PLANES",
    "TILE_SIZE",
    "ImageKey",
    "IndexPlace",
    "PyramidIndex",
    "StoredDetector",
    "StoredImage",
    "hduBytes",
    "prefixLength",
    "readIndex",
]

MOSAIC = -1
"""Identifier of the detector of images of the whole focal plane."""

PLANES = ("image", "mask", "significance")
"""What there can be of a detector."""

FORMAT_VERSION = 2
"""Version of the layout of the file; 1 had no checksums."""

TILE_SIZE = 512
"""Side of a tile of a compressed image, pixels."""

EMPTY_PRIMARY = astropy.io.fits.PrimaryHDU().header.tostring().encode()
"""A primary HDU without pixels, as it is in a file."""

PLACE_CARDS = ("PYRINDEX", "PYRNINDX", "PYRDETEC", "PYRNDETE")
"""Cards of the primary header that hold an `IndexPlace`."""

CHECKSUM_CARDS = ("PYRCOVER", "PYRCINDX")
"""Cards of the primary header: CRC of what is before the rows of INDEX, and of INDEX and DETECTORS."""

_BLOCK = 2880
"""Length of the primary header, bytes."""

_NAME_LENGTH = 24

_IMAGE_ROW = np.dtype(
    [
        ("DETECTOR", ">i4"),
        ("PLANE", f"S{max(map(len, PLANES))}"),
        ("FACTOR", ">i4"),
        ("OFFSET", ">i8"),
        ("LENGTH", ">i8"),
        ("PREFIX", ">i8"),
        ("CRC", ">i8"),
        ("NY", ">i4"),
        ("NX", ">i4"),
        ("X0", ">f8"),
        ("Y0", ">f8"),
    ]
)

_DETECTOR_ROW = np.dtype(
    [
        ("DETECTOR", ">i4"),
        ("NAME", f"S{_NAME_LENGTH}"),
        ("NY", ">i4"),
        ("NX", ">i4"),
        ("X0", ">i4"),
        ("Y0", ">i4"),
        ("PLANES", f"S{len(' '.join(PLANES))}"),
        ("ORIGIN", ">f8", (2,)),
        ("MATRIX", ">f8", (4,)),
    ]
)

_UNITS = {
    **dict.fromkeys(("INDEX.OFFSET", "INDEX.LENGTH", "INDEX.PREFIX"), "byte"),
    **dict.fromkeys(("INDEX.X0", "INDEX.Y0", "DETECTORS.ORIGIN", "DETECTORS.MATRIX"), "mm"),
    **dict.fromkeys(("DETECTORS.X0", "DETECTORS.Y0"), "pixel"),
}


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


class StoredImage(NamedTuple):
    """Where an image lies in the file.

    Parameters
    ----------
    offset, length
        Its HDU: first byte, and number of bytes; both are 0 for an image that is missing.
    prefix
        Number of bytes up to the first tile: header, and where each tile is.
    checksum
        CRC of these.
    shape
        Number of pixels (ny, nx).
    x0, y0
        Centre of pixel [0, 0] of a mosaic on the focal plane, mm; 0 for an image of a detector.
    """

    offset: int = 0
    length: int = 0
    prefix: int = 0
    checksum: int = 0
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


class IndexPlace(NamedTuple):
    """Where the rows of the index are.

    Parameters
    ----------
    images, nImages
        First byte and number of the rows of INDEX.
    detectors, nDetectors
        The same of DETECTORS.
    """

    images: int
    nImages: int
    detectors: int
    nDetectors: int

    @property
    def end(self) -> int:
        """First byte behind the rows of DETECTORS."""
        return self.detectors + self.nDetectors * _DETECTOR_ROW.itemsize


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

    def toBytes(self, start: int) -> tuple[bytes, IndexPlace]:
        """Return the two tables as they are in the file.

        Parameters
        ----------
        start
            Where the first of them will be.

        Returns
        -------
        content
            HDUs INDEX and DETECTORS; their length depends on the number of rows only.
        place
            Where the rows are.

        Raises
        ------
        ValueError
            Raised if a name is too long.
        """
        images = [
            (
                *key,
                place.offset,
                place.length,
                place.prefix,
                place.checksum,
                *place.shape,
                place.x0,
                place.y0,
            )
            for key, place in self.images.items()
        ]
        detectors = []
        for own in self.detectors:
            at, planes = own.placement, " ".join(own.planes)
            if len(at.name.encode()) > _NAME_LENGTH:
                raise ValueError(f"The name {at.name!r} of a detector is longer than {_NAME_LENGTH} bytes.")
            detectors.append(
                (at.detectorId, at.name, *at.shape, own.x0, own.y0, planes, at.origin, at.matrix.ravel())
            )
        content, places = b"", []
        for name, rows in (
            ("INDEX", np.array(images, dtype=_IMAGE_ROW)),
            ("DETECTORS", np.array(detectors, dtype=_DETECTOR_ROW)),
        ):
            table = astropy.io.fits.BinTableHDU(rows, name=name)
            for column in table.columns:
                column.unit = _UNITS.get(f"{name}.{column.name}")
            hdu = hduBytes(table)
            places += [start + len(content) + prefixLength(hdu) - rows.nbytes, len(rows)]
            content += hdu
        return content, IndexPlace(*places)


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
    PyramidFileError
        Raised if the file is no pyramid, is one of another version, is damaged or cut short.
    """
    header = _readHeader(file, name)
    place = IndexPlace(*(header[card] for card in PLACE_CARDS))
    file.seek(place.images)
    content = file.read(place.end - place.images)
    if len(content) != place.end - place.images:
        raise PyramidFileError(f"{name} is cut short: it ends within its index.")
    if zlib.crc32(content) != header[CHECKSUM_CARDS[1]]:
        raise PyramidFileError(f"{name} is damaged: the checksum of its index is wrong.")
    # An astropy table would take longer to make than most windows to read.
    images: list[Any] = np.frombuffer(content, dtype=_IMAGE_ROW, count=place.nImages).tolist()
    detectors = np.frombuffer(content[place.detectors - place.images :], dtype=_DETECTOR_ROW)
    detector_rows: list[Any] = detectors.tolist()
    origins, matrices = (detectors[name].astype(np.float64) for name in ("ORIGIN", "MATRIX"))
    return header, PyramidIndex(
        images={
            ImageKey(detector, plane.decode(), factor): StoredImage(
                offset, length, prefix, checksum, (ny, nx), x0, y0
            )
            for detector, plane, factor, offset, length, prefix, checksum, ny, nx, x0, y0 in images
        },
        detectors=tuple(
            StoredDetector(
                DetectorPlacement(
                    detectorId=number,
                    name=own_name.decode(),
                    shape=(ny, nx),
                    origin=origins[i],
                    matrix=matrices[i].reshape(2, 2),
                ),
                x0,
                y0,
                tuple(planes.decode().split()),
            )
            for i, (number, own_name, ny, nx, x0, y0, planes, *_) in enumerate(detector_rows)
        ),
    )


def _readHeader(file: BinaryIO, name: str) -> astropy.io.fits.Header:
    """Read the first header, and verify its checksum before anything in it is used."""
    file.seek(0)
    content = file.read(_BLOCK)
    if len(content) < _BLOCK or not content.startswith(b"SIMPLE  ="):
        raise PyramidFileError(f"{name} is no FITS file, or its first header is damaged.")
    version = re.search(rb"PYRVERS = +(\d+) ", content)
    if version is None:
        raise PyramidFileError(f"{name} is no pyramid, or its first header is damaged: it has no PYRVERS.")
    if int(version[1]) != FORMAT_VERSION:
        raise PyramidFileError(
            f"{name} is a pyramid of version {int(version[1])}, or its first header is damaged; expected "
            f"version {FORMAT_VERSION}. Make pyramids of version 1, which have no checksums, again."
        )
    if not isHeaderIntact(content):
        raise PyramidFileError(f"{name} is damaged: the checksum of its first header is wrong.")
    header = astropy.io.fits.Header.fromstring(content)
    if missing := [card for card in (*PLACE_CARDS, *CHECKSUM_CARDS, "PYRPIXEL") if card not in header]:
        raise PyramidFileError(f"{name} is no pyramid: its first header lacks {', '.join(missing)}.")
    return header


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
