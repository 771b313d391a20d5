# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Structures wider than the boxes of the background: gradients, glows, dead amplifiers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.ndimage import find_objects, label

from lsst.analysis.cp.core.typing import FloatArray

from .significance import AmpSlices, BackgroundMesh, Significance
from .table import Structures, joinStructures

__all__ = ["MEDIAN_ERROR", "findDeadAmps", "findGlows", "findGradients", "measureSlope"]

MEDIAN_ERROR = math.sqrt(math.pi / 2)
"""Standard error of a median of Gaussian numbers, in units of that of their mean."""


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
    error = noise * MEDIAN_ERROR / np.sqrt(max(1.0, float(np.median(mesh.number))))
    ny, nx = mesh.values.shape
    along_x = _slope(mesh.columns, np.median(mesh.values, axis=0), error * MEDIAN_ERROR / math.sqrt(ny))
    along_y = _slope(mesh.rows, np.median(mesh.values, axis=1), error * MEDIAN_ERROR / math.sqrt(nx))
    return np.transpose([along_x, along_y])


def measureSlope(significance: Significance) -> FloatArray:
    """Measure the slope of the detector, the median of the slopes of its live amplifiers.

    Parameters
    ----------
    significance
        Significance of the detector.

    Returns
    -------
    slope
        Slope along x and y, unit / pixel; shape (2,). 0 if no amplifier is live.
    """
    slopes = [
        _slopes(significance.meshes[i], significance.noise[i])[0] for i in np.flatnonzero(significance.live)
    ]
    return np.median(slopes, axis=0) if slopes else np.zeros(2)


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
    common_error = np.median(error, axis=0) * (MEDIAN_ERROR if len(live) > 1 else 1) / math.sqrt(len(live))
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
        least = noise * MEDIAN_ERROR / np.sqrt(np.maximum(mesh.number, 1))
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
