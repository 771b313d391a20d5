# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from .detectorImagePlot import DetectorImagePlot
from .failureMapPlot import FailureMapPlot
from .focalPlaneGeometryPlot import FocalPlaneGeometryPlot
from .focalPlaneImagePlot import FocalPlaneImagePlot
from .trendPlot import TrendPlot

__all__ = [
    "DetectorImagePlot",
    "FailureMapPlot",
    "FocalPlaneGeometryPlot",
    "FocalPlaneImagePlot",
    "TrendPlot",
]
