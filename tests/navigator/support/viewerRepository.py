# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Repositories with pyramids of exposures whose pixels are known."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.core.pyramid import PyramidReader, PyramidWriter, findTiles
from lsst.analysis.cp.tasks.residuals import PyramidImage
from lsst.cp.simulator import ExposureInfo, makeRepository, shrinkCamera
from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType
from lsst.obs.lsst import Latiss, LsstCam

VIEWS, VERIFY, CHAIN = "u/me/views", "u/me/verify", "u/me/bias"
PYRAMID = "cpBiasExpResidual_pyramid"
COMBINED = "cpCombinedBiasResidual_pyramid"
EXPOSURES = (2026030100001, 2026030100002, 2026030100003, 2026030200001)
"""One with faults, one of other values, one with a damaged tile, and one whose file is gone."""
DETECTORS = {94: 0.0, 81: 10.0, 189: 20.0, 204: -30.0}
"""Detectors that have an image, and their levels: upright, a quarter and half a turn."""
OF_LATISS = {0: 5.0}
FAULTS = {(94, 300, 200): 1234.5, (94, 700, 900): -77.25, (81, 600, 411): 55.125, (189, 17, 988): 4321.0}
"""Values of single pixels, by detector, x and y."""
FAILED = (94, "C05")
MASK_PLANES = {"BAD": 0, "SAT": 1, "NO_DATA": 8}
NO_DATA = (94, 500, 120)
STRUCTURES = ((1, "pixel", 94, 300.0, 200.0, 1, 1), (2, "column", 81, 600.0, 250.0, 1, 400))
SHIFT = 3.0
"""What the second exposure has more."""


@dataclass
class ViewerRepository:
    """The repository, and what was stored in it."""

    root: Path
    camera: Camera | None = None
    refs: dict[str, DatasetRef] = field(default_factory=dict)

    def idOf(self, name: int | str) -> str:
        """Return the identifier of a pyramid, by its exposure or dataset type."""
        return str(self.refs[str(name)].id)

    def pathOf(self, name: int | str) -> Path:
        """Return the file of a pyramid."""
        with Butler.from_config(str(self.root)) as butler:
            return Path(butler.getURI(self.refs[str(name)]).ospath)


def makePixels(detector: int, shape: tuple[int, int], level: float) -> npt.NDArray[np.float32]:
    """Make the pixels of a detector: a slope along x, its level, and its faults."""
    pixels = np.tile(np.arange(shape[1], dtype=np.float32) / 1024, (shape[0], 1))
    pixels += np.float32(level)
    for (number, x, y), value in FAULTS.items():
        if number == detector:
            pixels[y, x] = value
    return pixels


def writePyramid(path: Path, camera: Camera, levels: Mapping[int, float], shift: float = 0.0) -> None:
    """Write a pyramid, of which nothing is rounded: it has no noise."""
    geometry = cameraGeometry.__wrapped__(camera)
    with PyramidWriter(path, geometry, unit="electron") as writer:
        for detector, level in levels.items():
            (index,) = geometry.detectorIndex([detector])
            shape = tuple(
                int(size) for size in np.ptp(geometry.detectorEdges[index].reshape(2, 2), axis=0)[::-1]
            )
            pixels = makePixels(detector, shape, level + shift)
            mask = np.zeros(shape, dtype=np.int32)
            for number, x, y in FAULTS:
                if number == detector:
                    mask[y, x] = 1 << MASK_PLANES["BAD"]
            if detector == NO_DATA[0]:
                mask[NO_DATA[2], NO_DATA[1]] = 1 << MASK_PLANES["NO_DATA"]
            excluded = mask >> MASK_PLANES["NO_DATA"] & 1 == 1
            significance = np.abs(pixels - np.median(pixels))
            writer.addDetector(
                detector,
                pixels,
                excluded,
                mask=mask,
                planes=MASK_PLANES,
                significance=significance,
                noise=0.0,
            )


def makeCulprits(exposure: int) -> Table:
    """List an amplifier that failed, one that is unknown, and a failure of another exposure."""
    return Table(
        {
            "exposure": [exposure, exposure, exposure, exposure + 1],
            "detector": [FAILED[0], FAILED[0], 81, 189],
            "amplifier": [FAILED[1], FAILED[1], "C01", "C02"],
            "test": ["NOISE", "MEAN", "NOISE", "NOISE"],
            "status": ["failed", "failed", "unknown", "failed"],
            "reason": ["too high", "too far from 0", "no value", "of another"],
        }
    )


def makeStructures(exposure: int) -> Table:
    """List the structures."""
    rank, kind, detector, x, y, width, height = zip(*STRUCTURES, strict=True)
    columns: Mapping[str, Any] = {
        "rank": rank,
        "exposure": [exposure] * len(rank),
        "detector": detector,
        "detectorName": ["R22_S11", "R20_S00"],
        "amplifier": ["C05", "C00"],
        "kind": kind,
        "x": x,
        "y": y,
        "width": width,
        "height": height,
        "score": [50.0, np.nan],
    }
    return Table(columns)


def makeViewerRepository(root: Path) -> ViewerRepository:
    """Make a repository of LSSTCam with detectors of a quarter of the pixels."""
    camera = shrinkCamera(LsstCam().getCamera(), 4)
    exposures = [ExposureInfo(*divmod(exposure, 100000)) for exposure in EXPOSURES]
    made = ViewerRepository(root, camera)
    with makeRepository(root, LsstCam, exposures, camera=camera) as butler:
        writePyramid(root / "first.fits", camera, DETECTORS)
        writePyramid(root / "second.fits", camera, DETECTORS, SHIFT)
        for exposure, name in zip(EXPOSURES, ("first", "second", "first", "second"), strict=True):
            made.refs[str(exposure)] = putPyramid(butler, root / f"{name}.fits", PYRAMID, exposure=exposure)
        made.refs[COMBINED] = putPyramid(butler, root / "second.fits", COMBINED)
        put(
            butler, makeStructures(EXPOSURES[0]), "cpBiasExpResidual_structures", VIEWS, exposure=EXPOSURES[0]
        )
        put(butler, makeCulprits(EXPOSURES[0]), "cpBiasExp_culprits", VERIFY, exposure=EXPOSURES[0])
        butler.collections.register(CHAIN, CollectionType.CHAINED)
        butler.collections.redefine_chain(CHAIN, [VIEWS, VERIFY, "LSSTCam/defaults"])
    damage(made.pathOf(EXPOSURES[2]))
    made.pathOf(EXPOSURES[3]).unlink()
    return made


def makeLatissRepository(root: Path) -> ViewerRepository:
    """Make a repository of another instrument, which has one detector and no tables."""
    camera = shrinkCamera(Latiss().getCamera(), 4)
    made = ViewerRepository(root, camera)
    with makeRepository(root, Latiss, [ExposureInfo(20260301, 1)], camera=camera) as butler:
        writePyramid(root / "first.fits", camera, OF_LATISS)
        made.refs[PYRAMID] = putPyramid(butler, root / "first.fits", PYRAMID, exposure=EXPOSURES[0])
    return made


def makeTurnedRepository(root: Path, pyramidPath: Path) -> ViewerRepository:
    """Make a repository of an instrument without a camera, with a detector turned by 0.3."""
    made = ViewerRepository(root)
    with Butler.from_config(Butler.makeRepo(str(root)), writeable=True) as butler:
        butler.registry.insertDimensionData("instrument", {"name": "Camera"})
        shutil.copy(pyramidPath, root / "first.fits")
        made.refs["turned_pyramid"] = putPyramid(butler, root / "first.fits", "turned_pyramid")
    return made


def putPyramid(butler: Butler, path: Path, name: str, **dataId: int) -> DatasetRef:
    """Store a copy of a pyramid."""
    shutil.copy(path, path.with_name("temporary.fits"))
    return put(
        butler, PyramidImage.fromFile(path.with_name("temporary.fits")), name, VIEWS, "ImageF", **dataId
    )


def put(
    butler: Butler, value: object, name: str, run: str, storageClass: str = "ArrowAstropy", **dataId: int
) -> DatasetRef:
    """Store a dataset with the dimensions of its data ID."""
    kind = DatasetType(name, ("instrument", *dataId), storageClass, universe=butler.dimensions)
    butler.registry.registerDatasetType(kind)
    butler.collections.register(run)
    (instrument,) = butler.query_dimension_records("instrument")
    return butler.put(value, kind, instrument=instrument.name, run=run, **dataId)


def damage(path: Path) -> None:
    """Change a bit in the last tile of detector 94 at full resolution."""
    with PyramidReader(path) as reader:
        place = reader.images[94, "image", 1]
    content = bytearray(path.read_bytes())
    start = max(findTiles(bytes(content[place.offset : place.offset + place.prefix])))
    content[place.offset + start] ^= 1
    path.write_bytes(bytes(content))
