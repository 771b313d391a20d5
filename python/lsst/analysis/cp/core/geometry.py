# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Polygons of amplifiers and detectors on the focal plane, and what falls on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lsst.analysis.cp.core.typing import FloatArray, IndexArray

from .camera import CameraLayout
from .columns import floatColumn, idColumn

__all__ = ["STATISTICS", "FocalPlaneGeometry", "boxCorners", "groupedStatistic"]

_REDUCTIONS = {
    "mean": ndimage.mean,
    "median": ndimage.median,
    "std": ndimage.standard_deviation,
    "min": ndimage.minimum,
    "max": ndimage.maximum,
    "sum": ndimage.sum_labels,
}

_LARGE, _UNIT = 1e140, 2.0**600
"""Absolute value from which squares may overflow, and the unit that makes such values small."""

STATISTICS = (*_REDUCTIONS, "count")
"""Statistics that `groupedStatistic` knows, by the names of `scipy.stats.binned_statistic`."""


def boxCorners(edges: npt.ArrayLike) -> FloatArray:
    """Return the corners of boxes, counter-clockwise from the lower left.

    Parameters
    ----------
    edges
        Edges of the boxes as (xMin, yMin, xMax, yMax); shape (n, 4).

    Returns
    -------
    corners
        Corners in (x, y) order; shape (n, 4, 2), in the unit of ``edges``.
    """
    return np.asarray(edges, dtype=np.float64).reshape(-1, 4)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]


def groupedStatistic(
    values: npt.ArrayLike, group: npt.ArrayLike, nGroups: int, statistic: str = "median"
) -> FloatArray:
    """Reduce values group by group.

    Parameters
    ----------
    values
        Values of the rows; shape (n,). NaN, infinite and masked values are left out.
    group
        Index of the group of each row; shape (n,). Rows with a negative or masked index are left out.
    nGroups
        Number of groups.
    statistic
        One of `STATISTICS`, with the meaning that it has in `scipy.stats.binned_statistic`.

    Returns
    -------
    reduced
        One number a group; shape (nGroups,). A group without a finite value has NaN, or 0 for ``count``. A
        sum that is too large is infinite.

    Raises
    ------
    ValueError
        Raised if the statistic is unknown, or a column holds something else.
    """
    if statistic not in STATISTICS:
        raise ValueError(f"Unknown statistic {statistic!r}; expected one of {', '.join(STATISTICS)}.")
    rows = floatColumn(values, "values")
    index, present = idColumn(group, "group")
    keep = np.isfinite(rows) & present & (index >= 0)
    # Labels without gaps: scipy divides by zero for a label that no row has.
    filled, label, count = np.unique(index[keep], return_inverse=True, return_counts=True)
    reduced = np.full(nGroups, 0.0 if statistic == "count" else np.nan)
    if statistic == "count":
        reduced[filled] = count
    elif len(filled):
        labels = np.arange(len(filled))
        unit = np.where(ndimage.maximum(np.abs(rows[keep]), label, labels) > _LARGE, _UNIT, 1.0)
        # All of these statistics are in proportion to the values.
        with np.errstate(over="ignore"):
            reduced[filled] = unit * _REDUCTIONS[statistic](rows[keep] / unit[label], label, labels)
    return reduced


@dataclass(frozen=True, kw_only=True, eq=False)
class FocalPlaneGeometry:
    """Where the detectors and amplifiers of a camera lie on its focal plane.

    Make it with `fromCamera`.

    Parameters
    ----------
    layout
        Names and order of the detectors and amplifiers.
    detectorEdges
        Edges (xMin, yMin, xMax, yMax) of the detectors in pixels; shape (nDet, 4).
    detectorCorners
        Corners of the detectors in (x, y) order, mm on the focal plane; shape (nDet, 4, 2).
    ampEdges
        Edges (xMin, yMin, xMax, yMax) of the amplifiers in pixels; shape (nAmp, 4). A box that ends on pixel
        508 has its edge at 508.5.
    ampCorners
        Corners of the amplifiers in (x, y) order, mm on the focal plane; shape (nAmp, 4, 2).
    """

    layout: CameraLayout
    detectorEdges: FloatArray
    detectorCorners: FloatArray
    ampEdges: FloatArray
    ampCorners: FloatArray

    @classmethod
    def fromCamera(cls, camera: Any, pixels: object, focalPlane: object) -> FocalPlaneGeometry:
        """Measure a camera by its own transforms.

        Parameters
        ----------
        camera
            An `lsst.afw.cameraGeom.Camera`, or an iterable of detectors with its interface.
        pixels
            The camera's name for pixel coordinates (``lsst.afw.cameraGeom.PIXELS``).
        focalPlane
            The camera's name for focal-plane coordinates in mm (``lsst.afw.cameraGeom.FOCAL_PLANE``).

        Returns
        -------
        geometry
            Corners of all detectors and amplifiers.
        """
        edges, corners = [], []
        for detector in camera:
            boxes = [detector.getBBox(), *(amp.getBBox() for amp in detector.getAmplifiers())]
            ends = [(box.getMinX(), box.getMinY(), box.getMaxX(), box.getMaxY()) for box in boxes]
            # Pixel centres are whole numbers: the edges of a box lie half a pixel outside of them.
            own = np.array(ends) + [-0.5, -0.5, 0.5, 0.5]
            points = np.ascontiguousarray(boxCorners(own).reshape(-1, 2).T)
            mapped = detector.getTransform(pixels, focalPlane).getMapping().applyForward(points)
            edges.append(own)
            corners.append(np.asarray(mapped, dtype=np.float64).T.reshape(-1, 4, 2))
        return cls(
            layout=CameraLayout.fromCamera(camera),
            detectorEdges=np.concatenate([own[:1] for own in edges]),
            detectorCorners=np.concatenate([own[:1] for own in corners]),
            ampEdges=np.concatenate([own[1:] for own in edges]),
            ampCorners=np.concatenate([own[1:] for own in corners]),
        )

    def detectorIndex(self, detector: npt.ArrayLike) -> IndexArray:
        """Find rows' detectors.

        Parameters
        ----------
        detector
            Identifiers of detectors; shape (n,). A row without one gives -1.

        Returns
        -------
        index
            Positions in the layout; shape (n,).

        Raises
        ------
        ValueError
            Raised if a detector is not in the camera or an identifier is not a whole number.
        """
        ids, present = idColumn(detector, "detector")
        index = np.full(len(ids), -1, dtype=np.intp)
        index[present] = self.layout.findDetectors(ids[present])
        return index

    def ampIndexAt(self, detector: npt.ArrayLike, x: npt.ArrayLike, y: npt.ArrayLike) -> IndexArray:
        """Find the amplifiers on which points lie.

        Parameters
        ----------
        detector
            Identifiers of detectors; shape (n,).
        x, y
            Positions on the detector in pixels; shape (n,). A point on the edge of two amplifiers belongs to
            the one with the larger coordinates.

        Returns
        -------
        index
            Positions in the layout; shape (n,); -1 for a point on no amplifier.

        Raises
        ------
        ValueError
            Raised if a detector is not in the camera.
        """
        by_detector = self.detectorIndex(detector)
        px, py = floatColumn(x, "x"), floatColumn(y, "y")
        n_amps = self.layout.ampsPerDetector
        index = np.full(len(by_detector), -1, dtype=np.intp)
        # One pass for each place that an amplifier can have in its detector, over the rows of all detectors.
        for slot in range(n_amps.max(initial=0)):
            rows = np.flatnonzero((by_detector >= 0) & (slot < n_amps[by_detector]))
            candidate = self.layout.firstAmp[by_detector[rows]] + slot
            x_min, y_min, x_max, y_max = self.ampEdges[candidate].T
            inside = (x_min <= px[rows]) & (px[rows] < x_max) & (y_min <= py[rows]) & (py[rows] < y_max)
            index[rows[inside]] = candidate[inside]
        return index
