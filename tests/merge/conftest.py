# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Butler repositories with hand-written results of verification."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import astropy.units as u
import pytest
from astropy.table import Table, vstack
from astropy.time import Time
from detectorResults import makeMatrix, makeResults, makeStats
from pipelineRuns import executePipeline, preparePipeline

from lsst.analysis.cp.atools import addTools
from lsst.analysis.cp.tasks.merge import MergeAnalysisMixin
from lsst.analysis.tools.interfaces import NoPlot
from lsst.daf.butler import Butler, DatasetType, Timespan
from lsst.obs.base import Instrument
from lsst.obs.lsst import LsstComCam
from lsst.pipe.base import Pipeline, PipelineGraph
from lsst.pipe.base.simple_pipeline_executor import SimplePipelineExecutor
from lsst.sphgeom import Angle, Box, LonLat

EXPOSURES = (2026010100001, 2026010100002, 2026010100003)
FILTER = "unknown"
STORAGE_CLASSES = {"Stats": "StructuredDataDict", "Results": "ArrowAstropy", "Matrix": "ArrowAstropy"}


@dataclass
class Repository:
    """A repository of one instrument, and how to run pipelines in it."""

    root: Path
    instrument: Instrument
    exposures: Sequence[int]
    physicalFilter: str = FILTER
    butler: Butler = field(init=False)
    camera: Any = field(init=False)
    runs: int = 0
    collections: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        Butler.makeRepo(str(self.root))
        self.butler = Butler.from_config(str(self.root), writeable=True)
        self.addCollection("inputs")
        self.camera = self.instrument.getCamera()
        self.instrument.register(self.butler.registry)
        self.instrument.writeCameraGeom(self.butler, "camera/calib")
        self._insertExposures()

    def addCollection(self, name: str) -> None:
        """Add a collection of inputs, into which they go from now on."""
        self.butler.registry.registerRun(name)
        self.collections.insert(0, name)

    def _insertExposures(self) -> None:
        name = self.instrument.getName()
        registry = self.butler.registry
        registry.syncDimensionData("day_obs", {"instrument": name, "id": 20260101})
        registry.syncDimensionData("visit_system", {"instrument": name, "id": 0, "name": "one-to-one"})
        for sequence, exposure in enumerate(self.exposures):
            start = Time("2026-01-02T00:00:00", scale="tai") + sequence * 30 * u.second
            timespan = Timespan(start, start + 1 * u.second)
            common = {
                "instrument": name,
                "day_obs": 20260101,
                "physical_filter": self.physicalFilter,
                "exposure_time": 0.0,
                "timespan": timespan,
            }
            registry.syncDimensionData("group", {"instrument": name, "name": str(exposure)})
            record = {"id": exposure, "obs_id": str(exposure), "seq_num": sequence, "group": str(exposure)}
            registry.syncDimensionData("exposure", common | record)
            registry.syncDimensionData("visit", common | {"id": exposure, "name": str(exposure)})
            registry.syncDimensionData(
                "visit_definition", {"instrument": name, "exposure": exposure, "visit": exposure}
            )

    def insertRegions(self, visit: int) -> None:
        """Insert the records that a detector of a visit needs."""
        region = Box(LonLat.fromDegrees(0.0, 0.0), Angle.fromDegrees(1.0), Angle.fromDegrees(1.0))
        for detector in self.camera:
            record = {"instrument": self.instrument.getName(), "detector": detector.getId(), "visit": visit}
            self.butler.registry.syncDimensionData("visit_detector_region", record | {"region": region})

    def register(self, name: str, storage_class: str, dimensions: Iterable[str]) -> None:
        """Register a type of input."""
        dataset_type = DatasetType(name, dimensions, storage_class, universe=self.butler.dimensions)
        self.butler.registry.registerDatasetType(dataset_type)

    def put(self, name: str, value: Any, **data_id: Any) -> None:
        """Store a dataset in the collection of inputs."""
        self.butler.put(value, name, instrument=self.instrument.getName(), run=self.collections[0], **data_id)

    def putDetectors(
        self,
        product: str = "bias",
        skip: Callable[[int, int], bool] = lambda exposure, detector: False,
        *,
        brief: bool = False,
    ) -> None:
        """Store Stats, Results and (of biases) Matrix of all detectors; brief are empty Stats, no Matrix."""
        name = f"verify{product.title()}Det"
        for kind, storage_class in STORAGE_CLASSES.items():
            self.register(f"{name}{kind}", storage_class, ("instrument", "exposure", "detector"))
        with self.butler.transaction():
            for exposure, detector in itertools.product(self.exposures, self.camera):
                if skip(exposure, detector.getId()):
                    continue
                data_id = {"exposure": exposure, "detector": detector.getId()}
                results = makeResults(detector, exposure, product)
                stats = {"SUCCESS": True} if brief else makeStats(results, product)
                self.put(f"{name}Results", results, **data_id)
                self.put(f"{name}Stats", stats, **data_id)
                if product == "bias" and not brief:
                    self.put(f"{name}Matrix", makeMatrix(detector), **data_id)

    def putMerged(self, name: str, dimension: str) -> None:
        """Store exposure-level Stats, Results and Matrix, as merges of runs and visits take them."""
        for kind, storage_class in STORAGE_CLASSES.items():
            self.register(f"{name}{kind}", storage_class, ("instrument", dimension))
        with self.butler.transaction():
            for exposure in self.exposures:
                tables = [makeResults(detector, exposure) for detector in self.camera]
                stats = {d.getName(): {"SUCCESS": True} for d in self.camera} | {"SUCCESS": True}
                stats[self.camera[0].getName()] = {"SUCCESS": False, "FAILURES": ["C00 MEAN"]}
                stats["SUCCESS"] = False
                data_id = {dimension: exposure}
                self.put(f"{name}Stats", stats, **data_id)
                self.put(f"{name}Results", vstack(tables), **data_id)
                self.put(f"{name}Matrix", vstack([makeMatrix(d) for d in self.camera]), **data_id)

    def putCalibration(self, name: str) -> None:
        """Store Stats, Results and Matrix of detectors without exposures."""
        for kind, storage_class in STORAGE_CLASSES.items():
            self.register(f"{name}{kind}", storage_class, ("instrument", "detector"))
        with self.butler.transaction():
            for detector in self.camera:
                results = makeResults(detector, 0, exposureColumn=False)
                self.put(f"{name}Stats", makeStats(results), detector=detector.getId())
                self.put(f"{name}Results", results, detector=detector.getId())
                self.put(f"{name}Matrix", makeMatrix(detector), detector=detector.getId())

    def prepare(self, pipeline: Pipeline | PipelineGraph, where: str = "") -> SimplePipelineExecutor:
        """Make the quantum graph of a pipeline, in a new run."""
        self.runs += 1
        inputs = [*self.collections, "camera/calib"]
        return preparePipeline(self.root, pipeline, inputs, f"run{self.runs}", where)

    def run(self, pipeline: Pipeline | PipelineGraph, where: str = "") -> Butler:
        """Run a pipeline in this process, and return a butler for its output."""
        executePipeline(self.prepare(pipeline, where))
        return self.open(f"run{self.runs}")

    def open(self, collection: str) -> Butler:
        """Open a collection."""
        return Butler.from_config(
            str(self.root), collections=[collection], instrument=self.instrument.getName()
        )


@pytest.fixture(scope="session")
def addMerge() -> Callable[..., None]:
    """Add a merge task to a pipeline, with its connections and configuration."""

    def add(
        graph: PipelineGraph,
        label: str,
        taskClass: type,
        inputs: str,
        outputs: str,
        product: str = "bias",
        **fields: Any,
    ) -> None:
        config = taskClass.ConfigClass()
        config.hasInputResults, config.hasMatrixCatalog = True, product == "bias"
        for name, value in fields.items():
            setattr(config, name, value)
        for kind in STORAGE_CLASSES:
            setattr(config.connections, f"input{kind}", f"{inputs}{kind}")
            setattr(config.connections, f"output{kind}", f"{outputs}{kind}")
        if issubclass(taskClass, MergeAnalysisMixin):
            config.connections.outputName = f"cp{label[0].upper()}{label[1:]}"
            if taskClass.mergesExposures:
                config.connections.inputOutputName = f"{label}Inputs"
            is_of_run = taskClass.mergesExposures or config.epoch == "none"
            addTools(config, product, "run" if is_of_run else "exposure")
            for tool in config.atools:
                tool.produce.plot = NoPlot
        graph.add_task(label, taskClass, config)

    return add


@pytest.fixture(scope="session")
def makeTable() -> Callable[..., Table]:
    """Make the results of one detector."""
    return makeResults


@pytest.fixture(scope="session")
def makeRepository(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Repository]:
    """Make a repository of an instrument and some exposures."""

    def make(
        instrument: type[Instrument], exposures: Sequence[int] = EXPOSURES[:2], physicalFilter: str = FILTER
    ) -> Repository:
        root = tmp_path_factory.mktemp(instrument.__name__.lower())
        return Repository(root, instrument(), exposures, physicalFilter)

    return make


@pytest.fixture(scope="session")
def comCam(makeRepository: Callable[..., Repository]) -> Repository:
    """LSSTComCam with two exposures; detector 3 of the second is missing."""
    repository = makeRepository(LsstComCam)
    for visit in repository.exposures:
        repository.insertRegions(visit)
    repository.putDetectors(skip=lambda exposure, detector: (exposure, detector) == (EXPOSURES[1], 3))
    repository.putMerged("exp", "exposure")
    repository.putMerged("visit", "visit")
    repository.putCalibration("calib")
    return repository
