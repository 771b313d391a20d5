# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Records of the bundles of a repository."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.metrics import CalibrationLookup, findObservationTime, findRunTime, readBundle

from .records import MetricRecord, makeRecords

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["RecordMaker", "readTags"]

_OUTPUT_NAME = re.compile(r"""^config\.connections\.outputName\s*=\s*(["'])(.*)\1""", re.MULTILINE)
_ENDINGS = ("Det_metrics", "_metrics")


class RecordMaker:
    """Makes the records of bundles, one bundle after another.

    What bundles of a run have in common is read once a run, and kept.

    Parameters
    ----------
    butler
        The repository.
    calibrations
        Lookup of the calibrations that were verified; None if they are not to be looked up.
    datasetTag
        Identifier to use instead of those of the bundles.
    tags
        Tags of all metrics, instead of those in the stored configurations of the tasks.
    extraFields
        Fields to add to each record.
    """

    def __init__(
        self,
        butler: Butler,
        *,
        calibrations: CalibrationLookup | None = None,
        datasetTag: str | None = None,
        tags: Sequence[str] | None = None,
        extraFields: Mapping[str, str | int | float] | None = None,
    ) -> None:
        self._butler = butler
        self._calibrations = calibrations
        self._datasetTag = datasetTag
        self._tags = tags
        self._extraFields = dict(extraFields or {})
        self._runTags: dict[tuple[str, str], Mapping[str, Sequence[str]]] = {}
        self._runTimes: dict[tuple[str, str], float] = {}

    def make(self, ref: DatasetRef) -> list[MetricRecord]:
        """Make the records of a bundle.

        Parameters
        ----------
        ref
            The bundle. Its data id has dimension records.

        Returns
        -------
        records
            One a tool, the same whenever they are made.

        Raises
        ------
        BundleError
            Raised if the dataset does not have the form of a bundle.
        FileNotFoundError
            Raised if the repository has lost it.
        ValueError
            Raised if the data id has no dimension records.
        """
        content = readBundle(self._butler, ref)
        key = (ref.run, ref.datasetType.name)
        if key not in self._runTimes:
            self._runTimes[key] = findRunTime(self._butler, ref)
        if self._tags is not None:
            tags: Mapping[str, Sequence[str]] = dict.fromkeys(content.values, self._tags)
        else:
            if key not in self._runTags:
                self._runTags[key] = readTags(self._butler, ref)
            tags = self._runTags[key]
        calibration = None
        if self._calibrations is not None and ref.dataId.hasRecords():
            time, _ = findObservationTime(ref.dataId, None, self._runTimes[key])
            calibration = self._calibrations.find(dict(ref.dataId.mapping), time)
        return makeRecords(
            content,
            ref,
            fallbackTime=self._runTimes[key],
            tags=tags,
            datasetTag=self._datasetTag,
            calibration=calibration,
            extraFields=self._extraFields,
        )


def readTags(butler: Butler, ref: DatasetRef) -> dict[str, tuple[str, ...]]:
    """Read the tags of metrics, which are not stored in bundles, from the configuration of their task.

    Parameters
    ----------
    butler
        The repository.
    ref
        A bundle.

    Returns
    -------
    tags
        Tags of each tool that has some; empty if the run has no configuration of a task that writes such
        bundles.
    """
    if not any(butler.registry.queryDatasetTypes("*_config")):
        return {}
    for stored in butler.query_all_datasets(ref.run, name="*_config", find_first=False, limit=None):
        for ending in _ENDINGS:
            output_name = ref.datasetType.name.removesuffix(ending)
            if output_name != ref.datasetType.name and output_name in _outputNames(butler, stored):
                config: Any = butler.get(stored)
                if ending == "Det_metrics" and hasattr(config, "detectorMetrics"):
                    # One action makes the metrics of all tests of detectors.
                    tags = dict.fromkeys(config.detectorMetrics.units, config.metric_tags)
                else:
                    tags = {name: tool.metric_tags for name, tool in config.atools.items()}
                return {name: tuple(own) for name, own in tags.items() if own}
    return {}


def _outputNames(butler: Butler, ref: DatasetRef) -> set[str]:
    """Read the names of outputs in a configuration, without importing its task."""
    text = butler.getURI(ref).read().decode()
    return {name for _, name in _OUTPUT_NAME.findall(text)}
