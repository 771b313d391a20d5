# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Following an exposure while its detectors are verified, to its verdict and its merge."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .mergeStep import *
from .watch import *
