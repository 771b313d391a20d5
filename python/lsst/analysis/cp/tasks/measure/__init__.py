# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tasks that measure what cp_verify writes no tables of: calibrations, and statistics of ISR."""

from .bfk import MeasureBfkConfig, MeasureBfkTask
from .crosstalk import MeasureCrosstalkConfig, MeasureCrosstalkTask
from .cti import MeasureCtiConfig, MeasureCtiTask
from .eper import MeasureEperConfig, MeasureEperTask
from .gain import (
    MeasureFlatPairGainConfig,
    MeasureFlatPairGainConnections,
    MeasureFlatPairGainTask,
    MeasureGainConfig,
    MeasureGainTask,
)
from .measureCalib import MeasureCalibConfig, MeasureCalibConnections, MeasureCalibTask
from .measureStatistics import (
    DetectorStatistics,
    MeasureStatisticsConfig,
    MeasureStatisticsConnections,
    MeasureStatisticsTask,
)
from .response import MeasureResponseConfig, MeasureResponseTask
from .tearing import (
    MeasureFlatTearingConfig,
    MeasureFlatTearingConnections,
    MeasureFlatTearingTask,
    MeasureTearingConfig,
    MeasureTearingTask,
)

__all__ = [
    "DetectorStatistics",
    "MeasureBfkConfig",
    "MeasureBfkTask",
    "MeasureCalibConfig",
    "MeasureCalibConnections",
    "MeasureCalibTask",
    "MeasureCrosstalkConfig",
    "MeasureCrosstalkTask",
    "MeasureCtiConfig",
    "MeasureCtiTask",
    "MeasureEperConfig",
    "MeasureEperTask",
    "MeasureFlatPairGainConfig",
    "MeasureFlatPairGainConnections",
    "MeasureFlatPairGainTask",
    "MeasureFlatTearingConfig",
    "MeasureFlatTearingConnections",
    "MeasureFlatTearingTask",
    "MeasureGainConfig",
    "MeasureGainTask",
    "MeasureResponseConfig",
    "MeasureResponseTask",
    "MeasureStatisticsConfig",
    "MeasureStatisticsConnections",
    "MeasureStatisticsTask",
    "MeasureTearingConfig",
    "MeasureTearingTask",
]
