# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page on which a trend is laid out."""

from __future__ import annotations

__all__ = ["makeTrendFigure", "trendKey"]

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.utils.plotting import make_figure

from .drawing import TrendArtists, TrendStyle, drawCounts, drawTrend
from .text import pluralOf
from .view import TrendView

_SIZE = (13.0, 7.2)
_DPI = 150
_LEFT, _WIDTH = 0.85, 8.35
_BOTTOM, _TOP, _COUNTS, _GAP = 0.62, 6.25, 0.85, 0.12
_PANEL_LEFT = 9.5


def makeTrendFigure(view: TrendView, style: TrendStyle) -> Figure:
    """Lay out the trend, the counts of what fails and changes, key, numbers and provenance.

    Parameters
    ----------
    view
        What to show.
    style
        How it looks.

    Returns
    -------
    figure
        The figure, with an Agg canvas.
    """
    page = Page(make_figure(figsize=_SIZE, dpi=_DPI), _PANEL_LEFT)
    has_counts = bool(view.nFailing.any() or view.nChanging.any())
    bottom = _BOTTOM + (_COUNTS + _GAP if has_counts else 0.0)
    ax = page.addAxes(_LEFT, bottom, _WIDTH, _TOP - bottom)
    artists = drawTrend(ax, view, style)
    if has_counts:
        drawCounts(page.addAxes(_LEFT, _BOTTOM, _WIDTH, _COUNTS, sharex=ax), view, style)
        ax.tick_params(labelbottom=False)
        ax.set_xlabel("")
        ax.xaxis.get_offset_text().set_visible(False)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.isAlarming)
    y = page.writeKey(_TOP, trendKey(view, artists, style))
    for lines in view.lists:
        y = page.writeLines(y, lines, _BOTTOM)
    return page.figure


def trendKey(view: TrendView, artists: TrendArtists, style: TrendStyle) -> tuple[Artist, ...]:
    """Explain what occurs in a trend.

    Parameters
    ----------
    view
        What is shown.
    artists
        What was drawn.
    style
        How it looks.

    Returns
    -------
    handles
        Artists with labels.
    """
    return (*_bandKey(view, style), *_lineKey(view, style), *_markKey(view, artists, style))


def _bandKey(view: TrendView, style: TrendStyle) -> list[Artist]:
    """Explain the distributions."""
    handles: list[Artist] = []
    for place, band in enumerate(view.bands):
        colour, line = style.bandLooks(place)
        label = " ".join(filter(None, (band.label, pluralOf(view.noun))))
        looks: dict[str, Any] = {"color": colour, "linestyle": line}
        handles.append(Line2D([], [], label=f"median of {band.nSeries} {label}", **looks))
        handles.append(Patch(facecolor=colour, alpha=0.35, label="half of them, and 90 %"))
    return handles


def _lineKey(view: TrendView, style: TrendStyle) -> list[Artist]:
    """Name the series, and say where the limit is."""
    handles: list[Artist] = []
    for place, name in enumerate(view.series.names[view.named].tolist()):
        colour, marker = style.lineLooks(place)
        handles.append(Line2D([], [], color=colour, marker=marker, label=name))
    if view.thresholdLabel:
        label = view.thresholdLabel if view.showsThreshold else f"{view.thresholdLabel} (beyond the axis)"
        handles.append(Line2D([], [], color=style.failing, linestyle="-.", label=label))
    return handles


def _markKey(view: TrendView, artists: TrendArtists, style: TrendStyle) -> list[Artist]:
    """Explain the marks that occur."""
    handles: list[Artist] = []
    marks: dict[str, Any] = {"linestyle": "none", "color": "0.3"}
    if artists.failing is not None:
        ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": style.failing}
        handles.append(Line2D([], [], marker="o", linestyle="none", label="failed", **ring))
    if artists.changes is not None:
        handles.append(
            Line2D([], [], marker="|", markersize=11, markeredgewidth=2.6, label="change point", **marks)
        )
    if artists.levels:
        line = artists.levels[0].get_linestyle()
        handles.append(Line2D([], [], color="0.3", linestyle=line, linewidth=1.8, label="level and drift"))
    for scatter, marker, word, end in (
        (artists.above, "^", "above", view.yLimits[1]),
        (artists.below, "v", "below", view.yLimits[0]),
    ):
        if scatter is not None:
            label = f"{word} {formatNumber(float(f'{end:.3g}'))}: {len(np.asarray(scatter.get_offsets()))}"
            handles.append(Line2D([], [], marker=marker, label=label, **marks))
    if artists.gaps:
        handles.append(Patch(facecolor=style.gap, label="no data"))
    return handles
