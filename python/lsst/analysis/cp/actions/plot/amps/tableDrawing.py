# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of a table of failures, and the page on which it is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from lsst.analysis.cp.actions.plot.countColours import countColours
from lsst.analysis.cp.actions.plot.glyphs import drawGlyphs
from lsst.analysis.cp.actions.plot.page import Page, drawScale
from lsst.analysis.cp.actions.plot.polygons import drawHatched, drawPolygons, gapKey
from lsst.analysis.cp.actions.plot.style import NO_DATA, NO_VALUE, OUTLINE
from lsst.analysis.cp.core.geometry import boxCorners
from lsst.analysis.cp.core.typing import FloatArray
from lsst.utils.plotting import make_figure

from .tableView import CellState, FailureTableView

__all__ = ["TableArtists", "TableLayout", "drawTable", "layOutTable", "makeTableFigure"]

_DPI = 200
_COLOURS = "viridis"

# Sizes on the page, in inches.
_MARGIN = 0.15
_HEADER = 1.0
_BOTTOM = 0.25
_BAR = (0.15, 0.16, 0.8)
"""Distance of the colour scale from the table, its width, and the room of its labels."""
_WORDS = 3.9
_LEAST_HEIGHT = 5.4
"""Height of the page above which the column of words is not cut."""
_APART = 0.5
"""Gap, in cells, above tests that stand apart."""
_LETTER = 0.0088
"""Width of a letter, inches, for each point of its size."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TableLayout:
    """Places of a table, inches from the lower left corner of its labels.

    Parameters
    ----------
    corners
        Corners of the cells, shape (nTests, nDet, 4, 2); NaN for detectors that are in no block.
    labelPlaces
        Right end and middle of the names of the tests, shape (nRows, nTests, 2), once for each row of blocks.
    namePlaces
        Left end and lower edge of the names of the blocks, shape (nBlocks, 2).
    detectorPlaces
        Middle of the names of the detectors, one array of shape (n, 2) for each block.
    width, height
        Size of the whole.
    points
        Size of the letters.
    """

    corners: FloatArray
    labelPlaces: FloatArray
    namePlaces: FloatArray
    detectorPlaces: tuple[FloatArray, ...]
    width: float
    height: float
    points: float


def layOutTable(view: FailureTableView) -> TableLayout:
    """Choose the size of the cells, and place them: they are smaller where there are several blocks."""
    longest = max((len(label) for block in view.blocks for label in block.labels), default=0)
    lone = len(view.blocks) == 1
    points, height = (8.0, 0.26) if lone else (6.0, 0.155)
    cell = max(0.36 if lone else 0.235, points * _LETTER * longest + 0.06)
    left = points * _LETTER * max(map(len, view.labels), default=0) + 0.08
    n_tests = len(view.labels)
    # Lower edge of each test, from the top of the first one.
    down = height * (
        np.arange(n_tests) + 1 + _APART * (np.arange(n_tests) >= view.nCounted) * (view.nCounted > 0)
    )
    head = (0.0 if lone else 0.15) + 0.15
    pitch = head + (down[-1] if n_tests else 0.0) + 0.14
    n_rows = max((block.row for block in view.blocks), default=-1) + 1
    n_columns = max((block.column for block in view.blocks), default=-1) + 1
    widths = np.zeros(n_columns)
    for block in view.blocks:
        widths[block.column] = max(widths[block.column], cell * len(block.detectors))
    starts = left + np.concatenate([[0.0], np.cumsum(widths + 0.14)])
    total = n_rows * pitch
    corners = np.full((n_tests, view.cells.nFailed.shape[1], 4, 2), np.nan)
    detector_places = []
    for block in view.blocks:
        x = starts[block.column] + cell * np.arange(len(block.detectors))
        y = total - block.row * pitch - head - down
        edges = np.broadcast_arrays(x, y[:, None], x + cell, y[:, None] + height)
        corners[:, block.detectors] = boxCorners(np.stack(edges, axis=-1).reshape(-1, 4)).reshape(
            n_tests, len(x), 4, 2
        )
        names_y = total - block.row * pitch - head + 0.065
        detector_places.append(np.column_stack([x + 0.5 * cell, np.full(len(x), names_y)]))
    tops = total - np.arange(n_rows) * pitch - head
    label_y = tops[:, None] - down + 0.5 * height
    return TableLayout(
        corners=corners,
        labelPlaces=np.stack([np.full(label_y.shape, left - 0.06), label_y], axis=-1),
        namePlaces=np.array([[starts[b.column], tops[b.row] + 0.16] for b in view.blocks]).reshape(-1, 2),
        detectorPlaces=tuple(detector_places),
        width=float(starts[n_columns]),
        height=total,
        points=points,
    )


@dataclass(frozen=True, eq=False)
class TableArtists:
    """What `drawTable` has drawn; None and empty where there was nothing to draw.

    Parameters
    ----------
    counts
        Cells with a number, coloured by it.
    noData, noValue
        Cells of missing detectors, and of detectors of which nothing is known; each is one compound path.
    outlines
        Cells of tests that were not run.
    texts
        What is written in the cells, a collection for each different text, which is its ``gid``.
    labels
        Names of tests and blocks.
    detectorNames
        Names of detectors, as the texts are.
    """

    counts: PolyCollection | None
    noData: PathPatch | None
    noValue: PathPatch | None
    outlines: PolyCollection | None
    texts: tuple[PathCollection, ...]
    labels: tuple[Text, ...]
    detectorNames: tuple[PathCollection, ...]


def drawTable(ax: Axes, view: FailureTableView, layout: TableLayout) -> TableArtists:
    """Draw cells and names; the axes are in inches."""
    ax.set(xlim=(0, layout.width), ylim=(0, layout.height))
    ax.set_axis_off()
    placed = np.isfinite(layout.corners).all(axis=(2, 3))
    state, n_failed = view.cells.state, view.cells.nFailed
    counts = outlines = None
    texts: tuple[PathCollection, ...] = ()
    looks = {"edgecolor": "white", "linewidth": 0.5}
    colours, norm = countColours(view.counts, _COLOURS)
    if (shown := placed & view.cells.hasNumber).any():
        values = n_failed[shown]
        counts = drawPolygons(ax, layout.corners[shown], array=values, norm=norm, cmap=colours, **looks)
    if (shown := placed & (state == CellState.NOT_RUN)).any():
        outlines = drawPolygons(ax, layout.corners[shown], facecolor="white", edgecolor="0.8", linewidth=0.5)
    # White on the dark colours, and grey where nothing failed.
    dark = colours(norm(n_failed))[..., :3] @ [0.299, 0.587, 0.114] < 0.5
    middle = layout.corners.mean(axis=2)
    unknown = state == CellState.UNKNOWN
    has_failed = view.cells.hasNumber & (n_failed > 0)
    for colour, weight, chosen in (
        ("0.45", "normal", ~has_failed & view.cells.hasNumber),
        ("0.45", "bold", state == CellState.NOT_RUN),
        ("black", "bold", unknown),
        ("black", "bold", has_failed & ~dark),
        ("white", "bold", has_failed & dark),
    ):
        cells = placed & chosen
        written = drawGlyphs(
            ax, view.cells.texts[cells], middle[cells], layout.points, colour=colour, weight=weight
        )
        if chosen is unknown:
            for text in written:  # Else the hatching hides them.
                text.set_path_effects([withStroke(linewidth=2.5, foreground="white")])
        texts += written
    return TableArtists(
        counts=counts,
        noData=drawHatched(ax, layout.corners[placed & (state == CellState.MISSING)], NO_DATA),
        noValue=drawHatched(ax, layout.corners[placed & unknown], NO_VALUE),
        outlines=outlines,
        texts=texts,
        labels=_writeNames(ax, view, layout),
        detectorNames=drawGlyphs(
            ax,
            np.array([label for block in view.blocks for label in block.labels], dtype=np.str_),
            np.concatenate([np.empty((0, 2)), *layout.detectorPlaces]),
            layout.points - 0.5,
            colour="0.25",
        ),
    )


def _writeNames(ax: Axes, view: FailureTableView, layout: TableLayout) -> tuple[Text, ...]:
    """Write the names of tests, at the left of each row of blocks, and those of blocks."""
    head: dict[str, Any] = {"fontsize": layout.points + 2, "fontweight": "bold", "color": OUTLINE}
    looks: dict[str, Any] = {"fontsize": layout.points, "ha": "right", "va": "center"}
    names = [
        ax.text(x, y, block.name, parse_math=False, **head)
        for block, (x, y) in zip(view.blocks, layout.namePlaces.tolist(), strict=True)
        if block.name
    ]
    for places in layout.labelPlaces.tolist():
        for i, (label, (x, y)) in enumerate(zip(view.labels, places, strict=True)):
            names.append(ax.text(x, y, label, color="black" if i < view.nCounted else "0.4", **looks))
    return tuple(names)


def makeTableFigure(view: FailureTableView) -> Figure:
    """Lay out table, colour scale, key, lists and provenance on a figure with an Agg canvas."""
    layout = layOutTable(view)
    bar = sum(_BAR)
    words_left = _MARGIN + layout.width + bar
    height = max(_BOTTOM + layout.height + _HEADER, _LEAST_HEIGHT)
    # Titles and provenance need some width, however small the table is.
    page = Page(make_figure(figsize=(max(words_left + _WORDS, 9.0), height), dpi=_DPI), words_left)
    top = height - _HEADER
    bottom = top - layout.height
    ax = page.addAxes(_MARGIN, bottom, layout.width, layout.height)
    artists = drawTable(ax, view, layout)
    if view.message:
        ax.text(0.5, 0.5, view.message, transform=ax.transAxes, ha="center", fontsize=12, zorder=6,
                bbox={"facecolor": "white", "edgecolor": OUTLINE})  # fmt: skip
    if artists.counts is not None:
        side = min(layout.height, 3.0)
        cax = page.addAxes(_MARGIN + layout.width + _BAR[0], top - side, _BAR[1], side)
        ticks = dict(zip(view.counts.ticks.tolist(), view.counts.labels, strict=True))
        drawScale(cax, artists.counts, "failed amplifiers", "neither", None, ticks)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.failing)
    shown = np.concatenate([np.empty(0, np.intp), *(block.detectors for block in view.blocks)])
    state = view.cells.state[:, shown]
    missing, unknown = (int((state == code).sum()) for code in (CellState.MISSING, CellState.UNKNOWN))
    y = page.writeKey(top, gapKey(("no data, cells", missing), ("unknown, cells", unknown)))
    for lines in view.lists:
        y = page.writeLines(y, lines, _BOTTOM)
    page.writeLines(y, view.listing.fit(page.countLines(y, _BOTTOM)), _BOTTOM)
    return page.figure
