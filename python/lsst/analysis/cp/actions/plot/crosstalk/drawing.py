# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of matrices of crosstalk, and their place on the page."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch

from lsst.analysis.cp.actions.plot.matrix.drawing import (
    DIAGONAL,
    blockCorners,
    cellCorners,
    drawCells,
    prepareAxes,
)
from lsst.analysis.cp.actions.plot.page import Page, drawScale
from lsst.analysis.cp.actions.plot.polygons import drawFrames, drawHatched, drawPolygons, gapKey
from lsst.analysis.cp.actions.plot.style import FAILING, NO_DATA, NO_VALUE
from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.analysis.cp.core.typing import BoolArray
from lsst.utils.plotting import make_figure

from .view import CrosstalkPanel, CrosstalkView

__all__ = ["CrosstalkArtists", "drawCrosstalk", "drawValidity", "makeCrosstalkFigure"]

_DPI = 150
_COLOURS = "RdBu_r"
_VALID, _NOT_VALID = "#2a6f97", "#cfe0ea"
_SELF = "#000000"

# Places on the page, in inches.
_SIDE, _LEFT, _PITCH_X, _PITCH_Y = 4.6, 0.9, 6.5, 5.75
_BAR = (0.12, 0.16)
_WORDS = 4.1
_HEADER, _BOTTOM = 1.55, 0.75


@dataclass(frozen=True, eq=False)
class CrosstalkArtists:
    """What `drawCrosstalk` and `drawValidity` have drawn; None and empty where there was nothing to draw.

    Parameters
    ----------
    cells
        The pairs that have a value, coloured by it.
    diagonal
        Squares of amplifiers with themselves, where these have no coefficient.
    frames
        Outlines of what is beyond the thresholds, one collection a stroke.
    selfFrames
        The same of amplifiers with a coefficient with themselves.
    notMeasured
        Pairs of amplifiers without a value.
    noElements
        Pairs of detectors without elements.
    """

    cells: PolyCollection | None
    diagonal: PolyCollection | None
    frames: tuple[PolyCollection, ...]
    selfFrames: tuple[PolyCollection, ...]
    notMeasured: PathPatch | None
    noElements: PathPatch | None


def drawCrosstalk(ax: Axes, view: CrosstalkView, panel: CrosstalkPanel) -> CrosstalkArtists:
    """Draw a matrix on a symmetric logarithmic scale, with frames where it has a threshold."""
    norm = SymLogNorm(panel.linear, vmin=-panel.high, vmax=panel.high)
    cells = drawCells(ax, panel.values, norm, _COLOURS)
    beyond = view.isBeyond & np.isfinite(panel.threshold)
    return _finish(ax, view, cells, panel, beyond)


def drawValidity(ax: Axes, view: CrosstalkView) -> CrosstalkArtists:
    """Draw which coefficients the calibration calls valid; those of amplifiers with themselves, too."""
    valid, known = view.left.valid, view.left.isMeasured | np.diag(view.left.isSelf)
    corners = cellCorners(*np.nonzero(known))
    colours = np.where(valid[known], _VALID, _NOT_VALID).tolist()
    cells = (
        drawPolygons(ax, corners, facecolor=colours, edgecolor="white", linewidth=0.2) if colours else None
    )
    return _finish(ax, view, cells, view.residual, np.zeros_like(view.isBeyond))


def _finish(
    ax: Axes,
    view: CrosstalkView,
    cells: PolyCollection | None,
    panel: CrosstalkPanel,
    beyond: BoolArray,
) -> CrosstalkArtists:
    """Draw what all matrices have: the diagonal, frames, what is not measured, and names."""
    layout = view.layout
    prepareAxes(ax, layout)
    ax.set_xlabel("amplifier that sees it", fontsize=8)
    ax.set_ylabel("source", fontsize=8)
    own = layout.ampDetector
    has_self = np.isfinite(np.diag(panel.values))
    empty = np.flatnonzero(~has_self & panel.blocks[own, own])
    diagonal = None
    if len(empty):
        diagonal = drawPolygons(
            ax, cellCorners(empty, empty), facecolor=DIAGONAL, edgecolor="none", zorder=1.5
        )
    selves = np.flatnonzero(has_self)
    width = 1.6 if layout.nDetectors == 1 else 0.7
    return CrosstalkArtists(
        cells=cells,
        diagonal=diagonal,
        frames=drawFrames(
            ax, cellCorners(*np.nonzero(beyond)), [("white", 2.2 * width), (FAILING, width)], zorder=3.0
        ),
        selfFrames=drawFrames(
            ax, cellCorners(selves, selves), [("white", 2.2 * width), (_SELF, width)], zorder=3.1
        ),
        notMeasured=drawHatched(ax, cellCorners(*np.nonzero(panel.isAbsent(own))), NO_VALUE, zorder=1.6),
        noElements=drawHatched(ax, blockCorners(layout, ~panel.blocks), NO_DATA, zorder=1.6),
    )


def makeCrosstalkFigure(view: CrosstalkView) -> Figure:
    """Lay out the matrices, two a row, words and provenance."""
    n_rows = -(-(len(view.panels) + 1) // 2)
    words_left = 2 * _PITCH_X + 0.25
    top = _BOTTOM + (n_rows - 1) * _PITCH_Y + _SIDE
    page = Page(make_figure(figsize=(words_left + _WORDS, top + _HEADER), dpi=_DPI), words_left)
    for number in range(len(view.panels) + 1):
        left = _LEFT + number % 2 * _PITCH_X
        bottom = top - _SIDE - number // 2 * _PITCH_Y
        ax = page.addAxes(left, bottom, _SIDE, _SIDE)
        if number == len(view.panels):
            drawValidity(ax, view)
            page.writeAbove(left, bottom + _SIDE, "Validity of the residual", "as the calibration has it")
            continue
        panel = view.panels[number]
        artists = drawCrosstalk(ax, view, panel)
        page.writeAbove(left, bottom + _SIDE, panel.title, panel.note)
        if artists.cells is not None:
            _addScale(page, panel, artists.cells, left, bottom)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.isBad)
    y = page.writeKey(top, _makeKey(view))
    for lines in view.lists:
        y = page.writeLines(y, lines)
    return page.figure


def _addScale(page: Page, panel: CrosstalkPanel, cells: PolyCollection, left: float, bottom: float) -> None:
    """Draw the colour scale of a matrix, with its threshold on both sides."""
    cax = page.addAxes(left + _SIDE + _BAR[0], bottom, _BAR[1], _SIDE)
    n = round(np.log10(panel.high / panel.linear))
    powers = [panel.linear * 10.0**i for i in range(n + 1)]
    ticks = {value: formatNumber(value, 2) for value in [*(-p for p in powers[::-1]), 0.0, *powers]}
    drawScale(cax, cells, panel.label, "neither", None, ticks)
    if np.isfinite(panel.threshold):
        for end in (-panel.threshold, panel.threshold):
            cax.axhline(end, color="white", linewidth=3)
            cax.axhline(end, color=FAILING, linewidth=1.5)


def _makeKey(view: CrosstalkView) -> list[Artist]:
    """Explain and count what occurs in the matrices."""
    key: list[Artist] = [Patch(facecolor=DIAGONAL, label="amplifier with itself: none, as it has to be")]
    n_self, n_beyond = (int(np.count_nonzero(found)) for found in (view.left.isSelf, view.isBeyond))
    if n_self:
        label = f"amplifier with itself, not 0: {n_self}"
        key.append(Patch(facecolor="none", edgecolor=_SELF, linewidth=1.6, label=label))
    if n_beyond:
        label = f"beyond the thresholds: {n_beyond}"
        key.append(Patch(facecolor="none", edgecolor=FAILING, linewidth=1.6, label=label))
    known, valid = view.left.isMeasured | np.diag(view.left.isSelf), view.left.valid
    for colour, word, found in ((_VALID, "valid", known & valid), (_NOT_VALID, "not valid", known & ~valid)):
        key.append(Patch(facecolor=colour, label=f"{word}: {int(np.count_nonzero(found))}"))
    n_absent = np.count_nonzero(view.residual.isAbsent(view.layout.ampDetector))
    n_blocks = np.count_nonzero(~view.residual.blocks)
    return key + list(
        gapKey(
            ("pairs of detectors without a residual", int(n_blocks)),
            ("pairs of amplifiers, not measured", int(n_absent)),
        )
    )
