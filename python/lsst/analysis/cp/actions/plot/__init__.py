# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Plots of calibration products verification."""

from .ampGrid import AmpGridPlot
from .amps import (
    AgreementPlot,
    AmpFailuresPlot,
    AmpTablePlot,
    FailureTablePlot,
    MarginStripPlot,
    VendorHistogramPlot,
)
from .correlation import AmpCorrelationPlot
from .crosstalk import CrosstalkPlot
from .cti import CtiCurvePlot, EperCurvePlot
from .exposures import DetectorSeriesPlot, RaftGainPlot, RaftSeriesPlot, SlopeMapPlot
from .focalPlane import FailureMapPlot, FocalPlaneGeometryPlot
from .image import DetectorImagePlot, FocalPlaneImagePlot, StructureStampsPlot
from .kernel import KernelGridPlot
from .linearity import (
    LinearityDeviationPlot,
    LinearityFitPlot,
    LinearityResidualPlot,
    LinearitySplinePlot,
)
from .ptc import (
    PtcComparisonPlot,
    PtcCovariancePlot,
    PtcGridPlot,
    PtcNoisePlot,
    PtcResidualPlot,
    PtcRowMeanPlot,
)
from .tearing import TearingPlot
from .trend import TrendPlot

__all__ = [
    "AgreementPlot",
    "AmpFailuresPlot",
    "AmpTablePlot",
    "AmpCorrelationPlot",
    "AmpGridPlot",
    "CrosstalkPlot",
    "CtiCurvePlot",
    "DetectorImagePlot",
    "DetectorSeriesPlot",
    "EperCurvePlot",
    "FailureMapPlot",
    "FailureTablePlot",
    "FocalPlaneGeometryPlot",
    "FocalPlaneImagePlot",
    "KernelGridPlot",
    "LinearityDeviationPlot",
    "LinearityFitPlot",
    "LinearityResidualPlot",
    "LinearitySplinePlot",
    "MarginStripPlot",
    "PtcComparisonPlot",
    "PtcCovariancePlot",
    "PtcGridPlot",
    "PtcNoisePlot",
    "PtcResidualPlot",
    "PtcRowMeanPlot",
    "RaftGainPlot",
    "RaftSeriesPlot",
    "SlopeMapPlot",
    "StructureStampsPlot",
    "TearingPlot",
    "TrendPlot",
    "VendorHistogramPlot",
]
