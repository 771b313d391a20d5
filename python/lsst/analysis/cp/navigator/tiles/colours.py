# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Colours that images are shown in."""

from __future__ import annotations

import base64
from functools import cache

import matplotlib
import numpy as np

from lsst.analysis.cp.actions.plot.style import COLOUR_MAPS

__all__ = ["colourTables"]

_NAMES = ("gray", *COLOUR_MAPS)
_N_COLOURS = 256


@cache
def colourTables() -> dict[str, str]:
    """Make tables of the colour maps that are even to the eye.

    Returns
    -------
    tables
        By name 256 colours from the lowest to the highest value: red, green and blue, a byte each, in base64.
    """
    steps = np.linspace(0.0, 1.0, _N_COLOURS)
    return {
        name: base64.b64encode(
            (matplotlib.colormaps[name](steps)[:, :3] * 255).round().astype(np.uint8).tobytes()
        ).decode("ascii")
        for name in _NAMES
    }
