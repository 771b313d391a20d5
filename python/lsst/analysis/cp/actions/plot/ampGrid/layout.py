# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Places on a page of one panel for each amplifier, as the amplifiers lie on their detector."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.typing import BoolArray, FloatArray

__all__ = ["GridLayout", "placePanels"]

_PANEL = (1.4, 2.6)
"""Width and height of a panel in a grid of many, inches."""
_LEAST = (5.6, 3.2)
"""Width and height of the least grid, inches."""
_MOST = (12.8, 9.6)
"""Width and height of the largest grid, inches."""
_GAP = (0.07, 0.24)
"""Room between two panels at the side, and above one for its name, inches."""


@dataclass(frozen=True, kw_only=True, eq=False)
class GridLayout:
    """Places of panels in inches from the lower left corner of the grid.

    Parameters
    ----------
    width, height
        Size of the grid.
    places
        Left, bottom, width and height of each panel, shape (nPanels, 4).
    isLeftmost, isLowest
        Whether no other panel lies on the left of it, and below it; shape (nPanels,). These have the labels
        of the axes that all share.
    """

    width: float
    height: float
    places: FloatArray
    isLeftmost: BoolArray
    isLowest: BoolArray


def placePanels(edges: FloatArray) -> GridLayout:
    """Place panels where boxes lie, whatever their number and sizes.

    Parameters
    ----------
    edges
        Edges (xMin, yMin, xMax, yMax) of the boxes of at least one amplifier in pixels of the detector, shape
        (nPanels, 4).

    Returns
    -------
    layout
        The places: each panel fills its box, but for a gap, on a page that stretches the detector so that the
        panels are legible.
    """
    low, high = edges[:, :2].min(axis=0), edges[:, 2:].max(axis=0)
    # As many panels as the smallest of them would fit side by side.
    numbers = np.round((high - low) / (edges[:, 2:] - edges[:, :2]).min(axis=0))
    size = np.clip(numbers * _PANEL, _LEAST, _MOST)
    scale = size / (high - low)
    starts = (edges[:, :2] - low) * scale
    extents = (edges[:, 2:] - edges[:, :2]) * scale - _GAP
    return GridLayout(
        width=float(size[0]),
        height=float(size[1]),
        places=np.column_stack([starts, extents]),
        isLeftmost=~_hasNeighbour(edges, 0),
        isLowest=~_hasNeighbour(edges, 1),
    )


def _hasNeighbour(edges: FloatArray, axis: int) -> BoolArray:
    """Tell which boxes have another one before them along an axis, beside which they lie; shape (n,)."""
    other = 1 - axis
    before = edges[np.newaxis, :, axis + 2] <= edges[:, np.newaxis, axis]
    beside = (edges[np.newaxis, :, other] < edges[:, np.newaxis, other + 2]) & (
        edges[:, np.newaxis, other] < edges[np.newaxis, :, other + 2]
    )
    return (before & beside).any(axis=1)
