# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Reading of the metrics of a repository: bundles, and summary tables of detectors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.analysis.cp.catalogue import Product, Test, getProduct, measurementUnits, products, summaryColumn
from lsst.analysis.cp.core import floatColumn, idColumn, nameColumn
from lsst.daf.butler import Butler

from .blocks import (
    BlockGatherer,
    DetectorName,
    DetectorNames,
    DetectorsById,
    RecordKey,
    TrendBlock,
    findRaft,
    makeTrendTable,
)
from .bundles import BUNDLE_STORAGE, BundleContent, FoundBundles, queryIds, readBundle, searchedCollections
from .calibrations import CalibrationLookup
from .criteria import neededMeasurements
from .table import Labels, TrendTable, TrendTableError
from .times import ObservationTimes, toMjd

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import DeferredDatasetHandle

__all__ = ["WantedMetrics", "readButler", "readHandles"]

_PAGE = 500
"""Number of datasets whose dimension records are in memory at once."""

SUMMARY_SUFFIX = "_detectorSummary"
"""End of the names of dataset types of detector summary tables."""

_DETECTOR_COLUMNS = ("detector", "detectorName", "physicalType", "nAmps", "nAmpsMissing")


@dataclass(frozen=True)
class WantedMetrics:
    """A choice of metrics.

    Parameters
    ----------
    metrics
        Names of tools or topics; all if None.
    measurements
        Names of measurements; all if None.
    product
        Product of detector summary tables; by default that in their names (``cpBias``).

    Raises
    ------
    TrendTableError
        Raised if one of these is a text, not a collection of texts.
    """

    metrics: Collection[str] | None = None
    measurements: Collection[str] | None = None
    product: str | None = None

    def __post_init__(self) -> None:
        for name in ("metrics", "measurements"):
            if isinstance(value := getattr(self, name), str):
                raise TrendTableError(f"{name} is {value!r}, expected a list of names, such as [{value!r}]")

    def hasMetric(self, topic: str, metric: str) -> bool:
        """Tell whether a metric is asked for by the name of its topic or tool."""
        return self.metrics is None or topic in self.metrics or metric in self.metrics

    def isRead(self, measurement: str) -> bool:
        """Tell whether a measurement is asked for, or tells something of one that is."""
        return self.measurements is None or measurement in neededMeasurements(self.measurements)

    def checkFound(self, found: Collection[tuple[str, str]], source: str) -> None:
        """Raise if a metric is asked for that there is not.

        Parameters
        ----------
        found
            Topics and tools that there are.
        source
            Where they are, for the message.

        Raises
        ------
        TrendTableError
            Raised if there is not one for each.
        """
        known = {name for names in found for name in names}
        if missing := sorted(set(self.metrics or ()) - known):
            tools = ", ".join(sorted({tool for _, tool in found})) or "none"
            raise TrendTableError(f"{source}: no metric {', '.join(missing)}; there are {tools}")


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
        types = butler.registry.queryDatasetTypes()
        names = sorted(each.name for each in types if each.storageClass_name == BUNDLE_STORAGE)
    else:
        names = [datasetTypes] if isinstance(datasetTypes, str) else list(datasetTypes)

    def findHandles() -> Iterator[DeferredDatasetHandle]:
        searched = searchedCollections(butler, collections)
        for name in names:
            # Of several collections with the same dataset each gives its id.
            ids = dict.fromkeys(queryIds(butler, name, searched, where, bind, findFirst=findFirst))
            found = FoundBundles(butler.get_dataset_type(name), searched, b"".join(ids))
            for page in found.pages(_PAGE):
                yield from map(butler.getDeferred, found.read(butler, page))

    return readHandles(
        findHandles(),
        metrics=metrics,
        measurements=measurements,
        camera=camera,
        times=ObservationTimes(butler, calibrations),
        product=product,
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
        if handle.ref.datasetType.storageClass_name == BUNDLE_STORAGE:
            found |= _readBundle(handle, wanted, times, gatherer, names)
        elif handle.ref.datasetType.name.endswith(SUMMARY_SUFFIX):
            more, detectors_read = _readSummary(handle, wanted, times)
            blocks += more
            names |= detectors_read
            found |= {(block.topic, block.metric) for block in more}
        else:
            raise TrendTableError(
                f"dataset type {handle.ref.datasetType.name!r} is no {BUNDLE_STORAGE} and no table of a name "
                f"that ends in {SUMMARY_SUFFIX}"
            )
    if n_read and needsAll:
        wanted.checkFound(found, f"{n_read} dataset(s)")
    detectors = DetectorNames(names)
    if camera is not None:
        detectors |= DetectorNames.fromCamera(camera)
    return makeTrendTable(
        (*gatherer.blocks(), *blocks), detectors=detectors, measurements=wanted.measurements
    )


def _readBundle(
    handle: DeferredDatasetHandle,
    wanted: WantedMetrics,
    times: ObservationTimes,
    gatherer: BlockGatherer,
    names: dict[tuple[str, int], DetectorName],
) -> set[tuple[str, str]]:
    """Read the wanted metrics of a bundle and the name of its detector; return its topics and tools."""
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
    record = ref.dataId.records["detector"] if "detector" in ref.dataId.dimensions else None
    if record is not None:
        # The record does not have the vendor.
        names.setdefault(
            (record.instrument, record.id), DetectorName(name=record.full_name, raft=record.raft or None)
        )
    return {(f"{content.prefix}{tool}", tool) for tool in content.values}


def _readSummary(
    handle: DeferredDatasetHandle, wanted: WantedMetrics, times: ObservationTimes
) -> tuple[list[TrendBlock], DetectorsById]:
    """Read the wanted columns of a detector summary table: a block for each test, and the detectors."""
    key = RecordKey.fromRef(handle.ref, times)
    name = handle.ref.datasetType.name
    stored = {str(column) for column in handle.get(component="columns")}
    if missing := [column for column in _DETECTOR_COLUMNS if column not in stored]:
        raise TrendTableError(f"{name} {handle.dataId} lacks column(s) {', '.join(missing)}")
    stem = f"{name.removesuffix(SUMMARY_SUFFIX)}Det_"
    columns = {
        test.toolName: found
        for test in _findProduct(name, wanted.product)
        if wanted.hasMetric(f"{stem}{test.toolName}", test.toolName)
        and (found := _findColumns(test, key, stored, wanted))
    }
    needed = {column for found in columns.values() for column in found.values()}
    table = handle.get(parameters={"columns": sorted({*_DETECTOR_COLUMNS, *needed})})
    blocks = [_makeBlock(table, key, f"{stem}{tool}", tool, found) for tool, found in columns.items()]
    n_amps = np.asarray(table["nAmps"]) + np.asarray(table["nAmpsMissing"])
    texts = (nameColumn(table[column], column)[0].tolist() for column in ("detectorName", "physicalType"))
    detectors = {
        (key.instrument, number): DetectorName(
            name=detector, raft=findRaft(detector), physicalType=vendor or None, nAmps=count
        )
        for number, detector, vendor, count in zip(
            table["detector"].tolist(), *texts, n_amps.tolist(), strict=True
        )
    }
    return blocks, detectors


def _findProduct(datasetType: str, product: str | None) -> Product:
    """Find the product that a table belongs to, by the table's name if it is not said."""
    stems = {name: f"cp{name[0].upper()}{name[1:]}" for name in products()}
    found = [product] if product else [name for name, stem in stems.items() if stem in datasetType]
    if len(found) != 1:
        raise TrendTableError(
            f"dataset type {datasetType!r} names no product: say which, or expected one of "
            f"{', '.join(stems.values())} in it"
        )
    return getProduct(found[0])


def _findColumns(test: Test, key: RecordKey, stored: Set[str], wanted: WantedMetrics) -> dict[str, str]:
    """Find the column of each wanted measurement; none if the table was made without the test."""
    # A table of no exposure is one of a run, or of a calibration, whose columns are those of an exposure.
    for level in ("detector",) if key.exposure >= 0 else ("runDetector", "detector"):
        columns = {name: summaryColumn(test, name) for name in measurementUnits(test, level)}
        if stored >= set(columns.values()):
            return {name: column for name, column in columns.items() if wanted.isRead(name)}
    return {}


def _makeBlock(
    table: Table, key: RecordKey, topic: str, metric: str, columns: Mapping[str, str]
) -> TrendBlock:
    """Make records of the rows of a table."""
    n = len(table)
    units = {name: table[column].unit for name, column in columns.items()}
    return TrendBlock(
        topic=topic,
        metric=metric,
        units={name: "" if unit is None else unit.to_string() for name, unit in units.items()},
        values={name: floatColumn(table[column], column) for name, column in columns.items()},
        instrument=Labels.constant(key.instrument, n),
        physical_filter=Labels.constant(key.physical_filter, n),
        run=Labels.constant(key.run, n),
        detector=idColumn(table["detector"], "detector")[0],
        exposure=np.full(n, key.exposure),
        day_obs=np.full(n, key.day_obs),
        mjd=np.repeat(toMjd(np.array([key.seconds])), n),
    )
