# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of focal-plane figures."""

from __future__ import annotations

__all__ = [
    "FocalPlaneArtists",
    "FocalPlaneStyle",
    "drawColourBar",
    "drawFocalPlane",
    "drawHistogram",
]

import textwrap
from dataclasses import dataclass, field

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colorbar import Colorbar
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.patheffects import Normal, withStroke
from matplotlib.text import Text

from lsst.analysis.cp.actions.plot.page import drawScale
from lsst.analysis.cp.actions.plot.polygons import drawFrames, drawHatched, drawPolygons
from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.analysis.cp.core.typing import BoolArray

from .view import MAP_INCHES, FocalPlaneView, PatchState

_MARK_WEIGHTS = np.array([0.38, 0.38, 0.12, 0.12])[:, np.newaxis]
"""Weights of the corners in the place of a mark: off the middle, where the name of an amplifier may stand."""

_KIND_LOOKS = (("#0072b2", "-"), ("#d55e00", "--"), ("#009e73", "-."), ("#cc79a7", ":"))


@dataclass(frozen=True)
class FocalPlaneStyle:
    """Looks of a focal-plane figure.

    Parameters
    ----------
    colourMap
        Name of a matplotlib colour map.
    under, over
        Colours of values outside the range.
    zero
        Colour of the count zero.
    noData, noValue
        Face, hatch and edge of patches without rows and of those without a value.
    failing
        Colour of the outlines of failing patches and of the threshold.
    outline
        Colour of the outlines of detectors.
    """

    colourMap: str = "viridis"
    under: str = "#3d3d3d"
    over: str = "#f08a3c"
    zero: str = "#f0f0f0"
    noData: tuple[str, str, str] = ("#ffffff", "///", "#b8b8b8")
    noValue: tuple[str, str, str] = ("#ffffff", "xxxxxx", "#777777")
    failing: str = "#d6006c"
    outline: str = "#444444"

    @classmethod
    def forColourMap(cls, colourMap: str) -> FocalPlaneStyle:
        """Choose colours that do not occur in a colour map.

        Parameters
        ----------
        colourMap
            Name of a matplotlib colour map.

        Returns
        -------
        style
            The style.
        """
        return cls(colourMap) if colourMap in ("viridis", "cividis") else cls(colourMap, over="#1b9e77")


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
    key: tuple[Artist, ...] = field(default=())


def drawFocalPlane(ax: Axes, view: FocalPlaneView, style: FocalPlaneStyle) -> FocalPlaneArtists:
    """Draw patches, outlines, marks and labels.

    Parameters
    ----------
    ax
        Where to draw.
    view
        What to draw.
    style
        How it looks.

    Returns
    -------
    artists
        Everything drawn.
    """
    ax.set(xlim=view.xLimits, ylim=view.yLimits, aspect="equal")
    ax.set(xlabel=view.axisLabels[0], ylabel=view.axisLabels[1])
    ax.tick_params(labelsize=8)
    if view.message:
        box = {"facecolor": "white", "edgecolor": style.outline}
        ax.text(0.5, 0.5, view.message, transform=ax.transAxes, ha="center", fontsize=12, bbox=box, zorder=6)
    looks = {"facecolor": "none", "edgecolor": style.outline, "linewidth": 0.6, "zorder": 2}
    outlines = drawPolygons(ax, view.geometry.detectorCorners, **looks)
    return FocalPlaneArtists(
        values=_coloured(ax, view, style),
        noData=drawHatched(ax, view.corners[view.select(PatchState.NO_DATA)], style.noData),
        noValue=drawHatched(ax, view.corners[view.select(PatchState.NO_VALUE)], style.noValue),
        failing=_failing(ax, view, style),
        outlines=outlines,
        below=_marks(ax, view, view.below, "v"),
        above=_marks(ax, view, view.above, "^"),
        labels=_labels(ax, view),
        key=_key(view, style),
    )


def _coloured(ax: Axes, view: FocalPlaneView, style: FocalPlaneStyle) -> PolyCollection | None:
    shown = view.select(PatchState.VALUE)
    if not shown.any():
        return None
    norm, cmap = _scale(view, style)
    edge = "face" if _patchPoints(view) < 8 else "white"
    return drawPolygons(
        ax,
        view.corners[shown],
        array=view.patches.value[shown],
        norm=norm,
        cmap=cmap,
        edgecolor=edge,
        linewidth=0.3,
    )


def _scale(view: FocalPlaneView, style: FocalPlaneStyle) -> tuple[Normalize, Colormap]:
    if view.counts is None:
        cmap = matplotlib.colormaps[style.colourMap].with_extremes(under=style.under, over=style.over)
        return Normalize(view.limits.low, view.limits.high), cmap
    n_classes = len(view.counts.labels)
    above_zero = matplotlib.colormaps[style.colourMap].reversed()(np.linspace(0.1, 1.0, n_classes - 1))
    cmap = ListedColormap([style.zero, *above_zero], name=f"{style.colourMap}_counts")
    return BoundaryNorm(view.counts.boundaries, n_classes), cmap.with_extremes(over=style.over)


def _failing(ax: Axes, view: FocalPlaneView, style: FocalPlaneStyle) -> tuple[PolyCollection, ...]:
    width = float(np.clip(0.15 * _patchPoints(view), 1.0, 2.5))
    strokes = [("white", width + 0.9), (style.failing, width)]
    if view.counts is not None:
        strokes = [(style.outline, 0.5)]
    return drawFrames(ax, view.corners[view.patches.failing], strokes)


def _marks(ax: Axes, view: FocalPlaneView, shown: BoolArray, marker: str) -> PathCollection | None:
    if not shown.any():
        return None
    x, y = (view.corners[shown] * _MARK_WEIGHTS).sum(axis=1).T
    size = float(np.clip(0.5 * _patchPoints(view), 2.0, 9.0)) ** 2
    return ax.scatter(
        x, y, s=size, marker=marker, facecolor="white", edgecolor="black", linewidth=0.4, zorder=4
    )


def _patchPoints(view: FocalPlaneView) -> float:
    """Return the shorter side of a typical patch on paper, in points."""
    if len(view.corners) == 0:
        return 1.0
    side = np.linalg.norm(np.diff(view.corners[:, :3], axis=1), axis=2).min(axis=1)
    return float(np.median(side)) * MAP_INCHES * 72 / (view.xLimits[1] - view.xLimits[0])


def _labels(ax: Axes, view: FocalPlaneView) -> tuple[Text, ...]:
    halo = [withStroke(linewidth=1.6, foreground="white"), Normal()]
    centred = view.labels.centred
    return tuple(
        ax.annotate(
            label,
            position,
            xytext=(0.0, 0.0) if centred else (1.5, -1.5),
            textcoords="offset points",
            fontsize=6.5,
            path_effects=halo,
            zorder=5,
            annotation_clip=True,
            ha="center" if centred else "left",
            va="center" if centred else "top",
        )
        for label, position in zip(view.labels.texts, view.labels.positions, strict=True)
    )


def _key(view: FocalPlaneView, style: FocalPlaneStyle) -> tuple[Artist, ...]:
    handles: list[Artist] = []
    for state, label, (face, hatch, edge) in (
        (PatchState.NO_DATA, "no data", style.noData),
        (PatchState.NO_VALUE, view.noValueLabel, style.noValue),
    ):
        if count := (view.select(state) & view.expected).sum():
            handles.append(Patch(facecolor=face, edgecolor=edge, hatch=hatch, label=f"{label}: {count}"))
    if (count := view.patches.failing.sum()) and view.counts is None:
        box = Patch(facecolor="none", edgecolor=style.failing, linewidth=2, label=f"failing: {count}")
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
        line = Line2D([], [], color=style.failing, linewidth=2, linestyle="-" if inside else "")
        line.set_label(view.thresholdLabel + ("" if inside else " (off the scale)"))
        handles.append(line)
    return tuple(handles)


def drawColourBar(
    cax: Axes, view: FocalPlaneView, artists: FocalPlaneArtists, style: FocalPlaneStyle
) -> Colorbar:
    """Draw the colour scale with the threshold on it.

    Parameters
    ----------
    cax
        Where to draw.
    view
        What the map shows.
    artists
        The map; it must have values.
    style
        How it looks.

    Returns
    -------
    bar
        The colour bar.

    Raises
    ------
    ValueError
        Raised if the map has no values.
    """
    if artists.values is None:
        raise ValueError("There is no value that a colour bar could explain.")
    bar = drawScale(
        cax, artists.values, view.axisLabels[2], view.limits.extend, view.markedThreshold, style.failing
    )
    if view.counts is not None:
        bar.set_ticks(view.counts.ticks.tolist(), labels=view.counts.labels)
        bar.minorticks_off()
    return bar


def drawHistogram(
    ax: Axes, view: FocalPlaneView, style: FocalPlaneStyle, nBins: int, *, log: bool
) -> tuple[Artist, ...]:
    """Draw how the values of the patches are distributed, one line for each kind of detector.

    Parameters
    ----------
    ax
        Where to draw.
    view
        What the map shows.
    style
        How it looks.
    nBins
        Number of bins in the colour range; whole numbers have the classes of their scale.
    log
        Whether the numbers of patches are on a logarithmic axis.

    Returns
    -------
    steps
        The outline of each histogram.
    """
    shown = view.select(PatchState.VALUE)
    bins = np.linspace(view.limits.low, view.limits.high, nBins + 1)
    if view.counts is not None:
        bins = view.counts.boundaries
    steps: list[Artist] = []
    kinds = np.unique(view.kinds[shown]).tolist()
    for i, kind in enumerate(kinds):
        colour, dashes = _KIND_LOOKS[i % len(_KIND_LOOKS)]
        counts, _ = np.histogram(view.patches.value[shown & (view.kinds == kind)], bins)
        steps.append(ax.stairs(counts, bins, color=colour, linestyle=dashes, label=kind, linewidth=1.2))
    if log:
        ax.set_yscale("log")
        ax.set_ylim(bottom=0.5)
    if len(kinds) > 1:
        ax.legend(loc="lower center", bbox_to_anchor=(0.45, 0.97), ncols=2, fontsize=6.5, frameon=False,
                  handlelength=2.5, columnspacing=1.2, labelspacing=0.25)  # fmt: skip
    if (threshold := view.markedThreshold) is not None:
        ax.axvline(threshold, color=style.failing, linewidth=1)
    ax.set_xlabel("\n".join(textwrap.wrap(view.axisLabels[2], 34)), fontsize=8)
    ax.set_ylabel(f"{view.noun}s", fontsize=8)
    ax.tick_params(labelsize=7)
    return tuple(steps)
