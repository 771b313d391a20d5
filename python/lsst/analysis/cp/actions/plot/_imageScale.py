# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Scales of images: which values the colours span."""

from __future__ import annotations

__all__ = ["measureScale", "scaleAmplifiers", "significanceScale"]

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.colourLimits import ColourLimits
from lsst.analysis.cp.core.imageViews import StretchMethod, perAmplifier, stretchLimits

from ._focalPlaneText import formatNumber
from ._imageFrame import ampRegions
from ._imageView import ImageFrame, ImageScale

FloatImage = npt.NDArray[np.float32]

_SIGNIFICANCE_REACH = 6.0
"""End of the scale of a significance, in thresholds."""


def measureScale(
    image: FloatImage,
    *,
    method: StretchMethod,
    percentile: float,
    centre: float,
    low: float | None = None,
    high: float | None = None,
) -> tuple[ColourLimits, str]:
    """Choose the values that the colours span.

    Parameters
    ----------
    image
        Pixels; NaN are left out.
    method, percentile, centre
        As of `~lsst.analysis.cp.core.imageViews.stretchLimits`.
    low, high
        Ends that are given.

    Returns
    -------
    limits
        The ends, and how many pixels are beyond.
    note
        How they were chosen, in words.

    Raises
    ------
    ValueError
        Raised if the ends that are given leave no range.
    """
    note = {
        "zscale": "zscale",
        "percentile": f"{percentile:g}% of the pixels",
        "symmetric": f"{percentile:g}% of the pixels, symmetric about {formatNumber(centre)}",
    }[method]
    if low is None or high is None:
        chosen = stretchLimits(image, method, percentile=percentile, centre=centre)
        low, high = chosen[0] if low is None else low, chosen[1] if high is None else high
    else:
        note = "given"
    if not low < high:
        raise ValueError(
            f"The lower end of the colours must be less than the upper; got {low!r} and {high!r}."
        )
    return _countBeyond(image, low, high), note


def significanceScale(image: FloatImage, threshold: float, high: float | None, label: str) -> ImageScale:
    """Make the scale of a map of significances, the same for all maps of one threshold.

    Parameters
    ----------
    image
        Pixels.
    threshold
        Where the colours change.
    high
        Upper end; a multiple of the threshold if None.
    label
        What is shown.

    Returns
    -------
    scale
        The scale from 0.

    Raises
    ------
    ValueError
        Raised if the threshold is not between 0 and the upper end.
    """
    end = _SIGNIFICANCE_REACH * threshold if high is None else high
    if not 0 < threshold < end:
        raise ValueError(f"Expected a threshold between 0 and {end!r}; got {threshold!r}.")
    limits = _countBeyond(image, 0.0, end)
    return ImageScale(
        colourMap="significance",
        limits=limits,
        threshold=threshold,
        label=label,
        unit="σ",
        note=f"bright above {formatNumber(threshold)} σ",
    )


def _countBeyond(image: FloatImage, low: float, high: float) -> ColourLimits:
    below, above = np.count_nonzero(image < low), np.count_nonzero(image > high)
    return ColourLimits(low, high, int(below), int(above))


def scaleAmplifiers(image: FloatImage, frame: ImageFrame) -> FloatImage:
    """Bring all amplifiers of an image to one level and one scale.

    Parameters
    ----------
    image
        Pixels; shape (ny, nx).
    frame
        Where image and amplifiers lie.

    Returns
    -------
    scaled
        As `~lsst.analysis.cp.core.imageViews.perAmplifier` does it, for amplifiers at any angle.
    """
    regions = list(ampRegions(frame, frame.shownAmps))
    scaled = perAmplifier(image, [region.box for region in regions if region.inside is None])
    for region in regions:
        if region.inside is not None:
            whole = (slice(None), slice(None))
            part = perAmplifier(image[region.box], [whole], excluded=~region.inside)
            scaled[region.box][region.inside] = part[region.inside]
    return scaled
