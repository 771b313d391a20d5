# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of a map of the focal plane, and the page on which they are laid out."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

from lsst.analysis.cp.actions.plot.page import Page, drawScale
from lsst.analysis.cp.actions.plot.polygons import drawFrames, drawHatched, drawPolygons, gapKey, writeNearby
from lsst.analysis.cp.actions.plot.style import FAILING, NO_DATA, NO_VALUE, OUTLINE, UNDER, overColour
from lsst.analysis.cp.actions.plot.text import formatNumber, pluralOf
from lsst.analysis.cp.core.typing import BoolArray
from lsst.utils.plotting import make_figure

from .view import FocalPlaneView, PatchState

__all__ = [
    "ZERO",
    "FocalPlaneArtists",
    "drawFocalPlane",
    "drawHistogram",
    "makeFocalPlaneFigure",
]

_SIZE = (11.0, 8.0)
_DPI = 200
_MAP = (0.682, 0.56, 6.512, 6.512)
_BAR = (7.359, 0.56, 0.198, 6.512)
_PANEL_LEFT = 8.558
_PANEL_TOP = 7.072
_PANEL_BOTTOM = (0.56, 2.4)
"""Lower end of the words beside the map, without and with a histogram below them."""
_HISTOGRAM = (8.965, 0.66, 1.925, 1.34)

_MARK_WEIGHTS = np.array([0.38, 0.38, 0.12, 0.12])[:, np.newaxis]
"""Weights of the corners in the place of a mark: off the middle, where the name of an amplifier may stand."""

ZERO = "#f0f0f0"
"""Colour of the count zero."""

_KIND_LOOKS = (("#0072b2", "-"), ("#d55e00", "--"), ("#009e73", "-."), ("#cc79a7", ":"))


@dataclass(frozen=True, eq=False)
class FocalPlaneArtists:
    """What `drawFocalPlane` has drawn; None and empty where there was nothing to draw.

    Parameters
    ----------
    values
        Patches with a value, coloured by it.
    noData, noValue
        Patches without rows, and without a finite value; each is one compound path.
    failing
        Outlines of the failing patches: halo and line, or a thin line where the colours count failures.
    outlines
        Outlines of all detectors.
    below, above
        Marks on patches whose value is outside the colour range.
    labels
        Names on the map.
    key
        Handles for a legend of what occurs on the map.
    """

    values: PolyCollection | None
    noData: PathPatch | None
    noValue: PathPatch | None
    failing: tuple[PolyCollection, ...]
    outlines: PolyCollection
    below: PathCollection | None
    above: PathCollection | None
    labels: tuple[Text, ...]
    key: tuple[Artist, ...]


def drawFocalPlane(ax: Axes, view: FocalPlaneView, colourMap: str) -> FocalPlaneArtists:
    """Draw patches, outlines, marks and labels, in the colours of a map of matplotlib."""
    ax.set(xlim=view.xLimits, ylim=view.yLimits, aspect="equal")
    ax.set(xlabel=view.axisLabels[0], ylabel=view.axisLabels[1])
    ax.tick_params(labelsize=8)
    if message := view.patches.message:
        box = {"facecolor": "white", "edgecolor": OUTLINE}
        ax.text(0.5, 0.5, message, transform=ax.transAxes, ha="center", fontsize=12, bbox=box, zorder=6)
    looks = {"facecolor": "none", "edgecolor": OUTLINE, "linewidth": 0.6, "zorder": 2}
    outlines = drawPolygons(ax, view.geometry.detectorCorners, **looks)
    width = float(np.clip(0.15 * view.patchPoints, 1.0, 2.5))
    strokes = [("white", width + 0.9), (FAILING, width)]
    if view.counts is not None:
        # The colour of a count tells of failures by itself.
        strokes = [(OUTLINE, 0.5)]
    state = view.patches.state
    return FocalPlaneArtists(
        values=_drawValues(ax, view, colourMap),
        noData=drawHatched(ax, view.corners[state == PatchState.NO_DATA], NO_DATA),
        noValue=drawHatched(ax, view.corners[state == PatchState.NO_VALUE], NO_VALUE),
        failing=drawFrames(ax, view.corners[view.patches.failing], strokes),
        outlines=outlines,
        below=_drawMarks(ax, view, view.below, "v"),
        above=_drawMarks(ax, view, view.above, "^"),
        labels=_drawLabels(ax, view),
        key=_makeKey(view),
    )


def _drawValues(ax: Axes, view: FocalPlaneView, colourMap: str) -> PolyCollection | None:
    """Draw the patches with a value."""
    shown = view.patches.state == PatchState.VALUE
    if not shown.any():
        return None
    colour_map: Colormap = matplotlib.colormaps[colourMap]
    norm: Normalize = Normalize(view.limits.low, view.limits.high)
    if view.counts is not None:
        n_classes = len(view.counts.labels)
        above_zero = colour_map.reversed()(np.linspace(0.1, 1.0, n_classes - 1))
        colour_map = ListedColormap([ZERO, *above_zero], name=f"{colourMap}_counts")
        norm = BoundaryNorm(view.counts.boundaries, n_classes)
    return drawPolygons(
        ax,
        view.corners[shown],
        array=view.patches.value[shown],
        norm=norm,
        cmap=colour_map.with_extremes(under=UNDER, over=overColour(colourMap)),
        edgecolor="face" if view.patchPoints < 8 else "white",
        linewidth=0.3,
    )


def _drawMarks(ax: Axes, view: FocalPlaneView, shown: BoolArray, marker: str) -> PathCollection | None:
    """Mark some patches."""
    if not shown.any():
        return None
    x, y = (view.corners[shown] * _MARK_WEIGHTS).sum(axis=1).T
    size = float(np.clip(0.5 * view.patchPoints, 2.0, 9.0)) ** 2
    return ax.scatter(
        x, y, s=size, marker=marker, facecolor="white", edgecolor="black", linewidth=0.4, zorder=4
    )


def _drawLabels(ax: Axes, view: FocalPlaneView) -> tuple[Text, ...]:
    """Write names in the middle of what is named, or in its upper left corner."""
    centred = view.labels.centred
    shift = (0.0, 0.0) if centred else (1.5, -1.5)
    looks: dict[str, Any] = {"fontsize": 6.5, "zorder": 5, "annotation_clip": True}
    looks |= {"ha": "center", "va": "center"} if centred else {"ha": "left", "va": "top"}
    return tuple(
        writeNearby(ax, label, position, shift, ("white", 1.6), **looks)
        for label, position in zip(view.labels.texts, view.labels.positions, strict=True)
    )


def _makeKey(view: FocalPlaneView) -> tuple[Artist, ...]:
    """Explain and count what occurs on the map."""
    no_data, no_value = (
        int(((view.patches.state == state) & view.expected).sum())
        for state in (PatchState.NO_DATA, PatchState.NO_VALUE)
    )
    handles: list[Artist] = [*gapKey(("no data", no_data), (view.noValueLabel, no_value))]
    if (count := view.patches.failing.sum()) and view.counts is None:
        box = Patch(facecolor="none", edgecolor=FAILING, linewidth=2, label=f"failing: {count}")
        handles.append(box)
    for shown, marker, label in (
        (view.above, "^", f"above {formatNumber(view.limits.high)}"),
        (view.below, "v", f"below {formatNumber(view.limits.low)}"),
    ):
        if count := shown.sum():
            mark = Line2D(
                [], [], linestyle="", marker=marker, markerfacecolor="white", markeredgecolor="black"
            )
            mark.set_label(f"{label}: {count}")
            handles.append(mark)
    if view.threshold is not None:
        inside = view.markedThreshold is not None
        line = Line2D([], [], color=FAILING, linewidth=2, linestyle="-" if inside else "")
        line.set_label(view.thresholdLabel + ("" if inside else " (off the scale)"))
        handles.append(line)
    return tuple(handles)


def drawHistogram(ax: Axes, view: FocalPlaneView, nBins: int, *, log: bool) -> tuple[Artist, ...]:
    """Draw how the values of the patches are distributed, one outline for each kind of detector.

    The colour range has ``nBins`` bins; whole numbers have the classes of their scale. The numbers of patches
    are on a logarithmic axis if ``log``.
    """
    shown = view.patches.state == PatchState.VALUE
    bins = np.linspace(view.limits.low, view.limits.high, nBins + 1)
    if view.counts is not None:
        bins = view.counts.boundaries
    steps: list[Artist] = []
    kinds = np.unique(view.kinds[shown]).tolist()
    for i, kind in enumerate(kinds):
        colour, dashes = _KIND_LOOKS[i % len(_KIND_LOOKS)]
        counts, _ = np.histogram(view.patches.value[shown & (view.kinds == kind)], bins)
        steps.append(ax.stairs(counts, bins, color=colour, linestyle=dashes, label=kind, linewidth=1.2))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    if log:
        ax.set_yscale("log")
        ax.set_ylim(bottom=0.5)
    if view.counts is not None:
        ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    if len(kinds) > 1:
        ax.legend(loc="lower center", bbox_to_anchor=(0.45, 0.97), ncols=2, fontsize=6.5, frameon=False,
                  handlelength=2.5, columnspacing=1.2, labelspacing=0.25)  # fmt: skip
    if (threshold := view.markedThreshold) is not None:
        ax.axvline(threshold, color=FAILING, linewidth=1)
    ax.set_xlabel(textwrap.fill(view.axisLabels[2], 38), fontsize=7)
    ax.set_ylabel(pluralOf(view.noun), fontsize=8)
    ax.tick_params(labelsize=7)
    return tuple(steps)


def makeFocalPlaneFigure(
    view: FocalPlaneView,
    colourMap: str,
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
    colourMap
        Name of a colour map of matplotlib.
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
    page = Page(make_figure(figsize=_SIZE, dpi=_DPI), _PANEL_LEFT)
    artists = drawFocalPlane(page.addAxes(*_MAP), view, colourMap)
    if artists.values is not None:
        cax, label = page.addAxes(*_BAR), view.axisLabels[2]
        ticks = None
        if view.counts is not None:
            ticks = dict(zip(view.counts.ticks.tolist(), view.counts.labels, strict=True))
        drawScale(cax, artists.values, label, view.limits.extend, view.markedThreshold, ticks)
        if histogramBins:
            drawHistogram(page.addAxes(*_HISTOGRAM), view, histogramBins, log=logHistogram)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=bool(view.patches.failing.any()))
    bottom = _PANEL_BOTTOM[bool(histogramBins)]
    y = page.writeLines(_PANEL_TOP, ("Values", *view.statistics)) if showStatistics else _PANEL_TOP
    y = page.writeKey(y, artists.key)
    for lines in (view.listing, view.missing):
        y = page.writeLines(y, lines, bottom)
    return page.figure
