# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Actions that select and flag the rows of amplifiers."""

from .ampColumns import AmpColumns, findAmpResults, verdictKeys
from .ampValues import AmpFlags, AmpValues
from .analyzeTrend import AnalyzeTrend
from .loadAmpColumns import LoadAmpColumns
from .selectImage import SelectImage

__all__ = [
    "AmpColumns",
    "AmpFlags",
    "AmpValues",
    "AnalyzeTrend",
    "findAmpResults",
    "LoadAmpColumns",
    "SelectImage",
    "verdictKeys",
]
