# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Summaries of the plots in collections, as the Plot Navigator of Rubin reads them."""

from .search import PlotSearch
from .writing import NoPlotsError, WrittenSummary, nameFile, nameFolder, writeSummary

__all__ = [
    "NoPlotsError",
    "PlotSearch",
    "WrittenSummary",
    "nameFile",
    "nameFolder",
    "writeSummary",
]
