# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Grids of panels, one an amplifier, in the geometry of their detector."""

from .ampGridPlot import AmpGridPlot

__all__ = ["AmpGridPlot"]
