# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Polygons of detectors and amplifiers as artists."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from lsst.analysis.cp.core.typing import FloatArray

from .style import HatchLook

__all__ = ["drawFrames", "drawHatched", "drawPolygons"]


def drawPolygons(ax: Axes, corners: Any, **looks: Any) -> PolyCollection:
    """Draw polygons.

    Parameters
    ----------
    ax
        Where to draw.
    corners
        Their corners; shape (n, nCorners, 2). One array is drawn much faster than the sequence of arrays that
        matplotlib declares.
    **looks
        Properties of the collection.

    Returns
    -------
    polygons
        The collection.
    """
    polygons = PolyCollection(corners, **looks)
    ax.add_collection(polygons, autolim=False)
    return polygons


def drawHatched(ax: Axes, corners: FloatArray, look: HatchLook, zorder: float = 1.0) -> PathPatch | None:
    """Draw hatched polygons.

    Parameters
    ----------
    ax
        Where to draw.
    corners
        Their corners; shape (n, 4, 2).
    look
        Face, hatch and edge.
    zorder
        Order of drawing.

    Returns
    -------
    patch
        All of them as one compound path; None if there are none.
    """
    if len(corners) == 0:
        return None
    face, hatch, edge = look
    # Agg renders the hatch anew for every member of a collection, 3 ms each: draw one path instead.
    path = Path.make_compound_path_from_polys(np.concatenate([corners, corners[:, :1]], axis=1))
    patch = PathPatch(path, facecolor=face, edgecolor=edge, linewidth=0.3, hatch=hatch, zorder=zorder)
    ax.add_artist(patch)
    return patch


def drawFrames(
    ax: Axes, corners: FloatArray, strokes: list[tuple[str, float]], zorder: float = 3.0
) -> tuple[PolyCollection, ...]:
    """Draw outlines, one stroke over the other.

    Parameters
    ----------
    ax
        Where to draw.
    corners
        Corners of what is framed; shape (n, 4, 2).
    strokes
        Colour and width in points of each stroke.
    zorder
        Order of drawing.

    Returns
    -------
    frames
        One collection a stroke; empty if nothing is framed.
    """
    if len(corners) == 0:
        return ()
    return tuple(
        drawPolygons(ax, corners, facecolor="none", edgecolor=colour, linewidth=points, zorder=zorder)
        for colour, points in strokes
    )
