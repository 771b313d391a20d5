# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

import copy
import functools
from collections.abc import Callable
from typing import Any, ClassVar

from lsst.daf.base import PropertyList

from ._filterLabel import FilterLabel
from ._visitInfo import VisitInfo

__all__ = ["ExposureInfo"]

_LEFT_OUT = {
    "Wcs": "SKYWCS",
    "Psf": "PSF",
    "PhotoCalib": "PHOTOCALIB",
    "ValidPolygon": "VALID_POLYGON",
    "CoaddInputs": "COADD_INPUTS",
    "ApCorrMap": "AP_CORR_MAP",
    "TransmissionCurve": "TRANSMISSION_CURVE",
    "SummaryStats": "SUMMARY_STATS",
}
"""Components that the stand-in cannot hold, and what a file calls them."""


class ExposureInfo:
    """What an exposure has beside its pixels.

    Parameters
    ----------
    other : `ExposureInfo`, optional
        Another one, whose components are shared.
    copyMetadata : `bool`, optional
        Copy the metadata of the other one.
    metadata : `lsst.daf.base.PropertyList`, optional
        The metadata.
    detector : `lsst.afw.cameraGeom.Detector`, optional
        The detector.
    visitInfo : `VisitInfo`, optional
        What is known about the exposure as a whole.
    unread : `frozenset` [`str`], optional
        Components of the file that could not be read, as the file calls them.

    Notes
    -----
    World coordinates, PSF, photometric calibration and the like are `None`.
    If the file has one, or if one is set, that raises `NotImplementedError`.
    """

    KEY_DETECTOR: ClassVar[str] = "DETECTOR"
    KEY_FILTER: ClassVar[str] = "FILTER"

    def __init__(
        self,
        other: "ExposureInfo | None" = None,
        copyMetadata: bool = False,
        *,
        metadata: PropertyList | None = None,
        detector: Any = None,
        visitInfo: VisitInfo | None = None,
        unread: frozenset[str] = frozenset(),
    ) -> None:
        self._metadata = metadata if metadata is not None else PropertyList()
        self._detector = detector
        self._visit_info = visitInfo
        self._filter: FilterLabel | None = None
        self._id: int | None = None
        self._unread = unread
        if other is not None:
            self.__dict__.update(other.__dict__)
            if copyMetadata:
                self._metadata = copy.deepcopy(other._metadata)

    def getMetadata(self) -> PropertyList:
        """Return the metadata; not a copy."""
        return self._metadata

    def setMetadata(self, metadata: PropertyList | None) -> None:
        """Set the metadata, which are not copied; `None` empties them."""
        self._metadata = metadata if metadata is not None else PropertyList()

    def getDetector(self) -> Any:
        """Return the detector (`lsst.afw.cameraGeom.Detector` or `None`)."""
        return self._detector

    def setDetector(self, detector: Any) -> None:
        """Set the detector; `None` removes it."""
        self._detector = detector

    def getFilter(self) -> FilterLabel | None:
        """Return the filter, if there is one."""
        return self._filter

    def setFilter(self, filterLabel: FilterLabel | None) -> None:
        """Set the filter; `None` removes it."""
        self._filter = filterLabel

    def getVisitInfo(self) -> VisitInfo | None:
        """Return what is known about the exposure as a whole."""
        return self._visit_info

    def setVisitInfo(self, visitInfo: VisitInfo | None) -> None:
        """Set what is known about the exposure as a whole."""
        self._visit_info = visitInfo

    def getId(self) -> int | None:
        """Return the identifier of the exposure, if it has one."""
        return self._id

    def setId(self, id: int | None) -> None:
        """Set the identifier of the exposure; `None` removes it."""
        self._id = id

    def hasId(self) -> bool:
        """Tell whether the exposure has an identifier."""
        return self._id is not None

    id = property(getId, setId)

    def get_unread(self) -> frozenset[str]:
        """Return the components of the file that could not be read."""
        return self._unread

    def __getattr__(self, name: str) -> Any:
        verb, component = name[:3], name[3:]
        methods: dict[str, Callable[..., Any]] = {
            "get": self._get_left_out,
            "set": self._set_left_out,
            "has": self._has_left_out,
        }
        if component not in _LEFT_OUT or verb not in methods:
            raise AttributeError(f"ExposureInfo has no attribute {name!r}")
        return functools.partial(methods[verb], component)

    def _has_left_out(self, component: str) -> bool:
        return _LEFT_OUT[component] in self._unread

    def _get_left_out(self, component: str) -> None:
        if self._has_left_out(component):
            raise NotImplementedError(
                f"The stand-in of lsst.afw.image cannot read the {component} of an exposure"
            )

    def _set_left_out(self, component: str, value: Any) -> None:
        if value is not None:
            raise NotImplementedError(f"An exposure of the stand-in lsst.afw.image cannot have a {component}")
        self._unread -= {_LEFT_OUT[component]}
