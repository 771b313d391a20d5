# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Vectors from keyed data."""

__all__ = ["LoadVector"]

from typing import Any, override

import numpy as np

from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, Vector, VectorAction
from lsst.pex.config import Field


class LoadVector(VectorAction):
    """Return one vector of the data as a plain array; its mask is lost, as upstream."""

    vectorKey = Field[str](doc="Key of vector which should be loaded")

    @override
    def getInputSchema(self) -> KeyedDataSchema:
        return ((self.vectorKey, Vector),)

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> Vector:
        return np.array(data[self.vectorKey.format(**kwargs)])
