# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Scales of images: which values the colours span."""

from __future__ import annotations

__all__ = ["Stretch", "scaleAmplifiers", "significanceScale", "valueScale"]

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.analysis.cp.core.images import StretchMethod, perAmplifier, stretchLimits
from lsst.analysis.cp.core.limits import ColourLimits
from lsst.analysis.cp.core.typing import Float32Array

from .frame import ImageFrame
from .regions import ampRegions
from .view import ImageScale

_SIGNIFICANCE_REACH = 6.0
"""End of the scale of a significance, in thresholds."""


@dataclass(frozen=True)
class Stretch:
    """How the values that the colours span are chosen.

    Parameters
    ----------
    method, percentile, centre
        As of `~lsst.analysis.cp.core.images.stretchLimits`.
    low, high
        Ends that are given; None for those to choose.
    """

    method: StretchMethod
    percentile: float = 99.5
    centre: float = 0.0
    low: float | None = None
    high: float | None = None

    @property
    def note(self) -> str:
        """The choice in words."""
        if self.low is not None and self.high is not None:
            return "one range for all images, or ends given"
        share = f"{self.percentile:g}% of the pixels"
        return {
            "zscale": "zscale",
            "percentile": share,
            "symmetric": f"{share} or 5 σ MAD, symmetric about {formatNumber(self.centre)}",
        }[self.method]

    def measure(self, image: Float32Array) -> tuple[float, float]:
        """Choose the values.

        Parameters
        ----------
        image
            Pixels; NaN are left out.

        Returns
        -------
        low, high
            Ends of the range.

        Raises
        ------
        ValueError
            Raised if the ends that are given leave no range.
        """
        low, high = self.low, self.high
        if low is None or high is None:
            chosen = stretchLimits(image, self.method, percentile=self.percentile, centre=self.centre)
            low, high = chosen[0] if low is None else low, chosen[1] if high is None else high
        if not low < high:
            raise ValueError(f"The colours must begin below where they end; got {low!r} and {high!r}.")
        return low, high


def valueScale(
    image: Float32Array,
    *,
    stretch: Stretch,
    softening: float | None,
    colourMap: str,
    threshold: float | None,
    label: str,
    unit: str,
) -> ImageScale:
    """Make the scale of a map of values.

    Parameters
    ----------
    image
        Pixels; NaN are left out.
    stretch
        How the ends are chosen.
    softening
        Where an inverse hyperbolic sine turns from linear to logarithmic, as a fraction of the range, or of
        half of it if the stretch is symmetric; None for a linear scale.
    colourMap
        Name of the colour map.
    threshold
        Value to mark; None for none.
    label, unit
        What is shown, and its unit.

    Returns
    -------
    scale
        The scale.

    Raises
    ------
    ValueError
        Raised if the ends that are given leave no range.
    """
    low, high = stretch.measure(image)
    symmetric = stretch.method == "symmetric"
    reach = 0.5 * (high - low) if symmetric else high - low
    return ImageScale(
        colourMap=colourMap,
        limits=_countBeyond(image, low, high),
        softening=None if softening is None else softening * reach,
        bend=0.5 * (low + high) if symmetric else low,
        threshold=threshold,
        label=label,
        unit=unit,
        note=stretch.note,
    )


def significanceScale(
    image: Float32Array, threshold: float | None, high: float | None, label: str
) -> ImageScale:
    """Make the scale of a map of significances, the same for all maps of one threshold.

    Parameters
    ----------
    image
        Pixels.
    threshold
        Where the colours change; may be None if there is no pixel with a value.
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
    if threshold is None:
        threshold = 1.0 if high is None else 0.5 * high
    end = _SIGNIFICANCE_REACH * threshold if high is None else high
    if not 0 < threshold < end:
        raise ValueError(f"Expected a threshold between 0 and {end!r}; got {threshold!r}.")
    limits = _countBeyond(image, 0.0, end)
    return ImageScale(
        colourMap="significance",
        limits=limits,
        threshold=threshold,
        nDetected=int(np.count_nonzero(image > threshold)),
        label=label,
        unit="σ",
        note=f"bright above {formatNumber(threshold)} σ",
    )


def _countBeyond(image: Float32Array, low: float, high: float) -> ColourLimits:
    below, above = np.count_nonzero(image < low), np.count_nonzero(image > high)
    return ColourLimits(low, high, int(below), int(above))


def scaleAmplifiers(image: Float32Array, frame: ImageFrame) -> Float32Array:
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
