# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Butler repositories with residual images, some of which cannot be used."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from pipelineRuns import executePipeline, preparePipeline, readPipeline

from lsst.afw.cameraGeom import FOCAL_PLANE
from lsst.afw.image import ExposureF, ImageF, MaskedImageF
from lsst.analysis.cp.tasks.views.data import placeCameraImage
from lsst.daf.butler import Butler, DatasetType
from lsst.geom import Extent2I
from lsst.obs.lsst import LsstComCam
from lsst.pipe.base import Pipeline
from lsst.pipe.base.simple_pipeline_executor import SimplePipelineExecutor
from lsst.sphgeom import Angle, Box, LonLat

simulator = pytest.importorskip("lsst.cp.simulator", reason="needs the simulator of the stand-ins")

INFO = simulator.ExposureInfo(20260801, 1)
SHRINK = 8
BIN = 8
NOISE = 5.0

GOOD, ABSENT, WRONG_SIZE, NAN, MASKED, DAMAGED = 0, 3, 5, 6, 7, 8
HOT_PIXEL = {"x": 100, "y": 40, "height": 40 * NOISE}
COLUMN = {"detector": 4, "x": 300, "height": 4 * NOISE}
"""What is wrong with the detectors, by their ids."""

LEFT_OUT = (1, 2)
"""Detectors that are good, too, but not looked at."""


def makePixels(detector: Any) -> np.ndarray:
    """Make the residual of a detector; seeded by its id."""
    width, height = detector.getBBox().getDimensions()
    pixels = np.random.default_rng(detector.getId()).normal(0.0, NOISE, (height, width)).astype(np.float32)
    if detector.getId() == GOOD:
        pixels[HOT_PIXEL["y"], HOT_PIXEL["x"]] += HOT_PIXEL["height"]
    if detector.getId() == COLUMN["detector"]:
        pixels[: height // 2, COLUMN["x"]] += COLUMN["height"]
    if detector.getId() == NAN:
        pixels[:] = np.nan
    if detector.getId() == WRONG_SIZE:
        pixels = np.ascontiguousarray(pixels[:-100])
    return pixels


def makeExposure(pixels: np.ndarray, detector: Any) -> ExposureF:
    """Make an exposure with a mask; that of one detector has no data at all."""
    masked_image = MaskedImageF(Extent2I(pixels.shape[1], pixels.shape[0]))
    masked_image.image.array[:] = pixels
    masked_image.variance.array[:] = NOISE**2
    if detector.getId() == MASKED:
        masked_image.mask.array[:] = masked_image.mask.getPlaneBitMask("NO_DATA")
    if detector.getId() == GOOD:
        masked_image.mask.array[200, 200] = masked_image.mask.getPlaneBitMask("BAD")
    exposure = ExposureF(masked_image)
    exposure.setDetector(detector)
    return exposure


def binExposure(exposure: ExposureF) -> ExposureF:
    """Bin as ISR does: without partial bins, with every bit that a pixel has."""
    rows, columns = (side // BIN for side in exposure.image.array.shape)
    binned = MaskedImageF(Extent2I(columns, rows))
    cut = (slice(rows * BIN), slice(columns * BIN))
    shape = (rows, BIN, columns, BIN)
    binned.image.array[:] = exposure.image.array[cut].reshape(shape).mean(axis=(1, 3))
    binned.mask.array[:] = np.bitwise_or.reduce(exposure.mask.array[cut].reshape(shape), axis=(1, 3))
    output = ExposureF(binned)
    output.setDetector(exposure.getDetector())
    return output


def makeMosaic(camera: Any, binned: Mapping[int, ExposureF]) -> ImageF:
    """Put binned detectors together as cp_verify does, but for those of a wrong size."""
    grid = placeCameraImage(camera, BIN)
    mosaic = ImageF(grid.shape[1], grid.shape[0])
    mosaic.array[:] = np.nan
    for detector, exposure in binned.items():
        rows, columns = exposure.image.array.shape
        if detector != WRONG_SIZE:
            corner = camera[detector].getCorners(FOCAL_PLANE)[0]
            column, row = (round(float(place) + 0.5) for place in grid.toPixels(*corner))
            mosaic.array[row : row + rows, column : column + columns] = exposure.image.array
    return mosaic


def makeCulprits(exposure: int) -> Table:
    """Make a table of failures: an amplifier of two detectors, and one that is not tested."""
    return Table(
        {
            "exposure": [exposure] * 3,
            "detector": [0, 4, 4],
            "amplifier": ["C03", "C11", "C12"],
            "test": ["NOISE", "MEAN", "MEAN"],
            "status": ["failed", "failed", "unknown"],
        }
    )


@dataclass
class ImageRepository:
    """A repository of LSSTComCam with few pixels, and how to run pipelines in it."""

    root: Path
    camera: Any = field(init=False)
    runs: itertools.count = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.camera = simulator.shrinkCamera(LsstComCam().getCamera(), SHRINK)
        simulator.makeRepository(self.root, LsstComCam, [INFO], camera=self.camera)

    def put(
        self,
        name: str,
        storage_class: str,
        values: Mapping[int | None, Any],
        dimensions: Sequence[str],
        *,
        isCalibration: bool = False,
    ) -> None:
        """Store datasets of detectors, or one without (detector None), in the collection of inputs."""
        with Butler.from_config(str(self.root), writeable=True) as butler:
            butler.registry.registerRun("inputs")
            known = {"instrument": "LSSTComCam", "exposure": INFO.id, "physical_filter": "empty"}
            dataset_type = DatasetType(
                name, dimensions, storage_class, universe=butler.dimensions, isCalibration=isCalibration
            )
            butler.registry.registerDatasetType(dataset_type)
            for detector, value in values.items():
                data_id = {key: known[key] for key in dimensions if key in known}
                data_id |= {} if detector is None else {"detector": detector}
                butler.put(value, name, data_id, run="inputs")

    def damage(self, name: str, detector: int) -> None:
        """Cut the file of a dataset short."""
        butler = self.open("inputs")
        path = Path(butler.getURI(name, exposure=INFO.id, detector=detector).ospath)
        path.write_bytes(path.read_bytes()[:4000])

    def prepare(self, pipeline: Pipeline, where: str = "") -> tuple[SimplePipelineExecutor, str]:
        """Make the quantum graph of a pipeline, in a new run."""
        run = f"run{next(self.runs)}"
        inputs = ["inputs", "LSSTComCam/defaults"]
        return preparePipeline(self.root, pipeline, inputs, run, where), run

    def run(self, pipeline: Pipeline, where: str = "") -> Butler:
        """Run a pipeline in this process, and return a butler for its output."""
        executor, run = self.prepare(pipeline, where)
        executePipeline(executor)
        return self.open(run)

    def open(self, collection: str) -> Butler:
        """Open a collection."""
        return Butler.from_config(str(self.root), collections=[collection], instrument="LSSTComCam")


def fillBias(repository: ImageRepository) -> None:
    """Store the images of the bias product, and failures."""
    camera = repository.camera
    exposures = {
        detector.getId(): makeExposure(makePixels(detector), detector)
        for detector in camera
        if detector.getId() != ABSENT
    }
    binned = {detector: binExposure(exposure) for detector, exposure in exposures.items()}
    mosaic = makeMosaic(camera, binned)
    per_detector = ("instrument", "exposure", "detector")
    repository.put("verifyBiasIsrExp", "Exposure", exposures, per_detector)
    repository.put("verifyBiasIsrExpBin8", "ExposureF", binned, per_detector)
    repository.put("verifyBiasResidual8", "ImageF", {None: mosaic}, ("instrument", "exposure"))
    for name in ("verifyBiasIsrExp", "verifyBiasIsrExpBin8"):
        repository.damage(name, DAMAGED)
    culprits = makeCulprits(INFO.id)
    repository.put("cpBiasExp_culprits", "ArrowAstropy", {None: culprits}, ("instrument", "exposure"))


class SmallRepository(ImageRepository):
    """A repository with good images of two detectors, under the names of any product."""

    def fill(
        self,
        name: str,
        binnedName: str = "",
        mosaicName: str = "",
        *,
        dimensions: Sequence[str] = ("instrument", "exposure"),
        isCalibration: bool = False,
        makePixels: Callable[[Any], np.ndarray] = makePixels,
    ) -> None:
        """Store images at full resolution, and binned ones and a mosaic if they have names."""
        detectors = [self.camera[i] for i in (GOOD, COLUMN["detector"])]
        exposures = {detector.getId(): makeExposure(makePixels(detector), detector) for detector in detectors}
        binned = {detector: binExposure(exposure) for detector, exposure in exposures.items()}
        per_detector = (*dimensions, "detector")
        storage_class = "ExposureF" if isCalibration else "Exposure"
        self.put(name, storage_class, exposures, per_detector, isCalibration=isCalibration)
        if binnedName:
            self.put(binnedName, "ExposureF", binned, per_detector)
            mosaic = makeMosaic(self.camera, binned)
            self.put(mosaicName, "ImageF", {None: mosaic}, dimensions)

    def defineVisit(self) -> None:
        """Make the exposure a visit, with regions of its detectors."""
        with Butler.from_config(str(self.root), writeable=True) as butler:
            registry, name = butler.registry, "LSSTComCam"
            (exposure,) = butler.query_dimension_records("exposure", instrument=name, exposure=INFO.id)
            visit = {"instrument": name, "visit": INFO.id}
            registry.syncDimensionData("visit_system", {"instrument": name, "id": 0, "name": "one-to-one"})
            record = {"instrument": name, "id": INFO.id, "name": str(INFO.id)}
            for key in ("day_obs", "physical_filter", "timespan"):
                record[key] = getattr(exposure, key)
            registry.syncDimensionData("visit", record)
            registry.syncDimensionData("visit_definition", visit | {"exposure": INFO.id})
            region = Box(LonLat.fromDegrees(0.0, 0.0), Angle.fromDegrees(1.0), Angle.fromDegrees(1.0))
            for detector in self.camera:
                registry.syncDimensionData(
                    "visit_detector_region", visit | {"detector": detector.getId(), "region": region}
                )

    def fillTables(self) -> None:
        """Store tables of results, which graphs are made from without being read."""
        table = Table({"detector": [0]})
        self.put("verifyBiasDetResults", "ArrowAstropy", {0: table}, ("instrument", "exposure", "detector"))
        self.put("verifyBiasExpResults", "ArrowAstropy", {None: table}, ("instrument", "exposure"))
        self.put("verifyBiasResults", "ArrowAstropy", {None: table}, ("instrument",))


@pytest.fixture(scope="session")
def makeRepository(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], SmallRepository]:
    """Make a repository of LSSTComCam without any image."""
    return lambda: SmallRepository(tmp_path_factory.mktemp("images") / "butler")


@pytest.fixture(scope="session", name="readPipeline")
def readPipelineFixture() -> Callable[[str], Pipeline]:
    """Read one of our pipelines."""
    return readPipeline


@pytest.fixture(scope="session")
def biasRepository(tmp_path_factory: pytest.TempPathFactory) -> ImageRepository:
    """LSSTComCam with an exposure of the bias product."""
    repository = ImageRepository(tmp_path_factory.mktemp("views") / "butler")
    fillBias(repository)
    return repository


@pytest.fixture(scope="session")
def biasViews(biasRepository: ImageRepository) -> Butler:
    """Run all views of the bias product."""
    pipeline = readPipeline("LSSTComCam/analyzeBias.yaml#biasViews")
    return biasRepository.run(pipeline, f"detector NOT IN {LEFT_OUT}")


@pytest.fixture(scope="session")
def bias() -> SimpleNamespace:
    """Say what there is to find in the exposure of the bias product."""
    names = ("INFO", "NOISE", "GOOD", "WRONG_SIZE", "NAN", "MASKED", "DAMAGED", "HOT_PIXEL", "COLUMN")
    return SimpleNamespace(**{name: globals()[name] for name in names})


class FakeHandle:
    """Handle of an exposure in memory, with the interface of a deferred dataset.

    Parameters
    ----------
    make
        Makes the exposure whenever it is read.
    detector
        Id of the detector.
    """

    def __init__(self, make: Callable[[], Any], detector: int) -> None:
        self._make = make
        self.ref = SimpleNamespace(
            datasetType=SimpleNamespace(name="residual"), run="inputs", id=uuid.uuid4()
        )
        data_id = {"instrument": "LSSTComCam", "exposure": INFO.id, "detector": detector}
        self.dataId = DataId(data_id)

    def get(self, *, component: str | None = None, parameters: Mapping[str, Any] | None = None) -> Any:
        """Make the exposure, and take a part of it."""
        dataset = self._make()
        return dataset if component is None else getattr(dataset, component)


class DataId(dict[str, Any]):
    """A data ID as far as tasks look at it."""

    @property
    def required(self) -> DataId:
        """All of it."""
        return self


class Recorder:
    """Takes the place of a `ToolRunner`: keeps what tools would get."""

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}
        self.view: dict[str, Any] = {}

    def run(self, tools: Any, data: Mapping[str, Any], bundle: Any, **kwargs: Any) -> dict[str, Any]:
        """Keep the data."""
        self.view = dict(data)
        return {}


@pytest.fixture
def recorder() -> Recorder:
    """Keep what tools would get."""
    return Recorder()


@pytest.fixture(scope="session")
def camera() -> Any:
    """Make LSSTComCam with few pixels."""
    return simulator.shrinkCamera(LsstComCam().getCamera(), SHRINK)


@pytest.fixture(scope="session")
def makeHandle(camera: Any) -> Callable[..., FakeHandle]:
    """Make the handle of the image of a detector; of the one that is given, or else of noise."""

    def make(detector: int, pixels: np.ndarray | None = None, **planes: tuple[int, int]) -> FakeHandle:
        def makeImage() -> ExposureF:
            exposure = makeExposure(makePixels(camera[0]) if pixels is None else pixels, camera[1])
            for plane, place in planes.items():
                exposure.mask.array[place] |= exposure.mask.getPlaneBitMask(plane)
            return exposure

        return FakeHandle(makeImage, detector)

    return make
