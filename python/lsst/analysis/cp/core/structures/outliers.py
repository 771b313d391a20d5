# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Pixels far from their background, and the groups that touching ones make."""

from __future__ import annotations

__all__ = ["BRIGHT_PART", "Outliers", "PixelGroups", "findOutliers", "groupOutliers"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lsst.analysis.cp.core.typing import IndexArray

from .significance import AmpSlices, Significance

_CROWDED = 0.005
"""Part of the pixels of an amplifier from which its outliers are counted only."""

BRIGHT_PART = 0.2
"""Part of the pixels of a line from which their outliers belong to the line."""

_MOST_ADJACENT = 32
"""Number of adjacent bright lines that are a block, no line: the background follows half a box of its mesh,
so what stands out is the block's rim on both sides."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outliers:
    """Pixels beyond a significance that are not part of a bright row or column.

    Parameters
    ----------
    flat
        Their flat indices into the image, ascending; shape (n,). None of a crowded or dead amplifier.
    brightRows, brightColumns
        For each amplifier, the rows and columns of which a large part is beyond the significance, counted
        from the amplifier's first. None of a block of many adjacent ones.
    crowded
        Number of outliers of each amplifier that has too many to look at, 0 for others; shape (nAmp,).
    """

    flat: IndexArray
    brightRows: tuple[IndexArray, ...]
    brightColumns: tuple[IndexArray, ...]
    crowded: IndexArray


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelGroups:
    """Touching outliers; all arrays have the shape (nGroups,).

    Parameters
    ----------
    peak
        Flat index of the most significant pixel.
    number
        Number of pixels.
    xMin, xMax, yMin, yMax
        First and last column and row.
    """

    peak: IndexArray
    number: IndexArray
    xMin: IndexArray
    xMax: IndexArray
    yMin: IndexArray
    yMax: IndexArray


def findOutliers(significance: Significance, amps: Sequence[AmpSlices], threshold: float) -> Outliers:
    """Find pixels beyond a significance.

    Parameters
    ----------
    significance
        Significance of the detector.
    amps
        Rows and columns of each amplifier.
    threshold
        Absolute significance beyond which a pixel is an outlier (standard deviations).

    Returns
    -------
    outliers
        The pixels.
    """
    width, live = significance.values.shape[1], significance.live
    found, rows_of, columns_of, crowded = [], [], [], np.zeros(len(amps), dtype=np.intp)
    for i, (rows, columns) in enumerate(amps):
        part = significance.values[rows, columns]
        far = np.flatnonzero(np.abs(part) > threshold) if live[i] else np.empty(0, dtype=np.intp)
        y, x = np.divmod(far, part.shape[1])
        bright = _brightLines(y, part.shape, 0), _brightLines(x, part.shape, 1)
        keep = ~(np.isin(y, bright[0]) | np.isin(x, bright[1]))
        y, x = y[keep], x[keep]
        rows_of.append(bright[0])
        columns_of.append(bright[1])
        if len(y) > _CROWDED * part.size:
            crowded[i] = len(y)
        else:
            found.append((y + rows.start) * width + x + columns.start)
    return Outliers(
        flat=np.sort(np.concatenate([np.empty(0, dtype=np.intp), *found])),
        brightRows=tuple(rows_of),
        brightColumns=tuple(columns_of),
        crowded=crowded,
    )


def _brightLines(line: IndexArray, shape: tuple[int, ...], axis: int) -> IndexArray:
    """Find rows (axis 0) or columns (axis 1) of which a large part is outliers, given those of outliers."""
    bright = np.flatnonzero(np.bincount(line, minlength=shape[axis]) >= BRIGHT_PART * shape[1 - axis])
    runs = np.split(bright, np.flatnonzero(np.diff(bright) > 1) + 1)
    return np.concatenate([run for run in runs if len(run) < _MOST_ADJACENT] or [bright[:0]])


def groupOutliers(outliers: Outliers, significance: Significance) -> PixelGroups:
    """Group outliers that touch by a side or a corner, across amplifiers.

    The groups are those of ``scipy.ndimage.label`` with a full 3x3 structure, at a cost that goes with the
    number of outliers instead of that of pixels.

    Parameters
    ----------
    outliers
        The pixels.
    significance
        Significance of the detector.

    Returns
    -------
    groups
        The groups, in order of their first pixel.
    """
    flat, width = outliers.flat, significance.values.shape[1]
    if not len(flat):
        nothing = np.empty(0, dtype=np.intp)
        return PixelGroups(
            peak=nothing, number=nothing, xMin=nothing, xMax=nothing, yMin=nothing, yMax=nothing
        )
    label = _labels(flat, width)
    strength = np.abs(significance.values.ravel()[flat])
    order = np.lexsort((-strength, label))
    first = np.flatnonzero(np.diff(label[order], prepend=-1))
    y, x = np.divmod(flat[order], width)
    return PixelGroups(
        peak=flat[order][first],
        number=np.diff(first, append=len(flat)),
        xMin=np.minimum.reduceat(x, first),
        xMax=np.maximum.reduceat(x, first),
        yMin=np.minimum.reduceat(y, first),
        yMax=np.maximum.reduceat(y, first),
    )


def _labels(flat: IndexArray, width: int) -> npt.NDArray[np.int32]:
    """Label the connected components of pixels by numbers."""
    column = flat % width
    pairs = []
    for step, sideways in ((1, 1), (width - 1, -1), (width, 0), (width + 1, 1)):
        place = np.minimum(np.searchsorted(flat, flat + step), len(flat) - 1)
        touch = (flat[place] == flat + step) & (column[place] - column == sideways)
        pairs.append((np.flatnonzero(touch), place[touch]))
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(len(flat), len(flat)))
    return connected_components(graph, directed=False)[1]
