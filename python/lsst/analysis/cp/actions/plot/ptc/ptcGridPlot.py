# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lsst.analysis.cp.actions.plot.curves import CurvePanel, CurvesView, Series, joinWords, logLimits
from lsst.analysis.cp.core.typing import FloatArray
from lsst.pex.config import ChoiceField

from .calibrationPlot import LOOKS, MEAN, PtcPlot, pairSeries
from .view import PtcCurves, limitLists, shortNames

__all__ = ["PtcGridPlot"]

_STEPS = 200
"""Number of points of a fitted curve."""


class PtcGridPlot(PtcPlot):
    """Variance against mean of the pairs of flats of the amplifiers of a detector.

    All panels share their axes. Pairs that the fit used are filled, the others are open. Curve and turnoff
    are those of the fit, whose numbers are written beside them; the panel of an amplifier that does not keep
    a limit is framed and names the tests.
    """

    scale = ChoiceField[str](
        doc="Scale of both axes.",
        default="log",
        allowed={"log": "Logarithmic.", "linear": "From zero, which shows the shape at large signals."},
    )

    def prepare(self, curves: PtcCurves, plotInfo: Mapping[str, object] | None = None) -> CurvesView:
        """Show the variances of all pairs, and the fit."""
        x_limits, variance = logLimits([curves.means]), curves.vectors["variance"]
        y_limits = logLimits([variance])
        steps = np.geomspace(*x_limits, _STEPS)
        if self.scale == "linear":
            x_limits, y_limits = (0.0, x_limits[1] / 1.4), (0.0, y_limits[1] / 1.4)
            steps = np.linspace(*x_limits, _STEPS)
        fitted = curves.model(steps) if curves.model else np.full((len(curves.names), _STEPS), np.nan)
        panels = curves.makePanels(lambda i: _makePanel(curves, i, steps, fitted[i]))
        return CurvesView(
            **self._describe(curves, panels, plotInfo, "outside of limits"),
            looks=LOOKS,
            scales=(self.scale, self.scale),
            xLimits=x_limits,
            yLimits=y_limits,
            axisLabels=(MEAN, "Variance of their difference (adu²)"),
            notes=("gain in e-/adu, noise in e-, a00 in 1/e-, turnoff in adu",),
            lists=limitLists(curves, self.nListed),
        )


def _makePanel(curves: PtcCurves, amp: int, steps: FloatArray, fitted: FloatArray) -> CurvePanel:
    """Show an amplifier."""
    series = pairSeries(curves, amp, curves.means, curves.vectors["variance"])
    values = {key: float(column[amp]) for key, column in curves.values.items()}
    has_fit = bool(np.isfinite(fitted).any())
    fit = (Series(kind="fit", x=steps, y=fitted, isBeyond=False),) if has_fit else ()
    words = {"gain": "PTC_GAIN", "noise": "PTC_NOISE", "a00": "PTC_BFE_A00", "turnoff": "PTC_TURNOFF"}
    return CurvePanel(
        name=str(curves.names[amp]),
        series=series + fit,
        marks={"turnoff": values["PTC_TURNOFF"]},
        words=joinWords({word: values[key] for word, key in words.items()}) if has_fit else (),
        failed=shortNames(curves.failed[amp]),
        lacks="" if has_fit else "no fit",
    )
