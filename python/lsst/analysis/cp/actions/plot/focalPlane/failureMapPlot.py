# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from typing import Any

import numpy as np

from lsst.analysis.cp.core.amps import FAILED, UNKNOWN
from lsst.analysis.cp.core.typing import BoolArray, IndexArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, Vector
from lsst.pex.config import ChoiceField

from .focalPlaneGeometryPlot import FocalPlaneGeometryPlot
from .view import PatchValues

__all__ = ["FailureMapPlot"]


class FailureMapPlot(FocalPlaneGeometryPlot):
    """Map of the number of failures, on a discrete scale.

    The data say where the rows belong as those of `FocalPlaneGeometryPlot` do. In the place of ``z`` they
    have ``flags``, shape (nTests, nRows): 1 passed, 0 failed, -1 untested. A patch without a tested flag is
    shown as untested, not as free of failures.
    """

    _noValueLabel = "not tested"

    counted = ChoiceField[str](
        doc="What is counted in each patch.",
        default="tests",
        allowed={
            "tests": "Tests that failed at least once.",
            "rows": "Rows that failed any test; one row is an amplifier of an exposure.",
        },
    )

    def setDefaults(self) -> None:
        """Choose the discrete scale."""
        super().setDefaults()
        self.colourScale = "count"

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Return what the plot needs."""
        return [("ampIndex", Vector), ("flags", Vector)]

    def _reduceRows(self, data: KeyedData, index: IndexArray, nPatches: int) -> PatchValues:
        """Count failures."""
        placed = index >= 0
        if "flags" not in data:
            raise ValueError(f"{type(self).__name__} needs 'flags'; the data have {sorted(data)}")
        flags = np.asarray(data["flags"])
        if flags.ndim != 2 or flags.shape[1] != len(index):
            raise ValueError(f"'flags' has shape {flags.shape}, expected (nTests, {len(index)})")

        def perPatch(rows: BoolArray) -> IndexArray:
            return np.bincount(index[rows & placed], minlength=nPatches)

        n_failed = perPatch((flags == FAILED).any(axis=0))
        n_tested = perPatch((flags != UNKNOWN).any(axis=0))
        count = n_failed
        if self.counted == "tests":
            count = np.sum([perPatch(test == FAILED) > 0 for test in flags], axis=0)
        return PatchValues(np.where(n_tested > 0, count, np.nan), perPatch(placed), n_tested, n_failed)
