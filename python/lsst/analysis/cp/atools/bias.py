# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools of bias verification."""

from __future__ import annotations

__all__ = ["PLOTTED_BIAS_TESTS", "addBiasTools"]

from typing import TYPE_CHECKING

from .toolSets import addTestTools

if TYPE_CHECKING:
    from lsst.analysis.tools.interfaces import AnalysisBaseConfig

PLOTTED_BIAS_TESTS = ("MEAN", "NOISE", "CR_NOISE", "READ_NOISE_CONSISTENT", "AMP_CORNER", "BIAS_SHIFT_COUNT")
"""Tests with a plot; the failure map shows the others."""


def addBiasTools(config: AnalysisBaseConfig, level: str) -> None:
    """Add all tools of bias verification.

    Parameters
    ----------
    config
        Configuration of an analysis task, or of a merge with analysis.
    level
        What a quantum of the task holds: ``"detector"``, ``"exposure"`` or ``"run"``.
    """
    addTestTools(config, "bias", level, plotted=PLOTTED_BIAS_TESTS if level != "detector" else ())
