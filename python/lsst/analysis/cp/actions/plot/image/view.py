# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a figure of an image shows, as plain arrays and text; `drawImage` draws it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter
from scipy.stats import median_abs_deviation

from lsst.analysis.cp.actions.plot.text import listFirst, plural, withUnit
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.limits import robustLimits
from lsst.analysis.cp.core.typing import Float32Array, FloatArray

from .frame import ImageFrame
from .gaps import AmpGaps
from .marks import Failures, Names, StructureMarks
from .scale import ImageScale

__all__ = ["ImageView", "Projections", "listGaps", "projectImage"]

_NARROW = 9
"""Number of lines of which fewer than half do not set the scale of a projection."""

_REACH = 8.0
"""Distance from what is wide at which the scale of a projection ends, in standard deviations."""


@dataclass(frozen=True, eq=False)
class Projections:
    """Reduced columns and rows of an image."""

    columns: FloatArray
    """One value a column; shape (nx,), NaN where there is none."""
    rows: FloatArray
    """One value a row; shape (ny,), NaN where there is none."""
    columnLimits: tuple[float, float]
    """Ends of the axis of the columns; robust, so that some may be beyond."""
    rowLimits: tuple[float, float]
    """Ends of the axis of the rows."""
    label: str
    """What is shown, with its unit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageView:
    """Everything that a figure of an image shows.

    Parameters
    ----------
    image
        Pixels; shape (ny, nx), the first row lowest. NaN where there is no value.
    frame
        Where they lie.
    scale
        Their colours.
    gaps
        What is missing.
    failures
        What failed a test.
    structures
        What was found.
    names, ampNames
        Names of detectors and amplifiers on pixels.
    gapNames
        Names of detectors and amplifiers without any.
    projections
        Reduced columns and rows; None for none.
    title
        What is shown.
    provenance
        Lines that say where the data come from.
    lists
        Titles and lines of words beside the image.
    message
        Why there is nothing to see; empty if there is.
    """

    image: Float32Array
    frame: ImageFrame
    scale: ImageScale
    gaps: AmpGaps
    failures: Failures
    structures: StructureMarks
    names: Names
    ampNames: Names
    gapNames: tuple[Names, ...]
    projections: Projections | None
    title: str
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    message: str

    @property
    def headline(self) -> str:
        """What there is, and what failed, in one line."""
        shown, gaps, structures = self.frame.shown, self.gaps, self.structures
        n_shown, n_missing, n_masked = (int(p.sum()) for p in (shown, gaps.missing, gaps.maskedAmps))
        requested = "requested detectors" if self.frame.notRequested.any() else "detectors"
        words = [f"{n_shown - n_missing} of {n_shown} {requested} with an image"] if n_shown > 1 else []
        if n_masked:
            words.append(f"{plural(n_masked, 'amplifier')} without a value")
        if self.failures.headline:
            words.append(self.failures.headline)
        if structures.total:
            words.append(f"{plural(structures.total, 'structure')} found")
        if structures.nEvents:
            words.append(f"{plural(structures.nEvents, 'event')} such as cosmic rays")
        return ", ".join(words) or "No failure and no structure is known"


def listGaps(
    gaps: AmpGaps, layout: CameraLayout, reasons: Mapping[int, str], nListed: int
) -> tuple[tuple[str, ...], ...]:
    """List the detectors without an image, with reasons by position in the camera; and what has no value."""
    absent = [
        f"{layout.detectorName[i]}  {reasons.get(i, '')}".rstrip()
        for i in np.flatnonzero(gaps.missing).tolist()
    ]
    masked = [f"{name}  all" for name in layout.detectorName[gaps.masked]]
    for i in np.flatnonzero(gaps.maskedAmps & ~gaps.masked[layout.ampDetector]):
        masked.append(f"{layout.detectorName[layout.ampDetector[i]]} {layout.ampName[i]}")
    return (
        listFirst(f"Without an image: {len(absent)}", absent, nListed),
        listFirst("Without a value", masked, nListed),
    )


def projectImage(image: Float32Array, statistic: str, unit: str) -> Projections:
    """Reduce the columns and the rows of an image by ``mean``, ``median`` or ``max``; NaN are left out."""
    functions: dict[str, Callable[..., FloatArray]]
    functions = {"mean": np.nanmean, "median": np.nanmedian, "max": np.nanmax}
    reduced: list[FloatArray] = []
    for lines in (image.T, image):
        filled = np.isfinite(lines).any(axis=1)
        reduced.append(np.full(len(lines), np.nan))
        reduced[-1][filled] = functions[statistic](lines[filled], axis=1)
    columns, rows = reduced
    label = withUnit(statistic.capitalize(), unit)
    return Projections(columns, rows, _lineLimits(columns), _lineLimits(rows), label)


def _lineLimits(values: FloatArray) -> tuple[float, float]:
    """Choose ends that enclose what is wider than a few lines, and the scatter about it.

    Single columns and cosmic rays, which may be a thousand times as high, are marked at the end of the axis.
    """
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return 0.0, 1.0
    wide = median_filter(known, min(_NARROW, len(known)), mode="nearest")
    reach = _REACH * float(median_abs_deviation(known - wide, scale="normal"))
    low, high = float(wide.min()) - reach, float(wide.max()) + reach
    if not low < high:
        robust = robustLimits(values)
        low, high = robust.low, robust.high
    margin = 0.05 * (high - low)
    return low - margin, high + margin
