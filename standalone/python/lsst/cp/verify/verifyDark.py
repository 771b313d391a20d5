# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The verification of darks of cp_verify (2026-04-22)."""

from typing import override

from .verifyResidual import VerifyResidualConfig, VerifyResidualTask
from .verifyStats import CpVerifyStatsConnections

__all__ = ["CpVerifyDarkConfig", "CpVerifyDarkTask"]


class CpVerifyDarkConfig(VerifyResidualConfig, pipelineConnections=CpVerifyStatsConnections):
    """Configuration of `CpVerifyDarkTask`."""

    @override
    def setDefaults(self) -> None:
        super().setDefaults()
        self.stageName = "DARK"


class CpVerifyDarkTask(VerifyResidualTask):
    """Measure and test the residual of a dark exposure."""

    ConfigClass = CpVerifyDarkConfig
    config: CpVerifyDarkConfig
    distribution = "DARK_DIST"
    _DefaultName = "cpVerifyDark"
