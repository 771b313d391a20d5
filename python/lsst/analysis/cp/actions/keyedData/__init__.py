# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Actions that encode results, and select from them."""

from .ampEncoding import AMP_TABLE, EncodeAmps, encodeAmps, getAmpTable
from .ampValues import AmpFlags, AmpResults, AmpValues
from .analyzeTrend import AnalyzeTrend
from .exposureValues import ExposureValues, FitSlopes
from .selectCurves import SelectCurves
from .selectImage import SelectImage

__all__ = [
    "AMP_TABLE",
    "AmpFlags",
    "AmpResults",
    "AmpValues",
    "AnalyzeTrend",
    "EncodeAmps",
    "SelectCurves",
    "ExposureValues",
    "FitSlopes",
    "SelectImage",
    "encodeAmps",
    "getAmpTable",
]
