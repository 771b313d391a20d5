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
from matplotlib.ticker import LogLocator, NullFormatter

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.style import FAILING, NO_DATA
from lsst.analysis.cp.actions.plot.text import chooseTitle, describeProvenance
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field
from lsst.utils.plotting import make_figure

from .view import PtcView, preparePtcs

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["PtcGridPlot"]

_DPI = 150
_LEFT, _BOTTOM, _HEADER = 0.85, 0.6, 1.2
_WORDS = 4.1
"""Places on the page and width of the column of words, in inches."""

_RAW: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 3.5, "markerfacecolor": "none"}
_RAW |= {"markeredgecolor": "#777777", "markeredgewidth": 0.6}
_USED: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 3.0, "color": "#2a6f97"}
_FIT: dict[str, Any] = {"color": "black", "linewidth": 0.9}
_TURNOFF: dict[str, Any] = {"color": "#9c6500", "linewidth": 1.0, "linestyle": "--"}


class PtcGridPlot(PlotAction):
    """Photon transfer curves of the amplifiers of a detector, placed as these lie on it.

    Each panel has the variance against the mean of each pair of flats, on logarithmic axes that all panels
    share: pairs that the fit used are filled, the others are open. Curve and turnoff are those of the fit,
    whose numbers are written beside them; the panel of an amplifier that does not keep a limit of the
    catalogue is framed and names the tests.

    The datum is ``calibrations``, with a `lsst.ip.isr.PhotonTransferCurveDataset` by the id of the detector.
    """

    title = Field[str](doc="Title of the figure, in words.", default="Photon transfer curves")
    nListed = Field[int](doc="Lines in each list beside the grid, at most.", default=16)

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [("calibrations", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure of a calibration, with the ``camera`` and, if it is given, the ``plotInfo``."""
        camera: Camera = kwargs["camera"]
        known: Mapping[str, Any] = data
        (calibration,) = known["calibrations"].values()
        view = preparePtcs(calibration, cameraGeometry(camera), self.nListed)
        return _makeFigure(view, self.title, kwargs.get("plotInfo") or {})


def drawPtc(ax: Axes, view: PtcView, amp: int) -> None:
    """Draw the curve of an amplifier, by its number."""
    panel = view.panels[amp]
    failed = bool(panel.failed)
    ax.set_title(
        f"{panel.name}  {_shortNames(panel.failed)}".rstrip(),
        fontsize=7,
        pad=3.5,
        loc="left",
        fontweight="bold",
        color=FAILING if failed else "black",
    )
    ax.set(xscale="log", yscale="log", xlim=view.xLimits, ylim=view.yLimits)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(10, numticks=4))
        axis.set_minor_formatter(NullFormatter())
    ax.tick_params(
        labelsize=7,
        length=2.5,
        direction="in",
        labelbottom=bool(view.layout.isLowest[amp]),
        labelleft=bool(view.layout.isLeftmost[amp]),
    )
    if not len(panel.means):
        face, hatch, edge = NO_DATA
        ax.patch.set(facecolor=face, hatch=hatch, edgecolor=edge)
        ax.text(0.5, 0.5, "no data", transform=ax.transAxes, ha="center", fontsize=8)
        return
    ax.plot(panel.means[~panel.used], panel.variances[~panel.used], **_RAW)
    ax.plot(panel.means[panel.used], panel.variances[panel.used], **_USED)
    if panel.hasFit:
        ax.plot(panel.fitMeans, panel.fitVariances, **_FIT)
    if np.isfinite(panel.turnoff):
        ax.axvline(panel.turnoff, **_TURNOFF)
    if failed:
        for spine in ax.spines.values():
            spine.set(color=FAILING, linewidth=1.8)
    words = panel.lines if panel.hasFit else ("no fit",)
    ax.text(0.04, 0.97, "\n".join(words), transform=ax.transAxes, va="top", fontsize=6.5)


def _shortNames(keys: tuple[str, ...]) -> str:
    """Name tests within the width of a panel."""
    names = [key.removeprefix("PTC_").removeprefix("BFE_").lower() for key in keys]
    return ", ".join(names) if len(names) < 4 else "all"


def _makeFigure(view: PtcView, title: str, plotInfo: Mapping[str, object]) -> Figure:
    """Lay out the panels, words and provenance."""
    layout = view.layout
    words_left = _LEFT + layout.width + 0.3
    top = _BOTTOM + layout.height
    page = Page(make_figure(figsize=(words_left + _WORDS, top + _HEADER), dpi=_DPI), words_left)
    for amp, (x, y, width, height) in enumerate(layout.places.tolist()):
        drawPtc(page.addAxes(_LEFT + x, _BOTTOM + y, width, height), view, amp)
    page_width, page_height = page.figure.get_size_inches()
    page.figure.supxlabel(
        "Mean of a pair of flats (adu)",
        x=(_LEFT + 0.5 * layout.width) / page_width,
        y=0.14 / page_height,
        fontsize=9,
        va="bottom",
    )
    page.figure.supylabel(
        "Variance of their difference (adu²)",
        x=0.1 / page_width,
        y=(_BOTTOM + 0.5 * layout.height) / page_height,
        fontsize=9,
        ha="left",
    )
    provenance = describeProvenance(plotInfo, [], "calibration")
    heading = f"{chooseTitle(title, plotInfo, '')}: {view.detector}"
    page.writeHeader(heading, view.headline, provenance, emphasise=view.isBad)
    handles: list[Artist] = [
        Line2D([], [], **_USED, label="pair of flats that the fit used"),
        Line2D([], [], **_RAW, label="pair of flats that it did not use"),
        Line2D([], [], **_FIT, label="fit"),
        Line2D([], [], **_TURNOFF, label="turnoff"),
        Patch(facecolor="none", edgecolor=FAILING, linewidth=1.8, label="outside of a limit"),
        Line2D([], [], linestyle="", label="gain in e-/adu, noise in e-, a00 in 1/e-, turnoff in adu"),
    ]
    y = page.writeKey(top, handles)
    for lines in view.lists:
        if lines:
            y = page.writeLines(y, lines)
    return page.figure
