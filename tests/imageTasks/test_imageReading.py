# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of images of detectors, and what is wrong with some of them."""

from __future__ import annotations

import logging
import weakref

import numpy as np
import pytest
from astropy.table import Table

from lsst.afw.image import ImageF
from lsst.analysis.cp.tasks.views.reading import (
    DetectorImages,
    UnusableImageError,
    checkDetectorImage,
    readDetectorImage,
    readFailures,
    readFocalPlaneImage,
    sampleImage,
)
from lsst.pipe.base import UnprocessableDataError

LOG = logging.getLogger("images")


def test_excludedPixelsAreThoseOfThePlanes(makeHandle, camera):
    pixels = np.zeros((500, 504), dtype=np.float32)
    pixels[3, 4] = np.inf
    handle = makeHandle(0, pixels, BAD=(1, 2), CR=(5, 6))
    image = readDetectorImage(handle)
    assert set(zip(*np.nonzero(image.excluded), strict=True)) == {(1, 2), (3, 4)}


def test_unknownPlaneExcludesNothing(makeHandle):
    assert not readDetectorImage(makeHandle(0), ["NO_SUCH_PLANE"]).excluded.any()


class DamagedHandle:
    """Handle of an image that cannot be read."""

    def __init__(self, handle) -> None:
        self.ref, self.dataId = handle.ref, handle.dataId

    def get(self, **kwargs):
        raise OSError("the file ends early")


def test_damagedImageIsNamed(makeHandle):
    message = r"residual \(.*detector 3\): cannot be read \(OSError\): the file"
    with pytest.raises(UnusableImageError, match=message):
        readDetectorImage(DamagedHandle(makeHandle(3)))


def test_unusableImageIsNoWork():
    """The middleware lets a quantum without usable input succeed without outputs."""
    assert issubclass(UnusableImageError, UnprocessableDataError)


def test_wrongSizeIsNamed(makeHandle, camera):
    image = readDetectorImage(makeHandle(2, np.zeros((500, 508), dtype=np.float32)))
    message = r"residual \(.*detector 2\): shape \(500, 508\), expected \(500, 504\) of R22_S02 binned by 1"
    with pytest.raises(UnusableImageError, match=message):
        checkDetectorImage(image, camera)


@pytest.mark.parametrize("shape", [(71, 72), (72, 72)])
def test_binsCutByTheEdgesMayBeThereOrNot(makeHandle, camera, shape):
    image = readDetectorImage(makeHandle(0, np.zeros(shape, dtype=np.float32)))
    checkDetectorImage(image, camera, 7)


def test_unknownDetectorIsNamed(makeHandle, camera):
    image = readDetectorImage(makeHandle(77))
    with pytest.raises(UnusableImageError, match="camera LSSTComCam has no detector 77"):
        checkDetectorImage(image, camera)


def test_badImagesArePassedOver(makeHandle, camera, caplog):
    handles = [makeHandle(2), DamagedHandle(makeHandle(1)), makeHandle(0, np.zeros((3, 3), dtype=np.float32))]
    images = DetectorImages(handles, camera, log=LOG)
    assert [image.detector for image in images] == [2]
    assert images.missing == {
        0: "shape (3, 3), expected (500, 504) of R22_S00 binned by 1",
        1: "cannot be read (OSError)",
        **dict.fromkeys(range(3, 9), "no image"),
    }
    assert ["Detector 0" in caplog.text, "Detector 1" in caplog.text, "Detector 2" in caplog.text] == [
        True,
        True,
        False,
    ]


def test_onlyOneImageIsInMemory(makeHandle, camera):
    alive = []

    class WatchedHandle:
        def __init__(self, detector):
            self._handle = makeHandle(detector)
            self.ref, self.dataId = self._handle.ref, self._handle.dataId

        def get(self, **kwargs):
            assert not [reference for reference in alive if reference() is not None]
            return self._handle.get(**kwargs)

    for image in DetectorImages([WatchedHandle(i) for i in range(4)], camera, log=LOG):
        alive.append(weakref.ref(image))
        del image
    assert len(alive) == 4


def test_restrictedImagesKnowTheirMissingOnes(makeHandle, camera):
    images = DetectorImages([makeHandle(0), makeHandle(1)], camera, log=LOG).restrict([1, 5])
    assert [image.detector for image in images] == [1]
    assert images.missing == {5: "no image"}


class ImageHandle:
    """Handle of an image of the focal plane."""

    def __init__(self, handle, pixels) -> None:
        self.ref, self.dataId, self._pixels = handle.ref, handle.dataId, pixels

    def get(self, *, parameters=None):
        image = ImageF(np.ascontiguousarray(self._pixels))
        return image if parameters is None else image.subset(parameters["bbox"])


def test_focalPlaneImageOfAnotherSizeIsNamed(makeHandle):
    handle = ImageHandle(makeHandle(0), np.zeros((4, 5), dtype=np.float32))
    with pytest.raises(UnusableImageError, match=r"shape \(4, 5\), expected that of the camera, \(4, 6\)"):
        readFocalPlaneImage(handle, (4, 6))


def test_sampleOfASmallImageIsTheImage(makeHandle):
    pixels = np.arange(20, dtype=np.float32).reshape(4, 5)
    assert set(sampleImage(ImageHandle(makeHandle(0), pixels), (4, 5))) == set(range(20))


def test_sampleOfALargeImageIsFromAllOfIt(makeHandle):
    rows = np.broadcast_to(np.arange(1000, dtype=np.float32)[:, None], (1000, 2000))
    sample = sampleImage(ImageHandle(makeHandle(0), rows), (1000, 2000))
    assert (sample.min(), sample.max()) == (0, 999)
    assert np.median(sample) == pytest.approx(500, abs=20)
    assert len(sample) < rows.size / 2


def test_sampleOfASmallerImageIsNamed(makeHandle):
    handle = ImageHandle(makeHandle(0), np.zeros((4, 5), dtype=np.float32))
    with pytest.raises(UnusableImageError, match="residual .* cannot be read"):
        sampleImage(handle, (1000, 2000))


class TableHandle:
    """Handle of a table."""

    def __init__(self, table) -> None:
        self._table = table

    def get(self, *, parameters):
        return self._table[parameters["columns"]]


@pytest.mark.parametrize(("detectors", "expected"), [(None, ["NOISE", "MEAN"]), ([4], ["MEAN"]), ([1], [])])
def test_failuresAreThoseOfTheDetectors(detectors, expected):
    table = Table(
        {
            "detector": [0, 4, 4],
            "amplifier": ["C03", "C11", "C12"],
            "test": ["NOISE", "MEAN", "MEAN"],
            "status": ["failed", "failed", "unknown"],
        }
    )
    failures = readFailures(TableHandle(table), detectors)
    assert failures["failedTest"].tolist() == expected


def test_noTableHasNoFailures():
    assert readFailures(None) == {}
