# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Views of images."""

from .plots import DetectorImagePlot, FocalPlaneImagePlot
from .stamps import StructureStampsPlot

__all__ = ["DetectorImagePlot", "FocalPlaneImagePlot", "StructureStampsPlot"]
