# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page on which an image is laid out."""

from __future__ import annotations

__all__ = ["makeImageFigure"]

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.plot.page import Page, drawScale
from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.utils.plotting import make_figure

from .colours import ImageStyle
from .drawing import ImageArtists, drawImage, drawProjections
from .frame import IMAGE_INCHES
from .pixelImage import QuickPngCanvas
from .view import ImageView

_LEFT, _BOTTOM, _TOP = 0.85, 0.62, 1.0
_PROJECTION, _GAP = 1.1, 0.14
_BAR, _BAR_LABELS, _PANEL = 0.22, 0.95, 3.4

_LEAST_PIXELS = 1600
"""Pixels of the page along the longer side of the image; each pixel of a small image gets several."""

_PAD = 8
"""Pixels of the page between the image and its axes, which would cover it otherwise."""


@dataclass(frozen=True)
class _Layout:
    """Sizes in pixels of the page.

    Parameters
    ----------
    zoom
        Pixels of the page along the side of an image pixel.
    dpi
        Pixels of the page an inch.
    width, height
        Size of the axes around the image.
    """

    zoom: int
    dpi: float
    width: int
    height: int

    @classmethod
    def forShape(cls, shape: tuple[int, int]) -> _Layout:
        """Choose sizes for an image of a shape (ny, nx)."""
        longer = max(shape)
        zoom = max(round(_LEAST_PIXELS / longer + 0.3), 1)
        width, height = (zoom * side + 2 * _PAD for side in reversed(shape))
        return cls(zoom, zoom * longer / IMAGE_INCHES, width, height)

    def pixels(self, inches: float) -> int:
        """Return a length in whole pixels."""
        return round(inches * self.dpi)


def makeImageFigure(view: ImageView) -> Figure:
    """Lay out image, projections, colour bar, key, words and provenance.

    Each pixel of the image becomes a square of whole pixels of the page.

    Parameters
    ----------
    view
        What to show.

    Returns
    -------
    figure
        The figure, with an Agg canvas.
    """
    style = ImageStyle.forColourMap(view.scale.colourMap)
    layout = _Layout.forShape(view.image.shape)
    beside = 0.0 if view.projections is None else _PROJECTION + _GAP
    left, bottom = layout.pixels(_LEFT), layout.pixels(_BOTTOM)
    right, top = left + layout.width, bottom + layout.height
    width = right + layout.pixels(beside + _GAP + _BAR + _BAR_LABELS + _PANEL)
    height = top + layout.pixels(beside + _TOP)
    # A thousandth of a pixel keeps the size of the page from being rounded down.
    figure = make_figure(figsize=((width + 1e-3) / layout.dpi, (height + 1e-3) / layout.dpi), dpi=layout.dpi)
    QuickPngCanvas(figure)
    page = Page(figure, width / layout.dpi - _PANEL)
    map_place = tuple(side / layout.dpi for side in (left, bottom, layout.width, layout.height))
    ax = page.addAxes(*map_place)
    _setLimits(ax, view, layout)
    artists = drawImage(ax, view, style)
    if view.projections is not None:
        _addProjections(page, ax, view, style, map_place)
    bar_left = right / layout.dpi + beside + _GAP
    if not view.message:
        _addScale(page.addAxes(bar_left, map_place[1], _BAR, map_place[3]), view, artists, style)
    page.writeHeader(view.title, view.headline, view.provenance,
                     emphasise=bool(view.failing.any() or view.failingDetectors.any()))  # fmt: skip
    y = page.writeKey(height / layout.dpi - _TOP, artists.key)
    for lines in view.lists:
        y = page.writeLines(y, lines, _BOTTOM)
    return figure


def _setLimits(ax: Axes, view: ImageView, layout: _Layout) -> None:
    """Set the limits so that image pixels fall on whole pixels of the page."""
    left, right, bottom, top = view.frame.extent
    pad_x = _PAD * (right - left) / (layout.width - 2 * _PAD)
    pad_y = _PAD * (top - bottom) / (layout.height - 2 * _PAD)
    ax.set(xlim=(left - pad_x, right + pad_x), ylim=(bottom - pad_y, top + pad_y))


def _addProjections(
    page: Page, ax: Axes, view: ImageView, style: ImageStyle, place: tuple[float, ...]
) -> None:
    left, bottom, width, height = place
    column_ax = page.addAxes(left, bottom + height + _GAP, width, _PROJECTION, sharex=ax)
    row_ax = page.addAxes(left + width + _GAP, bottom, _PROJECTION, height, sharey=ax)
    drawProjections(column_ax, row_ax, view, style)


def _addScale(cax: Axes, view: ImageView, artists: ImageArtists, style: ImageStyle) -> None:
    """Draw the colour bar, with ticks that suit a scale that is not linear."""
    mappable, scale = artists.pixels.mappable, view.scale
    bar = drawScale(cax, mappable, scale.label, scale.limits.extend, scale.markedThreshold, style.failing)
    if (ticks := scale.ticks) is not None:
        bar.set_ticks(ticks.tolist(), labels=[formatNumber(float(f"{tick:.2g}")) for tick in ticks])
        bar.minorticks_off()
