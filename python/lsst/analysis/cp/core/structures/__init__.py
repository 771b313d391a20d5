# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Structures in images: measured, found and ranked."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .find import *
from .ranking import *
from .significance import *
from .stamps import *
from .table import *
from .thresholds import *
