# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Choice of one measurement of a tidy table, and the search for what happened to it."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pyarrow as pa

from lsst.analysis.cp.catalogue import LEVELS
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
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray
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
        for name in ("value", "threshold"):
            columns[name] = self._convert(columns[name], columns["unit"], name)
        series = gatherSeries(columns, by=self.seriesBy, epoch=self.epoch, statistic=self.statistic)
        results: dict[str, Any] = {
            "trendSeries": series,
            "trendFindings": findTrends(series, self._budgets()),
        }
        return results

    def _convert(self, column: Any, units: Any, name: str) -> FloatArray:
        """Convert numbers, whose units the table has row by row; NaN where the catalogue has no such unit."""
        numbers, declared = floatColumn(column, name), measurementUnit(self.metric, self.measurement)
        if declared is None:
            return numbers
        names, _ = nameColumn(units, "unit")
        converted = np.full(len(numbers), np.nan)
        for unit in np.unique(names).tolist():
            own = names == unit
            try:
                converted[own] = convertUnit(numbers[own], unit, declared, name)
            except ColumnError as error:
                _LOG.warning("%d value(s) of %s are left out: %s.", np.count_nonzero(own), self.metric, error)
        return converted

    def _budgets(self) -> TrendBudgets:
        return TrendBudgets(
            changePoint=self.changePointBudget, drift=self.driftBudget, outlier=self.outlierBudget
        )


def _isName(column: Any, name: str) -> BoolArray:
    """Tell where a column has a name; absent names are none."""
    if isinstance(column, pa.ChunkedArray):
        codes, names = labelCodes(column)
        return np.isin(codes, np.flatnonzero(names == name))
    return np.ma.filled(np.ma.asanyarray(column) == name, False)


def _takeRows(column: Any, rows: IndexArray) -> Any:
    """Choose rows of a column, as an array."""
    return toArray(column.take(rows)) if isinstance(column, pa.ChunkedArray) else column[rows]
