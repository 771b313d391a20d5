# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of a map of the focal plane, and the page on which they are laid out."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.text import Text

from lsst.analysis.cp.actions.plot.countColours import countColours
from lsst.analysis.cp.actions.plot.histogram import (
    chooseKindLooks,
    chooseTicks,
    countValues,
    drawSteps,
    styleCounts,
)
from lsst.analysis.cp.actions.plot.outlierScale import OutlierScale
from lsst.analysis.cp.actions.plot.page import Page, drawScale
from lsst.analysis.cp.actions.plot.polygons import drawFrames, drawHatched, drawPolygons, gapKey, writeNearby
from lsst.analysis.cp.actions.plot.style import FAILING, NO_DATA, NO_VALUE, NOT_YET, OUTLINE
from lsst.analysis.cp.actions.plot.text import formatNumber, pluralOf
from lsst.analysis.cp.core.limits import ColourLimits
from lsst.analysis.cp.core.typing import BoolArray, FloatArray
from lsst.utils.plotting import make_figure

from .view import FocalPlaneView, PatchState

__all__ = [
    "FocalPlaneArtists",
    "drawFocalPlane",
    "drawHistogram",
    "makeFocalPlaneFigure",
]

_DPI = 200

# Sizes on the page, in inches.
_SIDE = 5.7
"""Side of a map."""
_LEFT = 0.72
"""Room for the axis at the left of a map."""
_PITCH = 7.65
"""Distance of two maps."""
_BAR = (0.12, 0.19)
"""Distance of the colour bar from its map, and its width."""
_WORDS = 3.75
"""Width of the column of words."""
_HEADER = (1.22, 1.38)
"""Room above one map, and above two, which have titles."""
_BOTTOM = 0.55
_HISTOGRAM = 1.1
_HISTOGRAM_GAP = 0.78
"""Room between a histogram and the map above it."""
_SPLIT = (0.62, 0.1)
"""Parts of the width for the histogram of the counted sensors, and for the gap, if there is one of others."""

_MANY = 60
"""Height of a bin from which the axis of a histogram is logarithmic by itself."""

_QUANTITY_COLOURS = "viridis"

_MARK_WEIGHTS = np.array([0.38, 0.38, 0.12, 0.12])[:, np.newaxis]
"""Weights of the corners in the place of a mark: off the middle, where the name of an amplifier may stand."""

_SUSPICION_WEIGHTS = _MARK_WEIGHTS[::-1]
"""The same for the mark of what is suspicious, on the other side of the middle."""


@dataclass(frozen=True, eq=False)
class FocalPlaneArtists:
    """What `drawFocalPlane` has drawn; None and empty where there was nothing to draw.

    Parameters
    ----------
    values
        Patches with a value, coloured by it.
    noData, notYet, noValue
        Patches without rows, those whose rows are still to come, and patches without a finite value; each is
        one compound path.
    failing
        Outlines of the failing patches: halo and line, or a thin line where the colours count failures.
    suspicious
        Crosses on suspicious patches.
    outlines
        Outlines of all detectors.
    failingDetectors
        Outlines of the detectors that failed a test of their own: halo and line.
    below, above
        Marks on patches whose value is outside the colour range.
    labels
        Names on the map.
    key
        Handles for a legend of what occurs on the map.
    """

    values: PolyCollection | None
    noData: PathPatch | None
    notYet: PathPatch | None
    noValue: PathPatch | None
    failing: tuple[PolyCollection, ...]
    suspicious: PathCollection | None
    outlines: PolyCollection
    failingDetectors: tuple[PolyCollection, ...]
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
        noData=drawHatched(ax, view.corners[(state == PatchState.NO_DATA) & ~view.notYet], NO_DATA),
        notYet=drawHatched(ax, view.corners[view.notYet], NOT_YET),
        noValue=drawHatched(ax, view.corners[state == PatchState.NO_VALUE], NO_VALUE),
        failing=drawFrames(ax, view.corners[view.patches.failing], strokes),
        suspicious=_drawMarks(ax, view, view.patches.suspicious, "X", _SUSPICION_WEIGHTS),
        outlines=outlines,
        failingDetectors=drawFrames(
            ax, view.geometry.detectorCorners[view.failingDetectors], [("white", 3.4), (FAILING, 2.5)]
        ),
        below=_drawMarks(ax, view, view.markedBelow, "v"),
        above=_drawMarks(ax, view, view.markedAbove, "^"),
        labels=_drawLabels(ax, view),
        key=_makeKey(view),
    )


def _drawValues(ax: Axes, view: FocalPlaneView, colourMap: str) -> PolyCollection | None:
    """Draw the patches with a value."""
    shown = view.patches.state == PatchState.VALUE
    if not shown.any():
        return None
    values = view.patches.value[shown]
    colours: Colormap
    norm: Normalize
    if view.counts is not None:
        colours, norm = countColours(view.counts, colourMap)
    else:
        scale = OutlierScale(view.limits, values, colourMap)
        colours, norm = scale.colourMap, scale.norm
    looks = {"edgecolor": "face" if view.patchPoints < 8 else "white", "linewidth": 0.3}
    return drawPolygons(ax, view.corners[shown], array=values, norm=norm, cmap=colours, **looks)


def _drawMarks(
    ax: Axes, view: FocalPlaneView, shown: BoolArray, marker: str, weights: FloatArray = _MARK_WEIGHTS
) -> PathCollection | None:
    """Mark some patches, in places given by the weights of their corners, of shape (4, 1)."""
    if not shown.any():
        return None
    x, y = (view.corners[shown] * weights).sum(axis=1).T
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
    looks["bbox"] = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6}
    return tuple(
        writeNearby(ax, label, position, shift, ("white", 1.6), **looks)
        for label, position in zip(view.labels.texts, view.labels.positions, strict=True)
    )


def _makeKey(view: FocalPlaneView) -> tuple[Artist, ...]:
    """Explain and count what occurs on the map."""
    no_data, no_value = (
        int(((view.patches.state == state) & view.expected & ~view.notYet).sum())
        for state in (PatchState.NO_DATA, PatchState.NO_VALUE)
    )
    handles: list[Artist] = [*gapKey(("no data", no_data), (view.noValueLabel, no_value))]
    if count := view.notYet.sum():
        face, hatch, edge = NOT_YET
        handles.append(Patch(facecolor=face, edgecolor=edge, hatch=hatch, label=f"not yet: {count}"))
    if (count := view.patches.failing.sum()) and view.counts is None:
        box = Patch(facecolor="none", edgecolor=FAILING, linewidth=2, label=f"failing: {count}")
        handles.append(box)
    if len(view.failingDetectors):
        label = f"detector failing by itself: {len(view.failingDetectors)}"
        handles.append(Patch(facecolor="none", edgecolor=FAILING, linewidth=2.5, label=label))
    others = view.otherLimits
    above = "" if others is None else f" (others {formatNumber(others.high)})"
    below = "" if others is None else f" (others {formatNumber(others.low)})"
    for shown, marker, label in (
        (view.patches.suspicious, "X", "suspicious"),
        (view.markedAbove, "^", f"above {formatNumber(view.limits.high)}{above}"),
        (view.markedBelow, "v", f"below {formatNumber(view.limits.low)}{below}"),
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


def drawHistogram(
    ax: Axes, view: FocalPlaneView, chosen: BoolArray, limits: ColourLimits, nBins: int, *, log: bool | None
) -> tuple[Artist, ...]:
    """Draw how the values of patches are distributed, one outline for each kind of detector.

    Parameters
    ----------
    ax
        Where to draw.
    view
        What to show.
    chosen
        The patches; shape (nPatches,).
    limits
        Range of the bins. Values outside are counted in a wide bin at its end, with their number above.
    nBins
        Number of bins in the range; whole numbers have the classes of their scale.
    log
        Whether the numbers of patches are on a logarithmic axis; where there are many if None.

    Returns
    -------
    steps
        The outlines.
    """
    values = view.patches.value
    shown = chosen & np.isfinite(values)
    bins = np.linspace(limits.low, limits.high, nBins + 1)
    if view.counts is not None:
        bins = view.counts.boundaries
    histogram = countValues(values[shown], view.kinds[shown], bins)
    steps = drawSteps(ax, histogram, chooseKindLooks(histogram.counts))
    _styleHistogram(ax, view, bins, histogram.most, log=log)
    return steps


def _styleHistogram(ax: Axes, view: FocalPlaneView, bins: FloatArray, most: int, *, log: bool | None) -> None:
    """Label a histogram whose tallest bin is given, with whole numbers, and mark the limit."""
    styleCounts(ax, most, log=most > _MANY if log is None else log)
    first, last = bins[0], bins[-1]
    if view.threshold is not None:
        ax.axvline(view.threshold, color=FAILING, linewidth=1.4)
        first, last = min(first, view.threshold), max(last, view.threshold)
    ticks = chooseTicks(ax, first, last, integer=view.counts is not None)
    # A factor common to all would be written across the labels of the axis.
    ax.set_xticks(ticks, [formatNumber(tick + 0.0) for tick in ticks])
    ax.set_ylabel(pluralOf(view.noun), fontsize=8)
    ax.tick_params(labelsize=7)
    if len(np.unique(view.kinds)) > 1:
        ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.97), ncols=4, fontsize=6.5, frameon=False,
                  handlelength=2.5, columnspacing=1.2)  # fmt: skip


def makeFocalPlaneFigure(
    view: FocalPlaneView,
    colourMap: str,
    *,
    showStatistics: bool = True,
    histogramBins: int = 0,
    logHistogram: bool | None = None,
) -> Figure:
    """Lay out maps, colour bars, histograms, key, numbers and provenance.

    Parameters
    ----------
    view
        What to show, with the map beside it if it has one.
    colourMap
        Name of a colour map of matplotlib; a tested quantity has a sequential one.
    showStatistics
        Whether to print the statistics of the values.
    histogramBins
        Number of bins of the histograms; 0 for none.
    logHistogram
        Whether the histograms count on a logarithmic axis; where there are many patches if None.

    Returns
    -------
    figure
        The figure, with an Agg canvas.
    """
    maps = [(view, colourMap)] + ([(view.beside, _QUANTITY_COLOURS)] if view.beside is not None else [])
    bottom = _BOTTOM + (_HISTOGRAM + _HISTOGRAM_GAP) * (histogramBins > 0)
    words_left, top = len(maps) * _PITCH, bottom + _SIDE
    size = (words_left + _WORDS, top + _HEADER[len(maps) - 1])
    page = Page(make_figure(figsize=size, dpi=_DPI), words_left)
    key: list[Artist] = []
    for place, (shown, colours) in enumerate(maps):
        left = _LEFT + place * _PITCH
        artists = drawFocalPlane(page.addAxes(left, bottom, _SIDE, _SIDE), shown, colours)
        labels = {handle.get_label() for handle in key}
        key += [handle for handle in artists.key if handle.get_label() not in labels]
        page.writeAbove(left, top, shown.mapTitle if len(maps) > 1 else "", shown.rule)
        if artists.values is not None:
            _addScale(page, shown, artists.values, left, bottom)
            if histogramBins:
                _addHistograms(page, shown, left, histogramBins, log=logHistogram)
    page.writeHeader(
        view.title,
        view.headline,
        view.provenance,
        emphasise=bool(view.patches.failing.any() or len(view.failingDetectors)),
    )
    y = top
    if showStatistics:
        for shown, _ in maps:
            y = page.writeLines(y, (shown.heading, *shown.statistics))
    if histogramBins and any((shown.above | shown.below).any() for shown, _ in maps):
        key.append(Patch(facecolor="0.9", label="in histograms: beyond the range, with number"))
    y = page.writeKey(y, key)
    lists = [lines for lines in (view.missing, view.awaited) if lines]
    n_below = sum(len(lines) + 2 for lines in lists)
    y = page.writeLines(y, view.listing.fit(page.countLines(y, _BOTTOM) - n_below), _BOTTOM)
    for lines in lists:
        y = page.writeLines(y, lines, _BOTTOM)
    return page.figure


def _addScale(page: Page, view: FocalPlaneView, values: PolyCollection, left: float, bottom: float) -> None:
    """Draw the colour scale at the right of a map."""
    cax = page.addAxes(left + _SIDE + _BAR[0], bottom, _BAR[1], _SIDE)
    label = view.axisLabels[2]
    if view.counts is not None:
        ticks = dict(zip(view.counts.ticks.tolist(), view.counts.labels, strict=True))
        drawScale(cax, values, label, view.limits.extend, view.markedThreshold, ticks)
        return
    scale = OutlierScale(view.limits, np.asarray(values.get_array()), values.get_cmap().name)
    ticks = {value: formatNumber(value) for value in scale.ticks.tolist()}
    drawScale(cax, values, label, "neither", view.markedThreshold, ticks)
    for end in (view.limits.low, view.limits.high):
        cax.axhline(end, color="black", linewidth=0.6)


def _addHistograms(page: Page, view: FocalPlaneView, left: float, nBins: int, *, log: bool | None) -> None:
    """Draw histograms below a map: of the sensors that set the range, and of the others on their own."""
    width = _SIDE + sum(_BAR)
    if view.otherLimits is None:
        first, gap = width, 0.0
    else:
        first, gap = (part * width for part in _SPLIT)
    ax = page.addAxes(left, _BOTTOM, first, _HISTOGRAM)
    drawHistogram(ax, view, view.counted, view.limits, nBins, log=log)
    ax.set_xlabel(textwrap.shorten(view.axisLabels[2], 90, placeholder="…"), fontsize=7)
    if view.otherLimits is None:
        return
    ax = page.addAxes(left + first + gap, _BOTTOM, width - first - gap, _HISTOGRAM)
    drawHistogram(ax, view, ~view.counted, view.otherLimits, max(nBins // 2, 1), log=log)
    ax.set_xlabel("sensors that are not counted", fontsize=7)
