# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Colours of images, from their scales."""

from __future__ import annotations

__all__ = ["SIGNIFICANT", "ImageStyle", "imageColours"]

from dataclasses import dataclass, replace

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.colors import Colormap, FuncNorm, LinearSegmentedColormap, Normalize, TwoSlopeNorm

from .view import ImageScale

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


@dataclass(frozen=True)
class ImageStyle:
    """Looks of a figure of an image.

    Parameters
    ----------
    ink, halo
        Colours of names on the image, and around them.
    ampOutline
        Colour of the outlines of amplifiers.
    under, over
        Colours of values beyond the scale.
    gap
        Colour of what is no detector.
    masked
        Colour of pixels of a detector without a value.
    missing
        Face, hatch and edge of detectors without an image.
    maskedAmp
        Face, hatch and edge of amplifiers without a single value.
    failing
        Colour of the frames of failing amplifiers.
    mark, markHalo
        Colours of the marks of structures, and around them.
    outline
        Colour of the outlines of detectors.
    """

    ink: str = "#222222"
    halo: str = "#ffffff"
    ampOutline: str = "#222222"
    under: str = "#3d3d3d"
    over: str = "#1b9e77"
    gap: str = "#ececec"
    masked: str = "#a8a8a8"
    missing: tuple[str, str, str] = ("#ffffff", "///", "#b8b8b8")
    maskedAmp: tuple[str, str, str] = ("#ffffff", "xxxxxx", "#777777")
    failing: str = "#d6006c"
    mark: str = "#000000"
    markHalo: str = "#ffffff"
    outline: str = "#444444"

    @classmethod
    def forColourMap(cls, colourMap: str) -> ImageStyle:
        """Choose colours that are legible on a colour map.

        Parameters
        ----------
        colourMap
            Name of a colour map.

        Returns
        -------
        style
            The style.
        """
        on_dark = replace(cls(), ink="#ffffff", mark="#ffffff", markHalo="#111111")
        if colourMap == "significance":
            return replace(on_dark, ink="#c9d6e6", halo="#05070d", ampOutline="#7f9fc4", over="#ffffff")
        if colourMap in ("viridis", "cividis"):
            return replace(on_dark, halo="#222222", ampOutline="#ffffff", over="#f08a3c")
        return cls()


def imageColours(scale: ImageScale, style: ImageStyle) -> tuple[Normalize, Colormap]:
    """Return what turns the values of an image into colours.

    Parameters
    ----------
    scale
        The scale.
    style
        Colours of values beyond its ends.

    Returns
    -------
    norm, colourMap
        Norm and colour map; pixels without a value are transparent.
    """
    low, high = scale.limits.low, scale.limits.high
    norm: Normalize
    if scale.colourMap == "significance" and scale.threshold is not None:
        colour_map: Colormap = LinearSegmentedColormap.from_list("significance", _SIGNIFICANCE)
        norm = TwoSlopeNorm(scale.threshold, low, high)
    else:
        colour_map = matplotlib.colormaps[scale.colourMap]
        norm = Normalize(low, high)
        if scale.softening is not None:
            norm = _asinhNorm(scale, scale.softening)
    return norm, colour_map.with_extremes(bad="#ffffff00", under=style.under, over=style.over)


def _asinhNorm(scale: ImageScale, softening: float) -> Normalize:
    """Return an inverse hyperbolic sine about the bend of the scale, which a colour bar can invert."""
    low, high = scale.limits.low, scale.limits.high
    middle = scale.bend

    def forward(value: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        # In single precision, processors differ in the last digits: a value at an end of the scale could come
        # out beyond it, and be drawn in the colour of those that are.
        return np.arcsinh((np.asanyarray(value, dtype=np.float64) - middle) / softening)

    def inverse(level: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        return middle + softening * np.sinh(level)

    return FuncNorm((forward, inverse), low, high)
