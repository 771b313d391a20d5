# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Metrics over time from a Butler repository."""

from __future__ import annotations

__all__ = ["readButler", "readHandles"]

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lsst.daf.butler import Butler, CollectionType

from .bundleContent import BundleContent, readBundle
from .bundleQuery import FoundBundles
from .calibrations import CalibrationLookup
from .detectorNames import DetectorName, DetectorNames
from .observationTimes import ObservationTimes
from .recordColumns import BlockGatherer, RecordKey
from .summaryColumns import SUMMARY_SUFFIX, readSummary
from .trendBlock import TrendBlock, makeTrendTable
from .trendTable import TrendTable, TrendTableError
from .wantedMetrics import WantedMetrics

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DatasetRef, DeferredDatasetHandle

_BUNDLE = "MetricMeasurementBundle"

_PAGE = 500


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
) -> TrendTable:
    """Read the metrics of any number of exposures and runs.

    Bundles and tables are read one after the other; no more is kept of each than its numbers.

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
        Raised if a dataset type is neither kind, or if a metric is asked for that no dataset has.
    KeyError
        Raised if the catalogue has no such product.
    lsst.daf.butler.MissingDatasetTypeError
        Raised if the repository does not know a dataset type.
    """
    if datasetTypes is None:
        names = _findBundles(butler)
    else:
        names = [datasetTypes] if isinstance(datasetTypes, str) else list(datasetTypes)
    handles = (
        butler.getDeferred(ref)
        for name in names
        for ref in _queryRefs(butler, name, collections, where, bind, findFirst)
    )
    times = ObservationTimes(butler, calibrations)
    return readHandles(
        handles, metrics=metrics, measurements=measurements, camera=camera, times=times, product=product
    )


def readHandles(
    handles: Iterable[DeferredDatasetHandle],
    *,
    metrics: Collection[str] | None = None,
    measurements: Collection[str] | None = None,
    camera: Camera | None = None,
    times: ObservationTimes | None = None,
    needsAll: bool = True,
    product: str | None = None,
) -> TrendTable:
    """Read the metrics of datasets, one after the other.

    Parameters
    ----------
    handles
        Handles of bundles of metrics and detector summary tables, with dimension records.
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

    Raises
    ------
    TrendTableError
        Raised if a dataset is neither kind, or lacks a metric that is needed.
    ValueError
        Raised if a data ID has no dimension records.
    """
    wanted = WantedMetrics(metrics, measurements, product)
    times = ObservationTimes() if times is None else times
    gatherer = BlockGatherer()
    blocks: list[TrendBlock] = []
    found: set[tuple[str, str]] = set()
    names: dict[tuple[str, int], DetectorName] = {}
    n_read = 0
    for handle in handles:
        n_read += 1
        if handle.ref.datasetType.storageClass_name == _BUNDLE:
            found |= _readBundle(handle, wanted, times, gatherer)
            _addDetector(handle.ref, names)
        elif handle.ref.datasetType.name.endswith(SUMMARY_SUFFIX):
            more, detectors_read = readSummary(handle, wanted, times)
            blocks += more
            names.update(detectors_read)
            found |= {(block.topic, block.metric) for block in more}
        else:
            raise TrendTableError(
                f"dataset type {handle.ref.datasetType.name!r} is no {_BUNDLE} and no table of a name that "
                f"ends in {SUMMARY_SUFFIX}"
            )
    if n_read and needsAll:
        wanted.checkFound(found, f"{n_read} dataset(s)")
    detectors = DetectorNames(names)
    if camera is not None:
        detectors |= DetectorNames.fromCamera(camera)
    return makeTrendTable(
        (*gatherer.blocks(), *blocks), detectors=detectors, measurements=wanted.measurements
    )


def _findBundles(butler: Butler) -> list[str]:
    """Name all types of bundles."""
    types = butler.registry.queryDatasetTypes()
    return sorted(known.name for known in types if known.storageClass_name == _BUNDLE)


def _queryRefs(
    butler: Butler,
    datasetType: str,
    collections: str | Sequence[str],
    where: str,
    bind: Mapping[str, Any] | None,
    findFirst: bool,
) -> Iterator[DatasetRef]:
    """Yield the datasets of a type with their dimension records, each once."""
    kinds = {CollectionType.RUN, CollectionType.TAGGED}
    names = list(butler.collections.query(collections, collection_types=kinds, flatten_chains=True))
    # No query is open while datasets are read: it would keep others from writing to the repository.
    with butler.query() as query:
        refs = query.datasets(datasetType, names, find_first=findFirst)
        if where:
            refs = refs.where(where, bind=bind)
        ids = dict.fromkeys(ref.id.bytes for ref in refs)
    found = FoundBundles(butler.get_dataset_type(datasetType), names, b"".join(ids))
    for page in found.pages(_PAGE):
        yield from found.read(butler, page)


def _readBundle(
    handle: DeferredDatasetHandle, wanted: WantedMetrics, times: ObservationTimes, gatherer: BlockGatherer
) -> set[tuple[str, str]]:
    """Read the wanted metrics of a bundle, and return the topics and tools that it has."""
    ref = handle.ref
    if isinstance(butler := getattr(handle, "butler", None), Butler):
        content = readBundle(butler, ref)
    else:
        # Within a quantum there may be no more than a part of a repository.
        name = f"{ref.datasetType.name} {ref.dataId} of {ref.run}"
        content = BundleContent.fromBundle(handle.get(), name)
    key = RecordKey.fromRef(ref, times)
    for tool, values in content.values.items():
        topic = f"{content.prefix}{tool}"
        if wanted.hasMetric(topic, tool):
            read = {name: value for name, value in values.items() if wanted.isRead(name)}
            gatherer.add(key, topic, tool, read, content.units[tool])
    return {(f"{content.prefix}{tool}", tool) for tool in content.values}


def _addDetector(ref: DatasetRef, names: dict[tuple[str, int], DetectorName]) -> None:
    """Add the name of a bundle's detector from its dimension record, which has no vendor."""
    record = ref.dataId.records["detector"] if "detector" in ref.dataId.dimensions else None
    if record is not None and (key := (record.instrument, record.id)) not in names:
        names[key] = DetectorName(name=record.full_name, raft=record.raft or None)
