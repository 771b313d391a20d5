# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measurements of the slopes of lines through the values of amplifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import astropy.units as u
import numpy as np

from lsst.analysis.cp.actions.keyedData import AMP_TABLE, getAmpTable
from lsst.analysis.cp.core.amps import AmpTable
from lsst.analysis.cp.core.typing import FloatArray, IndexArray
from lsst.analysis.cp.metrics import slopeUnits
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, Vector
from lsst.pex.config import Field
from lsst.verify import Measurement

from .ampMetrics import AmpMetricAction

__all__ = ["SlopeMetric"]


class SlopeMetric(AmpMetricAction):
    """Reduce the slopes of the amplifiers of a run.

    The measurements are the same whatever the data are: where no amplifier has a slope, ``nValid`` is 0 and
    the minimum, median and maximum are NaN.
    """

    slope = Field[str](doc="Key of the slope in the catalogue; there is no default.", default="")

    @property
    def units(self) -> Mapping[str, str]:
        """Unit of each measurement by its name."""
        return slopeUnits(self.declared.slope(self.slope))

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the encoded results, and the slopes."""
        return [(AMP_TABLE, AmpTable), ("ampIndex", Vector), ("z", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> dict[str, Measurement]:
        """Reduce.

        Parameters
        ----------
        data
            What `~lsst.analysis.cp.actions.keyedData.FitSlopes` gives.
        **kwargs
            ``metric_tags``, if there are any.

        Returns
        -------
        measurements
            By name.
        """
        layout = getAmpTable(data).layout
        places = cast(IndexArray, data["ampIndex"])
        selected = self.selection.mask(layout)[layout.ampDetector[places]]
        slopes = cast(FloatArray, data["z"])[selected]
        finite = slopes[np.isfinite(slopes)]
        values: dict[str, Any] = {"nAmps": len(slopes), "nValid": len(finite)}
        values |= dict.fromkeys(("min", "median", "max"), np.nan)
        if len(finite):
            values |= {"min": finite.min(), "median": np.median(finite), "max": finite.max()}
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        return {
            name: Measurement(name, u.Quantity(float(values[name]), unit), notes=notes)
            for name, unit in self.units.items()
        }
