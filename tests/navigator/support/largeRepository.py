# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository of LSSTCam with as many plots as a campaign of verification leaves, made within minutes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
from astropy.time import Time
from PIL import Image, ImageDraw

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core.pyramid import PyramidWriter
from lsst.analysis.cp.tasks.residuals import PyramidImage
from lsst.daf.butler import (
    Butler,
    CollectionType,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    FileDataset,
    Timespan,
)
from lsst.daf.butler.formatters.matplotlib import MatplotlibFormatter
from lsst.obs.lsst import LsstCam

__all__ = [
    "CALIBRATIONS",
    "CHAIN",
    "INSTRUMENT",
    "PYRAMID",
    "PYRAMID_DETECTORS",
    "RUNS",
    "LargeRepository",
    "makeLargeRepository",
]

INSTRUMENT = "LSSTCam"
RUNS = ("LSSTCam/verifyBias/20260302T000000Z", "LSSTCam/verifyBias/20260301T000000Z")
CHAIN = "LSSTCam/verifyBias"
"""Both runs, the later first."""

CALIBRATIONS = "LSSTCam/calib"
FILTERS = ("g_6", "i_39", "r_57")
FIRST_DAY = Time("2026-03-01T00:00:00", scale="tai")

PYRAMID = "cpBiasExpResidual_pyramid"
PYRAMID_DETECTORS = (93, 94)

_N_DAY = 40
"""Exposures of each day."""

_N_FILES = 4
"""Pictures that all plots of one kind share: what is looked for is in the registry, not in the files."""

_BATCH = 10_000


@dataclass(frozen=True)
class LargeRepository:
    """How much there is, of each of the two runs.

    Parameters
    ----------
    root
        Its directory.
    nExposures
        Number of exposures.
    nDetectors
        Number of detectors with plots, which have the lowest ids.
    nDetectorTypes
        Types of plots of a detector of an exposure.
    nExposureTypes
        Types of plots of an exposure.
    nEpochs
        Validity ranges of the calibration of each detector.
    nPyramids
        Number of exposures of the later run that have an image of `PYRAMID_DETECTORS` at all scales.
    """

    root: Path
    nExposures: int = 120
    nDetectors: int = 205
    nDetectorTypes: int = 2
    nExposureTypes: int = 10
    nEpochs: int = 20
    nPyramids: int = 0

    @property
    def nPlots(self) -> int:
        """Number of plots in all."""
        of_exposure = self.nDetectors * self.nDetectorTypes + self.nExposureTypes
        return len(RUNS) * (self.nExposures * of_exposure + self.nDetectors + 1)

    @property
    def exposures(self) -> list[int]:
        """Ids of the exposures, in the order of time."""
        return [findDay(i) * 100_000 + i % _N_DAY + 1 for i in range(self.nExposures)]

    @property
    def detectorTypes(self) -> list[str]:
        """Dataset types of plots of a detector of an exposure."""
        return [f"cpBiasExpDet_test{i:02d}_AmpGridPlot" for i in range(self.nDetectorTypes)]

    @property
    def exposureTypes(self) -> list[str]:
        """Dataset types of plots of an exposure."""
        return [f"cpBiasExp_test{i:02d}_FocalPlaneGeometryPlot" for i in range(self.nExposureTypes)]

    def open(self, **kwargs: Any) -> Butler:
        """Open it."""
        return Butler.from_config(str(self.root), **({"collections": CHAIN} | kwargs))


def findDay(number: int) -> int:
    """Return the day of an exposure, of which this is the number."""
    return int((FIRST_DAY + number // _N_DAY * u.day).strftime("%Y%m%d"))


def makeLargeRepository(repository: LargeRepository) -> None:
    """Make it: exposures, calibrations, and the plots of both runs in a chain.

    Parameters
    ----------
    repository
        How much. Its directory is made.
    """
    root = repository.root
    butler = Butler.from_config(Butler.makeRepo(str(root)), writeable=True)
    LsstCam().register(butler.registry)
    _registerExposures(butler, repository)
    files = _makeFiles(root / "pictures")
    for run in RUNS:
        butler.collections.register(run, CollectionType.RUN)
        for refs in batched(_listPlots(butler, repository, run), _BATCH, strict=False):
            _ingest(butler, refs, files)
    butler.collections.register(CHAIN, CollectionType.CHAINED)
    butler.collections.redefine_chain(CHAIN, RUNS)
    _certify(butler, repository, files)
    _putPyramids(butler, repository)
    butler.close()


def _registerExposures(butler: Butler, repository: LargeRepository) -> None:
    of_instrument = {"instrument": INSTRUMENT}
    days = dict.fromkeys(findDay(i) for i in range(repository.nExposures))
    butler.registry.insertDimensionData("day_obs", *(of_instrument | {"id": day} for day in days))
    groups = [str(number) for number in repository.exposures]
    butler.registry.insertDimensionData("group", *(of_instrument | {"name": name} for name in groups))
    records = []
    for i, number in enumerate(repository.exposures):
        begin = FIRST_DAY + i // _N_DAY * u.day + 0.9 * u.day + 30 * (i % _N_DAY) * u.s
        day, sequence = divmod(number, 100_000)
        records.append(
            of_instrument
            | {
                "id": number,
                "day_obs": day,
                "group": str(number),
                "physical_filter": FILTERS[i % len(FILTERS)],
                "obs_id": f"MC_O_{day}_{sequence:06d}",
                "seq_num": sequence,
                "timespan": Timespan(begin, begin + 3 * u.s),
            }
        )
    butler.registry.insertDimensionData("exposure", *records)


def _makeFiles(folder: Path) -> list[Path]:
    """Draw pictures of the size that plots have."""
    folder.mkdir()
    paths = [folder / f"{i}.png" for i in range(_N_FILES)]
    for i, path in enumerate(paths):
        image = Image.effect_noise((1600, 1200), 10.0 + i).convert("RGB")
        ImageDraw.Draw(image).text((40, 40), f"picture {i}", fill="black", font_size=80)
        stream = io.BytesIO()
        image.save(stream, "PNG", compress_level=1)
        path.write_bytes(stream.getvalue())
    return paths


def _listPlots(butler: Butler, repository: LargeRepository, run: str) -> Iterator[DatasetRef]:
    detectors = [{"detector": i} for i in range(repository.nDetectors)]
    exposures = [{"exposure": number} for number in repository.exposures]
    yield from _listRefs(butler, run, "cpBiasRun_test00_FocalPlaneGeometryPlot", [{}])
    yield from _listRefs(butler, run, "cpBiasDet_test00_AmpGridPlot", detectors)
    for name in repository.exposureTypes:
        yield from _listRefs(butler, run, name, exposures)
    for name in repository.detectorTypes:
        yield from _listRefs(butler, run, name, (e | d for e in exposures for d in detectors))


def _listRefs(
    butler: Butler,
    run: str,
    name: str,
    dataIds: Iterable[Mapping[str, int]],
    storageClass: str = "Plot",
) -> Iterator[DatasetRef]:
    kind = None
    for data_id in dataIds:
        if kind is None:
            dimensions = ("instrument", *data_id)
            kind = DatasetType(
                name,
                dimensions,
                storageClass,
                universe=butler.dimensions,
                isCalibration=storageClass != "Plot",
            )
            butler.registry.registerDatasetType(kind)
        named = {"instrument": INSTRUMENT} | data_id
        yield DatasetRef(kind, DataCoordinate.standardize(named, dimensions=kind.dimensions), run)


def _ingest(butler: Butler, refs: Iterable[DatasetRef], files: list[Path]) -> None:
    shared: dict[Path, list[DatasetRef]] = {path: [] for path in files}
    for i, ref in enumerate(refs):
        shared[files[i % len(files)]].append(ref)
    datasets = [
        FileDataset(path=str(path), refs=of_file, formatter=MatplotlibFormatter)
        for path, of_file in shared.items()
        if of_file
    ]
    butler.ingest(*datasets, transfer="direct", record_validation_info=False)


def _certify(butler: Butler, repository: LargeRepository, files: list[Path]) -> None:
    """Certify biases, each for two days and from a run of its own."""
    butler.collections.register(CALIBRATIONS, CollectionType.CALIBRATION)
    detectors = [{"detector": i} for i in range(repository.nDetectors)]
    for epoch in range(repository.nEpochs):
        begin = FIRST_DAY + 2 * epoch * u.day
        run = f"{CALIBRATIONS}/{epoch:03d}"
        butler.collections.register(run, CollectionType.RUN)
        refs = list(_listRefs(butler, run, "bias", detectors, "ExposureF"))
        _ingest(butler, refs, files)
        butler.registry.certify(CALIBRATIONS, refs, Timespan(begin, begin + 2 * u.day))


def _putPyramids(butler: Butler, repository: LargeRepository) -> None:
    dimensions = ("instrument", "exposure")
    kind = DatasetType(PYRAMID, dimensions, "ImageF", universe=butler.dimensions)
    for number in repository.exposures[: repository.nPyramids]:
        butler.registry.registerDatasetType(kind)
        path = repository.root / f"{number}.fits"
        _writePyramid(path, seed=number)
        image = PyramidImage.fromFile(path)
        butler.put(image, kind, instrument=INSTRUMENT, exposure=number, run=RUNS[0])


def _writePyramid(path: Path, seed: int) -> None:
    """Write a pyramid of noise."""
    geometry = cameraGeometry.__wrapped__(LsstCam().getCamera())
    rng = np.random.default_rng(seed)
    with PyramidWriter(path, geometry, unit="electron") as writer:
        for number, index in zip(PYRAMID_DETECTORS, geometry.detectorIndex(PYRAMID_DETECTORS), strict=True):
            x_min, y_min, x_max, y_max = geometry.detectorEdges[index]
            image = rng.standard_normal((round(y_max - y_min), round(x_max - x_min)), dtype=np.float32)
            writer.addDetector(number, 5 * image, image > 10, significance=image, noise=5.0)
