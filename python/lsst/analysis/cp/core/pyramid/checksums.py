# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Checksums of what is read of a pyramid, so that damage is never taken for pixels.

The first header has the FITS checksum (FITS standard 4.0, appendix J). It holds the CRC of the index, whose
rows hold that of the first part of each image: header, and where each tile is. That header holds the CRC of
each tile. All are the CRC-32 of `zlib.crc32`.
"""

from __future__ import annotations

import io
import zlib
from typing import NamedTuple

import numpy as np
from astropy.io.fits import Header

__all__ = ["PyramidFileError", "StoredTile", "addTileChecksums", "findTiles", "isHeaderIntact"]

_PER_CARD = 8
"""Number of checksums in a card of a header: 64 of the 68 characters that it has room for."""

_ALL_ONES = 0xFFFFFFFF


class PyramidFileError(ValueError):
    """A file is no pyramid, is one of another version, or is damaged or cut short."""


class StoredTile(NamedTuple):
    """A tile of a compressed image.

    Parameters
    ----------
    number
        Which tile, counted from 0 along the rows of the image.
    length
        Number of its bytes.
    checksum
        Their CRC.
    """

    number: int
    length: int
    checksum: int


def isHeaderIntact(content: bytes) -> bool:
    """Verify the FITS checksum of an HDU without data.

    Parameters
    ----------
    content
        Its bytes, a multiple of 4.

    Returns
    -------
    intact
        Whether their sum in ones' complement has all bits set.
    """
    total = int(np.frombuffer(content, dtype=">u4").sum(dtype=np.uint64))
    while total > _ALL_ONES:
        total = (total & _ALL_ONES) + (total >> 32)
    return total == _ALL_ONES


def addTileChecksums(content: bytes) -> bytes:
    """Write the checksums of the tiles of a compressed image into its header.

    Parameters
    ----------
    content
        Bytes of an HDU without them.

    Returns
    -------
    content
        Bytes of the HDU with the cards TCRC1, TCRC2, ...
    """
    buffer = io.BytesIO(content)
    header = Header.fromfile(buffer)
    data = content[buffer.tell() :]
    checksums = [
        f"{zlib.crc32(data[start : start + length]):08x}" for start, length in _tileSpans(header, data)
    ]
    for i in range(0, len(checksums), _PER_CARD):
        header[f"TCRC{i // _PER_CARD + 1}"] = "".join(checksums[i : i + _PER_CARD])
    return header.tostring().encode() + data


def findTiles(prefix: bytes) -> dict[int, StoredTile]:
    """Find the tiles of a compressed image, and their checksums.

    Parameters
    ----------
    prefix
        Bytes of its HDU up to the first tile.

    Returns
    -------
    tiles
        Each tile by its first byte in the HDU.
    """
    buffer = io.BytesIO(prefix)
    header = Header.fromfile(buffer)
    spans = _tileSpans(header, prefix[buffer.tell() :])
    n_cards = -(-len(spans) // _PER_CARD)
    checksums = bytes.fromhex("".join(header[f"TCRC{i + 1}"] for i in range(n_cards)))
    return {
        buffer.tell() + start: StoredTile(i, length, int.from_bytes(checksums[4 * i : 4 * i + 4]))
        for i, (start, length) in enumerate(spans)
    }


def _tileSpans(header: Header, table: bytes) -> list[tuple[int, int]]:
    """Return first byte in the data, and number of bytes, of each tile, from the rows of the table.

    The first columns say where a tile is, for each way of compressing it; all but one are empty.
    """
    width, n_tiles = header["NAXIS1"], header["NAXIS2"]
    n_ways = sum(header[f"TFORM{i + 1}"].startswith("1PB") for i in range(header["TFIELDS"]))
    rows = np.frombuffer(table[: width * n_tiles], dtype=np.uint8).reshape(n_tiles, width)
    places = rows[:, : 8 * n_ways].copy().view(">i4").reshape(n_tiles, n_ways, 2)
    used = places[np.arange(n_tiles), places[:, :, 0].argmax(axis=1)]
    heap = header.get("THEAP", width * n_tiles)
    return [(heap + start, length) for length, start in used.tolist()]
