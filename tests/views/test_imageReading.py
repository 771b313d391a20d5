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
    readCulprits,
    readDetectorImage,
    readFocalPlaneImage,
    sampleImage,
)
from lsst.pipe.base import UnprocessableDataError

LOG = logging.getLogger("images")


def test_excluded_pixels_are_those_of_the_planes(makeHandle, camera):
    pixels = np.zeros((500, 504), dtype=np.float32)
    pixels[3, 4] = np.inf
    handle = makeHandle(0, pixels, BAD=(1, 2), CR=(5, 6))
    image = readDetectorImage(handle, camera)
    assert set(zip(*np.nonzero(image.excluded), strict=True)) == {(1, 2), (3, 4)}


def test_unknown_plane_excludes_nothing(makeHandle, camera):
    image = readDetectorImage(makeHandle(0), camera, excludedPlanes=["NO_SUCH_PLANE"])
    assert not image.excluded.any()


class DamagedHandle:
    """Handle of an image that cannot be read."""

    def __init__(self, handle) -> None:
        self.ref, self.dataId = handle.ref, handle.dataId

    def get(self, **kwargs):
        raise OSError("the file ends early")


def test_damaged_image_is_named(makeHandle, camera):
    message = r"residual \(.*detector 3\): cannot be read \(OSError\): the file"
    with pytest.raises(UnusableImageError, match=message):
        readDetectorImage(DamagedHandle(makeHandle(3)), camera)


def test_unusable_image_is_no_work():
    """The middleware lets a quantum without usable input succeed without outputs."""
    assert issubclass(UnusableImageError, UnprocessableDataError)


def test_wrong_size_is_named(makeHandle, camera):
    handle = makeHandle(2, np.zeros((500, 508), dtype=np.float32))
    message = r"residual \(.*detector 2\): shape \(500, 508\), expected \(500, 504\) of R22_S02 binned by 1"
    with pytest.raises(UnusableImageError, match=message):
        readDetectorImage(handle, camera)


@pytest.mark.parametrize("shape", [(71, 72), (72, 72)])
def test_bins_cut_by_the_edges_may_be_there_or_not(makeHandle, camera, shape):
    handle = makeHandle(0, np.zeros(shape, dtype=np.float32))
    assert readDetectorImage(handle, camera, binning=7).image.shape == shape


def test_unknown_detector_is_named(makeHandle, camera):
    with pytest.raises(UnusableImageError, match="camera LSSTComCam has no detector 77"):
        readDetectorImage(makeHandle(77), camera)


def test_bad_images_are_passed_over(makeHandle, camera, caplog):
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


def test_only_one_image_is_in_memory(makeHandle, camera):
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


def test_restricted_images_know_their_missing_ones(makeHandle, camera):
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


def test_focal_plane_image_of_another_size_is_named(makeHandle):
    handle = ImageHandle(makeHandle(0), np.zeros((4, 5), dtype=np.float32))
    with pytest.raises(UnusableImageError, match=r"shape \(4, 5\), expected that of the camera, \(4, 6\)"):
        readFocalPlaneImage(handle, (4, 6))


def test_sample_of_a_small_image_is_the_image(makeHandle):
    pixels = np.arange(20, dtype=np.float32).reshape(4, 5)
    assert set(sampleImage(ImageHandle(makeHandle(0), pixels), (4, 5))) == set(range(20))


def test_sample_of_a_large_image_is_from_all_of_it(makeHandle):
    rows = np.broadcast_to(np.arange(1000, dtype=np.float32)[:, None], (1000, 2000))
    sample = sampleImage(ImageHandle(makeHandle(0), rows), (1000, 2000))
    assert (sample.min(), sample.max()) == (0, 999)
    assert np.median(sample) == pytest.approx(500, abs=20)
    assert len(sample) < rows.size / 2


def test_sample_of_a_smaller_image_is_named(makeHandle):
    handle = ImageHandle(makeHandle(0), np.zeros((4, 5), dtype=np.float32))
    with pytest.raises(UnusableImageError, match="residual .* cannot be read"):
        sampleImage(handle, (1000, 2000))


class TableHandle:
    """Handle of a table."""

    def __init__(self, table) -> None:
        self._table = table

    def get(self, *, parameters):
        return self._table[parameters["columns"]]


def makeCulprits(detectors, statuses):
    """Make a table of culprits."""
    n = len(detectors)
    return Table(
        {
            "detector": detectors,
            "amplifier": ["C03"] * n,
            "test": ["NOISE"] * n,
            "status": statuses,
            "y": [0] * n,
        }
    )


def test_culprits_are_the_failed_ones_of_all_tables():
    tables = makeCulprits([0, 4], ["failed", "unknown"]), makeCulprits([5], ["failed"])
    culprits = readCulprits(map(TableHandle, tables))["culprits"]
    assert culprits.colnames == ["detector", "amplifier", "test"]
    assert culprits["detector"].tolist() == [0, 5]


def test_culprits_of_other_exposures_of_a_visit_are_left_out():
    """An exposure may also belong to several visits, whose tables repeat its rows."""
    tables = [makeCulprits([0, 4, 5], ["failed", "failed", "unknown"]), makeCulprits([4], ["failed"])]
    tables[0]["exposure"], tables[1]["exposure"] = (
        [2026010100001, 2026010100002, 2026010100002],
        2026010100002,
    )
    culprits = readCulprits(map(TableHandle, tables), 2026010100002)["culprits"]
    assert culprits.colnames == ["detector", "amplifier", "test"]
    assert culprits["detector"].tolist() == [4, 4]
    assert len(readCulprits(map(TableHandle, tables), 2026010100003)["culprits"]) == 0


def test_masked_amplifiers_stay_masked():
    """A detector that failed as a whole has no amplifier."""
    table = Table(makeCulprits([0, 4], ["failed", "failed"]), masked=True)
    table["amplifier"].mask = [True, False]
    culprits = readCulprits([TableHandle(table)])["culprits"]
    assert culprits["amplifier"].mask.tolist() == [True, False]


def test_no_table_has_no_culprits():
    assert readCulprits([]) == {}
