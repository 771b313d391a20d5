# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.

"""Plots of a value over the focal plane.

They look as upstream's, with these differences: amplifiers of turned detectors
are drawn where they are, colour limits are found without ``showStats`` too,
the axes enclose the detectors that have data wherever these are, a limit of
zero counts in the histogram, and no figure is kept by pyplot.
"""

from __future__ import annotations

__all__ = ["FocalPlaneGeometryPlot", "FocalPlanePlot"]

from collections.abc import Mapping, MutableMapping
from copy import copy
from typing import Any, override

import matplotlib.patheffects as patheffects
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnchoredText
from mpl_toolkits.axes_grid1 import make_axes_locatable
from scipy.stats import binned_statistic, binned_statistic_2d

from lsst.afw.cameraGeom import FOCAL_PLANE, PIXELS, Camera
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Scalar, Vector
from lsst.analysis.tools.math import nanMax, nanMedian, nanMin, nanSigmaMad
from lsst.geom import Box2D
from lsst.pex.config import ChoiceField, Field
from lsst.utils.plotting import make_figure

from .plotUtils import addPlotInfo, mkColormap

_DPI = 300


class FocalPlanePlot(PlotAction):
    """Plot a statistic of a value over positions on the focal plane.

    Positions are pixels of a detector. The statistic is taken in square bins.
    """

    xAxisLabel = Field[str](doc="Label to use for the x axis.", default="x (mm)", optional=True)
    yAxisLabel = Field[str](doc="Label to use for the y axis.", default="y (mm)", optional=True)
    zAxisLabel = Field[str](doc="Label to use for the z axis.", optional=False)
    nBins = Field[int](
        doc="Number of bins to use within the effective plot ranges along the spatial directions.",
        default=200,
    )
    doUseAdaptiveBinning = Field[bool](
        doc="If set to True, the number of bins is adapted to the source"
        " density, with lower densities using fewer bins. Under these"
        " circumstances the nBins parameter sets the minimum number of bins.",
        default=False,
    )
    statistic = Field[str](doc="Operation to perform in binned_statistic_2d", default="mean")
    plotMin = Field[float](
        doc="Minimum in z-value to display in the focal plane plot and in the histogram plot, if applicable",
        default=None,
        optional=True,
    )
    plotMax = Field[float](
        doc="Maximum in z-value to display in the focal plane plot and in the histogram plot, if applicable",
        default=None,
        optional=True,
    )
    showStats = Field[bool](doc="Show statistics for plotted data", default=True)
    addHistogram = Field[bool](doc="Add a histogram of all input points", default=False)
    histBins = Field[int](doc="Number of bins to use in histogram", default=30)

    @override
    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        self._validateInput(data, **kwargs)
        return self.makePlot(data, **kwargs)

    def _validateInput(self, data: KeyedData, **kwargs: Any) -> None:
        needed = {key.format(**kwargs) for key, _ in self.getInputSchema(**kwargs)}
        if missing := needed - set(data.keys()):
            raise ValueError(f"Task needs keys {missing} but they were not found in input")
        for key in needed:
            if isinstance(data[key], (int, float)):
                raise ValueError(
                    f"Data keyed by {key} is the number {data[key]!r} but action requires a vector"
                )

    @override
    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        return [(key, Vector) for key in ("x", "y", "z", "statMask")]

    def statsAndText(self, arr: Any, mask: Any = None) -> tuple[Scalar | float, Scalar | float, str]:
        """Return median and spread of values, and both as text.

        Parameters
        ----------
        arr : array-like
            The values.
        mask : array-like, optional
            The values to use; the number of points in the text counts all.

        Returns
        -------
        median : `float`
            Their median, without NaN.
        sigmaMad : `float`
            Their spread, from the median absolute deviation.
        text : `str`
            Both, and the number of points.
        """
        count = len(arr)
        if mask is not None:
            arr = arr[mask]
        median, spread = nanMedian(arr), nanSigmaMad(arr)
        text = f"Median: {median:0.2f}\n$\\sigma_{{MAD}}$: {spread:0.2f}\nn$_{{points}}$: {count}"
        return median, spread, text

    def makePlot(
        self,
        data: KeyedData,
        camera: Camera,
        plotInfo: MutableMapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Figure:
        """Make the figure.

        Parameters
        ----------
        data : `~collections.abc.Mapping`
            Vectors ``x``, ``y`` (pixels), ``z``, ``detector`` (id) and
            ``statMask``.
        camera : `lsst.afw.cameraGeom.Camera`
            The camera.
        plotInfo : `~collections.abc.Mapping`, optional
            What is written on the figure, see
            `~lsst.analysis.tools.actions.plot.plotUtils.addPlotInfo`.
        **kwargs
            Ignored.

        Returns
        -------
        fig : `matplotlib.figure.Figure`
            The figure.
        """
        info = copy(plotInfo) if plotInfo else {}
        if "band" in info:
            info["bands"] = [info["band"]]
        values = np.asarray(data["z"])
        if len(values) == 0:
            return _makeEmptyFigure(info)
        fig, ax, histogram_ax = self._makeAxes()
        x, y = _toFocalPlane(data, camera)
        count = self._countBins(x, y)
        binned, x_edges, y_edges, _ = binned_statistic_2d(
            x, y, values, statistic=self.statistic, bins=[_edges(x, count), _edges(y, count)]
        )
        if self.showStats:
            self._drawStats(fig, ax, values, np.asarray(data["statMask"]))
        vmin, vmax = self._limits(binned, 2.0)
        extent = (x_edges[0], x_edges[-1], y_edges[0], y_edges[-1])
        image = ax.imshow(binned.T, extent=extent, vmin=vmin, vmax=vmax, origin="lower")
        return self._finish(fig, ax, histogram_ax, image, values, info)

    def _makeAxes(self) -> tuple[Figure, Axes, Axes | None]:
        if not self.addHistogram:
            fig = make_figure(dpi=_DPI)
            return fig, fig.add_subplot(111), None
        fig = make_figure(dpi=_DPI, figsize=(12, 6))
        ax, histogram_ax = fig.subplots(1, 2, width_ratios=[3, 2])
        return fig, ax, histogram_ax

    def _countBins(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> int:
        """Return the number of bin edges along an axis."""
        if not self.doUseAdaptiveBinning:
            return self.nBins
        coarse = np.histogram2d(x, y, bins=[_edges(x, 33), _edges(y, 33)])[0]
        density = np.mean(coarse, where=coarse > 0.0)
        return max(int(np.round(16.0 * np.sqrt(density))), self.nBins)

    def _limits(self, values: npt.ArrayLike, width: float) -> tuple[float, float]:
        """Return the limits of colour: the median plus and minus some spreads."""
        median, spread = nanMedian(values), nanSigmaMad(values)
        vmin = median - width * spread if self.plotMin is None else self.plotMin
        vmax = median + width * spread if self.plotMax is None else self.plotMax
        return vmin, vmax

    def _drawStats(self, fig: Figure, ax: Axes, values: Any, mask: Any = None) -> None:
        _, _, text = self.statsAndText(values, mask=mask)
        box = {"facecolor": "paleturquoise", "alpha": 0.5, "edgecolor": "none"}
        ax.text(0.8, 0.91, text, transform=fig.transFigure, fontsize=8, bbox=box)

    def _finish(
        self,
        fig: Figure,
        ax: Axes,
        histogram_ax: Axes | None,
        mappable: ScalarMappable,
        values: npt.NDArray[Any],
        info: Mapping[str, Any],
    ) -> Figure:
        """Add colour bar, labels, histogram and text."""
        self._drawColorbar(fig, ax, mappable)
        ax.set_xlabel(self.xAxisLabel)
        ax.set_ylabel(self.yAxisLabel)
        ax.tick_params(axis="x", labelrotation=25)
        ax.tick_params(labelsize=7)
        ax.set_aspect("equal")
        if histogram_ax is not None:
            self._drawHistogram(histogram_ax, values.astype(float))
        fig.subplots_adjust(left=0.05, right=0.95)
        return addPlotInfo(fig, info) if info else fig

    def _drawColorbar(self, fig: Figure, ax: Axes, mappable: ScalarMappable) -> None:
        cax = make_axes_locatable(ax).append_axes("right", size="5%", pad=0.05)
        fig.colorbar(mappable, cax=cax, extend="both")
        text = cax.text(
            0.5,
            0.5,
            self.zAxisLabel,
            color="k",
            rotation="vertical",
            transform=cax.transAxes,
            ha="center",
            va="center",
            fontsize=10,
        )
        text.set_path_effects([patheffects.Stroke(linewidth=3, foreground="w"), patheffects.Normal()])
        cax.tick_params(labelsize=7)

    def _drawHistogram(self, ax: Axes, values: npt.NDArray[np.float64]) -> None:
        bins = np.linspace(
            nanMin(values) if self.plotMin is None else self.plotMin,
            nanMax(values) if self.plotMax is None else self.plotMax,
            self.histBins,
        )
        # Without a finite value there are no bins either.
        if np.all(np.isfinite(bins)):
            ax.hist(values, bins=list(bins))
        ax.set_xlabel(self.zAxisLabel)
        ax.set_ylabel("Bin count")
        counts = (
            f"Underflow = {np.count_nonzero(values < bins[0])}\n"
            f"Overflow = {np.count_nonzero(values > bins[-1])}\n"
            f"Non-Finite = {np.count_nonzero(~np.isfinite(values))}"
        )
        ax.add_artist(AnchoredText(counts, loc="upper right", pad=0.5))


class FocalPlaneGeometryPlot(FocalPlanePlot):
    """Plot a statistic of a value in each amplifier or each detector."""

    level = ChoiceField[str](
        doc="Which geometry level should values be plotted?",
        default="amplifier",
        allowed={
            "amplifier": "Plot values per readout amplifier.",
            "detector": "Plot values per detector.",
        },
    )

    @override
    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        keys = ("detector", "amplifier", "z") if self.level == "amplifier" else ("detector", "z")
        return [(key, Vector) for key in keys]

    @override
    def makePlot(
        self,
        data: KeyedData,
        camera: Camera,
        plotInfo: MutableMapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> Figure:
        """Make the figure.

        Parameters
        ----------
        data : `~collections.abc.Mapping`
            Vectors ``detector`` (id), ``z`` and, at amplifier level,
            ``amplifier`` (name).
        camera : `lsst.afw.cameraGeom.Camera`
            The camera. Detectors without data are not drawn.
        plotInfo : `~collections.abc.Mapping`, optional
            What is written on the figure, see
            `~lsst.analysis.tools.actions.plot.plotUtils.addPlotInfo`.
        **kwargs
            Ignored.

        Returns
        -------
        fig : `matplotlib.figure.Figure`
            The figure.
        """
        info = copy(plotInfo) if plotInfo else {}
        values = np.asarray(data["z"])
        if len(values) == 0:
            return _makeEmptyFigure(info)
        fig, ax, histogram_ax = self._makeAxes()
        polygons = self._polygons(np.unique(np.asarray(data["detector"])), camera)
        binned = self._reduce(data, values, list(polygons))
        if self.showStats:
            self._drawStats(fig, ax, binned)
        vmin, vmax = self._limits(binned, 4.0)
        cmap = mkColormap(["midnightBlue", "lightcyan", "darkgreen"]).with_extremes(bad="none")
        patches = PolyCollection(
            list(polygons.values()), edgecolor="white", cmap=cmap, linewidth=0.5, linestyle=(0, (0.5, 3))
        )
        patches.set_array(np.clip(binned, vmin, vmax))
        ax.add_collection(patches)
        ax.autoscale_view()
        return self._finish(fig, ax, histogram_ax, patches, values, info)

    def _polygons(self, detectors: npt.NDArray[Any], camera: Camera) -> dict[Any, npt.NDArray[np.float64]]:
        """Return the corners of each patch in mm, by what it shows."""
        polygons: dict[Any, npt.NDArray[np.float64]] = {}
        for number in detectors:
            detector = camera[int(number)]
            if self.level == "detector":
                polygons[number] = np.array([tuple(p) for p in detector.getCorners(FOCAL_PLANE)])
                continue
            for amplifier in detector:
                corners = detector.transform(Box2D(amplifier.getBBox()).getCorners(), PIXELS, FOCAL_PLANE)
                polygons[number, amplifier.getName()] = np.array([tuple(p) for p in corners])
        return polygons

    def _reduce(self, data: KeyedData, values: npt.NDArray[Any], keys: list[Any]) -> npt.NDArray[np.float64]:
        """Return the statistic of the values that belong to each key; NaN where there is none."""
        place = {key: index for index, key in enumerate(keys)}
        rows: Any = np.asarray(data["detector"])
        if self.level == "amplifier":
            rows = zip(rows, np.asarray(data["amplifier"]), strict=True)
        index = np.array([place.get(row, -1) for row in rows])
        binned, _, _ = binned_statistic(
            index, values, statistic=self.statistic, bins=np.arange(len(keys) + 1) - 0.5
        )
        counts = np.bincount(index[index >= 0], minlength=len(keys))
        return np.where(counts > 0, binned, np.nan)


def _makeEmptyFigure(info: Mapping[str, Any]) -> Figure:
    fig = make_figure()
    fig.text(0.3, 0.5, "No data to plot after selectors applied")
    return addPlotInfo(fig, info) if info else fig


def _edges(positions: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.float64]:
    """Return bin edges that enclose all positions, even if these are equal."""
    return np.linspace(positions.min() - 1e-5, positions.max() + 1e-5, count)


def _toFocalPlane(data: KeyedData, camera: Camera) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return positions in mm of pixels of several detectors."""
    pixels = np.array([data["x"], data["y"]], dtype=float)
    positions = np.zeros_like(pixels)
    detectors = np.asarray(data["detector"])
    for number in np.unique(detectors):
        rows = detectors == number
        mapping = camera[int(number)].getTransform(PIXELS, FOCAL_PLANE).getMapping()
        positions[:, rows] = mapping.applyForward(pixels[:, rows])
    return positions[0], positions[1]
