# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.curves import (
    CurvePanel,
    CurvesView,
    Look,
    Series,
    joinWords,
    logLimits,
    makeCurvesFigure,
)
from lsst.analysis.cp.actions.plot.text import chooseTitle, describeProvenance, listFirst, shorten
from lsst.analysis.cp.core.typing import FloatArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field

from .calibrationPlot import MEAN
from .view import PtcCurves, headline

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["PtcComparisonPlot"]

_STEPS = 200
"""Number of points of a fitted curve."""

_LOOKS = (("#0072b2", "-", "o"), ("#d55e00", "--", "s"))
"""Colour, dashes and marker of A and of B."""

_LABEL = 48
"""Characters of a collection in the key."""


class PtcComparisonPlot(PlotAction):
    """Photon transfer curves of a detector from two collections, laid upon each other.

    The datum is ``calibrationsByRun``, `lsst.ip.isr.PhotonTransferCurveDataset` objects by the names of their
    collections, of which the first is A and the second is B.
    """

    title = Field[str](doc="Title of the figure, in words.", default="Two photon transfer curves")
    nListed = Field[int](doc="Lines in the list beside the grid, at most.", default=16)

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [("calibrationsByRun", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera`` and, if it is given, ``plotInfo``."""
        camera: Camera = kwargs["camera"]
        geometry = cameraGeometry(camera)
        given: Any = data["calibrationsByRun"]
        curves = {name: PtcCurves.fromCalibration(calib, geometry) for name, calib in given.items()}
        return makeCurvesFigure(self.prepare(curves, kwargs.get("plotInfo")))

    def prepare(
        self, curves: Mapping[str, PtcCurves], plotInfo: Mapping[str, object] | None = None
    ) -> CurvesView:
        """Lay two sets of curves upon each other; no matplotlib is involved.

        Parameters
        ----------
        curves
            Both, by the names of their collections, of the same detector.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.

        Raises
        ------
        ValueError
            Raised if there are not two, or they are of several detectors.
        """
        both = list(curves.values())
        if len(both) != 2 or both[0].detector != both[1].detector:
            named = ", ".join(f"{name} ({each.detector})" for name, each in curves.items())
            raise ValueError(f"expected two photon transfer curves of one detector, got {named or 'none'}")
        x_limits = logLimits(each.means for each in both)
        steps = np.geomspace(*x_limits, _STEPS)
        fitted = [each.model(steps) if each.model else np.full((len(each.names), 1), np.nan) for each in both]
        panels = tuple(_makePanel(both, i, steps, [fit[i] for fit in fitted]) for i in range(len(fitted[0])))
        info = plotInfo or {}
        words, is_bad = headline(both[0], panels, "")
        gains = [_compare(each.values["PTC_GAIN"] for each in both)]
        return CurvesView(
            layout=both[0].layout,
            panels=panels,
            looks=_makeLooks(list(curves)),
            scales=("log", "log"),
            xLimits=x_limits,
            yLimits=logLimits(each.vectors["variance"] for each in both),
            axisLabels=(MEAN, "Variance of their difference (adu²)"),
            notes=("gain and noise of B minus those of A, in percent of A",),
            title=f"{chooseTitle(self.title, info, '')}: {both[0].detector}, {both[0].sensor}",
            headline=words,
            isBad=is_bad,
            provenance=describeProvenance(info, [], "calibration"),
            lists=(_listLargest(both[0], gains[0], self.nListed),),
        )


def _makeLooks(names: Sequence[str]) -> dict[str, Look]:
    """Choose the looks of the curves of both collections."""
    looks = {}
    for letter, name, (colour, dashes, marker) in zip("AB", names, _LOOKS, strict=True):
        words = f"{letter}: {shorten(name, _LABEL)}"
        face = "none" if letter == "A" else colour
        points = {"linestyle": "", "marker": marker, "markersize": 5.0 if letter == "A" else 2.5}
        points |= {"color": colour, "markerfacecolor": face, "markeredgewidth": 0.7}
        looks[f"{letter} unused"] = Look(
            label=f"{letter}, not used by its fit", style={**points, "alpha": 0.4}
        )
        looks[letter] = Look(label=words, style=points)
        looks[f"{letter} fit"] = Look(
            label=f"fit of {letter}", style={"color": colour, "linewidth": 0.9, "linestyle": dashes}
        )
        looks[f"{letter} turnoff"] = Look(
            label=f"turnoff of {letter}", style={"color": colour, "linewidth": 0.7, "linestyle": ":"}
        )
    return looks


def _makePanel(
    both: Sequence[PtcCurves], amp: int, steps: FloatArray, fitted: Sequence[FloatArray]
) -> CurvePanel:
    """Show an amplifier."""
    series: list[Series] = []
    marks, lacking = {}, []
    for letter, curves, fit in zip("AB", both, fitted, strict=True):
        used, variance = curves.used[amp], curves.vectors["variance"][amp]
        for kind, chosen in ((f"{letter} unused", ~used), (letter, used)):
            series.append(Series(kind=kind, x=curves.means[amp][chosen], y=variance[chosen]))
        if np.isfinite(fit).any():
            series.append(Series(kind=f"{letter} fit", x=steps, y=fit, isBeyond=False))
        else:
            lacking.append(letter)
        marks[f"{letter} turnoff"] = float(curves.values["PTC_TURNOFF"][amp])
    names = {"gain": "PTC_GAIN", "noise": "PTC_NOISE"}
    words = {word: float(_compare(c.values[key] for c in both)[amp]) for word, key in names.items()}
    return CurvePanel(
        name=str(both[0].names[amp]),
        series=tuple(series),
        marks=marks,
        words=joinWords(words, 2),
        lacks=f"no fit of {' and '.join(lacking)}" if lacking else "",
    )


def _compare(columns: Any) -> FloatArray:
    """Measure the change of values of amplifiers from A to B, in percent, shape (nAmps,)."""
    before, after = columns
    with np.errstate(divide="ignore", invalid="ignore"):
        change: FloatArray = 100 * (after - before) / before
    return change


def _listLargest(curves: PtcCurves, changes: FloatArray, nListed: int) -> tuple[str, ...]:
    """List the amplifiers by the change of their gain, the largest first."""
    finite = np.flatnonzero(np.isfinite(changes))
    order = finite[np.argsort(-np.abs(changes[finite]), kind="stable")]
    lines = [f"{curves.names[i]:<6}{changes[i]:+.2f}" for i in order.tolist()]
    return listFirst("Change of the gain (percent)", lines, nListed)
