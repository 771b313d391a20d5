# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Mosaics of detectors on the focal plane, from one detector's image at a time."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
from scipy.ndimage import affine_transform, binary_erosion

from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.masked import fillMasked, fillMaskedFlags
from lsst.analysis.cp.core.typing import BoolArray, Float32Array, FloatArray, IndexArray

from .binning import BinningStatistic, binImage
from .placement import DetectorPlacement, MosaicGrid

__all__ = ["FocalPlaneMosaic"]

_UNIT_BOX = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
"""Corners of a box in (x, y) order; shape (4, 2)."""

_SAME_SIZE = 0.05
"""Fraction by which pixels may differ in size."""


class FocalPlaneMosaic:
    """Image of the focal plane, to which detectors are added one at a time.

    Memory is that of the output and of one detector, however many there are.

    A detector turned by whole quarters is copied pixel by pixel to the place of the grid nearest to its own,
    so that the centre of each pixel is at most half an output pixel off along either axis; at another angle
    it is interpolated linearly. ``makeImageFromCamera`` of afw, which ``VisualizeMosaicExpTask`` uses, turns
    every detector by the nearest number of quarters, cuts the origin of each to whole output pixels (towards
    the centre of the focal plane, so that detectors may be off by two pixels), leaves ten free pixels around,
    takes only images without their partial bins, and skips one of another size with a message in the log.

    Parameters
    ----------
    geometry
        The camera.
    binning
        Side, in detector pixels, of the bins of the images to add; also that of the output pixels.
    detectors
        Identifiers of the detectors that the image has to hold; all of the camera if None.

    Raises
    ------
    ValueError
        Raised if the binning is not a whole number above 0, a detector is not in the camera or none is given,
        or their pixels differ in size.
    """

    def __init__(
        self, geometry: FocalPlaneGeometry, binning: int, detectors: Collection[int] | None = None
    ) -> None:
        if not isinstance(binning, int | np.integer) or binning < 1:
            raise ValueError(f"Expected a whole number of pixels to bin, 1 or more; got {binning!r}.")
        ids = geometry.layout.detectorId.tolist() if detectors is None else sorted(set(detectors))
        if not ids:
            raise ValueError("Expected identifiers of one detector or more to hold; got none.")
        placements = [DetectorPlacement.fromGeometry(geometry, i) for i in geometry.detectorIndex(ids)]
        sizes = np.array([placement.pixelSize for placement in placements])
        median = float(np.median(sizes))
        if (different := np.abs(sizes / median - 1) > _SAME_SIZE).any():
            odd = placements[int(different.argmax())]
            raise ValueError(
                f"Pixels of {odd.label} are {odd.pixelSize:.4g} mm wide and those of most detectors "
                f"{median:.4g} mm; make a mosaic of detectors with pixels of one size."
            )
        self._placements = {placement.detectorId: placement for placement in placements}
        self._binned = {id_: placement.binned(binning) for id_, placement in self._placements.items()}
        self._turns = {id_: own.quarterTurnsOn(median) for id_, own in self._placements.items()}
        self._binning = int(binning)
        self._added: list[int] = []
        outlines = np.array([_outline(binned, binned.shape) for binned in self._binned.values()])
        self.grid = MosaicGrid.covering(outlines, median * binning)
        self.image: Float32Array = np.full(self.grid.shape, np.nan, dtype=np.float32)

    @property
    def added(self) -> tuple[int, ...]:
        """Identifiers of the detectors that were added, in the order in which they came."""
        return tuple(self._added)

    def add(
        self, detectorId: int, image: npt.NDArray[np.floating], *, excluded: BoolArray | None = None
    ) -> None:
        """Put a binned detector into the mosaic.

        Where detectors overlap, as partial bins of neighbours do in very coarse mosaics, the value farther
        from 0 stays; so the order of adding does not matter.

        Parameters
        ----------
        detectorId
            The detector.
        image
            Its binned pixels (rows, columns), in its own orientation; shape (ceil(ny / binning),
            ceil(nx / binning)) as `binImage` makes it, or without the partial bins as afw does. NaN pixels
            stay NaN.
        excluded
            True for pixels that become NaN; shape of the image.

        Raises
        ------
        ValueError
            Raised if the detector is not among those that the image has to hold or was added before, or an
            array has the wrong shape.
        """
        placement = self._check(detectorId, image, excluded, self._binning)
        with np.errstate(over="ignore"):
            pixels = fillMasked(image).astype(np.float32, copy=False)
        if excluded is not None:
            pixels = np.where(fillMaskedFlags(excluded), np.float32(np.nan), pixels)
        self._put(placement, pixels)

    def addUnbinned(
        self,
        detectorId: int,
        image: npt.NDArray[np.floating],
        statistic: BinningStatistic = "mean",
        *,
        excluded: BoolArray | None = None,
    ) -> None:
        """Bin a detector, on the pixels of the mosaic, and put it there.

        Each pixel of a detector that is turned by whole quarters counts in the output pixel that it lies in,
        so that a defect of one pixel is at most half an output pixel off. (`add` promises that for the
        centres of bins, which a defect may be half a bin away from.) A detector at another angle is binned on
        its own, and interpolated.

        Parameters
        ----------
        detectorId
            The detector.
        image
            Its pixels (rows, columns), in its own orientation; shape (ny, nx).
        statistic
            Statistic of a bin, as `binImage` knows it.
        excluded
            True for pixels to leave out; shape (ny, nx).

        Raises
        ------
        ValueError
            Raised if the detector is not among those that the image has to hold or was added before, an array
            has the wrong shape, or the statistic is unknown.
        """
        placement = self._check(detectorId, image, excluded, 1)
        turns = self._turns[detectorId]
        if turns is None:
            self._put(placement, binImage(image, self._binning, statistic, excluded=excluded))
            return
        # The output column of each column and the output row of each row (or the other way round, if the
        # detector lies on its side) say where the bins begin: the first may be partial.
        columns, rows = (np.arange(side) for side in placement.shape[::-1])
        along_columns = self._outputPixels(placement, columns, 0)[turns % 2]
        along_rows = self._outputPixels(placement, 0, rows)[1 - turns % 2]
        first = (int((along_rows == along_rows[0]).sum()), int((along_columns == along_columns[0]).sum()))
        binned = binImage(image, self._binning, statistic, excluded=excluded, first=first)
        lowest = (int(along_rows.min()), int(along_columns.min()))
        self._paste(placement, np.rot90(binned, -turns), lowest if turns % 2 == 0 else lowest[::-1])

    def _outputPixels(
        self, placement: DetectorPlacement, column: npt.ArrayLike, row: npt.ArrayLike
    ) -> list[IndexArray]:
        """Return columns and rows of the output pixels in which pixels of a detector lie."""
        return [_nearest(place) for place in self.grid.toPixels(*placement.toFocalPlane(column, row))]

    def _check(
        self, detectorId: int, image: npt.NDArray[np.floating], excluded: BoolArray | None, binning: int
    ) -> DetectorPlacement:
        """Check that an image of a detector, of bins of some size, may be added; return the detector."""
        if detectorId not in self._placements:
            raise ValueError(
                f"Detector {detectorId!r} is not among the {len(self._placements)} of the mosaic."
            )
        placement = self._placements[detectorId]
        if detectorId in self._added:
            raise ValueError(f"The image of {placement.label} is in the mosaic already.")
        whole_bins = (placement.shape[0] // binning, placement.shape[1] // binning)
        expected = dict.fromkeys([placement.binned(binning).shape, whole_bins])
        if image.shape not in expected:
            raise ValueError(
                f"The image of {placement.label} has shape {image.shape}; expected "
                f"{' or '.join(map(str, expected))}, that is {placement.shape} binned by {binning}."
            )
        if excluded is not None and excluded.shape != image.shape:
            raise ValueError(
                f"The excluded pixels of {placement.label} have shape {excluded.shape}; "
                f"expected {image.shape}."
            )
        return placement

    def _put(self, placement: DetectorPlacement, binned: npt.NDArray[np.floating]) -> None:
        """Place a binned detector."""
        turns = self._turns[placement.detectorId]
        bins = self._binned[placement.detectorId]
        if turns is None:
            first, piece = _interpolate(binned, bins, self.grid)
            self._paste(placement, piece, first)
            return
        # Quarters are anticlockwise with y upwards; rot90 takes rows downwards.
        piece = np.rot90(binned, -turns) if turns else binned
        lower_left = _outline(bins, binned.shape).min(axis=0)
        edges = (lower_left - (self.grid.x0, self.grid.y0)) / self.grid.pixelSize
        column, row = _nearest(edges + 0.5).tolist()
        self._paste(placement, piece, (row, column))

    def _paste(
        self, placement: DetectorPlacement, piece: npt.NDArray[np.floating], first: tuple[int, int]
    ) -> None:
        """Put pixels into the mosaic, keeping the one farther from 0 where it holds something already.

        Of equal distances the positive one stays: a rule that does not depend on the order of adding.
        """
        rows, columns = (slice(low, low + side) for low, side in zip(first, piece.shape, strict=True))
        view = self.image[rows, columns]
        occupied = np.isfinite(view)
        if occupied.any():
            size, present = np.abs(piece), np.abs(view)
            farther = (size > present) | ((size == present) & (piece > view))
            np.copyto(view, piece, where=farther | (~occupied & np.isfinite(piece)))
        else:
            view[:] = piece
        self._added.append(placement.detectorId)


def _outline(placement: DetectorPlacement, shape: tuple[int, ...]) -> FloatArray:
    """Return the corners of the first rows and columns of a detector, in mm; shape (4, 2)."""
    corners = _UNIT_BOX * (shape[1], shape[0]) - 0.5
    outline: FloatArray = placement.origin + corners @ placement.matrix.T
    return outline


def _nearest(places: FloatArray) -> IndexArray:
    """Round to whole pixels; the middle between two, but for its own rounding, always goes the same way."""
    return np.floor(places + (0.5 + 1e-6)).astype(np.intp)


def _interpolate(
    image: npt.NDArray[np.floating], placement: DetectorPlacement, grid: MosaicGrid
) -> tuple[tuple[int, int], Float32Array]:
    """Sample a detector at the pixels of the grid; return its first row and column there, and its pixels.

    Amid four pixels that have values, these are interpolated linearly. Elsewhere, that is at the rim of the
    detector and of its holes, an output pixel is the mean of the pixels whose centres lie in it.
    Extrapolating instead could show a defect at the rim brighter beside its place than at it.
    """
    columns, rows = grid.toPixels(*_outline(placement, image.shape).T)
    first = (max(int(np.floor(rows.min())), 0), max(int(np.floor(columns.min())), 0))
    last = (
        min(int(np.ceil(rows.max())) + 1, grid.shape[0]),
        min(int(np.ceil(columns.max())) + 1, grid.shape[1]),
    )
    shape = (last[0] - first[0], last[1] - first[1])
    valid = np.isfinite(image)
    # From (row, column) of the piece to (row, column) of the image. Pixels without a value count as 0; where
    # the same interpolation of "has a value" is below 1, one of the four had none.
    matrix = grid.pixelSize * np.linalg.inv(placement.matrix)[::-1, ::-1]
    start = np.array(placement.toPixels(*grid.toFocalPlane(first[1], first[0]))[::-1])
    linear, weight = (
        affine_transform(
            pixels.astype(np.float32), matrix, start, shape, order=1, mode="grid-constant", cval=0.0
        )
        for pixels in (np.where(valid, image, 0), valid)
    )
    return first, np.where(weight > 1 - 1e-5, linear, _rim(image, valid, placement, grid, first, shape))


def _rim(
    image: npt.NDArray[np.floating],
    valid: BoolArray,
    placement: DetectorPlacement,
    grid: MosaicGrid,
    first: tuple[int, int],
    shape: tuple[int, int],
) -> Float32Array:
    """Put the pixels that have a neighbour without a value into the output pixels in which they lie."""
    rows, columns = np.nonzero(valid & ~binary_erosion(valid, np.ones((3, 3))))
    out_columns, out_rows = map(_nearest, grid.toPixels(*placement.toFocalPlane(columns, rows)))
    index = np.ravel_multi_index((out_rows - first[0], out_columns - first[1]), shape)
    n_pixels = shape[0] * shape[1]
    count = np.bincount(index, minlength=n_pixels)
    total = np.bincount(index, weights=image[rows, columns], minlength=n_pixels)
    mean = np.divide(total, count, out=np.full(n_pixels, np.nan), where=count > 0)
    return mean.reshape(shape).astype(np.float32)
