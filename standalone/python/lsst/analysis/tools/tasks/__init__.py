# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

from .calibrationAnalysis import VerifyCalibAnalysisConfig, VerifyCalibAnalysisTask
from .objectTableTractAnalysis import ObjectTableTractAnalysisTask

__all__ = ["ObjectTableTractAnalysisTask", "VerifyCalibAnalysisConfig", "VerifyCalibAnalysisTask"]
