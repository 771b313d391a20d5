# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""All reductions of one table of results, each made once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from lsst.analysis.cp.core.camera import DetectorSelection

from .detectorRollUp import summarizeRunDetectors
from .rollUp import summarizeExposures, summarizeRun
from .summary import AmpSummary, summarizeAmps
from .table import AmpTable

__all__ = ["AmpResults"]


@dataclass(frozen=True, kw_only=True, eq=False)
class AmpResults:
    """Results of amplifiers with their reductions, made when first asked for.

    Parameters
    ----------
    ampTable
        Results of amplifiers.
    """

    ampTable: AmpTable
    _summaries: dict[tuple[object, ...], AmpSummary] = field(default_factory=dict)

    @cached_property
    def detectors(self) -> AmpSummary:
        """Summary of each detector in each exposure."""
        return summarizeAmps(self.ampTable)

    @cached_property
    def runDetectors(self) -> AmpSummary:
        """Summary of each detector over all exposures."""
        return summarizeRunDetectors(self.ampTable, self.detectors)

    def summarize(
        self, level: str, selection: DetectorSelection, *, maxFailuresPerDetector: int = 8
    ) -> AmpSummary:
        """Reduce over the selected detectors.

        Parameters
        ----------
        level
            ``"detector"``, ``"exposure"`` or ``"run"``.
        selection
            Detectors to include; not used at level ``"detector"``.
        maxFailuresPerDetector
            Limit of the majority rule, see `majorityVerdict`; used at level ``"run"`` only.

        Returns
        -------
        summary
            One segment for each detector and exposure, for each exposure, or for the run.
        """
        if level == "detector":
            return self.detectors
        key = (level, selection, maxFailuresPerDetector)
        if key not in self._summaries:
            if level == "run":
                summary = summarizeRun(
                    self.ampTable,
                    self.detectors,
                    selection=selection,
                    maxFailuresPerDetector=maxFailuresPerDetector,
                )
            else:
                summary = summarizeExposures(self.ampTable, self.detectors, selection=selection)
            self._summaries[key] = summary
        return self._summaries[key]
