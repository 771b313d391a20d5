# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of a time series, in the JSON encoding of Avro, made of stored bundles of metrics."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from uuid import UUID

from lsst.analysis.cp.catalogue import validityCount
from lsst.analysis.cp.metrics import (
    BundleContent,
    Calibration,
    CalibrationLookup,
    ObservationTimes,
    findObservationTime,
    findUpstreamTime,
    makeTimestamp,
    readBundle,
)

from .schemas import IDENTIFIERS, Mode, extraType, makeSchema

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef
    from lsst.resources import ResourcePath

__all__ = ["OutgoingRecord", "RecordMaker", "encodeBundle", "readTags"]

_LOG = logging.getLogger(__name__)

# Tag of measurements that have none, as upstream calls it.
_DEFAULT_TAG = "Generic"
_OUTPUT_NAME = re.compile(r"""^config\.connections\.outputName\s*=\s*(["'])(.*)\1""", re.MULTILINE)
_ENDINGS = ("Det_metrics", "_metrics")


@dataclass(frozen=True, slots=True, eq=False)
class OutgoingRecord:
    """One point of a time series as it is sent: the measurements of one tool from one bundle."""

    datasetId: UUID
    """The bundle."""

    topic: str
    """Full name of the topic."""

    schema: str
    """Avro schema as JSON, the same for all of the topic."""

    payload: bytes
    """The record as JSON in the encoding of Avro, with the fields in the order of the schema."""

    point: int | None = None
    """Hash of dataset type and time, by which points that replace each other are found; not upstream's."""


def encodeBundle(
    content: BundleContent,
    ref: DatasetRef,
    namespace: str,
    mode: Mode,
    *,
    runTime: float,
    tags: Mapping[str, Sequence[str]] | None = None,
    datasetTag: str | None = None,
    calibration: Calibration | None = None,
    extraFields: Mapping[str, str | int | float] | None = None,
) -> list[OutgoingRecord]:
    """Make the records of one bundle, one a tool.

    Parameters
    ----------
    content, ref
        The bundle, and where it is stored. Its data id has dimension records.
    namespace, mode
        Namespace of the topics, such as ``lsst.cp``, and which kind of topics they are sent to.
    runTime
        When the run was started, s since 1970 UTC; must be the same whenever the bundle is sent.
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
        Raised if the data id has no dimension records, two fields have one name or one that Avro refuses, or
        an extra field is no string, real number or whole number of 32 bits.
    """
    if not ref.dataId.hasRecords():
        raise ValueError(
            f"the data id of {ref.datasetType.name} {ref.dataId} has no dimension records: query them, too"
        )
    describe = _describeOwn if mode is Mode.OWN else _describeUpstream
    common = describe(content, ref, runTime, calibration)
    common["dataset_tag"] = datasetTag or content.datasetIdentifier or _DEFAULT_TAG
    extra = dict(extraFields or {})
    extra_types = tuple((name, extraType(name, value)) for name, value in extra.items())
    point = None
    if mode is Mode.OWN:
        text = f"{ref.datasetType.name} {common['timestamp']!r}"
        point = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), signed=True)
    records = []
    for tool, values in content.values.items():
        own_tags = tuple((tags or {}).get(tool, ()))
        measurements = {
            name: _encodeValue(None if _isInvalid(name, values) else value, mode)
            for name, value in values.items()
        }
        if mode is Mode.OWN:
            value = {**common, "tags": ",".join(own_tags), **extra, **measurements}
        else:
            value = {**common, **extra, "tags": list(own_tags), **measurements}
        topic = f"{content.prefix}{tool}"
        units = tuple(content.units[tool].items())
        schema = makeSchema(topic, namespace, mode, units, extra_types, bool(own_tags))
        payload = json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
        records.append(OutgoingRecord(ref.id, f"{mode.space(namespace)}.{topic}", schema, payload, point))
    return records


def _isInvalid(name: str, values: Mapping[str, float | None]) -> bool:
    """Whether no valid value went into a measurement, as `validityCount` tells."""
    count = validityCount(name)
    return count is not None and count in values and not values[count]


def _encodeValue(value: float | None, mode: Mode) -> float | dict[str, float] | None:
    if mode is Mode.OWN:
        return None if value is None else {"double": value}
    return 0.0 if value is None else value


def _describeOwn(
    content: BundleContent, ref: DatasetRef, run_time: float, calibration: Calibration | None
) -> dict[str, Any]:
    """List what all records of a bundle have in common, in the order of the fields."""
    begin, end = (calibration.validityBegin, calibration.validityEnd) if calibration else (None, None)
    time, source = findObservationTime(ref.dataId, begin, run_time)
    detector = ref.dataId.records["detector"] if "detector" in ref.dataId.dimensions else None
    return {
        "timestamp": makeTimestamp(time, ref.dataId, ref.run),
        "observation_time": time,
        "time_source": source,
        "run_time": run_time,
        "id": str(ref.id),
        "run": ref.run,
        "dataset_type": ref.datasetType.name,
        "dataset_tag": "",
        **_identify(ref),
        "detector_name": (detector and detector.full_name) or "",
        "raft": (detector and detector.raft) or "",
        "validity_begin": _encodeValue(begin, Mode.OWN),
        "validity_end": _encodeValue(end, Mode.OWN),
        "calib_collection": calibration.collection if calibration else "",
        "calib_run": calibration.run if calibration else "",
        "calib_id": str((calibration and calibration.datasetId) or ""),
    }


def _describeUpstream(
    content: BundleContent, ref: DatasetRef, run_time: float, calibration: Calibration | None
) -> dict[str, Any]:
    """List what upstream sends with all records of a bundle, in the order of the fields."""
    by_package = content.timestampVersion == "reference_package_timestamp"
    return {
        "id": str(ref.id),
        "run": ref.run,
        "dataset_type": ref.datasetType.name,
        "reference_package": (content.referencePackage or "") if by_package else "",
        "reference_package_version": "",
        "reference_package_timestamp": 0.0,
        "run_timestamp": run_time,
        "timestamp": findUpstreamTime(content.timestampVersion, run_time),
        "dataset_tag": "",
        **_identify(ref),
    }


def _identify(ref: DatasetRef) -> dict[str, str]:
    return {name: str(ref.dataId.mapping.get(name, "")) for name in IDENTIFIERS}


class RecordMaker:
    """Makes the records of bundles, one bundle after another.

    What bundles of a run have in common is read once a run, and kept.

    Parameters
    ----------
    butler
        The repository.
    namespace
        Namespace of the topics, such as ``lsst.cp``.
    mode
        Which kind of topics.
    calibrations
        Lookup of the calibrations that were verified; None if they are not to be looked up.
    datasetTag
        Identifier to use instead of those of the bundles.
    tags
        Tags of all metrics, instead of those in the stored configurations of the tasks.
    extraFields
        Fields to add to each record.

    Attributes
    ----------
    untagged
        Number of runs whose tags could not be read, by dataset type; their records have none.
    """

    def __init__(
        self,
        butler: Butler,
        namespace: str,
        mode: Mode,
        *,
        calibrations: CalibrationLookup | None = None,
        datasetTag: str | None = None,
        tags: Sequence[str] | None = None,
        extraFields: Mapping[str, str | int | float] | None = None,
    ) -> None:
        self.mode = mode
        self.untagged = 0
        self._butler = butler
        self._namespace = namespace
        self._times = ObservationTimes(butler, calibrations)
        self._datasetTag = datasetTag
        self._tags = tags
        self._extraFields = extraFields
        self._storedTags: dict[tuple[str, str], Mapping[str, Sequence[str]]] = {}

    def make(self, ref: DatasetRef, uri: ResourcePath | None = None) -> list[OutgoingRecord]:
        """Make the records of a bundle, whose data id has dimension records: the same whenever they are made.

        Its file may be known. What is odd about it is a BundleError, FileNotFoundError or ValueError.
        """
        content = readBundle(self._butler, ref, uri)
        key = (ref.run, ref.datasetType.name)
        if key not in self._storedTags:
            self._storedTags[key] = self._findTags(ref)
        return encodeBundle(
            content,
            ref,
            self._namespace,
            self.mode,
            runTime=self._times.findRunTime(ref),
            tags=self._storedTags[key] if self._tags is None else dict.fromkeys(content.values, self._tags),
            datasetTag=self._datasetTag,
            calibration=self._times.findCalibration(ref) if ref.dataId.hasRecords() else None,
            extraFields=self._extraFields,
        )

    def _findTags(self, ref: DatasetRef) -> Mapping[str, Sequence[str]]:
        """Find the stored tags; without these the numbers are still worth sending."""
        if self._tags is not None:
            return {}
        try:
            return readTags(self._butler, ref)
        except ValueError as error:
            _LOG.error("Records of %s of %s have no tags: %s", ref.datasetType.name, ref.run, error)
            self.untagged += 1
            return {}


def readTags(butler: Butler, ref: DatasetRef) -> dict[str, tuple[str, ...]]:
    """Read the tags of each tool's metrics, which are not stored in bundles, from their task's configuration.

    They are empty if the run has no configuration of a task that writes such bundles; if it may be one that
    cannot be read, that is a ValueError.
    """
    unread = ""
    if any(butler.registry.queryDatasetTypes("*_config")):
        for stored in butler.query_all_datasets(ref.run, name="*_config", find_first=False, limit=None):
            try:
                tags = _readConfigTags(butler, stored, ref.datasetType.name)
            except Exception as error:
                # What is in a file, and how it may be lost, is not in our hands.
                unread = f"{stored.datasetType.name} cannot be read: {type(error).__name__}: {error}"
                continue
            if tags is not None:
                return tags
    if unread:
        raise ValueError(unread)
    return {}


def _readConfigTags(butler: Butler, stored: DatasetRef, bundleType: str) -> dict[str, tuple[str, ...]] | None:
    """Read the tags of the bundles of a type from a configuration; None if its task does not write these."""
    # Names of outputs are read without importing the task.
    text = butler.getURI(stored).read().decode()
    names = {name for _, name in _OUTPUT_NAME.findall(text)}
    for ending in _ENDINGS:
        output_name = bundleType.removesuffix(ending)
        if output_name != bundleType and output_name in names:
            config: Any = butler.get(stored)
            if ending == "Det_metrics" and hasattr(config, "detectorMetrics"):
                # One action makes the metrics of all tests of detectors.
                tags = dict.fromkeys(config.detectorMetrics.units, config.metric_tags)
            else:
                tags = {name: tool.metric_tags for name, tool in config.atools.items()}
            return {name: tuple(own) for name, own in tags.items() if own}
    return None
