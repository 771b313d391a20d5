# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a page of correlation matrices shows, as plain arrays and text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lsst.analysis.cp.actions.plot.matrix.names import nameAbsent, nameAmps
from lsst.analysis.cp.actions.plot.text import formatNumber, listFirst
from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.epochs import EpochStack, medianOverEpochs
from lsst.analysis.cp.core.limits import ColourLimits, robustLimits
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IdArray, IndexArray, NameArray

__all__ = ["CorrelationView", "MatrixView", "correlationHeadline", "listPairs", "makeMatrix"]

_N_SIGMA = 6.0
"""Half width of the range of colours, in standard deviations of the bulk."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixView:
    """One matrix.

    Parameters
    ----------
    label
        What is correlated.
    values
        Median over exposures of each pair, shape (n, n); NaN where it is not measured, and on the diagonal.
    worst
        Largest absolute value of a pair in each exposure, shape (nEpochs,); NaN where there is none.
    limits
        Range of the colours.
    """

    label: str
    values: FloatArray
    worst: FloatArray
    limits: ColourLimits

    @cached_property
    def largest(self) -> tuple[int, int] | None:
        """First and second amplifier of the pair of the largest absolute value; None if none has a value."""
        if not np.isfinite(self.values).any():
            return None
        first, second = np.unravel_index(np.nanargmax(np.abs(self.values)), self.values.shape)
        return int(first), int(second)


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrelationView:
    """Everything that a page of correlation matrices shows.

    Parameters
    ----------
    layout
        The detectors, and their amplifiers in the order of rows and columns.
    matrices
        The matrices.
    hasDiagonal
        Whether an amplifier is known to have been measured, shape (n,).
    blocks
        Whether there is a row for a pair of detectors, shape (nDet, nDet).
    epochs
        Ids of the exposures, shape (nEpochs,); empty if they are not told apart.
    title, headline
        What is shown, and the largest values.
    isBad
        Whether the headline is bad news.
    notes
        What readers have to know of the table.
    provenance
        Lines that say where the data come from.
    lists
        Titles with lines of the largest values.
    """

    layout: CameraLayout
    matrices: tuple[MatrixView, ...]
    hasDiagonal: BoolArray
    blocks: BoolArray
    epochs: IdArray
    title: str
    headline: str
    isBad: bool
    notes: tuple[str, ...]
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> NameArray:
        """Names of the rows and columns, shape (n,), with the detector's if there are several."""
        return nameAmps(self.layout)

    @cached_property
    def notMeasured(self) -> BoolArray:
        """Which pairs of a detector, or of two that have a row, have no value in any matrix, shape (n, n)."""
        own = self.layout.ampDetector
        absent = (self.blocks | np.eye(len(self.blocks), dtype=bool))[np.ix_(own, own)]
        for matrix in self.matrices:
            absent = absent & ~np.isfinite(matrix.values)
        np.fill_diagonal(absent, absent.diagonal() & ~self.hasDiagonal)
        return absent

    @property
    def unmeasuredBlocks(self) -> BoolArray:
        """Which pairs of two detectors have no row, shape (nDet, nDet)."""
        return ~self.blocks & ~np.eye(len(self.blocks), dtype=bool)


def makeMatrix(stack: EpochStack, number: int, n: int, label: str) -> MatrixView:
    """Reduce one of the coefficients of a stack, shape (nEpochs, n * n, nCoefficients), over exposures."""
    layers = stack.values[:, :, number].reshape(-1, n, n).copy()
    # It is 1 by definition, and would hide all else.
    layers[:, np.arange(n), np.arange(n)] = np.nan
    values = medianOverEpochs(layers)
    finite = np.isfinite(layers)
    worst = np.where(finite, np.abs(layers), -1.0).max(axis=(1, 2), initial=-1.0)
    return MatrixView(
        label=label,
        values=values,
        worst=np.where(worst < 0, np.nan, worst),
        limits=robustLimits(values, centre=0.0, nSigma=_N_SIGMA),
    )


def listPairs(
    matrix: MatrixView, names: NameArray, stack: EpochStack, number: int, nListed: int
) -> tuple[str, ...]:
    """List the pairs of the largest absolute values, and in which exposure each is the largest."""
    n = len(names)
    first, second = _rankPairs(matrix.values, nListed)
    lines = []
    several = stack.toldApart and len(stack.epochs) > 1
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        line = f"{names[a]} – {names[b]}".ljust(18) + f"{formatNumber(matrix.values[a, b], 3):>9}"
        if several:
            layers = stack.values[:, a * n + b, number]
            extreme = int(np.nanargmax(np.abs(layers)))
            line += f"{formatNumber(layers[extreme], 3):>9} {stack.epochs[extreme]}"
        lines.append(line)
    title = f"{matrix.label}, farthest from 0" + (": median, and most of all" if several else "")
    return listFirst(title, lines, nListed)


def _rankPairs(values: FloatArray, number: int) -> tuple[IndexArray, IndexArray]:
    """Find the pairs of the largest absolute values, each once; of two halves that differ, the larger."""
    size = np.where(np.isfinite(values), np.abs(values), -1.0)
    upper = np.triu(np.maximum(size, size.T), 1)
    order = np.argsort(-upper, axis=None, kind="stable")[:number]
    first, second = np.unravel_index(order, values.shape)
    kept = upper[first, second] > 0
    first, second = first[kept], second[kept]
    swapped = size[first, second] < size[second, first]
    return np.where(swapped, second, first), np.where(swapped, first, second)


def correlationHeadline(
    matrices: tuple[MatrixView, ...], layout: CameraLayout, hasDiagonal: BoolArray
) -> tuple[str, bool]:
    """Name the largest values, and amplifiers that are not measured; the second tells whether any is."""
    names, words = nameAmps(layout), []
    for matrix in matrices:
        if (pair := matrix.largest) is not None:
            value = matrix.values[pair]
            pair_names = " – ".join(names[list(pair)].tolist())
            words.append(f"{matrix.label.lower()} {formatNumber(value, 3)} ({pair_names})")
    headline = "Largest correlation: " + ", ".join(words) if words else "No correlation is measured"
    absent = nameAbsent(layout, hasDiagonal)
    if absent:
        listed = ", ".join(absent[:4]) + (f" and {len(absent) - 4} more" if len(absent) > 4 else "")
        headline += f"; not measured: {listed}"
    return headline, bool(absent)
