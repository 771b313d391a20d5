# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The tables behind the planes of an exposure's file: its detector and its filter."""

import functools
from collections.abc import Mapping
from os import PathLike

from lsst.afw.cameraGeom import Detector, TransformMap
from lsst.afw.cameraGeom._cameraFits import ArchiveReader, ArchiveWriter
from lsst.afw.cameraGeom._fitsTables import Field, packTables, readTables
from lsst.afw.fits._files import naming_file
from lsst.daf.base import PropertyList

from ._exposureInfo import ExposureInfo
from ._filterLabel import FilterLabel

__all__ = ["pack_archive", "pop_archive_ids", "read_components"]

_ARCHIVE_HDU = 5
"""Where the archive begins, counted from 1: behind primary HDU, image, mask and variance."""

_ID = "ARCHIVE_ID_"

_OLD_IDS = (
    "PSF SKYWCS COADD_INPUTS AP_CORR_MAP VALID_POLYGON TRANSMISSION_CURVE DETECTOR PHOTOCALIB"
).split()
"""Components that older files have a header key of another kind for."""

_CLASSES = ("Detector", "FilterLabel", "TransformMap", "TransformPoint2ToPoint2")
"""Classes of the objects of an archive that are read."""

_FILTER_WIDTH = 32

_FILTER_FIELDS = (
    Field("band_exists", "X", "whether there is a band"),
    Field("band", "A", "name of the band", template="String", width=_FILTER_WIDTH),
    Field("physical_exists", "X", "whether there is a physical filter"),
    Field("physical", "A", "name of the physical filter", template="String", width=_FILTER_WIDTH),
)


def pack_archive(info: ExposureInfo) -> tuple[PropertyList, bytes]:
    """Return the archive of what belongs to an exposure.

    Parameters
    ----------
    info : `ExposureInfo`
        What belongs to the exposure.

    Returns
    -------
    metadata : `lsst.daf.base.PropertyList`
        What the primary header says of the archive.
    archive : `bytes`
        Its HDUs.

    Raises
    ------
    ValueError
        Raised if the filter has names that are too long.
    """
    detector = info.getDetector()
    ids, archive = _pack(detector, info.getFilter())
    metadata = PropertyList()
    metadata.set("AR_HDU", _ARCHIVE_HDU, "HDU (counted from 1) of the archive of objects")
    for name, number in ids.items():
        for key in (f"{name}_ID", f"{_ID}{name}"):
            metadata.set(key, number, f"archive ID of component {name}")
    if detector is not None:
        metadata.set("DETNAME", detector.getName())
        metadata.set("DETSER", detector.getSerial())
    return metadata, archive


# An exposure is often written with binned ones of the same detector. Neither argument can be changed.
@functools.lru_cache(maxsize=2)
def _pack(detector: Detector | None, label: FilterLabel | None) -> tuple[dict[str, int], bytes]:
    """Return the number of each component, and the HDUs."""
    writer = ArchiveWriter()
    ids = {}
    if detector is not None:
        ids[ExposureInfo.KEY_DETECTOR] = writer.putDetector(_with_own_transforms(detector))
    if label is not None:
        ids[ExposureInfo.KEY_FILTER] = _put_filter(writer, label)
    return ids, b"".join(packTables(writer.finish()))


def _with_own_transforms(detector: Detector) -> Detector:
    """Return a detector without the transforms of the other detectors of its camera.

    There are hundreds of them, and they are of no use to an exposure.
    """
    systems = detector.getTransformMap()
    names = {"", detector.getName()}
    own = [
        connection
        for connection in systems.getConnections()
        if {connection.fromSys.getDetectorName(), connection.toSys.getDetectorName()} <= names
    ]
    return Detector(detector._fields, TransformMap(own[0].fromSys, own), detector)


def _put_filter(writer: ArchiveWriter, label: FilterLabel) -> int:
    if max(len(label.band or ""), len(label.physical or "")) > _FILTER_WIDTH:
        raise ValueError(f"Names of {label} have more than the {_FILTER_WIDTH} characters that afw stores")
    number = writer.reserve(_FILTER_FIELDS)
    record = {
        "band_exists": label.hasBandLabel(),
        "physical_exists": label.hasPhysicalLabel(),
        "band": label.band or "",
        "physical": label.physical or "",
    }
    writer.save(number, 0, "FilterLabel", _FILTER_FIELDS, [record])
    return number


def pop_archive_ids(metadata: PropertyList) -> dict[str, int]:
    """Remove from a header what it says of the archive.

    Parameters
    ----------
    metadata : `lsst.daf.base.PropertyList`
        The header.

    Returns
    -------
    ids : `dict` [`str`, `int`]
        Number of each component in the archive.
    """
    has_archive = metadata.pop("AR_HDU", 0)
    ids = {}
    for name in [*_OLD_IDS, *(key[len(_ID) :] for key in metadata if key.startswith(_ID))]:
        for key in (f"{name}_ID", f"{_ID}{name}"):
            number = metadata.pop(key, 0)
            if has_archive and number:
                ids[name] = number
    return ids


def read_components(path: str | PathLike[str], ids: Mapping[str, int], info: ExposureInfo) -> None:
    """Read the detector and the filter of an exposure.

    Parameters
    ----------
    path : `str` or `os.PathLike`
        Name of the file.
    ids : `~collections.abc.Mapping` [`str`, `int`]
        Number of each component in the archive.
    info : `ExposureInfo`
        Where to put them.

    Raises
    ------
    lsst.afw.fits.FitsError
        Raised if the archive is damaged.
    """
    wanted = {name: ids[name] for name in (info.KEY_DETECTOR, info.KEY_FILTER) if name in ids}
    if not wanted:
        return
    with naming_file(path, f"read {' and '.join(wanted)} of"):
        archive = ArchiveReader(readTables(path, _CLASSES))
        if info.KEY_DETECTOR in wanted:
            info.setDetector(archive.readDetector(wanted[info.KEY_DETECTOR]))
        if info.KEY_FILTER in wanted:
            info.setFilter(_read_filter(archive, wanted[info.KEY_FILTER]))


def _read_filter(archive: ArchiveReader, number: int) -> FilterLabel:
    ((table, rows),) = archive.getRows(number, "FilterLabel", 1)
    row = rows[0]
    labels = (
        table.getColumn(name)[row] if table.getColumn(f"{name}_exists")[row] else None
        for name in ("band", "physical")
    )
    return FilterLabel(*labels)
