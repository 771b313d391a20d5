# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Many short texts, such as the numbers of a table, as few artists."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from lsst.analysis.cp.core.typing import FloatArray, NameArray

__all__ = ["drawGlyphs"]

_REFERENCE = "0"
"""What is as high as a line of numbers."""


@lru_cache(maxsize=1024)
def _outline(text: str, points: float, weight: str) -> Path:
    """Return the outline of a text about its middle, inches."""
    font = FontProperties(weight=weight)
    path = TextPath((0, 0), text, size=points, prop=font, usetex=False)
    height = TextPath((0, 0), _REFERENCE, size=points, prop=font).get_extents().y1
    middle = np.array([0.5 * (path.get_extents().x0 + path.get_extents().x1), 0.5 * height])
    return Path((path.vertices - middle) / 72, path.codes)


def drawGlyphs(
    ax: Axes,
    texts: NameArray,
    positions: FloatArray,
    points: float,
    *,
    colour: str = "black",
    weight: str = "normal",
) -> tuple[PathCollection, ...]:
    """Write many texts, most of which are the same, about positions.

    Texts that matplotlib knows one by one take a fraction of a millisecond each; here each different text
    is one collection, whose ``gid`` is the text.

    Parameters
    ----------
    ax
        Where to draw.
    texts
        The texts, shape (n,); empty ones are not drawn.
    positions
        Middle of each text (x, y) in the units of the data, shape (n, 2).
    points
        Size of the letters.
    colour, weight
        Colour, and weight of the font.

    Returns
    -------
    drawn
        A collection for each different text.
    """
    figure, drawn = ax.figure, []
    for text in np.unique(texts[texts != ""]).tolist():
        collection = PathCollection(
            [_outline(text, points, weight)],
            sizes=None,
            offsets=positions[texts == text],
            offset_transform=ax.transData,
            facecolors=colour,
            linewidths=0.0,
            gid=text,
            zorder=4,
        )
        collection.set_transform(figure.dpi_scale_trans)
        ax.add_collection(collection, autolim=False)
        drawn.append(collection)
    return tuple(drawn)
