# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The merge tasks of cp_verify, each followed by its analysis."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .analysis import *
from .config import *
from .tasks import *
