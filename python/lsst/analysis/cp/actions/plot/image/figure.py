# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page on which an image is laid out."""

from __future__ import annotations

from matplotlib.figure import Figure

from lsst.analysis.cp.actions.plot.page import Page, drawScale
from lsst.utils.plotting import make_figure

from .drawing import drawImage, drawProjections
from .frame import IMAGE_INCHES
from .pixelImage import QuickPngCanvas
from .scale import ImageStyle
from .view import ImageView

__all__ = ["makeImageFigure"]

_LEFT, _BOTTOM, _TOP = 0.85, 0.62, 1.1
_PROJECTION, _GAP = 1.1, 0.14
_BAR, _BAR_LABELS, _PANEL = 0.22, 0.95, 3.4

_LEAST_PIXELS = 1600
"""Pixels of the page along the longer side of the image; each pixel of a small image gets several."""

_PAD = 8
"""Pixels of the page between the image and its axes, which would cover it otherwise."""


def makeImageFigure(view: ImageView) -> Figure:
    """Lay out image, projections, colour bar, key, words and provenance on a figure with an Agg canvas.

    Each pixel of the image becomes a square of whole pixels of the page.
    """
    style = ImageStyle.forColourMap(view.scale.colourMap)
    longer = max(view.image.shape)
    zoom = max(round(_LEAST_PIXELS / longer + 0.3), 1)
    dpi = zoom * longer / IMAGE_INCHES

    def toPixels(inches: float) -> int:
        return round(inches * dpi)

    height, width = (zoom * side + 2 * _PAD for side in view.image.shape)
    left, bottom = toPixels(_LEFT), toPixels(_BOTTOM)
    beside = 0.0 if view.projections is None else _PROJECTION + _GAP
    page_width = left + width + toPixels(beside + _GAP + _BAR + _BAR_LABELS + _PANEL)
    page_height = bottom + height + toPixels(beside + _TOP)
    # A thousandth of a pixel keeps the size of the page from being rounded down.
    figure = make_figure(figsize=((page_width + 1e-3) / dpi, (page_height + 1e-3) / dpi), dpi=dpi)
    QuickPngCanvas(figure)
    page = Page(figure, page_width / dpi - _PANEL)
    x, y, x_size, y_size = (pixels / dpi for pixels in (left, bottom, width, height))
    ax = page.addAxes(x, y, x_size, y_size)
    # Image pixels fall on whole pixels of the page.
    x_min, x_max, y_min, y_max = view.frame.extent
    pad_x = _PAD * (x_max - x_min) / (width - 2 * _PAD)
    pad_y = _PAD * (y_max - y_min) / (height - 2 * _PAD)
    ax.set(xlim=(x_min - pad_x, x_max + pad_x), ylim=(y_min - pad_y, y_max + pad_y))
    artists = drawImage(ax, view, style)
    if view.projections is not None:
        column_ax = page.addAxes(x, y + y_size + _GAP, x_size, _PROJECTION, sharex=ax)
        row_ax = page.addAxes(x + x_size + _GAP, y, _PROJECTION, y_size, sharey=ax)
        drawProjections(column_ax, row_ax, view)
    if not view.message:
        cax, scale = page.addAxes((left + width) / dpi + beside + _GAP, y, _BAR, y_size), view.scale
        mappable, extend = artists.pixels.mappable, scale.limits.extend
        drawScale(cax, mappable, scale.label, extend, scale.markedThreshold, scale.ticks)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.failures.count > 0)
    text_top = page.writeKey(page_height / dpi - _TOP, artists.key)
    for lines in view.lists:
        text_top = page.writeLines(text_top, lines, _BOTTOM)
    return figure
