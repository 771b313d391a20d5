# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""PipelineTasks that make metrics, tables and plots of calibration products verification."""

from .ampAnalysis import *
from .mergeAnalysis import *
from .mergeConfig import *
from .mergeTasks import *
from .toolRunner import *
