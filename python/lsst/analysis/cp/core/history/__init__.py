# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Histories of measurements: series, changes, drifts and outliers."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .budgets import *
from .changePoints import *
from .drift import *
from .findings import *
from .fit import *
from .series import *
