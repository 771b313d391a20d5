# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measurements of one test, reduced over amplifiers."""

from __future__ import annotations

__all__ = ["AmpSummaryMetric"]

from typing import Any

import astropy.units as u
import numpy as np

from lsst.analysis.cp.actions.keyedData import findAmpResults
from lsst.analysis.cp.catalogue import getProduct, measurementUnits
from lsst.analysis.cp.core.amps import AmpSummary
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, Vector
from lsst.pex.config import Field
from lsst.verify import Measurement

from .ampMetricAction import AmpMetricAction


class AmpSummaryMetric(AmpMetricAction):
    """Reduce the amplifiers of one quantum to the measurements of one test.

    Which measurements there are depends on the configuration only, never on the data: where there is no
    finite value, ``nValid`` is 0 and the minimum, median and maximum are NaN.
    """

    test = Field[str](doc="Key of the test; there is no default.", default="")

    @property
    def units(self) -> dict[str, str]:
        """Unit of each measurement by its name."""
        return measurementUnits(getProduct(self.product)[self.test], self.level)

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the columns of the test."""
        return [(name, Vector) for name in getProduct(self.product).inputColumns([self.test])]

    def __call__(self, data: KeyedData, **kwargs: Any) -> dict[str, Measurement]:
        """Reduce.

        Parameters
        ----------
        data
            Columns of amplifier results.
        **kwargs
            ``camera``, and as far as known ``reference`` and ``exposures``.

        Returns
        -------
        measurements
            By name.

        Raises
        ------
        ValueError
            Raised if the rows are not those of one detector or exposure, as the level tells.
        """
        summary = self._summarize(data, **kwargs)
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        values = summary.measurements(self.test)
        return {
            name: Measurement(name, u.Quantity(values[name].value[0], unit), notes=notes)
            for name, unit in self.units.items()
        }

    def _summarize(self, data: KeyedData, **kwargs: Any) -> AmpSummary:
        """Reduce to one segment."""
        results = findAmpResults(data, self.product, [self.test], **kwargs)
        found = np.unique(results.ampTable.detector)
        if self.level == "detector" and len(found) > 1:
            raise ValueError(f"rows of {len(found)} detectors, expected those of one (level detector)")
        level = "run" if self.level == "run" else "exposure"
        summary = results.summarize(level, self.selection, maxFailuresPerDetector=self.maxFailuresPerDetector)
        if len(summary) > 1:
            raise ValueError(f"rows of {len(summary)} exposures, expected those of one (level {self.level})")
        if len(summary) == 0:
            # A table without rows, of an exposure that nobody named: all that is known is that it is empty.
            return self._summarize(dict(data), **{**kwargs, "exposures": [0]})
        return summary
