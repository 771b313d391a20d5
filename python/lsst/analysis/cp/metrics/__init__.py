# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Stored metrics as one tidy table."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .associations import *
from .bundles import *
from .calibrations import *
from .criteria import *
from .readButler import *
from .records import *
from .table import *
from .times import *
from .units import *
