# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import threading
from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any, ClassVar

import astropy.io.fits
import numpy as np
import numpy.typing as npt

from lsst.afw.fits import CompressionOptions
from lsst.daf.base import PropertyList

from ._image import PixelArray

__all__ = ["Mask", "MaskX"]

_PREFIX = "MP_"
"""How the header keys of mask planes begin."""

_MAX_PLANES = 32

_INITIAL_PLANES = (
    "BAD",
    "SAT",
    "INTRP",
    "CR",
    "EDGE",
    "DETECTED",
    "DETECTED_NEGATIVE",
    "SUSPECT",
    "NO_DATA",
    "VIGNETTED",
    "STREAK",
)


class Mask(PixelArray):
    """A mask: an integer a pixel, each bit of which is a named plane.

    All masks have the same planes (upstream a mask can keep its own). See
    `PixelArray` for what it is made of.
    """

    dtype = np.int32
    _planes: ClassVar[dict[str, int]] = {name: bit for bit, name in enumerate(_INITIAL_PLANES)}
    _lock: ClassVar[Any] = threading.Lock()

    @classmethod
    def addMaskPlane(cls, name: str) -> int:
        """Return the bit of a plane, which is added if there is none.

        Raises
        ------
        RuntimeError
            Raised if all bits are taken.
        """
        with cls._lock:
            if name not in cls._planes:
                free = sorted(set(range(_MAX_PLANES)) - set(cls._planes.values()))
                if not free:
                    raise RuntimeError(f"No mask plane {name!r} can be added: all {_MAX_PLANES} are taken")
                cls._planes[name] = free[0]
            return cls._planes[name]

    @classmethod
    def getMaskPlane(cls, name: str) -> int:
        """Return the bit of a plane, counted from 0.

        Raises
        ------
        ValueError
            Raised if there is no such plane.
        """
        if name not in cls._planes:
            raise ValueError(f"Invalid mask plane name: {name}; there are {sorted(cls._planes)}")
        return cls._planes[name]

    @classmethod
    def getPlaneBitMask(cls, name: str | Iterable[str]) -> int:
        """Return the pixel value that has the given plane or planes set.

        Raises
        ------
        ValueError
            Raised if there is no such plane.
        """
        names = [name] if isinstance(name, str) else name
        value = 0
        for each in names:
            value |= 1 << cls.getMaskPlane(each)
        # The last bit is the sign.
        return int(np.uint32(value).astype(np.int32))

    @classmethod
    def getMaskPlaneDict(cls) -> dict[str, int]:
        """Return the bits by plane."""
        return dict(sorted(cls._planes.items()))

    def writeFitsWithOptions(
        self, dest: str | PathLike[str], options: Mapping[str, Any] | None, item: str = "mask"
    ) -> None:
        """Write a FITS file as a write recipe says; see `Image`."""
        super().writeFitsWithOptions(dest, options, item)

    def make_hdu(
        self,
        header: PropertyList,
        options: CompressionOptions | None = None,
        rejected: npt.NDArray[np.bool_] | None = None,
    ) -> astropy.io.fits.ImageHDU | astropy.io.fits.CompImageHDU:
        """Return an HDU of this mask, with its planes in the header; see `Image`."""
        full = PropertyList()
        full.update(header)
        for name, bit in self.getMaskPlaneDict().items():
            full.set(f"{_PREFIX}{name}", bit)
        return super().make_hdu(full, options)

    def conform_planes(self, metadata: PropertyList) -> None:
        """Move the bits of pixels from where a file has its planes to where they are here.

        Parameters
        ----------
        metadata : `lsst.daf.base.PropertyList`
            Header of the file, which says the bits of its planes; planes that
            are not known here are added.
        """
        theirs = {name[len(_PREFIX) :]: metadata.get(name) for name in metadata if name.startswith(_PREFIX)}
        moves = {bit: self.addMaskPlane(name) for name, bit in theirs.items()}
        if all(old == new for old, new in moves.items()):
            return
        pixels = self.array.view(np.uint32)
        moved = np.zeros_like(pixels)
        for old, new in moves.items():
            moved |= ((pixels >> np.uint32(old)) & np.uint32(1)) << np.uint32(new)
        pixels[...] = moved


MaskX = Mask
