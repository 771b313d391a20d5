# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Measurements of one detector, from its row of the summary table."""

from __future__ import annotations

__all__ = ["SummaryRowMetric"]

from functools import cache
from typing import Any

import astropy.units as u

from lsst.analysis.cp.catalogue import getProduct, measurementUnits, summaryColumn
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, MetricAction, Scalar
from lsst.pex.config import ChoiceField, Field
from lsst.verify import Measurement


class SummaryRowMetric(MetricAction):
    """Take the measurements of one test from one row of a detector summary table."""

    product = Field[str](doc="Product that was verified.", default="bias")
    test = Field[str](doc="Key of the test; there is no default.", default="")
    level = ChoiceField[str](
        doc="What a row of the table belongs to.",
        default="detector",
        allowed={"detector": "A detector of one exposure.", "runDetector": "A detector of a run."},
    )

    @property
    def units(self) -> dict[str, str]:
        """Unit of each measurement by its name."""
        return measurementUnits(getProduct(self.product)[self.test], self.level)

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the columns of the summary table."""
        return [(column, Scalar) for _, column, _ in rowColumns(self.product, self.test, self.level)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> dict[str, Measurement]:
        """Take the measurements.

        Parameters
        ----------
        data
            Scalars by column.
        **kwargs
            Not used.

        Returns
        -------
        measurements
            By name.
        """
        notes = {"metric_tags": kwargs.get("metric_tags", [])}
        return {
            name: Measurement(name, u.Quantity(data[column], unit), notes=notes)
            for name, column, unit in rowColumns(self.product, self.test, self.level)
        }


@cache
def rowColumns(product: str, test: str, level: str) -> tuple[tuple[str, str, u.UnitBase], ...]:
    """List the measurements of a test: their names, columns of the summary table, and units.

    Parameters
    ----------
    product
        Product that was verified.
    test
        Key of the test.
    level
        What a row of the table belongs to.

    Returns
    -------
    columns
        In the order of the catalogue.
    """
    declared = getProduct(product)[test]
    return tuple(
        (name, summaryColumn(declared, name), u.Unit(unit))
        for name, unit in measurementUnits(declared, level).items()
    )
