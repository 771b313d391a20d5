# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pages of points and lines of the amplifiers of a detector, whatever they are of."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .drawing import *
from .view import *
