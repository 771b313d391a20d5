# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository with plots of all kinds of dimensions, in runs, chains and calibration collections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from astropy.time import Time
from PIL import Image

from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, FileDataset, Timespan
from lsst.obs.lsst import LsstComCam

__all__ = ["DAY", "EARLY", "EXPOSURES", "INSTRUMENT", "LATE", "OLD", "RUN", "SummaryRepository"]

INSTRUMENT = "LSSTComCam"
RUN = "u/me/verifyBias/20260302T000000Z"
OLD = "u/me/verifyBias/20260301T000000Z"
DAY = 20260301
# In no order, to be sorted.
EXPOSURES = tuple(DAY * 100000 + number for number in (3, 1, 2, 12))
EARLY = Timespan(None, Time("2026-03-01T00:00:00", scale="tai"))
LATE = Timespan(Time("2026-03-01T00:00:00", scale="tai"), Time("2026-04-01T12:00:00.5", scale="tai"))


@dataclass
class SummaryRepository:
    """The repository.

    Parameters
    ----------
    root
        Its directory.
    """

    root: Path
    butler: Butler = field(init=False)

    def __post_init__(self) -> None:
        if not self.root.exists():
            Butler.makeRepo(str(self.root))
            with Butler.from_config(str(self.root), writeable=True) as butler:
                LsstComCam().register(butler.registry)
            Image.new("RGB", (60, 40), "teal").save(self.root / "picture.png")
        self.butler = Butler.from_config(str(self.root), writeable=True)

    def addExposures(self, exposures: Iterable[int]) -> None:
        """Register exposures of one day."""
        for number in exposures:
            self.insert("day_obs", id=DAY)
            self.insert("group", name=str(number))
            self.insert(
                "exposure",
                id=number,
                day_obs=DAY,
                group=str(number),
                physical_filter="i_06",
                obs_id=f"CC_O_{number}",
                seq_num=number % 100000,
                observation_type="bias",
                timespan=Timespan(
                    Time("2026-03-01T12:00:00", scale="tai"), Time("2026-03-01T12:00:15", scale="tai")
                ),
            )

    def addVisit(self, visit: int, exposures: Iterable[int]) -> None:
        """Register a visit of some exposures."""
        self.insert("day_obs", id=DAY)
        self.insert("visit", id=visit, name=str(visit), day_obs=DAY, physical_filter="i_06", seq_num=1)
        for exposure in exposures:
            self.insert("visit_definition", visit=visit, exposure=exposure)

    def insert(self, element: str, **record: object) -> None:
        """Insert a record, unless it is there."""
        row = {"instrument": INSTRUMENT} | record
        self.butler.registry.insertDimensionData(element, row, skip_existing=True)

    def put(
        self,
        name: str,
        dataIds: Iterable[Mapping[str, int | str]],
        run: str = RUN,
        *,
        storageClass: str = "Plot",
        isCalibration: bool = False,
    ) -> list[UUID]:
        """Store plots, all of which are one file, and return their ids."""
        registry = self.butler.registry
        # Tracts are of no instrument.
        data_ids = [
            registry.expandDataId(each if "skymap" in each else {"instrument": INSTRUMENT} | each)
            for each in dataIds
        ]
        kind = DatasetType(name, data_ids[0].dimensions, storageClass, isCalibration=isCalibration)
        self.butler.registry.registerDatasetType(kind)
        self.butler.collections.register(run, CollectionType.RUN)
        refs = [DatasetRef(kind, each, run=run) for each in data_ids]
        picture = str(self.root / "picture.png")
        self.butler.ingest(FileDataset(path=picture, refs=refs), transfer="direct")
        return [ref.id for ref in refs]

    def remove(self, refs: Iterable[DatasetRef]) -> None:
        """Remove plots, of which there is nothing left."""
        self.butler.pruneDatasets(refs, unstore=True, disassociate=True, purge=True)

    def chain(self, name: str, *children: str) -> str:
        """Make a chain of collections."""
        self.butler.collections.register(name, CollectionType.CHAINED)
        self.butler.collections.redefine_chain(name, children)
        return name

    def certify(self, collection: str, ids: Iterable[UUID], timespan: Timespan) -> str:
        """Certify plots for a range of validity."""
        self.butler.collections.register(collection, CollectionType.CALIBRATION)
        refs = [self.butler.get_dataset(each) for each in ids]
        self.butler.registry.certify(collection, [ref for ref in refs if ref is not None], timespan)
        return collection

    def fill(self) -> None:
        """Store plots of all kinds of dimensions, and some that are no plots."""
        self.addExposures(EXPOSURES)
        detectors = (8, 0, 4)
        self.put("cpBiasExp_noise_Plot", [{"exposure": exposure} for exposure in EXPOSURES])
        pairs = [{"exposure": exposure, "detector": i} for exposure in EXPOSURES[:2] for i in detectors]
        self.put("cpBiasDet_noise_Plot", pairs)
        self.put("cpBiasRun_noise_Plot", [{}])
        self.put("cpPtcDetector_noise_Plot", [{"detector": i} for i in detectors])
        filters = [{"physical_filter": name} for name in ("r_03", "i_06", "g_01")]
        self.put("cpFlatRun_noise_Plot", filters)
        self.put("cpBiasExp_metrics", [{"exposure": EXPOSURES[0]}], storageClass="StructuredDataDict")
        self.addVisit(77, EXPOSURES[:1])
        self.put("calexp_sky_Plot", [{"visit": 77, "detector": i} for i in detectors])
        self.addTracts((9, 5))
        tracts = [{"skymap": "sky", "tract": tract, "band": band} for tract in (9, 5) for band in "ri"]
        self.put("object_sky_Plot", tracts)

    def addTracts(self, tracts: Iterable[int]) -> None:
        """Register tracts."""
        sky = {"name": "sky", "hash": b"0" * 20, "tract_max": 9, "patch_nx_max": 1, "patch_ny_max": 1}
        self.butler.registry.insertDimensionData("skymap", sky)
        for tract in tracts:
            self.butler.registry.insertDimensionData("tract", {"skymap": "sky", "id": tract})
