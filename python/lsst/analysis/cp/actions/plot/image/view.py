# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a figure of an image shows, as plain arrays and text; `drawImage` draws it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.actions.plot.text import listFirst, plural, statisticsLines, withUnit
from lsst.analysis.cp.core.typing import Float32Array, FloatArray

from .frame import ImageFrame
from .gaps import AmpGaps
from .marks import Failures, Names, StructureMarks
from .scale import ImageScale

__all__ = ["ImageView", "Projections", "imageHeadline", "imageLists"]

_NOTE_LENGTH = 52
"""Characters of a line beside the image."""


@dataclass(frozen=True, eq=False)
class Projections:
    """Reduced columns and rows of an image.

    Parameters
    ----------
    columns, rows
        One value a column, and one a row; shapes (nx,) and (ny,). NaN where there is none.
    limits
        Ends of the axes of values; robust, so that points may be beyond.
    label
        What is shown, with its unit.
    """

    columns: FloatArray
    rows: FloatArray
    limits: tuple[float, float]
    label: str


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
    title, headline
        What is shown, and the verdict on it.
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
    headline: str
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    message: str


def imageHeadline(frame: ImageFrame, gaps: AmpGaps, failures: Failures, structures: StructureMarks) -> str:
    """Say in one line what there is, and what failed.

    Parameters
    ----------
    frame
        What is on the image.
    gaps
        What is missing.
    failures
        What failed.
    structures
        What was found.

    Returns
    -------
    text
        The line.
    """
    n_shown, n_missing, n_masked = (int(part.sum()) for part in (frame.shown, gaps.missing, gaps.maskedAmps))
    if n_shown == 1:
        words = [str(frame.geometry.layout.detectorName[frame.shown][0])]
    else:
        words = [f"{n_shown - n_missing} of {n_shown} detectors with an image"]
    if n_masked:
        words.append(f"{plural(n_masked, 'amplifier')} without a value")
    if failures.headline:
        words.append(failures.headline)
    if structures.total:
        words.append(f"{plural(structures.total, 'structure')} found")
    if structures.nEvents:
        words.append(f"{plural(structures.nEvents, 'event')}, as of cosmic rays")
    return ", ".join(words)


def imageLists(
    values: Float32Array,
    unit: str,
    frame: ImageFrame,
    scale: ImageScale,
    gaps: AmpGaps,
    reasons: Mapping[int, str],
    failures: Failures,
    structures: StructureMarks,
    nListed: int,
) -> tuple[tuple[str, ...], ...]:
    """Write what stands beside the image.

    Parameters
    ----------
    values
        Pixels; NaN are left out.
    unit
        Their unit.
    frame
        What is on the image.
    scale
        How it is coloured.
    gaps
        What is missing.
    reasons
        Why a detector is missing, by its position in the camera.
    failures
        What failed.
    structures
        What was found.
    nListed
        Number of things to name in a list; a third of it of what is missing.

    Returns
    -------
    lists
        Titles, each with its lines.
    """
    layout = frame.geometry.layout
    absent = [
        f"{layout.detectorName[i]}  {reasons.get(i, '')}".rstrip()
        for i in np.flatnonzero(gaps.missing).tolist()
    ]
    masked = [f"{name}  all" for name in layout.detectorName[gaps.masked]]
    for i in np.flatnonzero(gaps.maskedAmps & ~gaps.masked[layout.ampDetector]):
        masked.append(f"{layout.detectorName[layout.ampDetector[i]]} {layout.ampName[i]}")
    few = -(-nListed // 3)
    lists = (
        (withUnit("Values", unit), *statisticsLines(values, counts=False)),
        ("Colours", *textwrap.wrap(scale.note, _NOTE_LENGTH)),
        listFirst(f"Without an image: {len(absent)}", absent, few),
        listFirst("Without a value", masked, few),
        listFirst("Failing", failures.lines, nListed),
        listFirst("Structures", structures.lines, nListed),
    )
    return tuple(lines for lines in lists if lines)
