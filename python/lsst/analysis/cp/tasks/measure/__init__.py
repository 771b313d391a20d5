# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tasks that measure calibrations of which cp_verify writes no tables."""

from .bfk import MeasureBfkConfig, MeasureBfkTask
from .crosstalk import MeasureCrosstalkConfig, MeasureCrosstalkTask
from .cti import MeasureCtiConfig, MeasureCtiTask
from .gain import (
    MeasureFlatPairGainConfig,
    MeasureFlatPairGainConnections,
    MeasureFlatPairGainTask,
    MeasureGainConfig,
    MeasureGainTask,
)
from .measureCalib import MeasureCalibConfig, MeasureCalibConnections, MeasureCalibTask
from .response import MeasureResponseConfig, MeasureResponseTask

__all__ = [
    "MeasureBfkConfig",
    "MeasureBfkTask",
    "MeasureCalibConfig",
    "MeasureCalibConnections",
    "MeasureCalibTask",
    "MeasureCrosstalkConfig",
    "MeasureCrosstalkTask",
    "MeasureCtiConfig",
    "MeasureCtiTask",
    "MeasureFlatPairGainConfig",
    "MeasureFlatPairGainConnections",
    "MeasureFlatPairGainTask",
    "MeasureGainConfig",
    "MeasureGainTask",
    "MeasureResponseConfig",
    "MeasureResponseTask",
]
