# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Colours of counts, of which zero has one of its own."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap

from lsst.analysis.cp.core.limits import CountScale

from .style import UNDER, overColour

__all__ = ["ZERO", "countColours"]

ZERO = "#f0f0f0"
"""Colour of the count zero."""


def countColours(counts: CountScale, colourMap: str) -> tuple[Colormap, BoundaryNorm]:
    """Return colours of the classes of counts, from those of a map of matplotlib, and what chooses them."""
    n_classes = len(counts.labels)
    above_zero = matplotlib.colormaps[colourMap].reversed()(np.linspace(0.1, 1.0, n_classes - 1))
    listed = ListedColormap([ZERO, *above_zero], name=f"{colourMap}_counts")
    colours = listed.with_extremes(under=UNDER, over=overColour(colourMap))
    return colours, BoundaryNorm(counts.boundaries, n_classes)
