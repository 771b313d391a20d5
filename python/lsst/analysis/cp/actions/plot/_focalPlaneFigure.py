# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page on which a map of the focal plane is laid out."""

from __future__ import annotations

__all__ = ["makeFocalPlaneFigure"]

from typing import Any

from matplotlib.figure import Figure

from lsst.utils.plotting import make_figure

from ._focalPlaneDrawing import (
    FocalPlaneArtists,
    FocalPlaneStyle,
    drawColourBar,
    drawFocalPlane,
    drawHistogram,
)
from ._focalPlaneText import shorten
from ._focalPlaneView import FocalPlaneView

_SIZE = (11.0, 8.0)
_DPI = 200
_MAP = (0.062, 0.07, 0.592, 0.814)
_BAR = (0.669, 0.07, 0.018, 0.814)
_PANEL_LEFT = 0.778
_PANEL_TOP = 0.884
_PANEL_BOTTOM = (0.07, 0.30)
_HISTOGRAM = (0.815, 0.07, 0.175, 0.18)
_LINE = 0.0178
_EMPHASIS = "#7a003d"


def makeFocalPlaneFigure(
    view: FocalPlaneView,
    style: FocalPlaneStyle,
    *,
    showStatistics: bool = True,
    histogramBins: int = 0,
    logHistogram: bool = False,
) -> Figure:
    """Lay out map, colour bar, key, numbers and provenance.

    Parameters
    ----------
    view
        What to show.
    style
        How it looks.
    showStatistics
        Whether to print the statistics of the values.
    histogramBins
        Number of bins of the histogram; 0 for none.
    logHistogram
        Whether the histogram counts on a logarithmic axis.

    Returns
    -------
    figure
        The figure, with an Agg canvas.
    """
    figure = make_figure(figsize=_SIZE, dpi=_DPI)
    artists = drawFocalPlane(figure.add_axes(_MAP), view, style)
    if artists.values is not None:
        drawColourBar(figure.add_axes(_BAR), view, artists, style)
    _writeHeader(figure, view)
    y = _writeLines(figure, _PANEL_TOP, ("Values", *view.statistics)) if showStatistics else _PANEL_TOP
    y = _writeKey(figure, y, artists)
    y = _writeLines(figure, y, view.listing, _PANEL_BOTTOM[bool(histogramBins)])
    _writeLines(figure, y, view.missing, _PANEL_BOTTOM[bool(histogramBins)])
    if histogramBins and artists.values is not None:
        drawHistogram(figure.add_axes(_HISTOGRAM), view, style, histogramBins, log=logHistogram)
    return figure


def _writeHeader(figure: Figure, view: FocalPlaneView) -> None:
    colour = _EMPHASIS if view.patches.failing.any() else "0.2"
    # Names of collections may hold a dollar sign.
    looks: dict[str, Any] = {"va": "top", "parse_math": False}
    figure.text(0.012, 0.986, shorten(view.title, 90), fontsize=13, fontweight="bold", **looks)
    figure.text(0.012, 0.957, view.headline, fontsize=10, fontweight="bold", color=colour, **looks)
    figure.text(0.012, 0.933, "\n".join(view.provenance), fontsize=7.5, color="0.25", **looks)


def _writeLines(figure: Figure, y: float, lines: tuple[str, ...], bottom: float = 0.0) -> float:
    """Write a title and as many lines as there is room for; return where the next text may begin."""
    room = int((y - bottom) / _LINE)
    if not lines or room < 2:
        return y
    if len(lines) > room:
        lines = (*lines[: room - 1], "…")
    figure.text(_PANEL_LEFT, y, lines[0], fontsize=9, fontweight="bold", va="top")
    figure.text(_PANEL_LEFT, y - 1.2 * _LINE, "\n".join(lines[1:]), fontsize=7.5, family="monospace",
                va="top", linespacing=1.35)  # fmt: skip
    return y - _LINE * (len(lines) + 1.0)


def _writeKey(figure: Figure, y: float, artists: FocalPlaneArtists) -> float:
    if not artists.key:
        return y
    figure.legend(
        handles=list(artists.key),
        loc="upper left",
        bbox_to_anchor=(_PANEL_LEFT - 0.008, y + 0.008),
        fontsize=8,
        frameon=False,
        handlelength=1.8,
        handleheight=1.2,
        labelspacing=0.35,
    )
    return y - 1.15 * _LINE * (len(artists.key) + 0.9)
