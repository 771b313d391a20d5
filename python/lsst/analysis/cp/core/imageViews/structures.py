# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Find the structures of a detector."""

from __future__ import annotations

__all__ = ["findStructures", "markStructures"]

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.ndimage import find_objects, label

from ._extended import boxOf, findBoundaries, findDeadAmps, findGlows, findGradients
from ._lines import LineMeans, measureLines
from ._outliers import Outliers, PixelGroups, findOutliers, groupOutliers
from .significance import AmpSlices, Significance
from .structureTable import STRUCTURE_KINDS, Structures, joinStructures
from .thresholds import DetectionThresholds

ImageArray = npt.NDArray[np.float32]
LinePair = tuple[LineMeans, LineMeans]

_MOST_EVENT_PIXELS = 200
"""Number of pixels up to which a group may be the track of a cosmic ray."""

_LONGEST_EVENT = 100
"""Length up to which a group may be the track of a cosmic ray (pixels)."""

_STREAK_WIDTH = 8
"""Number of pixels for each of its length up to which a long group is a streak."""

_SCATTER_ERRORS = 4
"""Number of standard errors from which an amplifier's scatter of lines is its own."""

_ALLOWED_SCATTER = {"row": 0.2, "column": 0.03}
"""Scatter of lines that is no pattern (noises of a pixel); an overscan of 40 columns leaves 0.2 in rows."""

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
    apart. Means of rows and columns are compared with those of 100 neighbours, in units of the larger of what
    independent pixels give and of their own robust scatter. In an amplifier with more than 2% of outliers,
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
        Largest number of rows of a kind; the most significant are kept.

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
    lines = _measureAllLines(significance, amps, outliers)
    found = joinStructures(
        [
            _findGroups(groups, significance, amps, thresholds),
            _findCrowded(outliers, significance, amps, thresholds),
            *_findLines(lines, significance, amps, thresholds),
            findGradients(significance, amps, thresholds.extended),
            findGlows(significance, amps, thresholds.extended),
            findBoundaries(significance, amps, thresholds.extended),
            findDeadAmps(significance, amps, thresholds.extended),
        ]
    )
    return _keepStrongest(found, maxPerKind)


def markStructures(binned: ImageArray, factor: int, structures: Structures) -> ImageArray:
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


def _ampOf(
    y: npt.NDArray[np.intp], x: npt.NDArray[np.intp], amps: Sequence[AmpSlices]
) -> npt.NDArray[np.intp]:
    amp = np.full(len(y), -1, dtype=np.intp)
    for i, (rows, columns) in enumerate(amps):
        amp[(rows.start <= y) & (y < rows.stop) & (columns.start <= x) & (x < columns.stop)] = i
    return amp


def _isAlone(
    y: npt.NDArray[np.intp], x: npt.NDArray[np.intp], significance: Significance, neighbour: float
) -> npt.NDArray[np.bool_]:
    """Tell whether all eight neighbours of pixels are seen, and none is an outlier."""
    shape = significance.values.shape
    alone = (y > 0) & (y < shape[0] - 1) & (x > 0) & (x < shape[1] - 1)
    y, x = np.clip(y, 1, shape[0] - 2)[:, None], np.clip(x, 1, shape[1] - 2)[:, None]
    down, right = (offset.ravel() for offset in np.mgrid[-1:2, -1:2])
    around = (down != 0) | (right != 0)
    at = y + down[around], x + right[around]
    return alone & ~((np.abs(significance.values[at]) > neighbour) | significance.excluded[at]).any(axis=1)


def _findCrowded(
    outliers: Outliers,
    significance: Significance,
    amps: Sequence[AmpSlices],
    thresholds: DetectionThresholds,
) -> Structures:
    """List amplifiers with too many outliers to look at, each as one cluster."""
    parts = []
    for i in np.flatnonzero(outliers.crowded):
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


def _measureAllLines(
    significance: Significance, amps: Sequence[AmpSlices], outliers: Outliers
) -> dict[int, LinePair]:
    """Average rows and columns of the amplifiers that have noise and are not crowded."""
    y, x = np.divmod(outliers.flat, significance.values.shape[1])
    amp = _ampOf(y, x, amps)
    return {
        i: measureLines(
            significance.values[rows, columns],
            significance.excluded[rows, columns],
            (y[amp == i] - rows.start, x[amp == i] - columns.start),
            (outliers.brightRows[i], outliers.brightColumns[i]),
        )
        for i, (rows, columns) in enumerate(amps)
        if significance.noise[i] > 0 and not outliers.crowded[i]
    }


def _findLines(
    lines: dict[int, LinePair],
    significance: Significance,
    amps: Sequence[AmpSlices],
    thresholds: DetectionThresholds,
) -> Iterator[Structures]:
    """List rows and columns, and amplifiers of which they scatter."""
    for axis, kind, threshold in ((0, "row", thresholds.row), (1, "column", thresholds.column)):
        means = {i: pair[axis] for i, pair in lines.items()}
        scatter = {i: mean.scatter for i, mean in means.items()}
        common = max(1.0, float(np.median([value for value in scatter.values() if value > 0] or [1.0])))
        for i, mean in means.items():
            error = math.sqrt(0.5 / max(1, np.isfinite(mean.mean).sum()))
            own = scatter[i] > common * (1 + _SCATTER_ERRORS * error)
            scale = scatter[i] if own else common
            yield _linesOf(kind, i, mean, scale, significance.noise[i], amps[i], threshold)
            yield _patternOf(kind, i, mean, scatter[i], significance.noise[i], amps[i], thresholds.extended)


def _linesOf(
    kind: str,
    amp: int,
    means: LineMeans,
    scale: float,
    noise: float,
    slices: AmpSlices,
    threshold: float,
) -> Structures:
    """List adjacent lines beyond the threshold on the same side."""
    score = np.nan_to_num(means.scaled / scale)
    beyond = np.where(score > threshold, 1, 0) + np.where(score < -threshold, 2, 0)
    parts = []
    for sign in (1, 2):
        for (run,) in find_objects(label(beyond == sign)[0]):
            peak = run.start + int(np.argmax(np.abs(score[run])))
            across = slices[0] if kind == "row" else slices[1]
            span = slice(across.start + run.start, across.start + run.stop)
            parts.append(
                Structures.make(
                    kind,
                    amplifier=amp,
                    **boxOf((span, slices[1]) if kind == "row" else (slices[0], span)),
                    nPixels=means.number[run].sum(),
                    score=abs(score[peak]),
                    threshold=threshold,
                    amplitude=means.mean[peak] * noise,
                )
            )
    return joinStructures(parts)


def _patternOf(
    kind: str,
    amp: int,
    means: LineMeans,
    scatter: float,
    noise: float,
    slices: AmpSlices,
    threshold: float,
) -> Structures:
    """List an amplifier if its lines scatter beyond what is allowed.

    The variance of n Gaussian numbers has the relative standard error sqrt(2 / n).
    """
    used = np.isfinite(means.mean)
    if not used.any():
        return joinStructures([])
    length = float(np.median(means.number[used]))
    clean = 1 + _ALLOWED_SCATTER[kind] ** 2 * length
    score = (scatter**2 - clean) / (clean * math.sqrt(2 / used.sum()))
    if not score > threshold:
        return joinStructures([])
    return Structures.make(
        f"{kind}Pattern",
        amplifier=amp,
        **boxOf(slices),
        nPixels=means.number.sum(),
        score=score,
        threshold=threshold,
        amplitude=noise * math.sqrt(max(0.0, scatter**2 - 1) / length),
    )


def _keepStrongest(structures: Structures, maxPerKind: int) -> Structures:
    """Sort by kind and significance, and cut each kind."""
    kinds = list(STRUCTURE_KINDS)
    kind = np.array([kinds.index(name) for name in structures.kind], dtype=np.intp)
    order = np.lexsort((-structures.score, kind))
    place = np.arange(len(order)) - np.searchsorted(kind[order], kind[order])
    return structures.take(order[place < maxPerKind])
