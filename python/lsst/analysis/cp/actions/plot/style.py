# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Looks that figures of all kinds have, and what their configurations allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

__all__ = [
    "COLOUR_MAPS",
    "DIVERGING",
    "EMPHASIS",
    "FAILING",
    "KIND_LOOKS",
    "LINE_LOOKS",
    "NOT_REQUESTED",
    "NOT_YET",
    "NO_DATA",
    "NO_VALUE",
    "OPERATORS",
    "OTHER_LOOKS",
    "OUTLINE",
    "UNDER",
    "UNDER_COLOURS",
    "HatchLook",
    "KindLook",
    "checkEnds",
    "overColour",
    "overColours",
]

type HatchLook = tuple[str, str, str]
"""Face, hatch and edge."""

type KindLook = tuple[str, Literal["-", "--", "-.", ":"], str]
"""Colour, dashes of lines, and marker."""

FAILING = "#d6006c"
"""Colour of the frames of what fails, and of thresholds. It is in none of the colour maps."""

EMPHASIS = "#7a003d"
"""Colour of bad news in words: that of what fails, dark enough to be read."""

UNDER = "#3d3d3d"
"""Colour of values below the range."""

UNDER_COLOURS = ("#7d7d7d", "#000000")
"""Colours from the values just below the range to the least of them, where these are told apart."""

LINE_LOOKS = (
    ("#000000", "o"),
    ("#009e73", "s"),
    ("#cc79a7", "^"),
    ("#56b4e9", "D"),
    ("#7f3c8d", "v"),
    ("#e69f00", "P"),
    ("#8c510a", "X"),
    ("#117733", "*"),
)
"""Colours and markers of series that are drawn as lines."""

_ITL = "#d55e00"

KIND_LOOKS: Mapping[str, KindLook] = {
    "E2V": ("#0072b2", "-", "o"),
    "ITL": (_ITL, "--", "s"),
    "ITL_G": (_ITL, "-.", "^"),
    "ITL_WF": (_ITL, ":", "D"),
}
"""Looks of kinds of sensors, a colour a vendor on every camera; those of one differ in dashes and marker."""

OTHER_LOOKS: tuple[KindLook, ...] = (
    ("#009e73", "-", "v"),
    ("#cc79a7", "--", "P"),
    ("#000000", "-.", "X"),
    ("#7f3c8d", ":", "*"),
)
"""Looks of kinds of other vendors, in the order of their names."""

OUTLINE = "#444444"
"""Colour of the outlines of detectors."""

NOT_REQUESTED = "#b0b0b0"
"""Colour of the outlines of detectors that nobody asked for."""

NO_DATA: HatchLook = ("#ffffff", "///", "#b8b8b8")
"""Patches or detectors of which there are no data at all."""

NOT_YET: HatchLook = ("#d9e2ec", "...", "#8296aa")
"""Patches of detectors whose data are still to come."""

NO_VALUE: HatchLook = ("#ffffff", "xxxxxx", "#777777")
"""Patches or amplifiers that have data, but no value."""

COLOUR_MAPS = {
    "viridis": "Sequential.",
    "cividis": "Sequential, the same for all colour vision.",
    "PuOr": "Diverging, orange below the centre and purple above.",
    "RdBu_r": "Diverging, blue below the centre and red above.",
}
"""Maps of colours that plots may have, by what they are for."""
DIVERGING = ("PuOr", "RdBu_r")
"""Those of the colour maps that diverge from a centre."""

OPERATORS = {"<": "less", "<=": "not greater", ">": "greater", ">=": "not less"}
"""How a good value compares with a threshold."""


def overColour(colourMap: str) -> str:
    """Return the colour of values above the range, which a colour map must not contain."""
    return "#f08a3c" if colourMap in ("viridis", "cividis") else "#1b9e77"


def overColours(colourMap: str) -> tuple[str, ...]:
    """Return the colours from the values just above the range to the greatest, where these are told apart."""
    if colourMap in ("viridis", "cividis"):
        return ("#ffb07a", "#e8590c", "#6b1d00")
    return ("#74d6b2", "#1b9e77", "#00402d")


def checkEnds(config: Any, low: str, high: str) -> None:
    """Raise ValueError if two fields of a configuration, either of which may be None, leave no range."""
    first, last = getattr(config, low), getattr(config, high)
    if first is not None and last is not None and not first < last:
        raise ValueError(f"{low} {first!r} must be less than {high} {last!r}.")
