# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import enum
from collections.abc import Callable
from os import PathLike
from typing import Any, ClassVar, Self

from lsst.geom import Box2I, Extent2I, Point2I

__all__ = ["LOCAL", "PARENT", "Boxed", "ImageOrigin", "box_from_arguments", "parent_box"]


class ImageOrigin(enum.Enum):
    """Whether pixel coordinates count from ``XY0`` of an image."""

    PARENT = 0
    """Coordinates of the parent: the first pixel is at ``XY0``."""

    LOCAL = 1
    """The first pixel is at (0, 0)."""


PARENT = ImageOrigin.PARENT
LOCAL = ImageOrigin.LOCAL


class Boxed:
    """What has pixels in a box: where it is, and how a part is taken.

    A subclass sets ``_box`` and has ``_subset`` and ``clone``; its reader sets ``_ReaderClass``.
    """

    _box: Box2I
    _ReaderClass: ClassVar[Any]
    dtype: ClassVar[Any] = None
    """Type of a pixel of the image."""

    @classmethod
    def readFits(cls, fileName: str | PathLike[str]) -> Self:
        """Read a FITS file.

        Raises
        ------
        lsst.afw.fits.FitsError
            Raised if the file is damaged or holds pixels of another type.
        """
        make: Callable[..., Self] = cls
        return make(cls._ReaderClass(fileName).read(dtype=cls.dtype))

    def getBBox(self, origin: ImageOrigin = PARENT) -> Box2I:
        """Return the bounding box."""
        if origin is LOCAL:
            return Box2I(Point2I(0, 0), self._box.getDimensions())
        return Box2I(self._box)

    def getXY0(self) -> Point2I:
        """Return the position of the first pixel."""
        return self._box.getMin()

    def getX0(self) -> int:
        """Return the first column."""
        return self._box.getMinX()

    def getY0(self) -> int:
        """Return the first row."""
        return self._box.getMinY()

    def getDimensions(self) -> Extent2I:
        """Return the numbers of columns and rows."""
        return self._box.getDimensions()

    def getWidth(self) -> int:
        """Return the number of columns."""
        return self._box.getWidth()

    def getHeight(self) -> int:
        """Return the number of rows."""
        return self._box.getHeight()

    width = property(getWidth)
    height = property(getHeight)

    def subset(self, bbox: Box2I, origin: ImageOrigin = PARENT) -> Self:
        """Return the part in a box; it shares its pixels with this one.

        Parameters
        ----------
        bbox : `lsst.geom.Box2I`
            The box.
        origin : `ImageOrigin`, optional
            What its coordinates count from.

        Raises
        ------
        ValueError
            Raised if the box reaches out of this one's.
        """
        return self._subset(parent_box(self._box, bbox, origin))

    def clone(self) -> Self:
        """Return a copy with pixels of its own."""
        raise NotImplementedError

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.clone()

    def __getitem__(self, index: Any) -> Self:
        bbox, origin = index if isinstance(index, tuple) else (index, PARENT)
        if not isinstance(bbox, Box2I) or not isinstance(origin, ImageOrigin):
            raise TypeError(
                f"The stand-in of lsst.afw.image is indexed by a Box2I and an ImageOrigin, not by {index!r};"
                " for other parts index the 'array' (rows first)"
            )
        return self.subset(bbox, origin)

    def _subset(self, box: Box2I) -> Self:
        raise NotImplementedError


def parent_box(full: Box2I, bbox: Box2I, origin: ImageOrigin) -> Box2I:
    """Return a box in `PARENT` coordinates.

    Parameters
    ----------
    full : `lsst.geom.Box2I`
        Bounding box of the whole image, in `PARENT` coordinates.
    bbox : `lsst.geom.Box2I`
        Box of a part of it; an empty one stands for the whole.
    origin : `ImageOrigin`
        What the coordinates of the part count from.

    Raises
    ------
    ValueError
        Raised if the part reaches out of the whole.
    """
    if bbox.isEmpty():
        return full
    if origin is LOCAL:
        bbox = Box2I(bbox.getMin() + Extent2I(full.getMin()), bbox.getDimensions())
    if not full.contains(bbox):
        raise ValueError(f"Box {bbox} does not fit in image {full}")
    return bbox


def box_from_arguments(args: tuple[Any, ...]) -> Box2I | None:
    """Return the box that arguments of a constructor stand for.

    Parameters
    ----------
    args : `tuple`
        Nothing (an empty box), a `~lsst.geom.Box2I`, a `~lsst.geom.Extent2I`
        or a width and a height.

    Returns
    -------
    box : `lsst.geom.Box2I` or `None`
        The box; `None` if the arguments are other ones.
    """
    match args:
        case ():
            return Box2I()
        case (Box2I() as box,):
            return Box2I(box)
        case (Extent2I() as dimensions,):
            return Box2I(Point2I(0, 0), dimensions)
        case (int() as width, int() as height):
            return Box2I(Point2I(0, 0), Extent2I(width, height))
    return None
