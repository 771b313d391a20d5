# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The tasks that gather metrics over time."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .config import *
from .tasks import *
