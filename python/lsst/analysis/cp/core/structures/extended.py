# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Structures wider than the boxes of the background: gradients, glows, steps, dead amplifiers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy.ndimage import find_objects, label

from lsst.analysis.cp.core.typing import FloatArray

from .significance import AmpSlices, BackgroundMesh, Significance
from .table import Structures, joinStructures

__all__ = ["findBoundaries", "findDeadAmps", "findGlows", "findGradients"]

_MEDIAN_ERROR = math.sqrt(math.pi / 2)
"""Standard error of a median of Gaussian numbers, in units of that of their mean."""

_EXTRAPOLATION_ERROR = math.sqrt(1.5**2 + 0.5**2)
"""Standard error of a value extrapolated by half a box, in units of that of a box."""

_ALLOWED_STEP = 0.1
"""Step between amplifiers that is no structure (noises): their levels vary from frame to frame."""


def _slope(position: FloatArray, values: FloatArray, error: float) -> tuple[float, float]:
    """Fit a line to means along one axis; return the slope and its standard error.

    The error of each value is the larger of the one given and the scatter about the line, so that a glow in
    a corner, which no line follows, is not taken for a significant gradient.
    """
    if len(values) < 4:
        return 0.0, math.inf
    offset = position - position.mean()
    moment = float(np.sum(offset**2))
    slope = float(np.sum(offset * values)) / moment
    rest = values - values.mean() - slope * offset
    scatter = math.sqrt(float(np.sum(rest**2)) / (len(values) - 2))
    return slope, max(error, scatter) / math.sqrt(moment)


def _slopes(mesh: BackgroundMesh, noise: float) -> FloatArray:
    """Return the slopes along x and y and their standard errors, shape (2, 2), in unit / pixel."""
    error = noise * _MEDIAN_ERROR / np.sqrt(max(1.0, float(np.median(mesh.number))))
    ny, nx = mesh.values.shape
    along_x = _slope(mesh.columns, np.median(mesh.values, axis=0), error * _MEDIAN_ERROR / math.sqrt(ny))
    along_y = _slope(mesh.rows, np.median(mesh.values, axis=1), error * _MEDIAN_ERROR / math.sqrt(nx))
    return np.transpose([along_x, along_y])


def findGradients(significance: Significance, amps: Sequence[AmpSlices], threshold: float) -> Structures:
    """Find the gradient of the detector, and amplifiers whose gradient differs from it.

    The slopes along x and y of an amplifier are fitted to the medians of the columns and rows of its mesh, so
    that glows and blocks hardly count. That of the detector is the median over amplifiers, so steps between
    them do not count. The score is the root of chi square of the two slopes.

    Parameters
    ----------
    significance
        Significance of the detector.
    amps
        Rows and columns of each amplifier.
    threshold
        Score from which a gradient is listed.

    Returns
    -------
    structures
        Gradients.
    """
    live = np.flatnonzero(significance.live).tolist()
    if not live:
        return joinStructures([])
    measured = np.array([_slopes(significance.meshes[i], significance.noise[i]) for i in live])
    slope, error = measured[:, 0], measured[:, 1]
    common = np.median(slope, axis=0)
    common_error = np.median(error, axis=0) * (_MEDIAN_ERROR if len(live) > 1 else 1) / math.sqrt(len(live))
    whole = (
        slice(min(rows.start for rows, _ in amps), max(rows.stop for rows, _ in amps)),
        slice(min(columns.start for _, columns in amps), max(columns.stop for _, columns in amps)),
    )
    gradients = [(-1, common, common_error, whole)]
    if len(live) > 1:
        gradients += [
            (i, slope[j] - common, np.hypot(error[j], common_error), amps[i]) for j, i in enumerate(live)
        ]
    parts = []
    for amp, (along_x, along_y), own_error, box in gradients:
        score = math.hypot(along_x / own_error[0], along_y / own_error[1])
        height, width = (side.stop - side.start for side in box)
        if score > threshold:
            parts.append(
                Structures.make(
                    "gradient",
                    box=box,
                    amplifier=amp,
                    nPixels=width * height,
                    score=score,
                    threshold=threshold,
                    amplitude=abs(along_x) * width + abs(along_y) * height,
                )
            )
    return joinStructures(parts)


def findGlows(significance: Significance, amps: Sequence[AmpSlices], threshold: float) -> Structures:
    """Find places where the background differs from the level and gradient of its amplifier.

    Touching boxes of the mesh that differ by more than the threshold on the same side are one glow, labelled
    by `scipy.ndimage.label`.

    Parameters
    ----------
    significance, amps
        As of `findGradients`.
    threshold
        Score from which a box is part of a glow.

    Returns
    -------
    structures
        Glows.
    """
    parts = []
    for amp in np.flatnonzero(significance.live).tolist():
        mesh, noise = significance.meshes[amp], significance.noise[amp]
        difference, scatter = _flatten(mesh)
        # Medians scatter by the noise of their pixels at least, and by more where the noise is correlated.
        least = noise * _MEDIAN_ERROR / np.sqrt(np.maximum(mesh.number, 1))
        score = difference / np.maximum(least, scatter)
        height, width = mesh.boxShape
        for sign in (1, -1):
            labels, _ = label(sign * score > threshold, np.ones((3, 3)))
            for number, (ys, xs) in enumerate(find_objects(labels), start=1):
                member = labels == number
                peak = np.unravel_index(np.argmax(np.where(member, np.abs(score), 0)), score.shape)
                rows = mesh.rows[ys] + amps[amp][0].start
                columns = mesh.columns[xs] + amps[amp][1].start
                parts.append(
                    Structures.make(
                        "glow",
                        amplifier=amp,
                        x=(columns[0] + columns[-1]) / 2,
                        y=(rows[0] + rows[-1]) / 2,
                        width=columns[-1] - columns[0] + width,
                        height=rows[-1] - rows[0] + height,
                        nPixels=member.sum() * height * width,
                        score=abs(score[peak]),
                        threshold=threshold,
                        amplitude=difference[peak],
                    )
                )
    return joinStructures(parts)


def _flatten(mesh: BackgroundMesh) -> tuple[FloatArray, float]:
    """Subtract the plane of most boxes; return the differences and their robust scatter.

    Boxes beyond 3 standard deviations are left out of the fit, or a glow would tilt the plane and hide its
    own edge. If they become half of the boxes or more, there is no plane of most, and the last one stays.
    """
    ys, xs = np.meshgrid(mesh.rows, mesh.columns, indexing="ij")
    places = [
        (place.ravel() - place.mean()) / size for place, size in zip((ys, xs), mesh.boxShape, strict=True)
    ]
    design = np.stack([np.ones(ys.size), *places], axis=1)
    values = mesh.values.ravel()
    kept = np.ones(len(values), dtype=bool)
    for _ in range(3):
        plane, *_ = np.linalg.lstsq(design[kept], values[kept])
        difference = values - design @ plane
        centre = np.median(difference)
        scatter = 1.4826 * float(np.median(np.abs(difference - centre)))
        kept = np.abs(difference - centre) <= 3 * scatter
        if kept.sum() < 0.5 * len(kept):
            break
    return difference.reshape(mesh.values.shape), scatter


def findBoundaries(significance: Significance, amps: Sequence[AmpSlices], threshold: float) -> Structures:
    """Find steps between amplifiers that share a side.

    The step is the difference of the two backgrounds at the side, extrapolated from the meshes, so that a
    gradient is no step. Its error adds that of the boxes and a tenth of the noise of a pixel.

    Parameters
    ----------
    significance, amps
        As of `findGradients`.
    threshold
        Score from which a step is listed.

    Returns
    -------
    structures
        Steps, each at the side of the second amplifier, in the order of ``amps``.
    """
    live = np.flatnonzero(significance.live).tolist()
    parts = []
    for i, j in itertools.product(live, live):
        side = _sharedSide(amps[i], amps[j])
        if side is None:
            continue
        axis, area = side
        (first, first_variance), (second, second_variance) = (
            _levelAt(significance, amp, axis, end) for amp, end in ((i, -1), (j, 0))
        )
        step = second - first
        noise = math.hypot(significance.noise[i], significance.noise[j]) / math.sqrt(2)
        error = math.hypot(
            _ALLOWED_STEP * noise, _EXTRAPOLATION_ERROR * math.sqrt(first_variance + second_variance)
        )
        if abs(step) > threshold * error:
            parts.append(
                Structures.make(
                    "boundary",
                    box=area,
                    amplifier=max(i, j),
                    nPixels=(area[0].stop - area[0].start) * (area[1].stop - area[1].start),
                    score=abs(step) / error,
                    threshold=threshold,
                    amplitude=step,
                )
            )
    return joinStructures(parts)


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


def _levelAt(significance: Significance, amp: int, axis: int, end: int) -> tuple[float, float]:
    """Return the level at the first (0) or last (-1) side of an amplifier across an axis.

    Also returned is the variance of the level of the boxes along that side, before it is extrapolated.
    """
    mesh = significance.meshes[amp]
    number = mesh.number.take(end, axis=axis).sum()
    variance = (significance.noise[amp] * _MEDIAN_ERROR**2) ** 2 / max(1, number)
    profile = np.median(mesh.values, axis=1 - axis)
    if len(profile) == 1:
        return float(profile[0]), variance
    centres = (mesh.rows, mesh.columns)[axis]
    inner = 1 if end == 0 else -2
    fraction = mesh.boxShape[axis] / 2 / abs(centres[end] - centres[inner])
    return float(profile[end] + fraction * (profile[end] - profile[inner])), variance


def findDeadAmps(significance: Significance, amps: Sequence[AmpSlices], threshold: float) -> Structures:
    """Find amplifiers with less than a fifth of the median noise.

    Parameters
    ----------
    significance, amps
        As of `findGradients`.
    threshold
        Score from which an amplifier is listed; the score is the distance of its noise from the median in
        units of the standard error of a standard deviation, the median over the root of twice the number of
        pixels.

    Returns
    -------
    structures
        Dead amplifiers. One without any pixel left is not known to be dead.
    """
    typical = float(np.nanmedian(significance.noise)) if significance.dead.any() else 0.0
    parts = []
    for i in np.flatnonzero(significance.dead).tolist():
        n_pixels = int(np.count_nonzero(~significance.excluded[amps[i]]))
        ratio = significance.noise[i] / typical if typical > 0 else 0.0
        score = (1 - ratio) * math.sqrt(2 * n_pixels)
        if score > threshold:
            parts.append(
                Structures.make(
                    "deadAmplifier",
                    box=amps[i],
                    amplifier=i,
                    nPixels=n_pixels,
                    score=score,
                    threshold=threshold,
                    amplitude=significance.noise[i],
                )
            )
    return joinStructures(parts)
