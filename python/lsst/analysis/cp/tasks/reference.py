# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of the nominal read noise and gain that the verification used, and of times of exposures."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.time import Time

from lsst.analysis.cp.core import cameraLayout, floatColumn, idColumn, nameColumn
from lsst.analysis.cp.core.amps import HEADER_SOURCE, RECORD_SOURCE, ExposureTimes, ReferenceValues
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IdArray
from lsst.pipe.base import connectionTypes as cT

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DataCoordinate, DeferredDatasetHandle, Timespan

__all__ = ["VERIFIED_EXPOSURES", "readAmpSummaries", "readHeaders", "readTimes"]

_LOG = logging.getLogger(__name__)

READ_NOISE_KEY = "LSST ISR READNOISE {}"
GAIN_KEY = "LSST ISR GAIN {}"
UNITS_KEY = "LSST ISR UNITS"

_AMP_COLUMNS = ("exposure", "detector", "amplifier", "readNoise", "gain", "readNoiseSource")
_TIME_COLUMNS = ("exposureTime", "exposureTimeSource", "darkTime", "darkTimeSource")

VERIFIED_EXPOSURES = cT.Input(
    doc="Exposures that were verified, of which the header is read: the read noise and gain of each "
    "amplifier. Where there are none, those of the camera are used.",
    name="verifiedExposure",
    storageClass="Exposure",
    dimensions=("instrument", "exposure", "detector"),
    multiple=True,
    deferLoad=True,
    minimum=0,
    # Verified exposures are often not kept; their absence must not empty the quantum graph.
    deferGraphConstraint=True,
)
"""The connection that every task has which reads these headers."""


def readHeaders(
    handles: Iterable[DeferredDatasetHandle], camera: Camera, *, gainsApplied: bool = True
) -> ReferenceValues:
    """Read the headers of verified exposures, where instrument signature removal left what it used.

    Only the ``metadata`` component is read. A value that the header does not have is masked, one that is no
    number is NaN; of a header that cannot be read there is none.

    Parameters
    ----------
    handles
        Verified exposures.
    camera
        The camera.
    gainsApplied
        Whether the pixels are said to be in electrons, else in ADU. It is logged if headers contradict: the
        tables of results, which are made of these pixels, do not say in what they are.

    Returns
    -------
    values
        Nominal values of each amplifier.
    """
    expected = "electron" if gainsApplied else "adu"
    contradicting: list[str] = []

    def read(handle: DeferredDatasetHandle) -> ReferenceValues:
        header = handle.get(component="metadata")
        if (unit := str(header[UNITS_KEY]) if UNITS_KEY in header else expected) != expected:
            contradicting.append(f"{handle.dataId} in {unit}")
        return _takeHeader(header, camera, handle.dataId)

    reference = _readEach(handles, read)
    if contradicting:
        _LOG.warning(
            "Statistics are said to be in %s, as gainsApplied is %s; but the headers of %d verified "
            "exposure(s) say otherwise, the first %s. If these are right, the units of results are wrong.",
            expected,
            gainsApplied,
            len(contradicting),
            contradicting[0],
        )
    return reference


def readAmpSummaries(handles: Iterable[DeferredDatasetHandle], camera: Camera) -> ReferenceValues:
    """Take the values that amplifier tables of exposures have, only those that are from a header.

    Of a table that cannot be read, or is not of the camera, there is none.
    """
    return _readEach(handles, partial(_readAmpSummary, camera))


def readTimes(
    dataIds: Iterable[DataCoordinate], handles: Iterable[DeferredDatasetHandle] = ()
) -> ExposureTimes:
    """Read the times of exposures: from the records of data IDs, and where these lack one from headers.

    Parameters
    ----------
    dataIds
        Data IDs, of which those without an exposure, or without records, are passed over.
    handles
        Verified exposures. The ``visitInfo`` component is read of the first that has one, of each exposure
        of which the records do not tell both times.

    Returns
    -------
    times
        Times of all exposures that are named.
    """
    recorded = _readRecords(dataIds)
    by_exposure: dict[int, list[DeferredDatasetHandle]] = {}
    for handle in handles:
        by_exposure.setdefault(int(handle.dataId["exposure"]), []).append(handle)
    known = recorded.match(np.array(list(by_exposure), dtype=np.int64))
    complete = np.isfinite(known.exposureTime) & np.isfinite(known.darkTime)
    return ExposureTimes.join(
        [recorded]
        + [
            _readVisitInfo(exposure, own)
            for (exposure, own), has_both in zip(by_exposure.items(), complete.tolist(), strict=True)
            if not has_both
        ]
    )


def _readRecords(dataIds: Iterable[DataCoordinate]) -> ExposureTimes:
    """Take times from the records of exposures, that data IDs in a quantum have."""
    records: dict[int, Any] = {}
    for data_id in dataIds:
        if "exposure" in data_id.mapping:
            record = data_id.records["exposure"] if data_id.hasRecords() else None
            records.setdefault(int(data_id["exposure"]), record)
    rows = np.array(
        [
            (_toFloat(record.exposure_time), _toFloat(record.dark_time), _beginOf(record.timespan))
            if record is not None
            else (math.nan,) * 3
            for record in records.values()
        ]
    ).reshape(-1, 3)
    return ExposureTimes.fromSource(
        RECORD_SOURCE,
        np.array(list(records), dtype=np.int64),
        exposureTime=rows[:, 0],
        darkTime=rows[:, 1],
        mjd=rows[:, 2],
    )


def _readVisitInfo(exposure: int, handles: Iterable[DeferredDatasetHandle]) -> ExposureTimes:
    """Take the times of an exposure from the first header of it that can be read."""
    for handle in handles:
        try:
            info = handle.get(component="visitInfo")
            times = [_toFloat(info.getExposureTime()), _toFloat(info.getDarkTime())]
        except Exception:
            _LOG.warning("Times cannot be read from the header of %s.", handle, exc_info=True)
        else:
            columns = dict(zip(("exposureTime", "darkTime"), np.array(times).reshape(2, 1), strict=True))
            return ExposureTimes.fromSource(HEADER_SOURCE, np.array([exposure], dtype=np.int64), **columns)
    return ExposureTimes.unknown()


def _toFloat(value: float | None) -> float:
    """Make a number of what a record may lack."""
    return math.nan if value is None else float(value)


def _beginOf(timespan: Timespan | None) -> float:
    """Find the begin of a time span, in days (TAI); NaN if it has none."""
    begin = None if timespan is None else timespan.begin
    return float(begin.tai.mjd) if isinstance(begin, Time) else math.nan


def _readEach(
    handles: Iterable[DeferredDatasetHandle],
    read: Callable[[DeferredDatasetHandle], ReferenceValues],
) -> ReferenceValues:
    """Read datasets one by one; one that cannot be read costs its own values only."""
    parts = []
    for handle in handles:
        try:
            parts.append(read(handle))
        except Exception:
            _LOG.warning("Nominal values of %s are the camera's: it cannot be read.", handle, exc_info=True)
    return ReferenceValues.join(parts) if parts else ReferenceValues.empty()


def _takeHeader(header: Mapping[str, Any], camera: Camera, dataId: DataCoordinate) -> ReferenceValues:
    """Take the values of each amplifier of a detector from a header."""
    names = [amp.getName() for amp in camera[dataId["detector"]].getAmplifiers()]
    return ReferenceValues(
        exposure=np.full(len(names), dataId["exposure"], dtype=np.int64),
        detector=np.full(len(names), dataId["detector"], dtype=np.int64),
        amplifier=np.array(names, dtype=np.str_),
        readNoise=_getFloats(header, [READ_NOISE_KEY.format(name) for name in names]),
        gain=_getFloats(header, [GAIN_KEY.format(name) for name in names]),
        source=HEADER_SOURCE,
    )


def _getFloats(header: Mapping[str, Any], keys: Sequence[str]) -> FloatArray:
    """Get numbers, masked where the header has no such key, NaN where it has no number."""
    values = np.ma.masked_all(len(keys))
    for i, key in enumerate(keys):
        if key in header:
            try:
                values[i] = float(header[key])
            except (TypeError, ValueError, OverflowError):
                _LOG.warning("Header key %r holds %r, expected a number.", key, header[key])
                values[i] = np.nan
    return values


def _readAmpSummary(camera: Camera, handle: DeferredDatasetHandle) -> ReferenceValues:
    """Read the values of each row of a table; what camera and records gave is found there again."""
    # Tables of earlier versions have no times.
    stored = handle.get(component="columns")
    times = [name for name in _TIME_COLUMNS if name in stored]
    table: Table = handle.get(parameters={"columns": [*_AMP_COLUMNS, *times]})
    exposure, has_exposure = idColumn(table["exposure"], "exposure")
    detector, has_detector = idColumn(table["detector"], "detector")
    amplifier, has_amplifier = nameColumn(table["amplifier"], "amplifier")
    source, _ = nameColumn(table["readNoiseSource"], "readNoiseSource")
    read_noise = floatColumn(table["readNoise"], "readNoise", "electron")
    gain = floatColumn(table["gain"], "gain", "electron / adu")
    rows = has_exposure & has_detector & has_amplifier
    cameraLayout(camera).findAmps(detector[rows], amplifier[rows])
    return ReferenceValues(
        exposure=exposure[rows],
        detector=detector[rows],
        amplifier=amplifier[rows],
        readNoise=np.ma.masked_where(source != HEADER_SOURCE, read_noise)[rows],
        gain=gain[rows],
        source=HEADER_SOURCE,
        times=_takeTimes(table, exposure[rows], rows)
        if len(times) == len(_TIME_COLUMNS)
        else ExposureTimes.unknown(),
    )


def _takeTimes(table: Table, exposure: IdArray, rows: BoolArray) -> ExposureTimes:
    """Take those times of the rows of an amplifier table that are from a header."""
    ids, first = np.unique(exposure, return_index=True)
    times = {}
    for name in _TIME_COLUMNS[::2]:
        source, _ = nameColumn(table[f"{name}Source"], f"{name}Source")
        times[name] = np.where(source == HEADER_SOURCE, floatColumn(table[name], name, "s"), np.nan)[rows][
            first
        ]
    return ExposureTimes.fromSource(HEADER_SOURCE, ids, **times)
