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
    image = readDetectorImage(makeHandle(0, pixels, **dict(planes)), task.config.excludedPlanes)
    task.run(image, camera=camera, runner=recorder)
    return recorder.view


@pytest.mark.parametrize(("statistic", "expected"), [("mean", 2.0), ("max", 32.0), ("min", 0.0)])
def test_detectorIsBinned(makeHandle, camera, recorder, statistic, expected):
    pixels = np.zeros(SHAPE, dtype=np.float32)
    pixels[5, 6] = 32.0
    view = seeDetector(makeHandle, camera, recorder, pixels, binning=4, statistic=statistic)
    assert view["image"].shape == (125, 126)
    assert view["image"][1, 1] == expected
    assert (view["binning"], view["detector"]) == (4, 0)


def test_excludedPixelsDoNotCount(makeHandle, camera, recorder):
    pixels = np.zeros(SHAPE, dtype=np.float32)
    pixels[5, 6] = 32.0
    view = seeDetector(makeHandle, camera, recorder, pixels, {"SAT": (5, 6)}, binning=4)
    assert view["image"][1, 1] == 0.0


def test_maskIsSeenAsAnImage(makeHandle, camera, recorder):
    planes = {"BAD": (5, 6), "CR": (400, 400)}
    nothing = np.full(SHAPE, np.nan, dtype=np.float32)
    view = seeDetector(makeHandle, camera, recorder, nothing, planes, source="mask", statistic="max")
    assert set(zip(*np.nonzero(view["image"]), strict=True)) == {(5, 6)}


def test_sharedStretchNeedsTheBinningOfTheInputs():
    config = DetectorImageViewTask.ConfigClass()
    config.connections.outputName = "cpTest"
    config.binning = 2
    with pytest.raises(FieldValidationError, match="set doShareStretch to False"):
        config.validate()


def test_focalPlaneImageIsBinnedWithItsGrid(camera, recorder):
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
    task.run(images, detectors=detectors, camera=camera, runner=recorder)
    return recorder.view


def valueAt(view, camera, detector):
    """Return the pixel in the middle of a detector."""
    corners = camera[detector].getCorners(FOCAL_PLANE)
    x, y = (sum(corner[i] for corner in corners) / 4 for i in (0, 1))
    column, row = (round((c - view[k]) / view["pixelSize"]) for c, k in ((x, "x0"), (y, "y0")))
    return view["image"][row, column]


def test_mosaicHoldsTheDetectors(makeHandle, camera, recorder):
    handles = [makeHandle(i, np.full(SHAPE, i, dtype=np.float32)) for i in range(8)]
    view = seeMosaic(FocalPlaneMosaicViewTask, handles, camera, recorder, range(9), binning=10)
    assert [valueAt(view, camera, i) for i in range(8)] == list(range(8))
    assert np.isnan(valueAt(view, camera, 8))


def test_mosaicSaysWhatIsMissing(makeHandle, camera, recorder):
    handles = [makeHandle(1), makeHandle(0, np.zeros((3, 3), dtype=np.float32))]
    view = seeMosaic(FocalPlaneMosaicViewTask, handles, camera, recorder, [0, 1, 2], binning=10)
    assert view["imageDetector"].tolist() == [1]
    assert view["missingDetector"].tolist() == [0, 2]
    assert view["missingReason"][0].startswith("shape (3, 3), expected (500, 504)")


def test_mosaicWithoutAnyImageIsEmpty(makeHandle, camera, recorder):
    view = seeMosaic(RaftImageViewTask, [], camera, recorder, range(9), binning=10, doShareStretch=False)
    assert np.isnan(view["image"]).all()
    assert len(view["missingDetector"]) == 9


def seeResidual(handles, camera, recorder, folder, **fields):
    """Return the outputs at full resolution."""
    task = makeTask(ResidualPyramidTask, **fields)
    images = DetectorImages(handles, camera, log=LOG)
    return task.run(images, camera=camera, runner=recorder, folder=Path(folder), exposure=5)


def test_residualOfACleanExposureHasNoStructure(makeHandle, camera, recorder, tmp_path):
    rng = np.random.default_rng(8)
    handles = [makeHandle(i, rng.normal(0, 5, SHAPE).astype(np.float32)) for i in (0, 1)]
    outputs = seeResidual(handles, camera, recorder, tmp_path)
    assert len(outputs.structures) == 0
    assert recorder.view["imageDetector"].tolist() == [0, 1]


def test_oneDetectorIsInMemory(makeHandle, camera, recorder, tmp_path, monkeypatch):
    read: list[weakref.ref] = []

    def watch(*arguments):
        assert all(reference() is None for reference in read)
        image = readDetectorImage(*arguments)
        read.append(weakref.ref(image))
        return image

    monkeypatch.setattr(reading, "readDetectorImage", watch)
    seeResidual([makeHandle(i) for i in range(3)], camera, recorder, tmp_path)
    assert len(read) == 3


def test_residualWithoutAnyImageSaysSo(camera, recorder, tmp_path):
    outputs = seeResidual([], camera, recorder, tmp_path)
    assert np.isnan(outputs.meanMosaic.array).all()
    assert np.isnan(outputs.significanceMosaic.array).all()
    assert len(outputs.structures) == 0
    assert len(recorder.view["missingDetector"]) == 9


def test_residualWithoutPyramid(makeHandle, camera, recorder, tmp_path):
    outputs = seeResidual([makeHandle(0)], camera, recorder, tmp_path, doWritePyramid=False)
    assert not hasattr(outputs, "pyramid")
    assert list(tmp_path.iterdir()) == []


def test_residualOfACalibrationHasNoExposure(makeHandle, camera, recorder, tmp_path):
    task = makeTask(ResidualPyramidTask, doWritePyramid=False, unit="")
    images = DetectorImages([makeHandle(0)], camera, log=LOG)
    outputs = task.run(images, camera=camera, runner=recorder, folder=tmp_path)
    assert "exposure" not in outputs.structures.colnames


def test_detectorThatCannotBeMeasuredIsMissing(makeHandle, camera, recorder, tmp_path, monkeypatch, caplog):
    task = makeTask(ResidualPyramidTask)
    measure = ResidualPyramidTask.measure

    def failForOne(self, image, geometry):
        if image.detector == 1:
            raise ZeroDivisionError("no noise")
        return measure(self, image, geometry)

    monkeypatch.setattr(ResidualPyramidTask, "measure", failForOne)
    images = DetectorImages([makeHandle(0), makeHandle(1)], camera, log=LOG)
    task.run(images, camera=camera, runner=recorder, folder=tmp_path)
    assert recorder.view["imageDetector"].tolist() == [0]
    assert images.missing[1] == "cannot be measured"
    assert "no noise" in caplog.text


def test_structureThatIsFoundIsInTheSignificanceMosaic(makeHandle, camera, recorder, tmp_path):
    """A column of which no pixel stands out is seen."""
    pixels = np.random.default_rng(2).normal(0, 5, SHAPE).astype(np.float32)
    pixels[:250, 200] += 5.0
    seeResidual([makeHandle(0, pixels)], camera, recorder, tmp_path)
    view = recorder.view
    assert view["structureKind"].tolist() == ["column"]
    column, row = (
        round((view[f"structure{axis}"][0] - view[start]) / view["pixelSize"])
        for axis, start in (("X", "x0"), ("Y", "y0"))
    )
    around = view["significance"][row, column - 1 : column + 2]
    assert around.max() == pytest.approx(view["structureScore"][0])
