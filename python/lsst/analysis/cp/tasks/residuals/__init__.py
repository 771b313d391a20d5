# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The task that looks at exposures at full resolution."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .config import *
from .pyramidImage import *
from .tasks import *
