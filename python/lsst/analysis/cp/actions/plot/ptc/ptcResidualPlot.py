# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lsst.analysis.cp.actions.plot.curves import (
    CurvePanel,
    CurvesView,
    Look,
    joinWords,
    linearLimits,
    logLimits,
)
from lsst.analysis.cp.core.typing import FloatArray
from lsst.pex.config import ChoiceField, Field

from .calibrationPlot import LOOKS, MEAN, PtcPlot, pairSeries
from .view import PtcCurves, shortNames

__all__ = ["PtcResidualPlot"]

_LABELS = {
    "percent": "Variance above the fit (percent of the fit)",
    "sigma": "Variance above the fit (standard deviations of the variance)",
}


class PtcResidualPlot(PtcPlot):
    """Difference of the variances of the pairs of flats from the fit, against the mean.

    The axis of differences holds the bulk of the pairs that the fits used; those outside of it are counted.
    """

    residual = ChoiceField[str](
        doc="Unit of the differences.",
        default="percent",
        allowed={
            "percent": "Percent of the fitted variance.",
            "sigma": "Standard deviations, as the fit weighted the variance.",
        },
    )
    nSigma = Field[float](
        doc="Half length of the axis of differences, in scaled median absolute deviations of all.",
        default=8.0,
        check=lambda value: value > 0,
    )

    def setDefaults(self) -> None:
        """Name what is shown."""
        super().setDefaults()
        self.title = "Residuals of photon transfer curves"

    def prepare(self, curves: PtcCurves, plotInfo: Mapping[str, object] | None = None) -> CurvesView:
        """Show the residuals of all pairs."""
        residuals = _measure(curves, self.residual)
        used = np.where(curves.used, residuals, np.nan)
        panels = curves.makePanels(lambda i: _makePanel(curves, i, residuals))
        reach = max(map(abs, linearLimits(used, self.nSigma, 0.0)))
        return CurvesView(
            **self._describe(curves, panels, plotInfo, "outside of limits"),
            looks=LOOKS | {"zero": Look(label="fit", style={"color": "black", "linewidth": 0.9})},
            levels=(("zero", 0.0),),
            scales=("log", "linear"),
            xLimits=logLimits([curves.means]),
            yLimits=(-reach, reach),
            axisLabels=(MEAN, _LABELS[self.residual]),
            notes=("rms and worst are of the pairs that the fit used",),
        )


def _measure(curves: PtcCurves, unit: str) -> FloatArray:
    """Measure the residuals of all pairs, shape (nAmps, nPairs)."""
    fitted = np.full(curves.means.shape, np.nan)
    if curves.model is not None:
        # All amplifiers are evaluated at all means, of which each needs its own.
        means = np.unique(curves.means[np.isfinite(curves.means)])
        place = np.minimum(np.searchsorted(means, curves.means), len(means) - 1) if len(means) else None
        if place is not None:
            fitted = np.take_along_axis(curves.model(means), place, axis=1)
    difference = np.where(np.isfinite(curves.means), curves.vectors["variance"] - fitted, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = 100 * difference / fitted if unit == "percent" else difference * curves.vectors["weight"]
    return np.where(np.isfinite(scaled), scaled, np.nan)


def _makePanel(curves: PtcCurves, amp: int, residuals: FloatArray) -> CurvePanel:
    """Show an amplifier."""
    own = residuals[amp][curves.used[amp] & np.isfinite(residuals[amp])]
    has_fit = len(own) > 0
    words = {"rms": np.sqrt(np.mean(own**2)), "worst": own[np.argmax(np.abs(own))]} if has_fit else {}
    return CurvePanel(
        name=str(curves.names[amp]),
        series=pairSeries(curves, amp, curves.means, residuals),
        marks={"turnoff": float(curves.values["PTC_TURNOFF"][amp])},
        words=joinWords({key: float(value) for key, value in words.items()}),
        failed=shortNames(curves.failed[amp]),
        lacks="" if has_fit else "no fit",
    )
