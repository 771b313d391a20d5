# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lsst.analysis.cp.actions.plot.curves import (
    CurvePanel,
    CurvesView,
    Look,
    Series,
    joinWords,
    linearLimits,
    logLimits,
)
from lsst.analysis.cp.actions.plot.style import FAILING
from lsst.analysis.cp.actions.plot.text import formatNumber
from lsst.pex.config import Field

from .calibrationPlot import LOOKS, MEAN, PtcPlot, pairSeries
from .view import PtcCurves

__all__ = ["PtcNoisePlot"]

_LOOKS = LOOKS | {
    "mean": Look(label="mean of the pairs that the fit used", style={"color": "black", "linewidth": 0.9}),
    "limit": Look(
        label="mean ± the limit of the standard deviation",
        style={"color": FAILING, "linewidth": 0.8, "linestyle": ":"},
    ),
}


class PtcNoisePlot(PtcPlot):
    """Noise of the overscan of each pair of flats against the signal, from which it should be independent.

    An amplifier fails where the standard deviation of the pairs that the fit used is not below the limit, or
    there is no such pair.
    """

    limit = Field[float](
        doc="Limit of the standard deviation (adu), that of NOISE_SIGNAL_INDEPENDENCE in cp_verify, where it "
        "is a literal.",
        default=1.25,
        check=lambda value: value > 0,
    )
    nSigma = Field[float](
        doc="Half length of the axis of noises, in scaled median absolute deviations of all.",
        default=8.0,
        check=lambda value: value > 0,
    )

    def setDefaults(self) -> None:
        """Name what is shown."""
        super().setDefaults()
        self.title = "Noise of the overscan against the signal"

    def prepare(self, curves: PtcCurves, plotInfo: Mapping[str, object] | None = None) -> CurvesView:
        """Show the noises of all pairs."""
        panels = curves.makePanels(lambda i: self._makePanel(curves, i))
        noises = np.where(curves.used, curves.vectors["noise"], np.nan)
        shown = np.concatenate([noises - self.limit, noises + self.limit])
        return CurvesView(
            **self._describe(curves, panels, plotInfo, "noise changes"),
            looks=_LOOKS,
            scales=("log", "linear"),
            xLimits=logLimits([curves.means]),
            yLimits=linearLimits(shown, self.nSigma),
            axisLabels=(MEAN, "Noise of the overscan (adu)"),
            notes=(f"σ: standard deviation (adu), limit < {formatNumber(self.limit)}",),
        )

    def _makePanel(self, curves: PtcCurves, amp: int) -> CurvePanel:
        """Show an amplifier."""
        noises = curves.vectors["noise"][amp][curves.used[amp]]
        # As cp_verify has it, a noise that is missing makes the result unknown, which fails.
        scatter = float(np.std(noises)) if len(noises) else np.nan
        series = pairSeries(curves, amp, curves.means, curves.vectors["noise"])
        used = curves.means[amp][curves.used[amp]]
        if len(noises):
            ends = np.array([used.min(), used.max()])
            mean = float(np.mean(noises))
            lines = (("mean", mean), ("limit", mean - self.limit), ("limit", mean + self.limit))
            series += tuple(Series(kind=kind, x=ends, y=np.full(2, y), isBeyond=False) for kind, y in lines)
        panel = CurvePanel(
            name=str(curves.names[amp]),
            series=series,
            words=joinWords({"σ": scatter, "mean": float(np.mean(noises))}) if len(noises) else (),
            failed=() if scatter < self.limit else ("noise",),
        )
        has_values = np.isfinite(curves.vectors["noise"][amp]).any()
        return panel if len(noises) and has_values else replace(panel, lacks="no pair used")
