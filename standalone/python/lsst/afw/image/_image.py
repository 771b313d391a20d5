# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from collections.abc import Mapping
from os import PathLike
from typing import Any, Self

import astropy.io.fits
import numpy as np
import numpy.typing as npt

from lsst.afw.fits import CompressionOptions
from lsst.afw.fits._pixels import make_image_hdu
from lsst.daf.base import PropertyList
from lsst.geom import Box2I, Extent2I, Point2I

from ._imageBase import PARENT, Boxed, ImageOrigin, box_from_arguments

__all__ = ["Image", "ImageF", "ImageI", "ImageU", "PixelArray"]


class PixelArray(Boxed):
    """One plane of pixels.

    Made of nothing, of a box, of dimensions or of width and height (filled
    with the initial value), of an array, or of another plane or a box of it
    (which then share memory unless a deep copy is asked for).

    Parameters
    ----------
    source : `lsst.geom.Box2I`, `lsst.geom.Extent2I`, `int`, `numpy.ndarray`, `PixelArray`
        What to make it of; an array has shape (rows, columns).
    initialValue : `float`, optional
        Value of all pixels of a new plane.
    xy0 : `lsst.geom.Point2I`, optional
        Position of the first pixel of an array.
    bbox : `lsst.geom.Box2I`, optional
        Box of another plane to take.
    origin : `ImageOrigin`, optional
        What the coordinates of this box count from.
    deep : `bool`, optional
        Copy the pixels of an array or of another plane.

    Raises
    ------
    TypeError
        Raised if the class has no pixel type, or cannot be made of these arguments.
    """

    def __init__(
        self,
        *source: Any,
        initialValue: float = 0,
        xy0: Point2I | None = None,
        bbox: Box2I | None = None,
        origin: ImageOrigin = PARENT,
        deep: bool = False,
    ) -> None:
        if self.dtype is None:
            raise TypeError(f"{type(self).__name__} has no pixel type; use a class that has, like ImageF")
        box = box_from_arguments((bbox,) if not source and bbox is not None else source)
        if box is not None:
            self._box = box
            self._array = np.full((box.getHeight(), box.getWidth()), initialValue, dtype=self.dtype)
        elif len(source) == 1 and isinstance(source[0], PixelArray):
            self._take(source[0], bbox, origin, deep)
        elif len(source) == 1 and isinstance(source[0], np.ndarray):
            self._adopt(source[0], xy0 or Point2I(0, 0), deep)
        else:
            raise TypeError(f"{type(self).__name__} cannot be made of {source!r}")

    def _take(self, other: "PixelArray", bbox: Box2I | None, origin: ImageOrigin, deep: bool) -> None:
        part = other if bbox is None else other.subset(bbox, origin)
        self._adopt(part.array, part.getXY0(), deep)

    def _adopt(self, array: npt.NDArray, xy0: Point2I, deep: bool) -> None:
        if array.ndim != 2 or (array.dtype != self.dtype and not deep):
            raise TypeError(
                f"{type(self).__name__} is made of a 2-d array of {np.dtype(self.dtype)}, not of one of"
                f" {array.ndim} dimensions and {array.dtype}"
            )
        self._box = Box2I(xy0, Extent2I(array.shape[1], array.shape[0]))
        self._array = array.astype(self.dtype) if deep else array

    def getArray(self) -> npt.NDArray:
        """Return the pixels, shape (rows, columns); not a copy."""
        return self._array

    def setArray(self, array: npt.ArrayLike) -> None:
        """Set the pixels to those of an array (rows, columns) or to a value."""
        self._array[...] = array

    array = property(getArray, setArray)

    def set(self, value: float) -> None:
        """Set all pixels to a value."""
        self._array[...] = value

    def assign(self, rhs: "PixelArray", bbox: Box2I | None = None, origin: ImageOrigin = PARENT) -> None:
        """Set the pixels, or those in a box, to those of another plane.

        Raises
        ------
        ValueError
            Raised if the dimensions differ or the box reaches out of the image.
        """
        target = self if bbox is None else self.subset(bbox, origin)
        if target.getDimensions() != rhs.getDimensions():
            raise ValueError(f"Dimension mismatch: {target.getDimensions()} v. {rhs.getDimensions()}")
        target.array = rhs.array

    def clone(self) -> Self:
        """Return a copy with pixels of its own."""
        return type(self)(self, deep=True)

    def writeFits(
        self,
        fileName: str | PathLike[str],
        options: CompressionOptions | None = None,
        header: PropertyList | None = None,
    ) -> None:
        """Write a FITS file.

        Parameters
        ----------
        fileName : `str` or `os.PathLike`
            Name of the file, which is overwritten.
        options : `lsst.afw.fits.CompressionOptions`, optional
            How to compress; by default not at all.
        header : `lsst.daf.base.PropertyList`, optional
            Header to write with it.
        """
        hdu = self.make_hdu(header if header is not None else PropertyList(), options)
        primary = astropy.io.fits.PrimaryHDU
        # A lone plane that is not compressed is the primary HDU, as in afw.
        hdus = [primary(), hdu] if options is not None else [primary(hdu.data, hdu.header)]
        astropy.io.fits.HDUList(hdus).writeto(fileName, overwrite=True)

    def writeFitsWithOptions(
        self, dest: str | PathLike[str], options: Mapping[str, Any] | None, item: str = "image"
    ) -> None:
        """Write a FITS file as a write recipe says.

        Parameters
        ----------
        dest : `str` or `os.PathLike`
            Name of the file, which is overwritten.
        options : `~collections.abc.Mapping` or `None`
            Options of each plane, to make `lsst.afw.fits.CompressionOptions` of.
        item : `str`, optional
            Whose options to take.
        """
        self.writeFits(dest, None if options is None else CompressionOptions.from_mapping(options[item]))

    def make_hdu(
        self,
        header: PropertyList,
        options: CompressionOptions | None = None,
        rejected: npt.NDArray[np.bool_] | None = None,
    ) -> astropy.io.fits.ImageHDU | astropy.io.fits.CompImageHDU:
        """Return an HDU of this plane.

        Parameters
        ----------
        header : `lsst.daf.base.PropertyList`
            What goes in its header, beside ``XY0``.
        options : `lsst.afw.fits.CompressionOptions`, optional
            How to compress; by default not at all.
        rejected : `numpy.ndarray` of `bool`, (rows, columns), optional
            Pixels that do not count in the statistics of quantisation.
        """
        full = PropertyList()
        full.update(header)
        full.update(_xy0_metadata(self.getXY0()))
        return make_image_hdu(self._array, full, options, rejected)

    def __setitem__(self, index: Any, value: Any) -> None:
        part = self[index]
        if isinstance(value, PixelArray):
            part.assign(value)
        else:
            part.set(value)

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}={self._array}, bbox={self._box}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (type(self), self._array, tuple(self.getXY0()))

    def _subset(self, box: Box2I) -> Self:
        first_row, first_column = box.getMinY() - self.getY0(), box.getMinX() - self.getX0()
        rows = slice(first_row, first_row + box.getHeight())
        columns = slice(first_column, first_column + box.getWidth())
        return type(self)(self._array[rows, columns], xy0=box.getMin())


class Image(PixelArray):
    """An image; see `PixelArray` for what it is made of."""


class ImageF(Image):
    """An image of 32-bit floats."""

    dtype = np.float32


class ImageI(Image):
    """An image of 32-bit integers."""

    dtype = np.int32


class ImageU(Image):
    """An image of unsigned 16-bit integers."""

    dtype = np.uint16


def _unpickle(cls: type[PixelArray], array: npt.NDArray, xy0: tuple[int, int]) -> PixelArray:
    return cls(array, xy0=Point2I(*xy0))


def _xy0_metadata(xy0: Point2I) -> PropertyList:
    """Return the linear WCS ``A``, which holds the position of the first pixel."""
    metadata = PropertyList()
    for axis, (name, value) in enumerate(zip(("Column", "Row"), xy0, strict=True), start=1):
        metadata.set(f"CTYPE{axis}A", "LINEAR", "Type of projection")
        metadata.set(f"CRPIX{axis}A", 1.0, f"{name} pixel of reference")
        metadata.set(f"CRVAL{axis}A", float(value), f"{name} of the reference pixel")
        metadata.set(f"CUNIT{axis}A", "PIXEL", f"{name} unit")
    return metadata
