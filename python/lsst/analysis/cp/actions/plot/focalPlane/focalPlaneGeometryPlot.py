# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from matplotlib.figure import Figure

from lsst.afw.cameraGeom import Camera
from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.plot.style import COLOUR_MAPS, DIVERGING, OPERATORS, checkEnds
from lsst.analysis.cp.actions.plot.text import (
    chooseTitle,
    describeProvenance,
    describeThreshold,
    statisticsTable,
    withUnit,
)
from lsst.analysis.cp.core import COUNTED_TYPES, CameraLayout, DetectorSelection
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN
from lsst.analysis.cp.core.columns import flagColumn, floatColumn, splitColumn
from lsst.analysis.cp.core.geometry import STATISTICS, FocalPlaneGeometry, groupedStatistic
from lsst.analysis.cp.core.limits import ColourLimits, CountScale, countScale, robustLimits
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray, NameArray
from lsst.analysis.tools.actions.plot import FocalPlanePlot
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, Vector
from lsst.pex.config import ChoiceField, Field, ListField

from .counting import describeOthers, headline, nameSensors, sensorColumns
from .draw import makeFocalPlaneFigure
from .listing import PatchList, listValues
from .view import (
    FocalPlaneView,
    PatchValues,
    chooseLabels,
    expectedDetectors,
    listDetectors,
    squareLimits,
)

__all__ = ["FocalPlaneGeometryPlot"]

_N_EXAMPLES = 12
"""Number of patches that are listed where all are good."""


class FocalPlaneGeometryPlot(FocalPlanePlot):
    """Map of a quantity on the focal plane, one patch an amplifier or a detector.

    It takes the place of both `FocalPlanePlot` and the ``FocalPlaneGeometryPlot`` of
    `lsst.analysis.tools.actions.plot`. The patches are the camera's own boxes, mapped by the camera's own
    transforms; ``nBins`` and ``doUseAdaptiveBinning`` are accepted and have no meaning for them.

    The data have the vector ``z``, and say where its rows belong by one of these:

    - ``ampIndex``, positions among the amplifiers of the camera in its order, -1 for none; it comes first;
    - ``detector`` (ids), at level ``amplifier`` with ``amplifier`` (names);
    - ``detector`` with ``x`` and ``y`` in pixels, at level ``amplifier``.

    ``statMask`` selects the rows behind the printed statistics, the vector named by ``flagKey`` says which
    rows passed, and that named by ``quantityKey`` gives what was compared with the limit. The number named by
    ``thresholdKey`` takes the place of that limit, and ``limits`` says in words what it is. All are optional.
    The tested quantity is mapped beside ``z``: of several rows the worst counts, and the limit is the end of
    the range of the colours.
    """

    _noValueLabel = "without finite value"

    title = Field[str](doc="Title of the figure, in words; the name of the tool if empty.", default="")
    level = ChoiceField[str](
        doc="Part of the camera that makes one patch.",
        default="amplifier",
        allowed={"amplifier": "One patch an amplifier.", "detector": "One patch a detector."},
    )
    unit = Field[str](doc="Unit of z for the labels; empty if zAxisLabel tells it.", default="")
    quantityKey = Field[str](
        doc="Key of the tested quantity, which has a map of its own beside that of z where it is present.",
        default="quantity",
    )
    quantityLabel = Field[str](doc="What the tested quantity is, without unit.", default="")
    quantityUnit = Field[str](doc="Unit of the tested quantity; empty for a number without one.", default="")
    listedKeys = ListField[str](
        doc="Keys of vectors that the list beside the map gives with the value, such as what it is compared "
        "with; used where present.",
        default=[],
    )
    threshold = Field[float](
        doc="Limit of what is tested, to be marked: of the tested quantity where present, else of z.",
        default=None,
        optional=True,
    )
    thresholdKey = Field[str](
        doc="Key of a limit that takes the place of threshold where it is present.", default="threshold"
    )
    operator = ChoiceField[str](
        doc="How a good value of what is tested compares with the threshold.",
        default="<=",
        allowed=OPERATORS,
    )
    flagKey = Field[str](
        doc="Key of the verify flags, used where present: False is failed; masked or NaN is untested.",
        default="flag",
    )
    detectorTypes = ListField[str](
        doc="Types of detectors that the head counts and that set the range of the colours; all if empty, or "
        "if none of these has data.",
        default=list(COUNTED_TYPES),
    )
    physicalTypes = ListField[str](
        doc="Vendors of detectors that the head counts and that set the range; all if empty.", default=[]
    )
    suspiciousKey = Field[str](
        doc="Key of a vector that tells which rows are suspicious whether or not they passed, used where "
        "present; they are marked.",
        default="suspicious",
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
    histLog = Field[bool](
        doc="Logarithmic axis for the numbers of patches in the histogram? If None, where there are many.",
        default=None,
        optional=True,
    )
    nListed = Field[int](
        doc="Number of patches to name beside the map, as far as there is room.",
        default=40,
        check=lambda n: n >= 0,
    )

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

    @property
    def allTests(self) -> list[str]:
        """Tests that are shown."""
        return list(self.tests)

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
            ``notYet``, ids of detectors, says which are not missed as their data are still to come.

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
        threshold = cast("float | None", data.get(self.thresholdKey, self.threshold))
        view = self._makeView(geometry, detector, patches, described, plotInfo or {}, threshold)
        if "limits" in data:
            view = replace(view, provenance=(*view.provenance, f"limits: {data['limits']}"))
        if self.quantityKey in data:
            worst = "min" if self.operator.startswith(">") else "max"
            quantity = self._reduceVector(data, self.quantityKey, index, len(detector), worst)
            beside = self._makeBeside(view, quantity, threshold)
            view = replace(view, threshold=None, thresholdLabel="", beside=beside)
        return replace(view, listing=self._listPatches(data, index, view))

    def _makeView(
        self,
        geometry: FocalPlaneGeometry,
        detector: IndexArray,
        patches: PatchValues,
        described: FloatArray,
        plotInfo: Mapping[str, object],
        threshold: float | None,
    ) -> FocalPlaneView:
        """Choose limits, labels and words for the patches."""
        by_amp = self.level == "amplifier"
        layout = geometry.layout
        names = layout.detectorName[detector]
        if by_amp:
            names = np.char.add(np.char.add(names, " "), layout.ampName)
        counted, sensors = self._chooseCounted(layout, detector, patches)
        limits, counts = self._scale(patches.value, counted)
        has_data = np.isin(np.arange(layout.nDetectors), detector[patches.nRows > 0])
        not_yet = np.isin(layout.detectorId, cast("Sequence[int]", plotInfo.get("notYet", ()))) & ~has_data
        expected = expectedDetectors(has_data | not_yet)
        x_limits, y_limits = squareLimits(geometry, expected)
        z_label = withUnit(self.zAxisLabel or "", self.unit)
        kinds = layout.physicalType[detector]
        not_counted = describeOthers(patches, counted, layout.detectorType[detector], self.level)
        return FocalPlaneView(
            geometry=geometry,
            corners=geometry.ampCorners if by_amp else geometry.detectorCorners,
            names=names,
            noun=self.level,
            kinds=kinds,
            patches=patches,
            expected=expected[detector],
            counted=counted,
            limits=limits,
            otherLimits=_limitOthers(patches.value, counted, None if counts is None else limits),
            counts=counts,
            xLimits=x_limits,
            yLimits=y_limits,
            labels=chooseLabels(
                geometry,
                x_limits,
                y_limits,
                byAmp=by_amp,
                crowded=np.isin(
                    np.arange(layout.nDetectors),
                    detector[(patches.value < limits.low) | (patches.value > limits.high)],
                ),
            ),
            axisLabels=(self.xAxisLabel or "", self.yAxisLabel or "", z_label),
            noValueLabel=self._noValueLabel,
            threshold=threshold,
            thresholdLabel=describeThreshold(threshold, self.operator, self.unit),
            rule="" if counts else f"colours{f' by {sensors}' if sensors else ''}: {limits.rule}",
            mapTitle=z_label,
            title=chooseTitle(self.title, plotInfo, z_label),
            headline=headline(
                patches.take(counted),
                detector[counted],
                expected[detector][counted],
                not_yet[detector][counted],
                noun=self.level,
                sensors=sensors,
                noValueLabel=self._noValueLabel,
            ),
            provenance=((not_counted,) if not_counted else ()) + describeProvenance(plotInfo, self.allTests),
            statistics=_tabulate(described, kinds, counted, counts=counts is not None),
            listing=PatchList(),
            missing=listDetectors(
                "Without data", layout.detectorName[expected & ~has_data & ~not_yet], self.nListed // 4
            ),
            # What has failed needs the room more.
            awaited=listDetectors("Not yet", layout.detectorName[not_yet], self.nListed // 10),
            notYet=not_yet[detector],
            beside=None,
        )

    def _makeBeside(
        self, view: FocalPlaneView, quantity: FloatArray, threshold: float | None
    ) -> FocalPlaneView:
        """Show the tested quantity of the patches; its limit is the end of the range of the colours."""
        ends = (None, threshold) if self.operator.startswith("<") else (threshold, None)
        limits = robustLimits(quantity[view.counted], *ends).counting(quantity)
        label = withUnit(self.quantityLabel, self.quantityUnit)
        return replace(
            view,
            patches=replace(view.patches, value=quantity),
            limits=limits,
            otherLimits=_limitOthers(quantity, view.counted),
            counts=None,
            axisLabels=(*view.axisLabels[:2], label),
            heading="Tested quantity",
            mapTitle=f"Tested: {label}",
            statistics=_tabulate(quantity, view.kinds, view.counted, counts=False),
            threshold=threshold,
            thresholdLabel=describeThreshold(threshold, self.operator, self.quantityUnit),
            rule=f"colours: {limits.rule}" if threshold is None else "colours: the range ends at the limit",
        )

    def _chooseCounted(
        self, layout: CameraLayout, detector: IndexArray, patches: PatchValues
    ) -> tuple[BoolArray, str]:
        """Choose the patches that are counted, and name their sensors; all if none of the wanted has data."""
        types, vendors = tuple(self.detectorTypes), tuple(self.physicalTypes)
        selection = DetectorSelection(detectorTypes=types or None, physicalTypes=vendors or None)
        counted = selection.mask(layout)[detector]
        if counted.all() or not patches.nRows[counted].any():
            return np.ones(len(detector), dtype=bool), ""
        return counted, nameSensors(types, vendors)

    def _scale(self, values: FloatArray, counted: BoolArray) -> tuple[ColourLimits, CountScale | None]:
        """Return the range of the colours, and the classes of a discrete scale."""
        if self.colourScale == "linear":
            limits = robustLimits(values[counted], self.plotMin, self.plotMax, centre=self.centre)
            return limits.counting(values), None
        finite = values[counted & np.isfinite(values)]
        counts = countScale(finite.max(initial=0) if self.plotMax is None else self.plotMax)
        return robustLimits(values, counts.boundaries[0], counts.boundaries[-1]), counts

    def _listPatches(self, data: KeyedData, index: IndexArray, view: FocalPlaneView) -> PatchList:
        """List the failing patches, the worst first, those that are counted before the others.

        Suspicious ones come after them, with a cross. Where there are neither these are the ones closest to
        the limit, or furthest from the median, or with the highest counts.
        """
        value, failing, suspicious = view.patches.value, view.patches.failing, view.patches.suspicious
        columns = {"value": value}
        for key in self.listedKeys:
            if key in data:
                columns[key] = self._reduceVector(data, key, index, len(value), "median")
        finite, chosen = np.isfinite(value), failing | suspicious
        tested = view if view.beside is None else view.beside
        limited = tested is not view or tested.threshold is not None
        # Of a quarter no sum or difference overflows.
        small = value / 4
        middle = 0.0 if view.counts or not finite.any() else float(np.median(small[finite & view.counted]))
        distance, title = np.abs(small - middle), "Furthest from the median"
        if view.counts is not None:
            title = "Highest"
        elif limited:
            distance, title = tested.patches.value, "Closest to the limit"
            if tested is not view:
                columns[self.quantityKey] = distance
            distance = -distance if self.operator.startswith(">") else distance
        if chosen.any():
            kinds = (("failing", failing), ("suspicious (×)", suspicious))
            title = ", ".join(word for word, patches in kinds if patches.any()).capitalize()
        else:
            chosen = finite & (np.isfinite(distance) if limited else distance > 0)
        distance = np.where(np.isfinite(distance), distance, np.inf)
        candidates = np.flatnonzero(chosen)
        keys = (-view.patches.nFailed, -distance, ~failing, ~view.counted)
        order = candidates[np.lexsort([key[candidates] for key in keys])]
        if view.counts is None and not (failing | suspicious).any():
            # All others are good, too: a few examples do.
            order = order[: min(self.nListed, _N_EXAMPLES)]
        limit = f" ({tested.thresholdLabel})" if tested.thresholdLabel else ""
        names = np.where(suspicious, np.char.add(view.names, " ×"), view.names)
        return listValues(title + limit, names, columns, order, self.nListed, _shares(view.patches, order))

    def _assignRows(self, data: KeyedData, geometry: FocalPlaneGeometry) -> IndexArray:
        """Return the patch of each row; -1 for none."""
        by_amp = self.level == "amplifier"
        if "ampIndex" in data:
            column = self._vector(data, "ampIndex")
            index = np.where(np.ma.getmaskarray(column), -1, np.ma.getdata(column))
            n_amps = geometry.layout.nAmps
            if index.dtype.kind not in "iu" or not ((index >= -1) & (index < n_amps)).all():
                raise ValueError(f"'ampIndex' must hold whole numbers from -1 to {n_amps - 1}; got {index!r}")
            return index if by_amp else np.where(index < 0, -1, geometry.layout.ampDetector[index])
        detector = self._vector(data, "detector")
        if not by_amp:
            return geometry.detectorIndex(detector)
        if "amplifier" in data:
            return geometry.layout.ampIndex(detector, self._vector(data, "amplifier"))
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
            values, mask = splitColumn(data[needed])
            vectors[needed] = np.ma.array(values, mask=np.ma.nomask if mask is None else mask)
            if vectors[needed].ndim != 1:
                raise ValueError(f"{type(self).__name__} needs a vector {needed!r}; got {data[needed]!r}")
        n_rows, expected = len(vectors[key]), len(vectors[place])
        if n_rows != expected:
            raise ValueError(f"{key!r} has {n_rows} rows, expected {expected} as in {place!r}")
        return vectors[key]

    def _reduceRows(self, data: KeyedData, index: IndexArray, nPatches: int) -> PatchValues:
        """Reduce rows to patches."""
        flags = np.full(len(index), UNKNOWN, dtype=np.int8)
        if self.flagKey in data:
            flags = flagColumn(self._vector(data, self.flagKey), self.flagKey)
        n_rows, n_tested, n_failed = (
            np.bincount(index[selected & (index >= 0)], minlength=nPatches)
            for selected in (index >= 0, flags != UNKNOWN, flags == FAILED)
        )
        n_suspicious = np.zeros(nPatches, dtype=np.intp)
        if self.suspiciousKey in data:
            suspicious = flagColumn(self._vector(data, self.suspiciousKey), self.suspiciousKey) == GOOD
            n_suspicious = np.bincount(index[suspicious & (index >= 0)], minlength=nPatches)
        value = self._reduceVector(data, "z", index, nPatches, self.statistic)
        return PatchValues(value, n_rows, n_tested, n_failed, n_suspicious)

    def _reduceVector(
        self, data: KeyedData, key: str, index: IndexArray, nPatches: int, statistic: str
    ) -> FloatArray:
        """Reduce the rows of a vector to patches."""
        return groupedStatistic(floatColumn(self._vector(data, key), key), index, nPatches, statistic)


def _tabulate(values: FloatArray, kinds: NameArray, counted: BoolArray, *, counts: bool) -> tuple[str, ...]:
    """Describe the values of patches, those that are counted and each kind of sensor."""
    columns = sensorColumns(kinds, counted, np.isfinite(values))
    return statisticsTable({head: values[chosen] for head, chosen in columns.items()}, counts=counts)


def _limitOthers(
    values: FloatArray, counted: BoolArray, shared: ColourLimits | None = None
) -> ColourLimits | None:
    """Return a range for the values of patches that are not counted, if these do not share one.

    It is None if there are none.
    """
    others = values[~counted]
    return (shared or robustLimits(others)) if np.isfinite(others).any() else None


def _shares(patches: PatchValues, order: IndexArray) -> list[str]:
    """Say which part of the rows of some patches failed, where the value of the patch does not tell it."""
    return [
        f"{failed}/{tested}" if failed and tested > 1 and failed != shown else ""
        for failed, tested, shown in zip(
            patches.nFailed[order].tolist(),
            patches.nTested[order].tolist(),
            patches.value[order].tolist(),
            strict=True,
        )
    ]
