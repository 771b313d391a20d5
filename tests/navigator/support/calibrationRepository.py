# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""A repository with certified calibrations: gaps, replaced ones, chains, and ranges without bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from astropy.time import Time

from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, Timespan
from lsst.obs.lsst import LsstCam, LsstComCam

DETECTORS = range(9)
NIGHTLY, PATCH, UNUSED = "LSSTComCam/calib/nightly", "LSSTComCam/calib/patch", "LSSTComCam/calib/unused"
CHAIN, OUTER, WITH_RUN = "LSSTComCam/calib", "LSSTComCam/defaults", "u/me/trial"
TYPES = {
    "bias": ("detector",),
    "camera": (),
    "dark": ("detector",),
    "flat": ("detector", "physical_filter"),
    "linearizer": ("detector",),
}
FILTERS = ("r_03", "i_06")


@dataclass(frozen=True)
class CalibrationRepository:
    """A repository that is filled."""

    butler: Butler
    instrument: str

    @classmethod
    def make(cls, root: Path, camera: type[LsstCam] | type[LsstComCam]) -> CalibrationRepository:
        """Make one without calibrations."""
        butler = Butler.from_config(Butler.makeRepo(str(root)), writeable=True)
        camera().register(butler.registry)
        return cls(butler, camera.getName())

    def register(self, types: Mapping[str, Sequence[str]], storageClass: str = "StructuredDataDict") -> None:
        """Register types of calibrations by their dimensions."""
        for name, dimensions in types.items():
            kind = DatasetType(
                name,
                ("instrument", *dimensions),
                storageClass,
                universe=self.butler.dimensions,
                isCalibration=True,
            )
            self.butler.registry.registerDatasetType(kind)

    def insert(self, name: str, run: str, dataIds: Iterable[Mapping[str, Any]]) -> list[DatasetRef]:
        """Make datasets, without files."""
        self.butler.collections.register(run)
        given = [{"instrument": self.instrument, **each} for each in dataIds]
        return self.butler.registry.insertDatasets(name, given, run=run)

    def certify(
        self, collection: str, refs: Iterable[DatasetRef], begin: str | None, end: str | None
    ) -> None:
        """Certify datasets for a range (ISO 8601, TAI)."""
        self.butler.collections.register(collection, CollectionType.CALIBRATION)
        self.butler.registry.certify(collection, refs, makeTimespan(begin, end))

    def decertify(self, collection: str, name: str, begin: str | None, end: str | None) -> None:
        """Take a range from all calibrations of a type."""
        self.butler.registry.decertify(collection, name, makeTimespan(begin, end))

    def chain(self, name: str, children: Sequence[str]) -> None:
        """Make a chain."""
        self.butler.collections.register(name, CollectionType.CHAINED)
        self.butler.collections.redefine_chain(name, children)


def makeTimespan(begin: str | None, end: str | None) -> Timespan:
    """Make a time span of texts (ISO 8601, TAI)."""
    bounds = (None if each is None else Time(each, format="isot", scale="tai") for each in (begin, end))
    return Timespan(*bounds)


def ofDetectors(detectors: Iterable[int], **others: str) -> list[dict[str, Any]]:
    """Write data IDs of detectors."""
    return [{"detector": detector, **others} for detector in detectors]


def makeComCam(root: Path) -> CalibrationRepository:
    """Make a repository of nine detectors.

    ======  ============================================================================================
    bias    January: all. February: not detector 4, but a patch for 3 and 4 from the 10th to the 20th. A
            gap until the 6th of March; then all, without end.
    dark    January to April, but for the second week of February, which was taken away.
    camera  Always.
    flat    Both filters from January, one of them until March.
    ======  ============================================================================================

    Linearizers are made and not certified.
    """
    made = CalibrationRepository.make(root, LsstComCam)
    made.register(TYPES)
    january = made.insert("bias", "made/bias/january", ofDetectors(DETECTORS))
    made.certify(NIGHTLY, january, "2026-01-01T00:00:00", "2026-02-01T00:00:00")
    others = [detector for detector in DETECTORS if detector != 4]
    february = made.insert("bias", "made/bias/february", ofDetectors(others))
    made.certify(NIGHTLY, february, "2026-02-01T00:00:00", "2026-03-01T00:00:00")
    march = made.insert("bias", "made/bias/march", ofDetectors(DETECTORS))
    made.certify(NIGHTLY, march, "2026-03-06T12:00:00.123456789", None)
    patch = made.insert("bias", "made/bias/patch", ofDetectors((3, 4)))
    made.certify(PATCH, patch, "2026-02-10T00:00:00", "2026-02-20T00:00:00")
    darks = made.insert("dark", "made/dark", ofDetectors(DETECTORS))
    made.certify(NIGHTLY, darks, "2026-01-01T00:00:00", "2026-05-01T00:00:00")
    made.decertify(NIGHTLY, "dark", "2026-02-08T00:00:00", "2026-02-15T00:00:00")
    made.certify(NIGHTLY, made.insert("camera", "made/camera", [{}]), None, None)
    for name, end in zip(FILTERS, ("2026-03-01T00:00:00", None), strict=True):
        flats = made.insert("flat", "made/flat", ofDetectors(DETECTORS, physical_filter=name))
        made.certify(NIGHTLY, flats, "2026-01-01T00:00:00", end)
    made.insert("linearizer", "made/linearizer", ofDetectors(DETECTORS))
    made.butler.collections.register(UNUSED, CollectionType.CALIBRATION)
    made.chain(CHAIN, [PATCH, NIGHTLY, UNUSED])
    made.chain(OUTER, [CHAIN, "made/linearizer"])
    made.chain(WITH_RUN, [PATCH, "made/bias/february", NIGHTLY, "made/bias/january"])
    return made


def makeLsstCam(root: Path, types: Sequence[str], nPeriods: int) -> CalibrationRepository:
    """Make a repository of 205 detectors, with calibrations of each type for periods of 30 days."""
    made = CalibrationRepository.make(root, LsstCam)
    detectors = [record.id for record in made.butler.query_dimension_records("detector")]
    dimensions = {name: TYPES.get(name, ("detector",)) for name in types}
    made.register(dimensions)
    epoch = Time("2025-01-01T00:00:00", format="isot", scale="tai").mjd
    for name in types:
        for i in range(nPeriods):
            run = f"LSSTCam/calib/DM-{50000 + i}/{name}Gen"
            complete = [detector for detector in detectors if i % 5 != 3 or detector % 40 != 7]
            given = ofDetectors(complete)
            if "physical_filter" in dimensions[name]:
                given = [each | {"physical_filter": f} for f in ("r_57", "i_39") for each in given]
            bounds = [Time(epoch + 30 * (i + j), format="mjd", scale="tai").isot for j in (0, 1)]
            end = None if i == nPeriods - 1 else bounds[1]
            made.certify("LSSTCam/calib/all", made.insert(name, run, given), bounds[0], end)
    made.chain("LSSTCam/calib", ["LSSTCam/calib/all"])
    return made
