# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Looks that figures of all kinds have."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EMPHASIS", "FAILING", "HatchLook", "MapStyle"]

type HatchLook = tuple[str, str, str]
"""Face, hatch and edge."""

FAILING = "#d6006c"
"""Colour of what fails, and of thresholds. It is in none of the colour maps."""

EMPHASIS = "#7a003d"
"""Colour of bad news in words: that of what fails, dark enough to be read."""


@dataclass(frozen=True)
class MapStyle:
    """Looks of what maps of values and images have in common.

    Parameters
    ----------
    under, over
        Colours of values outside the range.
    noData
        Patches or detectors of which there are no data at all.
    noValue
        Patches or amplifiers that have data, but no value.
    failing
        Colour of the frames of what fails, and of the threshold.
    outline
        Colour of the outlines of detectors.
    """

    under: str = "#3d3d3d"
    over: str = "#1b9e77"
    noData: HatchLook = ("#ffffff", "///", "#b8b8b8")
    noValue: HatchLook = ("#ffffff", "xxxxxx", "#777777")
    failing: str = FAILING
    outline: str = "#444444"

    @staticmethod
    def overColour(colourMap: str) -> str:
        """Return the colour of values above the range, which a colour map must not contain."""
        return "#f08a3c" if colourMap in ("viridis", "cividis") else "#1b9e77"
