# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools of calibration products verification, one file a product."""

from lsst.analysis.cp.catalogue import SENSOR_GROUPS

from .amps import AmpFailureTool, AmpTestTool, SummaryRowTool
from .bias import PLOTTED_BIAS_TESTS, addBiasTools
from .toolSets import addSensorTools, addTestTools
from .trends import TREND_SUFFIXES, MetricTrendTool, addTrendTools
from .views import (
    DetectorImageTool,
    FocalPlaneImageTool,
    StructureTool,
    addMaskViewTool,
    addResidualTools,
    addStructureSensorTools,
    addViewTools,
)

__all__ = [
    "addBiasTools",
    "addMaskViewTool",
    "addResidualTools",
    "addSensorTools",
    "addStructureSensorTools",
    "addViewTools",
    "addTestTools",
    "addTrendTools",
    "AmpFailureTool",
    "AmpTestTool",
    "DetectorImageTool",
    "FocalPlaneImageTool",
    "MetricTrendTool",
    "PLOTTED_BIAS_TESTS",
    "SENSOR_GROUPS",
    "StructureTool",
    "SummaryRowTool",
    "TREND_SUFFIXES",
]
