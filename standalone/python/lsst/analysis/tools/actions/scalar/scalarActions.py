# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Numbers from one vector. NaN are left out; a mask of the table is lost, as upstream."""

__all__ = ["MeanAction", "MedianAction"]

from collections.abc import Callable
from typing import Any, override

import numpy as np

from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, ScalarAction, Vector
from lsst.analysis.tools.math import nanMean, nanMedian
from lsst.pex.config import Field


class ScalarFromVectorAction(ScalarAction):
    """Calculate a number from one vector."""

    vectorKey = Field[str]("Key of Vector to compute statistic from.")

    @override
    def getInputSchema(self) -> KeyedDataSchema:
        return ((self.vectorKey, Vector),)

    def _reduce(self, function: Callable[[Vector], float], data: KeyedData, kwargs: dict[str, Any]) -> Any:
        values = np.array(data[self.vectorKey.format(**kwargs)])[self.getMask(**kwargs)]
        return function(values) if values.size else np.nan


class MedianAction(ScalarFromVectorAction):
    """Calculate the median of a vector; NaN if it is empty."""

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> Any:
        return self._reduce(nanMedian, data, kwargs)


class MeanAction(ScalarFromVectorAction):
    """Calculate the mean of a vector; NaN if it is empty."""

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> Any:
        return self._reduce(nanMean, data, kwargs)
