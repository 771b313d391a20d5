# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.page import Page
from lsst.analysis.cp.actions.plot.style import FAILING, LINE_LOOKS
from lsst.analysis.cp.actions.plot.text import chooseTitle, describeProvenance
from lsst.analysis.cp.core.calibrations import PARALLEL_LIMIT, SERIAL_LIMIT, SIGNAL_RANGE
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field, ListField
from lsst.utils.plotting import make_figure

from .view import COLUMNS, CtiView, TransferCurves, prepareCti

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["CtiCurvePlot", "EperCurvePlot", "drawCti"]

_DPI = 150
_LEFT, _BOTTOM, _HEADER, _GAP = 0.85, 0.65, 1.35, 0.85
_PANEL = (5.4, 4.9)
_WORDS = 3.6
"""Places on the page, size of a panel and width of the words, in inches."""

_COLUMNS = 4
_LEGEND = (0.05, 0.032)
"""Columns of the names of lines; and the share of the height of a panel for them: at least, and each row."""

_LEAST = 1e-7
"""Inefficiency below which the axis is linear, as estimates scatter about 0."""

_RANGE: dict[str, Any] = {"color": "0.92", "linewidth": 0, "zorder": 0}
_LIMIT: dict[str, Any] = {"color": FAILING, "linewidth": 1.3, "linestyle": "-"}
_TURNOFF: dict[str, Any] = {"marker": "|", "markersize": 9, "color": "black", "linestyle": ""}


class CtiCurvePlot(PlotAction):
    """Serial and parallel charge transfer inefficiency of the amplifiers of a detector against the signal.

    Each line is an amplifier, by the extended pixel edge response. Grey is the range of signals over which
    the inefficiencies are averaged, and ticks at the foot are the turnoffs.

    The datum is ``calibrations``, with a `lsst.ip.isr.DeferredChargeCalib` by the id of the detector.
    """

    title = Field[str](
        doc="Title of the figure, in words.", default="Charge transfer inefficiency against signal"
    )
    nListed = Field[int](doc="Lines in each list beside the panels, at most.", default=16)
    serialLimit = Field[float](doc="Limit of the serial inefficiency.", default=SERIAL_LIMIT)
    parallelLimit = Field[float](doc="Limit of the parallel inefficiency.", default=PARALLEL_LIMIT)
    signalRange = ListField[float](
        doc="Range of signals over which they are averaged (electron).", default=list(SIGNAL_RANGE), length=2
    )

    source: ClassVar[str] = "calibration"
    """What is shown, in a word."""

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [("calibrations", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure of a calibration, with the ``camera`` and, if it is given, the ``plotInfo``."""
        camera: Camera = kwargs["camera"]
        low, high = self.signalRange
        view = prepareCti(
            self.takeCurves(data),
            cameraGeometry(camera),
            limits=(self.serialLimit, self.parallelLimit),
            signalRange=(low, high),
            nListed=self.nListed,
        )
        return _makeFigure(view, self.title, kwargs.get("plotInfo") or {}, self.source)

    def takeCurves(self, data: KeyedData) -> TransferCurves:
        """Take the inefficiencies of the calibration."""
        known: Any = data
        (calibration,) = known["calibrations"].values()
        return TransferCurves.fromCalib(calibration)


class EperCurvePlot(CtiCurvePlot):
    """The same of what `lsst.analysis.cp.tasks.MeasureEperTask` has measured in each flat.

    The data are the columns of the table of a detector.
    """

    source = "table"

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [(name, Vector) for name in COLUMNS]

    def takeCurves(self, data: KeyedData) -> TransferCurves:
        """Take the inefficiencies of the table."""
        return TransferCurves.fromColumns(data)


def drawCti(ax: Axes, view: CtiView, number: int) -> None:
    """Draw the inefficiencies in the direction of a panel, by its number."""
    panel = view.panels[number]
    ax.set_title(f"{panel.label} transfers", fontsize=10, loc="left", fontweight="bold")
    if panel.label == "parallel":
        ax.set_title("ip_isr of 2026-04-22 takes the serial overscan for them", fontsize=7, loc="right")
    ax.axvspan(*view.signalRange, **_RANGE)
    ax.axhline(panel.limit, **_LIMIT)
    for i, (signals, estimates) in enumerate(zip(panel.signals, panel.estimates, strict=True)):
        colour, marker = LINE_LOOKS[i % len(LINE_LOOKS)]
        # Of twice as many amplifiers the second half is broken.
        dashes = ("-", "--")[i // len(LINE_LOOKS) % 2]
        wide = 2.0 if panel.beyond[i] else 0.9
        ax.plot(signals, estimates, color=colour, marker=marker, markersize=3, linestyle=dashes,
                linewidth=wide, label=str(view.names[i]))  # fmt: skip
    known = panel.turnoffs[np.isfinite(panel.turnoffs)]
    ax.plot(known, np.full(len(known), 0.02), transform=ax.get_xaxis_transform(), **_TURNOFF)
    ax.set_xscale("log")
    ax.set_yscale("symlog", linthresh=_LEAST)
    finite = np.concatenate([e[np.isfinite(e)] for e in panel.estimates] + [np.array([panel.limit])])
    least = float(finite.min())
    _makeRoom(ax, 0.3 * least if least > _LEAST else min(-_LEAST, 1.5 * least), 2 * float(finite.max()),
              _LEGEND[0] + _LEGEND[1] * -(-len(view.names) // _COLUMNS))  # fmt: skip
    ax.set_xlabel("Mean signal of a flat (electron)", fontsize=9)
    ax.set_ylabel("Inefficiency of a transfer", fontsize=9)
    ax.tick_params(labelsize=8)
    if len(finite) == 1:
        ax.text(0.5, 0.5, "no data", transform=ax.transAxes, ha="center", fontsize=10)


def _makeRoom(ax: Axes, low: float, high: float, share: float) -> None:
    """Choose the ends of the vertical axis, and leave a share of its height for names above the lines."""
    scale = ax.yaxis.get_transform()
    bottom, top = scale.transform(np.array([low, high]))
    (end,) = scale.inverted().transform(np.array([top + (top - bottom) * share / (1 - share)]))
    ax.set_ylim(low, end)


def _makeFigure(view: CtiView, title: str, plotInfo: Mapping[str, object], source: str) -> Figure:
    """Lay out the panels, words and provenance."""
    width, height = _PANEL
    words_left = _LEFT + 2 * width + _GAP + 0.3
    top = _BOTTOM + height
    page = Page(make_figure(figsize=(words_left + _WORDS, top + _HEADER), dpi=_DPI), words_left)
    for number in range(len(view.panels)):
        drawCti(page.addAxes(_LEFT + number * (width + _GAP), _BOTTOM, width, height), view, number)
    handles, _ = page.figure.axes[0].get_legend_handles_labels()
    page.figure.axes[0].legend(handles=handles, fontsize=7, ncols=_COLUMNS, loc="upper right")
    provenance = describeProvenance(plotInfo, [], source)
    heading = f"{chooseTitle(title, plotInfo, '')}: {view.detector}"
    page.writeHeader(heading, view.headline, provenance, emphasise=view.isBad)
    key: list[Artist] = [
        Line2D([], [], **_LIMIT, label="limit of this package, none of DMTN-101"),
        Patch(facecolor="0.92", label="range of the medians"),
        Line2D([], [], color="0.3", linewidth=2.0, label="wide: beyond the limit"),
    ]
    if any(panel.hasTurnoffs for panel in view.panels):
        key.append(Line2D([], [], **_TURNOFF, label="turnoff of an amplifier (electron)"))
    y = page.writeKey(top + 0.3, key)
    for lines in view.lists:
        y = page.writeLines(y, lines)
    return page.figure
