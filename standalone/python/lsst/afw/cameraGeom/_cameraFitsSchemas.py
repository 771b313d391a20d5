# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Columns of the tables in which afw persists a camera."""

from __future__ import annotations

__all__ = [
    "AMPLIFIER_BOXES",
    "AMPLIFIER_FIELDS",
    "AMPLIFIER_SCALARS",
    "CAMERA_FIELDS",
    "COLLECTION_FIELDS",
    "DETECTOR_FIELDS",
    "DETECTOR_VERSION",
    "INDEX_FIELDS",
    "TRANSFORM_FIELDS",
    "TRANSFORM_MAP_FIELDS",
]

from ._fitsTables import Field

DETECTOR_VERSION = 2
"""Version of the columns of a detector: 2 added the height above the focal plane."""


def _text(name: str, doc: str) -> Field:
    return Field(name, "A", doc, template="String")


def _pair(name: str, form: str, doc: str, unit: str) -> tuple[Field, ...]:
    return tuple(Field(f"{name}_{axis}", form, doc, unit) for axis in "xy")


def _box(name: str, doc: str, end: str) -> tuple[Field, ...]:
    """Return the columns of a box given by its minimum and its maximum or extent."""
    corner = _pair(f"{name}_min", "J", f"{doc}: minimum", "pixel")
    return corner + _pair(f"{name}_{end}", "J", f"{doc}: {end}", "pixel")


INDEX_FIELDS = (
    Field("id", "J", "number of the object"),
    Field("cat.archive", "J", "number of the table in the archive"),
    Field("cat.persistable", "J", "number of the table among those of the object"),
    Field("row0", "J", "first row of the object"),
    Field("nrows", "J", "number of rows of the object"),
    Field("name", "A", "class of the object", template="String", width=64),
    Field("module", "A", "Python module of the class", template="String", width=64),
)

COLLECTION_FIELDS = (Field("detector", "J", "number of the Detector"),)

CAMERA_FIELDS = (
    _text("name", "name of the camera"),
    _text("pupilFactoryName", "full name of the class that describes the pupil"),
    Field("transformMap", "J", "number of the TransformMap"),
)

TRANSFORM_MAP_FIELDS = (
    _text("fromSysName", "coordinate system nearer to the focal plane"),
    _text("fromSysDetectorName", "detector of that system"),
    _text("toSysName", "coordinate system farther from the focal plane"),
    _text("toSysDetectorName", "detector of that system"),
    Field("transform", "J", "number of the transform"),
)

TRANSFORM_FIELDS = (Field("bytes", "B", "class and AST dump of the transform", template="Array"),)

DETECTOR_FIELDS = (
    _text("name", "name of the detector"),
    Field("id", "J", "number of the detector"),
    Field("type", "J", "DetectorType"),
    _text("serial", "serial name"),
    *_box("bbox", "box of the assembled image", "max"),
    *_pair("pixelSize", "D", "size of a pixel", "mm"),
    *_pair("fpPosition", "D", "reference point on the focal plane", "mm"),
    Field("fpPosition_z", "D", "reference point on the focal plane", "mm"),
    *_pair("refPoint", "D", "reference point on the detector", "pixel"),
    Field("yaw", "D", "first rotation, about z", "rad", "Angle"),
    Field("pitch", "D", "second rotation, about y'", "rad", "Angle"),
    Field("roll", "D", "third rotation, about x''", "rad", "Angle"),
    Field("transformMap", "J", "number of the TransformMap"),
    Field("crosstalk", "E", "crosstalk matrix, row by row", template="Array"),
    _text("physicalType", "kind of the sensor"),
    Field("version", "J", "version of these columns"),
)

AMPLIFIER_FIELDS = (
    _text("name", "name of the amplifier"),
    *_box("bbox", "pixels on the assembled image", "extent"),
    Field("gain", "D", "gain", "electron adu^-1"),
    Field("saturation", "D", "saturation level, nan for none", "adu"),
    Field("suspectlevel", "D", "suspect level, nan for none", "adu"),
    Field("readnoise", "D", "read noise", "electron"),
    Field("readoutcorner", "J", "ReadoutCorner on the assembled image"),
    Field("linearity_coeffs", "D", "coefficients of the linearity model", template="Array"),
    _text("linearity_type", "linearity model"),
    Field("hasrawinfo", "X", "unused"),
    *_box("raw_bbox", "everything on the raw image", "extent"),
    *_box("raw_databbox", "pixels on the raw image", "extent"),
    Field("raw_flip_x", "X", "whether assembly mirrors the columns"),
    Field("raw_flip_y", "X", "whether assembly mirrors the rows"),
    *_pair("raw_xyoffset", "J", "offset of the raw image in a mosaic of raw images", "pixel"),
    *_box("raw_horizontaloverscanbbox", "serial overscan on the raw image", "extent"),
    *_box("raw_verticaloverscanbbox", "parallel overscan on the raw image", "extent"),
    *_box("raw_prescanbbox", "serial prescan on the raw image", "extent"),
    Field("linearityThreshold", "D", "level from which linearity applies, in ADU"),
    Field("linearityMaximum", "D", "level up to which linearity applies, in ADU"),
    _text("linearityUnits", "unit of the linearity model's input"),
)

AMPLIFIER_SCALARS = {
    "name": "name",
    "gain": "gain",
    "saturation": "saturation",
    "suspectlevel": "suspectLevel",
    "readnoise": "readNoise",
    "linearity_coeffs": "linearityCoeffs",
    "linearity_type": "linearityType",
    "raw_flip_x": "rawFlipX",
    "raw_flip_y": "rawFlipY",
    "linearityThreshold": "linearityThreshold",
    "linearityMaximum": "linearityMaximum",
    "linearityUnits": "linearityUnits",
}
"""Columns that hold one value each, and the fields of an amplifier that they fill."""

AMPLIFIER_BOXES = {
    "bbox": "bbox",
    "raw_bbox": "rawBBox",
    "raw_databbox": "rawDataBBox",
    "raw_horizontaloverscanbbox": "rawHorizontalOverscanBBox",
    "raw_verticaloverscanbbox": "rawVerticalOverscanBBox",
    "raw_prescanbbox": "rawPrescanBBox",
}
"""Prefixes of the columns of a box, and the fields of an amplifier that they fill."""
