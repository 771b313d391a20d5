# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Cameras made of their descriptions in ``cameras.yaml``."""

from __future__ import annotations

__all__ = ["makeCamera"]

import importlib.resources
import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from lsst.afw.cameraGeom import (
    FIELD_ANGLE,
    TAN_PIXELS,
    Camera,
    DetectorType,
    Orientation,
)
from lsst.afw.cameraGeom._amplifier import AmplifierBuilder, AmplifierFields
from lsst.afw.cameraGeom._transform import makeScaling
from lsst.geom import Box2I, Extent2D, Extent2I, Point2D, Point2I, Point3D, arcseconds, degrees

_CENTRAL_RAFT = 2
_LINEARITY_MAXIMUM = 142857.0
_PUPIL_FACTORY = "lsst.afw.cameraGeom.pupil.PupilFactory"


@cache
def _readDescriptions() -> Mapping[str, Any]:
    text = importlib.resources.files("lsst.obs.lsst").joinpath("cameras.yaml").read_text(encoding="utf-8")
    descriptions: dict[str, Any] = yaml.safe_load(text)
    return descriptions


@cache
def makeCamera(name: str) -> Camera:
    """Make a camera of its description; the same one for each call.

    Parameters
    ----------
    name
        Name of the instrument.

    Raises
    ------
    ValueError
        Raised if there is no description of that name.
    """
    descriptions = _readDescriptions()
    cameras = descriptions["cameras"]
    if name not in cameras:
        raise ValueError(f"There is no camera {name!r}; described are {sorted(cameras)}.")
    camera = cameras[name]
    builder = Camera.Builder(name)
    builder.setPupilFactoryName(_PUPIL_FACTORY)
    scale = (camera["plateScale"] * arcseconds).asRadians()
    builder.setFocalPlaneParity(camera["mirrored"])
    builder.setTransformFromFocalPlaneTo(FIELD_ANGLE, makeScaling(scale, scale))
    undistorted = makeScaling(1.0, 1.0)
    for number, slot in enumerate(_findSlots(descriptions, camera)):
        detector = builder.add(f"{slot['raft']}_{slot['name']}", number)
        detector.setSerial(slot["serialPrefix"] + slot["serial"])
        detector.setType(DetectorType[slot["type"]])
        detector.setPhysicalType(slot["physicalType"])
        detector.setPixelSize(Extent2D(descriptions["pixelSize"], descriptions["pixelSize"]))
        detector.setOrientation(slot["orientation"])
        detector.setTransformFromPixelsTo(TAN_PIXELS, undistorted)
        rng = np.random.default_rng([camera["seed"], number])
        for amplifier in _makeAmplifiers(descriptions, slot, rng):
            detector.append(amplifier)
        detector.setBBox(_enclose([amplifier.getBBox() for amplifier in detector]))
    return builder.finish()


def _findSlots(descriptions: Mapping[str, Any], camera: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is known of each detector, in the order of numbers."""
    for raft in camera["rafts"]:
        layout = descriptions["layouts"][raft["layout"]]
        for (name, slot), serial in zip(layout.items(), raft["serials"].split(), strict=True):
            kind = slot.get("sensor", raft.get("sensor"))
            sensor = dict(descriptions["sensors"][kind])
            sensor["raw"] = camera.get("raw", {}).get(kind, sensor["raw"])
            yield (
                sensor
                | camera["electronics"][kind]
                | {
                    "raft": raft["raft"],
                    "name": name,
                    "serial": serial,
                    "physicalType": kind,
                    "orientation": _orient(descriptions["raftPitch"], raft, slot, sensor),
                }
            )


def _orient(
    pitch: float, raft: Mapping[str, Any], slot: Mapping[str, Any], sensor: Mapping[str, Any]
) -> Orientation:
    """Return place and attitude of a detector."""
    x, y = slot["offset"]
    for _ in range(round(raft.get("yaw", 0.0) / 90.0) % 4):
        x, y = -y, x
    row, column = raft["raft"][1:]
    if row.isdigit():
        x += pitch * (int(column) - _CENTRAL_RAFT)
        y += pitch * (int(row) - _CENTRAL_RAFT)
    yaw = raft.get("yaw", 0.0) + slot.get("yaw", 0.0)
    # Sums are rounded to nanometres, to be the floats nearest to the true decimal values.
    return Orientation(Point3D(round(x, 6), round(y, 6), 0.0), Point2D(*sensor["refPoint"]), yaw * degrees)


def _makeAmplifiers(
    descriptions: Mapping[str, Any], slot: Mapping[str, Any], rng: np.random.Generator
) -> Iterator[AmplifierBuilder]:
    """Yield the amplifiers of a detector."""
    width, height = slot["imaging"]
    raw_width, raw_height = slot["raw"]
    raw_boxes = _makeRawBoxes(slot)
    for segment in slot["segments"]:
        names = segment["names"].split()
        gains = slot["gain"] * _vary(rng, descriptions["gainSpread"], len(names))
        noises = slot["readNoise"] * _vary(rng, descriptions["readNoiseSpread"], len(names))
        flip_x, flip_y = segment["flip"]
        for index, name in enumerate(names):
            column, row = segment["column"] + index * segment["step"], segment["row"]
            fields = AmplifierFields(
                name=name,
                bbox=_box(column * width, row * height, width, height),
                gain=float(gains[index]),
                readNoise=float(noises[index]),
                saturation=float(slot["saturation"]),
                suspectLevel=math.nan,
                linearityType="PROPORTIONAL",
                linearityCoeffs=np.array([0.0, _LINEARITY_MAXIMUM]),
                linearityMaximum=_LINEARITY_MAXIMUM,
                rawFlipX=flip_x,
                rawFlipY=flip_y,
                rawXYOffset=Extent2I(column * raw_width, row * raw_height),
                **raw_boxes,
            )
            yield AmplifierBuilder(fields)


def _makeRawBoxes(slot: Mapping[str, Any]) -> dict[str, Any]:
    """Return the boxes of a raw amplifier, which all amplifiers of a sensor have in common."""
    width, height = slot["imaging"]
    raw_width, raw_height = slot["raw"]
    start = slot["prescan"]
    overscan = start + width
    return {
        "rawBBox": _box(0, 0, raw_width, raw_height),
        "rawDataBBox": _box(start, 0, width, height),
        "rawPrescanBBox": _box(0, 0, start, height),
        "rawHorizontalOverscanBBox": _box(overscan, 0, raw_width - overscan, height),
        "rawVerticalOverscanBBox": _box(start, height, width, raw_height - height),
    }


def _vary(rng: np.random.Generator, spread: float, size: int) -> npt.NDArray[np.float64]:
    """Return factors of mean 1 with a relative spread, none farther away than three times the spread."""
    return 1.0 + spread * np.clip(rng.standard_normal(size), -3.0, 3.0)


def _box(x: int, y: int, width: int, height: int) -> Box2I:
    return Box2I(Point2I(x, y), Extent2I(width, height))


def _enclose(boxes: list[Box2I]) -> Box2I:
    box = Box2I()
    for other in boxes:
        box.include(other)
    return box
