# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Plots of what is measured in each exposure of a run, against times of the exposures."""

from .detectorSeriesPlot import DetectorSeriesPlot
from .raftSeriesPlot import RaftGainPlot, RaftSeriesPlot
from .slopeMapPlot import SlopeMapPlot

__all__ = ["DetectorSeriesPlot", "RaftGainPlot", "RaftSeriesPlot", "SlopeMapPlot"]
