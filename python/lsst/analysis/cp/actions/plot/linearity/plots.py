# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.linearity import correctSignals
from lsst.analysis.cp.actions.plot.curves import (
    CurvePanel,
    CurvesView,
    Look,
    Series,
    joinWords,
    linearLimits,
    logLimits,
    makeCurvesFigure,
)
from lsst.analysis.cp.actions.plot.text import (
    chooseTitle,
    describeLimits,
    describeProvenance,
    formatNumber,
    listFirst,
    plural,
)
from lsst.analysis.cp.core.typing import FloatArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field

from .curves import LinearityCurve, LinearityCurves, readLinearity

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = [
    "LinearityDeviationPlot",
    "LinearityFitPlot",
    "LinearityPlot",
    "LinearityResidualPlot",
    "LinearitySplinePlot",
]

_POINT = {"linestyle": "", "marker": "o", "markersize": 3.0}
_OPEN = {"markersize": 3.5, "markerfacecolor": "none", "markeredgecolor": "#777777", "markeredgewidth": 0.6}
_LOOKS = {
    "used": Look(
        label="pair of flats that the fit used", style=_POINT | {"markersize": 3.0, "color": "#2a6f97"}
    ),
    "unused": Look(
        label="pair of flats that it did not use",
        style=_POINT
        | {
            "markersize": 3.5,
            "markerfacecolor": "none",
            "markeredgecolor": "#777777",
            "markeredgewidth": 0.6,
        },
    ),
    "reference": Look(
        label="linearizer by which the flats were corrected",
        style={"color": "#000000", "linewidth": 1.1, "linestyle": "--"},
    ),
    "correction": Look(label="linearizer of what is left", style={"color": "#009e73", "linewidth": 1.1}),
    "knot": Look(label="its knots", style=_POINT | {"marker": "D", "color": "#009e73"}),
    "line": Look(label="straight line through the origin", style={"color": "black", "linewidth": 0.9}),
    "limit": Look(
        label="limit of the spline", style={"color": "#d6006c", "linewidth": 0.9, "linestyle": ":"}
    ),
    "turnoff": Look(label="turnoff", style={"color": "#9c6500", "linewidth": 1.0, "linestyle": "--"}),
}
"""Looks of all pages."""

_STEPS = 300
"""Number of points of a curve."""

_MOST = 5.0
"""Largest deviation that an axis is stretched to, in units of the limit."""

_SIGNAL = "Mean of a pair of flats (adu)"
_TEST = "SPLINE_RESIDUAL"
"""Test whose limit is drawn."""


class LinearityPlot(PlotAction):
    """Base of plots of the linearizers of a detector, placed as its amplifiers lie on it.

    The datum is ``calibrations``, with the `lsst.ip.isr.Linearizer` of the detector by its id.
    """

    title = Field[str](doc="Title of the figure, in words.", default="")
    nListed = Field[int](doc="Lines in each list beside the grid, at most.", default=16)

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [("calibrations", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera``, and ``plotInfo`` and ``limits`` if they are given."""
        camera: Camera = kwargs["camera"]
        found = cast(Mapping[str, Mapping[int, Any]], data)
        ((detector, calib),) = found["calibrations"].items()
        curves = readLinearity(calib, cameraGeometry(camera), kwargs.get("limits"))
        reference = found.get("references", {}).get(detector)
        return makeCurvesFigure(self.prepare(curves, reference, kwargs.get("plotInfo") or {}))

    def prepare(
        self, curves: LinearityCurves, reference: Any = None, plotInfo: Mapping[str, object] | None = None
    ) -> CurvesView:
        """Choose what is shown; no matplotlib is involved.

        Parameters
        ----------
        curves
            What the linearizer has.
        reference
            The `lsst.ip.isr.Linearizer` by which the flats were corrected; None if there is none.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.
        """
        raise NotImplementedError

    def _describe(
        self, curves: LinearityCurves, panels: list[CurvePanel], plotInfo: Mapping[str, object] | None
    ) -> dict[str, Any]:
        """Write what is said of all pages."""
        info = plotInfo or {}
        bad = [amp for amp in curves.amps if amp.failed]
        none = [amp.name for amp in curves.amps if not amp.hasFit]
        kinds = sorted({amp.kind for amp in curves.amps if amp.hasFit})
        words = [plural(len(panels), "amplifier"), *(f"type {kind}" for kind in kinds)]
        words += [f"outside of limits: {', '.join(amp.name for amp in bad)}"] if bad else []
        words += [f"without a linearizer: {', '.join(none)}"] if none else []
        tests = [t for t in curves.product.ownVerdicts() if t.vectors and {*kinds} & {*t.vectors.kinds}]
        worst = sorted(curves.amps, key=lambda amp: -np.nan_to_num(amp.residual, nan=-1.0))
        return {
            "layout": curves.layout,
            "panels": tuple(panels),
            "looks": _LOOKS,
            "title": f"{chooseTitle(self.title, info, '')}: {curves.detector}, {curves.sensor}",
            "headline": "; ".join(words),
            "isBad": bool(bad or none),
            "provenance": describeProvenance(info, [], "calibration"),
            "lists": (
                listFirst(
                    "Largest tested quantities",
                    [f"{amp.name:<6}{formatNumber(amp.residual, 3)}" for amp in worst if amp.hasFit],
                    self.nListed,
                ),
                listFirst(
                    "Limits",
                    [f"{test.key} {describeLimits(test)} {test.quantityUnit}" for test in tests],
                    self.nListed,
                ),
            ),
        }


class LinearityDeviationPlot(LinearityPlot):
    """How far each pair of flats is from a straight line, in percent, and the linearizer fitted to that.

    All panels share their axes. Dotted lines are the limit of the ratio of the spline and the signal, which
    is tested at its knots; the panel of an amplifier that does not keep it is framed.
    """

    def setDefaults(self) -> None:
        """Choose the title."""
        super().setDefaults()
        self.title = "What is left of the non-linearity"

    def prepare(
        self, curves: LinearityCurves, reference: Any = None, plotInfo: Mapping[str, object] | None = None
    ) -> CurvesView:
        """Show the deviations before the correction, and the correction."""
        limit = _findLimit(curves)
        panels, heights, most = [], [], 1.5 * limit
        for amp in curves.amps:
            shift = correctSignals(curves.calibration, amp.name, amp.signals)
            deviations = _toPercent(amp.residuals + shift, amp.signals)
            steps = np.linspace(0, _findEnd(amp), _STEPS)[1:]
            fitted = _toPercent(correctSignals(curves.calibration, amp.name, steps), steps)
            knots = _toPercent(amp.values, amp.knots)
            heights.append(deviations[amp.used])
            most = max(most, min(float(np.abs(knots[np.isfinite(knots)]).max(initial=0.0)), _MOST * limit))
            lines = (
                Series(kind="correction", x=steps, y=fitted, isBeyond=False),
                Series(kind="knot", x=amp.knots, y=knots, isBeyond=False),
            )
            panels.append(_makePanel(amp, _pairSeries(amp, amp.signals, deviations) + lines))
        return CurvesView(
            **self._describe(curves, panels, plotInfo),
            levels=(("limit", -limit), ("limit", limit)),
            xLimits=_signalLimits(curves),
            yLimits=_makeRoom(linearLimits(np.concatenate([*heights, [0.0]]), 8.0, -most, most)),
            axisLabels=(_SIGNAL, "Deviation from a straight line (% of the signal)"),
            notes=("residual: the largest ratio of a value and its knot, in percent",),
        )


class LinearityResidualPlot(LinearityPlot):
    """What the fit of a linearizer leaves of each pair of flats, in percent of the signal.

    All panels share their axes.
    """

    def setDefaults(self) -> None:
        """Choose the title."""
        super().setDefaults()
        self.title = "Residuals of the fit of the linearizer"

    def prepare(
        self, curves: LinearityCurves, reference: Any = None, plotInfo: Mapping[str, object] | None = None
    ) -> CurvesView:
        """Show what is left after the correction."""
        panels, heights = [], []
        for amp in curves.amps:
            residuals = _toPercent(amp.residuals, amp.corrected)
            heights.append(residuals[amp.used])
            panels.append(_makePanel(amp, _pairSeries(amp, amp.signals, residuals)))
        return CurvesView(
            **self._describe(curves, panels, plotInfo),
            levels=(("line", 0.0),),
            xLimits=_signalLimits(curves),
            yLimits=_makeRoom(linearLimits(np.concatenate([*heights, [0.0]]), 8.0, -0.1, 0.1)),
            axisLabels=(_SIGNAL, "Residual (% of the corrected signal)"),
        )


class LinearityFitPlot(LinearityPlot):
    """Corrected signal of each pair of flats against its exposure time, or the charge of the photodiode.

    The line through the origin is that of the fit. All panels share their logarithmic axes.
    """

    exposureLabel = Field[str](
        doc="What the flats were measured against, with its unit.",
        default="Exposure time (s), or charge of the photodiode",
    )

    def setDefaults(self) -> None:
        """Choose the title."""
        super().setDefaults()
        self.title = "Fit of the linearizer"

    def prepare(
        self, curves: LinearityCurves, reference: Any = None, plotInfo: Mapping[str, object] | None = None
    ) -> CurvesView:
        """Show the signals, and the line."""
        x_limits = logLimits([amp.exposures for amp in curves.amps])
        steps = np.geomspace(*x_limits, 3)
        panels = []
        for amp in curves.amps:
            line = Series(kind="line", x=steps, y=amp.slope * steps, isBeyond=False)
            panel = _makePanel(amp, (*_pairSeries(amp, amp.exposures, amp.corrected), line))
            panels.append(_withMark(panel, amp.turnoff / amp.slope if amp.slope else np.nan))
        return CurvesView(
            **self._describe(curves, panels, plotInfo),
            scales=("log", "log"),
            xLimits=x_limits,
            yLimits=logLimits([amp.corrected for amp in curves.amps]),
            axisLabels=(self.exposureLabel, "Corrected mean of a pair of flats (adu)"),
        )


class LinearitySplinePlot(LinearityPlot):
    """What two linearizers subtract: that by which the flats were corrected, and that of what is left.

    All panels share their axes. Dotted lines are the limit of what may be left, which grows with the signal.
    """

    def setDefaults(self) -> None:
        """Choose the title."""
        super().setDefaults()
        self.title = "Corrections of the linearity"

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [("calibrations", Vector), ("references", Vector)]

    def prepare(
        self, curves: LinearityCurves, reference: Any = None, plotInfo: Mapping[str, object] | None = None
    ) -> CurvesView:
        """Show both corrections on the same axes."""
        limit, most = _findLimit(curves), 0.0
        sources = {"reference": reference, "correction": curves.calibration}
        panels = []
        for amp in curves.amps:
            steps = np.linspace(0, _findEnd(amp), _STEPS)
            guide = limit / 100 * steps
            series = [Series(kind="limit", x=steps, y=y, isBeyond=False) for y in (-guide, guide)]
            for kind, calib in sources.items():
                if calib is not None:
                    heights = correctSignals(calib, amp.name, steps)
                    most = max(most, float(np.abs(heights[np.isfinite(heights)]).max(initial=0.0)))
                    series.append(Series(kind=kind, x=steps, y=heights))
            series.append(Series(kind="knot", x=amp.knots, y=amp.values))
            panels.append(_makePanel(amp, tuple(series)))
        most = 1.1 * most or 1.0
        return CurvesView(
            **self._describe(curves, panels, plotInfo),
            xLimits=_signalLimits(curves),
            yLimits=_makeRoom((-most, most)),
            axisLabels=("Signal (adu)", "Subtracted from the signal (adu)"),
            notes=() if reference is not None else ("the linearizer that corrected the flats is not there",),
        )


def _findLimit(curves: LinearityCurves) -> float:
    """Find the limit of the ratio of a spline and the signal (percent)."""
    limit = curves.product[_TEST].limit
    assert limit is not None
    return limit


def _makeRoom(limits: tuple[float, float]) -> tuple[float, float]:
    """Leave room for words above what an axis holds."""
    return limits[0], limits[1] + 0.25 * (limits[1] - limits[0])


def _toPercent(values: FloatArray, signals: FloatArray) -> FloatArray:
    """Divide by signals, in percent; NaN where these are not above 0."""
    return 100 * np.divide(values, signals, out=np.full(len(signals), np.nan), where=signals > 0)


def _findEnd(amp: LinearityCurve) -> float:
    """Find the largest signal of an amplifier for which there is a correction."""
    known = [amp.knots.max(initial=0.0), np.nan_to_num(amp.turnoff, posinf=0.0)]
    return float(max(known)) or float(amp.signals[amp.used].max(initial=0.0))


def _signalLimits(curves: LinearityCurves) -> tuple[float, float]:
    """Choose the ends of the axis of signals, from 0 to the largest that was observed."""
    ends = [_findEnd(amp) for amp in curves.amps]
    ends += [float(amp.signals[np.isfinite(amp.signals)].max(initial=0.0)) for amp in curves.amps]
    return 0.0, 1.03 * max(ends) or 1.0


def _pairSeries(amp: LinearityCurve, x: FloatArray, y: FloatArray) -> tuple[Series, ...]:
    """Make the points of the pairs of flats, those that were not used first."""
    return tuple(
        Series(kind=kind, x=x[chosen], y=y[chosen], isBeyond=kind == "used")
        for kind, chosen in (("unused", ~amp.used), ("used", amp.used))
    )


def _makePanel(amp: LinearityCurve, series: tuple[Series, ...]) -> CurvePanel:
    """Show an amplifier; without a linearizer it has no data."""
    if not amp.hasFit:
        return CurvePanel(name=amp.name, series=(), lacks="no linearizer")
    words = joinWords({"residual": amp.residual, "turnoff": amp.turnoff, "largest": amp.largest})
    return CurvePanel(
        name=amp.name,
        series=series,
        marks={"turnoff": amp.turnoff},
        words=words,
        failed=tuple(key.replace("_", " ").lower() for key in amp.failed),
    )


def _withMark(panel: CurvePanel, place: float) -> CurvePanel:
    """Move the mark of the turnoff."""
    return replace(panel, marks={"turnoff": place}) if panel.series else panel
