# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What notebooks read: plots, metrics, summaries, culprits, trends and pixels, in one call each."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .imageWindow import *
from .readPlot import *
from .readTables import *
from .readTrend import *
from .readView import *
