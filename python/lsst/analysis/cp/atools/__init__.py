# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools of calibration products verification, one file a product."""

from lsst.analysis.cp.catalogue import SENSOR_GROUPS, getProduct

from .amps import AmpFailureTool, AmpTestTool
from .toolSets import addSensorTools, addTools
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

PLOTTED_BIAS_TESTS = tuple(test.key for test in getProduct("bias") if test.plotted)

__all__ = [
    "addMaskViewTool",
    "addResidualTools",
    "addSensorTools",
    "addStructureSensorTools",
    "addViewTools",
    "addTools",
    "addTrendTools",
    "AmpFailureTool",
    "AmpTestTool",
    "DetectorImageTool",
    "FocalPlaneImageTool",
    "MetricTrendTool",
    "SENSOR_GROUPS",
    "PLOTTED_BIAS_TESTS",
    "StructureTool",
    "TREND_SUFFIXES",
]
