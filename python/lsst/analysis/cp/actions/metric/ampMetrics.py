# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measurements of tests, reduced over the rows of a camera or of each detector."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import astropy.units as u
import numpy as np

from lsst.analysis.cp.actions.keyedData import AMP_TABLE, getAmpTable
from lsst.analysis.cp.catalogue import EPOCHS, Product, getLevel, getProduct, measurementUnits
from lsst.analysis.cp.core import COUNTED_TYPES, DetectorSelection
from lsst.analysis.cp.core.amps import AmpSummary, AmpTable, summarize
from lsst.analysis.tools.interfaces import AnalysisAction, KeyedData, KeyedDataSchema, MetricAction
from lsst.pex.config import ChoiceField, Field, ListField
from lsst.verify import Measurement, Name

__all__ = ["AmpMetricAction", "AmpSummaryMetric", "DetectorMeasurements", "DetectorMetrics"]

_LEVEL_DOCS = {
    "detector": "One detector of one exposure.",
    "exposure": "One exposure.",
    "run": "Any number of exposures, or a calibration without exposures.",
}


class AmpMetricAction(MetricAction):
    """Base of actions that reduce the rows of one quantum to measurements."""

    product = Field[str](doc="Product that was verified.", default="bias")
    level = ChoiceField[str](doc="What the quantum holds.", default="exposure", allowed=_LEVEL_DOCS)
    epoch = ChoiceField[str](
        doc="What tells the results apart.", default="exposure", allowed=dict.fromkeys(EPOCHS, "")
    )
    gainsApplied = Field[bool](doc="Are statistics in electrons, and not in ADU?", default=True)
    detectorTypes = ListField[str](
        doc="Types of detectors to include; all if empty. Not used at level detector.",
        default=list(COUNTED_TYPES),
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

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the encoded results."""
        return [(AMP_TABLE, AmpTable)]

    @property
    def declared(self) -> Product:
        """The product, in the units of the statistics."""
        return getProduct(self.product, self.gainsApplied)

    @property
    def selection(self) -> DetectorSelection:
        """Detectors to include; all at level detector, where the rows say which."""
        if self.level == "detector":
            return DetectorSelection(detectorTypes=None)
        return DetectorSelection(
            detectorTypes=tuple(self.detectorTypes) or None, physicalTypes=tuple(self.physicalTypes) or None
        )


class AmpSummaryMetric(AmpMetricAction):
    """Reduce the rows of one quantum to the measurements of one test.

    Which measurements there are depends on the configuration only, never on the data: where there is no
    finite value, ``nValid`` is 0 and the minimum, median and maximum are NaN.
    """

    test = Field[str](doc="Key of the test; there is no default.", default="")

    @property
    def units(self) -> Mapping[str, str]:
        """Unit of each measurement by its name."""
        test = self.declared[self.test]
        return measurementUnits(test, getLevel(self.level, self.epoch))

    def __call__(self, data: KeyedData, **kwargs: Any) -> dict[str, Measurement]:
        """Reduce.

        Parameters
        ----------
        data
            Encoded results under the key ``ampTable``.
        **kwargs
            ``metric_tags``, if there are any.

        Returns
        -------
        measurements
            By name; none of a test that is not measured at this level.

        Raises
        ------
        ValueError
            Raised if the rows are not those of one detector, exposure or visit, as the level tells.
        """
        if not (units := self.units):
            return {}
        summary, group = self._reduce(getAmpTable(data))
        values = summary.values(self.test)
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        return {
            name: Measurement(name, u.Quantity(float(values[name][group]), unit), notes=notes)
            for name, unit in units.items()
        }

    def _reduce(self, table: AmpTable) -> tuple[AmpSummary, int]:
        """Reduce to the level, and say which group the quantum is."""
        if len(table.exposures) == 0:
            # A table without rows, of an exposure that nobody named: all that is known is that it is empty.
            table = replace(table, exposures=np.zeros(1, dtype=np.int64))
        level = self.level
        if level != "run" and len(table.exposures) > 1:
            if self.epoch != "visit":
                raise ValueError(
                    f"rows of {len(table.exposures)} exposures, expected those of one (level {level})"
                )
            # Several exposures of one visit are pooled.
            level = {"detector": "runDetector", "exposure": "run"}[level]
        group = 0
        if self.level == "detector":
            kinds = ("amplifier", "detector")
            found = np.unique(np.concatenate([table.rows[kind].detectorIndex for kind in kinds]))
            if len(found) > 1:
                raise ValueError(f"rows of {len(found)} detectors, expected those of one (level detector)")
            group = int(found[0]) if len(found) else 0
        limit = self.maxFailuresPerDetector
        return summarize(table, level, self.selection, maxFailuresPerDetector=limit), group


@dataclass(frozen=True)
class DetectorMeasurements(Mapping[tuple[int | None, int], dict[str, list[Measurement]]]):
    """Measurements of each tool by its name, by the ids of exposure and detector.

    Those of a detector are made when they are asked for: thousands at a time are more for the collector of
    garbage to go through than all else in a quantum. Over a run, and without exposures, that of the exposure
    is None.
    """

    rows: Mapping[tuple[int | None, int], int]
    """Place of the values by the ids."""
    columns: Mapping[str, Mapping[Name, u.Quantity]]
    """Values of all detectors by the name of the measurement, by the name of the tool."""
    notes: Mapping[str, Any]
    """Notes of each measurement."""

    def __getitem__(self, ids: tuple[int | None, int]) -> dict[str, list[Measurement]]:
        row = self.rows[ids]
        return {
            tool: [Measurement(name, values[row], notes=self.notes) for name, values in columns.items()]
            for tool, columns in self.columns.items()
        }

    def __iter__(self) -> Iterator[tuple[int | None, int]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class DetectorMetrics(AnalysisAction):
    """Reduce encoded results once, to the measurements of all tests of each detector."""

    product = Field[str](doc="Product that was verified.", default="bias")
    tests = ListField[str](doc="Keys of the tests; all of the product if empty.", default=[])
    level = ChoiceField[str](
        doc="What the measurements belong to.",
        default="detector",
        allowed={"detector": "A detector of one exposure.", "runDetector": "A detector of a run."},
    )
    epoch = ChoiceField[str](
        doc="What tells the results apart.", default="exposure", allowed=dict.fromkeys(EPOCHS, "")
    )
    gainsApplied = Field[bool](doc="Are statistics in electrons, and not in ADU?", default=True)

    @property
    def units(self) -> dict[str, Mapping[str, str]]:
        """Unit of each measurement by its name, by the name of the tool; only tests that are measured."""
        level, product = getLevel(self.level, self.epoch), getProduct(self.product, self.gainsApplied)
        chosen = [product[key] for key in self.tests] or product.tests
        units = {test.toolName: measurementUnits(test, level) for test in chosen}
        return {name: own for name, own in units.items() if own}

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the encoded results."""
        return [(AMP_TABLE, AmpTable)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> DetectorMeasurements:
        """Reduce.

        Parameters
        ----------
        data
            Encoded results under the key ``ampTable``.
        **kwargs
            ``metric_tags``, if there are any.

        Returns
        -------
        measurements
            Those of each detector of the layout.

        Raises
        ------
        ValueError
            Raised if the results are of another product, of which no test would have measurements.
        """
        table, units = getAmpTable(data), self.units
        if table.product.name != self.product:
            raise ValueError(f"results of {table.product.name}, expected those of {self.product}")
        summary = summarize(table, self.level)
        detectors = table.layout.detectorId[summary.detectorIndex].tolist()
        exposures = summary.exposure.tolist() if summary.level.byEpoch else [None] * len(detectors)
        groups = zip(exposures, detectors, strict=True)
        columns = {}
        for key, reduced in summary.tests.items():
            if (tool := reduced.test.toolName) in units:
                values = summary.values(key)
                columns[tool] = {
                    # To parse the name for each of thousands of measurements takes as long as all else.
                    Name(metric=name): values[name].astype(np.float64) * u.Unit(unit)
                    for name, unit in units[tool].items()
                }
        rows = {group: row for row, group in enumerate(groups)}
        return DetectorMeasurements(rows, columns, {"metric_tags": kwargs.get("metric_tags", [])})
