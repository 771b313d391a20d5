# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What plots of a photon transfer curve share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.curves import CurvesView, Look, Series, makeCurvesFigure
from lsst.analysis.cp.actions.plot.text import chooseTitle, describeProvenance
from lsst.analysis.cp.core.typing import FloatArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field

from .view import PtcCurves, headline

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["LOOKS", "PtcPlot", "pairSeries"]

LOOKS = {
    "used": Look(
        label="pair of flats that the fit used",
        style={"linestyle": "", "marker": "o", "markersize": 3.0, "color": "#2a6f97"},
    ),
    "unused": Look(
        label="pair of flats that it did not use",
        style={"linestyle": "", "marker": "o", "markersize": 3.5, "markerfacecolor": "none"}
        | {"markeredgecolor": "#777777", "markeredgewidth": 0.6},
    ),
    "fit": Look(label="fit", style={"color": "black", "linewidth": 0.9}),
    "turnoff": Look(label="turnoff", style={"color": "#9c6500", "linewidth": 1.0, "linestyle": "--"}),
}
"""Looks of pairs and of the fit, which are the same on all pages."""

MEAN = "Mean of a pair of flats (adu)"
"""Label of the axis of signals."""


class PtcPlot(PlotAction):
    """Base of plots of the photon transfer curves of a detector, placed as its amplifiers lie on it.

    The datum is ``calibrations``, with a `lsst.ip.isr.PhotonTransferCurveDataset` by the id of the detector.
    """

    title = Field[str](doc="Title of the figure, in words.", default="Photon transfer curves")
    nListed = Field[int](doc="Lines in each list beside the grid, at most.", default=16)

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [("calibrations", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera``, and ``plotInfo`` and ``limits`` if they are given."""
        camera: Camera = kwargs["camera"]
        known: Mapping[str, Any] = data
        (calibration,) = known["calibrations"].values()
        curves = PtcCurves.fromCalibration(calibration, cameraGeometry(camera), kwargs.get("limits"))
        return makeCurvesFigure(self.prepare(curves, kwargs.get("plotInfo") or {}))

    def prepare(self, curves: PtcCurves, plotInfo: Mapping[str, object] | None = None) -> CurvesView:
        """Choose what is shown; no matplotlib is involved.

        Parameters
        ----------
        curves
            The curves.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.
        """
        raise NotImplementedError

    def _describe(
        self, curves: PtcCurves, panels: Any, plotInfo: Mapping[str, object] | None, failing: str
    ) -> dict[str, Any]:
        """Write what is said of all pages."""
        info = plotInfo or {}
        words, is_bad = headline(curves, panels, failing)
        return {
            "layout": curves.layout,
            "panels": panels,
            "title": f"{chooseTitle(self.title, info, '')}: {curves.detector}, {curves.sensor}",
            "headline": words,
            "isBad": is_bad,
            "provenance": describeProvenance(info, [], "calibration"),
        }


def pairSeries(curves: PtcCurves, amp: int, x: FloatArray, y: FloatArray) -> tuple[Series, ...]:
    """Make the points of the pairs of an amplifier, those that were not used before those that were.

    Parameters
    ----------
    curves
        The curves.
    amp
        Number of the amplifier.
    x, y
        Where the points are, shape (nAmps, nPairs).

    Returns
    -------
    series
        Both series; pairs that were not used do not count as beyond an axis.
    """
    used = curves.used[amp]
    has_pair = np.isfinite(curves.means[amp])
    return tuple(
        Series(kind=kind, x=x[amp][chosen], y=y[amp][chosen], isBeyond=kind == "used")
        for kind, chosen in (("unused", has_pair & ~used), ("used", used))
    )
