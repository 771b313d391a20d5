# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Rubin's instruments."""

from __future__ import annotations

__all__ = ["Latiss", "LsstCam", "LsstComCam"]

from typing import Any, ClassVar, Never

from lsst.afw.cameraGeom import Camera, Detector
from lsst.daf.butler import DataId, Registry
from lsst.obs.base import FilterDefinitionCollection, Instrument, VisitSystem
from lsst.utils.introspection import get_full_type_name

from ._cameraDescription import makeCamera
from .filters import COMCAM_FILTER_DEFINITIONS, LATISS_FILTER_DEFINITIONS, LSSTCAM_FILTER_DEFINITIONS

_MAX_EXPOSURE_ID = 7050123199999
"""Largest exposure number: the last of 99,999 exposures of the last of six controllers on 2050-12-31."""


class LsstCam(Instrument):
    """The camera of the Simonyi Survey Telescope."""

    filterDefinitions: ClassVar[FilterDefinitionCollection] = LSSTCAM_FILTER_DEFINITIONS
    instrument: ClassVar[str] = "LSSTCam"
    visitSystem: ClassVar[VisitSystem] = VisitSystem.BY_SEQ_START_END
    _detectorMax: ClassVar[int] = 1000

    @classmethod
    def getName(cls) -> str:
        """Return the name of the instrument."""
        return cls.instrument

    @classmethod
    def getCamera(cls) -> Camera:
        """Return the camera with nominal gains and read noises."""
        return makeCamera(cls.getName())

    def getRawFormatter(self, dataId: DataId) -> Never:
        """Refuse: raw data are read by the real obs_lsst only.

        Raises
        ------
        NotImplementedError
            Raised always.
        """
        raise NotImplementedError(
            f"The stand-in of lsst.obs.lsst does not read raw data of {self.getName()} ({dataId});"
            " use obs_lsst of the Science Pipelines."
        )

    def register(self, registry: Registry, update: bool = False) -> None:
        """Register the instrument, its detectors and its filters.

        Parameters
        ----------
        registry
            Registry of the repository.
        update
            Whether records that differ are replaced.
        """
        record = {
            "name": self.getName(),
            "detector_max": self._detectorMax,
            "visit_max": _MAX_EXPOSURE_ID,
            "exposure_max": _MAX_EXPOSURE_ID,
            "class_name": get_full_type_name(self),
            "visit_system": self.visitSystem.value,
        }
        with registry.transaction():
            registry.syncDimensionData("instrument", record, update=update)
            for detector in self.getCamera():
                registry.syncDimensionData("detector", self.extractDetectorRecord(detector), update=update)
            self._registerFilters(registry, update=update)

    def extractDetectorRecord(self, camGeomDetector: Detector) -> dict[str, Any]:
        """Return the dimension record of a detector."""
        raft, slot = camGeomDetector.getName().split("_")
        return {
            "instrument": self.getName(),
            "id": camGeomDetector.getId(),
            "full_name": camGeomDetector.getName(),
            "name_in_raft": slot,
            "purpose": camGeomDetector.getType().name,
            "raft": raft,
        }


class LsstComCam(LsstCam):
    """The commissioning camera: one raft of ITL sensors."""

    filterDefinitions = COMCAM_FILTER_DEFINITIONS
    instrument = "LSSTComCam"


class Latiss(LsstCam):
    """The imager and spectrograph of the Auxiliary Telescope: one ITL sensor."""

    filterDefinitions = LATISS_FILTER_DEFINITIONS
    instrument = "LATISS"
    _detectorMax = 1

    def extractDetectorRecord(self, camGeomDetector: Detector) -> dict[str, Any]:
        """Return the dimension record of the detector, which is in no raft."""
        record = super().extractDetectorRecord(camGeomDetector)
        return record | {"raft": None, "name_in_raft": record["full_name"]}
