# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Rows and columns that differ from their neighbours, and amplifiers whose lines scatter."""

from __future__ import annotations

__all__ = ["findLines"]

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import find_objects, label

from .boxes import boxOf
from .lineMeans import LineMeans, measureLines
from .outliers import BRIGHT_PART, Outliers
from .significance import AmpSlices, Significance
from .table import Structures, joinStructures
from .thresholds import DetectionThresholds

_SCATTER_ERRORS = 4
"""Number of standard errors from which an amplifier's scatter of lines is its own."""

_ALLOWED_SCATTER = {"row": 0.3, "column": 0.02}
"""Scatter of lines that is no pattern (noises of a pixel); the median of 20 overscan columns leaves 0.28."""


@dataclass(frozen=True, kw_only=True)
class _AmpLines:
    """Rows or columns of one amplifier.

    Parameters
    ----------
    kind
        ``row`` or ``column``.
    amp
        Index of the amplifier.
    slices
        Its rows and columns.
    noise
        Noise of its pixels.
    means
        Means of the lines.
    """

    kind: str
    amp: int
    slices: AmpSlices
    noise: float
    means: LineMeans

    def span(self, run: slice) -> AmpSlices:
        """Return the rows and columns of adjacent lines."""
        rows, columns = self.slices
        if self.kind == "row":
            return slice(rows.start + run.start, rows.start + run.stop), columns
        return rows, slice(columns.start + run.start, columns.start + run.stop)

    @property
    def length(self) -> int:
        """Number of pixels of a line."""
        return self.slices[self.kind == "row"].stop - self.slices[self.kind == "row"].start


def findLines(
    outliers: Outliers,
    significance: Significance,
    amps: Sequence[AmpSlices],
    thresholds: DetectionThresholds,
) -> Structures:
    """Find rows and columns that differ from their neighbours, and amplifiers of which they scatter.

    Parameters
    ----------
    outliers
        Outliers of the detector. Amplifiers that are crowded with them are left out, as are dead ones.
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
    rows, columns = [], []
    y, x = np.divmod(outliers.flat, significance.values.shape[1])
    for i in np.flatnonzero(significance.live & (outliers.crowded == 0)).tolist():
        own_rows, own_columns = slices = amps[i]
        inside = (own_rows.start <= y) & (y < own_rows.stop)
        inside &= (own_columns.start <= x) & (x < own_columns.stop)
        means = measureLines(
            significance.values[slices],
            significance.excluded[slices],
            (y[inside] - own_rows.start, x[inside] - own_columns.start),
            (outliers.brightRows[i], outliers.brightColumns[i]),
        )
        noise = float(significance.noise[i])
        rows.append(_AmpLines(kind="row", amp=i, slices=slices, noise=noise, means=means[0]))
        columns.append(_AmpLines(kind="column", amp=i, slices=slices, noise=noise, means=means[1]))
    least = thresholds.neighbour
    return joinStructures(
        [
            *_linesOf(rows, thresholds.row, least),
            *_linesOf(columns, thresholds.column, least),
            *_patternsOf([*rows, *columns], thresholds.extended),
        ]
    )


def _linesOf(lines: Sequence[_AmpLines], threshold: float, least: float) -> Iterator[Structures]:
    """List adjacent lines beyond the threshold on the same side.

    Their unit is what independent pixels give, or the usual scatter of the detector's amplifiers if that is
    larger, or that of the amplifier if it is larger still beyond its error.
    """
    known = [line.means.scatter for line in lines if line.means.scatter > 0]
    common = max(1.0, float(np.median(known or [1.0])))
    for line in lines:
        error = math.sqrt(0.5 / max(1, np.isfinite(line.means.mean).sum()))
        own = line.means.scatter > common * (1 + _SCATTER_ERRORS * error)
        score = np.nan_to_num(line.means.scaled / (line.means.scatter if own else common))
        bright = line.means.bright
        # What so many outliers add up to at least, also if their signs differ.
        floor = least * math.sqrt(BRIGHT_PART * line.length)
        score[bright] = np.copysign(np.maximum(np.abs(score[bright]), floor), score[bright])
        for sign in (1, -1):
            for (run,) in find_objects(label(sign * score > threshold)[0]):
                peak = run.start + int(np.argmax(np.abs(score[run])))
                yield Structures.make(
                    line.kind,
                    amplifier=line.amp,
                    **boxOf(line.span(run)),
                    nPixels=line.means.number[run].sum(),
                    score=abs(score[peak]),
                    threshold=threshold,
                    amplitude=np.nan_to_num(line.means.mean[peak]) * line.noise,
                )


def _patternsOf(lines: Sequence[_AmpLines], threshold: float) -> Iterator[Structures]:
    """List amplifiers whose lines scatter beyond what is allowed.

    The variance of n Gaussian numbers has the relative standard error sqrt(2 / n).
    """
    for line in lines:
        used = np.isfinite(line.means.mean)
        if not used.any():
            continue
        length = float(np.median(line.means.number[used]))
        clean = 1 + _ALLOWED_SCATTER[line.kind] ** 2 * length
        score = (line.means.scatter**2 / clean - 1) / math.sqrt(2 / used.sum())
        if score > threshold:
            yield Structures.make(
                f"{line.kind}Pattern",
                amplifier=line.amp,
                **boxOf(line.slices),
                nPixels=line.means.number.sum(),
                score=score,
                threshold=threshold,
                amplitude=line.noise * math.sqrt((line.means.scatter**2 - 1) / length),
            )
