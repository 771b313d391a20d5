# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Metrics of structures, and the tools that make them and the plots."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Table

from lsst.analysis.cp.actions.keyedData import SelectImage
from lsst.analysis.cp.actions.metric import StructureMetric
from lsst.analysis.cp.atools import (
    FocalPlaneImageTool,
    addMaskViewTool,
    addResidualTools,
    addStructureSensorTools,
    addViewTools,
)
from lsst.analysis.cp.core.structures import STRUCTURE_KINDS
from lsst.analysis.cp.tasks.residuals import ResidualPyramidTask
from lsst.analysis.cp.tasks.views import DetectorImageViewTask
from lsst.obs.lsst import LsstCam

GUIDER = "R00_SG0"


@pytest.fixture(scope="module")
def lsstCam():
    return LsstCam().getCamera()


def makeData(rows, missing=()):
    """Make the data of tools from rows of detector, kind, score and count."""
    names, types = ("detectorName", "kind", "score", "nFound"), (np.str_, np.str_, np.float64, np.int64)
    structures = Table(rows=rows or None, names=names, dtype=types)
    return {"structures": structures, "missing": Table({"detector": np.array(missing, dtype=np.int64)})}


def measure(camera, data, **fields):
    """Return the values of the measurements."""
    action = StructureMetric()
    for name, value in fields.items():
        setattr(action, name, value)
    return {name: m.quantity.value for name, m in action(data, camera=camera).items()}


ROWS = [
    ("R22_S11", "pixel", 9.0, 30),
    ("R22_S11", "pixel", 8.0, 30),
    ("R22_S12", "pixel", 7.0, 1),
    ("R22_S12", "column", 6.0, 1),
    ("R01_S00", "event", 99.0, 500),
    (GUIDER, "column", 50.0, 1),
]


def test_structures_are_counted_once_a_detector(lsstCam):
    values = measure(lsstCam, makeData(ROWS))
    assert (values["nPixel"], values["nColumn"], values["nEvent"]) == (31, 1, 500)


def test_highest_score_of_a_kind(lsstCam):
    values = measure(lsstCam, makeData(ROWS))
    assert (values["maxPixelScore"], values["maxColumnScore"]) == (9.0, 6.0)


def test_events_are_no_fault_of_a_detector(lsstCam):
    assert measure(lsstCam, makeData(ROWS))["nDetectorsWithStructure"] == 2


def test_others_than_science_detectors_are_left_out(lsstCam):
    values = measure(lsstCam, makeData(ROWS), detectorTypes=["GUIDER"])
    assert (values["nColumn"], values["nPixel"], values["nDetectors"]) == (1, 0, 8)


def test_missing_science_detectors_are_counted(lsstCam):
    guider = lsstCam[GUIDER].getId()
    values = measure(lsstCam, makeData(ROWS, missing=[0, 1, guider]))
    assert (values["nDetectors"], values["nDetectorsMissing"]) == (187, 2)


def test_nothing_found_has_the_same_measurements(lsstCam):
    values = measure(lsstCam, makeData([]))
    assert values.keys() == measure(lsstCam, makeData(ROWS)).keys() == set(StructureMetric().units)
    assert all(values[f"n{kind[0].upper()}{kind[1:]}"] == 0 for kind in STRUCTURE_KINDS)
    assert np.isnan(values["maxPixelScore"])


def makeConfig(taskClass):
    config = taskClass.ConfigClass()
    config.connections.outputName = "cpTest"
    return config


def test_residual_tools_and_their_outputs():
    config = makeConfig(ResidualPyramidTask)
    addResidualTools(config, "dark")
    addStructureSensorTools(config, "dark")
    connections = config.connections.ConnectionsClass(config=config)
    assert {"cpTest_darkMean_FocalPlaneImagePlot", "cpTest_darkSignificance_FocalPlaneImagePlot"} <= set(
        connections.outputs
    )
    assert connections.metrics.name == "cpTest_metrics"
    assert config.atools.darkStructuresGuider.detectorTypes == ["GUIDER"]


def test_views_have_no_metrics():
    config = makeConfig(DetectorImageViewTask)
    addViewTools(config, "bias", "detector")
    connections = config.connections.ConnectionsClass(config=config)
    assert "metrics" not in connections.outputs


def test_mask_view_is_from_zero_to_one():
    config = makeConfig(DetectorImageViewTask)
    addMaskViewTool(config, "defects", "detector")
    plot = config.atools.defectsMask.produce.plot
    assert (plot.plotMin, plot.plotMax, plot.unit) == (0.0, 1.0, "")


def test_range_is_that_of_the_sample():
    tool = FocalPlaneImageTool()
    tool.produce.plot.stretch, tool.produce.plot.percentile = "percentile", 100.0
    tool.finalize()
    data = {"image": np.zeros((2, 2)), "stretchSample": np.arange(-3.0, 6.0)}
    selected = tool.process(data)
    assert (selected["stretchLow"], selected["stretchHigh"]) == (-3.0, 5.0)


def test_image_that_is_not_there_is_named():
    action = SelectImage()
    action.plane = "significance"
    with pytest.raises(ValueError, match="no image 'significance' in the data; they have \\['mean'\\]"):
        action({"mean": np.zeros((2, 2))})


def test_views_of_an_unknown_part_are_an_error():
    with pytest.raises(ValueError, match="one of detector, focalPlane; got 'raft'"):
        addViewTools(makeConfig(DetectorImageViewTask), "bias", "raft")


def test_images_that_a_product_does_not_have_are_an_error():
    with pytest.raises(ValueError, match="images of bias, one of exposure, combined; got 'mask'"):
        addMaskViewTool(makeConfig(DetectorImageViewTask), "bias", "detector")


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_images_without_gains_are_in_adu_whenever_it_is_said(first):
    config = makeConfig(ResidualPyramidTask)
    config.connections.outputName = "cpDarkExpResidual"
    if first:
        config.gainsApplied = False
    addResidualTools(config, "dark")
    config.gainsApplied = False
    config.freeze()
    tools = config.atools
    assert config.unit == tools.darkMean.produce.plot.unit == tools.darkStructures.produce.plot.unit == "adu"


@pytest.mark.parametrize(
    ("product", "images", "unit", "colours"),
    [
        ("dark", "exposure", "electron", ("symmetric", "PuOr")),
        ("dark", "combined", "electron / s", ("zscale", "viridis")),
        ("flat", "combined", "", ("zscale", "viridis")),
    ],
)
def test_images_are_shown_as_the_catalogue_says(product, images, unit, colours):
    config = makeConfig(ResidualPyramidTask)
    addResidualTools(config, product, images)
    plot = getattr(config.atools, f"{product}Mean").produce.plot
    assert (plot.stretch, plot.colourMap) == colours
    assert plot.unit == config.unit == unit
    assert plot.title.endswith(", mean of each bin")
