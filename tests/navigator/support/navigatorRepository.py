# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository of two instruments with plots of any dimensions, images, and what is not to be shown."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import numpy as np
from astropy.time import Time, TimeDelta
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from lsst.afw.image import ExposureF, ImageF
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
from lsst.obs.lsst import Latiss, LsstComCam

__all__ = [
    "CHAIN",
    "COMCAM",
    "DAYS",
    "DETECTOR",
    "EMPTY",
    "EXPOSURE",
    "EXPOSURE_IMAGE",
    "FILTER",
    "FILTERS",
    "CALIB",
    "FIRST",
    "HOSTILE",
    "IMAGE",
    "LATISS",
    "OTHER",
    "PYRAMID",
    "RAFT",
    "RUN",
    "SECOND",
    "SIZE",
    "TAGGED",
    "VISIT",
    "NavigatorRepository",
    "exposuresOf",
    "makeRepository",
    "writePng",
]

COMCAM, LATISS = "LSSTComCam", "LATISS"
DAYS = (20260301, 20260302)
N_OF_DAY = 4
FILTERS = {COMCAM: ("r_03", "i_06"), LATISS: ("empty~empty", "SDSSr_65mm~empty")}

FIRST, SECOND = "u/me/verify/first", "u/me/verify/second"
"""RUN collections; the second one has some datasets again, and is searched first."""
CHAIN, TAGGED, CALIB = "u/me/verify", "u/me/tagged", "u/me/calib"
EMPTY = "u/me/empty"
HOSTILE = "u/<img src=x onerror=document.title=1>/\"'&{{7*7}}%2e%2e"

EXPOSURE = "cpBiasExp_biasNoise_FocalPlaneGeometryPlot"
DETECTOR = "cpBiasExpDet_biasNoise_AmpGridPlot"
RAFT = "cpBiasExpRaftView_biasImage_FocalPlaneImagePlot"
RUN = "cpBiasRun_biasNoise_FocalPlaneGeometryPlot"
FILTER = "cpFlatRun_flatNoise_FocalPlaneGeometryPlot"
VISIT = "cpDefectsVisit_defectsCount_FocalPlaneGeometryPlot"
OTHER = "theirTool_things_ScatterPlot"
IMAGE = "cpBiasExpResidual_meanMosaic"
EXPOSURE_IMAGE = "verifyBiasIsrExp"
PYRAMID = "cpBiasExpResidual_pyramid"
TABLE = "cpBiasExp_limits"

DIMENSIONS = {
    EXPOSURE: ("instrument", "exposure"),
    DETECTOR: ("instrument", "exposure", "detector"),
    RAFT: ("instrument", "exposure", "detector"),
    RUN: ("instrument",),
    FILTER: ("instrument", "physical_filter"),
    VISIT: ("instrument", "visit"),
    OTHER: ("instrument", "group"),
}
SIZE = (400, 300)
"""Width and height of each plot."""


@dataclass
class NavigatorRepository:
    """The repository, and the datasets in it.

    Parameters
    ----------
    root
        Its folder.
    refs
        All datasets of the first and the second RUN, by their ids.
    """

    root: Path
    refs: dict[UUID, DatasetRef] = field(default_factory=dict)

    def open(self) -> Butler:
        """Open it for reading."""
        return Butler.from_config(str(self.root), writeable=False)

    def find(self, datasetType: str, run: str = FIRST, **dataId: object) -> DatasetRef:
        """Return the only dataset of a type, a RUN and a part of a data ID."""
        found = [
            ref
            for ref in self.refs.values()
            if (ref.datasetType.name, ref.run) == (datasetType, run)
            and all(ref.dataId[key] == value for key, value in dataId.items())
        ]
        assert len(found) == 1, found
        return found[0]

    def pathOf(self, ref: DatasetRef) -> Path:
        """Return the file of a dataset."""
        with self.open() as butler:
            return Path(butler.getURI(ref).ospath)


def exposuresOf(instrument: str) -> list[int]:
    """List the exposures of an instrument."""
    del instrument  # They have the same.
    return [day * 100000 + number for day in DAYS for number in range(1, N_OF_DAY + 1)]


def writePng(path: Path, seed: int, size: tuple[int, int] = SIZE, **texts: str) -> Path:
    """Write a plot of a colour of its own."""
    rng = np.random.default_rng(seed)
    info = PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    pixels = np.broadcast_to(rng.integers(0, 256, 3, dtype=np.uint8), (size[1], size[0], 3))
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, pnginfo=info)
    return path


def makeRepository(root: Path, pyramidPath: Path) -> NavigatorRepository:
    """Make the repository.

    Parameters
    ----------
    root
        Its folder, which is made.
    pyramidPath
        A pyramid.

    Returns
    -------
    repository
        The repository.
    """
    made = NavigatorRepository(root)
    with Butler.from_config(Butler.makeRepo(str(root)), writeable=True) as butler:
        for instrument in (LsstComCam(), Latiss()):
            instrument.register(butler.registry)
        for name in (COMCAM, LATISS):
            _addExposures(butler, name)
        for run in (FIRST, SECOND, EMPTY, HOSTILE):
            butler.collections.register(run)
        butler.collections.register(CALIB, CollectionType.CALIBRATION)
        butler.collections.register(CHAIN, CollectionType.CHAINED)
        butler.collections.redefine_chain(CHAIN, [SECOND, FIRST, CALIB])
        butler.collections.register(TAGGED, CollectionType.TAGGED)
        for name, dimensions in DIMENSIONS.items():
            _addPlots(butler, made, name, dimensions, FIRST)
        _addPlots(butler, made, EXPOSURE, DIMENSIONS[EXPOSURE], SECOND, "exposure > 2026030200000")
        _addPlots(butler, made, OTHER, DIMENSIONS[OTHER], HOSTILE)
        butler.registry.associate(
            TAGGED, [ref for ref in made.refs.values() if ref.datasetType.name == DETECTOR][:5]
        )
        _addImages(butler, made, pyramidPath)
    return made


def _addExposures(butler: Butler, instrument: str) -> None:
    of_instrument = {"instrument": instrument}
    insert = butler.registry.insertDimensionData
    insert("day_obs", *(of_instrument | {"id": day} for day in DAYS))
    for i, number in enumerate(exposuresOf(instrument)):
        day, sequence = divmod(number, 100000)
        insert("group", of_instrument | {"name": str(number)})
        begin = Time("2026-03-01T22:00:00", scale="tai") + TimeDelta(60.0 * i, format="sec")
        record = of_instrument | {
            "id": number,
            "day_obs": day,
            "physical_filter": FILTERS[instrument][i % 2],
            "timespan": Timespan(begin, begin + TimeDelta(30.0, format="sec")),
        }
        name = f"{instrument[:2]}_O_{day}_{sequence:06d}"
        insert("exposure", record | {"group": str(number), "obs_id": name, "seq_num": sequence})
        if day == DAYS[0]:
            insert("visit", record | {"name": name})


def _register(butler: Butler, name: str, dimensions: tuple[str, ...], storageClass: str) -> DatasetType:
    kind = DatasetType(name, dimensions, storageClass, universe=butler.dimensions)
    butler.registry.registerDatasetType(kind)
    return kind


def _addPlots(
    butler: Butler,
    made: NavigatorRepository,
    name: str,
    dimensions: tuple[str, ...],
    run: str,
    where: str = "",
) -> None:
    """Add a plot of each data ID there is; of rafts and of filters those that pipelines make."""
    kind = _register(butler, name, dimensions, "Plot")
    data_ids: list[DataCoordinate] = []
    with butler.query() as query:
        for instrument in (COMCAM, LATISS):
            found = query.data_ids(kind.dimensions).where(
                where and f"instrument = '{instrument}' AND {where}"
            )
            found = found.where(instrument=instrument)
            data_ids += found.with_dimension_records()
    if name == RAFT:
        data_ids = [each for each in data_ids if each["detector"] == 0]
    if name == FILTER:
        data_ids = [each for each in data_ids if each["physical_filter"] in FILTERS[each["instrument"]]]
    files = []
    for data_id in data_ids:
        ref = DatasetRef(kind, data_id, run)
        texts = {"Software": "analysis_cp 1", "Inputs": TABLE, "Collections": FIRST}
        path = writePng(made.root / f"{ref.id}.png", ref.id.int % (1 << 32), **texts)
        files.append(FileDataset(path=str(path), refs=[ref]))
        made.refs[ref.id] = ref
    butler.ingest(*files, transfer="move")


def _addImages(butler: Butler, made: NavigatorRepository, pyramidPath: Path) -> None:
    first = {"instrument": COMCAM, "exposure": exposuresOf(COMCAM)[0]}
    pixels = np.arange(60 * 80, dtype=np.float32).reshape(60, 80)
    pixels[:10, :10] = np.nan
    shutil.copy(pyramidPath, made.root / "temporary.fits")
    contents = {
        IMAGE: ("ImageF", ImageF(pixels), ()),
        EXPOSURE_IMAGE: ("ExposureF", ExposureF(32, 24), ("detector",)),
        PYRAMID: ("ImageF", PyramidImage.fromFile(made.root / "temporary.fits"), ()),
        TABLE: ("StructuredDataDict", {"limit": 1}, ()),
    }
    for name, (storage, content, further) in contents.items():
        _register(butler, name, ("instrument", "exposure", *further), storage)
        data_id = first | dict.fromkeys(further, 0)
        ref = butler.put(content, name, data_id, run=FIRST)
        made.refs[ref.id] = ref
