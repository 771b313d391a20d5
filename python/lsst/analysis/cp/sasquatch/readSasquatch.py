# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Metrics over time from the InfluxDB of Sasquatch."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.time import Time

from lsst.analysis.cp.catalogue import LEVELS
from lsst.analysis.cp.metrics import (
    KEY_SCHEMA,
    DetectorName,
    Records,
    TrendTableError,
    WantedMetrics,
    declaredMeasurements,
    makeTrendTable,
    nameDetectors,
    toMjd,
    toUnix,
)

from .access import WebAddress
from .http import HttpClient
from .influx import (
    NUMBER,
    TEXT,
    WHOLE,
    InfluxClient,
    InfluxError,
    findLogin,
    quoteName,
    quotePattern,
    quoteText,
)
from .schemas import Mode, ownFields, upstreamFields

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["readSasquatch"]

_COMMON = dict.fromkeys(("id", "run", "instrument", "physical_filter"), TEXT) | dict.fromkeys(
    ("detector", "exposure", "visit", "day_obs"), WHOLE
)
_OWN = dict.fromkeys(("detector_name", "raft", "time_source"), TEXT) | {"observation_time": NUMBER}
# Some are in every record, so that one all of whose measurements are null has a row, too.
_KEYS = {Mode.OWN: _COMMON | _OWN, Mode.UPSTREAM: _COMMON | {"run_timestamp": NUMBER}}


def readSasquatch(
    url: str,
    database: str,
    namespace: str,
    metrics: Collection[str] | None = None,
    *,
    measurements: Collection[str] | None = None,
    instrument: str | None = None,
    runs: str | Iterable[str] | None = None,
    start: Time | None = None,
    end: Time | None = None,
    camera: Camera | None = None,
    upstreamSchema: bool = False,
    retentionPolicy: str | None = None,
    user: str | None = None,
    passwordFile: str | Path | None = None,
    tokenFile: str | Path | None = None,
    timeout: float = 600.0,
) -> pa.Table:
    """Read metrics from Sasquatch into the table that `readButler` makes.

    Parameters
    ----------
    url
        Address of the InfluxDB 1 server.
    database
        Name of the database.
    namespace
        Namespace of the topics, such as ``lsst.cp``.
    metrics
        Names of tools (``biasNoise``) or topics (``cpBiasExpDet_biasNoise``); all of the namespace if None.
    measurements
        Names of measurements (``median``); all if None.
    instrument, runs
        Instrument and RUN collections; any if None.
    start, end
        Times of the points, from ``start`` to before ``end``: about the middle of the exposure, in upstream's
        topics the time of the run. Unlimited if None.
    camera
        Gives the detectors their vendors, and in upstream's topics their names.
    upstreamSchema
        Whether to read the topics that upstream's dispatcher fills, and ``--upstream-schema``.
    retentionPolicy
        Name of the retention policy; the database's default if None.
    user, passwordFile, tokenFile
        Who asks, and files with the password, or the token of the Bearer scheme. Where none is given, the
        environment variables ``SASQUATCH_INFLUXDB_USER``, ``SASQUATCH_INFLUXDB_PASSWORD`` and
        ``SASQUATCH_INFLUXDB_TOKEN`` count.
    timeout
        Longest time that the answer for one topic may take, s.

    Returns
    -------
    table
        Columns of `TREND_SCHEMA`: one row a value, sorted. Of a bundle that was sent several times, what was
        written last counts. Values that are null are NaN. So are those of upstream's topics that are not
        valid by their count, which are 0 there, and tested quantities of which all are 0; these topics have
        32-bit floats, and of exposures no time but the day of observation (``mjd`` is null).

    Raises
    ------
    InfluxError
        Raised if the database cannot be read, or an answer is not complete or not as it should be.
    SasquatchError
        Raised if the address, or the user, password or token is refused.
    TrendTableError
        Raised if the namespace has no topics, or a metric is asked for that has none.
    """
    wanted = WantedMetrics(metrics, measurements)
    mode = Mode.UPSTREAM if upstreamSchema else Mode.OWN
    http = HttpClient(WebAddress.parse(url, "database"), findLogin(user, passwordFile, tokenFile))
    client = InfluxClient(http=http, database=database, retentionPolicy=retentionPolicy, timeout=timeout)
    prefix = f"{mode.space(namespace)}."
    source = f"topics {prefix}* of database {database} at {http.address}"
    topics = _findTopics(client, prefix)
    if not topics:
        raise TrendTableError(f"there are no {source}")
    wanted.checkFound({(topic, _findTool(topic)) for topic in topics}, source)
    conditions = _makeConditions(instrument, runs, start, end)
    records: list[Records] = []
    detectors: dict[tuple[str, int], DetectorName] = {}
    for topic, fields in topics.items():
        tool = _findTool(topic)
        if wanted.hasMetric(topic, tool):
            names = [name for name in _findMeasurements(tool, fields, mode) if wanted.isRead(name)]
            kinds = _KEYS[mode] | dict.fromkeys(names, NUMBER)
            columns = ", ".join(map(quoteName, kinds))
            query = f"SELECT {columns} FROM {quoteName(prefix + topic)}{conditions} ORDER BY time"
            for name, found in client.query(query, kinds).items():
                if name != prefix + topic:
                    raise InfluxError(f"topic {topic}: the database answers with {name}")
                _checkPresent(topic, found, "run")
                last = {name or row: row for row, name in enumerate(found["id"].to_pylist())}
                table = found.take(sorted(last.values()))
                records.append(_makeRecords(topic, table, names, fields, wanted, mode))
                detectors |= _findDetectors(table)
    detectors |= nameDetectors(camera)
    return makeTrendTable(records, detectors=detectors, measurements=measurements, sources=[source])


def _findTopics(client: InfluxClient, prefix: str) -> dict[str, dict[str, str]]:
    """Find the topics whose names start with a prefix, and the types of their fields; sorted."""
    found = client.query(
        f"SHOW FIELD KEYS FROM {quotePattern(prefix)}", {"fieldKey": TEXT, "fieldType": TEXT}
    )
    topics = {}
    for name, table in sorted(found.items()):
        _checkPresent(name, table, "fieldKey", "fieldType")
        topics[name.removeprefix(prefix)] = dict(zip(*table.to_pydict().values(), strict=True))
    return topics


def _checkPresent(topic: str, table: pa.Table, *columns: str) -> None:
    """Raise if a row has no value."""
    for name in columns:
        if table[name].null_count:
            raise InfluxError(f"topic {topic}, field {name}: expected texts, not nothing")


def _findTool(topic: str) -> str:
    """Find the name of the tool in that of a topic: what follows the name of the output, if it is there."""
    return topic.partition("_")[2] or topic


def _findMeasurements(tool: str, fields: Mapping[str, str], mode: Mode) -> list[str]:
    """Find the fields of a topic that are measurements; those of a tool that is not known are all numbers."""
    declared = {name for level in LEVELS for name in declaredMeasurements(tool, level, fields)}
    if declared:
        return [name for name in fields if name in declared]
    common = {field["name"] for field in (ownFields if mode is Mode.OWN else upstreamFields)({}, {})}
    return [name for name, kind in fields.items() if kind in ("float", "integer") and name not in common]


def _makeConditions(
    instrument: str | None, runs: str | Iterable[str] | None, start: Time | None, end: Time | None
) -> str:
    """Write the WHERE clause of a query."""
    terms = []
    if instrument is not None:
        terms.append(f'"instrument" = {quoteText(instrument)}')
    if runs is not None:
        names = [runs] if isinstance(runs, str) else runs
        terms.append("(" + " OR ".join(f'"run" = {quoteText(run)}' for run in names) + ")")
    terms += [f"time >= {round(toUnix(start) * 1e6) * 1000}"] if start is not None else []
    terms += [f"time < {round(toUnix(end) * 1e6) * 1000}"] if end is not None else []
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def _makeRecords(
    topic: str,
    table: pa.Table,
    measurements: Iterable[str],
    fields: Collection[str],
    wanted: WantedMetrics,
    mode: Mode,
) -> Records:
    """Make records; in upstream's topics those of exposures have no time."""
    exposure = pc.coalesce(table["exposure"], table["visit"])
    if mode is Mode.OWN:
        seconds, time_source = table["observation_time"].to_numpy(), table["time_source"]
    else:
        is_run = exposure.is_null()
        seconds = np.where(is_run, table["run_timestamp"], np.nan)
        time_source = pc.if_else(is_run, "run", "night").dictionary_encode()
    columns = {name: table[name] for name in KEY_SCHEMA.names if name in table.column_names} | {
        "exposure": exposure,
        "mjd": pa.array(toMjd(seconds), from_pandas=True),
        "time_source": time_source,
    }
    values = {name: table[name].to_numpy() for name in measurements}
    tool = _findTool(topic)
    has_detector, has_exposure = (column.null_count < len(table) for column in (table["detector"], exposure))
    level = ("run", "runDetector", "exposure", "detector")[2 * has_exposure + has_detector]
    # The database does not know a field before it has a value that is not null.
    for name in filter(wanted.isRead, declaredMeasurements(tool, level, fields)):
        values.setdefault(name, np.full(len(table), np.nan))
    return Records(
        topic=topic,
        metric=tool,
        keys=pa.table([columns[name] for name in KEY_SCHEMA.names], schema=KEY_SCHEMA),
        values=values,
        zeroIsAbsent=mode is Mode.UPSTREAM,
    )


def _findDetectors(table: pa.Table) -> dict[tuple[str, int], DetectorName]:
    """Take the names of detectors from the records, where these have them."""
    names = ("instrument", "detector", "detector_name", "raft")
    if "detector_name" not in table.column_names:
        return {}
    known = pc.and_(table["detector"].is_valid(), table["detector_name"].is_valid())
    distinct = table.select(names).filter(known).group_by(names).aggregate([]).to_pylist()
    return {
        (str(row["instrument"]), row["detector"]): DetectorName(name=row["detector_name"], raft=row["raft"])
        for row in distinct
    }
