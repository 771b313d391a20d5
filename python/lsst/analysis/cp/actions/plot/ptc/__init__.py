# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Photon transfer curves of the amplifiers of a detector."""

from .ptcComparisonPlot import PtcComparisonPlot
from .ptcGridPlot import PtcGridPlot
from .ptcNoisePlot import PtcNoisePlot
from .ptcResidualPlot import PtcResidualPlot
from .ptcTablePlots import PtcCovariancePlot, PtcRowMeanPlot

__all__ = [
    "PtcComparisonPlot",
    "PtcCovariancePlot",
    "PtcGridPlot",
    "PtcNoisePlot",
    "PtcResidualPlot",
    "PtcRowMeanPlot",
]
