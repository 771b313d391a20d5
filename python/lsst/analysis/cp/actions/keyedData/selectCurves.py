# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Choice of one of the columns of vectors of a table."""

from __future__ import annotations

from typing import Any

from lsst.analysis.tools.interfaces import KeyedData, KeyedDataAction, KeyedDataSchema, Vector
from lsst.pex.config import Field

__all__ = ["SelectCurves"]

_IDENTITY = ("exposure", "detector", "amplifier")


class SelectCurves(KeyedDataAction):
    """Give a column of vectors the name under which plots take it, ``y``."""

    column = Field[str](doc="Name of the column.", default="")

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the columns."""
        return [(name, Vector) for name in (*_IDENTITY, self.column)]

    def getOutputSchema(self) -> KeyedDataSchema:
        """Name what is made."""
        return [(name, Vector) for name in (*_IDENTITY, "y")]

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Take the column, and those that identify the rows."""
        return {name: data[name] for name in _IDENTITY} | {"y": data[self.column]}
