# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from os import PathLike
from typing import Any

import astropy.io.fits
import numpy as np
import numpy.typing as npt

from lsst.afw.fits import FitsError
from lsst.afw.fits._files import naming_file, open_fits
from lsst.afw.fits._header import header_to_metadata, inherited_metadata
from lsst.afw.fits._pixels import read_pixels
from lsst.daf.base import PropertyList
from lsst.geom import Box2I, Extent2I, Point2I

from ._exposure import Exposure, makeExposure
from ._exposureArchive import pop_archive_ids, read_components
from ._exposureHeaders import VERSION_KEY, info_from_header
from ._exposureInfo import ExposureInfo
from ._filterLabel import FilterLabel
from ._image import Image, ImageF, ImageI, ImageU
from ._imageBase import PARENT, ImageOrigin, parent_box
from ._mask import Mask, MaskX
from ._maskedImage import MaskedImage, makeMaskedImage
from ._visitInfo import VisitInfo

__all__ = ["ExposureFitsReader", "ImageFitsReader", "MaskFitsReader", "MaskedImageFitsReader"]

_IMAGES = {np.dtype(cls.dtype): cls for cls in (ImageF, ImageI, ImageU)}

_WHOLE = Box2I()
"""An empty box stands for the whole image."""


class PlaneReader:
    """Reads a FITS file of pixels; nothing is kept open between calls.

    Parameters
    ----------
    fileName : `str` or `os.PathLike`
        Name of the file.
    """

    def __init__(self, fileName: str | PathLike[str]) -> None:
        self._path = fileName

    def readBBox(self, origin: ImageOrigin = PARENT) -> Box2I:
        """Return the bounding box of the image; no pixel is read.

        Raises
        ------
        lsst.afw.fits.FitsError
            Raised if the file is damaged or holds no image.
        """
        with open_fits(self._path) as hdus:
            box = self._box(self._image_hdu(hdus))
        return box if origin is PARENT else Box2I(Point2I(0, 0), box.getDimensions())

    def _box(self, hdu: Any) -> Box2I:
        header, shape = hdu.header, hdu.shape
        is_offset = header.get("CRPIX1A") == 1 and header.get("CRPIX2A") == 1
        xy0 = [round(header.get(f"CRVAL{axis}A", 0)) if is_offset else 0 for axis in (1, 2)]
        return Box2I(Point2I(*xy0), Extent2I(shape[-1], shape[-2]))

    def _image_hdu(self, hdus: astropy.io.fits.HDUList) -> Any:
        """Return the first HDU with pixels."""
        with naming_file(self._path, "read"):
            return self._check(hdus[self._first(hdus)])

    @staticmethod
    def _first(hdus: astropy.io.fits.HDUList) -> int:
        """Find the first HDU with pixels; the number of HDUs is not asked for, as that reads all of them."""
        return 0 if hdus[0].header["NAXIS"] else 1

    def _check(self, hdu: Any) -> Any:
        if not hdu.is_image or len(hdu.shape) != 2:
            raise FitsError(f"Cannot read {self._path}: HDU {hdu.name!r} is no 2-d image")
        return hdu

    def _read_plane(
        self, hdu: Any, bbox: Box2I, origin: ImageOrigin, dtype: npt.DTypeLike | None
    ) -> tuple[npt.NDArray, Point2I]:
        """Return the pixels of a box, and its first pixel's position."""
        full = self._box(hdu)
        box = parent_box(full, bbox, origin)
        row, column = box.getMinY() - full.getMinY(), box.getMinX() - full.getMinX()
        window = slice(row, row + box.getHeight()), slice(column, column + box.getWidth())
        return read_pixels(self._path, hdu, window, dtype), box.getMin()

    def _read_image(self, hdu: Any, bbox: Box2I, origin: ImageOrigin, dtype: npt.DTypeLike | None) -> Image:
        pixels, xy0 = self._read_plane(hdu, bbox, origin, dtype)
        if pixels.dtype not in _IMAGES:
            raise FitsError(
                f"The stand-in of lsst.afw.image has no image of {pixels.dtype}, as {self._path} holds"
            )
        return _IMAGES[pixels.dtype](pixels, xy0=xy0)

    def _read_mask(self, hdu: Any, bbox: Box2I, origin: ImageOrigin) -> Mask:
        pixels, xy0 = self._read_plane(hdu, bbox, origin, MaskX.dtype)
        mask = MaskX(pixels, xy0=xy0)
        mask.conform_planes(header_to_metadata(hdu.header))
        return mask


class ImageFitsReader(PlaneReader):
    """Reads an `Image`; see `PlaneReader`."""

    def read(
        self, bbox: Box2I = _WHOLE, origin: ImageOrigin = PARENT, dtype: npt.DTypeLike | None = None
    ) -> Image:
        """Read the image.

        Parameters
        ----------
        bbox : `lsst.geom.Box2I`, optional
            Box to read; an empty one stands for the whole.
        origin : `ImageOrigin`, optional
            What its coordinates count from.
        dtype : `numpy.dtype`, optional
            Type of a pixel; by default that of the file.

        Raises
        ------
        lsst.afw.fits.FitsError
            Raised if the file is damaged or cannot be read as this type.
        ValueError
            Raised if the box reaches out of the image.
        """
        with open_fits(self._path) as hdus:
            return self._read_image(self._image_hdu(hdus), bbox, origin, dtype)


class MaskFitsReader(PlaneReader):
    """Reads a `Mask`; see `PlaneReader`."""

    def read(
        self, bbox: Box2I = _WHOLE, origin: ImageOrigin = PARENT, dtype: npt.DTypeLike | None = None
    ) -> Mask:
        """Read the mask; see `ImageFitsReader.read`."""
        with open_fits(self._path) as hdus:
            return self._read_mask(self._image_hdu(hdus), bbox, origin)


class MaskedImageFitsReader(PlaneReader):
    """Reads a `MaskedImage`, or one of its planes; see `PlaneReader`."""

    def readImage(
        self, bbox: Box2I = _WHOLE, origin: ImageOrigin = PARENT, dtype: npt.DTypeLike | None = None
    ) -> Image:
        """Read the image plane; see `ImageFitsReader.read`."""
        with open_fits(self._path) as hdus:
            return self._read_image(self._image_hdu(hdus), bbox, origin, dtype)

    def readMask(self, bbox: Box2I = _WHOLE, origin: ImageOrigin = PARENT) -> Mask:
        """Read the mask plane; see `ImageFitsReader.read`."""
        with open_fits(self._path) as hdus:
            return self._read_mask(self._plane_hdu(hdus, "MASK"), bbox, origin)

    def readVariance(
        self, bbox: Box2I = _WHOLE, origin: ImageOrigin = PARENT, dtype: npt.DTypeLike | None = None
    ) -> Image:
        """Read the variance plane; see `ImageFitsReader.read`."""
        with open_fits(self._path) as hdus:
            return self._read_image(self._plane_hdu(hdus, "VARIANCE"), bbox, origin, ImageF.dtype)

    def readMaskedImage(
        self, bbox: Box2I = _WHOLE, origin: ImageOrigin = PARENT, dtype: npt.DTypeLike | None = None
    ) -> MaskedImage:
        """Read all planes; see `ImageFitsReader.read`."""
        with open_fits(self._path) as hdus:
            image = self._read_image(self._image_hdu(hdus), bbox, origin, dtype)
            mask = self._read_mask(self._plane_hdu(hdus, "MASK"), bbox, origin)
            variance: Any = self._read_image(self._plane_hdu(hdus, "VARIANCE"), bbox, origin, ImageF.dtype)
        return makeMaskedImage(image, mask, variance)

    def read(
        self, bbox: Box2I = _WHOLE, origin: ImageOrigin = PARENT, dtype: npt.DTypeLike | None = None
    ) -> Any:
        """Read all planes; see `ImageFitsReader.read`."""
        return self.readMaskedImage(bbox, origin, dtype)

    def _plane_hdu(self, hdus: astropy.io.fits.HDUList, name: str) -> Any:
        position = {"MASK": 2, "VARIANCE": 3}[name]
        with naming_file(self._path, f"read {name} of"):
            hdu = self._check(hdus[position])
            found = hdu.header.get("EXTTYPE", name)
        if found != name:
            raise FitsError(f"Cannot read {self._path}: HDU {position} is {found}, not {name}")
        return hdu


class ExposureFitsReader(MaskedImageFitsReader):
    """Reads an `Exposure`, or a component of it; see `PlaneReader`."""

    def _read_info(self) -> tuple[ExposureInfo, dict[str, int]]:
        """Return what the headers say, and what is in the archive."""
        with open_fits(self._path) as hdus:
            self._image_hdu(hdus)
            with naming_file(self._path, "read the headers of"):
                version = hdus[0].header.get(VERSION_KEY, 0)
                metadata = inherited_metadata(hdus, self._first(hdus))
                ids = pop_archive_ids(metadata)
                return info_from_header(metadata, version, ids), ids

    def readExposureInfo(self) -> ExposureInfo:
        """Read what belongs to the pixels, without these.

        Raises
        ------
        lsst.afw.fits.FitsError
            Raised if the file is damaged or is that of no exposure.
        """
        info, ids = self._read_info()
        read_components(self._path, ids, info)
        return info

    def readMetadata(self) -> PropertyList:
        """Read the metadata."""
        return self._read_info()[0].getMetadata()

    def readVisitInfo(self) -> VisitInfo | None:
        """Read what is known about the exposure as a whole."""
        return self._read_info()[0].getVisitInfo()

    def readExposureId(self) -> int | None:
        """Read the identifier of the exposure."""
        return self._read_info()[0].getId()

    def readFilter(self) -> FilterLabel | None:
        """Read the filter."""
        return self.readExposureInfo().getFilter()

    def readDetector(self) -> Any:
        """Read the detector."""
        return self.readExposureInfo().getDetector()

    def read(
        self, bbox: Box2I = _WHOLE, origin: ImageOrigin = PARENT, dtype: npt.DTypeLike | None = None
    ) -> Exposure:
        """Read the exposure; see `ImageFitsReader.read`."""
        exposure = makeExposure(self.readMaskedImage(bbox, origin, dtype))
        exposure.setInfo(self.readExposureInfo())
        return exposure


Image._ReaderClass = ImageFitsReader
Mask._ReaderClass = MaskFitsReader
MaskedImage._ReaderClass = MaskedImageFitsReader
Exposure._ReaderClass = ExposureFitsReader
