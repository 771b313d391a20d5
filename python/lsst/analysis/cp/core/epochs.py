# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Vectors of several exposures, laid upon each other, and their robust band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .columns import ColumnError, idColumn, splitColumn
from .groups import GroupGrid
from .masked import fillMasked
from .typing import BoolArray, FloatArray, IdArray, IndexArray

__all__ = [
    "EpochStack",
    "binVectors",
    "medianOverEpochs",
    "scatterOverEpochs",
    "stackEpochs",
    "vectorColumn",
]

_NORMAL = 1.482602218505602
"""Standard deviation of a normal distribution in units of its median absolute deviation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class EpochStack:
    """Vectors by epoch and place.

    Parameters
    ----------
    epochs
        Id of each epoch, shape (nEpochs,), increasing; counted from 0 if they are not told apart.
    toldApart
        Whether the rows say which epoch they belong to. If not, the rows of a place are taken in their order.
    values
        The vectors, shape (nEpochs, nPlaces, nValues); NaN where there is none.
    present
        Whether an epoch has a row of a place, shape (nEpochs, nPlaces).
    """

    epochs: IdArray
    toldApart: bool
    values: FloatArray
    present: BoolArray


def vectorColumn(column: Any, name: str) -> FloatArray:
    """Read a column of vectors.

    Parameters
    ----------
    column
        Arrays of one length, shape (n, nValues), of numbers or booleans, or objects that are arrays of any
        lengths; possibly masked.
    name
        Name of the column, for messages.

    Returns
    -------
    values
        Shape (n, longest); NaN where masked, and behind the end of a shorter vector.

    Raises
    ------
    ColumnError
        If the column holds something else.
    """
    values, _ = splitColumn(column)
    if values.dtype.kind == "O":
        vectors = [np.asarray(fillMasked(vector), dtype=np.float64) for vector in values.tolist()]
        if any(vector.ndim != 1 for vector in vectors):
            raise ColumnError(f"column {name!r} holds something else than vectors")
        longest = max(map(len, vectors), default=0)
        padded = [np.pad(vector, (0, longest - len(vector)), constant_values=np.nan) for vector in vectors]
        return np.array(padded, dtype=np.float64).reshape(len(vectors), longest)
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        raise ColumnError(
            f"column {name!r} holds {values.dtype} of shape {values.shape[1:]}, expected vectors"
        )
    return np.asarray(fillMasked(column), dtype=np.float64)


def stackEpochs(place: IndexArray, nPlaces: int, values: FloatArray, epoch: Any) -> EpochStack:
    """Lay vectors of several epochs upon each other.

    Parameters
    ----------
    place
        Place of each row, such as the amplifier it belongs to; shape (nRows,).
    nPlaces
        Number of places.
    values
        Vector of each row, shape (nRows, nValues).
    epoch
        Id of the exposure of each row, shape (nRows,), possibly masked.

    Returns
    -------
    stack
        The vectors by epoch and place. Rows without epoch are not told apart: the first of each place are
        laid together, then the second, and so on.

    Raises
    ------
    ColumnError
        If some rows have an epoch and some have none, or two rows of an epoch have the same place.
    """
    ids, known = idColumn(epoch, "exposure")
    if known.any() and not known.all():
        raise ColumnError(f"{np.count_nonzero(~known)} of {len(known)} rows have no exposure")
    told_apart = bool(known.all()) and len(known) > 0
    if told_apart:
        epochs, layer = np.unique(ids, return_inverse=True)
    else:
        layer = _countBefore(place)
        epochs = np.arange(layer.max(initial=-1) + 1)
    present = np.zeros((len(epochs), nPlaces), dtype=bool)
    present[layer, place] = True
    if np.count_nonzero(present) != len(place):
        raise ColumnError(
            f"{len(place) - np.count_nonzero(present)} row(s) repeat those of the same exposure"
        )
    stack = np.full((len(epochs), nPlaces, values.shape[1]), np.nan)
    stack[layer, place] = values
    return EpochStack(epochs=epochs, toldApart=told_apart, values=stack, present=present)


def _countBefore(place: IndexArray) -> IndexArray:
    """Count the rows before each that have the same place; shape (nRows,)."""
    order = np.argsort(place, kind="stable")
    ordered = place[order]
    first = np.flatnonzero(np.diff(ordered, prepend=-1))
    number = np.arange(len(place)) - np.repeat(first, np.diff(first, append=len(place)))
    before = np.empty(len(place), dtype=np.intp)
    before[order] = number
    return before


def medianOverEpochs(values: FloatArray) -> FloatArray:
    """Take the median over epochs.

    Parameters
    ----------
    values
        Shape (nEpochs, ...).

    Returns
    -------
    median
        Over the finite values, shape (...); NaN where there is none.
    """
    n_epochs, shape = len(values), values.shape[1:]
    lines = np.ascontiguousarray(np.moveaxis(values, 0, -1)).ravel()
    n_groups = int(np.prod(shape))
    grid = GroupGrid(cell=np.arange(len(lines)), nGroups=n_groups, width=n_epochs)
    return grid.reduce(lines).median.reshape(shape)


def scatterOverEpochs(values: FloatArray, median: FloatArray) -> FloatArray:
    """Take the median absolute deviation over epochs, scaled to the standard deviation of a normal one.

    Parameters
    ----------
    values
        Shape (nEpochs, ...).
    median
        Of the same, shape (...).

    Returns
    -------
    scatter
        Shape (...); NaN where there is no finite value.
    """
    return _NORMAL * medianOverEpochs(np.abs(values - median))


def binVectors(values: FloatArray, factor: int) -> FloatArray:
    """Average neighbouring elements of vectors.

    Parameters
    ----------
    values
        Shape (..., nValues).
    factor
        Number of elements that make one; the last one may have fewer.

    Returns
    -------
    binned
        Means of the finite values, shape (..., nBins); NaN where there is none.
    """
    shape = values.shape[:-1]
    n_bins = -(-values.shape[-1] // factor)
    padded = np.full((*shape, n_bins * factor), np.nan)
    padded[..., : values.shape[-1]] = values
    parts = padded.reshape(*shape, n_bins, factor)
    finite = np.isfinite(parts)
    count = finite.sum(axis=-1)
    total = np.where(finite, parts, 0.0).sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
