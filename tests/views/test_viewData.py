# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What the tools of views get."""

from __future__ import annotations

import logging
import weakref
from pathlib import Path

import numpy as np
import pytest

from lsst.afw.cameraGeom import FOCAL_PLANE
from lsst.analysis.cp.tasks.residuals import ResidualPyramidTask
from lsst.analysis.cp.tasks.views import (
    DetectorImages,
    DetectorImageViewTask,
    FocalPlaneImageViewTask,
    FocalPlaneMosaicViewTask,
    RaftImageViewTask,
    reading,
)
from lsst.analysis.cp.tasks.views.reading import readDetectorImage
from lsst.pex.config import FieldValidationError

LOG = logging.getLogger("images")
SHAPE = (500, 504)


def makeTask(taskClass, **fields):
    """Make a task with a configuration."""
    config = taskClass.ConfigClass()
    config.connections.outputName = "cpTest"
    for name, value in fields.items():
        setattr(config, name, value)
    return taskClass(config=config)


def seeDetector(makeHandle, camera, recorder, pixels, planes=(), **fields):
    """Return what the tools of a detector get."""
    task = makeTask(DetectorImageViewTask, doShareStretch=False, **fields)
    handle = makeHandle(0, pixels, **dict(planes))
    image = readDetectorImage(handle, camera, excludedPlanes=task.config.excludedPlanes)
    task.run(image, camera=camera, runner=recorder)
    return recorder.view


@pytest.mark.parametrize(("statistic", "expected"), [("mean", 2.0), ("max", 32.0), ("min", 0.0)])
def test_detector_is_binned(makeHandle, camera, recorder, statistic, expected):
    pixels = np.zeros(SHAPE, dtype=np.float32)
    pixels[5, 6] = 32.0
    view = seeDetector(makeHandle, camera, recorder, pixels, binning=4, statistic=statistic)
    assert view["image"].shape == (125, 126)
    assert view["image"][1, 1] == expected
    assert (view["binning"], view["detector"]) == (4, 0)


def test_excluded_pixels_do_not_count(makeHandle, camera, recorder):
    pixels = np.zeros(SHAPE, dtype=np.float32)
    pixels[5, 6] = 32.0
    view = seeDetector(makeHandle, camera, recorder, pixels, {"SAT": (5, 6)}, binning=4)
    assert view["image"][1, 1] == 0.0


def test_mask_is_seen_as_an_image(makeHandle, camera, recorder):
    planes = {"BAD": (5, 6), "CR": (400, 400)}
    nothing = np.full(SHAPE, np.nan, dtype=np.float32)
    view = seeDetector(makeHandle, camera, recorder, nothing, planes, source="mask", statistic="max")
    assert set(zip(*np.nonzero(view["image"]), strict=True)) == {(5, 6)}


def test_shared_stretch_needs_the_binning_of_the_inputs():
    config = DetectorImageViewTask.ConfigClass()
    config.connections.outputName = "cpTest"
    config.binning = 2
    with pytest.raises(FieldValidationError, match="set doShareStretch to False"):
        config.validate()


def test_focal_plane_image_is_binned_with_its_grid(camera, recorder):
    task = makeTask(FocalPlaneImageViewTask)
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    task.run(pixels, camera=camera, runner=recorder)
    fine = dict(recorder.view)
    makeTask(FocalPlaneImageViewTask, binning=2).run(pixels, camera=camera, runner=recorder)
    coarse = recorder.view
    assert coarse["pixelSize"] == 2 * fine["pixelSize"]
    assert coarse["x0"] == pytest.approx(fine["x0"] + 0.5 * fine["pixelSize"])
    np.testing.assert_array_equal(coarse["image"], [[2.5, 4.5], [8.5, 10.5]])


def seeMosaic(taskClass, handles, camera, recorder, detectors, **fields):
    """Return what the tools of a mosaic get."""
    task = makeTask(taskClass, **fields)
    images = DetectorImages(handles, camera, log=LOG).restrict(detectors)
    task.run(images, camera=camera, runner=recorder)
    return recorder.view


def valueAt(view, camera, detector):
    """Return the pixel in the middle of a detector."""
    corners = camera[detector].getCorners(FOCAL_PLANE)
    x, y = (sum(corner[i] for corner in corners) / 4 for i in (0, 1))
    column, row = (round((c - view[k]) / view["pixelSize"]) for c, k in ((x, "x0"), (y, "y0")))
    return view["image"][row, column]


def test_mosaic_holds_the_detectors(makeHandle, camera, recorder):
    handles = [makeHandle(i, np.full(SHAPE, i, dtype=np.float32)) for i in range(8)]
    view = seeMosaic(FocalPlaneMosaicViewTask, handles, camera, recorder, range(9), binning=10)
    assert [valueAt(view, camera, i) for i in range(8)] == list(range(8))
    assert np.isnan(valueAt(view, camera, 8))


def test_mosaic_says_what_is_missing(makeHandle, camera, recorder):
    handles = [makeHandle(1), makeHandle(0, np.zeros((3, 3), dtype=np.float32))]
    view = seeMosaic(FocalPlaneMosaicViewTask, handles, camera, recorder, [0, 1, 2], binning=10)
    assert view["imageDetectors"].tolist() == [1]
    assert view["missing"]["detector"].tolist() == [0, 2]
    assert view["missing"]["reason"][0].startswith("shape (3, 3), expected (500, 504)")


def test_mosaic_says_what_is_not_requested(makeHandle, camera, recorder):
    handles = [makeHandle(i) for i in (0, 1, 2)]
    names = [camera[i].getName() for i in (1, 5)]
    task = makeTask(FocalPlaneMosaicViewTask, binning=10, requestedDetectors=names)
    ((_, images, _),) = task.readParts(handles, camera, [])
    task.run(images, camera=camera, runner=recorder)
    assert recorder.view["imageDetectors"].tolist() == [1]
    assert recorder.view["missing"]["detector"].tolist() == [5]
    assert recorder.view["notRequested"].tolist() == [0, 2, 3, 4, 6, 7, 8]
    # What is stored of the others is not shown.
    assert np.isnan(valueAt(recorder.view, camera, 2))


def test_of_a_raft_only_its_own_are_not_requested(makeHandle, camera):
    images = DetectorImages([makeHandle(1)], camera, requested=[camera[1].getName()], log=LOG)
    assert images.restrict([0, 1]).notRequested == {0}
    assert not images.restrict([0, 1]).missing


def test_unknown_detectors_are_not_requested_in_silence(camera):
    with pytest.raises(ValueError, match="has no detectors R99_S99"):
        DetectorImages([], camera, requested=[camera[1].getName(), "R99_S99"], log=LOG)


def test_single_image_has_nothing_to_request(camera):
    config = DetectorImageViewTask.ConfigClass()
    config.connections.outputName = "cpTest"
    config.requestedDetectors = [camera[1].getName()]
    with pytest.raises(FieldValidationError, match="gathers no detectors"):
        config.validate()


def test_mosaic_without_any_image_is_empty(makeHandle, camera, recorder):
    view = seeMosaic(RaftImageViewTask, [], camera, recorder, range(9), binning=10, doShareStretch=False)
    assert np.isnan(view["image"]).all()
    assert len(view["missing"]) == 9


def seeResidual(handles, camera, recorder, folder, **fields):
    """Return the outputs at full resolution."""
    task = makeTask(ResidualPyramidTask, **fields)
    images = DetectorImages(handles, camera, log=LOG)
    return task.run(images, camera=camera, runner=recorder, folder=Path(folder), exposure=5)


def test_residual_of_a_clean_exposure_has_no_structure(makeHandle, camera, recorder, tmp_path):
    rng = np.random.default_rng(8)
    handles = [makeHandle(i, rng.normal(0, 5, SHAPE).astype(np.float32)) for i in (0, 1)]
    outputs = seeResidual(handles, camera, recorder, tmp_path)
    assert len(outputs.structures) == 0
    assert recorder.view["imageDetectors"].tolist() == [0, 1]


def test_one_detector_is_in_memory(makeHandle, camera, recorder, tmp_path, monkeypatch):
    read: list[weakref.ref] = []

    def watch(*arguments, **options):
        assert all(reference() is None for reference in read)
        image = readDetectorImage(*arguments, **options)
        read.append(weakref.ref(image))
        return image

    monkeypatch.setattr(reading, "readDetectorImage", watch)
    seeResidual([makeHandle(i) for i in range(3)], camera, recorder, tmp_path)
    assert len(read) == 3


def test_residual_without_any_image_says_so(camera, recorder, tmp_path):
    outputs = seeResidual([], camera, recorder, tmp_path)
    assert np.isnan(outputs.meanMosaic.array).all()
    assert np.isnan(outputs.significanceMosaic.array).all()
    assert len(outputs.structures) == 0
    assert len(recorder.view["missing"]) == 9


def test_residual_without_pyramid(makeHandle, camera, recorder, tmp_path):
    outputs = seeResidual([makeHandle(0)], camera, recorder, tmp_path, doWritePyramid=False)
    assert not hasattr(outputs, "pyramid")
    assert list(tmp_path.iterdir()) == []


def test_residual_of_a_calibration_has_no_exposure(makeHandle, camera, recorder, tmp_path):
    task = makeTask(ResidualPyramidTask, doWritePyramid=False, unit="")
    images = DetectorImages([makeHandle(0)], camera, log=LOG)
    outputs = task.run(images, camera=camera, runner=recorder, folder=tmp_path)
    assert "exposure" not in outputs.structures.colnames


def test_detector_that_cannot_be_measured_is_missing(
    makeHandle, camera, recorder, tmp_path, monkeypatch, caplog
):
    task = makeTask(ResidualPyramidTask)
    measure = ResidualPyramidTask.measure

    def failForOne(self, image, geometry):
        if image.detector == 1:
            raise ZeroDivisionError("no noise")
        return measure(self, image, geometry)

    monkeypatch.setattr(ResidualPyramidTask, "measure", failForOne)
    images = DetectorImages([makeHandle(0), makeHandle(1)], camera, log=LOG)
    task.run(images, camera=camera, runner=recorder, folder=tmp_path)
    assert recorder.view["imageDetectors"].tolist() == [0]
    assert images.missing[1] == "cannot be measured"
    assert "no noise" in caplog.text


def test_structure_that_is_found_is_in_the_significance_mosaic(makeHandle, camera, recorder, tmp_path):
    """A column of which no pixel stands out is seen."""
    pixels = np.random.default_rng(2).normal(0, 5, SHAPE).astype(np.float32)
    pixels[:250, 200] += 5.0
    seeResidual([makeHandle(0, pixels)], camera, recorder, tmp_path)
    view = recorder.view
    (structure,) = view["structures"]
    assert structure["kind"] == "column"
    column, row = (
        round((structure[place] - view[start]) / view["pixelSize"])
        for place, start in (("fpX", "x0"), ("fpY", "y0"))
    )
    around = view["significance"][row, column - 1 : column + 2]
    assert around.max() == pytest.approx(structure["score"])


def test_amplifier_that_cannot_be_searched_is_named(makeHandle, camera, recorder, tmp_path, caplog):
    pixels = np.random.default_rng(3).normal(0, 5, SHAPE).astype(np.float32)
    amp = camera[0].getAmplifiers()[1]
    box = amp.getBBox()
    pixels[box.getMinY() : box.getMaxY() + 1, box.getMinX() : box.getMaxX() + 1] = np.nan
    outputs = seeResidual([makeHandle(0, pixels)], camera, recorder, tmp_path)
    assert outputs.structures.meta["unsearched"] == [f"{camera[0].getName()} {amp.getName()}"]
    assert f"too few good pixels to search the amplifiers {amp.getName()}." in caplog.text
    lost = np.isnan(recorder.view["significance"]).sum() - np.isnan(recorder.view["mean"]).sum()
    assert lost == 0
