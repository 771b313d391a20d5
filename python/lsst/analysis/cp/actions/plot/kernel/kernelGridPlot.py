# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.page import Page, drawScale
from lsst.analysis.cp.actions.plot.style import FAILING, NO_DATA
from lsst.analysis.cp.actions.plot.text import chooseTitle, describeProvenance
from lsst.analysis.cp.core.typing import FloatArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field
from lsst.utils.plotting import make_figure

from .view import KernelView, prepareKernels

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["KernelGridPlot", "drawCuts", "drawKernel"]

_DPI = 150
_LEFT, _BOTTOM, _HEADER = 0.35, 0.55, 1.2
_CUTS = 4.0
_GAP = 0.95
_SCALE = 0.14
_WORDS = 3.4
"""Places on the page, width of the column of cuts, of the colour scale and of the words, in inches."""


class KernelGridPlot(PlotAction):
    """Brighter-fatter kernels of the amplifiers of a detector, placed as these lie on it, with their cuts.

    All images have one scale of colours, which ends at the median of the centres. Beside them is the kernel
    of the detector, or the median of those of its amplifiers that are valid, and cuts of all of them through
    the centre. A kernel that is not valid is framed, and its cut is drawn by itself.

    The datum is ``calibrations``, with a `lsst.ip.isr.BrighterFatterKernel` by the id of the detector.
    """

    title = Field[str](doc="Title of the figure, in words.", default="Brighter-fatter kernels")
    nListed = Field[int](doc="Lines in each list beside the grid, at most.", default=16)

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [("calibrations", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure of a calibration, with the ``camera`` and, if it is given, the ``plotInfo``."""
        camera: Camera = kwargs["camera"]
        known: Any = data
        (calibration,) = known["calibrations"].values()
        view = prepareKernels(calibration, cameraGeometry(camera), self.nListed)
        return _makeFigure(view, self.title, kwargs.get("plotInfo") or {})


def drawKernel(ax: Axes, kernel: FloatArray, reach: float, *, failed: bool = False) -> AxesImage | None:
    """Draw a kernel, x to the right; None if there is none."""
    ax.set(xticks=[], yticks=[])
    if failed:
        for spine in ax.spines.values():
            spine.set(color=FAILING, linewidth=2.2)
    if not np.isfinite(kernel).all():
        face, hatch, edge = NO_DATA
        ax.patch.set(facecolor=face, hatch=hatch, edgecolor=edge)
        ax.text(0.5, 0.5, "no kernel", transform=ax.transAxes, ha="center", va="center", fontsize=8)
        return None
    # The first axis of a kernel is x, that of an image y.
    return ax.imshow(kernel.T, origin="lower", cmap="PuOr", vmin=-reach, vmax=reach, interpolation="nearest")


def drawCuts(ax: Axes, view: KernelView, axis: int) -> None:
    """Draw cuts through the centres of all kernels and of the whole, along x (0) or y (1)."""
    cuts = view.cuts(axis)
    lags = np.arange(cuts.shape[1]) - cuts.shape[1] // 2
    for cut, invalid in zip(cuts, view.invalid.tolist(), strict=True):
        if np.isfinite(cut).all():
            look: dict[str, Any] = {"color": "0.7", "linewidth": 0.7}
            if invalid:
                look = {"color": FAILING, "linewidth": 1.0, "linestyle": "--", "zorder": 3}
            ax.plot(lags, cut, **look)
    middle = view.whole.shape[1 - axis] // 2
    whole = view.whole[:, middle] if axis == 0 else view.whole[middle, :]
    ax.plot(lags, whole, color="black", linewidth=1.3, zorder=4)
    ax.axhline(0.0, color="0.4", linewidth=0.6)
    # A broken kernel shall not hide the others.
    ax.set_ylim(-1.6 * view.reach, 0.6 * view.reach)
    ax.set_xlim(lags[0], lags[-1])
    ax.set_xlabel(f"Distance along {'xy'[axis]} (pixels)", fontsize=8)
    ax.set_ylabel("Kernel (1 / electron)", fontsize=8)
    ax.tick_params(labelsize=7)
    ax.yaxis.get_offset_text().set_fontsize(7)


def _makeFigure(view: KernelView, title: str, plotInfo: Mapping[str, object]) -> Figure:
    """Lay out the images, cuts, words and provenance."""
    layout = view.layout
    cuts_left = _LEFT + layout.width + 2.2 * _GAP
    words_left = cuts_left + _CUTS + 0.3
    height = max(layout.height, 5.6)
    top = _BOTTOM + height
    page = Page(make_figure(figsize=(words_left + _WORDS, top + _HEADER), dpi=_DPI), words_left)
    images = [_addPanel(page, view, amp, top - layout.height) for amp in range(len(view.names))]
    if shown := [image for image in images if image is not None]:
        cax = page.addAxes(_LEFT + layout.width + 0.25, _BOTTOM + 0.2 * height, _SCALE, 0.6 * height)
        drawScale(cax, shown[0], "Kernel (1 / electron)", "both", None, None)
    side = height / 3 - 0.45
    whole = page.addAxes(cuts_left + 0.5 * (_CUTS - side), top - side - 0.1, side, side)
    drawKernel(whole, view.whole, view.reach)
    whole.set_title(view.wholeLabel, fontsize=8, pad=3)
    for axis in (0, 1):
        bottom = top - side - (axis + 1) * (height - side) / 2 + 0.1
        drawCuts(page.addAxes(cuts_left, bottom, _CUTS, (height - side) / 2 - 0.65), view, axis)
    provenance = describeProvenance(plotInfo, [], "calibration")
    heading = f"{chooseTitle(title, plotInfo, '')}: {view.detector}"
    page.writeHeader(heading, view.headline, provenance, emphasise=view.isBad)
    y = page.writeKey(
        top,
        [
            Line2D([], [], color="0.7", linewidth=0.7, label="amplifier"),
            Line2D([], [], color="black", linewidth=1.3, label=view.wholeLabel),
            Line2D([], [], color=FAILING, linestyle="--", label="not valid (its image has a frame)"),
            Line2D([], [], linestyle="", label="centre and sum in 1 / electron"),
        ],
    )
    for lines in view.lists:
        y = page.writeLines(y, lines)
    return page.figure


def _addPanel(page: Page, view: KernelView, amp: int, bottom: float) -> AxesImage | None:
    """Add the image of an amplifier at the upper end of its panel, with words below it."""
    x, y, width, height = view.layout.places[amp].tolist()
    side = min(width, height - 0.35)
    left = _LEFT + x + 0.5 * (width - side)
    ax = page.addAxes(left, bottom + y + height - side, side, side)
    failed = bool(view.invalid[amp])
    image = drawKernel(ax, view.kernels[amp], view.reach, failed=failed)
    ax.set_title(str(view.names[amp]), fontsize=8, pad=3, loc="left", fontweight="bold",
                 color=FAILING if failed else "black")  # fmt: skip
    if image is not None:
        ax.text(0.0, -0.03, view.lines[amp], transform=ax.transAxes, va="top", fontsize=6.5)
    return image
