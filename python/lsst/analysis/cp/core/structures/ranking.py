# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""One list of the structures of all detectors, the most conspicuous first."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from astropy import units
from astropy.table import Table

from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.images.placement import DetectorPlacement
from lsst.analysis.cp.core.tableColumns import describeColumns
from lsst.analysis.cp.core.typing import IndexArray, NameArray

from .table import TRANSIENT_KINDS, Structures, joinStructures

__all__ = ["rankStructures"]


def rankStructures(
    found: Iterable[tuple[int, Structures]],
    geometry: FocalPlaneGeometry,
    exposure: int,
    *,
    unit: str = "electron",
    maxPerKind: int | None = 20,
) -> Table:
    """Rank the structures of an exposure.

    They are sorted by how many times they exceed their threshold, events last: there are thousands of cosmic
    rays, and none is a fault of a detector.

    Parameters
    ----------
    found
        Identifier and structures of each detector.
    geometry
        The camera.
    exposure
        Identifier of the exposure.
    unit
        Unit of the images, as astropy spells it.
    maxPerKind
        Largest number of rows of a kind from one detector; all if None. ``nFound`` counts all.

    Returns
    -------
    table
        One row a structure: ``rank`` (from 1), ``exposure``, ``detector``, ``detectorName``, ``amplifier``
        (empty for the whole detector), ``kind``, ``x``, ``y`` (centre, pixel), ``fpX``, ``fpY`` (centre on
        the focal plane, mm), ``width``, ``height`` (pixel), ``nPixels``, ``score``, ``threshold``,
        ``amplitude`` (unit of the image) and ``nFound``, with the meaning that they have in `Structures`.

    Raises
    ------
    ValueError
        Raised if a detector is not in the camera, comes twice, or has no amplifier of an index.
    """
    given = [(int(detector), structures) for detector, structures in found]
    ids = np.array([detector for detector, _ in given], dtype=np.int64)
    if len(np.unique(ids)) < len(ids):
        raise ValueError(f"Expected each detector once, got {ids.tolist()}.")
    index = geometry.detectorIndex(ids)
    structures = joinStructures(part for _, part in given)
    detector = np.repeat(index, [len(part) for _, part in given]).astype(np.intp)
    rows = _order(structures, detector, maxPerKind)
    structures, detector = structures.take(rows), detector[rows]
    points = np.stack([structures.x, structures.y])
    placed = np.empty_like(points)
    for i in np.unique(detector).tolist():
        placement, own = DetectorPlacement.fromGeometry(geometry, i), detector == i
        placed[:, own] = placement.origin[:, None] + placement.matrix @ points[:, own]
    px, mm, none = units.pixel, units.mm, units.dimensionless_unscaled
    table = Table(
        {
            "rank": np.arange(1, len(rows) + 1),
            "exposure": np.full(len(rows), exposure, dtype=np.int64),
            "detector": geometry.layout.detectorId[detector],
            "detectorName": geometry.layout.detectorName[detector],
            "amplifier": _ampNames(structures, detector, geometry.layout),
            "kind": structures.kind,
            "x": structures.x * px,
            "y": structures.y * px,
            "fpX": placed[0] * mm,
            "fpY": placed[1] * mm,
            "width": structures.width * px,
            "height": structures.height * px,
            "nPixels": structures.nPixels,
            "score": structures.score * none,
            "threshold": structures.threshold * none,
            "amplitude": structures.amplitude * units.Unit(unit),
            "nFound": structures.nFound,
        }
    )
    return describeColumns(table, "structures")


def _order(structures: Structures, detector: IndexArray, maxPerKind: int | None) -> IndexArray:
    """Return the rows to list, in their order: the largest excess first, transient kinds last."""
    excess = structures.score / structures.threshold
    order = np.lexsort((detector, -excess, np.isin(structures.kind, TRANSIENT_KINDS)))
    if maxPerKind is None:
        return order
    # Number the rows of each detector and kind in their order, by a stable sort that keeps it.
    kind = np.unique(structures.kind, return_inverse=True)[1]
    group = detector * (len(structures) + 1) + kind
    within = np.argsort(group[order], kind="stable")
    ordered = group[order][within]
    place = np.empty(len(order), dtype=np.intp)
    place[within] = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return order[place < maxPerKind]


def _ampNames(structures: Structures, detector: IndexArray, layout: CameraLayout) -> NameArray:
    """Return the names of amplifiers; empty for the whole detector."""
    wrong = structures.amplifier >= layout.ampsPerDetector[detector]
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"Detector {layout.detectorName[detector[row]]} has "
            f"{layout.ampsPerDetector[detector[row]]} amplifiers, so none of index "
            f"{structures.amplifier[row]}."
        )
    name = layout.ampName[layout.firstAmp[detector] + np.maximum(structures.amplifier, 0)]
    return np.where(structures.amplifier < 0, "", name)
