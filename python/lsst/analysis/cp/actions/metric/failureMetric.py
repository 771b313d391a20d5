# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measurements over all tests: how many amplifiers and detectors are good, failed or unknown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import astropy.units as u
import numpy as np

from lsst.analysis.cp.actions.keyedData import getAmpTable
from lsst.analysis.cp.catalogue import VerifyTest, getLevel
from lsst.analysis.cp.core.amps import (
    FAILED,
    GOOD,
    UNKNOWN,
    AmpTable,
    findOverLimit,
    majorityThresholds,
    overallStatus,
    summarize,
)
from lsst.analysis.cp.core.typing import BoolArray
from lsst.analysis.cp.metrics import failureUnits
from lsst.analysis.tools.interfaces import KeyedData
from lsst.pex.config import ListField
from lsst.verify import Measurement

from .ampMetrics import AmpMetricAction

__all__ = ["FailureMetric"]

STATUS_COUNTS = {"nDetectorsGood": GOOD, "nDetectorsFailed": FAILED, "nDetectorsUnknown": UNKNOWN}


class FailureMetric(AmpMetricAction):
    """Count the amplifiers that failed any test, and the detectors by their status over all tests.

    An amplifier is suspicious if it has a value that is too low to be plausible, whatever the verdict. A
    detector counts once an exposure. At level run the majority rule of the summit scripts is applied, too
    (see `lsst.analysis.cp.core.amps.majorityThresholds`): ``majorityFailed`` is 1 where they would refuse to
    certify. Without exposures there is no such rule.
    """

    tests = ListField[str](
        doc="Keys of tests with a verdict; if empty, all that do not sum up others.", default=[]
    )

    @property
    def units(self) -> dict[str, str]:
        """Unit of each measurement by its name: all are counts."""
        return failureUnits(getLevel(self.level, self.epoch))

    def __call__(self, data: KeyedData, **kwargs: Any) -> dict[str, Measurement]:
        """Count.

        Parameters
        ----------
        data
            Encoded results under the key ``ampTable``.
        **kwargs
            ``metric_tags``, if there are any.

        Returns
        -------
        measurements
            By name.
        """
        table = getAmpTable(data)
        tests = self.declared.ownVerdicts(self.tests)
        mask = self.selection.mask(table.layout)
        amps = table.rows["amplifier"]
        if self.level == "detector":
            # The camera's other detectors are not missing: they have quanta of their own.
            found = [table.rows[kind].detectorIndex for kind in ("amplifier", "detector")]
            mask &= np.isin(np.arange(table.layout.nDetectors), np.concatenate(found))
        selected = mask[amps.detectorIndex]
        of_amps = [test for test in tests if test.row == "amplifier"]
        detectors = summarize(table, "detector")
        chosen = [detectors.tests[test.key] for test in tests if test.key in detectors.tests]
        status = overallStatus(chosen, detectors.complete)[mask[detectors.detectorIndex]]
        counts = {
            "nAmps": int(selected.sum()),
            "nAmpsFailed": _countAny(selected, map(table.failed, of_amps)),
            "nAmpsSuspicious": _countAny(selected, map(table.suspicious, of_amps)),
        }
        counts |= {name: int(np.count_nonzero(status == code)) for name, code in STATUS_COUNTS.items()}
        if self.level == "run":
            counts |= self._applyMajorityRule(table, tests, mask)
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        return {
            name: Measurement(name, u.Quantity(float(counts[name]), ""), notes=notes) for name in self.units
        }

    def _applyMajorityRule(
        self, table: AmpTable, tests: tuple[VerifyTest, ...], mask: BoolArray
    ) -> dict[str, int]:
        """Count the exposures in which any test is over the limit, and tell whether they are the majority."""
        n_exposures = len(table.exposures)
        limits = majorityThresholds(n_exposures, int(mask.sum()), self.maxFailuresPerDetector)
        over = np.zeros(n_exposures, dtype=bool)
        for test in tests:
            if test.row != "exposure":
                over |= findOverLimit(table, test, mask, limits)
        n_over = int(over.sum())
        return {
            "nExposures": n_exposures,
            "nExposuresOverLimit": n_over,
            "majorityFailed": int(n_over >= limits.exposures),
        }


def _countAny(selected: BoolArray, tests: Iterable[BoolArray]) -> int:
    """Count the selected rows that any of the tests tells of."""
    found = np.zeros(len(selected), dtype=bool)
    for each in tests:
        found |= each
    return int(np.count_nonzero(selected & found))
