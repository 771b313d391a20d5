# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Find the structures of a detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, Float32Array

from .extended import findDeadAmps, findGlows, findGradients
from .lines import findLines
from .offsets import findOffsets
from .pixels import findCrowdedAmps, findOutlyingPixels, findPixelGroups
from .significance import AmpSlices, Significance
from .table import STRUCTURE_KINDS, Structures, joinStructures
from .thresholds import DetectionThresholds

__all__ = ["findStructures", "markStructures"]

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
    own robust scatter. In an amplifier with more than 0.5% of outlying pixels, as a large block has them,
    these are counted, as one ``cluster``.

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
    outlying = findOutlyingPixels(significance, amps, thresholds.neighbour)
    lines = findLines(outlying, significance, amps, thresholds)
    groups = findPixelGroups(outlying, significance, amps, thresholds)
    extended = joinStructures(
        [
            findGradients(significance, amps, thresholds.extended),
            findGlows(significance, amps, thresholds.extended),
        ]
    )
    found = joinStructures(
        [
            groups.take(~_isOfLine(groups, lines)),
            lines,
            findCrowdedAmps(outlying, significance, amps, thresholds),
            extended,
            findOffsets(significance, amps, extended, thresholds.extended),
            findDeadAmps(significance, amps, thresholds.extended),
        ]
    )
    # Sort by kind and significance, and cut each kind.
    kinds = list(STRUCTURE_KINDS)
    kind = np.array([kinds.index(name) for name in found.kind], dtype=np.intp)
    order = np.lexsort((-found.score, kind))
    place = np.arange(len(order)) - np.searchsorted(kind[order], kind[order])
    counted = replace(found, nFound=np.bincount(kind, minlength=len(kinds))[kind])
    return counted.take(order[place < maxPerKind])


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
            slice(round(centre - (size - 1) / 2) // factor, round(centre + (size - 1) / 2) // factor + 1)
            for centre, size in (
                (structures.y[row], structures.height[row]),
                (structures.x[row], structures.width[row]),
            )
        )
        part = marked[area]
        part[part < structures.score[row]] = structures.score[row]
    return marked


def _isOfLine(groups: Structures, lines: Structures) -> BoolArray:
    """Tell which pixels exceed the threshold only because they lie on a row or a column that is found."""
    inside = np.zeros(len(groups), dtype=bool)
    for row in np.flatnonzero(np.isin(lines.kind, ("row", "column"))):
        near = (groups.kind == "pixel") & (groups.amplifier == lines.amplifier[row])
        near &= np.abs(groups.x - lines.x[row]) <= lines.width[row] / 2
        near &= np.abs(groups.y - lines.y[row]) <= lines.height[row] / 2
        rest = np.abs(groups.amplitude - lines.amplitude[row]) / np.abs(groups.amplitude)
        inside |= near & (rest * groups.score <= groups.threshold)
    return inside
