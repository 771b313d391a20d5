# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measurements of the structures that were found in the images of an exposure."""

from __future__ import annotations

from typing import Any, cast

import astropy.units as u
import numpy as np
from astropy.table import Table

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core import COUNTED_TYPES, DetectorSelection
from lsst.analysis.cp.core.structures import STRUCTURE_KINDS, TRANSIENT_KINDS
from lsst.analysis.cp.metrics import structureNames, structureUnits
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, MetricAction, Vector
from lsst.pex.config import ListField
from lsst.verify import Measurement

__all__ = ["StructureMetric"]


class StructureMetric(MetricAction):
    """Count the structures of each kind, and take the highest significance.

    The measurements are the same whatever was found. ``max<Kind>Score`` is NaN where ``n<Kind>`` is 0.
    ``nDetectors`` have an image; ``nDetectorsMissing`` of the camera have none that could be used;
    ``nDetectorsWithStructure`` have one of any kind but the events, most of which are cosmic rays.
    """

    detectorTypes = ListField[str](
        doc="Types of detectors to include; all if empty.", default=list(COUNTED_TYPES)
    )
    physicalTypes = ListField[str](doc="Vendors of detectors to include; all if empty.", default=[])

    @property
    def units(self) -> dict[str, str]:
        """Unit of each measurement by its name; scores are multiples of a standard deviation."""
        return structureUnits()

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the tables."""
        return [("structures", Vector), ("missing", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> dict[str, Measurement]:
        """Make the measurements.

        Parameters
        ----------
        data
            ``structures``, a table as `~lsst.analysis.cp.core.structures.rankStructures` makes it; and
            ``missing``, one whose column ``detector`` has the identifiers of missing detectors.
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
        table, absent = cast(Table, data["structures"]), cast(Table, data["missing"])
        missing = np.isin(layout.detectorId, np.asarray(absent["detector"]))
        table = table[np.isin(np.asarray(table["detectorName"]), layout.detectorName[selected])]
        kinds = np.asarray(table["kind"], dtype=str)
        lasting = table["detectorName"][~np.isin(kinds, TRANSIENT_KINDS)]
        values: dict[str, Any] = {
            "nDetectors": np.count_nonzero(selected & ~missing),
            "nDetectorsMissing": np.count_nonzero(selected & missing),
            "nDetectorsWithStructure": len(np.unique(np.asarray(lasting))),
        }
        for kind in STRUCTURE_KINDS:
            own = table[kinds == kind]
            # A detector need not have a row for each of its structures; each row says how many there are.
            _, first = np.unique(np.asarray(own["detectorName"]), return_index=True)
            highest = np.max(own["score"]) if len(own) else np.nan
            count_name, score_name = structureNames(kind)
            values |= {count_name: np.sum(own["nFound"][first]), score_name: highest}
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        return {
            name: Measurement(name, u.Quantity(float(values[name]), ""), notes=notes) for name in self.units
        }
