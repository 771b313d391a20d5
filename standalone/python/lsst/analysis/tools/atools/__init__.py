# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Tools, all to be had by ``from lsst.analysis.tools.atools import *`` in a pipeline."""

from .calibration import CalibStatisticFocalPlanePlot
from .genericPlotAction import StructPlotAction
from .sizeMagnitude import SizeMagnitudePlot

__all__ = ["CalibStatisticFocalPlanePlot", "SizeMagnitudePlot", "StructPlotAction"]
