# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Outlying pixels: single ones, groups of touching ones, and amplifiers that are crowded with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lsst.analysis.cp.core.typing import BoolArray, IndexArray

from .significance import AmpSlices, Significance
from .table import Structures, joinStructures
from .thresholds import DetectionThresholds

__all__ = [
    "BRIGHT_PART",
    "OutlyingPixels",
    "ampOf",
    "findCrowdedAmps",
    "findOutlyingPixels",
    "findPixelGroups",
]

_CROWDED = 0.005
"""Part of an amplifier's pixels above which its outlying pixels are counted, but not looked at one by one."""

BRIGHT_PART = 0.2
"""Part of a line's pixels above which its outlying pixels belong to the line."""

_MOST_ADJACENT = 32
"""Number of adjacent bright lines from which they are a block and no lines: the background follows half a box
of its mesh, so only the rim of the block stands out, on both sides."""

_MOST_EVENT_PIXELS = 200
"""Number of pixels up to which a group may be the track of a cosmic ray."""

_LONGEST_EVENT = 100
"""Length up to which a group may be the track of a cosmic ray (pixels)."""

_STREAK_WIDTH = 8
"""Number of pixels for each of its length up to which a long group is a streak."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OutlyingPixels:
    """Pixels beyond a significance that are not part of a bright row or column.

    Parameters
    ----------
    flat
        Their flat indices into the image, ascending; shape (n,). None of a crowded or dead amplifier.
    brightRows, brightColumns
        For each amplifier, the rows and columns of which a large part is beyond the significance, counted
        from the amplifier's first. None of a block of many adjacent ones.
    crowded
        Number of outlying pixels of each amplifier that has too many to look at, 0 for others; shape (nAmp,).
    """

    flat: IndexArray
    brightRows: tuple[IndexArray, ...]
    brightColumns: tuple[IndexArray, ...]
    crowded: IndexArray


def findOutlyingPixels(
    significance: Significance, amps: Sequence[AmpSlices], threshold: float
) -> OutlyingPixels:
    """Find pixels beyond a significance.

    Parameters
    ----------
    significance
        Significance of the detector.
    amps
        Rows and columns of each amplifier.
    threshold
        Absolute significance beyond which a pixel is outlying (standard deviations).

    Returns
    -------
    outlying
        The pixels.
    """
    width, live = significance.values.shape[1], significance.live
    found, rows_of, columns_of, crowded = [], [], [], np.zeros(len(amps), dtype=np.intp)
    for i, (rows, columns) in enumerate(amps):
        part = significance.values[rows, columns]
        far = np.flatnonzero(np.abs(part) > threshold) if live[i] else np.empty(0, dtype=np.intp)
        y, x = np.divmod(far, part.shape[1])
        # A bright line is one structure. Its pixels would otherwise be hundreds of groups, and those beside
        # it could not be told from it.
        bright = _brightLines(y, part.shape, 0), _brightLines(x, part.shape, 1)
        keep = ~(np.isin(y, bright[0]) | np.isin(x, bright[1]))
        y, x = y[keep], x[keep]
        rows_of.append(bright[0])
        columns_of.append(bright[1])
        if len(y) > _CROWDED * part.size:
            crowded[i] = len(y)
        else:
            found.append((y + rows.start) * width + x + columns.start)
    return OutlyingPixels(
        flat=np.sort(np.concatenate([np.empty(0, dtype=np.intp), *found])),
        brightRows=tuple(rows_of),
        brightColumns=tuple(columns_of),
        crowded=crowded,
    )


def _brightLines(line: IndexArray, shape: tuple[int, ...], axis: int) -> IndexArray:
    """Find bright rows (axis 0) or columns (axis 1), given the row or column of each outlying pixel."""
    bright = np.flatnonzero(np.bincount(line, minlength=shape[axis]) >= BRIGHT_PART * shape[1 - axis])
    runs = np.split(bright, np.flatnonzero(np.diff(bright) > 1) + 1)
    return np.concatenate([run for run in runs if len(run) < _MOST_ADJACENT] or [bright[:0]])


def findPixelGroups(
    outlying: OutlyingPixels,
    significance: Significance,
    amps: Sequence[AmpSlices],
    thresholds: DetectionThresholds,
) -> Structures:
    """Group outlying pixels that touch by a side or a corner, across amplifiers, and tell what they are.

    Parameters
    ----------
    outlying
        The pixels.
    significance
        Significance of the detector.
    amps
        Rows and columns of each amplifier.
    thresholds
        Thresholds of the kinds.

    Returns
    -------
    structures
        Groups whose most significant pixel exceeds the threshold of a pixel: kinds ``pixel``, ``event``,
        ``streak`` and ``cluster``.
    """
    flat, width = outlying.flat, significance.values.shape[1]
    if not len(flat):
        return joinStructures([])
    label = _labelTouching(flat, width)
    # Sorted by group, the most significant pixel of each first, groups are runs that reduceat works on.
    order = np.lexsort((-np.abs(significance.values.ravel()[flat]), label))
    first = np.flatnonzero(np.diff(label[order], prepend=-1))
    y, x = np.divmod(flat[order], width)
    peak_y, peak_x = y[first], x[first]
    score = significance.values[peak_y, peak_x].astype(np.float64)
    rows = np.flatnonzero(np.abs(score) > thresholds.pixel)
    peak_y, peak_x, score = peak_y[rows], peak_x[rows], score[rows]
    number = np.diff(first, append=len(flat))[rows]
    (x_min, x_max), (y_min, y_max) = (
        (np.minimum.reduceat(place, first)[rows], np.maximum.reduceat(place, first)[rows]) for place in (x, y)
    )
    amp = ampOf(peak_y, peak_x, amps)
    length = np.hypot(x_max - x_min + 1, y_max - y_min + 1)
    alone = (number == 1) & _isAlone(peak_y, peak_x, significance, thresholds.neighbour)
    # A cosmic ray shares its charge with neighbours, so a pixel alone is a defect, and a small group is most
    # likely a cosmic ray. Only what is too large or too long for one is a defect again.
    small = (number <= _MOST_EVENT_PIXELS) & (length <= _LONGEST_EVENT)
    thin = (length > _LONGEST_EVENT) & (number <= _STREAK_WIDTH * length)
    kind = np.select([alone, small, thin], ["pixel", "event", "streak"], "cluster")
    return Structures.make(
        kind,
        amplifier=amp,
        x=(x_min + x_max) / 2,
        y=(y_min + y_max) / 2,
        width=x_max - x_min + 1,
        height=y_max - y_min + 1,
        nPixels=number,
        score=np.abs(score),
        threshold=thresholds.pixel,
        amplitude=score * significance.scale[amp],
    )


def _labelTouching(flat: IndexArray, width: int) -> IndexArray:
    """Give the pixels of each touching group one number, from their sorted flat indices.

    The groups are those of ``scipy.ndimage.label`` with a full 3x3 structure. That visits all 16 million
    pixels of a detector; this visits the outlying ones only, as nodes of a sparse graph.
    """
    column = flat % width
    pairs = []
    # The other four of the eight neighbours come before the pixel, which is then theirs.
    for step, sideways in ((1, 1), (width - 1, -1), (width, 0), (width + 1, 1)):
        place = np.minimum(np.searchsorted(flat, flat + step), len(flat) - 1)
        touch = (flat[place] == flat + step) & (column[place] - column == sideways)
        pairs.append((np.flatnonzero(touch), place[touch]))
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    graph = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(len(flat), len(flat)))
    labels: IndexArray = connected_components(graph, directed=False)[1]
    return labels


def ampOf(y: IndexArray, x: IndexArray, amps: Sequence[AmpSlices]) -> IndexArray:
    """Find the amplifiers of pixels.

    Parameters
    ----------
    y, x
        Rows and columns of the pixels; shapes (n,).
    amps
        Rows and columns of each amplifier.

    Returns
    -------
    amp
        Index of the amplifier of each pixel, -1 outside of all; shape (n,).
    """
    amp = np.full(len(y), -1, dtype=np.intp)
    for i, (rows, columns) in enumerate(amps):
        amp[(rows.start <= y) & (y < rows.stop) & (columns.start <= x) & (x < columns.stop)] = i
    return amp


def _isAlone(y: IndexArray, x: IndexArray, significance: Significance, neighbour: float) -> BoolArray:
    """Tell whether all eight neighbours of pixels are seen, and none is outlying."""
    shape = significance.values.shape
    alone = (y > 0) & (y < shape[0] - 1) & (x > 0) & (x < shape[1] - 1)
    down, right = (offset.ravel() for offset in np.mgrid[-1:2, -1:2])
    around = (down != 0) | (right != 0)
    at = (
        np.clip(y[:, None] + down[around], 0, shape[0] - 1),
        np.clip(x[:, None] + right[around], 0, shape[1] - 1),
    )
    return alone & ~((np.abs(significance.values[at]) > neighbour) | significance.excluded[at]).any(axis=1)


def findCrowdedAmps(
    outlying: OutlyingPixels,
    significance: Significance,
    amps: Sequence[AmpSlices],
    thresholds: DetectionThresholds,
) -> Structures:
    """List amplifiers with too many outlying pixels to look at, each as one cluster.

    Parameters
    ----------
    outlying, significance, amps, thresholds
        As of `findPixelGroups`.

    Returns
    -------
    structures
        One ``cluster`` an amplifier, of the size of the amplifier.
    """
    parts = []
    for i in np.flatnonzero(outlying.crowded).tolist():
        part = significance.values[amps[i]]
        peak = part.flat[np.argmax(np.abs(part))]
        parts.append(
            Structures.make(
                "cluster",
                box=amps[i],
                amplifier=i,
                nPixels=outlying.crowded[i],
                score=abs(peak),
                threshold=thresholds.pixel,
                amplitude=peak * significance.scale[i],
            )
        )
    return joinStructures(parts)
