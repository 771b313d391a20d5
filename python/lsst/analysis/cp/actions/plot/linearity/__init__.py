# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Linearizers of the amplifiers of a detector."""

from .plots import (
    LinearityDeviationPlot,
    LinearityFitPlot,
    LinearityPlot,
    LinearityResidualPlot,
    LinearitySplinePlot,
)

__all__ = [
    "LinearityDeviationPlot",
    "LinearityFitPlot",
    "LinearityPlot",
    "LinearityResidualPlot",
    "LinearitySplinePlot",
]
