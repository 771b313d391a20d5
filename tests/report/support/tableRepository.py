# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Repositories with the tables that merges write, of made-up results, of any camera and size."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import numpy.typing as npt
from astropy.table import Table
from astropy.time import Time
from resultColumns import Columns, makeAmpTable

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import CameraLayout, cameraLayout
from lsst.analysis.cp.core.amps import (
    AmpTable,
    ampSummaryTable,
    culpritsTable,
    detectorSummaryTable,
    summarize,
)
from lsst.analysis.cp.core.tableLimits import recordLimits
from lsst.daf.butler import Butler, DatasetRef, DatasetType, Timespan
from lsst.obs.base import Instrument
from lsst.obs.lsst import LsstCam, LsstComCam

__all__ = [
    "DAY",
    "EXPOSURES",
    "RUN",
    "TableRepository",
    "chooseAmps",
    "exposureIds",
    "failAmps",
    "makeLargeRepository",
    "makeTables",
    "withoutDetectors",
]

RUN = "u/someone/verify/20260302T120000Z"
DAY = 20260301


def exposureIds(number: int, first: int = 1) -> tuple[int, ...]:
    """List ids of exposures of one day."""
    return tuple(DAY * 100000 + first + i for i in range(number))


def makeTables(table: AmpTable, *, withLimits: bool = True) -> dict[str, Table]:
    """Make the three tables of results, as merges do."""
    made = {
        "detectorSummary": detectorSummaryTable(summarize(table, "detector")),
        "ampSummary": ampSummaryTable(table),
        "culprits": culpritsTable(table),
    }
    if withLimits:
        for each in made.values():
            recordLimits(each, table.tests)
    return made


EXPOSURES = exposureIds(3)
"""Exposures of the repository that most tests use."""


@dataclass
class TableRepository:
    """A repository of one instrument.

    Parameters
    ----------
    root
        Where it is.
    instrument
        Its instrument.
    """

    root: Path
    instrument: Instrument = field(default_factory=LsstComCam)
    butler: Butler = field(init=False)

    def __post_init__(self) -> None:
        if not self.root.exists():
            Butler.makeRepo(str(self.root))
        self.butler = Butler.from_config(str(self.root), writeable=True)
        self.instrument.register(self.butler.registry)
        self.butler.registry.registerRun(RUN)

    @property
    def name(self) -> str:
        """Name of the instrument."""
        return self.instrument.getName()

    @property
    def layout(self) -> CameraLayout:
        """The camera."""
        return cameraLayout(self._camera)

    @property
    def _camera(self) -> Any:
        if not hasattr(self, "_built"):
            self._built = self.instrument.getCamera()
        return self._built

    def addExposures(self, ids: Iterable[int], physicalFilter: str = "unknown") -> None:
        """Add records of exposures, and visits of the same ids."""
        registry, name = self.butler.registry, self.name
        registry.syncDimensionData("day_obs", {"instrument": name, "id": DAY})
        registry.syncDimensionData("visit_system", {"instrument": name, "id": 0, "name": "one-to-one"})
        for number in ids:
            start = Time("2026-03-02T00:00:00", scale="tai") + (number % 100000) * 30 * u.s
            common = {
                "instrument": name,
                "day_obs": DAY,
                "physical_filter": physicalFilter,
                "exposure_time": 15.0,
                "timespan": Timespan(start, start + 15 * u.s),
            }
            registry.syncDimensionData("group", {"instrument": name, "name": str(number)})
            own = {"id": number, "obs_id": str(number), "seq_num": number % 100000, "group": str(number)}
            registry.syncDimensionData("exposure", common | own)
            registry.syncDimensionData("visit", common | {"id": number, "name": str(number)})
            keys = {"instrument": name, "exposure": number, "visit": number}
            registry.syncDimensionData("visit_definition", keys)

    def put(
        self, name: str, value: Any, storageClass: str = "ArrowAstropy", *, run: str = RUN, **dataId: Any
    ) -> DatasetRef:
        """Store a dataset with the dimensions of its data ID."""
        dimensions = ("instrument", *dataId)
        dataset_type = DatasetType(name, dimensions, storageClass, universe=self.butler.dimensions)
        self.butler.registry.registerDatasetType(dataset_type)
        self.butler.registry.registerRun(run)
        return self.butler.put(value, dataset_type, instrument=self.name, run=run, **dataId)

    def putTables(
        self,
        product: str,
        exposure: int | None = None,
        *,
        run: str = RUN,
        output: str = "",
        without: Sequence[str] = (),
        withLimits: bool = True,
        **options: Any,
    ) -> AmpTable:
        """Store the tables of one exposure, or of a calibration without exposures.

        Parameters
        ----------
        product
            Name of the product.
        exposure
            Id of the exposure or visit; None for a calibration without exposures.
        run
            RUN collection.
        output
            What the names of the dataset types begin with; by default as pipelines do.
        without
            Ends of the names of tables that are not stored.
        withLimits
            Whether limits are recorded, as older versions do not.
        **options
            Of `makeAmpTable`.

        Returns
        -------
        table
            The results.
        """
        table = makeAmpTable(product, self.layout, exposure, **options)
        stem = f"cp{product[0].upper()}{product[1:]}"
        output = output or f"{stem}{'Run' if exposure is None else 'Exp'}"
        data_id = {} if exposure is None else {getProduct(product).epoch: exposure}
        for name, each in makeTables(table, withLimits=withLimits).items():
            if name not in without:
                self.put(f"{output}_{name}", each, run=run, **data_id)
        return table

    def pathOf(self, name: str, run: str = RUN, **dataId: Any) -> Path:
        """Return the file of a dataset."""
        return Path(self.butler.getURI(name, instrument=self.name, collections=run, **dataId).ospath)

    def open(self, **kwargs: Any) -> Butler:
        """Open it for reading."""
        return Butler.from_config(str(self.root), writeable=False, **kwargs)


def failAmps(column: str, value: float, *amps: tuple[int, str]) -> Callable[[Columns], None]:
    """Return what gives some amplifiers, or all if none is given, a value."""

    def change(columns: Columns) -> None:
        columns[column][chooseAmps(columns, *amps)] = value

    return change


def chooseAmps(columns: Columns, *amps: tuple[int, str]) -> npt.NDArray[np.bool_]:
    """Choose the rows of some amplifiers, given by detector and name, or of all amplifiers."""
    named = columns["amplifier"] != ""
    if not amps:
        return named
    keys = zip(np.ma.filled(columns["detector"], -1).tolist(), columns["amplifier"].tolist(), strict=True)
    return np.array([key in amps for key in keys])


def withoutDetectors(*detectors: int) -> Callable[[Columns], npt.NDArray[np.bool_]]:
    """Return what leaves out the rows of some detectors."""
    return lambda columns: ~np.isin(np.ma.filled(columns["detector"], -1), detectors)


PRODUCTS_OF_LSSTCAM = ("bias", "dark", "defects", "ptc", "linearizer", "gain", "crosstalk", "cti", "bfk")
FILTERS = ("u_24", "g_6", "r_57", "i_39", "z_20", "y_10")


def makeLargeRepository(
    root: Path,
    nExposures: int,
    products: Sequence[str] = PRODUCTS_OF_LSSTCAM,
    filters: Sequence[str] = FILTERS,
) -> TableRepository:
    """Make a repository of LSSTCam, in which one amplifier in a hundred fails and a detector is missing.

    Each product with exposures has that many, of which flats have as many of each filter.

    Parameters
    ----------
    root
        Where it is to be.
    nExposures
        Number of exposures of each product.
    products
        Products, flats besides.
    filters
        Filters of the flats.

    Returns
    -------
    repository
        The repository.
    """
    made = TableRepository(root, LsstCam())
    rng = np.random.default_rng(1)

    def change(columns: Columns) -> None:
        for name in columns:
            if name.endswith(("_NOISE", "_STDEV", "_PTC_GAIN")) and "_VERIFY_" not in name:
                rows = rng.random(len(columns[name])) < 0.01
                columns[name][rows & chooseAmps(columns)] *= 3.0

    first = 1
    for product in products:
        if getProduct(product).epoch == "none":
            made.putTables(product, change=change)
            continue
        ids = exposureIds(nExposures, first)
        first += nExposures
        _putAll(made, product, ids, "unknown", change)
    for band in filters:
        ids = exposureIds(nExposures, first)
        first += nExposures
        _putAll(made, "flat", ids, band, change)
    return made


def _putAll(
    made: TableRepository, product: str, ids: Sequence[int], band: str, change: Callable[[Columns], None]
) -> None:
    made.addExposures(ids, band)
    made.putTables(product, ids[0], change=change, keep=withoutDetectors(5))
    # Types are known now: to register some would end the transaction.
    with made.butler.transaction():
        for number in ids[1:]:
            made.putTables(product, number, seed=number % 997, change=change, keep=withoutDetectors(5))
