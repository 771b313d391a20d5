# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measurements over all tests: how many amplifiers and detectors are good, failed or unknown."""

from __future__ import annotations

__all__ = ["FailureMetric"]

from typing import Any

import astropy.units as u
import numpy as np

from lsst.analysis.cp.actions.keyedData import findAmpResults, verdictKeys
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import FAILED, GOOD, UNKNOWN, DetectorSelection
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, MetricAction, Vector
from lsst.pex.config import Field, ListField
from lsst.verify import Measurement

STATUS_COUNTS = {"nDetectorsGood": GOOD, "nDetectorsFailed": FAILED, "nDetectorsUnknown": UNKNOWN}


class FailureMetric(MetricAction):
    """Count the amplifiers that failed any test, and the detectors by their status over all tests.

    A detector counts once an exposure.
    """

    product = Field[str](doc="Product that was verified.", default="bias")
    tests = ListField[str](
        doc="Keys of tests with a verdict; if empty, all that do not sum up others.", default=[]
    )
    detectorTypes = ListField[str](doc="Types of detectors to include; all if empty.", default=["SCIENCE"])
    physicalTypes = ListField[str](doc="Vendors of detectors to include; all if empty.", default=[])

    @property
    def units(self) -> dict[str, str]:
        """Unit of each measurement by its name: all are counts."""
        return dict.fromkeys(("nAmps", "nAmpsFailed", *STATUS_COUNTS), "")

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the columns of the tests."""
        return [
            (name, Vector)
            for name in getProduct(self.product).inputColumns(verdictKeys(self.product, self.tests))
        ]

    def __call__(self, data: KeyedData, **kwargs: Any) -> dict[str, Measurement]:
        """Count.

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
        """
        keys = verdictKeys(self.product, self.tests)
        results = findAmpResults(data, self.product, keys, **kwargs)
        table, detectors = results.ampTable, results.detectors
        mask = DetectorSelection(
            detectorTypes=tuple(self.detectorTypes) or None, physicalTypes=tuple(self.physicalTypes) or None
        ).mask(table.layout)
        columns = [getProduct(self.product)[key].verifyColumn for key in keys]
        flags = [table.flags[column] for column in columns if column is not None]
        selected = mask[table.detectorIndex]
        status = detectors.status[mask[detectors.detectorIndex]]
        counts = {
            "nAmps": selected.sum(),
            "nAmpsFailed": np.any([selected & (test == FAILED) for test in flags], axis=0).sum(),
        }
        counts |= {name: np.count_nonzero(status == code) for name, code in STATUS_COUNTS.items()}
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        return {
            name: Measurement(name, u.Quantity(float(counts[name]), ""), notes=notes) for name in self.units
        }
