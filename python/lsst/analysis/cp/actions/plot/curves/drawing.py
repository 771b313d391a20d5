# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of a page of points and lines, and their place on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter

from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.style import EMPHASIS, FAILING, NO_DATA, HatchLook
from lsst.utils.plotting import make_figure

from .view import CurvePanel, CurvesView

__all__ = ["CurveArtists", "drawCurves", "makeCurvesFigure"]

_DPI = 150
_LEFT, _BOTTOM, _HEADER = 0.85, 0.6, 1.2
_WORDS = 4.1
"""Places on the page and width of the column of words, in inches."""

_LACKING: HatchLook = ("#ffffff", "xx", "#d4d4d4")
"""Panels that have points, which must be seen, and lack something."""

_CLEAR = 0.82
"""Part of the width of a panel in which ticks have labels."""

_MOST_NAMED = 3
"""Number of tests that fit the title of a panel."""


@dataclass(frozen=True, eq=False)
class CurveArtists:
    """What `drawCurves` has drawn.

    Parameters
    ----------
    series
        Points and lines, in the order of the panel.
    marks
        Marked places on the horizontal axis, by the keys of their looks.
    texts
        Words in the panel.
    """

    series: tuple[Line2D, ...]
    marks: dict[str, Line2D]
    texts: tuple[Text, ...]


def drawCurves(ax: Axes, view: CurvesView, amp: int) -> CurveArtists:
    """Draw the panel of an amplifier, by its number."""
    panel = view.panels[amp]
    _frame(ax, view, amp)
    if panel.lacks:
        face, hatch, edge = _LACKING if panel.series else NO_DATA
        ax.patch.set(facecolor=face, hatch=hatch, edgecolor=edge)
    for kind, height in view.levels:
        ax.axhline(height, **view.looks[kind].style)
    series = []
    for part in panel.series:
        finite = np.isfinite(part.x) & np.isfinite(part.y)
        series += ax.plot(part.x[finite], part.y[finite], **view.looks[part.kind].style)
    marks = {
        kind: ax.axvline(place, **view.looks[kind].style)
        for kind, place in panel.marks.items()
        if np.isfinite(place)
    }
    return CurveArtists(tuple(series), marks, tuple(_write(ax, view, panel)))


def _frame(ax: Axes, view: CurvesView, amp: int) -> None:
    """Name the panel, and set up its axes; one that fails is framed."""
    panel, layout = view.panels[amp], view.layout
    failed = ", ".join(panel.failed) if len(panel.failed) <= _MOST_NAMED else f"{len(panel.failed)} tests"
    looks: dict[str, Any] = {"fontsize": 7, "pad": 3.5, "loc": "left", "fontweight": "bold"}
    ax.set_title(f"{panel.name}  {failed}".rstrip(), color=FAILING if failed else "black", **looks)
    ax.set(xscale=view.scales[0], yscale=view.scales[1], xlim=view.xLimits, ylim=view.yLimits)
    for axis, scale, most in ((ax.xaxis, view.scales[0], 3), (ax.yaxis, view.scales[1], 5)):
        if scale == "log":
            axis.set_major_locator(LogLocator(10, numticks=4))
            axis.set_minor_formatter(NullFormatter())
        else:
            axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 5, 10]))
    _clearEdge(ax)
    ax.tick_params(
        labelsize=7,
        length=2.5,
        direction="in",
        labelbottom=bool(layout.isLowest[amp]),
        labelleft=bool(layout.isLeftmost[amp]),
    )
    if failed:
        for spine in ax.spines.values():
            spine.set(color=FAILING, linewidth=1.8)


def _clearEdge(ax: Axes) -> None:
    """Leave out the ticks whose labels would run into the first of the next panel."""
    ticks = np.asarray(ax.xaxis.get_major_locator()())
    places = ax.transAxes.inverted().transform(ax.transData.transform([(tick, 1.0) for tick in ticks]))[:, 0]
    ax.xaxis.set_major_locator(FixedLocator(ticks[(places > -1e-6) & (places < _CLEAR)].tolist()))


def _write(ax: Axes, view: CurvesView, panel: CurvePanel) -> list[Text]:
    """Write the words of a panel, what it lacks, and how many points lie outside of its axis."""
    texts = []
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0}
    looks: dict[str, Any] = {"transform": ax.transAxes, "fontsize": 6.5}
    if panel.lacks:
        texts.append(
            ax.text(0.5, 0.5, panel.lacks, ha="center", fontsize=8, transform=ax.transAxes, bbox=box)
        )
    if panel.words and panel.series:
        texts.append(ax.text(0.04, 0.97, "\n".join(panel.words), va="top", bbox=box, **looks))
    counted = [part.y[np.isfinite(part.y)] for part in panel.series if part.isBeyond]
    heights = np.concatenate([*counted, np.empty(0)])
    low, high = view.yLimits
    beyond = ((heights < low, "▼", 0.03, "bottom"), (heights > high, "▲", 0.97, "top"))
    for outside, sign, y, va in beyond:
        if number := int(np.count_nonzero(outside)):
            words = f"{sign} {number}"
            texts.append(ax.text(0.97, y, words, ha="right", va=va, color=EMPHASIS, bbox=box, **looks))
    return texts


def makeCurvesFigure(view: CurvesView) -> Figure:
    """Lay out the panels, words and provenance."""
    layout = view.layout
    words_left = _LEFT + layout.width + 0.3
    top = _BOTTOM + layout.height
    page = Page(make_figure(figsize=(words_left + _WORDS, top + _HEADER), dpi=_DPI), words_left)
    for amp, (x, y, width, height) in enumerate(layout.places.tolist()):
        drawCurves(page.addAxes(_LEFT + x, _BOTTOM + y, width, height), view, amp)
    page_width, page_height = page.figure.get_size_inches()
    page.figure.supxlabel(
        view.axisLabels[0],
        x=(_LEFT + 0.5 * layout.width) / page_width,
        y=0.14 / page_height,
        fontsize=9,
        va="bottom",
    )
    page.figure.supylabel(
        view.axisLabels[1],
        x=0.1 / page_width,
        y=(_BOTTOM + 0.5 * layout.height) / page_height,
        fontsize=9,
        ha="left",
    )
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.isBad)
    y = page.writeKey(top, _makeKey(view))
    for lines in view.lists:
        y = page.writeLines(y, lines)
    return page.figure


def _makeKey(view: CurvesView) -> list[Artist]:
    """Explain what occurs in the panels."""
    panels = view.panels
    used = {part.kind for panel in panels for part in panel.series} | {kind for kind, _ in view.levels}
    used |= {kind for panel in panels for kind, place in panel.marks.items() if np.isfinite(place)}
    handles: list[Artist] = [
        Line2D([], [], label=look.label, **look.style) for kind, look in view.looks.items() if kind in used
    ]
    if any(panel.failed for panel in panels):
        handles.append(Patch(facecolor="none", edgecolor=FAILING, linewidth=1.8, label="fails a test"))
    for (face, hatch, edge), has_series in ((_LACKING, True), (NO_DATA, False)):
        if lacks := {panel.lacks for panel in panels if panel.lacks and bool(panel.series) == has_series}:
            handles.append(Patch(facecolor=face, hatch=hatch, edgecolor=edge, label=", ".join(sorted(lacks))))
    handles += [Line2D([], [], linestyle="", label=note) for note in view.notes]
    return handles
