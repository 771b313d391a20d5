# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Maps of values of detectors and amplifiers on the focal plane."""

from .failureMapPlot import FailureMapPlot
from .focalPlaneGeometryPlot import FocalPlaneGeometryPlot

__all__ = ["FailureMapPlot", "FocalPlaneGeometryPlot"]
