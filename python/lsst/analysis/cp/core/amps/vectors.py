# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Statistics that are made of the vectors of a table, detector by detector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.columns import nameColumn, vectorColumn
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IdArray

__all__ = ["ReducedVectors", "reduceVectors"]


class _Columns(Protocol):
    def __getitem__(self, key: str, /) -> Any: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class ReducedVectors:
    """A statistic that is made of vectors.

    Parameters
    ----------
    values
        The statistic, shape (n,); NaN where there is none.
    isKind
        Whether the row has vectors of which the statistic is made, shape (n,).
    """

    values: FloatArray
    isKind: BoolArray


def reduceVectors(data: _Columns, test: VerifyTest, detector: IdArray, used: BoolArray) -> ReducedVectors:
    """Make a statistic of the vectors of a table.

    Parameters
    ----------
    data
        Columns of the table. Vectors have the shape (n, length); at the end they are padded with NaN where
        those of another detector are longer. Not modified.
    test
        A test whose statistic is made of vectors.
    detector
        Detector of each row, shape (n,).
    used
        Rows to look at, shape (n,).

    Returns
    -------
    reduced
        The statistic.

    Raises
    ------
    ColumnError
        Raised if a column does not hold vectors of numbers, or kinds.
    """
    declared = test.vectors
    assert declared is not None
    is_kind = used
    if declared.kindColumn:
        name = f"{test.prefix}_{declared.kindColumn}"
        is_kind = used & np.isin(nameColumn(data[name], name)[0], declared.kinds)
    names = [f"{test.prefix}_{name}" for name in declared.columns]
    vectors = [vectorColumn(data[name], name) for name in names]
    values = np.full(len(used), np.nan)
    rows = np.flatnonzero(is_kind)
    rows = rows[np.argsort(detector[rows], kind="stable")]
    for own in np.split(rows, np.flatnonzero(np.diff(detector[rows])) + 1):
        trimmed = [_trim(vector[own]) for vector in vectors]
        if all(vector.size for vector in trimmed):
            values[own] = _FUNCTIONS[declared.reduction](*trimmed)
    return ReducedVectors(values=values, isKind=is_kind)


def _trim(vectors: FloatArray) -> FloatArray:
    """Cut off what pads the vectors of a detector, which are of one length."""
    used = np.flatnonzero(~np.isnan(vectors).all(axis=0))
    return vectors[:, : used[-1] + 1 if len(used) else 0]


def _divideSplines(coefficients: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Get the knots of splines, and the ratio of value and knot (percent); (n, nKnots), NaN where is none."""
    n_rows, length = coefficients.shape
    if length % 2:
        nothing = np.full((n_rows, 1), np.nan)
        return nothing, nothing
    knots, values = np.split(coefficients, 2, axis=1)
    # Knots alone, where no value is finite, would otherwise be taken for knots and values.
    is_spline = np.isfinite(coefficients).all(axis=1) & ~(np.diff(coefficients) > 0).all(axis=1)
    is_spline &= (np.diff(knots) > 0).all(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = 100 * np.abs(values / knots)
    ratios[(values == 0) & (knots == 0)] = 0
    ratios[~is_spline] = np.nan
    return np.where(is_spline[:, np.newaxis], knots, np.nan), ratios


def _splineResidual(coefficients: FloatArray) -> FloatArray:
    values: FloatArray = _divideSplines(coefficients)[1].max(axis=1)
    return values


def _splineResidualKnot(coefficients: FloatArray) -> FloatArray:
    knots, ratios = _divideSplines(coefficients)
    return knots[np.arange(len(knots)), ratios.argmax(axis=1)]


def _lastKnot(coefficients: FloatArray) -> FloatArray:
    return _divideSplines(coefficients)[0][:, -1]


def _thirdTerm(coefficients: FloatArray) -> FloatArray:
    return np.abs(coefficients[:, 2]) if coefficients.shape[1] > 2 else np.full(len(coefficients), np.nan)


def _higherTerm(coefficients: FloatArray) -> FloatArray:
    terms = np.abs(coefficients[:, 2:])
    if not terms.shape[1]:
        return np.full(len(coefficients), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = terms[:, 1:] / terms[:, :1]
    ratios[terms[:, 1:] == 0] = 0
    largest = (ratios ** (1 / np.arange(1, terms.shape[1]))).max(axis=1, initial=0)
    return np.where(np.isfinite(terms).all(axis=1), largest, np.nan)


def _rootMeanSquare(vectors: FloatArray) -> FloatArray:
    finite = np.isfinite(vectors)
    squares = np.where(finite, vectors, 0) ** 2
    count = finite.sum(axis=1)
    return np.sqrt(np.divide(squares.sum(axis=1), count, out=np.full(len(count), np.nan), where=count > 0))


_FUNCTIONS: Mapping[str, Callable[..., FloatArray]] = {
    "higherTerm": _higherTerm,
    "lastKnot": _lastKnot,
    "rootMeanSquare": _rootMeanSquare,
    "splineResidual": _splineResidual,
    "splineResidualKnot": _splineResidualKnot,
    "thirdTerm": _thirdTerm,
}
"""Reductions of the catalogue: of vectors of one detector, (n, length) with at least one number, to (n,)."""
