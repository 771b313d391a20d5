# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.style import COLOUR_MAPS, DIVERGING, OPERATORS, checkEnds
from lsst.analysis.cp.actions.plot.text import (
    chooseTitle,
    describeProvenance,
    describeThreshold,
    statisticsLines,
    withUnit,
)
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.core.columns import flagColumn, floatColumn
from lsst.analysis.cp.core.geometry import STATISTICS, FocalPlaneGeometry, groupedStatistic
from lsst.analysis.cp.core.limits import ColourLimits, CountScale, countScale, robustLimits
from lsst.analysis.cp.core.typing import FloatArray, IndexArray
from lsst.analysis.tools.actions.plot import FocalPlanePlot
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, Vector
from lsst.pex.config import ChoiceField, Field, ListField

from .draw import makeFocalPlaneFigure
from .view import (
    FocalPlaneView,
    PatchValues,
    chooseLabels,
    expectedDetectors,
    headline,
    listMissing,
    listPatches,
    squareLimits,
)

__all__ = ["FocalPlaneGeometryPlot"]


class FocalPlaneGeometryPlot(FocalPlanePlot):
    """Map of a quantity on the focal plane, one patch an amplifier or a detector.

    It takes the place of both `FocalPlanePlot` and the ``FocalPlaneGeometryPlot`` of
    `lsst.analysis.tools.actions.plot`. The patches are the camera's own boxes, mapped by the camera's own
    transforms; ``nBins`` and ``doUseAdaptiveBinning`` are accepted and have no meaning for them.

    The data have the vector ``z``, and say where its rows belong by one of these:

    - ``ampIndex``, positions among the amplifiers of the camera in its order, -1 for none; it comes first;
    - ``detector`` (ids), at level ``amplifier`` with ``amplifier`` (names);
    - ``detector`` with ``x`` and ``y`` in pixels, at level ``amplifier``.

    ``statMask`` selects the rows behind the printed statistics, and the vector named by ``flagKey`` says
    which rows passed; both are optional.
    """

    _noValueLabel = "without finite value"

    title = Field[str](doc="Title of the figure, in words; the name of the tool if empty.", default="")
    level = ChoiceField[str](
        doc="Part of the camera that makes one patch.",
        default="amplifier",
        allowed={"amplifier": "One patch an amplifier.", "detector": "One patch a detector."},
    )
    unit = Field[str](doc="Unit of z for the labels; empty if zAxisLabel tells it.", default="")
    threshold = Field[float](doc="Value of z to mark on the colour scale.", default=None, optional=True)
    operator = ChoiceField[str](
        doc="How a good z compares with the threshold.",
        default="<=",
        allowed=OPERATORS,
    )
    flagKey = Field[str](
        doc="Key of the verify flags, used where present: False is failed; masked or NaN is untested.",
        default="flag",
    )
    tests = ListField[str](doc="Tests to which z belongs, to be named on the figure.", default=[])
    colourMap = ChoiceField[str](
        doc="Colour map.",
        default="viridis",
        allowed=COLOUR_MAPS,
    )
    centre = Field[float](
        doc="Value of z in the middle of a diverging colour map.", default=None, optional=True
    )
    colourScale = ChoiceField[str](
        doc="Kind of the colour scale.",
        default="linear",
        allowed={"linear": "Continuous.", "count": "Discrete, for whole numbers from 0."},
    )
    histLog = Field[bool](doc="Logarithmic axis for the numbers of patches in the histogram?", default=False)
    nListed = Field[int](doc="Number of patches to name beside the map.", default=10, check=lambda n: n >= 0)

    def validate(self) -> None:
        """Check fields that depend on each other."""
        super().validate()
        if self.statistic not in STATISTICS:
            raise ValueError(f"statistic must be one of {', '.join(STATISTICS)}; got {self.statistic!r}.")
        if (self.colourMap in DIVERGING) != (self.centre is not None):
            raise ValueError(
                f"A diverging colour map and a centre need each other; "
                f"got {self.colourMap!r} and {self.centre!r}."
            )
        checkEnds(self, "plotMin", "plotMax")

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Return the vectors that the plot needs where the data have no ``ampIndex``."""
        keys = ("detector", "amplifier", "z") if self.level == "amplifier" else ("detector", "z")
        return [(key, Vector) for key in keys]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera`` and ``plotInfo`` as `prepare` takes them."""
        return self.makePlot(data, **kwargs)

    def makePlot(
        self,
        data: KeyedData,
        camera: Camera,
        plotInfo: Mapping[str, object] | None = None,
        **kwargs: Any,
    ) -> Figure:
        """Make the figure of the view that `prepare` makes of the same arguments."""
        return makeFocalPlaneFigure(
            self.prepare(data, camera, plotInfo),
            self.colourMap,
            showStatistics=self.showStats,
            histogramBins=self.histBins if self.addHistogram else 0,
            logHistogram=self.histLog,
        )

    def prepare(
        self, data: KeyedData, camera: Camera, plotInfo: Mapping[str, object] | None = None
    ) -> FocalPlaneView:
        """Reduce the data to what is shown; no matplotlib is involved.

        Parameters
        ----------
        data
            Vectors by key.
        camera
            The camera of the data.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent. It is not modified.

        Returns
        -------
        view
            The view to draw.

        Raises
        ------
        ValueError
            Raised if a vector is missing, vectors differ in length, or a detector or amplifier is not in the
            camera.
        """
        geometry = cameraGeometry(camera)
        index = self._assignRows(data, geometry)
        detector = geometry.layout.ampDetector
        if self.level == "detector":
            detector = np.arange(geometry.layout.nDetectors)
        patches = self._reduceRows(data, index, len(detector))
        described = patches.value
        if "statMask" in data:
            chosen = flagColumn(self._vector(data, "statMask"), "statMask") == GOOD
            described = self._reduceRows(data, np.where(chosen, index, -1), len(detector)).value
        return self._makeView(geometry, detector, patches, described, plotInfo or {})

    def _makeView(
        self,
        geometry: FocalPlaneGeometry,
        detector: IndexArray,
        patches: PatchValues,
        described: FloatArray,
        plotInfo: Mapping[str, object],
    ) -> FocalPlaneView:
        """Choose limits, labels and words for the patches."""
        by_amp = self.level == "amplifier"
        layout = geometry.layout
        names = layout.detectorName[detector]
        if by_amp:
            names = np.char.add(np.char.add(names, " "), layout.ampName)
        limits, counts = self._scale(patches.value)
        has_data = np.isin(np.arange(layout.nDetectors), detector[patches.nRows > 0])
        expected = expectedDetectors(has_data)
        x_limits, y_limits = squareLimits(geometry, expected)
        z_label = withUnit(self.zAxisLabel or "", self.unit)
        return FocalPlaneView(
            geometry=geometry,
            corners=geometry.ampCorners if by_amp else geometry.detectorCorners,
            names=names,
            noun=self.level,
            kinds=layout.physicalType[detector],
            patches=patches,
            expected=expected[detector],
            limits=limits,
            counts=counts,
            xLimits=x_limits,
            yLimits=y_limits,
            labels=chooseLabels(geometry, x_limits, y_limits, byAmp=by_amp),
            axisLabels=(self.xAxisLabel or "", self.yAxisLabel or "", z_label),
            noValueLabel=self._noValueLabel,
            threshold=self.threshold,
            thresholdLabel=describeThreshold(self.threshold, self.operator, self.unit),
            title=chooseTitle(self.title, plotInfo, z_label),
            headline=headline(
                patches, detector, expected[detector], noun=self.level, noValueLabel=self._noValueLabel
            ),
            provenance=describeProvenance(plotInfo, self.tests),
            statistics=statisticsLines(described, counts=counts is not None),
            listing=listPatches(patches, names, self.nListed, counts=counts is not None),
            missing=listMissing(layout.detectorName[expected & ~has_data], self.nListed // 4),
        )

    def _scale(self, values: FloatArray) -> tuple[ColourLimits, CountScale | None]:
        """Return the range of the colours, and the classes of a discrete scale."""
        if self.colourScale == "linear":
            return robustLimits(values, self.plotMin, self.plotMax, centre=self.centre), None
        finite = values[np.isfinite(values)]
        counts = countScale(finite.max(initial=0) if self.plotMax is None else self.plotMax)
        return robustLimits(values, counts.boundaries[0], counts.boundaries[-1]), counts

    def _assignRows(self, data: KeyedData, geometry: FocalPlaneGeometry) -> IndexArray:
        """Return the patch of each row; -1 for none."""
        by_amp = self.level == "amplifier"
        if "ampIndex" in data:
            index = np.asarray(self._vector(data, "ampIndex"))
            n_amps = geometry.layout.nAmps
            if index.dtype.kind not in "iu" or not ((index >= -1) & (index < n_amps)).all():
                raise ValueError(f"'ampIndex' must hold whole numbers from -1 to {n_amps - 1}; got {index!r}")
            return index if by_amp else np.where(index < 0, -1, geometry.layout.ampDetector[index])
        detector = self._vector(data, "detector")
        if not by_amp:
            return geometry.detectorIndex(detector)
        if "amplifier" in data:
            return geometry.ampIndex(detector, self._vector(data, "amplifier"))
        if "x" in data and "y" in data and all(np.asarray(data[key]).dtype.kind in "iuf" for key in "xy"):
            return geometry.ampIndexAt(detector, self._vector(data, "x"), self._vector(data, "y"))
        raise ValueError(
            f"{type(self).__name__} at level 'amplifier' needs 'amplifier', or numeric 'x' and 'y' "
            f"in pixels; the data have {sorted(data)}"
        )

    def _vector(self, data: KeyedData, key: str) -> Vector:
        """Return a vector as long as the one that says where the rows belong."""
        place = "ampIndex" if "ampIndex" in data else "detector"
        vectors = {}
        for needed in (place, key):
            if needed not in data:
                raise ValueError(f"{type(self).__name__} needs {needed!r}; the data have {sorted(data)}")
            vectors[needed] = np.ma.asanyarray(data[needed])
            if vectors[needed].ndim != 1:
                raise ValueError(f"{type(self).__name__} needs a vector {needed!r}; got {data[needed]!r}")
        n_rows, expected = len(vectors[key]), len(vectors[place])
        if n_rows != expected:
            raise ValueError(f"{key!r} has {n_rows} rows, expected {expected} as in {place!r}")
        return vectors[key]

    def _reduceRows(self, data: KeyedData, index: IndexArray, nPatches: int) -> PatchValues:
        """Reduce rows to patches."""
        z = floatColumn(self._vector(data, "z"), "z")
        flags = np.full(len(index), UNKNOWN, dtype=np.int8)
        if self.flagKey in data:
            flags = flagColumn(self._vector(data, self.flagKey), self.flagKey)
        n_rows, n_tested, n_failed = (
            np.bincount(index[selected & (index >= 0)], minlength=nPatches)
            for selected in (index >= 0, flags != UNKNOWN, flags == FAILED)
        )
        return PatchValues(groupedStatistic(z, index, nPatches, self.statistic), n_rows, n_tested, n_failed)
