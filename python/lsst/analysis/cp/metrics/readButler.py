# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of the metrics of a repository: bundles, and summary tables of detectors."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lsst.daf.butler import Butler, DeferredDatasetHandle

from .bundles import (
    BUNDLE_STORAGE,
    BundleContent,
    FoundBundles,
    nameDataset,
    queryIds,
    readBundle,
    searchedCollections,
)
from .calibrations import CalibrationLookup
from .criteria import WantedMetrics
from .fetching import Fetched, fetchFiles
from .gatherer import RecordGatherer, describeRef
from .nights import listNightInputs, makeNightTable, readNight
from .records import DetectorName, makeTrendTable, nameDetectors
from .summaries import SUMMARY_SUFFIX, findProduct, readSummary
from .table import TrendTableError
from .times import ObservationTimes

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DatasetRef

__all__ = ["gatherNight", "readButler", "readHandles"]

_log = logging.getLogger(__name__)

_PAGE = 500
"""Number of datasets whose dimension records are in memory at once."""


def readButler(
    butler: Butler,
    collections: str | Sequence[str],
    *,
    where: str = "",
    bind: Mapping[str, Any] | None = None,
    datasetTypes: str | Iterable[str] | None = None,
    metrics: Collection[str] | None = None,
    measurements: Collection[str] | None = None,
    camera: Camera | None = None,
    calibrations: CalibrationLookup | None = None,
    findFirst: bool = False,
    product: str | None = None,
) -> pa.Table:
    """Read the metrics of any number of exposures and runs.

    Bundles and tables are read one after the other; no more is kept of each than its numbers. One that cannot
    be read is named in a warning and in the table (`unreadDatasets`), which has the rows of all others.

    Parameters
    ----------
    butler
        The repository.
    collections
        Collections to search.
    where, bind
        Data ID query, such as ``"instrument = 'LSSTCam' AND exposure.day_obs > 20260301"``, and values of the
        names in it.
    datasetTypes
        Names of dataset types: bundles of metrics, or tables ``<outputName>_detectorSummary``, which hold the
        metrics ``<outputName>Det_metrics`` of all detectors in one file and are many times faster to read. By
        default all bundles.
    metrics
        Names of tools (``biasNoise``) or topics (``cpBiasExpDet_biasNoise``); all if None.
    measurements
        Names of measurements (``median``); all if None.
    camera
        Gives the detectors their vendors, and the number of amplifiers without which that of failures cannot
        be good.
    calibrations
        The calibrations that were verified, whose begin of validity is the time of metrics of no exposure.
    findFirst
        Whether only the dataset of the first collection is read where several have the same data ID. By
        default the metrics of all runs are read.
    product
        Product of detector summary tables (``bias``); by default that in their names (``cpBias``).

    Returns
    -------
    table
        One row a value, sorted. Metrics that belong to no exposure have the time at which their calibration
        becomes valid or, if that is not known, their run was started.

    Raises
    ------
    TrendTableError
        Raised if a dataset type is neither kind, or if a metric is asked for that no dataset has that could
        be read.
    KeyError
        Raised if the catalogue has no such product.
    lsst.daf.butler.MissingDatasetTypeError
        Raised if the repository does not know a dataset type.
    """
    reader = _Reader(
        WantedMetrics(metrics, measurements), ObservationTimes(butler, calibrations), camera, product
    )
    if datasetTypes is None:
        types = butler.registry.queryDatasetTypes()
        names = sorted(each.name for each in types if each.storageClass_name == BUNDLE_STORAGE)
    else:
        names = [datasetTypes] if isinstance(datasetTypes, str) else list(datasetTypes)
    searched = searchedCollections(butler, collections)
    for name in names:
        ids = queryIds(butler, name, searched, where, bind, findFirst=findFirst)
        found = FoundBundles(butler.get_dataset_type(name), searched, ids)
        for page in found.pages(_PAGE):
            refs = found.read(butler, page)
            for gone in set(page) - {ref.id for ref in refs}:
                reader.note(f"{name} {gone}", "it was removed from the repository meanwhile")
            # The butler gives no handle of a dataset that is not stored.
            reader.read(DeferredDatasetHandle(butler=butler, ref=ref, parameters=None) for ref in refs)
    return reader.makeTable(searched)


def readHandles(
    handles: Iterable[DeferredDatasetHandle],
    *,
    nights: Sequence[DeferredDatasetHandle] = (),
    metrics: Collection[str] | None = None,
    measurements: Collection[str] | None = None,
    camera: Camera | None = None,
    times: ObservationTimes | None = None,
    needsAll: bool = True,
    product: str | None = None,
) -> pa.Table:
    """Read the metrics of datasets as `readButler` does, which has the other parameters and the errors.

    Parameters
    ----------
    handles
        Handles of bundles of metrics and detector summary tables, with dimension records.
    nights
        Handles of tables that `gatherNight` made. Summaries that are in these are not read, and of nights
        without any of the handles nothing is. A warning is logged where a table does not have the summaries
        of its night.
    metrics, measurements, camera, product
        See `readButler`.
    times
        Finds the times of datasets; by default those of exposures and in the names of runs.
    needsAll
        Whether it is an error if a metric is asked for that no dataset has.

    Returns
    -------
    table
        One row a value, sorted.
    """
    reader = _Reader(
        WantedMetrics(metrics, measurements),
        ObservationTimes() if times is None else times,
        camera,
        product,
    )
    reader.read(reader.readNights(nights, list(handles)) if nights else handles)
    return reader.makeTable(needsAll=needsAll)


def gatherNight(handles: Iterable[DeferredDatasetHandle], *, product: str | None = None) -> pa.Table:
    """Gather the metrics of the summaries of a night, from which `readHandles` reads them at once.

    Parameters
    ----------
    handles
        Handles of detector summary tables, with dimension records.
    product
        Their product; by default that in their names.

    Returns
    -------
    table
        One row an exposure and detector. A summary that cannot be read is named in a warning and in the table
        (`unreadDatasets`).
    """
    reader = _Reader(WantedMetrics(), ObservationTimes(), None, product)
    reader.read(handles)
    return reader.makeNight()


class _Reader:
    """Gathers the records of datasets, of which one that cannot be read costs nothing but itself."""

    def __init__(
        self, wanted: WantedMetrics, times: ObservationTimes, camera: Camera | None, product: str | None
    ) -> None:
        self._wanted = wanted
        self._times = times
        self._camera = camera
        self._product = product
        self._gatherer = RecordGatherer()
        self._found: set[tuple[str, str]] = set()
        self._names: dict[tuple[str, int], DetectorName] = {}
        self._runs: dict[str, None] = {}
        self._nRead = 0
        self._unread: dict[str, str] = {}
        self._inputs: dict[str, tuple[int | None, str]] = {}

    def note(self, name: str, reason: str) -> None:
        """Note that a dataset cannot be read."""
        _log.warning("%s cannot be read: %s", name, reason)
        self._unread[name] = reason

    def read(self, handles: Iterable[DeferredDatasetHandle]) -> None:
        """Read datasets; raise only for what is wrong with all of their type."""
        for fetched in fetchFiles(handles):
            ref = fetched.handle.ref
            name = ref.datasetType.name
            is_bundle = ref.datasetType.storageClass_name == BUNDLE_STORAGE
            if not is_bundle and not name.endswith(SUMMARY_SUFFIX):
                raise TrendTableError(
                    f"dataset type {name!r} is no {BUNDLE_STORAGE} and no table of a name that ends in "
                    f"{SUMMARY_SUFFIX}"
                )
            if not ref.dataId.hasRecords():
                raise ValueError(f"the data ID of {name} {ref.dataId} has no dimension records: query them")
            product = None if is_bundle else findProduct(name, self._product)
            try:
                if product is None:
                    self._readBundle(fetched)
                else:
                    tools, detectors = readSummary(
                        fetched, product, self._wanted, self._times, self._gatherer
                    )
                    self._found |= tools
                    self._names |= detectors
                    self._inputs[str(ref.id)] = _epochOf(ref), ref.run
            except Exception as error:
                # What is in a file, and how it may be lost, is not in our hands.
                self.note(nameDataset(ref), f"{type(error).__name__}: {error}")
            else:
                self._nRead += 1
                self._runs[ref.run] = None

    def readNights(
        self, nights: Sequence[DeferredDatasetHandle], handles: Sequence[DeferredDatasetHandle]
    ) -> list[DeferredDatasetHandle]:
        """Read summaries from tables of nights; return the handles of those that no table has."""
        awaited = {str(handle.ref.id): handle for handle in handles}
        kinds = {tuple(night.ref.dataId.required) for night in nights}
        expected: defaultdict[tuple[tuple[str, Any], ...], set[str]] = defaultdict(set)
        for identifier, handle in awaited.items():
            if handle.ref.datasetType.storageClass_name == BUNDLE_STORAGE:
                # No table of a night has it.
                continue
            for kind in kinds:
                expected[tuple((name, handle.ref.dataId[name]) for name in kind)].add(identifier)
        wanted = [night for night in nights if tuple(night.ref.dataId.required.items()) in expected]
        for fetched in fetchFiles(wanted):
            ref = fetched.handle.ref
            try:
                table = fetched.readTable()
                inputs = listNightInputs(table)
                taken = inputs.keys() & awaited.keys()
                content = readNight(table, {inputs[each] for each in taken}, self._wanted, self._gatherer)
            except Exception as error:
                # Nothing is lost: the summaries are there.
                reason = f"{type(error).__name__}: {error}"
                _log.warning("%s cannot be read, so that its summaries are: %s", nameDataset(ref), reason)
                continue
            self._found |= content.topics
            self._names |= content.detectors
            self._inputs |= {each: inputs[each] for each in taken}
            self._runs |= dict.fromkeys(inputs[each][1] for each in sorted(taken))
            self._nRead += 1
            of_night = expected[tuple(ref.dataId.required.items())]
            _warnOfDifferences(
                ref,
                lacking=[_epochOf(awaited[each].ref) for each in of_night - inputs.keys()],
                gone=[inputs[each][0] for each in inputs.keys() - of_night],
            )
            for each in taken:
                del awaited[each]
        return list(awaited.values())

    def _readBundle(self, fetched: Fetched) -> None:
        """Read the wanted metrics of a bundle and the name of its detector."""
        handle = fetched.handle
        ref = handle.ref
        if (text := fetched.read()) is not None:
            content = BundleContent.fromJson(text)
        elif isinstance(butler := getattr(handle, "butler", None), Butler):
            content = readBundle(butler, ref)
        else:
            # Within a quantum there may be no more than a part of a repository.
            content = BundleContent.fromJson(handle.get().json())
        rows = self._gatherer.addKeys([describeRef(ref, self._times)])
        for tool, values in content.values.items():
            topic = f"{content.prefix}{tool}"
            self._found.add((topic, tool))
            if self._wanted.hasMetric(topic, tool):
                units = {name: content.units[tool][name] for name in values if self._wanted.isRead(name)}
                self._gatherer.add(topic, tool, units, rows, [values[name] for name in units])
        record = ref.dataId.records["detector"] if "detector" in ref.dataId.dimensions else None
        if record is not None:
            # The record does not have the vendor.
            detector = DetectorName(name=record.full_name, raft=record.raft or None)
            self._names.setdefault((record.instrument, record.id), detector)

    def makeTable(self, sources: Iterable[str] = (), *, needsAll: bool = True) -> pa.Table:
        """Make the tidy table; raise if a metric is asked for that no dataset has."""
        if self._nRead and needsAll:
            self._wanted.checkFound(self._found, f"{self._nRead} dataset(s)")
        return makeTrendTable(
            self._gatherer.records(),
            detectors={**self._names, **nameDetectors(self._camera)},
            measurements=self._wanted.measurements,
            sources=dict.fromkeys([*sources, *self._runs]),
            unread=self._unread,
            inputs=self._inputs,
        )

    def makeNight(self) -> pa.Table:
        """Make the table of a night."""
        return makeNightTable(self._gatherer, self._names, unread=self._unread, inputs=self._inputs)


def _epochOf(ref: DatasetRef) -> int | None:
    """Return the exposure or visit of a dataset; None if it has none."""
    epoch = ref.dataId.mapping.get("exposure", ref.dataId.mapping.get("visit"))
    return None if epoch is None else int(epoch)


def _warnOfDifferences(
    night: DatasetRef, *, lacking: Collection[int | None], gone: Collection[int | None]
) -> None:
    """Warn that the table of a night does not have the summaries of its night."""
    if lacking:
        _log.warning(
            "%s lacks the summaries of %s, which are read one by one: gather this night again.",
            nameDataset(night),
            ", ".join(map(str, sorted(lacking, key=str))),
        )
    if gone:
        _log.warning(
            "%s has summaries of %s that were replaced or removed, or are not asked for; they are left out.",
            nameDataset(night),
            ", ".join(map(str, sorted(gone, key=str))),
        )
