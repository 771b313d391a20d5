# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Histories of many parts of a camera on common epochs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lsst.analysis.cp.core.amps import FAILED, GOOD, STATUS_NAMES, UNKNOWN
from lsst.analysis.cp.core.columns import ColumnError, flagColumn, floatColumn, idColumn, nameColumn
from lsst.analysis.cp.core.typing import FlagArray, FloatArray, IdArray, IndexArray, NameArray

__all__ = ["EPOCH_KINDS", "SERIES_COLUMNS", "SERIES_STATISTICS", "TrendSeries", "gatherSeries"]

SERIES_COLUMNS = {"detector": "detectorName", "raft": "raft", "physicalType": "physicalType", "all": None}
"""Column that tells series apart, by what a series belongs to; None for a single one."""

EPOCH_KINDS = ("auto", "exposure", "day")
"""What makes an epoch; "auto" is a day where many days have data, or some rows no time, else an exposure."""

SERIES_STATISTICS = ("min", "median", "max")
"""How the values of a series and epoch are reduced to one."""

MANY_DAYS = 10
"""Number of days from which "auto" takes a day for an epoch."""

_UNIX_DAY = 40587
"""The day from which numpy counts, MJD."""

_NOON = 0.5
"""From the beginning of a calendar day to that of the day of observation, days."""

_NOON_TO_NIGHT = 0.67
"""From the beginning of the day of observation to about the middle of its night, days."""

_FIRST_DATE, _LAST_DATE = -678575.0, 2973483.0
"""Beginnings of the years 1 and 10000, MJD."""

_SAME_TIME = 1.0 / 86400
"""Times that differ by no more are the same, days."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrendSeries:
    """Histories on common epochs.

    Parameters
    ----------
    names
        Name of each series, shape (nSeries,), unique and sorted.
    groups
        Kind of sensor of each series, shape (nSeries,); empty where unknown.
    values
        Value of each series at each epoch, shape (nSeries, nEpochs); NaN where there is none.
    status
        ``FAILED`` where a row failed, else ``GOOD`` where one passed, else ``UNKNOWN``; the same shape.
    mjd
        Time of each epoch, shape (nEpochs,), days (MJD), increasing.
    exposure
        First exposure of each epoch, shape (nEpochs,); 0 where unknown.
    dayObs
        Day of observation of each epoch as YYYYMMDD, shape (nEpochs,); 0 where unknown.
    threshold
        Threshold at each epoch in the unit of the values, shape (nEpochs,); NaN where there is none.
    epochKind
        What an epoch is: ``"exposure"`` or ``"day"``.
    unit
        Unit of the values, as astropy spells it; None if it is not known.
    leftOut
        What was left out as it is in another unit, a line each.
    """

    names: NameArray
    groups: NameArray
    values: FloatArray
    status: FlagArray
    mjd: FloatArray
    exposure: IdArray
    dayObs: IdArray
    threshold: FloatArray
    epochKind: str
    unit: str | None = None
    leftOut: tuple[str, ...] = ()

    def unitOr(self, declared: str) -> str:
        """Get the unit of the values, or a declared one if it is not known."""
        return declared if self.unit is None else self.unit

    @property
    def nSeries(self) -> int:
        """Number of series."""
        return len(self.names)

    @property
    def nEpochs(self) -> int:
        """Number of epochs."""
        return len(self.mjd)

    @property
    def epochNoun(self) -> str:
        """What an epoch is, in the singular: a run where the rows have no exposure."""
        has_none = self.exposure.size > 0 and not self.exposure.any()
        return "run" if self.epochKind == "exposure" and has_none else self.epochKind

    @property
    def hasValues(self) -> bool:
        """Whether there is any value."""
        return bool(np.isfinite(self.values).any())

    @property
    def lastStatus(self) -> FlagArray:
        """Status of each series at the last epoch at which any has one, shape (nSeries,)."""
        tested = np.flatnonzero((self.status != UNKNOWN).any(axis=0))
        if len(tested) == 0:
            return np.full(self.nSeries, UNKNOWN, dtype=np.int8)
        return self.status[:, tested[-1]]

    @property
    def lastThreshold(self) -> float | None:
        """Threshold at the last epoch that has one; None if none has."""
        known = self.threshold[np.isfinite(self.threshold)]
        return float(known[-1]) if len(known) else None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rows:
    """Columns of a tidy table that matter here, one value a row."""

    name: NameArray
    group: NameArray
    value: FloatArray
    status: FlagArray
    mjd: FloatArray
    exposure: IdArray
    dayObs: IdArray
    night: IdArray
    threshold: FloatArray
    areOfNights: bool


def gatherSeries(
    columns: Mapping[str, Any], *, by: str = "detector", epoch: str = "auto", statistic: str = "median"
) -> TrendSeries:
    """Lay the rows of a tidy table of one measurement out as series.

    Rows without a finite value, or with ``nValid`` 0 (whatever their value), leave a gap. A row without
    ``day_obs`` is of the day of its time, one without ``exposure`` of the only exposure at its time, if there
    is one, so that rows with and without these meet.

    Parameters
    ----------
    columns
        ``value``, ``mjd``, the column that tells the series apart, and as far as there are any ``nValid``,
        ``passed`` (flags, or names of a status), ``threshold``, ``exposure``, ``day_obs`` and
        ``physicalType``; shape (nRows,) each.
    by
        What a series belongs to, a key of `SERIES_COLUMNS`. Rows without a name of it are left out.
    epoch
        What makes an epoch, one of `EPOCH_KINDS`.
    statistic
        How several rows of a series and epoch are reduced, one of `SERIES_STATISTICS`.

    Returns
    -------
    series
        The histories.

    Raises
    ------
    ColumnError
        If a column is missing, a row has neither a time nor a day, or the one that it has is none.
    ValueError
        If an option is none of those that there are.
    """
    for option, name, choices in (
        (by, "by", tuple(SERIES_COLUMNS)),
        (epoch, "epoch", EPOCH_KINDS),
        (statistic, "statistic", SERIES_STATISTICS),
    ):
        if option not in choices:
            raise ValueError(f"{name} is {option!r}, expected one of {', '.join(choices)}")
    rows = _readRows(columns, SERIES_COLUMNS[by])
    if epoch == "auto":
        # Rows of a run or a calibration are not of a night.
        nights = np.unique(rows.night[(rows.exposure > 0) | (rows.dayObs > 0)])
        epoch = "day" if rows.areOfNights or len(nights) >= MANY_DAYS else "exposure"
    epoch_of_row, mjd = _findEpochs(rows, epoch)
    names, first, series_of_row = np.unique(rows.name, return_index=True, return_inverse=True)
    shape = (len(names), len(mjd))
    n_cells = shape[0] * shape[1]
    cell = series_of_row.ravel() * shape[1] + epoch_of_row
    n_failed, n_passed = (
        np.bincount(cell[rows.status == code], minlength=n_cells) for code in (FAILED, GOOD)
    )
    status = np.where(n_failed > 0, FAILED, np.where(n_passed > 0, GOOD, UNKNOWN)).astype(np.int8)
    exposure, day = (_findFirst(ids, epoch_of_row, shape[1]) for ids in (rows.exposure, rows.dayObs))
    return TrendSeries(
        names=names,
        groups=rows.group[first],
        values=_reduceCells(rows.value, cell, n_cells, statistic).reshape(shape),
        status=status.reshape(shape),
        mjd=mjd,
        exposure=exposure,
        dayObs=day,
        threshold=_reduceCells(rows.threshold, epoch_of_row, shape[1], "median"),
        epochKind=epoch,
    )


def _readRows(columns: Mapping[str, Any], name_column: str | None) -> _Rows:
    """Read the columns, and leave out the rows that belong to no series."""
    for name in ("value", "mjd", *([name_column] if name_column else [])):
        if name not in columns:
            raise ColumnError(f"a trend needs the column {name!r}; there are {', '.join(sorted(columns))}")
    value = floatColumn(columns["value"], "value")
    n = len(value)
    names, kept = np.full(n, "all"), np.ones(n, dtype=bool)
    if name_column:
        names, kept = nameColumn(columns[name_column], name_column)
    value = np.where(np.isfinite(value), value, np.nan)
    if "nValid" in columns:
        value = np.where(floatColumn(columns["nValid"], "nValid") == 0, np.nan, value)
    ids = {name: _readIds(columns, name, n) for name in ("exposure", "day_obs")}
    groups = np.full(n, "")
    if "physicalType" in columns and name_column:
        group_names, known = nameColumn(columns["physicalType"], "physicalType")
        groups = np.where(known, group_names, "")
    status = np.full(n, UNKNOWN, dtype=np.int8)
    if "passed" in columns:
        status = _readStatus(columns["passed"])
    threshold = np.full(n, np.nan)
    if "threshold" in columns:
        threshold = floatColumn(columns["threshold"], "threshold")
    mjd = floatColumn(columns["mjd"], "mjd")
    times = _completeTimes(mjd, ids["day_obs"])
    return _Rows(
        name=names[kept],
        group=groups[kept],
        value=value[kept],
        status=status[kept],
        mjd=times[kept],
        exposure=ids["exposure"][kept],
        dayObs=ids["day_obs"][kept],
        night=np.where(ids["day_obs"] > 0, ids["day_obs"], _findDays(times))[kept],
        threshold=np.where(np.isfinite(threshold), threshold, np.nan)[kept],
        areOfNights=bool(np.any(~np.isfinite(mjd[kept]))),
    )


def _readStatus(column: Any) -> FlagArray:
    """Read verdicts: names of a status, or flags."""
    if np.asarray(column).dtype.kind != "U":
        return flagColumn(column, "passed")
    names, present = nameColumn(column, "passed")
    if unknown := sorted(set(names[present].tolist()) - set(STATUS_NAMES.values())):
        raise ColumnError(
            f"column 'passed' holds {unknown[0]!r}, expected {', '.join(STATUS_NAMES.values())}"
        )
    status = np.full(len(names), UNKNOWN, dtype=np.int8)
    for code, name in STATUS_NAMES.items():
        status[present & (names == name)] = code
    return status


def _readIds(columns: Mapping[str, Any], name: str, n: int) -> IdArray:
    """Read identifiers; 0 where there is none."""
    if name not in columns:
        return np.zeros(n, dtype=np.int64)
    ids, present = idColumn(columns[name], name)
    return np.where(present & (ids > 0), ids, 0)


def _completeTimes(mjd: FloatArray, dayObs: IdArray) -> FloatArray:
    """Give rows without a time the night of their day."""
    missing = ~np.isfinite(mjd)
    wrong = ~missing & ~((mjd >= _FIRST_DATE) & (mjd < _LAST_DATE))
    if wrong.any():
        raise ColumnError(f"column 'mjd' holds {mjd[wrong][0]:g}, which is no day of the years 1 to 9999")
    if not missing.any():
        return mjd
    if n_unknown := int(np.sum(missing & (dayObs == 0))):
        raise ColumnError(f"{n_unknown} of {len(mjd)} rows have neither mjd nor day_obs")
    days, inverse = np.unique(dayObs[missing], return_inverse=True)
    texts = [f"{day // 10000:04d}-{day // 100 % 100:02d}-{day % 100:02d}" for day in days.tolist()]
    try:
        since_epoch = np.array(texts, dtype="datetime64[D]").astype(np.float64)
    except ValueError as error:
        raise ColumnError(f"column 'day_obs' holds what is no day YYYYMMDD: {error}") from error
    completed = mjd.copy()
    completed[missing] = since_epoch[inverse.ravel()] + _UNIX_DAY + _NOON + _NOON_TO_NIGHT
    return completed


def _findDays(mjd: FloatArray) -> IdArray:
    """Find the day of observation of times, from noon to noon, as YYYYMMDD."""
    days, inverse = np.unique(np.floor(mjd - _NOON), return_inverse=True)
    texts = np.datetime_as_string((days - _UNIX_DAY).astype(np.int64).astype("datetime64[D]"))
    return np.array([int(text.replace("-", "")) for text in texts.tolist()], dtype=np.int64)[inverse.ravel()]


def _numberExposures(exposure: IdArray, mjd: FloatArray) -> IndexArray:
    """Give each exposure a number, and return that of each row.

    A row without an identifier, as those of a run or a calibration are, is told apart by its time. It is of
    the exposure with an identifier at this time, if there is just one.
    """
    known = exposure > 0
    ids, first = np.unique(exposure[known], return_index=True)
    times = mjd[known][first]
    order = np.argsort(times)
    low = np.searchsorted(times[order], mjd - _SAME_TIME)
    high = np.searchsorted(times[order], mjd + _SAME_TIME, side="right")
    joined = ~known & (high - low == 1)
    alone = ~known & ~joined
    number = np.searchsorted(ids, exposure)
    number[joined] = order[low[joined]]
    number[alone] = len(ids) + np.unique(mjd[alone], return_inverse=True)[1]
    return number


def _findEpochs(rows: _Rows, kind: str) -> tuple[IndexArray, FloatArray]:
    """Return the epoch of each row, and the time of each epoch, in the order of time."""
    keys = _numberExposures(rows.exposure, rows.mjd) if kind == "exposure" else rows.night
    _, inverse = np.unique(keys, return_inverse=True)
    mjd = _reduceCells(rows.mjd, inverse, int(inverse.max(initial=-1)) + 1, "median")
    order = np.argsort(mjd, kind="stable")
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return rank[inverse], mjd[order]


def _findFirst(ids: IdArray, epoch: IndexArray, nEpochs: int) -> IdArray:
    """Find the smallest identifier of each epoch; 0 where there is none."""
    none = np.iinfo(np.int64).max
    first = np.full(nEpochs, none)
    np.minimum.at(first, epoch, np.where(ids > 0, ids, none))
    return np.where(first == none, 0, first)


def _reduceCells(values: npt.NDArray[np.number], cell: IndexArray, nCells: int, statistic: str) -> FloatArray:
    """Reduce the finite values of each cell; NaN where there is none."""
    reduce = {"min": ndimage.minimum, "median": ndimage.median, "max": ndimage.maximum}[statistic]
    finite = np.isfinite(values)
    filled = np.unique(cell[finite])
    result = np.full(nCells, np.nan)
    if len(filled):
        # The sum of the middle two may overflow, that of their halves does not.
        result[filled] = 2 * reduce(values[finite] / 2, cell[finite], filled)
    return result
