# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""One image of a pyramid as a file of its own, which is verified as it is read."""

from __future__ import annotations

import io
import zlib
from typing import BinaryIO

from .checksums import PyramidFileError, findTiles
from .index import EMPTY_PRIMARY, StoredImage

__all__ = ["FilePart"]


class FilePart(io.RawIOBase):
    """One image of a large file, which looks like a small FITS file and is read as one.

    astropy would open the large file by reading the header of each of its thousand HDUs. It reads tile by
    tile, and the checksum of each is verified.

    Parameters
    ----------
    file
        The large file, open for reading; it stays open when the part is closed.
    place
        Where the image is.
    name
        What to call the image in messages.

    Raises
    ------
    PyramidFileError
        Raised, as by the methods that read, if the file ends before the image does, or a checksum is wrong.
    """

    def __init__(self, file: BinaryIO, place: StoredImage, name: str) -> None:
        super().__init__()
        self._file = file
        self._offset = place.offset
        self._size = len(EMPTY_PRIMARY) + place.length
        self._name = name
        self._position = 0
        self._count = 0
        # One request for all that is read in small pieces matters where the file is remote.
        prefix = self._readFile(0, place.prefix)
        if zlib.crc32(prefix) != place.checksum:
            raise PyramidFileError(f"{name} is damaged: the checksum of its header is wrong.")
        self._start = EMPTY_PRIMARY + prefix
        self._tiles = findTiles(prefix)

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in the small file."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position in the small file; see `io.IOBase.seek`."""
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Read some bytes, or all that are left; see `io.RawIOBase.read`."""
        left = max(self._size - self._position, 0)
        count = left if size is None or size < 0 else min(size, left)
        first, self._position = self._position, self._position + count
        content = self._start[first : first + count]
        if len(content) < count:
            content += self._readTiles(first + len(content) - len(EMPTY_PRIMARY), count - len(content))
        return content

    def takeCount(self) -> int:
        """Return the number of bytes that were read from the large file since the last call."""
        count, self._count = self._count, 0
        return count

    def _readTiles(self, first: int, count: int) -> bytes:
        """Read bytes of tiles, of which each is read as a whole and verified."""
        last = first + count
        touched = {
            start: tile for start, tile in self._tiles.items() if start < last and start + tile.length > first
        }
        begin = min([first, *touched])
        end = max([last, *(start + tile.length for start, tile in touched.items())])
        content = self._readFile(begin, end - begin)
        for start, tile in touched.items():
            if zlib.crc32(content[start - begin : start - begin + tile.length]) != tile.checksum:
                raise PyramidFileError(
                    f"{self._name} is damaged: the checksum of tile {tile.number} is wrong."
                )
        return content[first - begin : last - begin]

    def _readFile(self, first: int, count: int) -> bytes:
        self._file.seek(self._offset + first)
        content = self._file.read(count)
        self._count += len(content)
        if len(content) != count:
            raise PyramidFileError(
                f"{self._name} is cut short: the file ends {count - len(content)} bytes too early."
            )
        return content
