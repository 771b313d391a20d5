# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Find the structures of a detector."""

from __future__ import annotations

__all__ = ["findStructures", "markStructures"]

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, Float32Array, IndexArray

from .boxes import boxOf
from .extended import findBoundaries, findDeadAmps, findGlows, findGradients
from .lines import findLines
from .outliers import Outliers, PixelGroups, findOutliers, groupOutliers
from .significance import AmpSlices, Significance
from .table import STRUCTURE_KINDS, Structures, joinStructures
from .thresholds import DetectionThresholds

_MOST_EVENT_PIXELS = 200
"""Number of pixels up to which a group may be the track of a cosmic ray."""

_LONGEST_EVENT = 100
"""Length up to which a group may be the track of a cosmic ray (pixels)."""

_STREAK_WIDTH = 8
"""Number of pixels for each of its length up to which a long group is a streak."""

_MARKED = ("pixel", "column", "row", "glow", "deadAmplifier")
"""Kinds that fill their box."""


def findStructures(
    significance: Significance,
    amps: Sequence[AmpSlices],
    thresholds: DetectionThresholds,
    *,
    maxPerKind: int = 1000,
) -> Structures:
    """Find the structures of a detector, from single pixels to gradients over all of it.

    Pixels beyond ``thresholds.neighbour`` that touch are groups: a pixel alone is a ``pixel``, unless its
    neighbours cannot all be seen, because it lies on the border of the image or beside an excluded pixel;
    then it is an ``event``, as are small groups. A row or column of which a fifth is beyond it is not taken
    apart, unless it is one of 32 adjacent ones or more, which are a block. Means of rows and columns are
    compared with those of 100 neighbours, in units of the larger of what independent pixels give and of their
    own robust scatter. In an amplifier with more than 0.5% of outliers, as a large block has them, these are
    counted, as one ``cluster``.

    Parameters
    ----------
    significance
        Significance of the detector.
    amps
        Rows and columns of each amplifier, as `measureSignificance` was given them.
    thresholds
        Thresholds of the kinds.
    maxPerKind
        Largest number of rows of a kind; the most significant are kept, and ``nFound`` counts all.

    Returns
    -------
    structures
        What exceeds its threshold, kind by kind, the most significant first.

    Raises
    ------
    ValueError
        Raised if the number of amplifiers is not that of the significance.
    """
    if len(amps) != len(significance.noise):
        raise ValueError(f"Expected {len(significance.noise)} amplifiers as measured, got {len(amps)}.")
    outliers = findOutliers(significance, amps, thresholds.neighbour)
    groups = groupOutliers(outliers, significance)
    lines = findLines(outliers, significance, amps, thresholds)
    single = _findGroups(groups, significance, amps, thresholds)
    found = joinStructures(
        [
            single.take(~_isOfLine(single, lines)),
            lines,
            _findCrowded(outliers, significance, amps, thresholds),
            findGradients(significance, amps, thresholds.extended),
            findGlows(significance, amps, thresholds.extended),
            findBoundaries(significance, amps, thresholds.extended),
            findDeadAmps(significance, amps, thresholds.extended),
        ]
    )
    return _keepStrongest(found, maxPerKind)


def markStructures(binned: Float32Array, factor: int, structures: Structures) -> Float32Array:
    """Raise a binned significance to the scores of the structures that lie in its bins.

    A column or a glow may be significant although none of its pixels is. This keeps what is found visible
    beside the largest significance of single pixels.

    Parameters
    ----------
    binned
        Largest absolute significance of the pixels of each bin; shape (ceil(ny / factor), ceil(nx / factor)).
        NaN where a bin has no pixel, which it keeps.
    factor
        Width and height of a bin (pixels).
    structures
        Structures of the detector. Those that fill the box around them are marked: pixels, rows, columns,
        glows and dead amplifiers. The pixels of others are significant by themselves, or they are no place.

    Returns
    -------
    marked
        A copy of the same shape.
    """
    marked = np.array(binned)
    for row in np.flatnonzero(np.isin(structures.kind, _MARKED)):
        area = tuple(
            slice(round(center - (size - 1) / 2) // factor, round(center + (size - 1) / 2) // factor + 1)
            for center, size in (
                (structures.y[row], structures.height[row]),
                (structures.x[row], structures.width[row]),
            )
        )
        part = marked[area]
        part[part < structures.score[row]] = structures.score[row]
    return marked


def _findGroups(
    groups: PixelGroups,
    significance: Significance,
    amps: Sequence[AmpSlices],
    thresholds: DetectionThresholds,
) -> Structures:
    """List groups whose peak exceeds the threshold of a pixel."""
    y, x = np.divmod(groups.peak, significance.values.shape[1])
    score = significance.values[y, x].astype(np.float64)
    rows = np.flatnonzero(np.abs(score) > thresholds.pixel)
    y, x, score, number = y[rows], x[rows], score[rows], groups.number[rows]
    amp = _ampOf(y, x, amps)
    width = groups.xMax[rows] - groups.xMin[rows] + 1
    height = groups.yMax[rows] - groups.yMin[rows] + 1
    length = np.hypot(width, height)
    kind = np.select(
        [
            (number == 1) & _isAlone(y, x, significance, thresholds.neighbour),
            (number <= _MOST_EVENT_PIXELS) & (length <= _LONGEST_EVENT),
            (length > _LONGEST_EVENT) & (number <= _STREAK_WIDTH * length),
        ],
        ["pixel", "event", "streak"],
        "cluster",
    )
    return Structures.make(
        kind,
        amplifier=amp,
        x=(groups.xMin[rows] + groups.xMax[rows]) / 2,
        y=(groups.yMin[rows] + groups.yMax[rows]) / 2,
        width=width,
        height=height,
        nPixels=number,
        score=np.abs(score),
        threshold=thresholds.pixel,
        amplitude=score * significance.noise[amp],
    )


def _ampOf(y: IndexArray, x: IndexArray, amps: Sequence[AmpSlices]) -> IndexArray:
    amp = np.full(len(y), -1, dtype=np.intp)
    for i, (rows, columns) in enumerate(amps):
        amp[(rows.start <= y) & (y < rows.stop) & (columns.start <= x) & (x < columns.stop)] = i
    return amp


def _isAlone(y: IndexArray, x: IndexArray, significance: Significance, neighbour: float) -> BoolArray:
    """Tell whether all eight neighbours of pixels are seen, and none is an outlier."""
    shape = significance.values.shape
    alone = (y > 0) & (y < shape[0] - 1) & (x > 0) & (x < shape[1] - 1)
    y, x = np.clip(y, 1, shape[0] - 2)[:, None], np.clip(x, 1, shape[1] - 2)[:, None]
    down, right = (offset.ravel() for offset in np.mgrid[-1:2, -1:2])
    around = (down != 0) | (right != 0)
    at = y + down[around], x + right[around]
    return alone & ~((np.abs(significance.values[at]) > neighbour) | significance.excluded[at]).any(axis=1)


def _isOfLine(single: Structures, lines: Structures) -> BoolArray:
    """Tell which pixels exceed the threshold only because they lie on a row or a column that is found."""
    inside = np.zeros(len(single), dtype=bool)
    for row in np.flatnonzero(np.isin(lines.kind, ("row", "column"))):
        near = (single.kind == "pixel") & (single.amplifier == lines.amplifier[row])
        near &= np.abs(single.x - lines.x[row]) <= lines.width[row] / 2
        near &= np.abs(single.y - lines.y[row]) <= lines.height[row] / 2
        rest = np.abs(single.amplitude - lines.amplitude[row]) / np.abs(single.amplitude)
        inside |= near & (rest * single.score <= single.threshold)
    return inside


def _findCrowded(
    outliers: Outliers,
    significance: Significance,
    amps: Sequence[AmpSlices],
    thresholds: DetectionThresholds,
) -> Structures:
    """List amplifiers with too many outliers to look at, each as one cluster."""
    parts = []
    for i in np.flatnonzero(outliers.crowded).tolist():
        part = significance.values[amps[i]]
        peak = part.flat[np.argmax(np.abs(part))]
        parts.append(
            Structures.make(
                "cluster",
                amplifier=i,
                **boxOf(amps[i]),
                nPixels=outliers.crowded[i],
                score=abs(peak),
                threshold=thresholds.pixel,
                amplitude=peak * significance.noise[i],
            )
        )
    return joinStructures(parts)


def _keepStrongest(structures: Structures, maxPerKind: int) -> Structures:
    """Sort by kind and significance, and cut each kind."""
    kinds = list(STRUCTURE_KINDS)
    kind = np.array([kinds.index(name) for name in structures.kind], dtype=np.intp)
    order = np.lexsort((-structures.score, kind))
    place = np.arange(len(order)) - np.searchsorted(kind[order], kind[order])
    found = np.bincount(kind, minlength=len(kinds))[kind]
    return replace(structures, nFound=found).take(order[place < maxPerKind])
