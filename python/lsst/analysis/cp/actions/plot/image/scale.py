# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Scales of images: which values the colours span, and which colours these are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, FuncNorm, LinearSegmentedColormap, Normalize, TwoSlopeNorm

from lsst.analysis.cp.actions.plot.style import UNDER, overColour
from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.analysis.cp.core.images import StretchMethod, perAmplifier, stretchLimits
from lsst.analysis.cp.core.limits import ColourLimits
from lsst.analysis.cp.core.typing import Float32Array, FloatArray

from .frame import ImageFrame
from .gaps import ampRegions

__all__ = [
    "GAP",
    "MASKED",
    "SIGNIFICANT",
    "ImageScale",
    "ImageStyle",
    "Stretch",
    "imageColours",
    "scaleAmplifiers",
    "significanceScale",
    "valueScale",
]

_SIGNIFICANCE_REACH = 6.0
"""End of the scale of a significance, in thresholds."""

GAP = "#ececec"
"""Colour of the focal plane between detectors."""

MASKED = "#a8a8a8"
"""Colour of pixels of a detector without a value."""

SIGNIFICANT = "#ff9a1f"
"""Colour of a significance just above the threshold."""

_SIGNIFICANCE = (
    (0.0, "#05070d"),
    (0.25, "#16243a"),
    (0.5, "#3d5f86"),
    (0.5, SIGNIFICANT),
    (0.75, "#ffd24a"),
    (1.0, "#fff8c8"),
)
"""Dark blue below the threshold, orange to yellow above: lightness grows all the way, and leaps there."""


@dataclass(frozen=True, kw_only=True)
class ImageScale:
    """How the values of an image become colours.

    Parameters
    ----------
    colourMap
        Name of the colour map; ``significance`` for the one that changes at the threshold.
    limits
        Ends of the scale, and how many pixels are beyond.
    softening
        Distance from ``bend`` up to which an inverse hyperbolic sine is about linear; None for a linear
        scale.
    bend
        Value at the middle of the linear part.
    threshold
        Value to mark; None for none.
    nDetected
        Number of pixels above the threshold of a map of significances.
    label
        What is shown, with its unit.
    unit
        That unit.
    note
        How the ends were chosen, in words.
    """

    colourMap: str
    limits: ColourLimits
    softening: float | None = None
    bend: float = 0.0
    threshold: float | None = None
    nDetected: int = 0
    label: str = ""
    unit: str = ""
    note: str = ""

    @property
    def markedThreshold(self) -> float | None:
        """The threshold, if it is on the scale."""
        inside = self.threshold is not None and self.limits.low < self.threshold < self.limits.high
        return self.threshold if inside else None

    @property
    def ticks(self) -> dict[float, str] | None:
        """Labels of values at even distances on a scale that is not linear; None for a linear one."""
        low, high = self.limits.low, self.limits.high
        if self.colourMap == "significance" and self.threshold is not None:
            values = np.array([low, 0.5 * (low + self.threshold), *np.linspace(self.threshold, high, 6)])
        elif self.softening is not None:
            first, last = self.curve(np.array([low, high]))
            values = self.uncurve(np.linspace(first, last, 9))
        else:
            return None
        return {value: formatNumber(value, 2) for value in values.tolist()}

    def curve(self, value: FloatArray) -> FloatArray:
        """Take the inverse hyperbolic sine of the distances of values from ``bend``, in ``softening``.

        It is linear for small values, and logarithmic for large ones of either sign.
        """
        # In single precision, processors differ in the last digits: a value at an end of the scale could come
        # out beyond it, and be drawn in the colour of those that are.
        distance = np.asanyarray(value, dtype=np.float64) - self.bend
        level: FloatArray = np.arcsinh(distance / (self.softening or 1.0))
        return level

    def uncurve(self, level: FloatArray) -> FloatArray:
        """Undo `curve`, for the colour bar."""
        value: FloatArray = self.bend + (self.softening or 1.0) * np.sinh(level)
        return value


@dataclass(frozen=True)
class ImageStyle:
    """Colours that depend on the colour map.

    Parameters
    ----------
    ink, halo
        Names on the image, and around them.
    ampOutline
        Outlines of amplifiers.
    mark, markHalo
        Marks of structures, and around them.
    over
        Values above the range.
    """

    ink: str = "#222222"
    halo: str = "#ffffff"
    ampOutline: str = "#222222"
    mark: str = "#000000"
    markHalo: str = "#ffffff"
    over: str = overColour("PuOr")

    @classmethod
    def forColourMap(cls, colourMap: str) -> ImageStyle:
        """Choose colours that are legible on a colour map, or on that of a ``significance``."""
        style = cls(over=overColour(colourMap))
        on_dark = replace(style, ink="#ffffff", mark="#ffffff", markHalo="#111111")
        if colourMap == "significance":
            on_blue = replace(on_dark, ink="#c9d6e6", halo="#05070d", ampOutline="#7f9fc4", over="#ffffff")
            return replace(on_blue, mark="#4ce0ff")
        if colourMap in ("viridis", "cividis"):
            return replace(on_dark, halo="#222222", ampOutline="#ffffff")
        return style


def imageColours(scale: ImageScale, style: ImageStyle) -> tuple[Normalize, Colormap]:
    """Return norm and colour map, which turn values into colours; pixels without a value are transparent."""
    low, high = scale.limits.low, scale.limits.high
    norm: Normalize
    if scale.colourMap == "significance" and scale.threshold is not None:
        colour_map: Colormap = LinearSegmentedColormap.from_list("significance", _SIGNIFICANCE)
        norm = TwoSlopeNorm(scale.threshold, low, high)
    else:
        colour_map = matplotlib.colormaps[scale.colourMap]
        linear = scale.softening is None
        norm = Normalize(low, high) if linear else FuncNorm((scale.curve, scale.uncurve), low, high)
    return norm, colour_map.with_extremes(bad="#ffffff00", under=UNDER, over=style.over)


@dataclass(frozen=True)
class Stretch:
    """How the values that the colours span are chosen.

    Parameters
    ----------
    method, percentile, centre
        As of `~lsst.analysis.cp.core.images.stretchLimits`.
    low, high
        Ends that are given; None for those to choose.
    source
        Where ends that are both given come from, in words.
    """

    method: StretchMethod
    percentile: float = 99.5
    centre: float = 0.0
    low: float | None = None
    high: float | None = None
    source: str = "given ends"

    @property
    def note(self) -> str:
        """The choice in words."""
        if self.low is not None and self.high is not None:
            return self.source
        share = f"{self.percentile:g}% of the pixels"
        return {
            "zscale": "zscale",
            "percentile": share,
            "symmetric": f"{share} or 5 σ MAD, symmetric about {formatNumber(self.centre)}",
        }[self.method]

    def measure(self, image: Float32Array) -> tuple[float, float]:
        """Choose the ends for an image, of which NaN are left out.

        ValueError is raised if the ends that are given leave no range.
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
    """Make the scale of a map of values, of which NaN are left out.

    The softening is where an inverse hyperbolic sine turns from linear to logarithmic, as a fraction of the
    range, or of half of it if the stretch is symmetric; None for a linear scale. The threshold is marked.
    ValueError is raised if the ends that are given leave no range.
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
    """Make the scale of a map of significances from 0, the same for all maps of one threshold.

    The colours change at the threshold, which may be None if there is no pixel with a value. The upper end is
    a multiple of it if None. ValueError is raised if the threshold is not between 0 and that end.
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
    """Bring all amplifiers of an image, shape (ny, nx), to one level and one scale.

    It is done as `~lsst.analysis.cp.core.images.perAmplifier` does it, for amplifiers at any angle.
    """
    regions = list(ampRegions(frame, frame.shownAmps))
    scaled = perAmplifier(image, [region.box for region in regions if region.inside is None])
    # The box of a tilted amplifier has pixels of its neighbours, which must not count.
    for region in regions:
        if region.inside is not None:
            whole = (slice(None), slice(None))
            part = perAmplifier(image[region.box], [whole], excluded=~region.inside)
            scaled[region.box][region.inside] = part[region.inside]
    return scaled
