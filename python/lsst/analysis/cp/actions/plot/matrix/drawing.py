# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Artists of matrices of amplifiers; the first one is at the upper left."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Colormap, Normalize

from lsst.analysis.cp.actions.plot.polygons import drawPolygons
from lsst.analysis.cp.actions.plot.style import OUTLINE
from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.geometry import boxCorners
from lsst.analysis.cp.core.typing import BoolArray, FloatArray

__all__ = ["DIAGONAL", "blockCorners", "cellCorners", "drawCells", "prepareAxes"]

DIAGONAL = "#d9d9d9"
"""Colour of what an amplifier has with itself, where that says nothing."""


def cellCorners(rows: object, columns: object) -> FloatArray:
    """Return the corners of cells by their rows and columns, shape (n, 4, 2)."""
    y, x = np.asarray(rows, dtype=np.float64), np.asarray(columns, dtype=np.float64)
    return boxCorners(np.column_stack([x - 0.5, y - 0.5, x + 0.5, y + 0.5]))


def blockCorners(layout: CameraLayout, chosen: BoolArray) -> FloatArray:
    """Return the corners of pairs of detectors, chosen by a mask of shape (nDet, nDet)."""
    edges = _blockEdges(layout)
    rows, columns = np.nonzero(chosen)
    return boxCorners(np.column_stack([edges[columns], edges[rows], edges[columns + 1], edges[rows + 1]]))


def _blockEdges(layout: CameraLayout) -> FloatArray:
    """Return where the amplifiers of each detector begin, and where the last ends; shape (nDet + 1,)."""
    return np.append(layout.firstAmp, layout.nAmps) - 0.5


def drawCells(
    ax: Axes, values: FloatArray, norm: Normalize, colourMap: str | Colormap
) -> PolyCollection | None:
    """Draw the finite values of a matrix, shape (n, n), in their colours; None if there are none."""
    rows, columns = np.nonzero(np.isfinite(values))
    if not len(rows):
        return None
    looks = {"edgecolor": "face", "linewidth": 0.2, "norm": norm, "cmap": colourMap}
    return drawPolygons(ax, cellCorners(rows, columns), array=values[rows, columns], **looks)


def prepareAxes(ax: Axes, layout: CameraLayout) -> None:
    """Make room for a matrix, and name amplifiers, or detectors with lines between them, on both axes."""
    n = layout.nAmps
    ax.set(xlim=(-0.5, n - 0.5), ylim=(n - 0.5, -0.5), aspect="equal")
    ax.tick_params(labelsize=7, length=2)
    if layout.nDetectors == 1:
        names, places = layout.ampName.tolist(), np.arange(n, dtype=np.float64)
    else:
        edges = _blockEdges(layout)
        places = 0.5 * (edges[:-1] + edges[1:])
        names = np.char.rpartition(layout.detectorName, "_")[:, 2].tolist()
        for edge in edges[1:-1].tolist():
            ax.axhline(edge, color=OUTLINE, linewidth=0.8)
            ax.axvline(edge, color=OUTLINE, linewidth=0.8)
    ax.set_xticks(places, labels=names, rotation=90 if len(names) > 10 else 0)
    ax.set_yticks(places, labels=names)
