# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools of calibration products verification, one file a product."""

from .ampTools import AmpFailureTool, AmpTestTool, SummaryRowTool
from .bias import PLOTTED_BIAS_TESTS, addBiasTools
from .toolSets import SENSOR_GROUPS, addSensorTools, addTestTools

__all__ = [
    "addBiasTools",
    "addSensorTools",
    "addTestTools",
    "AmpFailureTool",
    "AmpTestTool",
    "PLOTTED_BIAS_TESTS",
    "SENSOR_GROUPS",
    "SummaryRowTool",
]
