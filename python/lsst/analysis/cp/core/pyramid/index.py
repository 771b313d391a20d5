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
    "PLACE_CARDS",
    "PLANES",
    "ImageKey",
    "IndexPlace",
    "PyramidIndex",
    "StoredDetector",
    "StoredImage",
    "readIndex",
]

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import astropy.io.fits
import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.images.placement import DetectorPlacement

from .hdus import hduBytes, prefixLength

MOSAIC = -1
"""Identifier of the detector of images of the whole focal plane."""

PLANES = ("image", "mask", "significance")
"""What there can be of a detector."""

FORMAT_VERSION = 1
"""Version of the layout of the file."""

PLACE_CARDS = ("PYRINDEX", "PYRNINDX", "PYRDETEC", "PYRNDETE")
"""Cards of the primary header that hold an `IndexPlace`."""

_NAME_LENGTH = 24

_IMAGE_ROW = np.dtype(
    [
        ("DETECTOR", ">i4"),
        ("PLANE", f"S{max(map(len, PLANES))}"),
        ("FACTOR", ">i4"),
        ("OFFSET", ">i8"),
        ("LENGTH", ">i8"),
        ("PREFIX", ">i8"),
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
        images, detectors = self._imageRows(), self._detectorRows()
        first, second = (
            hduBytes(_table(rows, name)) for rows, name in ((images, "INDEX"), (detectors, "DETECTORS"))
        )
        place = IndexPlace(
            start + prefixLength(first) - images.nbytes,
            len(images),
            start + len(first) + prefixLength(second) - detectors.nbytes,
            len(detectors),
        )
        return first + second, place

    @classmethod
    def fromRows(cls, images: bytes, detectors: bytes) -> PyramidIndex:
        """Read the two tables.

        Parameters
        ----------
        images, detectors
            Rows of INDEX and of DETECTORS.

        Returns
        -------
        index
            The index.
        """
        # An astropy table would take longer to make than most windows to read.
        image_rows = np.frombuffer(images, dtype=_IMAGE_ROW)
        detector_rows = np.frombuffer(detectors, dtype=_DETECTOR_ROW)
        return cls(
            images=dict(zip(_keysOf(image_rows), _placesOf(image_rows), strict=True)),
            detectors=tuple(_detectorsOf(detector_rows)),
        )

    def _imageRows(self) -> npt.NDArray[np.void]:
        rows = [
            (*key, place.offset, place.length, place.prefix, *place.shape, place.x0, place.y0)
            for key, place in self.images.items()
        ]
        return np.array(rows, dtype=_IMAGE_ROW)

    def _detectorRows(self) -> npt.NDArray[np.void]:
        rows = []
        for own in self.detectors:
            at = own.placement
            if len(at.name.encode()) > _NAME_LENGTH:
                raise ValueError(f"The name {at.name!r} of a detector is longer than {_NAME_LENGTH} bytes.")
            planes = " ".join(own.planes)
            rows.append(
                (at.detectorId, at.name, *at.shape, own.x0, own.y0, planes, at.origin, at.matrix.ravel())
            )
        return np.array(rows, dtype=_DETECTOR_ROW)


def _table(rows: npt.NDArray[np.void], name: str) -> astropy.io.fits.BinTableHDU:
    table = astropy.io.fits.BinTableHDU(rows, name=name)
    for column in table.columns:
        column.unit = _UNITS.get(f"{name}.{column.name}")
    return table


def _textOf(column: npt.NDArray[np.bytes_]) -> list[str]:
    return [text.decode() for text in column.tolist()]


def _keysOf(rows: npt.NDArray[np.void]) -> Iterator[ImageKey]:
    columns = rows["DETECTOR"].tolist(), _textOf(rows["PLANE"]), rows["FACTOR"].tolist()
    return itertools.starmap(ImageKey, zip(*columns, strict=True))


def _placesOf(rows: npt.NDArray[np.void]) -> Iterator[StoredImage]:
    shapes = zip(rows["NY"].tolist(), rows["NX"].tolist(), strict=True)
    offset, length, prefix, x0, y0 = (
        rows[name].tolist() for name in ("OFFSET", "LENGTH", "PREFIX", "X0", "Y0")
    )
    return itertools.starmap(StoredImage, zip(offset, length, prefix, shapes, x0, y0, strict=True))


def _detectorsOf(rows: npt.NDArray[np.void]) -> Iterator[StoredDetector]:
    ids, ny, nx, x0, y0 = (rows[name].tolist() for name in ("DETECTOR", "NY", "NX", "X0", "Y0"))
    names, planes = _textOf(rows["NAME"]), _textOf(rows["PLANES"])
    origins = rows["ORIGIN"].astype(np.float64)
    matrices = rows["MATRIX"].astype(np.float64).reshape(-1, 2, 2)
    for i, number in enumerate(ids):
        placement = DetectorPlacement(
            detectorId=number, name=names[i], shape=(ny[i], nx[i]), origin=origins[i], matrix=matrices[i]
        )
        yield StoredDetector(placement, x0[i], y0[i], tuple(planes[i].split()))


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
    place = IndexPlace(*(header[card] for card in PLACE_CARDS))
    sizes = place.nImages * _IMAGE_ROW.itemsize, place.nDetectors * _DETECTOR_ROW.itemsize
    end = place.detectors + sizes[1]
    file.seek(place.images)
    content = file.read(end - place.images)
    if len(content) != end - place.images:
        raise EOFError(f"{name} is cut short: it ends within its index.")
    return header, PyramidIndex.fromRows(content[: sizes[0]], content[-sizes[1] :])
