# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Units with and without gains applied."""

from __future__ import annotations

from collections.abc import Mapping

import astropy.units as u

__all__ = ["inAdu", "measuredUnit"]


def inAdu(unit: str) -> str:
    """Make the unit of what is measured before gains are applied, of one in electrons."""
    return unit if "adu" in unit else unit.replace("electron", "adu")


def measuredUnit(given: Mapping[str, int], declared: str) -> str:
    """Tell whether values were measured with or without gains applied.

    Parameters
    ----------
    given
        How many values have a unit, by the unit as astropy spells it; empty for none.
    declared
        The unit if gains are applied.

    Returns
    -------
    unit
        The declared unit, or its like in ADU if more values can be converted to that.
    """

    def count(wanted: str) -> int:
        target = u.Unit(wanted)
        units = ((u.Unit(unit, parse_strict="silent"), n) for unit, n in given.items())
        return sum(n for unit, n in units if unit.is_equivalent(target))

    return max((declared, inAdu(declared)), key=count)
