# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Binning of images by any factor, leaving out pixels that hold no data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.masked import fillMasked, fillMaskedFlags
from lsst.analysis.cp.core.typing import AnyArray, BoolArray, Float32Array, FloatArray, IndexArray

__all__ = [
    "BINNING_STATISTICS",
    "EXCLUDED_PLANES",
    "BinningStatistic",
    "binImage",
    "bitsOfPlanes",
    "excludedPixels",
]

BinningStatistic = Literal["mean", "median", "min", "max", "std"]
"""Statistic of the pixels of a bin."""

BINNING_STATISTICS: tuple[BinningStatistic, ...] = get_args(BinningStatistic)
"""Statistics that `binImage` knows."""

EXCLUDED_PLANES = ("NO_DATA", "BAD", "SAT")
"""Mask planes whose pixels say nothing about the image."""

_SMALL = 2.0**-600
"""What numbers of double precision are multiplied by where their sums or squares overflow."""

_STRIP_BYTES = 1 << 19
"""Size of the rows that are reduced at a time: with their temporaries they stay in a processor's cache."""


def excludedPixels(
    image: npt.NDArray[np.floating],
    mask: npt.NDArray[np.integer] | None,
    planes: Mapping[str, int],
    names: Sequence[str] = EXCLUDED_PLANES,
) -> BoolArray:
    """Find the pixels that views and measurements leave out.

    Parameters
    ----------
    image
        Pixels (rows, columns); shape (ny, nx).
    mask
        Bits of each pixel; shape (ny, nx). None if the image has no mask.
    planes
        Number of the bit of each mask plane, as ``Mask.getMaskPlaneDict()`` of afw gives it.
    names
        Planes to leave out.

    Returns
    -------
    excluded
        True where any of the planes is set or the image is not finite, or is masked, as a
        `numpy.ma.MaskedArray` is; shape (ny, nx).

    Raises
    ------
    ValueError
        Raised if the shapes differ, a plane is not in the mask, or the mask's type does not have its bit.
    """
    excluded = ~np.isfinite(fillMasked(image))
    if mask is None:
        return excluded
    if mask.shape != image.shape:
        raise ValueError(f"Expected a mask of the image's shape {image.shape}; got {mask.shape}.")
    if unknown := [name for name in names if name not in planes]:
        raise ValueError(f"Mask planes {unknown} are not in the mask; it has {sorted(planes)}.")
    excluded |= fillMaskedFlags((mask & bitsOfPlanes(mask.dtype, planes, names)) != 0)
    return excluded


def bitsOfPlanes(dtype: np.dtype[np.integer], planes: Mapping[str, int], names: Iterable[str]) -> np.integer:
    """Set the bits of mask planes.

    Parameters
    ----------
    dtype
        Type of the mask.
    planes
        Number of the bit of each mask plane.
    names
        Planes to set, all of which are in ``planes``.

    Returns
    -------
    bits
        Number of the mask's type.

    Raises
    ------
    ValueError
        Raised if the type does not have the bit of a plane: no pixel could have it.
    """
    chosen = set(names)
    if absent := {name: planes[name] for name in chosen if not 0 <= planes[name] < 8 * dtype.itemsize}:
        raise ValueError(f"A mask of {dtype} has no bits of the planes {absent}.")
    # The highest bit of a signed type is its sign.
    bits: np.integer = np.uint64(sum(1 << planes[name] for name in chosen)).astype(dtype)
    return bits


def binImage(
    image: npt.NDArray[np.floating],
    factor: int,
    statistic: BinningStatistic = "mean",
    *,
    excluded: BoolArray | None = None,
    first: tuple[int, int] | None = None,
) -> Float32Array:
    """Reduce squares of pixels to one pixel each.

    Bin [0, 0] starts at pixel [0, 0]. Bins that the image's edges cut use the pixels that they have, and
    pixels that are excluded or not finite count in no bin. ``lsst.afw.math.binImage`` drops the rows and
    columns that do not fill a bin, averages masked pixels like others, spreads NaN, and knows means only.
    Sums are made in double precision.

    Parameters
    ----------
    image
        Pixels (rows, columns); shape (ny, nx). Masked ones, as of a `numpy.ma.MaskedArray`, are left out.
    factor
        Side of a bin in pixels; 1 or more, and it need not divide the image.
    statistic
        One of `BINNING_STATISTICS`. The median of an even number of pixels is the mean of the middle two; the
        standard deviation is that of the pixels about their mean (no correction of degrees of freedom). The
        minimum, maximum and standard deviation keep a defect of one pixel visible that a mean hides.
    excluded
        True for pixels to leave out; shape (ny, nx).
    first
        Number of rows and of columns in the first bins, from 1 to ``factor``, where bins have to match a grid
        that does not start with the image. By default these bins are whole.

    Returns
    -------
    binned
        One pixel a bin, in the image's unit; shape (ceil(ny / factor), ceil(nx / factor)), or more if the
        first bins are not whole. NaN for bins without a pixel; infinite if a number of double precision is
        too large for single precision.

    Raises
    ------
    ValueError
        Raised if the factor is not a whole number above 0, the first bins are empty or larger than that, the
        statistic is unknown, the image has no pixels or is not two-dimensional, or the shapes differ.
    """
    pixels = fillMasked(image)
    left_out_pixels = None if excluded is None else fillMaskedFlags(excluded)
    first_rows, first_columns = (factor, factor) if first is None else first
    _check(pixels, statistic, left_out_pixels, factor, (first_rows, first_columns))
    reduce = _REDUCTIONS[statistic]
    columns = _Bins(pixels.shape[1], factor, first_columns)
    bin_rows = _Bins(pixels.shape[0], factor, first_rows)
    binned = np.empty((len(bin_rows.starts), len(columns.starts)), dtype=np.float32)
    single = np.can_cast(pixels.dtype, np.float32)
    dtype: type[np.floating] = np.float32 if single else np.float64
    for rows, bins in _strips(pixels.shape, bin_rows.starts):
        strip = pixels[rows].astype(dtype, copy=False)
        left_out = ~np.isfinite(strip)
        if left_out_pixels is not None:
            left_out |= left_out_pixels[rows]
        shape = (bins.stop - bins.start, -1, pixels.shape[1])
        cells, left_out = strip.reshape(shape), left_out.reshape(shape)
        with np.errstate(over="ignore", invalid="ignore"):
            reduced = reduce(cells, left_out, columns)
            if not (single or np.isfinite(reduced).all()):
                # All statistics are in proportion to the pixels.
                small = reduce(cells * _SMALL, left_out, columns) / _SMALL
                reduced = np.where(np.isfinite(reduced), reduced, small)
            binned[bins] = reduced
    return binned


class _Bins:
    """Bins along an axis, of which the first and the last may be partial.

    Parameters
    ----------
    nPixels
        Number of pixels.
    width
        Number of pixels in a bin.
    first
        Number of pixels in the first.
    """

    def __init__(self, nPixels: int, width: int, first: int) -> None:
        self.starts = np.concatenate([[0], np.arange(first, nPixels, width)])
        self.widths = np.diff(self.starts, append=nPixels)
        self._width = min(width, nPixels)
        # A single bin is as wide as the image, wherever it starts.
        self._before = self._width - first if len(self.starts) > 1 else 0
        self._nPixels = nPixels

    def split(self, values: npt.NDArray[Any], fill: float) -> npt.NDArray[Any]:
        """Split the last axis of an array into bins and their pixels, with partial bins filled up."""
        shape = (*values.shape[:-1], len(self.starts), self._width)
        if values.shape[-1] == shape[-2] * shape[-1]:
            return values.reshape(shape)
        padded = np.full((*values.shape[:-1], shape[-2] * shape[-1]), fill, dtype=values.dtype)
        padded[..., self._before : self._before + self._nPixels] = values
        return padded.reshape(shape)

    def total(self, values: npt.NDArray[np.floating]) -> FloatArray:
        """Add up the pixels of each bin along the last axis."""
        # A product with ones is several times as fast as a sum along a short axis.
        return self.split(values, 0.0) @ np.ones(self._width)


def _check(
    pixels: AnyArray, statistic: str, excluded: BoolArray | None, factor: int, first: tuple[int, int]
) -> None:
    if pixels.ndim != 2 or pixels.size == 0:
        raise ValueError(f"Expected an image of two dimensions with pixels in it; got shape {pixels.shape}.")
    if statistic not in BINNING_STATISTICS:
        raise ValueError(f"Unknown statistic {statistic!r}; expected one of {', '.join(BINNING_STATISTICS)}.")
    if excluded is not None and (excluded.shape != pixels.shape or excluded.dtype != np.bool_):
        raise ValueError(
            f"Expected excluded to be bool of the image's shape {pixels.shape}; "
            f"got {excluded.dtype} of shape {excluded.shape}."
        )
    if not isinstance(factor, int | np.integer) or factor < 1:
        raise ValueError(f"Expected a whole number of pixels to bin, 1 or more; got {factor!r}.")
    if not all(1 <= side <= factor for side in first):
        raise ValueError(f"Expected first bins of 1 to {factor} pixels; got {first!r}.")


def _strips(shape: tuple[int, ...], starts: IndexArray) -> Iterator[tuple[slice, slice]]:
    """Yield rows of the image and of the binned image that belong together; all bins of a strip are alike."""
    ends = np.append(starts[1:], shape[0])
    begin = 0
    while begin < len(starts):
        height = int(ends[begin] - starts[begin])
        most = max(_STRIP_BYTES // (4 * shape[1] * height), 1)
        alike = ends[begin : begin + most] - starts[begin : begin + most] == height
        end = begin + (len(alike) if alike.all() else int(alike.argmin()))
        yield slice(int(starts[begin]), int(ends[end - 1])), slice(begin, end)
        begin = end


_Cells = npt.NDArray[np.floating]
"""Pixels, in single or double precision; shape (bins, rows of a bin, columns)."""

_Reduction = Callable[[_Cells, BoolArray, _Bins], npt.NDArray[np.floating]]
"""Reduces pixels (bins, rows of a bin, columns), of which some are left out, to (bins, bins)."""


def _total(cells: _Cells, columns: _Bins) -> FloatArray:
    return columns.total(np.add.reduce(cells, axis=1, dtype=np.float64))


def _count(leftOut: BoolArray, columns: _Bins) -> FloatArray:
    n_rows = leftOut.shape[1]
    whole = np.tile(n_rows * columns.widths.astype(np.float64), (leftOut.shape[0], 1))
    if not leftOut.any():
        return whole
    # Small integers, as long as they hold a column's number of pixels, are what makes this fast.
    n_out = np.add.reduce(leftOut.view(np.uint8), axis=1, dtype=np.uint8 if n_rows < 256 else np.int64)
    return whole - columns.total(n_out.astype(np.float32 if n_rows < 256 else np.float64))


def _filled(cells: _Cells, leftOut: BoolArray, value: float) -> _Cells:
    if not leftOut.any():
        return cells
    if value or cells.dtype != np.float32:
        return np.where(leftOut, cells.dtype.type(value), cells)
    # Zero has no bits: clearing them takes half the time of choosing between two values.
    bits = leftOut.astype(np.uint32)
    bits -= 1
    bits &= cells.view(np.uint32)
    return bits.view(np.float32)


def _ratio(total: FloatArray, count: FloatArray) -> FloatArray:
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _mean(cells: _Cells, leftOut: BoolArray, columns: _Bins) -> FloatArray:
    return _ratio(_total(_filled(cells, leftOut, 0.0), columns), _count(leftOut, columns))


def _std(cells: _Cells, leftOut: BoolArray, columns: _Bins) -> FloatArray:
    filled = _filled(cells, leftOut, 0.0)
    count = _count(leftOut, columns)
    mean = _ratio(_total(filled, columns), count)
    of_pixels = np.repeat(mean, columns.widths, axis=-1)[:, np.newaxis]
    # The sum of squares minus the square of the sum would lose the digits of a small scatter at a high level.
    deviation = _filled(filled - of_pixels, leftOut, 0.0)
    return np.sqrt(_ratio(_total(deviation * deviation, columns), count))


def _extreme(ufunc: np.ufunc, empty: float) -> _Reduction:
    def reduce(cells: _Cells, leftOut: BoolArray, columns: _Bins) -> _Cells:
        rows = ufunc.reduce(_filled(cells, leftOut, empty), axis=1)
        # A short last axis is slow to reduce, a first one is not.
        extreme = ufunc.reduce(np.ascontiguousarray(np.moveaxis(columns.split(rows, empty), -1, 0)), axis=0)
        return np.where(extreme == empty, cells.dtype.type(np.nan), extreme)

    return reduce


def _median(cells: _Cells, leftOut: BoolArray, columns: _Bins) -> FloatArray:
    split = columns.split(_filled(cells, leftOut, np.nan), np.nan).swapaxes(1, 2)
    # NaN comes last in sorted order.
    ordered = np.sort(split.reshape(*split.shape[:2], -1), axis=-1)
    count = _count(leftOut, columns).astype(np.intp)
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2], axis=-1)
    return np.take_along_axis(ordered, middle, axis=-1).mean(axis=-1, dtype=np.float64)


_REDUCTIONS: Mapping[BinningStatistic, _Reduction] = {
    "mean": _mean,
    "median": _median,
    "min": _extreme(np.minimum, np.inf),
    "max": _extreme(np.maximum, -np.inf),
    "std": _std,
}
