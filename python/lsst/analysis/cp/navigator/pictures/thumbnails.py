# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Small pictures of datasets, which are kept in memory."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

from cachetools import LRUCache
from PIL import Image, UnidentifiedImageError

from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.navigator.browse.types import isPlot

from .images import MAX_SIDE, drawImage
from .stored import UnusablePictureError, readStored

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["THUMBNAIL_SIZE", "PictureStore"]

THUMBNAIL_SIZE = (480, 360)
"""Most pixels of a thumbnail: width and height. Pages show them at half the size, for sharp screens."""

_MAX_PIXELS = 64_000_000
"""Most pixels of a plot: a few kilobytes of PNG can stand for any number of them."""

_CACHED_BYTES = 1 << 26
_AT_A_TIME = 2
"""Number of pictures that are decoded at a time: each needs some hundred megabytes at most."""

_QUALITY = 80


class PictureStore:
    """Makes pictures of datasets, and keeps those that were asked for last. For any number of threads.

    Parameters
    ----------
    cachedBytes
        Most bytes of the pictures that are kept.
    """

    def __init__(self, cachedBytes: int = _CACHED_BYTES) -> None:
        self._made: LRUCache[tuple[str, UUID], bytes] = LRUCache(cachedBytes, getsizeof=len)
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(_AT_A_TIME)

    def makeThumbnail(self, butler: Butler, ref: DatasetRef) -> bytes:
        """Make a small picture of a dataset, or take the one that was made before.

        Parameters
        ----------
        butler
            The repository.
        ref
            A plot or an image.

        Returns
        -------
        webp
            A WebP file of at most `THUMBNAIL_SIZE`.

        Raises
        ------
        LostFileError
            Raised if its file is gone.
        UnusablePictureError
            Raised if there is no picture in it, it is damaged, or it is too large.
        """
        return self._make("thumbnail", butler, ref, _shrink)

    def makeImage(self, butler: Butler, ref: DatasetRef) -> bytes:
        """Make the picture of an image, as `makeThumbnail` does that of anything.

        Returns
        -------
        png
            A PNG file of at most `MAX_SIDE` pixels along either axis.
        """
        return self._make("image", butler, ref, _drawWhole)

    def _make(
        self, kind: str, butler: Butler, ref: DatasetRef, draw: Callable[[Butler, DatasetRef], bytes]
    ) -> bytes:
        key = kind, ref.id
        with self._lock:
            if key in self._made:
                return self._made[key]
        with self._slots:
            content = draw(butler, ref)
        with self._lock:
            if len(content) <= self._made.maxsize:
                self._made[key] = content
        return content


def _shrink(butler: Butler, ref: DatasetRef) -> bytes:
    """Make a small WebP file."""
    if not isPlot(ref.datasetType):
        picture = drawImage(butler, ref, max(THUMBNAIL_SIZE))
        picture.thumbnail(THUMBNAIL_SIZE)
    else:
        picture = _decode(readStored(butler, ref).png, ref)
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=_QUALITY, method=2)
    return file.getvalue()


def _decode(png: bytes, ref: DatasetRef) -> Image.Image:
    """Decode the pixels of a plot, and make it small."""
    try:
        # No other decoder is given what only claims to be a PNG file.
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if picture.width * picture.height > _MAX_PIXELS:
                raise UnusablePictureError(
                    f"The picture of {nameDataset(ref)} has {picture.width} × {picture.height} pixels, "
                    f"over {_MAX_PIXELS} together."
                )
            small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnusablePictureError(f"The picture of {nameDataset(ref)} has too many pixels.") from error
    except (OSError, SyntaxError, UnidentifiedImageError, ValueError) as error:
        if isinstance(error, UnusablePictureError):
            raise
        raise UnusablePictureError(f"The file of {nameDataset(ref)} is damaged: {error}.") from error
    small.thumbnail(THUMBNAIL_SIZE, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return small


def _drawWhole(butler: Butler, ref: DatasetRef) -> bytes:
    """Make a PNG file of an image."""
    file = io.BytesIO()
    drawImage(butler, ref, MAX_SIDE).save(file, "PNG")
    return file.getvalue()
