# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pyramids of exposures in the Butler: how they get there, and how windows of them are read."""

# ruff: noqa: F403  (the modules' __all__ are the public names)
from .pyramidImage import *
from .readView import *
