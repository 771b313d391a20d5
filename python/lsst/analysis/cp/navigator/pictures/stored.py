# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stored plots as they are, and what can be wrong with them."""

from __future__ import annotations

import stat
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.notebook.readPlot import Picture, readPicture

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["MAX_BYTES", "LostFileError", "UnusablePictureError", "checkFile", "readStored"]

MAX_BYTES = 1 << 26
"""Most bytes of the file of a plot; those of 205 detectors have a few million."""

_SIGNATURE = 8
"""Number of bytes before the first part of a PNG file."""


class LostFileError(FileNotFoundError):
    """The file of a dataset is gone."""


class UnusablePictureError(ValueError):
    """What is stored is no picture, or one that is too large to be shown."""


def readStored(butler: Butler, ref: DatasetRef) -> Picture:
    """Read a plot.

    Parameters
    ----------
    butler
        The repository.
    ref
        A dataset of the storage class Plot.

    Returns
    -------
    picture
        The picture; that its file begins and ends as a PNG file does is checked, and so are the checksums of
        what is in between.

    Raises
    ------
    LostFileError
        Raised if there is no such file.
    UnusablePictureError
        Raised if it is no PNG file, one that is cut off or damaged, or of more than `MAX_BYTES`.
    """
    try:
        path = checkFile(butler, ref, MAX_BYTES)
        # What lies on this machine need not be copied first.
        picture = readPicture(butler, ref) if path is None else Picture(path.read_bytes(), ref, butler)
    except FileNotFoundError as error:
        raise LostFileError(f"The file of {nameDataset(ref)} is gone.") from error
    except ValueError as error:
        raise UnusablePictureError(_withoutUri(error, ref)) from error
    if len(picture.png) > MAX_BYTES:
        raise UnusablePictureError(f"The file of {nameDataset(ref)} has over {MAX_BYTES} bytes.")
    if part := _findDamage(picture.png):
        raise UnusablePictureError(
            f"The file of {nameDataset(ref)} is damaged: the checksum of its part {part} is wrong."
        )
    return picture


def checkFile(butler: Butler, ref: DatasetRef, maxBytes: int) -> Path | None:
    """Find the file of a dataset, if it has one of its own on this machine.

    Parameters
    ----------
    butler
        The repository.
    ref
        The dataset.
    maxBytes
        Most bytes that it may have.

    Returns
    -------
    path
        Its path; None if it is elsewhere, or a part of an archive.

    Raises
    ------
    FileNotFoundError
        Raised if there is none.
    UnusablePictureError
        Raised if it is no regular file, or is too large.
    """
    uri = butler.getURI(ref)
    if not uri.isLocal or uri.fragment:
        return None
    path = Path(uri.ospath)
    # To open anything else, such as a named pipe, may wait for ever.
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UnusablePictureError(f"The file of {nameDataset(ref)} is no regular file.")
    if status.st_size > maxBytes:
        raise UnusablePictureError(
            f"The file of {nameDataset(ref)} has {status.st_size} bytes, over {maxBytes}."
        )
    return path


def _findDamage(png: bytes) -> str:
    """Name the first part of a PNG file whose checksum is wrong; empty if there is none.

    Browsers keep for ever what they are sent: a file that is mended later would never be seen. Parts that a
    picture can do without, whose names begin with a small letter, do not matter.
    """
    content, start = memoryview(png), _SIGNATURE
    while start < len(png):
        end = start + 8 + int.from_bytes(content[start : start + 4])
        name = bytes(content[start + 4 : start + 8])
        checksum = int.from_bytes(content[end : end + 4])
        if not name[:1].islower() and zlib.crc32(content[start + 4 : end]) != checksum:
            return ascii(name.decode("latin-1"))
        start = end + 4
    return ""


def _withoutUri(error: ValueError, ref: DatasetRef) -> str:
    """Say what is wrong in the words of the error, with the dataset as it is called elsewhere."""
    return str(error).replace(str(ref), nameDataset(ref))
