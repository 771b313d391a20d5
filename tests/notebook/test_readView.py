# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Pyramids in Butler repositories, and windows of them."""

import copy
import gc
import pickle
import shutil

import astropy.io.fits
import fsspec
import numpy as np
import pytest

from lsst.afw.image import ImageF
from lsst.analysis.cp.core.pyramid import PyramidReader
from lsst.analysis.cp.notebook import openPyramid, readView
from lsst.analysis.cp.tasks.residuals import PyramidImage
from lsst.daf.butler import (
    Butler,
    DatasetNotFoundError,
    DatasetType,
)
from lsst.resources import ResourcePath

DATA_ID = {"instrument": "Camera"}


@pytest.fixture
def temporaryPath(pyramidPath, tmp_path):
    """Return a copy of the pyramid, to be given away."""
    (tmp_path / "temporary").mkdir()
    return shutil.copy(pyramidPath, tmp_path / "temporary" / "pyramid.fits")


@pytest.fixture(scope="module")
def butler(pyramidPath, tmp_path_factory):
    """Return a repository with a pyramid, a second one elsewhere, and an image that is no pyramid."""
    root = tmp_path_factory.mktemp("repo")
    Butler.makeRepo(str(root))
    with Butler.from_config(str(root), writeable=True, run="views") as made:
        made.registry.insertDimensionData("instrument", {**DATA_ID, "class_name": "lsst.obs.base.Instrument"})
        for name in ("bias_pyramid", "dark_pyramid", "odd_pyramid"):
            made.registry.registerDatasetType(
                DatasetType(name, ("instrument",), "ImageF", universe=made.dimensions)
            )
        made.registry.registerDatasetType(
            DatasetType("flat_pyramid", ("instrument", "detector"), "ImageF", universe=made.dimensions)
        )
        made.registry.registerRun("others")
        for name, run in (("bias_pyramid", "views"), ("dark_pyramid", "others")):
            shutil.copy(pyramidPath, root / "temporary.fits")
            made.put(PyramidImage.fromFile(root / "temporary.fits"), name, DATA_ID, run=run)
        made.registry.insertDimensionData("detector", {**DATA_ID, "id": 1, "full_name": "R00_S00"})
        shutil.copy(pyramidPath, root / "temporary.fits")
        made.put(PyramidImage.fromFile(root / "temporary.fits"), "flat_pyramid", DATA_ID, detector=1)
        made.put(ImageF(np.ones((30, 40), dtype=np.float32)), "odd_pyramid", DATA_ID)
        yield made


@pytest.fixture
def reader(pyramidPath):
    with PyramidReader(pyramidPath) as pyramid:
        yield pyramid


def test_any_butler_reads_the_overview(butler, pyramidPath):
    image = butler.get("bias_pyramid", DATA_ID)
    assert type(image) is ImageF
    np.testing.assert_array_equal(image.array, astropy.io.fits.getdata(pyramidPath, 1))
    assert tuple(image.getXY0()) == (0, 0)


def test_stored_file_is_the_pyramid(butler, pyramidPath):
    assert butler.getURI("bias_pyramid", DATA_ID).read() == pyramidPath.read_bytes()


def test_view_of_a_place_in_millimetres(butler, reader):
    view = readView(butler, "bias", DATA_ID, (5.0, 3.0), 2.0)
    np.testing.assert_array_equal(view.image, reader.read((5.0, 3.0), 2.0).image)
    assert (view.factor, view.plane, view.unit) == (1, "image", "electron")


@pytest.mark.parametrize("detector", [12, "R00_S02"])
def test_view_of_a_pixel_of_a_detector(butler, reader, detector):
    view = readView(
        butler, "bias", DATA_ID, (detector, 300.0, 200.0), (2.0, 1.0), plane="significance", factor=4
    )
    place = reader.toFocalPlane(12, 300.0, 200.0)
    expected = reader.read(place, (2.0, 1.0), plane="significance", factor=4)
    np.testing.assert_array_equal(view.image, expected.image)
    assert view.grid == expected.grid


def test_detector_without_pixels_is_said(butler, reader):
    with pytest.warns(
        UserWarning, match=r"bias_pyramid \{.* has no 'image' of detector 13 \(R00_S03\) and no pix"
    ):
        view = readView(butler, "bias", DATA_ID, ("R00_S03", 300.0, 200.0), 0.5)
    assert view.missing == (13,)
    assert np.isnan(view.image).all()
    with pytest.warns(UserWarning, match=r"has no 'mask' of detector 13 \(R00_S03\) and no pixel"):
        readView(butler, "bias", DATA_ID, ("R00_S03", 300.0, 200.0), 0.5, plane="mask")


@pytest.mark.parametrize("plane", ["image", "mask", "significance"])
def test_window_between_detectors_is_said(butler, plane):
    with pytest.warns(UserWarning, match="has no pixel with a value in the window"):
        readView(butler, "bias", DATA_ID, (26.0, 2.0), 0.5, plane=plane)


def test_max_pixels_is_obeyed(butler):
    assert readView(butler, "bias", DATA_ID, (5.0, 3.0), 8.0, maxPixels=100).factor == 8


def test_several_windows_of_one_pyramid(butler, reader):
    with openPyramid(butler, "bias_pyramid", DATA_ID) as pyramid:
        for x in (3.0, 14.0):
            np.testing.assert_array_equal(pyramid.read((x, 4.0), 1.0).image, reader.read((x, 4.0), 1.0).image)


def test_name_and_collections_are_obeyed(butler):
    found = readView(butler, "dark", DATA_ID, (5.0, 3.0), 1.0, collections="others")
    assert np.isfinite(found.image).all()
    assert found.source == "dark_pyramid {instrument: Camera} of others"
    with pytest.raises(DatasetNotFoundError, match=r"no image called 'dark' in views.* bias_pyramid"):
        readView(butler, "dark", DATA_ID, (5.0, 3.0), 1.0)


def test_several_pyramids_are_named(butler):
    with pytest.raises(ValueError, match=r"mean 2 images; .*: bias_pyramid, dark_pyramid\."):
        readView(butler, "[bd]*_pyramid", DATA_ID, (5.0, 3.0), 1.0, collections=["views", "others"])


def test_pyramid_has_all_dimensions_that_are_given(butler):
    with openPyramid(butler, "*", {**DATA_ID, "detector": 1}) as pyramid:
        assert pyramid.name.startswith("flat_pyramid {")
    with pytest.raises(DatasetNotFoundError, match=r"no image called 'bias' of .*'detector': 1}"):
        readView(butler, "bias", {**DATA_ID, "detector": 1}, (5.0, 3.0), 1.0)


def test_missing_dimension_names_those_that_exist(butler):
    with pytest.raises(DatasetNotFoundError, match=r"not enough to find the image.*'detector': 1}"):
        readView(butler, "flat", DATA_ID, (5.0, 3.0), 1.0)


def test_dataset_that_is_no_pyramid_is_named(butler):
    with pytest.raises(ValueError, match=r"odd_pyramid {.*file://.* is no pyramid, .* it has no PYRVERS"):
        readView(butler, "odd", DATA_ID, (5.0, 3.0), 1.0)


def test_window_outside_is_named(butler):
    with pytest.raises(ValueError, match="outside the focal plane"):
        readView(butler, "bias", DATA_ID, (500.0, 3.0), 1.0)


def test_handle_of_a_resource(pyramidPath, reader):
    with ResourcePath(f"file://{pyramidPath}").open("rb") as handle:
        view = PyramidReader(handle, name="handle").read((5.0, 3.0), 1.0)
    np.testing.assert_array_equal(view.image, reader.read((5.0, 3.0), 1.0).image)


def test_file_of_another_file_system(pyramidPath, reader):
    fsspec.filesystem("memory").pipe("/pyramid.fits", pyramidPath.read_bytes())
    with fsspec.open("memory://pyramid.fits", "rb") as file:
        view = PyramidReader(file, name="memory").read((5.0, 3.0), 1.0)
    np.testing.assert_array_equal(view.image, reader.read((5.0, 3.0), 1.0).image)


def test_image_shows_the_overview(temporaryPath, reader):
    image = PyramidImage.fromFile(temporaryPath)
    assert isinstance(image, ImageF)
    np.testing.assert_array_equal(image.array, reader.overview())


def test_temporary_file_goes_with_the_image(temporaryPath):
    image = PyramidImage.fromFile(temporaryPath)
    assert temporaryPath.exists()
    del image
    gc.collect()
    assert not temporaryPath.exists()


def test_image_is_written_more_than_once(temporaryPath, pyramidPath, tmp_path):
    image = PyramidImage.fromFile(temporaryPath)
    (tmp_path / "b.fits").write_text("before")
    image.writeFits(str(tmp_path / "a.fits"))
    image.writeFitsWithOptions(str(tmp_path / "b.fits"), options={"image": {"algorithm": "GZIP_2"}})
    assert (tmp_path / "a.fits").read_bytes() == pyramidPath.read_bytes()
    assert (tmp_path / "b.fits").read_bytes() == pyramidPath.read_bytes()


def test_file_is_copied_to_another_file_system(temporaryPath, pyramidPath, tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError("Invalid cross-device link")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    PyramidImage.fromFile(temporaryPath).writeFits(tmp_path / "a.fits")
    assert (tmp_path / "a.fits").read_bytes() == pyramidPath.read_bytes()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda image: pickle.loads(pickle.dumps(image))])
def test_copy_is_a_plain_image(temporaryPath, tmp_path, duplicate):
    other = duplicate(PyramidImage.fromFile(temporaryPath))
    other.writeFits(str(tmp_path / "a.fits"))
    assert np.array_equal(ImageF.readFits(str(tmp_path / "a.fits")).array, other.array, equal_nan=True)


def test_image_of_a_file_that_is_no_pyramid(tmp_path):
    ImageF(np.ones((3, 4), dtype=np.float32)).writeFits(str(tmp_path / "a.fits"))
    with pytest.raises(ValueError, match="is no pyramid"):
        PyramidImage.fromFile(tmp_path / "a.fits")
