# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""How images and vectors of a product are shown."""

from dataclasses import dataclass

__all__ = ["CurveKind", "ImageKind"]


@dataclass(frozen=True, kw_only=True)
class ImageKind:
    """How images of a product are shown.

    Parameters
    ----------
    label
        What the pixels show.
    unit
        Unit of the pixels, as astropy spells it; empty for none.
    aboutZero
        Whether the pixels are 0 where there is no fault, so that colours diverge from there.
    """

    label: str
    unit: str
    aboutZero: bool


@dataclass(frozen=True, kw_only=True)
class CurveKind:
    """How a column of vectors of a product, one an amplifier, is shown.

    Parameters
    ----------
    label
        What the values are.
    along
        What the places along a vector are.
    unit
        Unit of the values, as astropy spells it; empty if dimensionless.
    """

    label: str
    along: str
    unit: str
