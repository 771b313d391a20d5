# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Single tiles of a pyramid: they are what other readers of FITS find in the file."""

import io

import astropy.io.fits
import numpy as np
import pytest

from lsst.analysis.cp.core.pyramid import PyramidFileError, PyramidReader
from lsst.analysis.cp.core.pyramid.index import MOSAIC, TILE_SIZE


@pytest.fixture
def reader(pyramidPath):
    with PyramidReader(pyramidPath) as pyramid:
        yield pyramid


def joinTiles(reader, detector, plane, factor):
    """Put all tiles of an image together."""
    shape = reader.images[detector, plane, factor].shape
    return np.block(
        [
            [
                reader.readTile(detector, plane, factor, row, column)
                for column in range(-(-shape[1] // TILE_SIZE))
            ]
            for row in range(-(-shape[0] // TILE_SIZE))
        ]
    )


def test_tiles_are_the_images_in_the_file(reader, pyramidPath):
    n_images = 0
    with astropy.io.fits.open(pyramidPath) as hdus:
        for hdu in hdus[4:]:
            header = hdu.header
            key = header.get("DETECTOR", MOSAIC), header["PLANE"], header["FACTOR"]
            np.testing.assert_array_equal(joinTiles(reader, *key), hdu.data)
            n_images += 1
    assert n_images == len(reader.images) > 20


@pytest.mark.parametrize(("plane", "factor"), [("image", 1), ("image", 4), ("significance", 2), ("mask", 1)])
def test_tiles_are_what_a_window_shows(reader, plane, factor):
    pixels = joinTiles(reader, 10, plane, factor)
    view = reader.read(reader.toFocalPlane(10, 549.5, 349.5), (10.0, 6.0), plane=plane, factor=factor)
    first = [(size - seen) // 2 for size, seen in zip(pixels.shape, view.image.shape, strict=True)]
    part = tuple(slice(s, s + n) for s, n in zip(first, view.image.shape, strict=True))
    np.testing.assert_array_equal(view.image, pixels[part])


def test_types_and_meaning(reader):
    assert reader.readTile(10, "image", 1, 1, 2).dtype == np.float32
    assert reader.readTile(10, "image", 1, 1, 2).shape == (700 - 512, 1100 - 1024)
    assert reader.readTile(10, "mask", 1, 0, 0).dtype == np.int32
    assert reader.describe(10, "image", 1).unit == "electron"
    assert reader.describe(10, "mask", 1).maskPlanes == {"BAD": 0, "SAT": 1, "DETECTED_NEGATIVE": 2}


@pytest.mark.parametrize(
    ("tile", "message"),
    [
        ((99, "image", 1, 0, 0), "no such image.*'image' of detector 99 at factor 1"),
        ((13, "image", 1, 0, 0), "no such image.*detector 13"),
        ((10, "depth", 1, 0, 0), "no such image.*'depth'"),
        ((10, "mask", 2, 0, 0), "no such image.*'mask' of detector 10 at factor 2"),
        ((MOSAIC, "image", 1, 0, 0), "no such image.*mosaic"),
        ((10, "image", 1, 2, 0), "2 by 3 tiles; got row 2, column 0"),
        ((10, "image", 1, 0, 3), "2 by 3 tiles"),
        ((10, "image", 1, -1, 0), "got row -1"),
    ],
)
def test_tiles_that_there_are_not(reader, tile, message):
    with pytest.raises(ValueError, match=message):
        reader.readTile(*tile)


def test_damaged_tile_is_named_and_others_are_read(pyramidPath, reader):
    content = bytearray(pyramidPath.read_bytes())
    place = reader.images[11, "image", 1]
    content[place.offset + place.length - 3000] ^= 1
    damaged = PyramidReader(io.BytesIO(bytes(content)), name="this file")
    with pytest.raises(PyramidFileError, match="detector 11 at factor 1 is damaged: the checksum of tile 5"):
        damaged.readTile(11, "image", 1, 1, 2)
    np.testing.assert_array_equal(
        damaged.readTile(11, "image", 1, 0, 0), reader.readTile(11, "image", 1, 0, 0)
    )


def test_few_headers_are_kept(reader, monkeypatch):
    monkeypatch.setattr("lsst.analysis.cp.core.pyramid.reader._MOST_OPEN", 2)
    expected = {}
    for factor in (1, 2, 4, 1, 2, 4):
        tile = reader.readTile(10, "image", factor, 0, 0)
        np.testing.assert_array_equal(tile, expected.setdefault(factor, tile))
        assert len(reader._open) <= 2
