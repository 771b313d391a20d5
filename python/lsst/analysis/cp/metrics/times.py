# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Times of observations, runs and records."""

from __future__ import annotations

import math
import re
import warnings
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
from astropy.time import Time

from lsst.analysis.cp.core.typing import FloatArray

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DataCoordinate, DatasetRef, DimensionRecord, Timespan

    from .calibrations import Calibration, CalibrationLookup

__all__ = [
    "ObservationTimes",
    "TIME_SOURCES",
    "findObservationTime",
    "findUpstreamTime",
    "makeTimestamp",
    "parseRunTime",
    "toMjd",
    "toUnix",
]

TIME_SOURCES = {
    "exposure": "middle of the exposure",
    "visit": "middle of the visit",
    "sequence": "12:00 UTC of the day of observation, plus one second for each number of the day's sequence: "
    "the exposure or visit has no time span in the repository",
    "validity": "begin of the validity range of the calibration",
    "run": "start of the run: the metrics belong to no exposure, and to no calibration that is certified",
    "night": "not known but for the day of observation: the metrics are from a topic of upstream",
}
"""Where the time of an observation may come from."""

_OBSERVATIONS = ("exposure", "visit")
_FINE_PHASES = 333
_COARSE_PHASES = 40
_UNIX_DAY = 40587.0
# With this one the filters that are in Rubin's cameras are apart.
_SALT = b"analysis_cp 9"


def parseRunTime(run: str) -> float | None:
    """Take the time, s since 1970 UTC, from the end of the name of a run (``20260101T120000Z``)."""
    stamp = run.rpartition("/")[2]
    if re.fullmatch(r"\d{8}T\d{6}Z", stamp) is None:
        return None
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def toUnix(time: Time) -> float:
    """Convert a time, on any scale, to seconds since 1970 UTC.

    By the calendar, so that it is right on days that end in a leap second, which is the first second of the
    next day.
    """
    with warnings.catch_warnings():
        # Leap seconds of the years of an open validity range are not known yet.
        warnings.filterwarnings("ignore", message=".*dubious year")
        day = np.floor(time.utc.mjd)
        return float((day - _UNIX_DAY) * 86400.0 + (time.tai - _midnights(day)).sec)


def toMjd(seconds: FloatArray) -> FloatArray:
    """Convert seconds since 1970 UTC into dates (MJD, TAI, days), shape (n,), NaN where there is none.

    By the calendar, as `toUnix` does it.
    """
    known = np.isfinite(seconds)
    days, which = np.unique(np.floor(seconds[known] / 86400.0), return_inverse=True)
    result = np.full(len(seconds), np.nan)
    with warnings.catch_warnings():
        # Leap seconds of the years of an open validity range are not known yet.
        warnings.filterwarnings("ignore", message=".*dubious year")
        midnights = _midnights(days + _UNIX_DAY).mjd
    result[known] = midnights[which] + (seconds[known] - days[which] * 86400.0) / 86400.0
    return result


def _midnights(mjd: float | FloatArray) -> Time:
    """Find the beginnings of days (UTC), since which TAI counts the seconds of the calendar."""
    return Time(mjd, format="mjd", scale="utc").tai


def findObservationTime(
    dataId: DataCoordinate, validityBegin: float | None, runTime: float
) -> tuple[float, str]:
    """Find when an observation was made, s since 1970 UTC, and where that comes from.

    This is the first key of `TIME_SOURCES` that gives a time: the data id's dimension records, the begin of
    the validity range of the calibration if there is one, or the start of the run.
    """
    for dimension in _OBSERVATIONS:
        if dimension in dataId.dimensions:
            record = dataId.records[dimension]
            middle = None if record is None or record.timespan is None else _middle(record.timespan)
            if middle is not None:
                return middle, dimension
            return _sequenceTime(dataId, dimension, record), "sequence"
    if validityBegin is not None:
        return validityBegin, "validity"
    return runTime, "run"


@lru_cache(maxsize=4096)
def _middle(timespan: Timespan) -> float | None:
    """Find the middle of a time span; None if it is empty or unbounded."""
    begin, end = timespan.begin, timespan.end
    if not isinstance(begin, Time) or not isinstance(end, Time):
        return None
    return toUnix(begin + (end - begin) / 2)


def _sequenceTime(dataId: DataCoordinate, dimension: str, record: DimensionRecord | None) -> float:
    """Make a time of the day of observation and the number in its sequence."""
    number = getattr(record, "seq_num", None)
    if number is None:
        # The last five digits of the ids of Rubin's cameras are that number.
        number = int(dataId[dimension]) % 100_000
    noon = datetime.strptime(f"{dataId['day_obs']}12", "%Y%m%d%H").replace(tzinfo=UTC)
    return noon.timestamp() + number


def makeTimestamp(observationTime: float, dataId: DataCoordinate, run: str) -> float:
    """Make the time of a point in the database, which keeps one point of a topic at a time.

    The observation's time, cut to milliseconds, is moved by less than 10.5 s:

    - by 1 ms for each unit of the detector's id, so that the detectors of an exposure are apart even where
      times are kept in milliseconds;
    - by 0, 1 or 2 microseconds, in turn for each 128 ms of the time, so that exposures of a run that are at
      least 128 ms apart have no time in common, with any of up to 256 detectors;
    - by one of 13,320 phases, made of the dimensions but exposure, visit and detector, and of the run: by 3
      microseconds for each of 333, and by 256 ms for each of 40.

    So two runs on one exposure (or calibration) share its points with a probability of 1/13,320. Where both
    are on several exposures within 10.5 s, points of different ones may meet, with at most one of 333 pairs
    of runs.

    Parameters
    ----------
    observationTime
        The observation's time.
    dataId
        Data id of the metrics.
    run
        RUN collection of the metrics.

    Returns
    -------
    timestamp
        The point's time, the nearest number to a whole microsecond.
    """
    required = dict(dataId.required)
    detector = int(required.pop("detector", 0))
    for name in _OBSERVATIONS:
        required.pop(name, None)
    phase = (_hash(repr(sorted(required.items()))) + _hash(run)) % (_FINE_PHASES * _COARSE_PHASES)
    start = round(observationTime * 1e6) // 1000
    milliseconds = start + detector + 256 * (phase // _FINE_PHASES)
    return (milliseconds * 1000 + 3 * (phase % _FINE_PHASES) + start // 128 % 3) / 1e6


@lru_cache(maxsize=4096)
def _hash(text: str) -> int:
    """Make a number of a text that is the same everywhere."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8, key=_SALT).digest())


def findUpstreamTime(timestampVersion: str | None, runTime: float) -> float:
    """Find the time that upstream gives to a record by ``timestamp_version`` of its task, s since 1970 UTC.

    Of the times that this may name, the present is not the same when a record is sent again, and that of a
    package is not known outside of the stack: both are replaced by that of the run. `ValueError` is raised if
    an explicit time cannot be read.
    """
    if timestampVersion is None or not timestampVersion.startswith("explicit_timestamp"):
        return runTime
    stamp = timestampVersion.partition(":")[2]
    try:
        return datetime.strptime(stamp, "%Y%m%dT%H%M%S%z").timestamp()
    except ValueError as error:
        raise ValueError(
            f"timestamp_version {timestampVersion!r}: expected 'explicit_timestamp:' and a time such as "
            "20260101T120000Z"
        ) from error


class ObservationTimes:
    """Finds the times of datasets, which are those that records in Sasquatch have.

    Parameters
    ----------
    butler, calibrations
        The repository, for the times of runs that have none in their names, and the calibrations that were
        verified; None if these are not known.
    """

    def __init__(self, butler: Butler | None = None, calibrations: CalibrationLookup | None = None) -> None:
        self._butler = butler
        self._calibrations = calibrations
        self._runTimes: dict[tuple[str, str], float] = {}

    def find(self, ref: DatasetRef) -> tuple[float, str]:
        """Find the time of a dataset, s since 1970 UTC, NaN if not known, and its source in `TIME_SOURCES`.

        The data ID must have dimension records.
        """
        calibration = self.findCalibration(ref)
        validity_begin = None if calibration is None else calibration.validityBegin
        return findObservationTime(ref.dataId, validity_begin, self.findRunTime(ref))

    def findCalibration(self, ref: DatasetRef) -> Calibration | None:
        """Find the calibration that a dataset is about; None if it is not known."""
        if self._calibrations is None:
            return None
        time, _ = findObservationTime(ref.dataId, None, self.findRunTime(ref))
        return self._calibrations.find(dict(ref.dataId.mapping), time)

    def findRunTime(self, ref: DatasetRef) -> float:
        """Find the time of the run of a dataset, s since 1970 UTC, NaN if not known.

        That is the time in its name or, without one, of its first dataset of this type in the repository.
        """
        key = (ref.run, ref.datasetType.name)
        if key not in self._runTimes:
            time = parseRunTime(ref.run)
            self._runTimes[key] = self._findFirstTime(ref) if time is None else time
        return self._runTimes[key]

    def _findFirstTime(self, ref: DatasetRef) -> float:
        if self._butler is None:
            return math.nan
        name = ref.datasetType.name
        with self._butler.query() as query:
            query = query.join_dataset_search(ref.datasetType, [ref.run])
            rows = query.general(
                ref.datasetType.dimensions, dataset_fields={name: {"ingest_date"}}, find_first=False
            )
            (row,) = rows.order_by(query.expression_factory[name].ingest_date).limit(1)
        return toUnix(row[f"{name}.ingest_date"])
