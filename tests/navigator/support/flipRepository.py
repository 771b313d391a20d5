# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository with plots of two instruments and several runs, on which one can look at what is where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.time import Time, TimeDelta
from PIL import Image, ImageDraw

from lsst.analysis.cp.navigator.browse.ordered import OrderedSearch
from lsst.analysis.cp.navigator.browse.selection import Selection
from lsst.analysis.cp.navigator.browse.types import findType, listTypes
from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, FileDataset, Timespan
from lsst.obs.lsst import Latiss, LsstComCam

__all__ = [
    "BY_EXPOSURE",
    "BY_FILTER",
    "BY_VISIT",
    "CHAIN",
    "DETECTORS",
    "EXPOSURES",
    "FILTERS",
    "FIRST",
    "LATISS_EXPOSURES",
    "MEAN",
    "NOISE",
    "ODD_FILTER",
    "OF_FIRST",
    "OF_SECOND",
    "ONE",
    "SECOND",
    "TAGGED",
    "FlipRepository",
    "makeRepository",
    "makeSearch",
]

NOISE = "cpBiasExpDet_biasNoise_FocalPlanePlot"
MEAN = "cpBiasExpDet_biasMean_FocalPlanePlot"
BY_EXPOSURE = "cpBiasExp_biasNoise_FocalPlanePlot"
BY_FILTER = "cpFlatFilter_flatNoise_FocalPlanePlot"
BY_VISIT = "cpFlatVisit_flatNoise_FocalPlanePlot"
ONE = "cpBiasRun_biasNoise_FocalPlanePlot"

FIRST, SECOND, CHAIN, TAGGED = "u/me/first", "u/me/second", "u/me/both", "u/me/tagged"
DAY = 20260301
EXPOSURES = tuple(DAY * 100000 + i for i in range(1, 9))
"""Eight exposures: of the first run the first six, of the second the fourth and those from the sixth on."""
OF_FIRST, OF_SECOND = EXPOSURES[:6], (EXPOSURES[3], *EXPOSURES[5:])
DETECTORS = (0, 1, 2, 8)
LATISS_EXPOSURES = (EXPOSURES[0], EXPOSURES[4])
ODD_FILTER = 'it\'s "odd"~<b>&/ %é'
FILTERS = ("i_06", ODD_FILTER, "Z_03", "r_03")
"""Of small and capital letters, which databases put in different orders."""


@dataclass(frozen=True)
class FlipRepository:
    """The repository.

    Parameters
    ----------
    root
        Its directory.
    """

    root: Path

    def open(self) -> Butler:
        """Open it for reading."""
        return Butler.from_config(str(self.root), writeable=False)

    def lose(self, name: str, **dataId: Any) -> DatasetRef:
        """Remove the file of a dataset of the first run."""
        with self.open() as butler:
            ref = butler.find_dataset(name, dataId, collections=FIRST)
            Path(butler.getURI(ref).ospath).unlink()
        return ref


def makeRepository(root: Path) -> FlipRepository:
    """Make it.

    Parameters
    ----------
    root
        Its directory, which is made.

    Returns
    -------
    repository
        The repository.
    """
    butler = Butler.from_config(Butler.makeRepo(str(root)), writeable=True)
    for instrument in (LsstComCam(), Latiss()):
        instrument.register(butler.registry)
        _addExposures(butler, instrument.getName())
    stored = _Store(butler, root)
    comcam, latiss = {"instrument": "LSSTComCam"}, {"instrument": "LATISS"}
    for run, exposures in ((FIRST, OF_FIRST), (SECOND, OF_SECOND)):
        of_detectors = [comcam | {"exposure": e, "detector": d} for e in exposures for d in DETECTORS]
        stored.put(run, NOISE, of_detectors)
        stored.put(run, MEAN, [each for each in of_detectors if each["exposure"] != EXPOSURES[1]])
        stored.put(run, BY_EXPOSURE, [comcam | {"exposure": each} for each in exposures])
        stored.put(run, BY_VISIT, [comcam | {"visit": each} for each in exposures])
        filters = FILTERS[:3] if run == FIRST else FILTERS[1:]
        stored.put(run, BY_FILTER, [comcam | {"physical_filter": each} for each in filters])
    stored.put(FIRST, ONE, [comcam])
    stored.put(FIRST, NOISE, [latiss | {"exposure": each, "detector": 0} for each in LATISS_EXPOSURES])
    butler.collections.register(CHAIN, CollectionType.CHAINED)
    butler.collections.redefine_chain(CHAIN, [SECOND, FIRST])
    butler.collections.register(TAGGED, CollectionType.TAGGED)
    tagged = butler.query_datasets(NOISE, FIRST, data_id=comcam | {"detector": 1}, limit=None)
    butler.registry.associate(TAGGED, tagged)
    butler.close()
    return FlipRepository(root)


def makeSearch(butler: Butler, name: str, collection: str, values: Mapping[str, int | str]) -> OrderedSearch:
    """Make a search of a type in a collection."""
    given = {key: str(value) for key, value in values.items()}
    browsed = findType(listTypes(butler, collection), name, collection)
    return OrderedSearch.make(browsed, Selection(values=values, given=given))


def _addExposures(butler: Butler, instrument: str) -> None:
    """Add exposures, each also as a visit, and for one instrument filters with odd names."""
    of = {"instrument": instrument}
    insert = butler.registry.insertDimensionData
    if instrument == "LSSTComCam":
        insert("physical_filter", *(of | {"name": each, "band": "r"} for each in FILTERS), skip_existing=True)
    names = FILTERS if instrument == "LSSTComCam" else ("empty~empty",)
    insert("day_obs", of | {"id": DAY})
    insert("group", *(of | {"name": str(each)} for each in EXPOSURES))
    start = Time("2026-03-01T22:00:00", scale="tai")
    for i, exposure in enumerate(EXPOSURES):
        time = Timespan(start + TimeDelta(60 * i, format="sec"), start + TimeDelta(60 * i + 30, format="sec"))
        shared = of | {"day_obs": DAY, "physical_filter": names[i % len(names)], "seq_num": i + 1}
        of_exposure = {"id": exposure, "group": str(exposure), "obs_id": f"MC_O_{DAY}_{i + 1:06d}"}
        insert("exposure", shared | of_exposure | {"timespan": time})
        insert("visit", shared | {"id": exposure, "name": f"visit {i}", "timespan": time})


@dataclass(frozen=True)
class _Store:
    butler: Butler
    root: Path

    def put(self, run: str, name: str, dataIds: Iterable[Mapping[str, Any]]) -> None:
        """Store pictures, on which it is written what they are."""
        ids = list(dataIds)
        dimensions = ids[0].keys()
        dataset_type = DatasetType(name, dimensions, "Plot", universe=self.butler.dimensions)
        self.butler.registry.registerDatasetType(dataset_type)
        self.butler.collections.register(run)
        files = []
        for i, data_id in enumerate(ids):
            ref = DatasetRef(dataset_type, self.butler.registry.expandDataId(data_id), run)
            path = self.root / f"picture{i}.png"
            _draw(run, name, data_id).save(path)
            files.append(FileDataset(str(path), [ref]))
        self.butler.ingest(*files, transfer="move")


def _draw(run: str, name: str, dataId: Mapping[str, Any]) -> Image.Image:
    """Draw a picture of 600 by 400 pixels, of a colour of its exposure."""
    number = int(dataId.get("exposure", dataId.get("visit", 0))) % 100
    picture = Image.new("RGB", (600, 400), (255 - 20 * number, 255, 200 + 5 * number))
    draw = ImageDraw.Draw(picture)
    for i, line in enumerate((name, run, *(f"{key} {value}" for key, value in dataId.items()))):
        draw.text((20, 20 + 40 * i), line, fill="black", font_size=24)
    x = 100 + 60 * int(dataId.get("detector", 0))
    draw.rectangle((x, 300, x + 40, 380), fill="black")
    return picture
