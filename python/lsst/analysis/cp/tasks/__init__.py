# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""PipelineTasks that make metrics, tables and plots of calibration products verification."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .ampAnalysis import *
from .calibrationComparison import *
from .detectorCalibration import *
from .detectorPages import *
from .detectorTables import *
from .history import *
from .measure import *
from .merge import *
from .residuals import *
from .runner import *
from .views import *
