# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pictures of stored images, in greys that follow their values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image

from lsst.analysis.cp.core.images import binImage, stretchLimits
from lsst.analysis.cp.core.pyramid import PyramidFileError, PyramidReader
from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.navigator.browse.types import isPyramid
from lsst.analysis.cp.report.stamps import toPicture

from .stored import LostFileError, UnusablePictureError, checkFile

if TYPE_CHECKING:
    from typing import BinaryIO

    import numpy.typing as npt

    from lsst.analysis.cp.core.typing import Float32Array
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["MAX_SIDE", "drawImage"]

MAX_SIDE = 2048
"""Most pixels along either axis of a picture; several of a larger image are averaged."""

_ABSENT = (38, 50, 72)
"""Dark blue: much of a mosaic lies between the detectors."""

_MAX_BYTES = 1 << 29
"""Most bytes of the file of an image, which is read as a whole."""


def drawImage(butler: Butler, ref: DatasetRef, side: int = MAX_SIDE) -> Image.Image:
    """Draw an image.

    Parameters
    ----------
    butler
        The repository.
    ref
        The image; of a pyramid its overview is drawn.
    side
        Most pixels along either axis.

    Returns
    -------
    picture
        The picture, the first row at the bottom, with the range (zscale) of
        `~lsst.analysis.cp.core.images.stretchLimits`; pixels without a value are dark blue.

    Raises
    ------
    LostFileError
        Raised if its file is gone.
    UnusablePictureError
        Raised if it cannot be read, is no plane of numbers, or is too large.
    """
    try:
        pixels = _readOverview(butler, ref) if isPyramid(ref.datasetType) else _readPixels(butler, ref)
    except FileNotFoundError as error:
        raise LostFileError(f"The file of {nameDataset(ref)} is gone.") from error
    except UnusablePictureError:
        raise
    except Exception as error:
        # What is in a file, and what reads it, is not in our hands.
        raise UnusablePictureError(f"{nameDataset(ref)} cannot be read: {type(error).__name__}.") from error
    if pixels.ndim != 2 or not pixels.size:
        raise UnusablePictureError(f"{nameDataset(ref)} has no pixels: its shape is {pixels.shape}.")
    factor = math.ceil(max(pixels.shape) / side)
    shown = (binImage(pixels, factor) if factor > 1 else pixels).astype(np.float64)
    if not np.isfinite(shown).any():
        return toPicture(shown, 0.0, 1.0, _ABSENT)
    return toPicture(shown, *stretchLimits(shown), _ABSENT)


def _readOverview(butler: Butler, ref: DatasetRef) -> Float32Array:
    """Read the coarsest level of a pyramid; no more of its file is read than that."""
    with butler.getURI(ref).open("rb") as file:
        try:
            with PyramidReader(cast("BinaryIO", file), name=nameDataset(ref)) as reader:
                return reader.overview()
        except PyramidFileError as error:
            raise UnusablePictureError(str(error)) from error


def _readPixels(butler: Butler, ref: DatasetRef) -> npt.NDArray[np.floating]:
    """Read the pixels of an image, without masks and variances."""
    checkFile(butler, ref, _MAX_BYTES)
    has_planes = "image" in ref.datasetType.storageClass.components
    image = butler.get(ref.makeComponentRef("image") if has_planes else ref)
    pixels = np.asarray(image.array)
    # Means of whole numbers are none.
    return pixels if np.issubdtype(pixels.dtype, np.floating) else pixels.astype(np.float64)
