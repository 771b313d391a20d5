# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Rows and columns that differ from their neighbours, and amplifiers whose rows or columns scatter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.ndimage import find_objects, label, median_filter

from lsst.analysis.cp.core.typing import BoolArray, Float32Array, FloatArray, IndexArray

from .noise import clippedScale
from .pixels import BRIGHT_PART, OutlyingPixels, ampOf
from .significance import AmpSlices, Significance
from .table import Structures, joinStructures
from .thresholds import DetectionThresholds

__all__ = ["findLines"]

_DILATION = 2
"""Pixels around an outlying one that are left out of means: what diffuses further is far below the noise."""

_WINDOW = 101
"""Number of lines whose median is the local level of their means."""

_LEAST_LEFT = 0.1
"""Part of a line that must be left for its mean to be looked at."""

_SCATTER_ERRORS = 4
"""Number of standard errors from which an amplifier's scatter of lines is its own."""

_ALLOWED_SCATTER = {"row": 0.3, "column": 0.02}
"""Scatter of lines that is no pattern (noises of a pixel); the median of 20 overscan columns leaves 0.28."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _AmpLines:
    """Means of the rows or the columns of one amplifier, in units of ``scale``.

    Parameters
    ----------
    kind
        ``row`` or ``column``.
    amp
        Index of the amplifier.
    slices
        Its rows and columns.
    scale
        What its significance is in units of.
    mean
        Mean of each line minus the local level of the neighbouring lines; shape (nLines,). NaN for a line of
        which too little is left.
    number
        Number of pixels that entered; shape (nLines,).
    bright
        Lines of which a large part is outlying pixels, which are not left out of them; shape (nBright,).
    """

    kind: str
    amp: int
    slices: AmpSlices
    scale: float
    mean: FloatArray
    number: IndexArray
    bright: IndexArray

    @property
    def scaled(self) -> FloatArray:
        """Mean in units of the standard deviation of the mean of independent pixels, shape (nLines,)."""
        return self.mean * np.sqrt(self.number)

    @cached_property
    def scatter(self) -> float:
        """Standard deviation of `scaled` without outliers: 1 if pixels are independent, NaN if none."""
        scaled = self.scaled
        return clippedScale(scaled[np.isfinite(scaled)])

    def span(self, run: slice) -> AmpSlices:
        """Return the rows and columns of adjacent lines."""
        rows, columns = self.slices
        if self.kind == "row":
            return slice(rows.start + run.start, rows.start + run.stop), columns
        return rows, slice(columns.start + run.start, columns.start + run.stop)


def findLines(
    outlying: OutlyingPixels,
    significance: Significance,
    amps: Sequence[AmpSlices],
    thresholds: DetectionThresholds,
) -> Structures:
    """Find rows and columns that differ from their neighbours, and amplifiers of which they scatter.

    Parameters
    ----------
    outlying
        Outlying pixels of the detector. Amplifiers that are crowded with them are left out, as are dead ones.
    significance
        Significance of the detector.
    amps
        Rows and columns of each amplifier.
    thresholds
        Thresholds of the kinds.

    Returns
    -------
    structures
        Adjacent rows or columns beyond the threshold on the same side are one structure.
    """
    rows: list[_AmpLines] = []
    columns: list[_AmpLines] = []
    y, x = np.divmod(outlying.flat, significance.values.shape[1])
    amp = ampOf(y, x, amps)
    for i in np.flatnonzero(significance.live & (outlying.crowded == 0)).tolist():
        own = amp == i
        kept, removed = _removePixels(
            significance.values[amps[i]],
            significance.excluded[amps[i]],
            y[own] - amps[i][0].start,
            x[own] - amps[i][1].start,
        )
        scale = float(significance.scale[i])
        bright_rows, bright_columns = outlying.brightRows[i], outlying.brightColumns[i]
        # A bright column adds to every row that it crosses, and the other way round.
        for lines, kind, image, places, bright, skip in (
            (rows, "row", kept, removed, bright_rows, bright_columns),
            (columns, "column", kept.T, removed[::-1], bright_columns, bright_rows),
        ):
            mean, number = _average(image, places, skip)
            lines.append(
                _AmpLines(
                    kind=kind, amp=i, slices=amps[i], scale=scale, mean=mean, number=number, bright=bright
                )
            )
    return joinStructures(
        [
            *_linesOf(rows, thresholds.row, thresholds.neighbour),
            *_linesOf(columns, thresholds.column, thresholds.neighbour),
            *_patternsOf([*rows, *columns], thresholds.extended),
        ]
    )


def _removePixels(
    values: Float32Array, excluded: BoolArray, y: IndexArray, x: IndexArray
) -> tuple[Float32Array, tuple[IndexArray, IndexArray]]:
    """Set excluded pixels, outlying pixels and those around them to 0; return image, and their places."""
    height, width = values.shape
    reach = np.arange(-_DILATION, _DILATION + 1)
    near_y, near_x = (
        part.ravel()
        for part in np.broadcast_arrays(y[:, None, None] + reach[:, None], x[:, None, None] + reach)
    )
    inside = (near_y >= 0) & (near_y < height) & (near_x >= 0) & (near_x < width)
    flat = np.unique(near_y[inside] * width + near_x[inside])
    if excluded.any():
        flat = np.union1d(flat, np.flatnonzero(excluded))
    kept = values.copy()
    kept.ravel()[flat] = 0
    return kept, np.divmod(flat, width)


def _average(
    kept: Float32Array, removed: Sequence[IndexArray], skip: IndexArray
) -> tuple[FloatArray, IndexArray]:
    """Average over the second index of an image, without removed pixels (0) and some lines across.

    Returns the means minus the local level, and the number of pixels of each.
    """
    n_lines, length = kept.shape
    total = kept.sum(axis=1, dtype=np.float64)
    number = length - np.bincount(removed[0], minlength=n_lines)
    if len(skip):
        total -= kept[:, skip].sum(axis=1, dtype=np.float64)
        # Removed pixels of the skipped lines are already subtracted from the number.
        again = np.bincount(removed[0][np.isin(removed[1], skip)], minlength=n_lines)
        number -= len(skip) - again
    enough = number >= max(1, _LEAST_LEFT * length)
    mean = np.full(n_lines, np.nan)
    np.divide(total, number, out=mean, where=enough)
    if enough.any():
        # The mesh of the background is coarse: what is left of a gradient or glow is no line. A median does
        # not follow up to fifty adjacent lines.
        window = min(_WINDOW, n_lines - 1 + n_lines % 2)
        mean -= median_filter(np.where(enough, mean, np.median(mean[enough])), window, mode="mirror")
    return mean, number


def _linesOf(lines: Sequence[_AmpLines], threshold: float, least: float) -> Iterator[Structures]:
    """List adjacent lines beyond the threshold on the same side.

    Their unit is what independent pixels give, or the usual scatter of the detector's amplifiers if that is
    larger, or that of the amplifier if it is larger still beyond its error. Otherwise an amplifier with a
    pattern, such as noise that is common to the pixels of a row, would be full of lines.
    """
    known = [line.scatter for line in lines if line.scatter > 0]
    common = max(1.0, float(np.median(known or [1.0])))
    for line in lines:
        error = math.sqrt(0.5 / max(1, np.isfinite(line.mean).sum()))
        own = line.scatter > common * (1 + _SCATTER_ERRORS * error)
        score = np.nan_to_num(line.scaled / (line.scatter if own else common))
        # What so many outlying pixels add up to at least, also if their signs differ.
        across = line.slices[line.kind == "row"]
        floor = least * math.sqrt(BRIGHT_PART * (across.stop - across.start))
        score[line.bright] = np.copysign(np.maximum(np.abs(score[line.bright]), floor), score[line.bright])
        for sign in (1, -1):
            for (run,) in find_objects(label(sign * score > threshold)[0]):
                peak = run.start + int(np.argmax(np.abs(score[run])))
                yield Structures.make(
                    line.kind,
                    box=line.span(run),
                    amplifier=line.amp,
                    nPixels=line.number[run].sum(),
                    score=abs(score[peak]),
                    threshold=threshold,
                    amplitude=np.nan_to_num(line.mean[peak]) * line.scale,
                )


def _patternsOf(lines: Sequence[_AmpLines], threshold: float) -> Iterator[Structures]:
    """List amplifiers whose lines scatter beyond what is allowed.

    The variance of n Gaussian numbers has the relative standard error sqrt(2 / n).
    """
    for line in lines:
        used = np.isfinite(line.mean)
        if not used.any():
            continue
        length = float(np.median(line.number[used]))
        clean = 1 + _ALLOWED_SCATTER[line.kind] ** 2 * length
        score = (line.scatter**2 / clean - 1) / math.sqrt(2 / used.sum())
        if score > threshold:
            yield Structures.make(
                f"{line.kind}Pattern",
                box=line.slices,
                amplifier=line.amp,
                nPixels=line.number.sum(),
                score=score,
                threshold=threshold,
                amplitude=line.scale * math.sqrt((line.scatter**2 - 1) / length),
            )
