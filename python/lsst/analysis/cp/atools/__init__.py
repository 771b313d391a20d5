# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools of calibration products verification, one file a product."""

from lsst.analysis.cp.catalogue import SENSOR_GROUPS

from .amps import AmpFailureTool, AmpMarginTool, AmpResultsTool, AmpTestTool
from .detectorPages import (
    AmpCorrelationTool,
    AmpCurveTool,
    CrosstalkTool,
    CtiCurveTool,
    EperCurveTool,
    KernelTool,
    LinearityTool,
    PageTool,
    TearingTool,
    addCorrelationTool,
    addCurveTools,
    addLinearityTools,
)
from .exposures import AmpRateTool, AmpSlopeTool, RaftGainTool, RaftRateTool, SlopeTool
from .extended import addExtendedTools
from .ptcPages import addPtcComparisonTools, addPtcTableTools, addPtcTools
from .toolSets import addAgreementTool, addSensorTools, addTools
from .trends import MetricTrendTool, addTrendTools
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
    "addAgreementTool",
    "addCorrelationTool",
    "addCurveTools",
    "addExtendedTools",
    "addLinearityTools",
    "addMaskViewTool",
    "addPtcComparisonTools",
    "addPtcTableTools",
    "addPtcTools",
    "addResidualTools",
    "addSensorTools",
    "addStructureSensorTools",
    "addViewTools",
    "addTools",
    "addTrendTools",
    "AmpCorrelationTool",
    "AmpCurveTool",
    "AmpFailureTool",
    "AmpMarginTool",
    "AmpResultsTool",
    "AmpRateTool",
    "AmpSlopeTool",
    "AmpTestTool",
    "CrosstalkTool",
    "CtiCurveTool",
    "DetectorImageTool",
    "EperCurveTool",
    "FocalPlaneImageTool",
    "KernelTool",
    "LinearityTool",
    "MetricTrendTool",
    "PageTool",
    "RaftGainTool",
    "RaftRateTool",
    "SENSOR_GROUPS",
    "SlopeTool",
    "StructureTool",
    "TearingTool",
]
