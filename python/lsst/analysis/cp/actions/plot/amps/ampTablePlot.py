# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lsst.analysis.cp.actions.keyedData import AMP_TABLE
from lsst.analysis.cp.actions.plot.focalPlane.counting import nameSensors
from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core import COUNTED_TYPES, DetectorSelection
from lsst.analysis.cp.core.amps import AmpTable
from lsst.analysis.cp.core.typing import BoolArray
from lsst.analysis.tools.interfaces import KeyedDataSchema, PlotAction
from lsst.pex.config import Field, ListField

__all__ = ["AmpTablePlot", "hasRows", "orderTests"]


class AmpTablePlot(PlotAction):
    """Base of plots of encoded results, of all tests of a product."""

    title = Field[str](doc="Title of the figure; told from the product if empty.", default="")
    detectorTypes = ListField[str](
        doc="Types of detectors that the head counts; all if empty, or if none of these has data.",
        default=list(COUNTED_TYPES),
    )
    physicalTypes = ListField[str](doc="Vendors of detectors that the head counts; all if empty.", default=[])
    nListed = Field[int](
        doc="Number of lines of each list beside the plot, as far as there is room.",
        default=40,
        check=lambda n: n >= 0,
    )

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name the encoded results."""
        return [(AMP_TABLE, AmpTable)]

    def wants(self, test: VerifyTest) -> bool:
        """Tell whether the plot needs the results of a test or statistic; by default those with verdicts."""
        return test.isTested

    def chooseCounted(self, table: AmpTable) -> BoolArray:
        """Choose the detectors that the head counts, shape (nDet,); all if none of the wanted has rows."""
        selection = DetectorSelection(
            detectorTypes=tuple(self.detectorTypes) or None, physicalTypes=tuple(self.physicalTypes) or None
        )
        mask = selection.mask(table.layout)
        return mask if (mask & hasRows(table)).any() else np.ones(len(mask), dtype=bool)

    def nameCounted(self, counted: BoolArray, every: str = "all sensors") -> str:
        """Name the sensors that `chooseCounted` has chosen, in the given words if these are all."""
        return every if counted.all() else nameSensors(list(self.detectorTypes), list(self.physicalTypes))


def hasRows(table: AmpTable) -> BoolArray:
    """Tell which detectors have a row, of their own or of an amplifier, shape (nDet,)."""
    has_rows = np.zeros(table.layout.nDetectors, dtype=bool)
    for kind in ("amplifier", "detector"):
        has_rows[table.rows[kind].detectorIndex] = True
    return has_rows


def orderTests(table: AmpTable, *kinds: str) -> Iterator[VerifyTest]:
    """Iterate over the tests with verdicts of some kinds of rows, those that count first.

    Verdicts that sum up others are left out.
    """
    tests = [test for test in table.tests if test.isTested and not test.verdict and test.row in kinds]
    yield from sorted(tests, key=lambda test: not test.counts)
