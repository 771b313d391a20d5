# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Cameras in FITS files, in the archive layout in which afw persists them (Detector version 2 and older)."""

from __future__ import annotations

__all__ = ["ArchiveReader", "ArchiveWriter", "readCamera", "writeCamera"]

import functools
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lsst.geom import Angle, Box2I, Extent2D, Extent2I, Point2D, Point2I, Point3D

from ._amplifier import Amplifier, AmplifierFields, ReadoutCorner
from ._camera import Camera
from ._cameraFitsSchemas import (
    AMPLIFIER_BOXES,
    AMPLIFIER_FIELDS,
    AMPLIFIER_SCALARS,
    CAMERA_FIELDS,
    COLLECTION_FIELDS,
    DETECTOR_FIELDS,
    DETECTOR_VERSION,
    INDEX_FIELDS,
    TRANSFORM_FIELDS,
    TRANSFORM_MAP_FIELDS,
)
from ._cameraSys import CameraSys
from ._detector import Detector, DetectorFields, DetectorType
from ._fitsTables import Field, Table, readTables, writeTables
from ._orientation import Orientation
from ._transform import TransformPoint2ToPoint2
from ._transformMap import Connection, TransformMap

_CAMERA_ID = 1
_MODULE = "lsst.afw.cameraGeom"
_OTHER_MODULES = {"FilterLabel": "lsst.afw.image", "TransformPoint2ToPoint2": "lsst.afw.geom"}


def readCamera(fileName: str | os.PathLike[str]) -> Camera:
    """Read a camera from a FITS file.

    Parameters
    ----------
    fileName
        Path of the file.

    Returns
    -------
    camera
        The camera, which cannot be changed: the same one for the same file, as long as the file is as it was.

    Raises
    ------
    FileNotFoundError
        Raised if there is no such file.
    ValueError
        Raised if the file does not hold a camera; the message names the file and what is wrong with it.
    """
    path = Path(fileName)
    if not path.is_file():
        raise FileNotFoundError(f"There is no camera file {os.fspath(fileName)!r}.")
    state = path.stat()
    return _readUnchanged(path.absolute(), state.st_ino, state.st_mtime_ns, state.st_size)


# A pipeline reads its camera once for each quantum; that takes longer than many a quantum.
@functools.lru_cache(maxsize=2)
def _readUnchanged(fileName: Path, inode: int, time: int, size: int) -> Camera:
    """Read a camera from a file in a state."""
    try:
        return ArchiveReader(readTables(fileName)).readCamera()
    except (ValueError, OSError, KeyError, IndexError, UnicodeDecodeError) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError | IndexError) else error
        raise ValueError(f"Cannot read a camera from {os.fspath(fileName)!r}: {reason}") from error


class ArchiveReader:
    """Objects of an archive: the index says which rows of which tables belong to each.

    Parameters
    ----------
    tables
        All tables of the file.
    """

    def __init__(self, tables: list[Table]) -> None:
        starts = [i for i, table in enumerate(tables) if table.header.get("EXTTYPE") == "ARCHIVE_INDEX"]
        if len(starts) != 1:
            raise ValueError(f"it has {len(starts)} archive indices (EXTTYPE = 'ARCHIVE_INDEX'), not 1")
        self._tables = tables[starts[0] :]
        index = self._tables[0]
        expected = index.header.get("AR_NCAT", 0)
        if len(self._tables) < expected:
            raise ValueError(f"its archive should have {expected} tables, but {len(self._tables)} are there")
        self._names = dict(zip(index.getColumn("id"), index.getColumn("name"), strict=True))
        self._rows: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        keys = ("cat.persistable", "id", "cat.archive", "row0", "nrows")
        entries = zip(*(index.getColumn(key) for key in keys), strict=True)
        for _, object_id, catalog, row0, count in sorted(entries):
            self._rows[object_id].append((catalog, row0, count))
        self._transformMaps: dict[int, TransformMap] = {}

    def getRows(self, objectId: int, name: str, nTables: int) -> list[tuple[Table, range]]:
        """Return the tables and rows of an object of a class."""
        found = self._names.get(objectId)
        if found != name:
            raise ValueError(f"object {objectId} of its archive should be a {name}, but is {found!r}")
        rows = self._rows[objectId]
        if len(rows) != nTables:
            raise ValueError(f"{name} {objectId} has {len(rows)} tables, not {nTables}")
        parts = []
        for catalog, row0, count in rows:
            table = self._tables[catalog]
            if not 0 <= row0 <= row0 + count <= table.nRows:
                raise ValueError(f"{name} {objectId} has rows {row0} to {row0 + count} of {table.nRows}")
            parts.append((table, range(row0, row0 + count)))
        return parts

    def readCamera(self) -> Camera:
        """Return the camera, which is the first object of its archive."""
        (members, rows), (table, record) = self.getRows(_CAMERA_ID, "Camera", 2)
        detector_ids = members.getColumn("detector")
        detectors = [self.readDetector(detector_ids[row]) for row in rows]
        row = record[0]
        systems = self._readTransformMap(table.getColumn("transformMap")[row])
        name, pupil = table.getColumn("name")[row], table.getColumn("pupilFactoryName")[row]
        return Camera(name, detectors, systems, pupil)

    def _readTransformMap(self, objectId: int) -> TransformMap:
        if objectId not in self._transformMaps:
            ((table, rows),) = self.getRows(objectId, "TransformMap", 1)
            names = ("fromSysName", "fromSysDetectorName", "toSysName", "toSysDetectorName", "transform")
            columns = [table.getColumn(name)[rows.start : rows.stop] for name in names]
            connections = [
                Connection(self._readTransform(transform), CameraSys(a, b), CameraSys(c, d))
                for a, b, c, d, transform in zip(*columns, strict=True)
            ]
            if not connections:
                raise ValueError(f"TransformMap {objectId} is empty")
            self._transformMaps[objectId] = TransformMap(connections[0].fromSys, connections)
        return self._transformMaps[objectId]

    def _readTransform(self, objectId: int) -> TransformPoint2ToPoint2:
        ((table, rows),) = self.getRows(objectId, "TransformPoint2ToPoint2", 1)
        return TransformPoint2ToPoint2(table.getColumn("bytes")[rows[0]].decode())

    def readDetector(self, objectId: int) -> Detector:
        """Return a detector.

        Raises
        ------
        ValueError
            Raised if the object is no detector or is newer than this code.
        """
        (table, (row,)), (amplifiers, rows) = self.getRows(objectId, "Detector", 2)
        record = {name: column[row] for name, column in table.columns.items()}
        version = record.get("version", 1)
        if version > DETECTOR_VERSION:
            raise ValueError(f"Detector version {version} is newer than {DETECTOR_VERSION}")
        _check(record, [field for field in DETECTOR_FIELDS if field.name not in _LATER_FIELDS], table)
        systems = self._readTransformMap(record["transformMap"])
        return Detector(_makeDetectorFields(record, len(rows)), systems, _makeAmplifiers(amplifiers, rows))


_LATER_FIELDS = ("fpPosition_z", "physicalType", "version")


def _check(record: dict[str, Any], fields: list[Field], table: Table) -> None:
    missing = [field.name for field in fields if field.name not in record]
    if missing:
        raise ValueError(f"table {table.header.get('EXTNAME')!r} has no columns {missing}")


def _makeDetectorFields(record: dict[str, Any], nAmplifiers: int) -> DetectorFields:
    crosstalk = record["crosstalk"]
    shape = (nAmplifiers, nAmplifiers) if crosstalk.size else (0, 0)
    if crosstalk.size != shape[0] * shape[1]:
        raise ValueError(f"detector {record['name']} has {crosstalk.size} crosstalk terms, not {shape}")
    orientation = Orientation(
        Point3D(*(record.get(f"fpPosition_{axis}", 0.0) for axis in "xyz")),
        Point2D(record["refPoint_x"], record["refPoint_y"]),
        *(Angle(record[angle]) for angle in ("yaw", "pitch", "roll")),
    )
    return DetectorFields(
        name=record["name"],
        id=record["id"],
        type=DetectorType(record["type"]),
        serial=record["serial"],
        bbox=Box2I(
            Point2I(record["bbox_min_x"], record["bbox_min_y"]),
            Point2I(record["bbox_max_x"], record["bbox_max_y"]),
            invert=False,
        ),
        orientation=orientation,
        pixelSize=Extent2D(record["pixelSize_x"], record["pixelSize_y"]),
        crosstalk=crosstalk.reshape(shape),
        physicalType=record.get("physicalType", ""),
    )


def _makeAmplifiers(table: Table, rows: range) -> Iterator[Amplifier]:
    """Make the amplifiers of a detector of their rows."""
    part = slice(rows.start, rows.stop)
    scalars = {name: table.getColumn(column)[part] for column, name in AMPLIFIER_SCALARS.items()}
    boxes = {
        name: [
            Box2I._make(*limits) if limits[2] > 0 and limits[3] > 0 else Box2I()
            for limits in zip(*(table.getColumn(f"{column}_{end}")[part] for end in _BOX_ENDS), strict=True)
        ]
        for column, name in AMPLIFIER_BOXES.items()
    }
    offsets = zip(*(table.getColumn(f"raw_xyoffset_{axis}")[part] for axis in "xy"), strict=True)
    corners = table.getColumn("readoutcorner")[part]
    for index, (offset, corner) in enumerate(zip(offsets, corners, strict=True)):
        values = {name: column[index] for name, column in (scalars | boxes).items()}
        fields = AmplifierFields(**values, rawXYOffset=Extent2I(*offset), readoutCorner=ReadoutCorner(corner))
        yield Amplifier(fields)


_BOX_ENDS = ("min_x", "min_y", "extent_x", "extent_y")


def writeCamera(camera: Camera, fileName: str | os.PathLike[str]) -> None:
    """Write a camera to a FITS file, replacing one that is there.

    Parameters
    ----------
    camera
        The camera.
    fileName
        Path of the file.
    """
    writer = ArchiveWriter()
    writer.putCamera(camera)
    writeTables(fileName, writer.finish())


class ArchiveWriter:
    """Archive under construction, with objects and tables in afw's order."""

    def __init__(self) -> None:
        self._nextId = _CAMERA_ID
        self._index: list[tuple[Any, ...]] = []
        self._schemas: list[tuple[Field, ...]] = []
        self._records: list[list[dict[str, Any]]] = []
        self._names: list[str] = []
        self._transformMaps: dict[int, int] = {}

    def reserve(self, *schemas: tuple[Field, ...]) -> int:
        """Return the next object's number; its tables get their places in the file."""
        for schema in schemas:
            self._addTable(schema)
        self._nextId += 1
        return self._nextId - 1

    def _addTable(self, schema: tuple[Field, ...]) -> None:
        """Give a table its place in the file, unless it has one."""
        if schema not in self._schemas:
            self._schemas.append(schema)
            self._records.append([])
            self._names.append("")

    def save(
        self, objectId: int, part: int, name: str, schema: tuple[Field, ...], records: list[dict[str, Any]]
    ) -> None:
        """Add rows to a table and tell the index."""
        number = self._schemas.index(schema)
        module = _OTHER_MODULES.get(name, _MODULE)
        row0 = len(self._records[number])
        self._index.append((objectId, number + 1, part, row0, len(records), name, module))
        self._records[number] += records
        self._names[number] = name

    def putCamera(self, camera: Camera) -> None:
        """Add a camera and everything in it."""
        object_id = self.reserve(COLLECTION_FIELDS)
        members = [{"detector": self.putDetector(detector)} for detector in camera]
        self.save(object_id, 0, "Camera", COLLECTION_FIELDS, members)
        record = {
            "name": camera.getName(),
            "pupilFactoryName": camera.getPupilFactoryName(),
            "transformMap": self._putTransformMap(camera.getTransformMap()),
        }
        self._addTable(CAMERA_FIELDS)
        self.save(object_id, 1, "Camera", CAMERA_FIELDS, [record])

    def putDetector(self, detector: Detector) -> int:
        """Add a detector with its transforms; return its number."""
        object_id = self.reserve(DETECTOR_FIELDS)
        systems = self._putTransformMap(detector.getTransformMap())
        self.save(object_id, 0, "Detector", DETECTOR_FIELDS, [_detectorRecord(detector, systems)])
        self._addTable(AMPLIFIER_FIELDS)
        records = [_amplifierRecord(amplifier) for amplifier in detector]
        self.save(object_id, 1, "Detector", AMPLIFIER_FIELDS, records)
        return object_id

    def _putTransformMap(self, transformMap: TransformMap) -> int:
        key = id(transformMap)
        if key not in self._transformMaps:
            object_id = self._transformMaps[key] = self.reserve(TRANSFORM_MAP_FIELDS)
            records = [
                {
                    "fromSysName": connection.fromSys.getSysName(),
                    "fromSysDetectorName": connection.fromSys.getDetectorName(),
                    "toSysName": connection.toSys.getSysName(),
                    "toSysDetectorName": connection.toSys.getDetectorName(),
                    "transform": self._putTransform(connection.transform),
                }
                for connection in transformMap.getConnections()
            ]
            self.save(object_id, 0, "TransformMap", TRANSFORM_MAP_FIELDS, records)
        return self._transformMaps[key]

    def _putTransform(self, transform: TransformPoint2ToPoint2) -> int:
        object_id = self.reserve(TRANSFORM_FIELDS)
        record = {"bytes": transform.writeString().encode()}
        self.save(object_id, 0, "TransformPoint2ToPoint2", TRANSFORM_FIELDS, [record])
        return object_id

    def finish(self) -> list[tuple[tuple[Field, ...], Table]]:
        """Return the index and all tables."""
        names = [field.name for field in INDEX_FIELDS]
        rows = [dict(zip(names, entry, strict=True)) for entry in self._index]
        header = {"EXTTYPE": "ARCHIVE_INDEX", "EXTNAME": "ARCHIVE_INDEX", "AR_CATN": 0}
        tables = [_makeTable(INDEX_FIELDS, header | {"AR_NCAT": len(self._schemas) + 1}, rows)]
        for number, (schema, records, name) in enumerate(
            zip(self._schemas, self._records, self._names, strict=True)
        ):
            version = self._names[: number + 1].count(name)
            header = {"EXTTYPE": "ARCHIVE_DATA", "AR_CATN": number + 1}
            header |= {"EXTVER": version} if version > 1 else {}
            tables.append(_makeTable(schema, header | {"AR_NAME": name, "EXTNAME": name}, records))
        return tables


def _makeTable(
    fields: tuple[Field, ...], header: dict[str, Any], records: list[dict[str, Any]]
) -> tuple[tuple[Field, ...], Table]:
    columns = {field.name: [record[field.name] for record in records] for field in fields}
    return fields, Table(header, columns, len(records))


def _detectorRecord(detector: Detector, transformMap: int) -> dict[str, Any]:
    orientation, bbox = detector.getOrientation(), detector.getBBox()
    record: dict[str, Any] = {
        "name": detector.getName(),
        "id": detector.getId(),
        "type": int(detector.getType()),
        "serial": detector.getSerial(),
        "yaw": float(orientation.getYaw()),
        "pitch": float(orientation.getPitch()),
        "roll": float(orientation.getRoll()),
        "transformMap": transformMap,
        "crosstalk": np.ravel(detector.getCrosstalk()),
        "physicalType": detector.getPhysicalType(),
        "version": DETECTOR_VERSION,
    }
    for name, values in (
        ("bbox_min", bbox.getMin()),
        ("bbox_max", bbox.getMax()),
        ("pixelSize", detector.getPixelSize()),
        ("fpPosition", orientation.getFpPosition3()),
        ("refPoint", orientation.getReferencePoint()),
    ):
        record |= {f"{name}_{axis}": value for axis, value in zip("xyz", values, strict=False)}
    return record


def _amplifierRecord(amplifier: Amplifier) -> dict[str, Any]:
    fields = amplifier._fields
    record: dict[str, Any] = {column: getattr(fields, name) for column, name in AMPLIFIER_SCALARS.items()}
    for column, name in AMPLIFIER_BOXES.items():
        box = getattr(fields, name)
        limits = (box.minX, box.minY, box.width, box.height)
        record |= {f"{column}_{end}": value for end, value in zip(_BOX_ENDS, limits, strict=True)}
    x, y = fields.rawXYOffset
    # afw never sets the first: it is a leftover of an older schema.
    record |= {"hasrawinfo": False, "raw_xyoffset_x": x, "raw_xyoffset_y": y}
    return record | {"readoutcorner": int(fields.readoutCorner)}
