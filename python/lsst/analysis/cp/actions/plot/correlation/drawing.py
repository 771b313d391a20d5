# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of correlation matrices, and their place on the page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.ticker import FixedLocator

from lsst.analysis.cp.actions.plot.matrix.drawing import (
    DIAGONAL,
    blockCorners,
    cellCorners,
    drawCells,
    prepareAxes,
)
from lsst.analysis.cp.actions.plot.outlierScale import OutlierScale
from lsst.analysis.cp.actions.plot.page import Page, drawScale
from lsst.analysis.cp.actions.plot.polygons import drawHatched, drawPolygons, gapKey
from lsst.analysis.cp.actions.plot.style import NO_DATA, NO_VALUE
from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.utils.plotting import make_figure

from .view import CorrelationView, MatrixView

__all__ = ["MatrixArtists", "drawMatrix", "drawWorst", "makeCorrelationFigure"]

_DPI = 150
_COLOURS = "RdBu_r"

# Places on the page, in inches.
_SIDE, _LEFT, _PITCH = 5.3, 0.85, 7.15
_BAR = (0.12, 0.18)
_WORDS = 4.1
_HEADER, _BOTTOM = 1.55, 0.65
_STRIP, _STRIP_GAP = 0.95, 0.75
_LOOKS = (("#0072b2", "o", "-"), ("#d55e00", "s", "--"))
_MOST_LABELS = 8


@dataclass(frozen=True, eq=False)
class MatrixArtists:
    """What `drawMatrix` has drawn; None where there was nothing to draw.

    Parameters
    ----------
    cells
        The pairs that have a value, coloured by it.
    diagonal
        Squares of the amplifiers that were measured, on the diagonal.
    notMeasured
        Pairs of amplifiers without a value, of one detector or of two that have a row.
    unmeasuredBlocks
        Pairs of two detectors without a row.
    """

    cells: PolyCollection | None
    diagonal: PolyCollection | None
    notMeasured: PathPatch | None
    unmeasuredBlocks: PathPatch | None


def drawMatrix(ax: Axes, view: CorrelationView, matrix: MatrixView) -> MatrixArtists:
    """Draw the values, what is not measured, and names; the first amplifier is at the upper left."""
    prepareAxes(ax, view.layout)
    finite = matrix.values[np.isfinite(matrix.values)]
    cells = None
    if len(finite):
        scale = OutlierScale(matrix.limits, finite, _COLOURS)
        cells = drawCells(ax, matrix.values, scale.norm, scale.colourMap)
    diagonal = None
    if view.hasDiagonal.any():
        measured = np.flatnonzero(view.hasDiagonal)
        corners = cellCorners(measured, measured)
        diagonal = drawPolygons(ax, corners, facecolor=DIAGONAL, edgecolor="none", zorder=1.5)
    return MatrixArtists(
        cells=cells,
        diagonal=diagonal,
        notMeasured=drawHatched(ax, cellCorners(*np.nonzero(view.notMeasured)), NO_VALUE, zorder=1.6),
        unmeasuredBlocks=drawHatched(
            ax, blockCorners(view.layout, view.unmeasuredBlocks), NO_DATA, zorder=1.6
        ),
    )


def drawWorst(ax: Axes, view: CorrelationView) -> tuple[Line2D, ...]:
    """Draw the largest absolute value of each exposure, a line a matrix."""
    places = np.arange(len(view.epochs))
    lines = tuple(
        ax.plot(places, matrix.worst, dashes, color=colour, marker=marker, markersize=4, linewidth=1,
                label=matrix.label)[0]
        for matrix, (colour, marker, dashes) in zip(view.matrices, _LOOKS, strict=False)
    )  # fmt: skip
    stride = max(1, -(-len(places) // _MOST_LABELS))
    ax.xaxis.set_major_locator(FixedLocator(places[::stride].tolist()))
    ax.set_xticks(places[::stride], labels=[str(epoch) for epoch in view.epochs[::stride]])
    ax.set_xlim(-0.5, len(places) - 0.5)
    # Where nothing is measured, all are NaN.
    highest = np.nan_to_num([matrix.worst for matrix in view.matrices], nan=0.0).max(initial=0.0)
    ax.set_ylim(0.0, 1.15 * highest or 1.0)
    ax.tick_params(labelsize=7)
    ax.set_ylabel("largest\n|correlation|", fontsize=8)
    ax.set_xlabel("Exposure, in order", fontsize=8)
    ax.legend(fontsize=7, loc="lower left", bbox_to_anchor=(-0.01, 0.97), ncols=2, frameon=False)
    return lines


def makeCorrelationFigure(view: CorrelationView) -> Figure:
    """Lay out the matrices, the strip of exposures, words and provenance."""
    has_strip = len(view.epochs) > 1
    bottom = _BOTTOM + (_STRIP + _STRIP_GAP if has_strip else 0.0)
    words_left, top = len(view.matrices) * _PITCH + 0.1, bottom + _SIDE
    page = Page(make_figure(figsize=(words_left + _WORDS, top + _HEADER), dpi=_DPI), words_left)
    for place, matrix in enumerate(view.matrices):
        left = _LEFT + place * _PITCH
        artists = drawMatrix(page.addAxes(left, bottom, _SIDE, _SIDE), view, matrix)
        page.writeAbove(left, top, matrix.label, f"colours: {matrix.limits.rule}")
        if artists.cells is not None:
            _addScale(page, matrix, artists.cells, left, bottom)
    if has_strip:
        width = _LEFT + (len(view.matrices) - 1) * _PITCH + _SIDE - _LEFT
        drawWorst(page.addAxes(_LEFT, _BOTTOM, width, _STRIP), view)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.isBad)
    y = page.writeKey(top, _makeKey(view))
    if view.notes:
        y = page.writeLines(y, ("Of the table", *view.notes))
    for lines in view.lists:
        y = page.writeLines(y, lines)
    return page.figure


def _addScale(page: Page, matrix: MatrixView, cells: PolyCollection, left: float, bottom: float) -> None:
    """Draw the colour scale of a matrix."""
    cax = page.addAxes(left + _SIDE + _BAR[0], bottom, _BAR[1], _SIDE)
    scale = OutlierScale(matrix.limits, matrix.values[np.isfinite(matrix.values)], _COLOURS)
    ticks = {value: formatNumber(value, 3) for value in scale.ticks.tolist()}
    drawScale(cax, cells, "Correlation coefficient", "neither", None, ticks)
    for end in (matrix.limits.low, matrix.limits.high):
        cax.axhline(end, color="black", linewidth=0.6)


def _makeKey(view: CorrelationView) -> list[Artist]:
    """Explain and count what occurs in the matrices."""
    n_blocks = np.count_nonzero(view.unmeasuredBlocks)
    key: list[Artist] = []
    if view.hasDiagonal.any():
        key.append(Patch(facecolor=DIAGONAL, label="1 by definition"))
    return key + list(
        gapKey(
            ("pairs of detectors, not measured", int(n_blocks)),
            ("pairs of amplifiers, not measured", int(np.count_nonzero(view.notMeasured))),
        )
    )
