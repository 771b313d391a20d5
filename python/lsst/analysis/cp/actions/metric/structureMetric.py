# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measurements of the structures that were found in the images of an exposure."""

from __future__ import annotations

__all__ = ["StructureMetric"]

from typing import Any

import astropy.units as u
import numpy as np

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core import DetectorSelection
from lsst.analysis.cp.core.structures import STRUCTURE_KINDS, TRANSIENT_KINDS
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, MetricAction, Vector
from lsst.pex.config import ListField
from lsst.verify import Measurement

DETECTOR_COUNTS = ("nDetectors", "nDetectorsMissing", "nDetectorsWithStructure")


class StructureMetric(MetricAction):
    """Count the structures of each kind, and take the highest significance.

    The measurements are the same whatever was found. ``max<Kind>Score`` is NaN where ``n<Kind>`` is 0.
    ``nDetectors`` have an image; ``nDetectorsMissing`` of the camera have none that could be used;
    ``nDetectorsWithStructure`` have one of any kind but the events, most of which are cosmic rays.
    """

    detectorTypes = ListField[str](doc="Types of detectors to include; all if empty.", default=["SCIENCE"])
    physicalTypes = ListField[str](doc="Vendors of detectors to include; all if empty.", default=[])

    @property
    def units(self) -> dict[str, str]:
        """Unit of each measurement by its name; scores are multiples of a standard deviation."""
        names = [name for kind in STRUCTURE_KINDS for name in (countName(kind), scoreName(kind))]
        return dict.fromkeys((*names, *DETECTOR_COUNTS), "")

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the vectors."""
        names = (
            "structureDetector",
            "structureKind",
            "structureScore",
            "structureCount",
            "missingDetector",
        )
        return [(name, Vector) for name in names]

    def __call__(self, data: KeyedData, **kwargs: Any) -> dict[str, Measurement]:
        """Make the measurements.

        Parameters
        ----------
        data
            One row a structure: ``structureDetector`` (the detector's name), ``structureKind``,
            ``structureScore`` (standard deviations) and ``structureCount`` (number of its kind in its
            detector, of which not all need a row); and one a missing detector: ``missingDetector`` (its id).
        **kwargs
            ``camera`` that they belong to.

        Returns
        -------
        measurements
            By name.
        """
        layout = cameraGeometry(kwargs["camera"]).layout
        selection = DetectorSelection(
            detectorTypes=tuple(self.detectorTypes) or None, physicalTypes=tuple(self.physicalTypes) or None
        )
        selected = selection.mask(layout)
        missing = np.isin(layout.detectorId, np.asarray(data["missingDetector"]))
        detector, kind, score, count = (
            np.asarray(data[f"structure{name}"]) for name in ("Detector", "Kind", "Score", "Count")
        )
        rows = np.isin(detector, layout.detectorName[selected])
        values: dict[str, float] = {}
        for name in STRUCTURE_KINDS:
            own = rows & (kind == name)
            _, first = np.unique(detector[own], return_index=True)
            highest = score[own].max() if own.any() else np.nan
            values |= {countName(name): count[own][first].sum(), scoreName(name): highest}
        numbers = (
            int(np.count_nonzero(selected & ~missing)),
            int(np.count_nonzero(selected & missing)),
            len(np.unique(detector[rows & ~np.isin(kind, TRANSIENT_KINDS)])),
        )
        values |= dict(zip(DETECTOR_COUNTS, numbers, strict=True))
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        return {
            name: Measurement(name, u.Quantity(float(values[name]), ""), notes=notes) for name in self.units
        }


def countName(kind: str) -> str:
    """Name the number of structures of a kind."""
    return f"n{kind[0].upper()}{kind[1:]}"


def scoreName(kind: str) -> str:
    """Name the highest significance of a kind."""
    return f"max{kind[0].upper()}{kind[1:]}Score"
