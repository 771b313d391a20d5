# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""How what belongs to an exposure stands in the headers of its file."""

from collections.abc import Mapping

from lsst.daf.base import PropertyList
from lsst.geom import Point2I

from ._exposureInfo import ExposureInfo
from ._visitInfo import VisitInfo

__all__ = ["VERSION_KEY", "exposure_headers", "info_from_header"]

VERSION_KEY = "EXPINFO_V"
"""Header key of the version of afw's layout."""

_VERSION = 2

_OF_LAYOUT = (
    *(f"{key}{axis}A" for key in ("CTYPE", "CRPIX", "CRVAL", "CUNIT") for axis in (1, 2)),
    *(VERSION_KEY, "INHERIT", "EXTNAME", "EXTTYPE", "UZSCALE", "LTV1", "LTV2"),
)
"""Header keys that are made anew when a file is written."""

_OF_COMPONENTS = ("MJD-OBS", "DATE-OBS", "DETNAME", "DETSER", "EXPID")
"""Header keys that components stand for when a file was read."""


def exposure_headers(info: ExposureInfo, xy0: Point2I) -> tuple[PropertyList, list[PropertyList]]:
    """Return the headers of the file of an exposure.

    Parameters
    ----------
    info : `ExposureInfo`
        What belongs to the exposure.
    xy0 : `lsst.geom.Point2I`
        Position of the first pixel.

    Returns
    -------
    primary : `lsst.daf.base.PropertyList`
        Header of the primary HDU.
    planes : `list` [`lsst.daf.base.PropertyList`]
        Headers of image, mask and variance.
    """
    primary = PropertyList()
    primary.update(info.getMetadata())
    for key in _OF_LAYOUT:
        primary.remove(key)
    primary.set(VERSION_KEY, _VERSION)
    visit_info = info.getVisitInfo()
    if visit_info is not None:
        primary.update(visit_info.to_metadata())
    if info.hasId():
        primary.set("EXPID", info.getId())
    unit = primary.get("BUNIT")
    primary.remove("BUNIT")
    return primary, [_plane_header(xy0, each) for each in (unit, None, unit and f"{unit}**2")]


def _plane_header(xy0: Point2I, unit: str | None) -> PropertyList:
    header = PropertyList()
    # DS9 places a subimage by these.
    header.set("LTV1", -float(xy0.getX()))
    header.set("LTV2", -float(xy0.getY()))
    if unit is not None:
        header.set("BUNIT", unit)
    return header


def info_from_header(metadata: PropertyList, version: int, ids: Mapping[str, int]) -> ExposureInfo:
    """Return what the header of a file says about an exposure.

    Parameters
    ----------
    metadata : `lsst.daf.base.PropertyList`
        Header of the image HDU with what it inherits. What is left of it
        becomes the metadata.
    version : `int`
        Version of the layout of the file.
    ids : `~collections.abc.Mapping` [`str`, `int`]
        Components in the archive of the file, by name.

    Raises
    ------
    ValueError
        Raised if the layout is newer than this code.
    """
    if version > _VERSION:
        raise ValueError(f"Cannot read Exposure FITS version > {_VERSION}, found {version}")
    exposure_id = metadata.get("EXPID")
    unread = ids.keys() - {ExposureInfo.KEY_DETECTOR, ExposureInfo.KEY_FILTER}
    visit_info = VisitInfo.from_metadata(metadata)
    for key in (*_OF_LAYOUT, *_OF_COMPONENTS):
        metadata.remove(key)
    info = ExposureInfo(metadata=metadata, visitInfo=visit_info, unread=frozenset(unread))
    info.setId(exposure_id)
    return info
