# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The page on which a map of the focal plane is laid out."""

from __future__ import annotations

__all__ = ["makeFocalPlaneFigure"]

from matplotlib.figure import Figure

from lsst.analysis.cp.actions.plot.page import Page
from lsst.utils.plotting import make_figure

from .drawing import FocalPlaneStyle, drawColourBar, drawFocalPlane, drawHistogram
from .view import FocalPlaneView

_SIZE = (11.0, 8.0)
_DPI = 200
_MAP = (0.682, 0.56, 6.512, 6.512)
_BAR = (7.359, 0.56, 0.198, 6.512)
_PANEL_LEFT = 8.558
_PANEL_TOP = 7.072
_PANEL_BOTTOM = (0.56, 2.4)
_HISTOGRAM = (8.965, 0.56, 1.925, 1.44)


def makeFocalPlaneFigure(
    view: FocalPlaneView,
    style: FocalPlaneStyle,
    *,
    showStatistics: bool = True,
    histogramBins: int = 0,
    logHistogram: bool = False,
) -> Figure:
    """Lay out map, colour bar, key, numbers and provenance.

    Parameters
    ----------
    view
        What to show.
    style
        How it looks.
    showStatistics
        Whether to print the statistics of the values.
    histogramBins
        Number of bins of the histogram; 0 for none.
    logHistogram
        Whether the histogram counts on a logarithmic axis.

    Returns
    -------
    figure
        The figure, with an Agg canvas.
    """
    page = Page(make_figure(figsize=_SIZE, dpi=_DPI), _PANEL_LEFT)
    artists = drawFocalPlane(page.addAxes(*_MAP), view, style)
    if artists.values is not None:
        drawColourBar(page.addAxes(*_BAR), view, artists, style)
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=bool(view.patches.failing.any()))
    y = page.writeLines(_PANEL_TOP, ("Values", *view.statistics)) if showStatistics else _PANEL_TOP
    y = page.writeKey(y, artists.key)
    y = page.writeLines(y, view.listing, _PANEL_BOTTOM[bool(histogramBins)])
    page.writeLines(y, view.missing, _PANEL_BOTTOM[bool(histogramBins)])
    if histogramBins and artists.values is not None:
        drawHistogram(page.addAxes(*_HISTOGRAM), view, style, histogramBins, log=logHistogram)
    return page.figure
