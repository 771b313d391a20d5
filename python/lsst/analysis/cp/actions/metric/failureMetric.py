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
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN, AmpTable, majorityVerdict, overallStatus
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, Vector
from lsst.pex.config import ListField
from lsst.verify import Measurement

from .ampMetricAction import AmpMetricAction

STATUS_COUNTS = {"nDetectorsGood": GOOD, "nDetectorsFailed": FAILED, "nDetectorsUnknown": UNKNOWN}

MAJORITY_COUNTS = ("nExposures", "nExposuresOverLimit", "majorityFailed")


class FailureMetric(AmpMetricAction):
    """Count the amplifiers that failed any test, and the detectors by their status over all tests.

    A detector counts once an exposure. At level run the majority rule of the summit scripts is applied, too
    (see `lsst.analysis.cp.core.majorityVerdict`): ``majorityFailed`` is 1 where they would refuse to certify.
    """

    tests = ListField[str](
        doc="Keys of tests with a verdict; if empty, all that do not sum up others.", default=[]
    )

    @property
    def units(self) -> dict[str, str]:
        """Unit of each measurement by its name: all are counts."""
        majority = MAJORITY_COUNTS if self.level == "run" else ()
        return dict.fromkeys(("nAmps", "nAmpsFailed", *STATUS_COUNTS, *majority), "")

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
        mask = self.selection.mask(table.layout)
        if self.level == "detector":
            # The camera's other detectors are not missing: they have quanta of their own.
            mask &= np.isin(np.arange(table.layout.nDetectors), table.detectorIndex)
        columns = [getProduct(self.product)[key].verifyColumn for key in keys]
        flags = [table.flags[column] for column in columns if column is not None]
        selected = mask[table.detectorIndex]
        chosen = {key: detectors.tests[key] for key in keys}
        status = overallStatus(chosen, detectors.nAmps, detectors.nAmpsExpected)
        status = status[mask[detectors.detectorIndex]]
        counts = {
            "nAmps": int(selected.sum()),
            "nAmpsFailed": int(np.any([selected & (test == FAILED) for test in flags], axis=0).sum()),
        }
        counts |= {name: int(np.count_nonzero(status == code)) for name, code in STATUS_COUNTS.items()}
        if self.level == "run":
            counts |= self._applyMajorityRule(table)
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        return {
            name: Measurement(name, u.Quantity(float(counts[name]), ""), notes=notes) for name in self.units
        }

    def _applyMajorityRule(self, table: AmpTable) -> dict[str, int]:
        """Count the exposures over the limit, and tell whether they are the majority."""
        verdict = majorityVerdict(
            table,
            tests=verdictKeys(self.product, self.tests),
            selection=self.selection,
            maxFailuresPerDetector=self.maxFailuresPerDetector,
        )
        numbers = (len(table.exposures), verdict.nExposuresFailed, int(not verdict.certify))
        return dict(zip(MAJORITY_COUNTS, numbers, strict=True))
