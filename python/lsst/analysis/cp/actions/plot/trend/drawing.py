# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of figures of trends, and their place on the page."""

from __future__ import annotations

import itertools
import textwrap
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.container import BarContainer
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.style import FAILING, LINE_LOOKS
from lsst.analysis.cp.actions.plot.text import formatNumber, pluralOf
from lsst.analysis.cp.core.amps import FAILED
from lsst.analysis.cp.core.typing import BoolArray, FloatArray
from lsst.utils.plotting import make_figure

from .axis import padSegment, splitSegments
from .text import describeGap
from .view import TrendBand, TrendView

__all__ = [
    "TrendArtists",
    "drawCounts",
    "drawTrend",
    "makeTrendFigure",
    "trendKey",
]

_MARKERS = 8
"""Number of markers on the level of a series of many epochs."""

# Places on the page, in inches.
_SIZE = (13.0, 7.2)
_DPI = 150
_LEFT, _WIDTH = 0.85, 8.35
_BOTTOM, _TOP, _COUNTS, _GAP = 0.62, 6.25, 0.85, 0.12
_PANEL_LEFT = 9.5


_BAND_LOOKS = (("#0072b2", "-"), ("#d55e00", "--"), ("#8a8a8a", "-."), ("#b8860b", ":"))
"""Colour and line style of the kinds of sensors, used in turn."""

_GAP_COLOUR, _CHANGE_COLOUR = "#e6e6e6", "#4d4d4d"

_DATES = {
    "formats": ["%Y", "%b", "%b %d", "%H:%M", "%H:%M", "%S.%f"],
    "offset_formats": ["", "%Y", "%Y", "%Y-%b-%d", "%Y-%b-%d", "%Y-%b-%d %H:%M"],
}
"""Forms of dates: a number alone would be taken for a day of the month that the end of the axis names."""

_MOST_MARKERS = 150
"""Number of epochs up to which each value of a named series has a marker."""


@dataclass(frozen=True, eq=False)
class TrendArtists:
    """What `drawTrend` has drawn; empty where there was nothing to draw.

    Parameters
    ----------
    bands
        For each kind the outer band, the inner band, and the line of the median.
    lines
        Line of each named series.
    failing
        Rings around the values of named series that failed; None if there are none.
    changes
        Markers of the change points of named series; None if there are none.
    levels
        Levels, along their drifts, of the named series that changed or drift; of all if there are many
        epochs.
    threshold
        Line of the threshold; None if there is none on the axis.
    failingSide
        Where values fail, hatched; None without a threshold.
    gaps
        What has no data.
    below, above
        Marks of values of named series outside the axis; None if there are none.
    """

    bands: tuple[tuple[PolyCollection, PolyCollection, Line2D], ...]
    lines: tuple[Line2D, ...]
    failing: PathCollection | None
    changes: PathCollection | None
    levels: tuple[Line2D, ...]
    threshold: Line2D | None
    failingSide: PolyCollection | None
    gaps: tuple[Rectangle, ...]
    below: PathCollection | None
    above: PathCollection | None


def drawTrend(ax: Axes, view: TrendView) -> TrendArtists:
    """Draw bands, named series, threshold, changes and gaps."""
    _setAxis(ax, view)
    ax.set_ylim(*view.yLimits)
    ax.set_ylabel(textwrap.fill(view.yLabel, 70), fontsize=9)
    values = view.series.values[np.isfinite(view.series.values)]
    if np.array_equal(values, np.round(values)):
        ax.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.grid(axis="y", color="0.92", linewidth=0.6)
    ax.set_axisbelow(True)
    if view.message:
        ax.text(0.5, 0.5, view.message, transform=ax.transAxes, ha="center", fontsize=12)
    line, side = _drawThreshold(ax, view)
    bands = tuple(
        _drawBand(ax, view, band, *looks)
        for band, looks in zip(view.bands, itertools.cycle(_BAND_LOOKS), strict=False)
    )
    lines = tuple(_drawSeries(ax, view, i) for i in range(len(view.named)))
    values = view.series.values[view.named]
    below = _markEdge(ax, view, values < view.yLimits[0], 0.012, "v")
    above = _markEdge(ax, view, values > view.yLimits[1], 0.988, "^")
    return TrendArtists(
        bands=bands,
        lines=lines,
        failing=_markFailing(ax, view),
        changes=_markChanges(ax, view),
        levels=_drawLevels(ax, view),
        threshold=line,
        failingSide=side,
        gaps=_drawGaps(ax, view, label=True),
        below=below,
        above=above,
    )


def drawCounts(ax: Axes, view: TrendView) -> tuple[BarContainer, BarContainer]:
    """Draw bars: the numbers of series that fail, upwards, and of those that change, downwards."""
    _setAxis(ax, view)
    width = 2 * view.axis.halfWidth
    failing = ax.bar(view.axis.x, view.nFailing, width, color=FAILING, linewidth=0)
    changing = ax.bar(view.axis.x, -view.nChanging, width, color=_CHANGE_COLOUR, linewidth=0)
    _drawGaps(ax, view, label=False)
    ax.axhline(0.0, color="0.5", linewidth=0.6)
    # Each side gets a share of the axis, so that a small number is seen beside a large one.
    up, down = (max(int(counts.max(initial=0)), 1) for counts in (view.nFailing, view.nChanging))
    ax.set_ylim(-1.15 * max(down, 0.4 * up), 1.15 * max(up, 0.4 * down))
    ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
    ax.set_ylabel(f"{pluralOf(view.noun)}\nchanged | failed", fontsize=7)
    ax.tick_params(labelsize=7)
    return failing, changing


def _setAxis(ax: Axes, view: TrendView) -> None:
    """Set limits and labels of the axis of epochs."""
    axis = view.axis
    ax.set_xlim(*axis.limits)
    ax.tick_params(labelsize=8)
    if axis.isTime:
        locator = AutoDateLocator(minticks=3, maxticks=9)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, **_DATES))
        ax.xaxis.get_offset_text().set_fontsize(8)
    else:
        ax.set_xticks(axis.ticks, labels=axis.tickLabels)
    ax.set_xlabel(axis.label, fontsize=8)


def _drawGaps(ax: Axes, view: TrendView, *, label: bool) -> tuple[Rectangle, ...]:
    """Shade what has no data, and say how long it is where there is room."""
    axis = view.axis
    half, span = axis.halfWidth, axis.limits[1] - axis.limits[0]
    spans = []
    for (start, stop), days in zip(axis.gapEdges.tolist(), axis.gapDays.tolist(), strict=True):
        spans.append(
            ax.axvspan(start + half, stop - half, facecolor=_GAP_COLOUR, edgecolor="none", zorder=0.5)
        )
        if label and stop - start > 0.025 * span:
            ax.text(
                0.5 * (start + stop), 0.015, describeGap(days), transform=ax.get_xaxis_transform(),
                ha="center", va="bottom", fontsize=6.5, color="0.35", rotation=90,
            )  # fmt: skip
    return tuple(spans)


def _drawBand(
    ax: Axes, view: TrendView, band: TrendBand, colour: str, line: str
) -> tuple[PolyCollection, PolyCollection, Line2D]:
    """Draw the quantiles of a kind; single epochs have a width, and gaps are left open."""
    known = np.isfinite(band.median)
    parts = [padSegment(view.axis, run) for run in splitSegments(view.axis.segments, known)]
    x = np.concatenate([np.append(places, np.nan) for places, _ in parts])
    rows = np.concatenate([np.column_stack([band.quantiles[:, index], np.full(5, np.nan)])
                           for _, index in parts], axis=1)  # fmt: skip
    outer, inner = (
        ax.fill_between(
            x, rows[i], rows[4 - i], where=np.isfinite(x), facecolor=colour, alpha=alpha, linewidth=0
        )
        for i, alpha in ((0, 0.16), (1, 0.28))
    )
    (median,) = ax.plot(x, rows[2], line, color=colour, linewidth=1.4)
    return outer, inner, median


def _drawSeries(ax: Axes, view: TrendView, place: int) -> Line2D:
    """Draw a named series; the line ends at gaps. One of many epochs is pale, since it also has a level."""
    x, y = _pointsOf(view, view.series.values[view.named[place]])
    colour, marker = LINE_LOOKS[place]
    looks: dict[str, Any] = {"marker": marker, "markersize": 4.0, "linewidth": 0.9}
    if view.series.nEpochs > _MOST_MARKERS:
        looks = {"linewidth": 0.6, "alpha": 0.45}
    (line,) = ax.plot(x, y, "-", color=colour, zorder=3, **looks)
    return line


def _pointsOf(
    view: TrendView, values: FloatArray, breaks: npt.ArrayLike = ()
) -> tuple[FloatArray, FloatArray]:
    """Return the points of a series, with NaN at gaps and before some epochs, where a line has to end.

    An epoch of which only this series lacks a value is no gap.
    """
    xs, ys = [np.empty(0)], [np.empty(0)]
    for segment in view.axis.segments:
        known = np.flatnonzero(np.isfinite(values[segment])) + segment.start
        cuts = np.searchsorted(known, np.asarray(breaks, dtype=np.intp))
        for part in np.split(known, np.unique(cuts)):
            xs += [view.axis.x[part], np.array([np.nan])]
            ys += [values[part], np.array([np.nan])]
    return np.concatenate(xs), np.concatenate(ys)


def _markFailing(ax: Axes, view: TrendView) -> PathCollection | None:
    """Ring the values of named series that failed."""
    series, epoch = np.nonzero(view.series.status[view.named] == FAILED)
    values = view.series.values[view.named][series, epoch]
    shown = (values >= view.yLimits[0]) & (values <= view.yLimits[1])
    if not shown.any():
        return None
    return ax.scatter(
        view.axis.x[epoch[shown]], values[shown], s=34 if view.series.nEpochs <= _MOST_MARKERS else 14,
        facecolor="none", edgecolor=FAILING, linewidth=1.0, zorder=4,
    )  # fmt: skip


def _markChanges(ax: Axes, view: TrendView) -> PathCollection | None:
    """Mark the change points of named series, between the levels before and after."""
    findings = view.findings
    places = {int(index): place for place, index in enumerate(view.named)}
    chosen = [i for i, index in enumerate(findings.changeSeries.tolist()) if index in places]
    if not chosen:
        return None
    middle = 0.5 * (findings.changeBefore[chosen] + findings.changeAfter[chosen])
    colours = [LINE_LOOKS[places[int(findings.changeSeries[i])]][0] for i in chosen]
    return ax.scatter(
        view.axis.x[findings.changeEpoch[chosen]], middle, s=150, marker="|", color=colours, linewidth=2.6,
        zorder=5,
    )  # fmt: skip


def _drawLevels(ax: Axes, view: TrendView) -> tuple[Line2D, ...]:
    """Draw the level of each named series that changed or drifts, and of all that have many epochs."""
    findings = view.findings
    is_dense = view.series.nEpochs > _MOST_MARKERS
    lines = []
    for place, index in enumerate(view.named.tolist()):
        colour, marker = LINE_LOOKS[place]
        x, y = _pointsOf(view, findings.expected[index], findings.changeEpoch[findings.changeSeries == index])
        if is_dense:
            # Markers of series with the same epochs shall not fall on each other.
            every = (place * len(x) // (_MARKERS * len(view.named)), max(1, len(x) // _MARKERS))
            lines += ax.plot(x, y, "-", color=colour, linewidth=1.8, marker=marker, markevery=every,
                             markersize=5.5, markeredgecolor="white", markeredgewidth=0.5,
                             zorder=3.5)  # fmt: skip
        elif findings.drifting[index] or index in findings.changeSeries:
            lines += ax.plot(x, y, ":", color=colour, linewidth=1.6, zorder=3.5)
    return tuple(lines)


def _drawThreshold(ax: Axes, view: TrendView) -> tuple[Line2D | None, PolyCollection | None]:
    """Draw the threshold over the axis, and hatch the side on which values fail."""
    threshold = view.series.threshold
    known = np.flatnonzero(np.isfinite(threshold))
    if len(known) == 0:
        return None, None
    # The last one holds on, and the first one from the beginning.
    x = np.concatenate([[view.axis.limits[0]], view.axis.x[known[1:]], [view.axis.limits[1]]])
    y = threshold[known[[*range(len(known)), -1]]]
    (line,) = ax.plot(x, y, "-.", color=FAILING, linewidth=1.2, drawstyle="steps-post", zorder=2.5)
    end = view.yLimits[1] if view.failsAbove else view.yLimits[0]
    beyond = np.maximum(y, end) if view.failsAbove else np.minimum(y, end)
    side = ax.fill_between(
        x, y, beyond, step="post", facecolor="none", edgecolor=FAILING, hatch="///", alpha=0.22,
        linewidth=0.0, zorder=0.4,
    )  # fmt: skip
    return line, side


def _markEdge(
    ax: Axes, view: TrendView, outside: BoolArray, height: float, marker: str
) -> PathCollection | None:
    """Mark some values of named series beyond the axis at its edge; the height is in parts of the axis."""
    places, epochs = np.nonzero(outside)
    if len(epochs) == 0:
        return None
    return ax.scatter(
        view.axis.x[epochs], np.full(len(epochs), height), transform=ax.get_xaxis_transform(), s=40,
        marker=marker, facecolor=[LINE_LOOKS[place][0] for place in places.tolist()], edgecolor="white",
        linewidth=0.5, zorder=6, clip_on=False,
    )  # fmt: skip


def makeTrendFigure(view: TrendView) -> Figure:
    """Lay out the trend, the counts of what fails and changes, key, numbers and provenance.

    The figure has an Agg canvas.
    """
    page = Page(make_figure(figsize=_SIZE, dpi=_DPI), _PANEL_LEFT)
    has_counts = bool(view.nFailing.any() or view.nChanging.any())
    bottom = _BOTTOM + (_COUNTS + _GAP if has_counts else 0.0)
    ax = page.addAxes(_LEFT, bottom, _WIDTH, _TOP - bottom)
    artists = drawTrend(ax, view)
    if has_counts:
        drawCounts(page.addAxes(_LEFT, _BOTTOM, _WIDTH, _COUNTS, sharex=ax), view)
        ax.tick_params(labelbottom=False)
        ax.set_xlabel("")
        ax.xaxis.get_offset_text().set_visible(False)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.isAlarming)
    y = page.writeKey(_TOP, trendKey(view, artists))
    for lines in view.lists:
        y = page.writeLines(y, lines, _BOTTOM)
    return page.figure


def trendKey(view: TrendView, artists: TrendArtists) -> tuple[Artist, ...]:
    """Explain by artists with labels what occurs in a view of which some artists were drawn."""
    handles: list[Artist] = []
    for band, (colour, line) in zip(view.bands, itertools.cycle(_BAND_LOOKS), strict=False):
        label = f"median of {band.nSeries} {band.label} {pluralOf(view.noun)}".replace("  ", " ")
        looks: dict[str, Any] = {"color": colour, "linestyle": line}
        handles.append(Line2D([], [], label=label, **looks))
        handles.append(Patch(facecolor=colour, alpha=0.35, label="half of them, and 90 %"))
    names = view.series.names[view.named].tolist()
    for name, (colour, marker) in zip(names, LINE_LOOKS, strict=False):
        handles.append(Line2D([], [], color=colour, marker=marker, label=name))
    if view.thresholdLabel:
        label = view.thresholdLabel if view.showsThreshold else f"{view.thresholdLabel} (beyond the axis)"
        handles.append(Line2D([], [], color=FAILING, linestyle="-.", label=label))
    return (*handles, *_markKey(view, artists))


def _markKey(view: TrendView, artists: TrendArtists) -> list[Artist]:
    """Explain the marks that occur."""
    handles: list[Artist] = []
    marks: dict[str, Any] = {"linestyle": "none", "color": "0.3"}
    if artists.failing is not None:
        ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgecolor": FAILING}
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
            label = f"{word} {formatNumber(end, 3)}: {len(np.asarray(scatter.get_offsets()))}"
            handles.append(Line2D([], [], marker=marker, label=label, **marks))
    if artists.gaps:
        handles.append(Patch(facecolor=_GAP_COLOUR, label="no data"))
    return handles
