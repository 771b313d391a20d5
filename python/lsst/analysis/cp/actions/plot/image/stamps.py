# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Page of postage stamps of the structures that rank first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import matplotlib
import numpy as np
from astropy.table import Table
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.stats import median_abs_deviation

from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.style import FAILING
from lsst.analysis.cp.actions.plot.text import chooseTitle, describeProvenance, formatNumber, plural
from lsst.analysis.cp.core.structures import Stamp, stampsOfRows
from lsst.analysis.cp.core.typing import Float32Array
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field
from lsst.utils.plotting import make_figure

from .marks import kindInWords
from .pixelImage import PixelImage
from .scale import MASKED

__all__ = ["StampView", "StampsView", "StructureStampsPlot"]

_COLUMNS = 4
_SIDE, _GAP, _LEFT, _TOP, _BOTTOM = 2.1, 0.45, 0.55, 1.3, 0.45
_CAPTION = 0.38
"""Sizes on the page, inches."""

_DPI = 200
_REACH = 8.0
"""End of the colours of a stamp, in robust standard deviations about the median of its pixels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StampView:
    """What a stamp shows.

    Parameters
    ----------
    image
        Pixels; shape (ny, nx), the first row lowest. NaN where there is no value.
    extent
        Edges (left, right, bottom, top), in pixels of the detector.
    box
        Left and lower edge, width and height of the structure, in pixels of the detector.
    limits
        Values at the ends of the colours.
    caption
        Lines above the stamp.
    """

    image: Float32Array
    extent: tuple[float, float, float, float]
    box: tuple[float, float, float, float]
    limits: tuple[float, float]
    caption: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class StampsView:
    """What the page shows: its stamps by rank, and the words at its top."""

    stamps: tuple[StampView, ...]
    title: str
    headline: str
    provenance: tuple[str, ...]


class StructureStampsPlot(PlotAction):
    """Postage stamps of the structures that rank first, with their surroundings.

    The data have ``structures``, a table as `~lsst.analysis.cp.core.structures.rankStructures` makes it, and
    ``stamps``, a list of `~lsst.analysis.cp.core.structures.Stamp`.
    """

    title = Field[str](doc="Title of the figure, in words; the name of the tool if empty.", default="")
    unit = Field[str](doc="Unit of the pixels; empty for none.", default="electron")
    nShown = Field[int](doc="Largest number of stamps.", default=16, check=lambda number: number > 0)

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Return what the plot needs."""
        return [("structures", Vector), ("stamps", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``plotInfo`` as `prepare` takes it."""
        return makeStampFigure(self.prepare(data, kwargs.get("plotInfo")))

    def prepare(self, data: KeyedData, plotInfo: Mapping[str, object] | None = None) -> StampsView:
        """Reduce the data to what is shown; no matplotlib is involved.

        Parameters
        ----------
        data
            The table and the stamps, by key.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.
        """
        info = plotInfo or {}
        table, stamps = cast(Table, data["structures"]), cast("list[Stamp]", data["stamps"])
        found = stampsOfRows(stamps, table, self.nShown)
        headline = f"The first {plural(len(found), 'structure')} by significance" if found else "No structure"
        return StampsView(
            stamps=tuple(_prepareStamp(table, row, stamp, self.unit) for row, stamp in found),
            title=chooseTitle(self.title, info, "Structures"),
            headline=f"{headline}, events such as cosmic rays left out",
            provenance=describeProvenance(info, (), "image"),
        )


def _prepareStamp(table: Table, row: int, stamp: Stamp, unit: str) -> StampView:
    """Choose the colours of a stamp, and describe it by its row of the table."""
    finite = stamp.image[np.isfinite(stamp.image)].astype(np.float64)
    level = float(np.median(finite)) if len(finite) else 0.0
    scatter = float(median_abs_deviation(finite, scale="normal")) if len(finite) else 0.0
    reach = _REACH * scatter if scatter > 0 else float(np.abs(finite - level).max(initial=0)) or 1.0
    width, height = float(table["width"][row]), float(table["height"][row])
    place = f"{table['detectorName'][row]} {table['amplifier'][row]}".strip()
    rows, columns = stamp.binning
    scale = "pixel by pixel" if rows == columns == 1 else f"means of {columns} × {rows} pixels"
    ends = " to ".join(formatNumber(end, 3) for end in (level - reach, level + reach))
    return StampView(
        image=stamp.image,
        extent=stamp.extent,
        box=(stamp.x - width / 2, stamp.y - height / 2, width, height),
        limits=(level - reach, level + reach),
        caption=(
            f"{table['rank'][row]}  {kindInWords(table['kind'][row])}  {place}",
            f"{formatNumber(float(table['score'][row]), 3)} σ at x {stamp.x:.0f}, y {stamp.y:.0f}",
            f"{scale}, {ends} {unit}".strip(),
        ),
    )


def makeStampFigure(view: StampsView) -> Figure:
    """Lay out the stamps on a figure with an Agg canvas."""
    n_rows = max(1, -(-len(view.stamps) // _COLUMNS))
    width = 2 * _LEFT + _COLUMNS * _SIDE + (_COLUMNS - 1) * _GAP
    step = _SIDE + _CAPTION + _GAP
    height = _TOP + n_rows * step + _BOTTOM - _GAP
    page = Page(make_figure(figsize=(width, height), dpi=_DPI), width)
    for i, stamp in enumerate(view.stamps):
        row, column = divmod(i, _COLUMNS)
        left = _LEFT + column * (_SIDE + _GAP)
        drawStamp(page.addAxes(left, height - _TOP - row * step - _CAPTION - _SIDE, _SIDE, _SIDE), stamp)
    page.writeHeader(view.title, view.headline, view.provenance)
    return page.figure


def drawStamp(ax: Axes, stamp: StampView) -> tuple[Artist, ...]:
    """Draw a stamp, and the box of its structure; return both."""
    left, right, bottom, top = stamp.extent
    ax.set(xlim=(left, right), ylim=(bottom, top), facecolor=MASKED)
    ax.tick_params(labelsize=5.5, length=2)
    ax.locator_params(nbins=4)
    colours = matplotlib.colormaps["PuOr"].with_extremes(bad="#ffffff00")
    pixels = PixelImage(stamp.image, stamp.extent, Normalize(*stamp.limits), colours, zorder=1)
    ax.add_artist(pixels)
    # Around the pixels, not on them.
    margin = 0.02 * (right - left)
    x, y, width, height = stamp.box
    frame = Rectangle(
        (x - margin, y - margin),
        width + 2 * margin,
        height + 2 * margin,
        facecolor="none",
        edgecolor=FAILING,
        linewidth=0.8,
        zorder=2,
    )
    ax.add_patch(frame)
    ax.set_title("\n".join(stamp.caption[1:]), fontsize=6, loc="left", pad=3, parse_math=False)
    ax.annotate(
        stamp.caption[0], (0, 1), (0, 19), "axes fraction", "offset points", fontsize=7.5, fontweight="bold"
    )
    return pixels, frame
