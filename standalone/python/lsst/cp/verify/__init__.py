# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stand-in for the part of cp_verify (as of 2026-04-22) that its merge tasks and the verification of
biases, crosstalk, darks, defects, flats, linearizers and photon transfer curves use.

Left out: the tasks of the other products (``CpVerifyBfkTask`` and so on), the reports and the notebooks.
To import one of them raises `ImportError`.
"""

from lsst.standalone import guard

guard(__name__)

from .mergeConnections import (
    CpVerifyCalibMergeConnections,
    CpVerifyExpMergeByFilterConnections,
    CpVerifyExpMergeConnections,
    CpVerifyRunMergeByFilterConnections,
    CpVerifyRunMergeConnections,
    CpVerifyVisitExpMergeConnections,
    CpVerifyVisitRunMergeConnections,
)
from .mergeResults import (
    CpVerifyCalibMergeConfig,
    CpVerifyCalibMergeTask,
    CpVerifyExpMergeByFilterConfig,
    CpVerifyExpMergeByFilterTask,
    CpVerifyExpMergeConfig,
    CpVerifyExpMergeTask,
    CpVerifyRunMergeByFilterConfig,
    CpVerifyRunMergeByFilterTask,
    CpVerifyRunMergeConfig,
    CpVerifyRunMergeTask,
    CpVerifyVisitExpMergeConfig,
    CpVerifyVisitExpMergeTask,
    CpVerifyVisitRunMergeConfig,
    CpVerifyVisitRunMergeTask,
)
from .verifyBias import (
    CpVerifyBiasConfig,
    CpVerifyBiasTask,
)
from .verifyCalib import (
    CpVerifyCalibConfig,
    CpVerifyCalibTask,
)
from .verifyCrosstalk import (
    CpVerifyCrosstalkConfig,
    CpVerifyCrosstalkTask,
)
from .verifyDark import (
    CpVerifyDarkConfig,
    CpVerifyDarkTask,
)
from .verifyDefects import (
    CpVerifyDefectsConfig,
    CpVerifyDefectsTask,
)
from .verifyFlat import (
    CpVerifyFlatConfig,
    CpVerifyFlatExpMergeConfig,
    CpVerifyFlatExpMergeTask,
    CpVerifyFlatTask,
)
from .verifyLinearity import (
    CpVerifyLinearityConfig,
    CpVerifyLinearityTask,
)
from .verifyPtc import (
    CpVerifyPtcConfig,
    CpVerifyPtcTask,
)
from .verifyStats import (
    CpVerifyStatsConfig,
    CpVerifyStatsConnections,
    CpVerifyStatsTask,
)

__all__ = [
    "CpVerifyBiasConfig",
    "CpVerifyBiasTask",
    "CpVerifyCalibConfig",
    "CpVerifyCalibMergeConfig",
    "CpVerifyCalibMergeConnections",
    "CpVerifyCalibMergeTask",
    "CpVerifyCalibTask",
    "CpVerifyCrosstalkConfig",
    "CpVerifyCrosstalkTask",
    "CpVerifyDarkConfig",
    "CpVerifyDarkTask",
    "CpVerifyDefectsConfig",
    "CpVerifyDefectsTask",
    "CpVerifyExpMergeByFilterConfig",
    "CpVerifyExpMergeByFilterConnections",
    "CpVerifyExpMergeByFilterTask",
    "CpVerifyExpMergeConfig",
    "CpVerifyExpMergeConnections",
    "CpVerifyExpMergeTask",
    "CpVerifyFlatConfig",
    "CpVerifyFlatExpMergeConfig",
    "CpVerifyFlatExpMergeTask",
    "CpVerifyFlatTask",
    "CpVerifyLinearityConfig",
    "CpVerifyLinearityTask",
    "CpVerifyPtcConfig",
    "CpVerifyPtcTask",
    "CpVerifyRunMergeByFilterConfig",
    "CpVerifyRunMergeByFilterConnections",
    "CpVerifyRunMergeByFilterTask",
    "CpVerifyRunMergeConfig",
    "CpVerifyRunMergeConnections",
    "CpVerifyRunMergeTask",
    "CpVerifyStatsConfig",
    "CpVerifyStatsConnections",
    "CpVerifyStatsTask",
    "CpVerifyVisitExpMergeConfig",
    "CpVerifyVisitExpMergeConnections",
    "CpVerifyVisitExpMergeTask",
    "CpVerifyVisitRunMergeConfig",
    "CpVerifyVisitRunMergeConnections",
    "CpVerifyVisitRunMergeTask",
]
