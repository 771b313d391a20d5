# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of a grid of amplifiers, and their place on the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.polygons import gapKey
from lsst.analysis.cp.actions.plot.style import EMPHASIS, NO_DATA, NO_VALUE
from lsst.analysis.cp.actions.plot.text import formatNumber, pluralOf
from lsst.analysis.cp.core.typing import FloatArray
from lsst.utils.plotting import make_figure

from .layout import GridLayout
from .view import LEAST_EPOCHS, AmpGridView

__all__ = ["PanelArtists", "addPanels", "drawPanel", "epochColours", "makeAmpGridFigure"]

_DPI = 150

# Places on the page, in inches.
_LEFT, _BOTTOM, _HEADER = 0.85, 0.6, 1.2
_BAR = (0.18, 0.17)
"""Distance of the scale of exposures from the grid, and its width."""
_LABELS = 1.35
"""Room for the ids of exposures."""
_WORDS = 3.9
"""Width of the column of words."""

_BAND = "#c9c9c9"
_SPIKE = "D"
_SPIKES: dict[str, Any] = {
    "linestyle": "",
    "marker": _SPIKE,
    "markersize": 3.5,
    "markeredgecolor": "white",
    "markeredgewidth": 0.3,
    "zorder": 4,
    # Those beyond the axis are drawn on its edge.
    "clip_on": False,
}
_MOST_LABELS = 25


@dataclass(frozen=True, eq=False)
class PanelArtists:
    """What `drawPanel` has drawn.

    Parameters
    ----------
    curves
        Line of each exposure that has a curve.
    band
        Band around the median; None if there are too few exposures.
    median
        Line of the median; None if there are too few exposures, or no value.
    spikes
        Points far from the median, of all exposures in common and of each that has such.
    """

    curves: tuple[Line2D, ...]
    band: PolyCollection | None
    median: Line2D | None
    spikes: tuple[Line2D, ...]


def epochColours(number: int) -> FloatArray:
    """Return a colour for each epoch in their order, shape (number, 4)."""
    return np.asarray(matplotlib.colormaps["viridis"](np.linspace(0.0, 0.93, max(number, 1))))


def addPanels(page: Page, layout: GridLayout, left: float, bottom: float) -> list[Axes]:
    """Add the axes of a grid whose lower left corner is at a place of the page, in inches."""
    return [
        page.addAxes(left + x, bottom + y, width, height) for x, y, width, height in layout.places.tolist()
    ]


def drawPanel(ax: Axes, view: AmpGridView, amp: int, colours: FloatArray) -> PanelArtists:
    """Draw the curves of an amplifier, by its number, in the colours of the exposures, shape (nEpochs, 4)."""
    shifted = bool(view.shifted[amp])
    ax.set_title(str(view.names[amp]), fontsize=8, pad=2.0, loc="left", fontweight="bold")
    ax.set(xlim=view.xLimits, ylim=view.yLimits[amp])
    ax.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.tick_params(
        labelsize=7,
        length=2.5,
        direction="in",
        labelbottom=bool(view.layout.isLowest[amp]),
        labelleft=bool(view.layout.isLeftmost[amp]) and not shifted,
    )
    curves = view.curves
    if not curves.hasValues[amp]:
        _hatch(ax, has_rows=bool(curves.hasRows[amp]))
        return PanelArtists((), None, None, ())
    centre, half = curves.centre[amp], view.bandWidth * curves.scatter[amp]
    has_band = bool(np.isfinite(half).any())
    band, median = None, None
    if has_band:
        looks: dict[str, Any] = {"color": _BAND, "linewidth": 0, "zorder": 1}
        band = ax.fill_between(curves.x, centre - half, centre + half, **looks)
        (median,) = ax.plot(curves.x, centre, color="black", linewidth=0.9, zorder=3)
    lines, spikes = [], []
    for curve, colour in zip(curves.curves[:, amp], colours, strict=True):
        if np.isfinite(curve).any():
            lines += ax.plot(curves.x, curve, color=colour, linewidth=0.6, zorder=2)
    if curves.factor > 1:
        marked = [(curves.commonSpikes[amp], "black"), *zip(curves.spikes[:, amp], colours, strict=True)]
        for spike, colour in marked:
            if (found := np.flatnonzero(np.isfinite(spike))).size:
                heights = np.clip(spike[found], *view.yLimits[amp])
                spikes += ax.plot(curves.fullX[found], heights, color=colour, **_SPIKES)
    _note(ax, view, amp)
    return PanelArtists(tuple(lines), band, median, tuple(spikes))


def _hatch(ax: Axes, *, has_rows: bool) -> None:
    """Say that an amplifier has no data, or no value."""
    face, hatch, edge = NO_VALUE if has_rows else NO_DATA
    ax.patch.set(facecolor=face, hatch=hatch, edgecolor=edge)
    ax.text(0.5, 0.5, "no value" if has_rows else "no data", transform=ax.transAxes, ha="center", fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5})  # fmt: skip


def _note(ax: Axes, view: AmpGridView, amp: int) -> None:
    """Say what is not to be seen: an axis that is not the common one, and values outside of it."""
    looks: dict[str, Any] = {"transform": ax.transAxes, "fontsize": 6.5, "color": EMPHASIS}
    looks["fontweight"] = "bold"
    looks["bbox"] = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.8}
    if view.shifted[amp]:
        low, high = view.yLimits[amp]
        for spine in ax.spines.values():
            spine.set(color=EMPHASIS, linewidth=1.6)
        ax.text(0.97, 1.015, f"axis at {formatNumber(0.5 * (low + high), 3)}", ha="right", va="bottom",
                **{**looks, "bbox": None})  # fmt: skip
    for share, sign, y, va in zip(view.outside[amp], "▼▲", (0.03, 0.97), ("bottom", "top"), strict=True):
        if share > 0:
            ax.text(0.5, y, f"{sign} {_writeShare(share)}", ha="center", va=va, **looks)


def _writeShare(share: float) -> str:
    """Write a share in percent; a small one is not 0."""
    return f"{100 * share:.0f}%" if share >= 0.005 else "<1%"


def makeAmpGridFigure(view: AmpGridView) -> Figure:
    """Lay out the panels, the scale of exposures, words and provenance."""
    layout = view.layout
    bar_left = _LEFT + layout.width + _BAR[0]
    words_left = bar_left + _BAR[1] + _LABELS
    top = _BOTTOM + layout.height
    page = Page(make_figure(figsize=(words_left + _WORDS, top + _HEADER), dpi=_DPI), words_left)
    colours = epochColours(len(view.curves.epochs))
    for amp, ax in enumerate(addPanels(page, layout, _LEFT, _BOTTOM)):
        drawPanel(ax, view, amp, colours)
    width, height = page.figure.get_size_inches()
    page.figure.supxlabel(
        view.axisLabels[0], x=(_LEFT + 0.5 * layout.width) / width, y=0.14 / height, fontsize=9, va="bottom"
    )
    page.figure.supylabel(
        view.axisLabels[1], x=0.1 / width, y=(_BOTTOM + 0.5 * layout.height) / height, fontsize=9, ha="left"
    )
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.isBad)
    if len(view.curves.epochs):
        _drawEpochs(page, view, colours, bar_left)
    y = page.writeKey(top, _makeKey(view))
    for lines in view.lists:
        y = page.writeLines(y, lines)
    return page.figure


def _drawEpochs(page: Page, view: AmpGridView, colours: FloatArray, left: float) -> None:
    """Draw the scale that says which exposure has which colour."""
    epochs = view.curves.epochs
    number = len(epochs)
    height = min(view.layout.height - 0.3, 0.28 * number + 0.2)
    bottom = _BOTTOM + view.layout.height - 0.3 - height
    cax = page.addAxes(left, bottom, _BAR[1], height)
    norm = BoundaryNorm(np.arange(number + 1) - 0.5, number)
    bar = page.figure.colorbar(ScalarMappable(norm, ListedColormap(colours)), cax=cax)
    shown = np.arange(number)
    if number > _MOST_LABELS:
        shown = np.unique(np.linspace(0, number - 1, _MOST_LABELS).round().astype(int))
    bar.set_ticks(shown.tolist(), labels=[str(epoch) for epoch in epochs[shown]])
    bar.minorticks_off()
    # The first exposure is above the others, as in a list.
    cax.invert_yaxis()
    cax.tick_params(labelsize=7, length=2)
    cax.set_title(pluralOf(view.noun), fontsize=8, loc="left")


def _makeKey(view: AmpGridView) -> list[Artist]:
    """Explain and count what occurs in the panels."""
    noun = pluralOf(view.noun)
    handles: list[Artist] = []
    curves = view.curves
    if curves.hasBand:
        means = "" if curves.factor == 1 else f", means of {curves.factor} points"
        handles.append(Line2D([], [], color=epochColours(3)[1], label=f"{view.noun}{means}"))
        handles.append(Line2D([], [], color="black", linewidth=1.0, label=f"median over {noun}"))
        handles.append(Patch(color=_BAND, label=f"± {formatNumber(view.bandWidth)} σ MAD over {noun}"))
    elif curves.hasValues.any():
        handles.append(Line2D([], [], linestyle="", label=f"no band: fewer than {LEAST_EPOCHS} {noun}"))
    looks: dict[str, Any] = {"linestyle": "", "marker": _SPIKE, "markersize": 5.0}
    if curves.factor > 1:
        for spikes, colour, of in (
            (curves.commonSpikes, "black", f"of all {noun}"),
            (curves.spikes, epochColours(3)[1], f"of one {view.noun}"),
        ):
            if number := np.count_nonzero(np.isfinite(spikes)):
                label = f"single points far off, {of}: {number}"
                handles.append(Line2D([], [], **looks, color=colour, label=label))
    no_data, no_value = int((~curves.hasRows).sum()), int((curves.hasRows & ~curves.hasValues).sum())
    handles += gapKey(("no data", no_data), ("no value", no_value))
    if view.outside.any():
        handles.append(Line2D([], [], linestyle="", label="▲ ▼ share of the curves beyond the axis"))
    if view.shifted.any():
        label = "axis of the same length, at another level"
        handles.append(Patch(facecolor="none", edgecolor=EMPHASIS, linewidth=1.6, label=label))
    return handles
