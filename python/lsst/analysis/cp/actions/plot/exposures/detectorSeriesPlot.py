# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.keyedData import AMP_TABLE, getAmpTable
from lsst.analysis.cp.actions.plot.text import (
    describeProvenance,
    formatNumber,
    plural,
    withUnit,
)
from lsst.analysis.cp.core.amps import AmpTable
from lsst.analysis.cp.core.exposures import LineFits, finiteMedian, relativeSpread
from lsst.analysis.cp.core.typing import FloatArray, NameArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field, ListField

from .axis import AXES, countExposures, listUnplaced, placeExposures
from .drawing import makeSeriesFigure
from .view import SeriesPanel, SeriesView, chooseRange, pageTitle

__all__ = ["DetectorSeriesPlot"]

_DIGITS = 3
"""Digits of numbers in the key."""

_LISTED = 8
"""Exposures without a place that are named, at most."""


class DetectorSeriesPlot(PlotAction):
    """Values of one detector against times of the exposures of a run, a series an amplifier.

    There is a panel for each of the times. Where the data have lines, these are drawn, and the key gives
    their slopes, the steepest first; else the key gives the median of each amplifier and the range of its
    values, the widest first. The data are those of `~lsst.analysis.cp.actions.keyedData.ExposureValues` or
    `~lsst.analysis.cp.actions.keyedData.FitSlopes`.
    """

    title = Field[str](doc="Title of the figure, in words; the name of the tool if empty.", default="")
    yAxisLabel = Field[str](doc="What the values are, without unit.", default="")
    unit = Field[str](doc="Their unit; empty for a number without one.", default="")
    slopeUnit = Field[str](doc="Unit of the slopes of lines, if there are any.", default="")
    against = ListField[str](
        doc="Times of the exposures, a panel each.",
        default=["mjd", "exposureTime"],
        itemCheck=lambda name: name in AXES,
    )
    tests = ListField[str](doc="Tests to which the values belong, to be named on the figure.", default=[])

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [(AMP_TABLE, AmpTable), ("members", Vector), ("exposureValues", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``plotInfo`` as `prepare` takes it."""
        return makeSeriesFigure(self.prepare(data, kwargs.get("plotInfo")))

    def prepare(self, data: KeyedData, plotInfo: Mapping[str, object] | None = None) -> SeriesView:
        """Choose series, ranges and words; no matplotlib is involved.

        Parameters
        ----------
        data
            What the class says, of the amplifiers of one detector.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.
        """
        known: Mapping[str, Any] = data
        table, members, grid = getAmpTable(data), known["members"], known["exposureValues"]
        fits: LineFits | None = known.get("lineFits")
        names = table.layout.ampName[members]
        detector = table.layout.detectorName[table.layout.ampDetector[members[0]]]
        lines = np.empty((0, 2)) if fits is None else np.column_stack([fits.intercept, fits.slope])
        has_values = np.isfinite(grid).any(axis=0)
        panels = [
            SeriesPanel(
                title="",
                place=(row, 0),
                axis=placeExposures(table.times, name),
                values=grid.T,
                looks=np.arange(len(members)),
                lines=lines,
                absent=tuple(names[~has_values].tolist()),
            )
            for row, name in enumerate(self.against)
        ]
        axes = [panel.axis for panel in panels]
        limits, n_below, n_above = chooseRange(panels)
        label = withUnit(self.yAxisLabel, self.unit)
        key_title, key, headline = (
            self._describeSpread(names, grid) if fits is None else self._describeSlopes(names, fits)
        )
        return SeriesView(
            panels=tuple(panels),
            shape=(len(panels), 1),
            yLimits=limits,
            nBelow=n_below,
            nAbove=n_above,
            yLabel=label,
            title=pageTitle(self.title, plotInfo or {}, label, str(detector)),
            headline=f"{plural(int(has_values.sum()), 'amplifier')}, "
            f"{countExposures(axes, table.exposures)}; {headline}",
            provenance=describeProvenance(plotInfo or {}, self.tests),
            keyTitle=key_title,
            key=key,
            lists=listUnplaced(axes, table.exposures, _LISTED),
        )

    def _describeSlopes(
        self, names: NameArray, fits: LineFits
    ) -> tuple[str, tuple[tuple[int, str], ...], str]:
        """Title the key, label the series by their slopes, the steepest first, and sum up."""
        title = withUnit("Slope and standard error", self.slopeUnit)
        order = np.argsort(-np.nan_to_num(np.abs(fits.slope), nan=-1.0), kind="stable").tolist()
        key = tuple((i, f"{names[i]}  {_writeSlope(fits, i)}") for i in order)
        finite = fits.slope[np.isfinite(fits.slope)]
        if len(finite) == 0:
            return title, key, "no slope: there are not two exposures of different times"
        steepest = f"steepest {names[order[0]]} {_writeSlope(fits, order[0])}"
        median = formatNumber(float(np.median(finite)), _DIGITS)
        return title, key, f"median slope {median}, {steepest} {self.slopeUnit}"

    def _describeSpread(
        self, names: NameArray, grid: FloatArray
    ) -> tuple[str, tuple[tuple[int, str], ...], str]:
        """Title the key, label the series by median and range, the widest first, and sum up."""
        title = withUnit("Median, and range over median", self.unit)
        median, spread = finiteMedian(grid, axis=0), relativeSpread(grid)
        order = np.argsort(-np.nan_to_num(spread, nan=-1.0), kind="stable").tolist()
        key = tuple((i, f"{names[i]}  {_writeSpread(median[i], spread[i])}") for i in order)
        finite = median[np.isfinite(median)]
        if len(finite) == 0:
            return title, key, "no value"
        text = f"median {formatNumber(np.median(finite), 4)} {self.unit}"
        if np.isfinite(spread[order[0]]):
            text += f", widest range {names[order[0]]} {spread[order[0]]:.2%} of its median"
        return title, key, text


def _writeSlope(fits: LineFits, index: int) -> str:
    """Write a slope with its standard error, as far as they are known."""
    slope, error = float(fits.slope[index]), float(fits.slopeError[index])
    if not np.isfinite(slope):
        return "no slope" if fits.nPoints[index] else "no value"
    return f"{formatNumber(slope, _DIGITS)} ± {formatNumber(error, 2) if np.isfinite(error) else 'unknown'}"


def _writeSpread(median: float, spread: float) -> str:
    """Write a median with a range, as far as they are known."""
    if not np.isfinite(median):
        return "no value"
    return f"{formatNumber(median, 4)}" + (f", {spread:.2%}" if np.isfinite(spread) else "")
