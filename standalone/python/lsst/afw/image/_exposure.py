# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import logging
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

import astropy.io.fits
import numpy as np

from lsst.afw.fits import CompressionOptions
from lsst.afw.fits._header import metadata_to_header
from lsst.daf.base import PropertyList
from lsst.geom import Box2I

from ._exposureArchive import pack_archive
from ._exposureHeaders import exposure_headers
from ._exposureInfo import ExposureInfo
from ._image import Image, ImageF
from ._imageBase import PARENT, ImageOrigin
from ._mask import Mask
from ._maskedImage import MaskedImage, MaskedImageF, MaskedImageI, MaskedImageU, Planes, plane_hdus
from ._visitInfo import VisitInfo

__all__ = ["Exposure", "ExposureF", "ExposureI", "ExposureU", "makeExposure"]

_LOG = logging.getLogger("lsst.afw.image")

_OF_INFO = frozenset(
    "getDetector setDetector getFilter setFilter getWcs setWcs hasWcs getPsf setPsf hasPsf getPhotoCalib"
    " setPhotoCalib getApCorrMap setApCorrMap".split()
)
"""Methods that are those of `ExposureInfo`."""


class Exposure(Planes):
    """A masked image and what belongs to it.

    Made of nothing, of a box, of dimensions, of width and height, of a masked
    image (not copied), or of another exposure or a box of it.

    Parameters
    ----------
    source : `lsst.geom.Box2I`, `lsst.geom.Extent2I`, `int`, `MaskedImage`, `Exposure`
        What to make it of.
    maskedImage : `MaskedImage`, optional
        The pixels, not copied.
    exposureInfo : `ExposureInfo`, optional
        What belongs to them.
    bbox : `lsst.geom.Box2I`, optional
        Box of another exposure to take, or of a new one.
    origin : `ImageOrigin`, optional
        What its coordinates count from.
    deep : `bool`, optional
        Copy pixels and metadata of another exposure.

    Raises
    ------
    TypeError
        Raised if the class has no pixel type, or cannot be made of these arguments.
    """

    MaskedImageClass: ClassVar[type[MaskedImage] | None] = None
    """Class of the pixels."""

    def __init__(
        self,
        *source: Any,
        maskedImage: MaskedImage | None = None,
        exposureInfo: ExposureInfo | None = None,
        bbox: Box2I | None = None,
        origin: ImageOrigin = PARENT,
        deep: bool = False,
    ) -> None:
        if self.MaskedImageClass is None:
            raise TypeError(f"{type(self).__name__} has no pixel type; use a class that has, like ExposureF")
        pixels, info = source if maskedImage is None else (maskedImage,), exposureInfo
        match pixels:
            case (MaskedImage() as given, ExposureInfo() as given_info):
                pixels, info = (given,), given_info
            case (Exposure() as other,):
                pixels, info = (other.getMaskedImage(),), ExposureInfo(other.getInfo(), copyMetadata=deep)
        self._masked_image = self.MaskedImageClass(*pixels, bbox=bbox, origin=origin, deep=deep)
        self._info = info if info is not None else ExposureInfo()

    @property
    def _box(self) -> Box2I:  # type: ignore[override]
        return self._masked_image.getBBox()

    def getMaskedImage(self) -> MaskedImage:
        """Return the pixels; not a copy."""
        return self._masked_image

    def setMaskedImage(self, maskedImage: MaskedImage) -> None:
        """Set the pixels, which are not copied."""
        self._masked_image = type(self._masked_image)(maskedImage)

    def getImage(self) -> Image:
        """Return the image plane; not a copy."""
        return self._masked_image.image

    def setImage(self, image: Image) -> None:
        """Set the pixels of the image plane to those of another image."""
        self._masked_image.image = image

    def getMask(self) -> Mask:
        """Return the mask plane; not a copy."""
        return self._masked_image.mask

    def setMask(self, mask: Mask) -> None:
        """Set the pixels of the mask plane to those of another mask."""
        self._masked_image.mask = mask

    def getVariance(self) -> ImageF:
        """Return the variance plane; not a copy."""
        return self._masked_image.variance

    def setVariance(self, variance: ImageF) -> None:
        """Set the pixels of the variance plane to those of another image."""
        self._masked_image.variance = variance

    maskedImage = property(getMaskedImage, setMaskedImage)
    image = property(getImage, setImage)
    mask = property(getMask, setMask)
    variance = property(getVariance, setVariance)

    def getInfo(self) -> ExposureInfo:
        """Return what belongs to the pixels; not a copy."""
        return self._info

    def setInfo(self, exposureInfo: ExposureInfo) -> None:
        """Set what belongs to the pixels; not copied."""
        self._info = exposureInfo

    def getMetadata(self) -> PropertyList:
        """Return the metadata; not a copy."""
        return self._info.getMetadata()

    def setMetadata(self, metadata: PropertyList | None) -> None:
        """Set the metadata, which are not copied; `None` empties them."""
        self._info.setMetadata(metadata)

    metadata = property(getMetadata, setMetadata)

    @property
    def info(self) -> ExposureInfo:
        """What belongs to the pixels."""
        return self._info

    @property
    def detector(self) -> Any:
        """The detector (`lsst.afw.cameraGeom.Detector` or `None`)."""
        return self._info.getDetector()

    @property
    def visitInfo(self) -> VisitInfo | None:
        """What is known about the exposure as a whole."""
        return self._info.getVisitInfo()

    def clone(self) -> Self:
        """Return a copy with pixels and metadata of its own."""
        return type(self)(self, deep=True)

    def _subset(self, box: Box2I) -> Self:
        return type(self)(self._masked_image.subset(box), ExposureInfo(self._info))

    def __getattr__(self, name: str) -> Any:
        if name in _OF_INFO:
            return getattr(self._info, name)
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def writeFits(
        self,
        fileName: str | PathLike[str],
        imageOptions: CompressionOptions | None = None,
        maskOptions: CompressionOptions | None = None,
        varianceOptions: CompressionOptions | None = None,
    ) -> None:
        """Write a FITS file; it is overwritten.

        Parameters
        ----------
        fileName : `str` or `os.PathLike`
            Name of the file.
        imageOptions, maskOptions, varianceOptions : `lsst.afw.fits.CompressionOptions`, optional
            How to compress each plane; by default not at all.

        Raises
        ------
        lsst.afw.fits.FitsError
            Raised if metadata cannot stand in a FITS header.
        ValueError
            Raised if the name asks for a compressed file.
        """
        if self._info.get_unread():
            _LOG.warning("Not written to %s, since not read: %s", fileName, sorted(self._info.get_unread()))
        if str(fileName).endswith(".gz"):
            raise ValueError(f"Cannot write {fileName}: the stand-in compresses planes, not files")
        primary, planes = exposure_headers(self._info, self.getXY0())
        archive_keys, archive = pack_archive(self._info)
        primary.update(archive_keys)
        options = [imageOptions, maskOptions, varianceOptions]
        hdus = [
            astropy.io.fits.PrimaryHDU(header=metadata_to_header(primary)),
            *plane_hdus(self._masked_image, planes, options),
        ]
        astropy.io.fits.HDUList(hdus).writeto(fileName, overwrite=True)
        with Path(fileName).open("ab") as file:
            file.write(archive)


class ExposureF(Exposure):
    """An exposure of 32-bit floats."""

    MaskedImageClass = MaskedImageF
    dtype = np.float32


class ExposureI(Exposure):
    """An exposure of 32-bit integers."""

    MaskedImageClass = MaskedImageI
    dtype = np.int32


class ExposureU(Exposure):
    """An exposure of unsigned 16-bit integers."""

    MaskedImageClass = MaskedImageU
    dtype = np.uint16


def makeExposure(maskedImage: MaskedImage, wcs: None = None) -> Exposure:
    """Make the exposure of a masked image, not copied.

    Parameters
    ----------
    maskedImage : `MaskedImage`
        The pixels.
    wcs : `None`
        World coordinates, which the stand-in cannot hold.

    Raises
    ------
    TypeError
        Raised if there is no exposure of such a masked image.
    NotImplementedError
        Raised if there are world coordinates.
    """
    for cls in (ExposureF, ExposureI, ExposureU):
        if isinstance(maskedImage, cls.MaskedImageClass):
            exposure = cls(maskedImage)
            exposure.setWcs(wcs)
            return exposure
    raise TypeError(f"There is no exposure of a {type(maskedImage).__name__}")
