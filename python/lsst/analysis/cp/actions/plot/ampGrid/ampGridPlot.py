# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.text import (
    addLeftOut,
    chooseTitle,
    describeProvenance,
    listLeftOut,
    plural,
    withUnit,
)
from lsst.analysis.cp.core import ColumnError, FocalPlaneGeometry, idColumn
from lsst.analysis.cp.core.epochs import stackEpochs, vectorColumn
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field

from .drawing import makeAmpGridFigure
from .layout import placePanels
from .view import AmpGridView, chooseAxes, gatherCurves, gridHeadline, gridLists

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["AmpGridPlot"]


class AmpGridPlot(PlotAction):
    """Curves of the amplifiers of one detector, a panel an amplifier, placed as these lie on the detector.

    The curves of all exposures of an amplifier are in its panel, in colours by their order, with the median
    over exposures and a robust band. All panels have one axis of values; an amplifier whose level is not on
    it has one of the same length at its own level, and is framed.

    The data are ``detector``, ``amplifier``, ``exposure`` (masked where there is none) and ``y``, a vector of
    values along the curve in each row, padded with NaN.
    """

    title = Field[str](doc="Title of the figure, in words; the name of the tool if empty.", default="")
    xAxisLabel = Field[str](doc="What the places along a curve are.", default="")
    yAxisLabel = Field[str](doc="What the values are, without unit.", default="")
    unit = Field[str](doc="Their unit; empty for a number without one.", default="")
    nSigma = Field[float](
        doc="Half length of the axis of values, in scaled median absolute deviations of all values from the "
        "level of their amplifier.",
        default=10.0,
        check=lambda value: value > 0,
    )
    bandWidth = Field[float](
        doc="Half width of the band, in scaled median absolute deviations over exposures.",
        default=3.0,
        check=lambda value: value > 0,
    )
    nListed = Field[int](doc="Lines in each list beside the grid, at most.", default=8)

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [(name, Vector) for name in ("detector", "amplifier", "exposure", "y")]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera`` and ``plotInfo`` as `prepare` takes them."""
        camera: Camera = kwargs["camera"]
        return makeAmpGridFigure(self.prepare(data, cameraGeometry(camera), kwargs.get("plotInfo")))

    def prepare(
        self, data: KeyedData, geometry: FocalPlaneGeometry, plotInfo: Mapping[str, object] | None = None
    ) -> AmpGridView:
        """Lay out curves, choose axes and words; no matplotlib is involved.

        Parameters
        ----------
        data
            Columns as the class says.
        geometry
            The camera.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.

        Raises
        ------
        ColumnError
            Raised if there is no row, the rows are of several detectors, or a column cannot be read.
        AmpKeyError
            Raised if the detector or an amplifier is not in the camera.
        """
        known: Mapping[str, Any] = data
        ids, present = idColumn(known["detector"], "detector")
        detectors = np.unique(ids[present])
        if len(detectors) != 1:
            raise ColumnError(
                f"expected rows of one detector, got {len(detectors)}: {detectors[:5].tolist()}"
            )
        layout = geometry.layout
        (index,) = layout.findDetectors(detectors)
        own = np.flatnonzero(layout.ampDetector == index)
        rows = geometry.layout.ampIndex(known["detector"], known["amplifier"])
        of_amps = rows >= 0
        vectors = vectorColumn(known["y"], "y")[of_amps]
        place = layout.memberOfAmp[rows[of_amps]]
        curves = gatherCurves(stackEpochs(place, len(own), vectors, known["exposure"][of_amps]))
        limits, shifted = chooseAxes(curves, self.nSigma)
        names = layout.ampName[own]
        label = withUnit(self.yAxisLabel, self.unit)
        info = plotInfo or {}
        headline, is_bad = addLeftOut(gridHeadline(curves, names, shifted, "exposure"), info)
        used = np.flatnonzero(np.isfinite(curves.median).any(axis=0))
        return AmpGridView(
            layout=placePanels(geometry.ampEdges[own]),
            names=names,
            curves=curves,
            bandWidth=self.bandWidth,
            xLimits=(-0.5, float(used[-1]) + 0.5 if len(used) else 0.5),
            yLimits=limits,
            shifted=shifted,
            axisLabels=(self.xAxisLabel, label),
            noun="exposure",
            title=f"{chooseTitle(self.title, info, label)}: {layout.detectorName[index]}, "
            f"{layout.physicalType[index]}",
            headline=headline,
            isBad=is_bad,
            provenance=describeProvenance(info, []),
            lists=(
                listLeftOut(info, self.nListed, *_describeUnnamed(int((~present).sum()))),
                *gridLists(curves, names, self.unit, "exposure", self.nListed),
            ),
        )


def _describeUnnamed(number: int) -> tuple[str, ...]:
    """Say how many rows have no detector; empty if none."""
    return (f"{plural(number, 'row')} without a detector",) if number else ()
