# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What is in a pyramid, for those who draw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lsst.analysis.cp.core.images.stretch import STRETCH_METHODS, StretchMethod, stretchLimits
from lsst.analysis.cp.core.pyramid import PyramidReader
from lsst.analysis.cp.core.pyramid.index import MOSAIC, PLANES, TILE_SIZE, StoredDetector

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef

__all__ = ["DetectorFacts", "MosaicFacts", "PlaneFacts", "PyramidFacts", "describePyramid", "nameKeys"]

Limits = dict[StretchMethod, tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class DetectorFacts:
    """A detector: position (column, row) of its image lies at ``origin + matrix @ (column, row)``.

    Parameters
    ----------
    id, name
        The detector.
    shape
        Number of its pixels (ny, nx).
    first
        Coordinates (x, y) of the first pixel of its image on the detector.
    origin
        Centre of pixel [0, 0] on the focal plane, mm.
    matrix
        Step on the focal plane of a column (first column) and of a row (second), mm.
    planes
        What the exposure has of it: images of these planes.
    """

    id: int
    name: str
    shape: tuple[int, int]
    first: tuple[int, int]
    origin: tuple[float, float]
    matrix: tuple[tuple[float, float], tuple[float, float]]
    planes: tuple[str, ...]

    @classmethod
    def of(cls, stored: StoredDetector) -> DetectorFacts:
        """Describe a stored detector."""
        at = stored.placement
        (xx, xy), (yx, yy) = at.matrix.tolist()
        x, y = at.origin.tolist()
        return cls(
            id=at.detectorId,
            name=at.name,
            shape=at.shape,
            first=(stored.x0, stored.y0),
            origin=(x, y),
            matrix=((xx, xy), (yx, yy)),
            planes=stored.planes,
        )


@dataclass(frozen=True, kw_only=True)
class MosaicFacts:
    """An image of the whole focal plane.

    Parameters
    ----------
    factor
        Side of its pixels, in pixels of the detectors.
    shape
        Number of pixels (ny, nx).
    origin
        Centre of pixel [0, 0] on the focal plane, mm.
    """

    factor: int
    shape: tuple[int, int]
    origin: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class PlaneFacts:
    """What is kept of a plane.

    Parameters
    ----------
    name
        ``image``, ``mask`` or ``significance``.
    unit
        Unit of its pixels; empty for none.
    factors
        Factors at which detectors have an image of their own, the finest first.
    mosaics
        Images of the focal plane, the finest first.
    limits
        Ranges of values that show the coarsest mosaic, by the method that finds them; empty of a mask.
    maskPlanes
        Number of the bit of each plane of a mask; empty of others.
    """

    name: str
    unit: str
    factors: tuple[int, ...]
    mosaics: tuple[MosaicFacts, ...]
    limits: Limits
    maskPlanes: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class PyramidFacts:
    """What is in a pyramid.

    Parameters
    ----------
    id
        Identifier of the dataset.
    title
        The dataset in words.
    instrument, datasetType, run
        What it is.
    dataId
        Its dimensions and their values; whole numbers are text, as JavaScript cannot hold all of them.
    pixelSize
        Side of a pixel of factor 1, mm.
    tileSize
        Side of a tile, pixels.
    mosaic
        Identifier of the detector that means the mosaics.
    planes
        What there is.
    detectors
        The camera's detectors, in the exposure or not.
    """

    id: str
    title: str
    instrument: str
    datasetType: str
    run: str
    dataId: dict[str, str]
    pixelSize: float
    tileSize: int
    mosaic: int
    planes: tuple[PlaneFacts, ...]
    detectors: tuple[DetectorFacts, ...]


def nameKeys(ref: DatasetRef) -> dict[str, str]:
    """Write a data ID so that JavaScript keeps all digits."""
    return {name: str(value) for name, value in ref.dataId.required.items()}


def describePyramid(reader: PyramidReader, ref: DatasetRef) -> PyramidFacts:
    """Describe a pyramid.

    Parameters
    ----------
    reader
        The pyramid.
    ref
        Its dataset.

    Returns
    -------
    facts
        What is in it.

    Raises
    ------
    PyramidFileError
        Raised if what is read of it is damaged.
    """
    keys = nameKeys(ref)
    words = " ".join(f"{name} {value}" for name, value in keys.items() if name != "instrument")
    present = {key.plane for key in reader.images}
    return PyramidFacts(
        id=str(ref.id),
        title=f"{keys.get('instrument', '')} {words}".strip(),
        instrument=keys.get("instrument", ""),
        datasetType=ref.datasetType.name,
        run=ref.run,
        dataId=keys,
        pixelSize=reader.pixelSize,
        tileSize=TILE_SIZE,
        mosaic=MOSAIC,
        planes=tuple(_describePlane(reader, plane) for plane in PLANES if plane in present),
        detectors=tuple(DetectorFacts.of(stored) for stored in reader.detectors),
    )


def _describePlane(reader: PyramidReader, plane: str) -> PlaneFacts:
    own = {key: place for key, place in reader.images.items() if key.plane == plane}
    meaning = reader.describe(*next(iter(own)))
    mosaics = [
        MosaicFacts(factor=key.factor, shape=place.shape, origin=(place.x0, place.y0))
        for key, place in own.items()
        if key.detector == MOSAIC
    ]
    return PlaneFacts(
        name=plane,
        unit=meaning.unit,
        factors=tuple(sorted({key.factor for key in own if key.detector != MOSAIC})),
        mosaics=tuple(sorted(mosaics, key=lambda mosaic: mosaic.factor)),
        limits=_findLimits(reader, plane, mosaics),
        maskPlanes=dict(meaning.maskPlanes),
    )


def _findLimits(reader: PyramidReader, plane: str, mosaics: list[MosaicFacts]) -> Limits:
    """Find ranges by the coarsest mosaic, which is one tile."""
    if not mosaics:
        return {}
    coarsest = max(mosaic.factor for mosaic in mosaics)
    pixels = reader.overview() if plane == "image" else reader.readTile(MOSAIC, plane, coarsest, 0, 0)
    return {method: stretchLimits(pixels.astype(float), method) for method in STRETCH_METHODS}
