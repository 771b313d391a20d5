# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""The configuration of a catalogue tool, which upstream's tests of tools and contexts load."""

__all__ = ["SizeMagnitudePlot"]

from typing import Any, override

from lsst.analysis.tools.interfaces import AnalysisTool, KeyedData, KeyedResults
from lsst.pex.config import ChoiceField, Field


class SizeMagnitudePlot(AnalysisTool):
    """Plot of sizes of objects against magnitude: its configuration only.

    A call raises `NotImplementedError`.
    """

    mag_x = Field[str](doc="Key of the flux on the x axis")
    size_type = ChoiceField[str](
        doc="The type of size to calculate",
        allowed={
            "determinantRadius": "The (matrix) determinant radius from moments.",
            "traceRadius": "The (matrix) trace radius from moments.",
            "singleColumnSize": "A pre-computed size from a single column.",
        },
        optional=False,
    )
    size_y = Field[str](default=None, doc="Key of the size on the y axis")

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedResults:
        raise NotImplementedError("This stand-in has no tools for catalogues of objects.")
