# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The pyramid of an exposure as Butler stores it: an image that brings its file along."""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from lsst.afw.image import ImageF
from lsst.analysis.cp.core.pyramid import PyramidReader

__all__ = ["PyramidImage"]


class PyramidImage(ImageF):
    """The overview of a pyramid, which is written as the whole pyramid.

    It is of storage class ``ImageF``, whose formatter calls `writeFits` or `writeFitsWithOptions`; so a
    pyramid needs no storage class, formatter or configuration of its own, and any Butler reads it: as image,
    it is the coarsest mosaic of the focal plane (the first extension of the file); `readView` reads the rest.

    Make it with `fromFile`.
    """

    _source: Path | None = None

    @classmethod
    def fromFile(cls, path: str | Path) -> Self:
        """Take a pyramid from a temporary file.

        Parameters
        ----------
        path
            The file, as `~lsst.analysis.cp.core.pyramid.PyramidWriter` wrote it. It is needed as long as
            the image is, and deleted with it.

        Returns
        -------
        image
            The overview: shape (ny, nx), rows along y of the focal plane, NaN where there are no detectors.

        Raises
        ------
        PyramidFileError
            Raised if the file is no pyramid, or is damaged.
        """
        source = Path(path)
        with PyramidReader(source) as reader:
            image = cls(reader.overview(), deep=True)
        image._source = source
        weakref.finalize(image, source.unlink, missing_ok=True)
        return image

    def writeFits(self, fileName: Any, *args: Any, **kwargs: Any) -> None:
        """Put the file of the pyramid at a place.

        Parameters
        ----------
        fileName
            Name of the file, which is overwritten.
        *args, **kwargs
            How to write the overview alone, where ``fileName`` is no name of a file (as afw does to pickle an
            image) or this is a copy without a file; see `lsst.afw.image.ImageF.writeFits`.
        """
        if self._source is None or not isinstance(fileName, str | os.PathLike):
            super().writeFits(fileName, *args, **kwargs)
            return
        target = Path(fileName)
        target.unlink(missing_ok=True)
        # A pyramid has some GB: a second name costs nothing, but another file system needs a copy.
        try:
            target.hardlink_to(self._source)
        except OSError:
            shutil.copyfile(self._source, target)

    def writeFitsWithOptions(self, dest: Any, options: Mapping[str, Any] | None, item: str = "image") -> None:
        """Put the file of the pyramid at a place; see `writeFits`.

        Parameters
        ----------
        dest
            Name of the file, which is overwritten.
        options
            How to compress; ignored, since the file is compressed already.
        item
            Part of the image that the options are for; ignored.
        """
        if self._source is None:
            super().writeFitsWithOptions(dest, options, item)
        else:
            self.writeFits(dest)
