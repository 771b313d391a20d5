# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import astropy.io.fits
import numpy as np
import numpy.typing as npt

from lsst.afw.fits import CompressionOptions
from lsst.daf.base import PropertyList
from lsst.geom import Box2I, Extent2I

from ._image import Image, ImageF, ImageI, ImageU, PixelArray
from ._imageBase import LOCAL, PARENT, Boxed, ImageOrigin, box_from_arguments
from ._mask import Mask, MaskX

__all__ = [
    "MaskedImage",
    "MaskedImageF",
    "MaskedImageI",
    "MaskedImageU",
    "Planes",
    "makeMaskedImage",
    "plane_hdus",
]

_NAMES = ("image", "mask", "variance")
"""Planes in the order of their HDUs."""


class Planes(Boxed):
    """What has an image, a mask and a variance plane, each compressed in its own way.

    A subclass has ``writeFits`` with options of each plane.
    """

    writeFits: Callable[..., None]

    def writeFitsWithOptions(self, dest: str | PathLike[str], options: Mapping[str, Any] | None) -> None:
        """Write a FITS file as a write recipe says.

        Parameters
        ----------
        dest : `str` or `os.PathLike`
            Name of the file, which is overwritten.
        options : `~collections.abc.Mapping` or `None`
            Options of each plane, to make `lsst.afw.fits.CompressionOptions` of.
        """
        self.writeFits(dest, **_recipe_options(options))


class MaskedImage(Planes):
    """An image with its mask and variance.

    Made of nothing, of a box, of dimensions, of width and height, of planes
    (missing ones are 0), or of another masked image or a box of it.

    Parameters
    ----------
    source : `lsst.geom.Box2I`, `lsst.geom.Extent2I`, `int`, `Image`, `MaskedImage`
        What to make it of.
    image, mask, variance : `Image`, `Mask`, `ImageF`, optional
        The planes, not copied.
    bbox : `lsst.geom.Box2I`, optional
        Box of another masked image to take, or of a new one.
    origin : `ImageOrigin`, optional
        What its coordinates count from.
    deep : `bool`, optional
        Copy the pixels of another masked image.

    Raises
    ------
    TypeError
        Raised if the class has no pixel type, or cannot be made of these arguments.
    ValueError
        Raised if the dimensions of the planes differ.
    """

    ImageClass: ClassVar[type[Image] | None] = None
    """Class of the image plane."""

    def __init__(
        self,
        *source: Any,
        bbox: Box2I | None = None,
        origin: ImageOrigin = PARENT,
        deep: bool = False,
        **planes: PixelArray | None,
    ) -> None:
        if self.ImageClass is None:
            raise TypeError(
                f"{type(self).__name__} has no pixel type; use a class that has, like MaskedImageF"
            )
        if source and isinstance(source[0], Image):
            planes = dict(zip(_NAMES, source, strict=False)) | planes
        elif len(source) == 1 and isinstance(source[0], MaskedImage):
            other = source[0] if bbox is None else source[0].subset(bbox, origin)
            planes = {"image": other.image, "mask": other.mask, "variance": other.variance}
        elif planes.get("image") is None:
            box = box_from_arguments((bbox,) if not source and bbox is not None else source)
            if box is None:
                raise TypeError(f"{type(self).__name__} cannot be made of {source!r}")
            planes = {"image": self.ImageClass(box)} | planes
        self._set_planes(deep=deep, **planes)

    def _set_planes(self, image: Any, mask: Any = None, variance: Any = None, *, deep: bool = False) -> None:
        box = image.getBBox()
        planes = [
            image,
            mask if mask is not None else MaskX(box),
            variance if variance is not None else ImageF(box),
        ]
        expected_classes: tuple[Any, ...] = (self.ImageClass, Mask, ImageF)
        for name, plane, expected in zip(_NAMES, planes, expected_classes, strict=True):
            if not isinstance(plane, expected):
                raise TypeError(f"The {name} plane of {type(self).__name__} is no {type(plane).__name__}")
            if plane.getDimensions() != box.getDimensions():
                raise ValueError(
                    f"Dimension mismatch: image {box.getDimensions()} v. {name} {plane.getDimensions()}"
                )
        self._box = box
        self._image, self._mask, self._variance = (plane.clone() if deep else plane for plane in planes)

    def getImage(self) -> Image:
        """Return the image plane; not a copy."""
        return self._image

    def setImage(self, image: Image) -> None:
        """Set the pixels of the image plane to those of another image."""
        self._image.assign(image)

    def getMask(self) -> Mask:
        """Return the mask plane; not a copy."""
        return self._mask

    def setMask(self, mask: Mask) -> None:
        """Set the pixels of the mask plane to those of another mask."""
        self._mask.assign(mask)

    def getVariance(self) -> ImageF:
        """Return the variance plane; not a copy."""
        return self._variance

    def setVariance(self, variance: ImageF) -> None:
        """Set the pixels of the variance plane to those of another image."""
        self._variance.assign(variance)

    image = property(getImage, setImage)
    mask = property(getMask, setMask)
    variance = property(getVariance, setVariance)

    def set(self, value: float, mask: int = 0, variance: float = 0.0) -> None:
        """Set all pixels to a value, a mask and a variance."""
        self._image.set(value)
        self._mask.set(mask)
        self._variance.set(variance)

    def assign(self, rhs: "MaskedImage", bbox: Box2I | None = None, origin: ImageOrigin = PARENT) -> None:
        """Set the pixels, or those in a box, to those of another masked image.

        Raises
        ------
        ValueError
            Raised if the dimensions differ or the box reaches out of the image.
        """
        target = self if bbox is None else self.subset(bbox, origin)
        target._image.assign(rhs.image)
        target._mask.assign(rhs.mask)
        target._variance.assign(rhs.variance)

    def clone(self) -> Self:
        """Return a copy with pixels of its own."""
        return type(self)(self, deep=True)

    def _subset(self, box: Box2I) -> Self:
        local = Box2I(box.getMin() - Extent2I(self.getXY0()), box.getDimensions())
        planes = (self._image, self._mask, self._variance)
        return type(self)(*(plane.subset(local, LOCAL) for plane in planes))

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
        """
        hdus = plane_hdus(self, [PropertyList()] * 3, [imageOptions, maskOptions, varianceOptions])
        astropy.io.fits.HDUList([astropy.io.fits.PrimaryHDU(), *hdus]).writeto(fileName, overwrite=True)


def plane_hdus(
    masked_image: MaskedImage,
    headers: Sequence[PropertyList],
    options: Sequence[CompressionOptions | None],
) -> list[astropy.io.fits.ImageHDU | astropy.io.fits.CompImageHDU]:
    """Return the HDUs of the planes of a masked image.

    Parameters
    ----------
    masked_image : `MaskedImage`
        The planes.
    headers : `~collections.abc.Sequence` [`lsst.daf.base.PropertyList`]
        What goes in the header of each.
    options : `~collections.abc.Sequence` [`lsst.afw.fits.CompressionOptions` or `None`]
        How to compress each.
    """
    planes = (masked_image.image, masked_image.mask, masked_image.variance)
    hdus = []
    for name, plane, metadata, option in zip(_NAMES, planes, headers, options, strict=True):
        header = PropertyList()
        header.update(metadata)
        header.set("INHERIT", True)
        header.set("EXTTYPE", name.upper())
        header.set("EXTNAME", name.upper())
        hdus.append(plane.make_hdu(header, option, _rejected(masked_image.mask, option)))
    return hdus


def _recipe_options(recipe: Mapping[str, Any] | None) -> dict[str, CompressionOptions]:
    """Return the arguments of ``writeFits`` that stand for a write recipe.

    Parameters
    ----------
    recipe : `~collections.abc.Mapping` or `None`
        Options of each plane; `None` leaves it uncompressed.
    """
    if recipe is None:
        return {}
    return {
        f"{name}Options": CompressionOptions.from_mapping(recipe[name])
        for name in _NAMES
        if recipe[name] is not None
    }


def _rejected(mask: Mask, options: CompressionOptions | None) -> npt.NDArray[np.bool_] | None:
    """Return which pixels do not count in the statistics of quantisation."""
    if options is None or options.quantization is None:
        return None
    return mask.array & mask.getPlaneBitMask(options.quantization.mask_planes) != 0


class MaskedImageF(MaskedImage):
    """A masked image of 32-bit floats."""

    ImageClass = ImageF
    dtype = np.float32


class MaskedImageI(MaskedImage):
    """A masked image of 32-bit integers."""

    ImageClass = ImageI
    dtype = np.int32


class MaskedImageU(MaskedImage):
    """A masked image of unsigned 16-bit integers."""

    ImageClass = ImageU
    dtype = np.uint16


def makeMaskedImage(image: Image, mask: Mask | None = None, variance: ImageF | None = None) -> MaskedImage:
    """Make the masked image of planes, not copied.

    Parameters
    ----------
    image, mask, variance : `Image`, `Mask`, `ImageF`
        The planes; missing ones are 0.

    Raises
    ------
    TypeError
        Raised if there is no masked image of such an image.
    """
    for cls in (MaskedImageF, MaskedImageI, MaskedImageU):
        if isinstance(image, cls.ImageClass):
            return cls(image, mask=mask, variance=variance)
    raise TypeError(f"There is no masked image of a {type(image).__name__}")
