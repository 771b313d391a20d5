# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Amplifiers whose level differs from that of the others of their detector."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, FloatArray

from .extended import MEDIAN_ERROR, measureSlope
from .significance import AmpSlices, Significance
from .table import Structures, joinStructures

__all__ = ["findOffsets"]

_EXTRAPOLATION_ERROR = math.sqrt(1.5**2 + 0.5**2)
"""Standard error of a value extrapolated by half a box, in units of that of a box."""

_ALLOWED_STEP = 0.1
"""Step between amplifiers that is no structure (noises): their levels vary from frame to frame."""


@dataclass(frozen=True)
class _Step:
    """Step of the level from an amplifier to the one beside or above it."""

    lower: int
    upper: int
    size: float
    error: float
    area: AmpSlices
    """The two lines of pixels along the side that they share."""

    @property
    def score(self) -> float:
        """Size in units of its error, not negative."""
        return abs(self.size) / self.error

    def sizeFrom(self, amp: int) -> float:
        """Return the level of one of the amplifiers minus that of the other."""
        return self.size if amp == self.upper else -self.size

    def other(self, amp: int) -> int:
        """Return the amplifier on the other side."""
        return self.lower if amp == self.upper else self.upper


def findOffsets(
    significance: Significance, amps: Sequence[AmpSlices], extended: Structures, threshold: float
) -> Structures:
    """Find amplifiers that are above or below those that they share a side with.

    What is looked for are steps at these sides: smooth illumination makes none, however much the levels of
    amplifiers differ. A step is the difference of the two backgrounds, extrapolated from the meshes, so that
    a gradient is no step. Its error adds that of the boxes and a tenth of the noise of a pixel. Each step is
    put down to that of its two amplifiers whose level is farther from the median of all, after the gradient
    of the detector is subtracted; or to the one farther from 0 if both are equally far, as when half of the
    detector is off.

    Parameters
    ----------
    significance
        Significance of the detector.
    amps
        Rows and columns of each amplifier.
    extended
        Gradients and glows that were found. Steps that they make are not counted.
    threshold
        Score from which a step is counted.

    Returns
    -------
    structures
        One ``offset`` for each amplifier that steps are put down to.
    """
    gradients, glows = extended.select("gradient"), extended.select("glow")
    slope = measureSlope(significance)
    steps = [
        step
        for step in _measureSteps(significance, amps, slope, set(gradients.amplifier.tolist()))
        if step.score > threshold and not _overlaps(glows, step.area).any()
    ]
    centres = np.array([[(side.start + side.stop - 1) / 2 for side in (amp[1], amp[0])] for amp in amps])
    flat = significance.level - centres @ slope
    excess = np.abs(flat - np.median(flat[significance.live])) if steps else flat
    of_amp: dict[int, list[_Step]] = {}
    for step in steps:
        pair = [step.lower, step.upper]
        equal = abs(excess[step.upper] - excess[step.lower]) <= 0.5 * threshold * step.error
        by = np.abs(significance.level) if equal else excess
        of_amp.setdefault(max(pair, key=by.__getitem__), []).append(step)
    parts = []
    for amp, own in of_amp.items():
        # Beside an amplifier that is off itself, a step says how far both are apart.
        certain = [step for step in own if step.other(amp) not in of_amp] or own
        parts.append(
            Structures.make(
                "offset",
                box=amps[amp],
                amplifier=amp,
                nPixels=np.count_nonzero(~significance.excluded[amps[amp]]),
                score=max(step.score for step in own),
                threshold=threshold,
                amplitude=np.median([step.sizeFrom(amp) for step in certain]),
            )
        )
    return joinStructures(parts)


def _overlaps(structures: Structures, area: AmpSlices) -> BoolArray:
    """Tell which structures have a box that overlaps an area."""
    overlap = np.ones(len(structures), dtype=bool)
    for centre, size, span in zip(
        (structures.y, structures.x), (structures.height, structures.width), area, strict=True
    ):
        overlap &= (centre - size / 2 < span.stop - 0.5) & (centre + size / 2 > span.start - 0.5)
    return overlap


def _measureSteps(
    significance: Significance, amps: Sequence[AmpSlices], slope: FloatArray, sloping: set[int]
) -> list[_Step]:
    """Measure the steps at all sides that two live amplifiers share.

    Those ``sloping`` have two levels at a side, and the smallest step that explains what is seen is taken.
    """
    steps = []
    live = np.flatnonzero(significance.live).tolist()
    for lower, upper in itertools.product(live, live):
        side = _sharedSide(amps[lower], amps[upper])
        if side is None:
            continue
        axis, area = side
        lower_levels, upper_levels = (
            _levelsAt(significance, amp, axis, end, slope if amp in sloping else None)
            for amp, end in ((lower, -1), (upper, 0))
        )
        sizes = [second - first for first, second in itertools.product(lower_levels, upper_levels)]
        size = min(sizes, key=abs) if min(sizes) * max(sizes) > 0 else 0.0
        variance = sum(_variance(significance, amp, axis, end) for amp, end in ((lower, -1), (upper, 0)))
        noise = math.hypot(significance.noise[lower], significance.noise[upper]) / math.sqrt(2)
        error = math.hypot(_ALLOWED_STEP * noise, _EXTRAPOLATION_ERROR * math.sqrt(variance))
        steps.append(_Step(lower, upper, size, error, area))
    return steps


def _sharedSide(lower: AmpSlices, upper: AmpSlices) -> tuple[int, AmpSlices] | None:
    """Return the axis across the side, and the two lines of pixels along it; None if there is none."""
    for axis in (0, 1):
        along = 1 - axis
        start = max(lower[along].start, upper[along].start)
        stop = min(lower[along].stop, upper[along].stop)
        if lower[axis].stop == upper[axis].start and start < stop:
            across = slice(upper[axis].start - 1, upper[axis].start + 1)
            span = slice(start, stop)
            return axis, ((across, span) if axis == 0 else (span, across))
    return None


def _levelsAt(
    significance: Significance, amp: int, axis: int, end: int, slope: FloatArray | None
) -> list[float]:
    """Return levels at the first (0) or last (-1) side of an amplifier across an axis.

    One is extrapolated from its mesh. Another is that of its middle and the slope of the detector (along x
    and y) if that is given: an amplifier with a slope of its own makes steps without being off.
    """
    mesh = significance.meshes[amp]
    centres = (mesh.rows, mesh.columns)[axis]
    profile = np.median(mesh.values, axis=1 - axis)
    levels = [float(profile[end])]
    if len(profile) > 1:
        inner = 1 if end == 0 else -2
        fraction = mesh.boxShape[axis] / 2 / abs(centres[end] - centres[inner])
        levels[0] += fraction * float(profile[end] - profile[inner])
    if slope is not None:
        reach = 0.5 * float(centres[-1] - centres[0] + mesh.boxShape[axis])
        levels.append(float(significance.level[amp] + slope[1 - axis] * (reach if end else -reach)))
    return levels


def _variance(significance: Significance, amp: int, axis: int, end: int) -> float:
    """Return the variance of the level of the boxes along a side, before it is extrapolated."""
    number = int(significance.meshes[amp].number.take(end, axis=axis).sum())
    return (float(significance.noise[amp]) * MEDIAN_ERROR**2) ** 2 / max(1, number)
