# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""All views of a bias exposure, some detectors of which cannot be used."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS
from lsst.afw.image import ImageF
from lsst.analysis.cp.atools.views import ImageTool
from lsst.analysis.cp.core.structures import STRUCTURE_KINDS
from lsst.analysis.cp.notebook import readView
from lsst.analysis.cp.tasks import DetectorImageViewTask
from lsst.geom import Point2D

PLOTS = {
    "cpBiasExpView": "FocalPlaneImagePlot",
    "cpBiasExpRaftView": "FocalPlaneImagePlot",
    "cpBiasExpDetView": "DetectorImagePlot",
}


def findDetectors(butler, name) -> set[int]:
    """List the detectors that have a dataset."""
    return {ref.dataId["detector"] for ref in butler.query_datasets(name, explain=False)}


@pytest.mark.parametrize("tool", ["biasImage", "biasImageByAmp"])
@pytest.mark.parametrize("outputName", PLOTS)
def test_plots_are_written(biasViews, outputName, tool):
    refs = biasViews.query_datasets(f"{outputName}_{tool}_{PLOTS[outputName]}")
    assert all(biasViews.getURI(ref).read(8) == b"\x89PNG\r\n\x1a\n" for ref in refs)


def test_detectors_without_any_value_have_a_picture(biasViews, bias):
    found = findDetectors(biasViews, "cpBiasExpDetView_biasImage_DetectorImagePlot")
    assert found == {bias.GOOD, bias.COLUMN["detector"], bias.NAN, bias.MASKED}


@pytest.mark.parametrize(
    ("kind", "words"),
    [("WRONG_SIZE", "shape (50, 63), expected (62, 63) or (63, 63)"), ("DAMAGED", "cannot be read")],
)
def test_unusable_detector_is_named(biasViews, bias, kind, words):
    detector = getattr(bias, kind)
    log = biasViews.get("viewBiasExpDet_log", exposure=bias.INFO.id, detector=detector)
    text = " ".join(record.message for record in log)
    assert f"verifyBiasIsrExpBin8 (instrument LSSTComCam, detector {detector}, exposure" in text
    assert words in text


def test_raft_is_stored_under_its_first_detector(biasViews, bias):
    assert findDetectors(biasViews, "cpBiasExpRaftView_biasImage_FocalPlaneImagePlot") == {bias.GOOD}


@pytest.mark.parametrize("label", ["viewBiasExpRaft", "viewBiasExpResidual"])
def test_bad_detectors_do_not_cost_the_others(biasViews, bias, label):
    log = biasViews.get(f"{label}_log", exposure=bias.INFO.id)
    # The Butler's own are about packages that are not installed.
    own = [record for record in log if not record.name.startswith("lsst.daf.butler")]
    warnings = [record.message for record in own if record.levelname == "WARNING"]
    missing = [message for message in warnings if "is missing from the view" in message]
    for detector, message in zip((bias.WRONG_SIZE, bias.DAMAGED), missing, strict=True):
        assert message.startswith(f"Detector {detector} is missing from the view: ")
    unsearched = [message for message in warnings if "too few good pixels" in message]
    searched = label == "viewBiasExpResidual"
    for detector, message in zip((bias.NAN, bias.MASKED) if searched else (), unsearched, strict=True):
        assert message.startswith(f"Detector {detector} (")
    assert len(warnings) == len(missing) + len(unsearched)


def getStructures(butler, bias):
    """Get the structures that are no cosmic ray."""
    table = butler.get("cpBiasExpResidual_structures", exposure=bias.INFO.id)
    return table[table["kind"] != "event"]


def test_structures_are_the_injected_ones(biasViews, bias):
    table = getStructures(biasViews, bias)
    found = {(str(row["kind"]), int(row["detector"]), float(row["x"])) for row in table}
    column = ("column", bias.COLUMN["detector"], float(bias.COLUMN["x"]))
    assert found == {column, ("pixel", bias.GOOD, float(bias.HOT_PIXEL["x"]))}
    assert table["rank"].tolist() == [1, 2]


def test_structures_belong_to_the_exposure(biasViews, bias):
    assert set(getStructures(biasViews, bias)["exposure"]) == {bias.INFO.id}


def placeHotPixel(bias, camera) -> tuple[float, float]:
    """Place the hot pixel on the focal plane, by the camera's transform."""
    transform = camera[bias.GOOD].getTransform(PIXELS, FOCAL_PLANE)
    return tuple(transform.applyForward(Point2D(bias.HOT_PIXEL["x"], bias.HOT_PIXEL["y"])))


@pytest.mark.parametrize("name", ["meanMosaic", "significanceMosaic"])
def test_mosaic_shows_the_hot_pixel(biasViews, biasRepository, bias, name):
    mosaic = biasViews.get(f"cpBiasExpResidual_{name}", exposure=bias.INFO.id)
    size = 16 * biasRepository.camera[0].getPixelSize().getX()
    box = mosaic.getBBox()
    place = placeHotPixel(bias, biasRepository.camera)
    x, y = (int(np.floor(position / size)) for position in place)
    around = mosaic.array[y - box.getMinY() - 1 :, x - box.getMinX() - 1 :][:3, :3]
    expected = bias.HOT_PIXEL["height"] / {"meanMosaic": 16**2, "significanceMosaic": bias.NOISE}[name]
    assert np.nanmax(around) == pytest.approx(expected, rel=0.2, abs=0.9)


def test_mosaic_has_no_value_where_detectors_are_missing(biasViews, biasRepository, bias):
    mosaic = biasViews.get("cpBiasExpResidual_significanceMosaic", exposure=bias.INFO.id)
    size = 16 * biasRepository.camera[0].getPixelSize().getX()
    for detector in biasRepository.camera:
        middle = Point2D(*(side / 2 for side in detector.getBBox().getDimensions()))
        place = detector.getTransform(PIXELS, FOCAL_PLANE).applyForward(middle)
        x, y = (int(np.floor(position / size)) for position in place)
        box = mosaic.getBBox()
        seen = np.isfinite(mosaic.array[y - box.getMinY(), x - box.getMinX()])
        assert seen == (detector.getId() in (bias.GOOD, bias.COLUMN["detector"]))


def test_pyramid_is_an_image(biasViews, bias):
    image = biasViews.get("cpBiasExpResidual_pyramid", exposure=bias.INFO.id)
    assert isinstance(image, ImageF)
    assert max(image.array.shape) <= 512


def test_pyramid_shows_the_hot_pixel(biasViews, biasRepository, bias):
    view = readView(
        biasViews, "bias", {"exposure": bias.INFO.id}, placeHotPixel(bias, biasRepository.camera), 9
    )
    assert np.nanmax(view.image) == pytest.approx(bias.HOT_PIXEL["height"], abs=4 * bias.NOISE)


def getMetrics(butler, bias) -> dict[str, float]:
    """Get the metrics of structures."""
    bundle = butler.get("cpBiasExpResidual_metrics", exposure=bias.INFO.id)
    return {str(m.metric_name): m.quantity.value for m in bundle["biasStructures"]}


def test_metrics_count_structures(biasViews, bias):
    values = getMetrics(biasViews, bias)
    assert (values["nPixel"], values["nColumn"], values["nRow"]) == (1, 1, 0)
    assert values["maxPixelScore"] == pytest.approx(bias.HOT_PIXEL["height"] / bias.NOISE, rel=0.2)


def test_metrics_count_detectors(biasViews, bias):
    values = getMetrics(biasViews, bias)
    # Those that the run left out are missing, too.
    assert (values["nDetectors"], values["nDetectorsMissing"], values["nDetectorsWithStructure"]) == (4, 5, 2)


def test_metrics_of_all_kinds_are_there(biasViews, bias):
    names = set(getMetrics(biasViews, bias))
    assert len(names) == 2 * len(STRUCTURE_KINDS) + 3


def test_stamps_of_the_structures_are_written(biasViews, bias):
    name = "cpBiasExpResidual_biasStructures_StructureStampsPlot"
    (ref,) = biasViews.query_datasets(name)
    assert biasViews.getURI(ref).read(8) == b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def given(monkeypatch):
    """Return what tools of views are given, while they run."""
    given, call = [], ImageTool.__call__

    def listen(self, data, **kwargs):
        given.append(dict(data))
        return call(self, data, **kwargs)

    monkeypatch.setattr(ImageTool, "__call__", listen)
    return given


def test_structures_are_marked_on_the_view_of_their_detector(biasRepository, readPipeline, bias, given):
    labels = "viewBiasExpDet,viewBiasExpResidual"
    biasRepository.run(readPipeline(f"LSSTComCam/analyzeBias.yaml#{labels}"), f"detector = {bias.GOOD}")
    (detector, *_) = [data for data in given if "binning" in data]
    row = detector["structures"][0]
    assert (row["kind"], row["x"], row["y"]) == ("pixel", bias.HOT_PIXEL["x"], bias.HOT_PIXEL["y"])


def test_views_do_without_structures(biasRepository, readPipeline, bias, given):
    biasRepository.run(readPipeline("LSSTComCam/analyzeBias.yaml#viewBiasExpDet"), f"detector = {bias.GOOD}")
    assert given
    assert not any("structures" in data for data in given)


def test_damaged_table_of_structures_costs_the_marks_only(caplog):
    config = DetectorImageViewTask.ConfigClass()
    config.connections.outputName, config.doMarkStructures = "cpTest", True
    name = SimpleNamespace(datasetType=SimpleNamespace(name="cpBiasExpResidual_structures"))
    handle = SimpleNamespace(ref=name, dataId=SimpleNamespace(required={"exposure": 5}))
    assert DetectorImageViewTask(config=config).readExtras({"structures": handle}, None) == {}
    assert "No structures are marked: cpBiasExpResidual_structures (exposure 5)" in caplog.text
