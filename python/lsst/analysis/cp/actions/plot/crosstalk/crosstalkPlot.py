# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.plot.text import chooseTitle, describeProvenance
from lsst.analysis.cp.core import CameraLayout, cameraLayout
from lsst.analysis.cp.core.calibrations import N_SIGMA, TOLERANCE
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field

from .drawing import makeCrosstalkFigure
from .view import CrosstalkView, prepareCrosstalk

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["CrosstalkPlot"]


class CrosstalkPlot(PlotAction):
    """Crosstalk between the amplifiers of a detector, or of several such as a raft.

    There are matrices of the coefficients by which the exposures were corrected, of those that were measured
    after the correction, of these in standard errors, and of their validity. What is measured after the
    correction is by how much the coefficients differ from the reference.

    The data are ``calibrations`` and ``references``, `lsst.ip.isr.CrosstalkCalib` of what is left and of the
    correction by the id of the detector, and ``detectors``, the ids of those that are shown.
    """

    title = Field[str](doc="Title of the figure, in words.", default="Crosstalk of amplifiers")
    nSigma = Field[float](
        doc="Standard errors that a residual has to exceed to differ from 0.",
        default=N_SIGMA,
        check=lambda number: number > 0,
    )
    tolerance = Field[float](
        doc="Absolute value that a residual has to exceed as well.",
        default=TOLERANCE,
        check=lambda number: number >= 0,
    )
    nListed = Field[int](doc="Lines in each list beside the matrices, at most.", default=16)

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [(name, Vector) for name in ("calibrations", "references", "detectors")]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera`` and ``plotInfo`` as `prepare` takes them."""
        camera: Camera = kwargs["camera"]
        return makeCrosstalkFigure(self.prepare(data, cameraLayout(camera), kwargs.get("plotInfo")))

    def prepare(
        self, data: KeyedData, layout: CameraLayout, plotInfo: Mapping[str, object] | None = None
    ) -> CrosstalkView:
        """Join the matrices, and choose ranges and words; no matplotlib is involved.

        Parameters
        ----------
        data
            As the class says.
        layout
            The camera.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.

        Raises
        ------
        ValueError
            Raised if a calibration has no coefficients, or does not fit its detector.
        """
        known: Mapping[str, Any] = data
        shown = layout.select(np.asarray(known["detectors"]).tolist())
        info = plotInfo or {}
        is_one = shown.nDetectors == 1
        where = f"{shown.detectorName[0]}, {shown.physicalType[0]}" if is_one else str(info.get("raft", ""))
        return prepareCrosstalk(
            shown,
            known["calibrations"],
            known["references"],
            nSigma=self.nSigma,
            tolerance=self.tolerance,
            nListed=self.nListed,
            title=f"{chooseTitle(self.title, info, '')}: {where}",
            provenance=describeProvenance(info, [], "calibration"),
        )
