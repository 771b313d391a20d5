# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Polygons and names of detectors and amplifiers as artists."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import Normal, withStroke
from matplotlib.text import Text

from lsst.analysis.cp.core.typing import FloatArray

from .style import NO_DATA, NO_VALUE, HatchLook

__all__ = ["drawFrames", "drawHatched", "drawPolygons", "gapKey", "writeNearby"]


def drawPolygons(ax: Axes, corners: Any, **looks: Any) -> PolyCollection:
    """Draw polygons of corners of shape (n, nCorners, 2) as a collection with some looks.

    One array is drawn much faster than the sequence of arrays that matplotlib declares.
    """
    polygons = PolyCollection(corners, **looks)
    ax.add_collection(polygons, autolim=False)
    return polygons


def drawHatched(ax: Axes, corners: FloatArray, look: HatchLook, zorder: float = 1.0) -> PathPatch | None:
    """Draw hatched polygons of corners of shape (n, 4, 2) as one compound path; None if there are none."""
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
    """Draw outlines around corners of shape (n, 4, 2), one stroke of a colour and width over the other.

    Widths are in points. There is one collection a stroke; none if nothing is framed.
    """
    if len(corners) == 0:
        return ()
    return tuple(
        drawPolygons(ax, corners, facecolor="none", edgecolor=colour, linewidth=points, zorder=zorder)
        for colour, points in strokes
    )


def writeNearby(
    ax: Axes,
    text: str,
    position: Any,
    shift: tuple[float, float],
    halo: tuple[str, float],
    **looks: Any,
) -> Text:
    """Write a text some points off a position.

    The halo, a colour and a width in points, makes it legible on any colour.
    """
    effects = [withStroke(linewidth=halo[1], foreground=halo[0]), Normal()]
    return ax.annotate(
        text, position, xytext=shift, textcoords="offset points", path_effects=effects, **looks
    )


def gapKey(noData: tuple[str, int], noValue: tuple[str, int]) -> list[Patch]:
    """Explain and count what is hatched, as far as there is any."""
    return [
        Patch(facecolor=face, edgecolor=edge, hatch=hatch, label=f"{label}: {count}")
        for (label, count), (face, hatch, edge) in ((noData, NO_DATA), (noValue, NO_VALUE))
        if count
    ]
