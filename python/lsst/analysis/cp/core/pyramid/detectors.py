# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The detectors of a pyramid, found by name, by place and by window."""

from __future__ import annotations

__all__ = ["DetectorMap"]

from collections.abc import Iterator, Sequence

import numpy as np

from lsst.analysis.cp.core.images.placement import DetectorPlacement, MosaicGrid
from lsst.analysis.cp.core.typing import FloatArray

from .index import StoredDetector


class DetectorMap:
    """Where the detectors of a pyramid lie.

    Parameters
    ----------
    detectors
        The detectors; one or more.
    """

    def __init__(self, detectors: Sequence[StoredDetector]) -> None:
        self._detectors = tuple(detectors)
        placements = [own.placement for own in self._detectors]
        size = np.array([placement.shape[::-1] for placement in placements], dtype=np.float64)
        self._origins = np.array([placement.origin for placement in placements])
        self._matrices = np.array([placement.matrix for placement in placements])
        self._halves = 0.5 * size
        middle = self._origins + np.einsum("nij,nj->ni", self._matrices, self._halves - 0.5)
        reach = np.einsum("nij,nj->ni", np.abs(self._matrices), self._halves)
        self._low, self._high = middle - reach, middle + reach

    def find(self, detector: int | str) -> StoredDetector:
        """Find a detector by its identifier or name.

        Parameters
        ----------
        detector
            Identifier or name.

        Returns
        -------
        found
            The detector.

        Raises
        ------
        ValueError
            Raised if there is none.
        """
        for own in self._detectors:
            if detector in (own.placement.detectorId, own.placement.name):
                return own
        first, last = (self._detectors[i].placement for i in (0, -1))
        raise ValueError(
            f"The camera has no detector {detector!r}; it has {len(self._detectors)}, "
            f"{first.detectorId} ({first.name}) to {last.detectorId} ({last.name})."
        )

    def toFocalPlane(self, detector: int | str, x: float, y: float) -> tuple[float, float]:
        """Find a pixel on the focal plane; see `PyramidReader.toFocalPlane`."""
        own = self.find(detector)
        column, row = x - own.x0, y - own.y0
        n_rows, n_columns = own.placement.shape
        if not (-0.5 <= column <= n_columns - 0.5 and -0.5 <= row <= n_rows - 0.5):
            raise ValueError(
                f"Pixel ({x}, {y}) is not on detector {own.placement.detectorId} ({own.placement.name}), "
                f"whose pixels start at ({own.x0}, {own.y0}) and number {n_columns} by {n_rows}."
            )
        fp_x, fp_y = own.placement.toFocalPlane(column, row)
        return float(fp_x), float(fp_y)

    def nearest(self, x: float, y: float) -> DetectorPlacement:
        """Find the detector on which a point lies, or else one that is near.

        Parameters
        ----------
        x, y
            Position on the focal plane, mm.

        Returns
        -------
        placement
            The detector out of whose middle the point lies least far, in units of the detector's size.
        """
        offsets = np.array([x, y]) - self._origins
        places = np.linalg.solve(self._matrices, offsets[:, :, np.newaxis])[:, :, 0]
        distance = np.abs((places + 0.5) / self._halves - 1).max(axis=1)
        return self._detectors[int(np.argmin(distance))].placement

    def inWindow(self, grid: MosaicGrid) -> Iterator[StoredDetector]:
        """Find the detectors that may lie in a window.

        Parameters
        ----------
        grid
            The window.

        Yields
        ------
        detector
            A detector whose outline overlaps with the window, or nearly so.
        """
        low, high = _cornersOf(grid)
        # Partial bins may reach over the edge of a detector by less than one.
        margin = grid.pixelSize
        inside = (self._low - margin <= high) & (self._high + margin >= low)
        for i in np.flatnonzero(inside.all(axis=1)).tolist():
            yield self._detectors[i]

    def checkInside(self, grid: MosaicGrid) -> None:
        """Check that a window shows some part of the focal plane, if only a gap.

        Parameters
        ----------
        grid
            The window.

        Raises
        ------
        ValueError
            Raised if it is outside.
        """
        low, high = _cornersOf(grid)
        first, last = self._low.min(axis=0), self._high.max(axis=0)
        if (low > last).any() or (high < first).any():
            words = [f"({x:.3f}, {y:.3f})" for x, y in (low, high, first, last)]
            raise ValueError(
                f"The window from {words[0]} to {words[1]} mm is outside the focal plane, "
                f"from {words[2]} to {words[3]} mm."
            )


def _cornersOf(grid: MosaicGrid) -> tuple[FloatArray, FloatArray]:
    """Return the lower left and upper right corner of a window, mm; shapes (2,)."""
    start = np.array([grid.x0, grid.y0]) - 0.5 * grid.pixelSize
    return start, start + grid.pixelSize * np.array(grid.shape[::-1])
