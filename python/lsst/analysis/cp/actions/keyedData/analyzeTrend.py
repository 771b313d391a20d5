# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Choice of one measurement of a tidy table, and the search for what happened to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from lsst.analysis.cp.catalogue import LEVELS, measuredUnit
from lsst.analysis.cp.core import ColumnError, convertUnit, floatColumn, nameColumn
from lsst.analysis.cp.core.history import (
    EPOCH_KINDS,
    SERIES_COLUMNS,
    SERIES_STATISTICS,
    TrendBudgets,
    TrendFindings,
    TrendSeries,
    findTrends,
    gatherSeries,
)
from lsst.analysis.cp.core.typing import BoolArray, IndexArray, NameArray
from lsst.analysis.cp.metrics import labelCodes, measurementUnit, toArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataAction, KeyedDataSchema, Vector
from lsst.pex.config import ChoiceField, Field

__all__ = ["AnalyzeTrend"]

_LOG = logging.getLogger(__name__)

COLUMNS = (
    "value",
    "nValid",
    "detectorName",
    "raft",
    "physicalType",
    "exposure",
    "day_obs",
    "mjd",
    "threshold",
    "passed",
    "unit",
)


class AnalyzeTrend(KeyedDataAction):
    """Lay the rows of one measurement out as series, and find change points, drifts and outliers in them.

    The data are the columns of a tidy table: those of pyarrow, or of an astropy table.
    """

    metric = Field[str](doc="Name of the metric; there is no default.", default="")
    measurement = Field[str](doc="Name of the measurement.", default="median")
    level = ChoiceField[str](
        doc="What the values belong to.", default="detector", allowed=dict.fromkeys(LEVELS, "")
    )
    seriesBy = ChoiceField[str](
        doc="What a series belongs to.", default="detector", allowed=dict.fromkeys(SERIES_COLUMNS, "")
    )
    epoch = ChoiceField[str](
        doc="What makes an epoch: auto is a day if ten or more have data, or some values have no time of an "
        "exposure, else an exposure.",
        default="auto",
        allowed=dict.fromkeys(EPOCH_KINDS, ""),
    )
    statistic = ChoiceField[str](
        doc="How several values of a series and epoch are reduced.",
        default="median",
        allowed=dict.fromkeys(SERIES_STATISTICS, ""),
    )
    changePointBudget = Field[float](
        doc="Share of histories without a change in which one may be found.", default=0.001
    )
    driftBudget = Field[float](
        doc="Share of histories without a drift in which one may be found.", default=0.001
    )
    outlierBudget = Field[float](
        doc="Share of histories without an outlier in which one may be found, and of cameras without an "
        "outlying series in which one may be found.",
        default=0.001,
    )

    def validate(self) -> None:
        """Check the budgets."""
        super().validate()
        self._budgets()

    def getInputSchema(self) -> KeyedDataSchema:
        """Name the columns of the tidy table."""
        return [(name, Vector) for name in ("metric", "measurement", "level", *COLUMNS)]

    def getOutputSchema(self) -> KeyedDataSchema:
        """Name what is made."""
        return [("trendSeries", TrendSeries), ("trendFindings", TrendFindings)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> KeyedData:
        """Choose the rows, and analyse them.

        Parameters
        ----------
        data
            Columns of a tidy table, any number of metrics.
        **kwargs
            Not used.

        Returns
        -------
        results
            ``trendSeries`` (`TrendSeries`) and ``trendFindings`` (`TrendFindings`).
        """
        rows = np.flatnonzero(
            _isName(data["metric"], self.metric)
            & _isName(data["measurement"], self.measurement)
            & _isName(data["level"], self.level)
        )
        columns = {name: _takeRows(data[name], rows) for name in COLUMNS}
        unit, left_out = self._convert(columns)
        series = gatherSeries(columns, by=self.seriesBy, epoch=self.epoch, statistic=self.statistic)
        series = replace(series, unit=unit, leftOut=left_out)
        results: dict[str, Any] = {
            "trendSeries": series,
            "trendFindings": findTrends(series, self._budgets()),
        }
        return results

    def _convert(self, columns: dict[str, Any]) -> tuple[str | None, tuple[str, ...]]:
        """Convert values and thresholds, whose units the table has row by row, to that of most values.

        This is that of the catalogue or, where the gains were not applied, its like in ADU. What cannot be
        converted becomes NaN. Returns the unit, None if the catalogue does not have the measurement; and what
        was left out, a line for each series and unit.
        """
        numbers = {name: floatColumn(columns[name], name) for name in ("value", "threshold")}
        columns |= numbers
        declared = measurementUnit(self.metric, self.measurement)
        if declared is None:
            return None, ()
        names, present = nameColumn(columns["unit"], "unit")
        units = np.where(present, names, declared)
        finite = np.isfinite(numbers["value"])
        unit = measuredUnit(_count(units[finite]), declared)
        converted = {name: np.full(len(units), np.nan) for name in numbers}
        left_out: list[str] = []
        for given in np.unique(units).tolist():
            own = units == given
            try:
                for name, values in numbers.items():
                    converted[name][own] = convertUnit(values[own], given, unit, name)
            except ColumnError as error:
                _LOG.warning("%d value(s) of %s are left out: %s.", np.count_nonzero(own), self.metric, error)
                left_out += self._describeLeftOut(columns, own & finite, given)
        columns |= converted
        return unit, tuple(left_out)

    def _describeLeftOut(self, columns: Mapping[str, Any], chosen: BoolArray, unit: str) -> list[str]:
        """Say how many values of each series are in a unit."""
        column = SERIES_COLUMNS[self.seriesBy]
        if column is None:
            return [f"{np.count_nonzero(chosen)} in {unit}"]
        names, _ = nameColumn(columns[column], column)
        return [f"{name}: {count} in {unit}" for name, count in _count(names[chosen]).items()]

    def _budgets(self) -> TrendBudgets:
        return TrendBudgets(
            changePoint=self.changePointBudget, drift=self.driftBudget, outlier=self.outlierBudget
        )


def _count(names: NameArray) -> dict[str, int]:
    """Count how often each name occurs."""
    found, counts = np.unique(names, return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _isName(column: Any, name: str) -> BoolArray:
    """Tell where a column has a name; absent names are none."""
    if isinstance(column, pa.ChunkedArray):
        codes, names = labelCodes(column)
        return np.isin(codes, np.flatnonzero(names == name))
    return np.ma.filled(np.ma.asanyarray(column) == name, False)


def _takeRows(column: Any, rows: IndexArray) -> Any:
    """Choose rows of a column, as an array."""
    return toArray(column.take(rows)) if isinstance(column, pa.ChunkedArray) else column[rows]
