# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Metrics over time from the InfluxDB of Sasquatch."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from astropy.time import Time

from lsst.analysis.cp.metrics import (
    DetectorName,
    TrendTableError,
    WantedMetrics,
    makeTrendTable,
    nameDetectors,
)

from .influxClient import InfluxClient, quoteName, quotePattern, quoteText
from .influxLogin import InfluxLogin
from .schemas import Mode
from .topicRecords import TopicRecords, findTool, measurementFields, recordFields

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["readSasquatch"]


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
        One row a value, sorted. Values that are null are NaN. So are those of upstream's topics that are not
        valid by their count, which are 0 there, and tested quantities of which all are 0; these topics have
        32-bit floats, and no time of the exposure (``mjd`` is masked).

    Raises
    ------
    InfluxError
        Raised if the address is refused, or the database cannot be read or is not complete.
    LoginError
        Raised if the user, password or token cannot be used as it is given.
    TrendTableError
        Raised if the namespace has no topics, or a metric is asked for that has none.
    """
    wanted = WantedMetrics(metrics, measurements)
    mode = Mode.UPSTREAM if upstreamSchema else Mode.OWN
    login = InfluxLogin.find(user, passwordFile, tokenFile)
    client = InfluxClient(url, database, login=login, retentionPolicy=retentionPolicy, timeout=timeout)
    conditions = _makeConditions(instrument, runs, start, end)
    blocks = []
    detectors: dict[tuple[str, int], DetectorName] = {}
    try:
        prefix = f"{mode.space(namespace)}."
        topics = _findTopics(client, prefix)
        if not topics:
            raise TrendTableError(f"database {database} at {client.address} has no topics {prefix}*")
        wanted.checkFound({(topic, findTool(topic)) for topic in topics}, f"namespace {prefix}")
        for topic, fields in topics.items():
            if wanted.hasMetric(topic, findTool(topic)):
                names = [name for name in measurementFields(topic, fields, mode) if wanted.isRead(name)]
                records = TopicRecords(topic, names, mode)
                columns = ", ".join(quoteName(name) for name in (*recordFields(mode), *names))
                for series in client.query(
                    f"SELECT {columns} FROM {quoteName(prefix + topic)}{conditions} ORDER BY time"
                ):
                    records.add(series)
                blocks.append(records.makeRecords())
                detectors |= records.detectors()
    finally:
        client.close()
    return makeTrendTable(
        blocks,
        detectors={**detectors, **nameDetectors(camera)},
        measurements=measurements,
        sources=[f"database {database} at {client.address}"],
    )


def _findTopics(client: InfluxClient, prefix: str) -> dict[str, dict[str, str]]:
    """Find the topics whose names start with a prefix, and the types of their fields; sorted."""
    topics: dict[str, dict[str, str]] = {}
    for series in client.query(f"SHOW FIELD KEYS FROM {quotePattern(prefix)}"):
        topics.setdefault(series.name.removeprefix(prefix), {}).update(dict(series.values))
    return dict(sorted(topics.items()))


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
    terms += [f"time >= {_nanoseconds(start)}"] if start is not None else []
    terms += [f"time < {_nanoseconds(end)}"] if end is not None else []
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def _nanoseconds(time: Time) -> int:
    """Count the nanoseconds since 1970 UTC, to microseconds."""
    return round(time.utc.unix * 1e6) * 1000
