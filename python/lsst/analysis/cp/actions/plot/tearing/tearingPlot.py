# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.style import FAILING, NO_DATA
from lsst.analysis.cp.core.calibrations import IMPACT_PIXELS, TEARING_LIMIT
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field
from lsst.utils.plotting import make_figure

from .view import COLUMNS, TearingStrip, TearingView, prepareTearing

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["TearingPlot", "drawStrip"]

_DPI = 150
_LEFT, _BOTTOM, _HEADER, _WORDS = 0.85, 0.6, 1.2, 3.6
"""Places on the page and width of the words, in inches."""
_LONE, _MANY = (9.0, 4.6), (4.4, 2.5)
"""Size of the panel of a lone detector, and of one of several."""
_GAP = (0.25, 0.42)
_BETWEEN = 0.2
"""Room between panels, and between the strips of one, in inches."""

_LIMIT: dict[str, Any] = {"color": FAILING, "linewidth": 1.0, "linestyle": "--"}
_BOUNDARY: dict[str, Any] = {"color": "0.7", "linewidth": 0.7, "zorder": 0}
_TORN: dict[str, Any] = {"color": FAILING, "marker": "v", "markersize": 6, "linestyle": "", "clip_on": False}
_END: dict[str, Any] = {"color": "black", "marker": ".", "markersize": 2.5, "linestyle": ""}
_PROFILE: dict[str, Any] = {"color": "#0072b2", "linewidth": 0.7}


class TearingPlot(PlotAction):
    """Response of flats against the column, of a detector or of each of a raft, with amplifier boundaries.

    Detectors lie as on the focal plane, and the rows of amplifiers of each as on the detector. The data are
    the columns of tables of `lsst.analysis.cp.tasks.MeasureTearingTask`, and ``detectors``, the ids of those
    that are shown.
    """

    title = Field[str](doc="Title of the figure, in words.", default="Tearing of flats")
    nListed = Field[int](doc="Lines in each list beside the panels, at most.", default=16)
    limit = Field[float](doc="Limit of the deviation at a boundary.", default=TEARING_LIMIT)
    numImpactPixels = Field[int](
        doc="Columns on either side of a boundary that are looked at.", default=IMPACT_PIXELS
    )

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [(name, Vector) for name in COLUMNS]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure of detectors, with the ``camera`` and, if it is given, the ``plotInfo``."""
        camera: Camera = kwargs["camera"]
        known: Any = data
        view = prepareTearing(
            known,
            cameraGeometry(camera),
            limit=self.limit,
            nPixels=self.numImpactPixels,
            title=self.title,
            nListed=self.nListed,
            plotInfo=kwargs.get("plotInfo") or {},
        )
        return _makeFigure(view)


def drawStrip(ax: Axes, view: TearingView, strip: TearingStrip) -> None:
    """Draw the response of the columns of a row of amplifiers, its boundaries and the limits."""
    for edge in strip.edges[1:-1]:
        ax.axvline(edge, **_BOUNDARY)
    for sign in (-1, 1):
        ax.axhline(1 + sign * view.limit, **_LIMIT)
    ax.plot(strip.x, strip.profile, **_PROFILE)
    ax.plot(strip.x[strip.isEnd], strip.profile[strip.isEnd], **_END)
    torn = strip.edges[1:-1][strip.deviations >= view.limit]
    ax.plot(torn, np.full(len(torn), 0.97), transform=ax.get_xaxis_transform(), **_TORN)
    centres = 0.5 * (strip.edges[:-1] + strip.edges[1:])
    for centre, name in zip(centres, strip.names, strict=True):
        ax.annotate(
            str(name),
            (centre, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 1.5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=5.5,
            color="0.35",
        )
    ax.set(xlim=(strip.edges[0], strip.edges[-1]), ylim=(1 - view.halfWidth, 1 + view.halfWidth))
    ax.tick_params(labelsize=7)
    face, hatch, edge = NO_DATA
    for start, end in strip.unknown:
        ax.axvspan(start, end, facecolor=face, hatch=hatch, edgecolor=edge, linewidth=0, zorder=0)


def _makeFigure(view: TearingView) -> Figure:
    """Lay out the panels, words and provenance."""
    n_rows, n_columns = (1 + max(getattr(panel, way) for panel in view.panels) for way in ("row", "column"))
    width, height = _LONE if len(view.panels) == 1 else _MANY
    words_left = _LEFT + n_columns * (width + _GAP[0]) + 0.1
    top = _BOTTOM + n_rows * (height + _GAP[1])
    page = Page(make_figure(figsize=(words_left + _WORDS, top + _HEADER), dpi=_DPI), words_left)
    lowest = {panel.column: panel.row for panel in sorted(view.panels, key=lambda panel: panel.row)}
    for panel in view.panels:
        left = _LEFT + panel.column * (width + _GAP[0])
        bottom = _BOTTOM + (n_rows - 1 - panel.row) * (height + _GAP[1])
        deep = height / len(panel.strips)
        for i, strip in enumerate(panel.strips):
            is_last = i == len(panel.strips) - 1
            ax = page.addAxes(left, bottom + height - (i + 1) * deep, width, deep - _BETWEEN)
            drawStrip(ax, view, strip)
            ax.tick_params(
                labelleft=panel.column == 0, labelbottom=is_last and panel.row == lowest[panel.column]
            )
            if i == 0:
                ax.set_title(panel.name, fontsize=8, loc="left", fontweight="bold", pad=11)
    page_width, page_height = page.figure.get_size_inches()
    looks: dict[str, Any] = {"fontsize": 9}
    page.figure.supxlabel("Column of the detector (pixel)", x=0.5 * words_left / page_width,
                          y=0.12 / page_height, va="bottom", **looks)  # fmt: skip
    page.figure.supylabel("Response over a line through the amplifier", x=0.1 / page_width,
                          y=0.5 * (top + _BOTTOM) / page_height, ha="left", **looks)  # fmt: skip
    page.writeHeader(view.title, view.headline, view.provenance, emphasise=view.isBad)
    y = page.writeKey(top, _makeKey(view))
    for lines in view.lists:
        y = page.writeLines(y, lines)
    return page.figure


def _makeKey(view: TearingView) -> list[Artist]:
    """Explain what occurs in the panels."""
    face, hatch, edge = NO_DATA
    key: list[Artist] = [
        Line2D([], [], **_PROFILE, label="median over flats"),
        Line2D([], [], **_END, label="columns at boundaries, of which deviations are"),
        Line2D([], [], **_LIMIT, label="limit of this package, none of DMTN-101"),
        Line2D([], [], **_BOUNDARY, label="boundary of amplifiers"),
    ]
    if any((strip.deviations >= view.limit).any() for panel in view.panels for strip in panel.strips):
        key.append(Line2D([], [], **_TORN, label="boundary beyond the limit"))
    if any(strip.unknown for panel in view.panels for strip in panel.strips):
        key.append(Patch(facecolor=face, hatch=hatch, edgecolor=edge, label="no data"))
    return key
