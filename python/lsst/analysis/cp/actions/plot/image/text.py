# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Words of figures of images."""

from __future__ import annotations

__all__ = ["imageHeadline", "imageLists"]

import textwrap
from collections.abc import Mapping

import numpy as np

from lsst.analysis.cp.actions.plot.text import shorten, statisticsLines, withUnit
from lsst.analysis.cp.core.typing import Float32Array

from .frame import ImageFrame
from .marks import Failures, Structures
from .regions import Gaps
from .view import ImageScale

_LENGTH = 52
"""Characters of a line beside the image."""


def imageHeadline(frame: ImageFrame, gaps: Gaps, failures: Failures, structures: Structures) -> str:
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
        words.append(f"{n_masked} amplifier{'s' * (n_masked > 1)} without a value")
    words.append(failures.headline)
    if structures.total:
        words.append(f"{structures.total} structure{'s' * (structures.total > 1)} found")
    if structures.nEvents:
        words.append(f"{structures.nEvents} event{'s' * (structures.nEvents > 1)}, as of cosmic rays")
    return ", ".join(word for word in words if word)


def imageLists(
    values: Float32Array,
    unit: str,
    frame: ImageFrame,
    scale: ImageScale,
    gaps: Gaps,
    reasons: Mapping[int, str],
    failures: Failures,
    structures: Structures,
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
    masked = [f"{name}  all" for name in layout.detectorName[gaps.masked]] + [
        f"{layout.detectorName[layout.ampDetector[i]]} {layout.ampName[i]}"
        for i in np.flatnonzero(gaps.maskedAmps & ~gaps.masked[layout.ampDetector])
    ]
    few = -(-nListed // 3)
    lists = (
        (withUnit("Values", unit), *statisticsLines(values, counts=False)),
        ("Colours", *textwrap.wrap(scale.note, _LENGTH)),
        _listFirst(f"Without an image: {len(absent)}", absent, few),
        _listFirst("Without a value", masked, few),
        _listFirst("Failing", failures.lines, nListed),
        _listFirst("Structures", structures.lines, nListed),
    )
    return tuple(lines for lines in lists if lines)


def _listFirst(title: str, lines: tuple[str, ...] | list[str], nListed: int) -> tuple[str, ...]:
    """Return a title and the first lines; nothing if there are none."""
    if not lines or nListed == 0:
        return ()
    more = (f"and {len(lines) - nListed} more",) if len(lines) > nListed else ()
    return title, *(shorten(line, _LENGTH) for line in lines[:nListed]), *more
