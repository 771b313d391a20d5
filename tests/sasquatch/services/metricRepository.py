# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository with metrics of known values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pyarrow as pa
from astropy.time import Time

from lsst.analysis.cp.catalogue import Level, getProduct, measurementUnits
from lsst.analysis.cp.metrics import toArray, toTable
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.daf.butler import Butler, DatasetRef, DatasetType, Timespan
from lsst.obs.lsst import LsstComCam
from lsst.verify import Measurement

__all__ = ["EXPOSURES", "RUNS", "MetricRepository", "assertSame", "makeBundle", "makeValues", "readRows"]

INSTRUMENT = "LSSTComCam"
DAYS = (20260101, 20260105)
EXPOSURES = (2026010100001, 2026010100002, 2026010500001)
RUNS = ("u/cp/verify/20260110T120000Z", "u/cp/verify/20260111T120000Z")
NOISE = getProduct("bias")["NOISE"]


def makeValues(seed: int, level: str = "detector", **values: float) -> dict[str, float]:
    """Make the measurements of a test that every amplifier passed, with digits in all places."""
    rng = np.random.default_rng(seed)
    names = measurementUnits(NOISE, Level(level))
    made = dict.fromkeys(names, 0.0) | dict.fromkeys(("nAmps", "nValid", "nTested"), 16.0)
    made |= {name: float(rng.normal(5.0, 1.0)) for name in ("min", "median", "max")}
    made |= {f"quantity{name}": float(rng.uniform(-0.05, 0.04)) for name in ("Min", "Median", "Max")}
    return {name: made[name] for name in names} | values


def makeBundle(
    outputName: str, values: Mapping[str, Mapping[str, float]], units: Mapping[str, str]
) -> MetricMeasurementBundle:
    """Make a bundle of the measurements of some tools."""
    return MetricMeasurementBundle(
        {
            tool: [Measurement(name, u.Quantity(v, units.get(name, ""))) for name, v in measured.items()]
            for tool, measured in values.items()
        },
        metricNamePrefix=f"{outputName}_",
    )


@dataclass
class MetricRepository:
    """A repository of one instrument with three exposures of 2 s on two days, half a minute apart."""

    root: Path
    butler: Butler = field(init=False)

    def __post_init__(self) -> None:
        self.butler = Butler.from_config(str(self.root), writeable=True)
        self.camera = LsstComCam().getCamera()

    @classmethod
    def make(cls, root: Path) -> MetricRepository:
        """Make a repository without metrics."""
        Butler.makeRepo(str(root))
        repository = cls(root)
        registry = repository.butler.registry
        LsstComCam().register(registry)
        for run in RUNS:
            registry.registerRun(run)
        for day in DAYS:
            repository._insert("day_obs", id=day)
        for exposure in EXPOSURES:
            repository._insertExposure(exposure)
        return repository

    def _insert(self, dimension: str, **values: Any) -> None:
        self.butler.registry.syncDimensionData(dimension, {"instrument": INSTRUMENT, **values})

    def _insertExposure(self, exposure: int) -> None:
        day, sequence = divmod(exposure, 100000)
        begin = self.begin(exposure)
        self._insert("group", name=str(exposure))
        self._insert(
            "exposure",
            id=exposure,
            obs_id=str(exposure),
            day_obs=day,
            seq_num=sequence,
            group=str(exposure),
            physical_filter="unknown",
            exposure_time=0.0,
            timespan=Timespan(begin, begin + 2 * u.second),
        )

    def begin(self, exposure: int) -> Time:
        """Tell when an exposure began."""
        day, sequence = divmod(exposure, 100000)
        return Time(f"2026-01-{day % 100 + 1:02d}T00:00:00", scale="tai") + 30 * sequence * u.second

    def put(
        self, name: str, value: Any, storageClass: str = "MetricMeasurementBundle", **dataId: Any
    ) -> None:
        """Store a dataset with the dimensions of its data ID."""
        run = dataId.pop("run", RUNS[0])
        dimensions = ("instrument", *dataId)
        dataset_type = DatasetType(name, dimensions, storageClass, universe=self.butler.dimensions)
        self.butler.registry.registerDatasetType(dataset_type)
        self.butler.put(value, dataset_type, instrument=INSTRUMENT, run=run, **dataId)

    def findBundles(self) -> Iterator[DatasetRef]:
        """Yield all bundles of metrics."""
        for known in self.butler.registry.queryDatasetTypes("*_metrics"):
            for run in RUNS:
                yield from self.butler.query_datasets(known, run, with_dimension_records=True, explain=False)

    def putNoise(self, outputName: str, values: Mapping[str, float], **dataId: Any) -> None:
        """Store a bundle of the noise test alone."""
        units = {name: NOISE.measurementUnit(name) for name in values}
        bundle = makeBundle(outputName, {"biasNoise": values}, units)
        self.put(f"{outputName}_metrics", bundle, **dataId)


def readRows(table: pa.Table, **where: Any) -> list[dict[str, Any]]:
    """List the rows in which columns have given values, with None for what is masked."""
    converted = toTable(table)
    rows = [dict(zip(converted.colnames, values, strict=True)) for values in converted.iterrows()]
    rows = [{n: None if np.ma.is_masked(v) else v for n, v in row.items()} for row in rows]
    return [row for row in rows if all(row[name] == value for name, value in where.items())]


def assertSame(first: pa.Table, second: pa.Table) -> None:
    """Compare all rows and columns of two tables bit by bit, NaN being equal to NaN."""
    assert len(first) == len(second)
    assert first.schema.equals(second.schema)
    for name in first.column_names:
        column, other = toArray(first[name]), toArray(second[name])
        np.testing.assert_array_equal(np.ma.getmaskarray(column), np.ma.getmaskarray(other), name)
        np.testing.assert_array_equal(np.ma.getdata(column), np.ma.getdata(other), name)
