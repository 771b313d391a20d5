# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What measurements of amplifier rows have in common."""

from __future__ import annotations

__all__ = ["AmpMetricAction"]

from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.tools.interfaces import MetricAction
from lsst.pex.config import ChoiceField, Field, ListField


class AmpMetricAction(MetricAction):
    """Base of actions that reduce the amplifier rows of one quantum to measurements."""

    product = Field[str](doc="Product that was verified.", default="bias")
    level = ChoiceField[str](
        doc="What the quantum holds.",
        default="exposure",
        allowed={
            "detector": "One detector of one exposure.",
            "exposure": "One exposure.",
            "run": "Any number of exposures.",
        },
    )
    detectorTypes = ListField[str](
        doc="Types of detectors to include; all if empty. Not used at level detector.", default=["SCIENCE"]
    )
    physicalTypes = ListField[str](
        doc="Vendors of detectors to include; all if empty. Not used at level detector.", default=[]
    )
    maxFailuresPerDetector = Field[int](
        doc="Failures of a test in one detector and exposure that the majority rule takes as a failed "
        "detector. Used at level run only.",
        default=8,
        check=lambda number: number > 0,
    )

    @property
    def selection(self) -> DetectorSelection:
        """Detectors to include; all at level detector, where the rows say which."""
        if self.level == "detector":
            return DetectorSelection(detectorTypes=None)
        return DetectorSelection(
            detectorTypes=tuple(self.detectorTypes) or None, physicalTypes=tuple(self.physicalTypes) or None
        )
