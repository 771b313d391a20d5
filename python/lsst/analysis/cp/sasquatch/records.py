# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of a time series, made of stored bundles of metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lsst.analysis.cp.catalogue import validityCount
from lsst.analysis.cp.metrics import (
    BundleContent,
    Calibration,
    findObservationTime,
    findUpstreamTime,
    makeTimestamp,
    parseRunTime,
)

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

__all__ = ["MetricRecord", "makeRecords"]

DEFAULT_TAG = "Generic"
"""Tag of measurements that have none, as upstream calls it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricRecord:
    """One point of a time series: the measurements of one tool from one bundle.

    All times are in seconds since 1970 UTC.

    Parameters
    ----------
    topic
        Name of the topic without namespace, such as ``cpBiasExp_biasNoise``.
    datasetId, run, datasetType
        Id, RUN collection and dataset type of the bundle.
    dataId
        Values of all dimensions that the data id implies.
    detectorName, raft
        Name and raft of the detector; None if the bundle is not one detector's.
    observationTime
        When the light was gathered: middle of the exposure, or begin of validity of a calibration.
    timeSource
        Where ``observationTime`` comes from: see `findObservationTime`.
    timestamp
        ``observationTime`` moved by less than a second, so that no two data ids of a topic have the same: see
        `makeTimestamp`.
    runTime
        When the run was started.
    upstreamTime, referencePackage
        Timestamp, and name of the reference package, that upstream sends.
    calibration
        The calibration that was verified; None if unknown.
    datasetTag
        Identifier of the dataset from the configuration of the task.
    tags
        Tags of the metrics from the configuration of the tool.
    extraFields
        Further fields of the record.
    values
        Value of each measurement by its name; None where there is no valid one.
    units
        Unit of each measurement by its name; empty if dimensionless.
    """

    topic: str
    datasetId: UUID
    run: str
    datasetType: str
    dataId: Mapping[str, int | str]
    detectorName: str | None = None
    raft: str | None = None
    observationTime: float
    timeSource: str
    timestamp: float
    runTime: float
    upstreamTime: float
    referencePackage: str = ""
    calibration: Calibration | None = None
    datasetTag: str = DEFAULT_TAG
    tags: tuple[str, ...] = ()
    extraFields: Mapping[str, str | int | float] = field(default_factory=dict)
    values: Mapping[str, float | None]
    units: Mapping[str, str]

    @property
    def instrument(self) -> str | None:
        """Name of the instrument."""
        return self._name("instrument")

    @property
    def detector(self) -> int | None:
        """Id of the detector; None if the bundle is not one detector's."""
        return self._number("detector")

    @property
    def exposure(self) -> int | None:
        """Id of the exposure; None if the bundle is not one exposure's."""
        return self._number("exposure")

    @property
    def day_obs(self) -> int | None:
        """Day of observation; None if the bundle is not one exposure's."""
        return self._number("day_obs")

    @property
    def physical_filter(self) -> str | None:
        """Name of the filter; None if the bundle is not one filter's."""
        return self._name("physical_filter")

    def _number(self, dimension: str) -> int | None:
        value = self.dataId.get(dimension)
        return None if value is None else int(value)

    def _name(self, dimension: str) -> str | None:
        value = self.dataId.get(dimension)
        return None if value is None else str(value)


def keepValid(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Drop the values that are not valid, as `validityCount` tells."""
    valid = dict(values)
    for name in values:
        count = validityCount(name)
        if count is not None and count in values and not values[count]:
            valid[name] = None
    return valid


def makeRecords(
    content: BundleContent,
    ref: DatasetRef,
    *,
    fallbackTime: float,
    tags: Mapping[str, Sequence[str]] | None = None,
    datasetTag: str | None = None,
    calibration: Calibration | None = None,
    extraFields: Mapping[str, str | int | float] | None = None,
) -> list[MetricRecord]:
    """Make the records of one bundle, one a tool.

    Parameters
    ----------
    content
        The bundle.
    ref
        Where it is stored. Its data id has dimension records.
    fallbackTime
        Time of the run if its name has none, s since 1970 UTC; must be the same whenever the bundle is sent.
    tags
        Tags of each tool's metrics by the name of the tool: see `readTags`.
    datasetTag
        Identifier to use instead of that of the bundle.
    calibration
        The calibration that was verified.
    extraFields
        Fields to add to each record.

    Returns
    -------
    records
        In the order of the tools of the bundle.

    Raises
    ------
    ValueError
        Raised if the data id has no dimension records.
    """
    context = _describeDataset(content, ref, fallbackTime, calibration)
    context["datasetTag"] = datasetTag or content.datasetIdentifier or DEFAULT_TAG
    context["extraFields"] = dict(extraFields or {})
    return [
        MetricRecord(
            topic=f"{content.prefix}{tool}",
            tags=tuple((tags or {}).get(tool, ())),
            values=keepValid(values),
            units=content.units[tool],
            **context,
        )
        for tool, values in content.values.items()
    ]


def _describeDataset(
    content: BundleContent, ref: DatasetRef, fallback_time: float, calibration: Calibration | None
) -> dict[str, Any]:
    """Collect what all records of a bundle have in common."""
    if not ref.dataId.hasRecords():
        raise ValueError(
            f"the data id of {ref.datasetType.name} {ref.dataId} has no dimension records: query them, too"
        )
    run_time = parseRunTime(ref.run)
    run_time = fallback_time if run_time is None else run_time
    begin = None if calibration is None else calibration.validityBegin
    observation_time, source = findObservationTime(ref.dataId, begin, run_time)
    detector = ref.dataId.records["detector"] if "detector" in ref.dataId.dimensions else None
    by_package = content.timestampVersion == "reference_package_timestamp"
    return {
        "datasetId": ref.id,
        "run": ref.run,
        "datasetType": ref.datasetType.name,
        "dataId": dict(ref.dataId.mapping),
        "detectorName": None if detector is None else detector.full_name,
        "raft": None if detector is None else detector.raft,
        "observationTime": observation_time,
        "timeSource": source,
        "timestamp": makeTimestamp(observation_time, ref.dataId, ref.run),
        "runTime": run_time,
        "upstreamTime": findUpstreamTime(content.timestampVersion, run_time),
        "referencePackage": (content.referencePackage or "") if by_package else "",
        "calibration": calibration,
    }
