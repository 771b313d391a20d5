# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Figures of windows of images."""

from __future__ import annotations

import textwrap

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from lsst.analysis.cp import __version__
from lsst.analysis.cp.actions.plot.image.scale import MASKED
from lsst.analysis.cp.actions.plot.style import overColour
from lsst.analysis.cp.actions.plot.text import withUnit
from lsst.analysis.cp.core.images import StretchMethod, stretchLimits
from lsst.analysis.cp.core.pyramid import View
from lsst.utils.plotting import make_figure

__all__ = ["drawWindow", "makeWindowFigure"]

_STRETCHES: dict[str, StretchMethod] = {"image": "zscale", "significance": "percentile", "mask": "percentile"}
_COLOURS = "viridis"
_LINE_LENGTH = 120


def makeWindowFigure(window: View, title: str, source: str) -> Figure:
    """Draw a window with a title, where it is from, and a scale."""
    figure = make_figure(figsize=(7.0, 6.0), dpi=100, layout="constrained")
    ax = figure.add_subplot()
    is_mask = window.plane == "mask"
    label = f"planes that are set, of {', '.join(window.maskPlanes)}" if is_mask else window.plane
    figure.colorbar(
        drawWindow(ax, window),
        extend="neither" if is_mask else "both",
        label=textwrap.fill(withUnit(label, window.unit), 70),
    )
    ax.set_title(title, fontsize=11)
    lines = [*textwrap.wrap(source, _LINE_LENGTH), f"analysis_cp {__version__}"]
    figure.supxlabel("\n".join(lines), fontsize=6, color="0.35")
    return figure


def drawWindow(ax: Axes, window: View) -> AxesImage:
    """Draw the pixels of a window in mm of the focal plane; those without a value are grey.

    A mask is the set of its bits, which have no order: they are counted.
    """
    pixels = np.bitwise_count(window.image) if window.plane == "mask" else window.image
    values = pixels.astype(np.float64)
    low, high = stretchLimits(values, _STRETCHES[window.plane])
    colours = matplotlib.colormaps[_COLOURS].with_extremes(over=overColour(_COLOURS), bad=MASKED)
    grid = window.grid
    n_rows, n_columns = grid.shape
    left, bottom = (start - grid.pixelSize / 2 for start in (grid.x0, grid.y0))
    ax.set(xlabel="x on the focal plane (mm)", ylabel="y on the focal plane (mm)", facecolor=MASKED)
    return ax.imshow(
        values,
        norm=Normalize(low, high),
        cmap=colours,
        origin="lower",
        interpolation="nearest",
        extent=(left, left + n_columns * grid.pixelSize, bottom, bottom + n_rows * grid.pixelSize),
    )
