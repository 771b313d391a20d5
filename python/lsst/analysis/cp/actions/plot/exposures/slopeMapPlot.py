# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from dataclasses import replace

import numpy as np

from lsst.analysis.cp.actions.plot.focalPlane import FocalPlaneGeometryPlot
from lsst.analysis.cp.actions.plot.focalPlane.listing import PatchList, listValues
from lsst.analysis.cp.actions.plot.focalPlane.view import FocalPlaneView
from lsst.analysis.cp.core.typing import FloatArray, IndexArray
from lsst.analysis.tools.interfaces import KeyedData

__all__ = ["SlopeMapPlot"]


class SlopeMapPlot(FocalPlaneGeometryPlot):
    """Map of the slope of each amplifier, and beside it that of its standard error.

    The data have the slope as ``z`` and the standard error as ``uncertainty``. The steepest are listed.
    """

    _noValueLabel = "without slope"

    def setDefaults(self) -> None:
        """Show the standard error in the place of a tested quantity."""
        super().setDefaults()
        self.quantityKey = "uncertainty"
        self.quantityLabel = "Standard error of the slope"

    def _makeBeside(
        self, view: FocalPlaneView, quantity: FloatArray, threshold: float | None
    ) -> FocalPlaneView:
        """Show the standard errors of the patches."""
        beside = super()._makeBeside(view, quantity, threshold)
        return replace(beside, heading=self.quantityLabel, mapTitle=beside.axisLabels[2])

    def _listPatches(self, data: KeyedData, index: IndexArray, view: FocalPlaneView) -> PatchList:
        """List the steepest slopes with their standard errors, those that are counted before the others."""
        slope = view.patches.value
        error = np.full(len(slope), np.nan) if view.beside is None else view.beside.patches.value
        finite = np.flatnonzero(np.isfinite(slope))
        order = finite[np.lexsort((-np.abs(slope[finite]), ~view.counted[finite]))]
        columns = {"slope": slope, "error": error}
        return listValues("Steepest", view.names, columns, order, self.nListed)
