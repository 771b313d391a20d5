# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tools for pages of photon transfer curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsst.analysis.cp.actions.plot.ptc import (
    PtcComparisonPlot,
    PtcCovariancePlot,
    PtcGridPlot,
    PtcNoisePlot,
    PtcResidualPlot,
    PtcRowMeanPlot,
)

from .detectorPages import PageTool
from .toolSets import addTool

if TYPE_CHECKING:
    from lsst.analysis.tools.interfaces import AnalysisBaseConfig

__all__ = ["addPtcComparisonTools", "addPtcTableTools", "addPtcTools"]


def addPtcTools(config: AnalysisBaseConfig) -> None:
    """Add the plots of a photon transfer curve: variances on both scales, residuals, and noises.

    Parameters
    ----------
    config
        Configuration of a `~lsst.analysis.cp.tasks.DetectorCalibrationTask`.
    """
    plots = {
        "ptcCurves": PtcGridPlot,
        "ptcCurvesLinear": PtcGridPlot,
        "ptcResiduals": PtcResidualPlot,
        "ptcNoises": PtcNoisePlot,
    }
    for name, plot in plots.items():
        addTool(config.atools, name, PageTool).produce.plot = plot
    config.atools.ptcCurvesLinear.produce.plot.scale = "linear"


def addPtcTableTools(config: AnalysisBaseConfig) -> None:
    """Add the plots of what cp_verify stores of the pairs: covariances, and variances of means of rows.

    Parameters
    ----------
    config
        Configuration of a `~lsst.analysis.cp.tasks.DetectorTablesTask` on results.
    """
    for name, plot in {"ptcCovariances": PtcCovariancePlot, "ptcRowMeans": PtcRowMeanPlot}.items():
        addTool(config.atools, name, PageTool).produce.plot = plot


def addPtcComparisonTools(config: AnalysisBaseConfig) -> None:
    """Add the plot of two photon transfer curves upon each other.

    Parameters
    ----------
    config
        Configuration of a `~lsst.analysis.cp.tasks.CalibrationComparisonTask`.
    """
    addTool(config.atools, "ptcComparison", PageTool).produce.plot = PtcComparisonPlot
