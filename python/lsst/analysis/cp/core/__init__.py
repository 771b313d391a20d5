# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Arrays in, arrays out: what the framework calls to do the work."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .camera import *
from .columns import *
from .geometry import *
from .groups import *
from .limits import *
