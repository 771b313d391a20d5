# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of panels of series, and their place on the page."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.style import LINE_LOOKS, NO_DATA
from lsst.analysis.cp.core.typing import BoolArray
from lsst.utils.plotting import make_figure

from .view import SeriesPanel, SeriesView

__all__ = ["PanelArtists", "drawPanel", "looksOf", "makeSeriesFigure"]

# Places on the page, in inches.
_DPI = 150
_LEFT, _BOTTOM, _GAPS = 0.95, 0.62, (0.1, 0.24)
_WIDTH, _HEIGHT = 8.6, 5.6
_WIDE, _HIGH = 1.85, 1.5
"""Size of a panel on a page of many, at least."""
_HEADER = 1.12
_SPACE = 0.62
"""Room between panels above each other that have axes of their own."""
_WORDS = 3.9

_MANY_POINTS = 60
"""Number of points of a series from which they are small."""


@dataclass(frozen=True, eq=False)
class PanelArtists:
    """What `drawPanel` has drawn.

    Parameters
    ----------
    series
        Points of each series.
    lines
        Line of each series that has one.
    below, above
        Marks of values outside the axis; None if there are none.
    """

    series: tuple[Line2D, ...]
    lines: tuple[Line2D, ...]
    below: PathCollection | None
    above: PathCollection | None


def looksOf(number: int) -> dict[str, Any]:
    """Get colour and marker of a number; those from the ninth on are hollow."""
    colour, marker = LINE_LOOKS[number % len(LINE_LOOKS)]
    is_hollow = number // len(LINE_LOOKS) % 2 == 1
    return {"color": colour, "marker": marker, "markerfacecolor": "white" if is_hollow else colour}


def drawPanel(ax: Axes, panel: SeriesPanel, yLimits: tuple[float, float]) -> PanelArtists:
    """Draw series and lines; values beyond the limits are marked at the edge."""
    ax.set(xlim=panel.axis.limits, ylim=yLimits)
    ax.grid(color="0.92", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(labelsize=8)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    # The digits that are left off would stand on the panel above.
    ax.ticklabel_format(useOffset=False)
    shown = panel.shown
    _writeAbove(ax, panel, hasValues=bool(shown.any()))
    n_points = int(shown.sum(axis=1).max(initial=0))
    looks: dict[str, Any] = {"markersize": 4.0 if n_points <= _MANY_POINTS else 2.2, "markeredgewidth": 0.7}
    looks |= {"linestyle": "-" if panel.axis.isSequence else "none", "linewidth": 0.6}
    order = np.argsort(panel.axis.x, kind="stable")
    series = []
    for values, own, number in zip(panel.values, shown, panel.looks.tolist(), strict=True):
        points = order[own[order]]
        series += ax.plot(panel.axis.x[points], values[points], **looks, **looksOf(number), zorder=3)
    lines = []
    ends = np.array(panel.axis.limits)
    for (start, slope), number in zip(panel.lines.tolist(), panel.looks.tolist(), strict=False):
        if np.isfinite(slope):
            colour = looksOf(number)["color"]
            lines += ax.plot(ends, start + slope * ends, color=colour, linewidth=0.9, zorder=2)
    return PanelArtists(
        series=tuple(series),
        lines=tuple(lines),
        below=_markEdge(ax, panel, shown & (panel.values < yLimits[0]), 0.02, "v"),
        above=_markEdge(ax, panel, shown & (panel.values > yLimits[1]), 0.98, "^"),
    )


def _writeAbove(ax: Axes, panel: SeriesPanel, *, hasValues: bool) -> None:
    """Write the title of a panel, and which of its series are missed, or that it is empty."""
    ax.set_title(panel.title, loc="left", fontsize=8, fontweight="bold", pad=2.5)
    if not hasValues:
        face, hatch, edge = NO_DATA
        ax.patch.set(facecolor=face, hatch=hatch, edgecolor=edge)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
        ax.text(0.5, 0.5, "No finite value", transform=ax.transAxes, ha="center", fontsize=8, bbox=box)
    elif panel.absent:
        text = textwrap.shorten(", ".join(panel.absent), 20, placeholder=" …")
        ax.set_title(f"no value: {text}", loc="right", fontsize=6.5, color="0.35", pad=2.5)


def _markEdge(
    ax: Axes, panel: SeriesPanel, outside: BoolArray, height: float, marker: str
) -> PathCollection | None:
    """Mark values beyond the axis at its edge; the height is in parts of the axis."""
    series, exposures = np.nonzero(outside)
    if len(series) == 0:
        return None
    colours = [looksOf(number)["color"] for number in panel.looks[series].tolist()]
    return ax.scatter(
        panel.axis.x[exposures], np.full(len(exposures), height), transform=ax.get_xaxis_transform(), s=22,
        marker=marker, facecolor=colours, edgecolor="white", linewidth=0.4, zorder=5, clip_on=False,
    )  # fmt: skip


def makeSeriesFigure(view: SeriesView) -> Figure:
    """Lay out panels, key, lists and provenance; the figure has an Agg canvas."""
    n_rows, n_columns = view.shape
    labels = {panel.axis.label for panel in view.panels}
    across, gap = _GAPS if len(labels) == 1 else (_GAPS[0], _SPACE)
    width, height = max(_WIDTH, n_columns * _WIDE), max(_HEIGHT, n_rows * _HIGH)
    size = (_LEFT + width + 0.3 + _WORDS, _BOTTOM + height + _HEADER)
    page = Page(make_figure(figsize=size, dpi=_DPI), _LEFT + width + 0.3)
    wide, high = (width + across) / n_columns - across, (height + gap) / n_rows - gap
    lowest = {panel.place[1]: max(p.place[0] for p in view.panels if p.place[1] == panel.place[1])
              for panel in view.panels}  # fmt: skip
    for panel in view.panels:
        row, column = panel.place
        left, bottom = _LEFT + column * (wide + across), _BOTTOM + (n_rows - 1 - row) * (high + gap)
        ax = page.addAxes(left, bottom, wide, high)
        drawPanel(ax, panel, view.yLimits)
        first = min(p.place[1] for p in view.panels if p.place[0] == row)
        ax.tick_params(labelleft=column == first, labelbottom=len(labels) > 1 or row == lowest[column])
        if len(labels) > 1:
            ax.set_xlabel(panel.axis.label, fontsize=9)
        for axis in (ax.xaxis, ax.yaxis):
            axis.get_offset_text().set_fontsize(7)
    # The labels that panels share stand beside all of them.
    frame = page.addAxes(_LEFT, _BOTTOM, width, height, frameon=False, xticks=[], yticks=[], zorder=-1)
    frame.set_ylabel(textwrap.fill(view.yLabel, 70), fontsize=9, labelpad=46)
    if len(labels) == 1:
        frame.set_xlabel(labels.pop(), fontsize=9, labelpad=20)
    page.writeHeader(view.title, view.headline, view.provenance)
    top = _BOTTOM + height
    y = page.writeLines(top, (view.keyTitle, ""), _BOTTOM) + 0.2 if view.keyTitle else top
    y = page.writeKey(y, seriesKey(view))
    for lines in view.lists:
        y = page.writeLines(y, lines, _BOTTOM)
    return page.figure


def seriesKey(view: SeriesView) -> tuple[Artist, ...]:
    """Explain colours and markers, and the marks of values outside, as far as they occur."""
    handles: list[Artist] = [
        Line2D([], [], linestyle="none", markersize=5, label=label, **looksOf(number))
        for number, label in view.key
    ]
    marks: dict[str, Any] = {"linestyle": "none", "color": "0.3"}
    for count, marker, word, end in (
        (view.nAbove, "^", "above", view.yLimits[1]),
        (view.nBelow, "v", "below", view.yLimits[0]),
    ):
        if count:
            handles.append(Line2D([], [], marker=marker, label=f"{word} {end:.6g}: {count}", **marks))
    return tuple(handles)
