# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Plots of what cp_verify stores of the pairs of flats of a photon transfer curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
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
from lsst.analysis.cp.actions.plot.style import LINE_LOOKS
from lsst.analysis.cp.actions.plot.text import chooseTitle, describeProvenance
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field

from .calibrationPlot import LOOKS, MEAN, pairSeries
from .view import PtcCurves, headline

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["PtcCovariancePlot", "PtcRowMeanPlot"]

_LAGS = ("10", "01", "11", "20", "02")
"""Lags that cp_verify stores, in the order of ip_isr."""


class PtcTablePlot(PlotAction):
    """Base of plots of the rows of one detector of a table of results, placed as its amplifiers lie on it."""

    title = Field[str](doc="Title of the figure, in words.", default="")

    vectorNames: ClassVar[tuple[str, ...]]
    """Columns of vectors that are shown, without prefix."""
    numberNames: ClassVar[tuple[str, ...]]
    """Columns of numbers that are shown, or tell which are measurements."""

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        prefix = getProduct("ptc").prefix
        names = ("PTC_RAW_MEANS", "PTC_EXP_ID_MASK", *self.vectorNames, *self.numberNames)
        return [("detector", Vector), ("amplifier", Vector)] + [
            (f"{prefix}_{name}", Vector) for name in names
        ]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera`` and, if it is given, ``plotInfo``."""
        camera: Camera = kwargs["camera"]
        curves = PtcCurves.fromTable(
            data, cameraGeometry(camera), vectors=self.vectorNames, values=self.numberNames
        )
        return makeCurvesFigure(self.prepare(curves, kwargs.get("plotInfo")))

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
        self, curves: PtcCurves, panels: tuple[CurvePanel, ...], plotInfo: Mapping[str, object] | None
    ) -> dict[str, Any]:
        """Write what is said of all pages."""
        info = plotInfo or {}
        words, is_bad = headline(curves, panels, "")
        return {
            "layout": curves.layout,
            "panels": panels,
            "title": f"{chooseTitle(self.title, info, '')}: {curves.detector}, {curves.sensor}",
            "headline": words,
            "isBad": is_bad,
            "provenance": describeProvenance(info, []),
        }


class PtcCovariancePlot(PtcTablePlot):
    """Covariances of pixels against the mean of each pair of flats, with the lines that cp_verify fits.

    Only pairs that the fit of the curve used are shown, as only these are fitted. A line that did not
    converge, or that is what the fit began with, is left out.
    """

    vectorNames = tuple(f"PTC_COV_{lag}" for lag in _LAGS)
    numberNames = tuple(
        f"PTC_COV_{lag}_FIT_{kind}" for lag in _LAGS for kind in ("SLOPE", "OFFSET", "SUCCESS")
    )

    nSigma = Field[float](
        doc="Half length of the axis of covariances, in scaled median absolute deviations of all.",
        default=20.0,
        check=lambda value: value > 0,
    )

    def setDefaults(self) -> None:
        """Name what is shown."""
        super().setDefaults()
        self.title = "Covariances of pixels"

    def prepare(self, curves: PtcCurves, plotInfo: Mapping[str, object] | None = None) -> CurvesView:
        """Show the covariances of all pairs that were used."""
        panels = curves.makePanels(lambda i: _showCovariances(curves, i))
        used = [np.where(curves.used, curves.vectors[name], np.nan) for name in self.vectorNames]
        looks: dict[str, Look] = {}
        for lag, (colour, marker) in zip(_LAGS, LINE_LOOKS, strict=False):
            points = {"linestyle": "", "marker": marker, "markersize": 2.6, "color": colour}
            looks[lag] = Look(label=f"covariance at the lags ({', '.join(lag)})", style=points)
            looks[f"fit {lag}"] = Look(
                label=f"line of cp_verify at ({', '.join(lag)})", style={"color": colour, "linewidth": 0.9}
            )
        return CurvesView(
            **self._describe(curves, panels, plotInfo),
            looks=looks | {"zero": Look(label="0", style={"color": "#999999", "linewidth": 0.6})},
            levels=(("zero", 0.0),),
            xLimits=(0.0, logLimits([np.where(curves.used, curves.means, np.nan)])[1] / 1.4),
            yLimits=linearLimits(np.array(used), self.nSigma, 0.0),
            axisLabels=(MEAN, "Covariance of pixels (adu²)"),
            notes=("slopes in adu; lags in the order of ip_isr",),
        )


def _showCovariances(curves: PtcCurves, amp: int) -> CurvePanel:
    """Show the covariances of an amplifier, and their lines."""
    used = curves.used[amp]
    means = curves.means[amp][used]
    series, slopes = [], {}
    for lag in _LAGS:
        name = f"PTC_COV_{lag}"
        series.append(Series(kind=lag, x=means, y=curves.vectors[name][amp][used]))
        slope, offset = (float(curves.values[f"{name}_FIT_{kind}"][amp]) for kind in ("SLOPE", "OFFSET"))
        if len(means) and np.isfinite(slope) and np.isfinite(offset):
            ends = np.array([means.min(), means.max()])
            series.append(Series(kind=f"fit {lag}", x=ends, y=slope * ends + offset, isBeyond=False))
            slopes[f"({lag[0]},{lag[1]})"] = slope
    return CurvePanel(
        name=str(curves.names[amp]),
        series=tuple(series),
        words=joinWords(slopes),
        lacks="" if slopes else "no fit",
    )


class PtcRowMeanPlot(PtcTablePlot):
    """Variance of the means of rows against that of photon noise in them, with the slope of cp_verify.

    The slope is 1 where nothing else moves whole rows.
    """

    vectorNames = ("PTC_ROW_MEAN_VARIANCE",)
    numberNames = ("PTC_GAIN", "PTC_ROW_MEAN_VARIANCE_SLOPE")

    def setDefaults(self) -> None:
        """Name what is shown."""
        super().setDefaults()
        self.title = "Variance of the means of rows"

    def prepare(self, curves: PtcCurves, plotInfo: Mapping[str, object] | None = None) -> CurvesView:
        """Show the variances of all pairs, in electrons."""
        gain = curves.values["PTC_GAIN"][:, np.newaxis]
        expected = 2 * curves.means * gain / curves.nColumns[:, np.newaxis]
        measured = curves.vectors["PTC_ROW_MEAN_VARIANCE"] * gain**2
        x_limits = logLimits([expected])
        panels = curves.makePanels(lambda i: _showRowMeans(curves, i, expected, measured, x_limits))
        style = {"color": "#9c6500", "linewidth": 0.9, "linestyle": "--"}
        return CurvesView(
            **self._describe(curves, panels, plotInfo),
            looks=LOOKS
            | {"fit": Look(label="slope of cp_verify", style=LOOKS["fit"].style)}
            | {"one": Look(label="slope 1: photon noise alone", style=style)},
            scales=("log", "log"),
            xLimits=x_limits,
            yLimits=logLimits([measured]),
            axisLabels=(
                "Variance of photon noise in the mean of a row, 2 signal / columns (e-²)",
                "Variance of the means of rows (e-²)",
            ),
        )


def _showRowMeans(
    curves: PtcCurves, amp: int, expected: Any, measured: Any, ends: tuple[float, float]
) -> CurvePanel:
    """Show the variances of an amplifier, and the line of its slope."""
    slope, x = float(curves.values["PTC_ROW_MEAN_VARIANCE_SLOPE"][amp]), np.array(ends)
    series = pairSeries(curves, amp, expected, measured)
    series += (Series(kind="one", x=x, y=x, isBeyond=False),)
    has_slope = bool(np.isfinite(slope))
    if has_slope:
        series += (Series(kind="fit", x=x, y=slope * x, isBeyond=False),)
    return CurvePanel(
        name=str(curves.names[amp]),
        series=series,
        words=joinWords({"slope": slope}) if has_slope else (),
        lacks="" if has_slope else "no slope",
    )
