# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.keyedData import AMP_TABLE, getAmpTable
from lsst.analysis.cp.actions.plot.focalPlane.view import expectedDetectors, listDetectors
from lsst.analysis.cp.actions.plot.text import (
    describeProvenance,
    formatNumber,
    listFirst,
    plural,
    withUnit,
)
from lsst.analysis.cp.core import COUNTED_TYPES, DetectorSelection
from lsst.analysis.cp.core.amps import AmpTable
from lsst.analysis.cp.core.exposures import (
    detectorMedians,
    finiteMedian,
    placeRafts,
    relativeGains,
    relativeSpread,
)
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IdArray, IndexArray, NameArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import ChoiceField, Field, ListField

from .axis import AXES, countExposures, listUnplaced, placeExposures
from .drawing import makeSeriesFigure
from .view import SeriesPanel, SeriesView, chooseRange, pageTitle

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.analysis.cp.core.geometry import FocalPlaneGeometry

__all__ = ["RaftGainPlot", "RaftSeriesPlot"]


@dataclass(frozen=True, kw_only=True, eq=False)
class MemberSeries:
    """Series of the members of rafts.

    Parameters
    ----------
    noun
        What a member is, in the singular.
    names, slots
        Full names of the members, and those in their raft, shape (nMembers,).
    detector
        Index of the detector of each, shape (nMembers,).
    looks
        Number of the colour and marker of each, shape (nMembers,).
    values
        Shape (nExposures, nMembers), NaN for none.
    counted
        Members that stand for the focal plane, shape (nMembers,).
    """

    noun: str
    names: NameArray
    slots: NameArray
    detector: IndexArray
    looks: IndexArray
    values: FloatArray
    counted: BoolArray


class RaftSeriesPlot(PlotAction):
    """Values against a time of the exposures of a run: a panel a raft, a series a detector.

    The panels lie as the rafts do on the focal plane. The value of a detector is the median of its
    amplifiers. Where only one detector has data, the series are its amplifiers. The data are those of
    `~lsst.analysis.cp.actions.keyedData.ExposureValues`, of all amplifiers of the camera.
    """

    title = Field[str](doc="Title of the figure, in words; the name of the tool if empty.", default="")
    yAxisLabel = Field[str](doc="What the values are, without unit.", default="")
    unit = Field[str](doc="Their unit; empty for a number without one.", default="")
    against = ChoiceField[str](doc="Time of the exposures.", default="mjd", allowed=AXES)
    tests = ListField[str](doc="Tests to which the values belong, to be named on the figure.", default=[])
    detectorTypes = ListField[str](
        doc="Types of detectors that stand for the focal plane; all if empty, or if none of these has data.",
        default=list(COUNTED_TYPES),
    )
    nListed = Field[int](doc="Lines of each list beside the panels.", default=10, check=lambda n: n >= 0)

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        return [(AMP_TABLE, AmpTable), ("exposureValues", Vector), ("hasRows", Vector)]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera`` and ``plotInfo`` as `prepare` takes them."""
        return makeSeriesFigure(self.prepare(data, kwargs["camera"], kwargs.get("plotInfo")))

    def prepare(
        self, data: KeyedData, camera: Camera, plotInfo: Mapping[str, object] | None = None
    ) -> SeriesView:
        """Choose series, ranges and words; no matplotlib is involved.

        Parameters
        ----------
        data
            What the class says.
        camera
            The camera of the data.
        plotInfo
            Data ID, ``plotName``, ``run`` and ``tableName``; any may be absent.

        Returns
        -------
        view
            The view to draw.
        """
        table, geometry = getAmpTable(data), cameraGeometry(camera)
        layout = geometry.layout
        has_data = np.zeros(layout.nDetectors, dtype=bool)
        has_data[layout.ampDetector[np.asarray(data["hasRows"])]] = True
        expected = expectedDetectors(has_data)
        values: FloatArray = np.asarray(data["exposureValues"])
        series = self._compare(self._chooseMembers(geometry, values, expected, has_data))
        panels, shape = self._makePanels(geometry, series, expected, table)
        axes = [panel.axis for panel in panels]
        limits, n_below, n_above = chooseRange(panels, self._held)
        label = withUnit(self.yAxisLabel, self.unit)
        n_valid = int(np.isfinite(series.values).any(axis=0).sum())
        return SeriesView(
            panels=panels,
            shape=shape,
            yLimits=limits,
            nBelow=n_below,
            nAbove=n_above,
            yLabel=label,
            title=pageTitle(self.title, plotInfo or {}, label, *_nameOnly(panels)),
            headline=f"{n_valid} of {plural(len(series.names), series.noun)} with values, "
            f"{countExposures(axes, table.exposures)}{self._headline(series)}",
            provenance=describeProvenance(plotInfo or {}, self.tests),
            keyTitle=f"{series.noun.capitalize()}s of a raft" if series.noun == "detector" else "Amplifiers",
            key=_makeKey(series),
            lists=(
                *self._listMembers(series, table.exposures),
                listDetectors(
                    "Without data", layout.detectorName[expected & ~has_data], self.nListed // 3 + 1
                ),
                *listUnplaced(axes, table.exposures, self.nListed // 3 + 1),
            ),
        )

    def _chooseMembers(
        self, geometry: FocalPlaneGeometry, values: FloatArray, expected: BoolArray, hasData: BoolArray
    ) -> MemberSeries:
        """Take the expected detectors, or the amplifiers of the only one that has data."""
        layout = geometry.layout
        if hasData.sum() == 1:
            own = np.flatnonzero(hasData[layout.ampDetector])
            detector = layout.ampDetector[own]
            slots = layout.ampName[own]
            names = np.char.add(np.char.add(layout.detectorName[detector], " "), slots)
            return MemberSeries(
                noun="amplifier",
                names=names,
                slots=slots,
                detector=detector,
                looks=np.arange(len(own)),
                values=values[:, own],
                counted=np.ones(len(own), dtype=bool),
            )
        detector = np.flatnonzero(expected)
        names = layout.detectorName[detector]
        raft = placeRafts(geometry, expected).raft[detector]
        counted = DetectorSelection(detectorTypes=tuple(self.detectorTypes) or None).mask(layout)
        if not (counted & hasData).any():
            counted = np.ones_like(counted)
        return MemberSeries(
            noun="detector",
            names=names,
            slots=np.char.rpartition(names, "_")[:, 2],
            detector=detector,
            looks=_rankInRaft(raft, names),
            values=detectorMedians(values, layout)[:, detector],
            counted=counted[detector],
        )

    @property
    def _held(self) -> tuple[float, ...]:
        """Values that are always on the axis."""
        return ()

    def _compare(self, series: MemberSeries) -> MemberSeries:
        """Give what is shown of the values: themselves."""
        return series

    def _makePanels(
        self, geometry: FocalPlaneGeometry, series: MemberSeries, expected: BoolArray, table: AmpTable
    ) -> tuple[tuple[SeriesPanel, ...], tuple[int, int]]:
        """Make a panel for each raft, and count their rows and columns."""
        shown = expected.copy()
        if series.noun == "amplifier":
            shown = np.isin(np.arange(len(expected)), series.detector)
        rafts = placeRafts(geometry, shown)
        axis = placeExposures(table.times, self.against)
        has_values = np.isfinite(series.values).any(axis=0)
        raft = rafts.raft[series.detector]
        panels = []
        for i, name in enumerate(rafts.name.tolist()):
            own = raft == i
            panels.append(
                SeriesPanel(
                    title=series.names[own][0].partition(" ")[0] if series.noun == "amplifier" else name,
                    place=(int(rafts.row[i]), int(rafts.column[i])),
                    axis=axis,
                    values=series.values[:, own].T,
                    looks=series.looks[own],
                    lines=np.empty((0, 2)),
                    absent=tuple(series.slots[own & ~has_values].tolist()),
                )
            )
        return tuple(panels), rafts.shape

    def _headline(self, series: MemberSeries) -> str:
        """Sum the series up."""
        median = finiteMedian(series.values[:, series.counted], axis=0)
        finite = median[np.isfinite(median)]
        return f"; median {formatNumber(np.median(finite), 4)} {self.unit}" if len(finite) else ""

    def _listMembers(self, series: MemberSeries, exposures: IdArray) -> tuple[tuple[str, ...], ...]:
        """List the members whose values vary most, and those that are furthest from the others."""
        spread, level = relativeSpread(series.values), finiteMedian(series.values, axis=0)
        middle = finiteMedian(level[series.counted], axis=0)
        apart = level / middle - 1.0 if middle > 0 else np.full(len(level), np.nan)
        return (
            _listLargest("Widest range, over the median", series.names, spread, spread, ".2%", self.nListed),
            _listLargest("Furthest from the median of all", series.names, apart, apart, "+.2%", self.nListed),
        )


class RaftGainPlot(RaftSeriesPlot):
    """Stability of the gain over a run: a panel a raft, a series a detector, each about 1.

    The rate of each detector is divided by that of the focal plane in the exposure, and by its own median
    over the run (`~lsst.analysis.cp.core.exposures.relativeGains`). There is no photodiode in the tables of
    cp_verify: what the whole focal plane does together, be it the lamp or its gain, is not seen.
    """

    leastReach = Field[float](
        doc="How far from 1 the axis goes at least, so that noise does not look like a change.",
        default=0.002,
        check=lambda reach: reach > 0,
    )

    def setDefaults(self) -> None:
        """Place exposures by hours."""
        super().setDefaults()
        self.against = "hours"
        self.yAxisLabel = "Rate over that of the focal plane, relative to the run"

    @property
    def _held(self) -> tuple[float, ...]:
        """Ends that the axis has at least."""
        return 1.0 - self.leastReach, 1.0 + self.leastReach

    def _compare(self, series: MemberSeries) -> MemberSeries:
        """Divide the values by those of the focal plane, and by their own level."""
        return replace(series, values=relativeGains(series.values, series.counted))

    def _headline(self, series: MemberSeries) -> str:
        """Name the member that is furthest from 1."""
        distance = np.abs(series.values - 1.0)
        if not np.isfinite(distance).any():
            return ""
        member = int(np.nanargmax(distance)) % distance.shape[1]
        return f"; furthest from 1: {series.names[member]} by {np.nanmax(distance):.3%}"

    def _listMembers(self, series: MemberSeries, exposures: IdArray) -> tuple[tuple[str, ...], ...]:
        """List the members that are furthest from 1, and in which exposure."""
        distance = np.nan_to_num(np.abs(series.values - 1.0), nan=-1.0)
        if distance.size == 0:
            return ()
        place = distance.argmax(axis=0)
        worst = series.values[place, np.arange(distance.shape[1])]
        names = np.array(
            [f"{name} in {exposure}" for name, exposure in zip(series.names, exposures[place], strict=True)]
        )
        return (_listLargest("Furthest from 1", names, np.abs(worst - 1.0), worst, ".5f", self.nListed),)


def _nameOnly(panels: Sequence[SeriesPanel]) -> list[str]:
    """Name the part of the camera that the only panel shows, if it is the only one."""
    return [panel.title for panel in panels if len(panels) == 1 and panel.title]


def _rankInRaft(raft: IndexArray, names: NameArray) -> IndexArray:
    """Count the detectors of each raft in the order of their names, from 0; shape (nMembers,)."""
    order = np.lexsort((names, raft))
    starts = np.searchsorted(raft[order], raft[order])
    rank = np.empty(len(raft), dtype=np.intp)
    rank[order] = np.arange(len(raft)) - starts
    return rank


def _makeKey(series: MemberSeries) -> tuple[tuple[int, str], ...]:
    """Name the members that each colour and marker stands for."""
    return tuple(
        (look, ", ".join(np.unique(series.slots[series.looks == look]).tolist()))
        for look in np.unique(series.looks).tolist()
    )


def _listLargest(
    title: str, names: NameArray, size: FloatArray, values: FloatArray, form: str, nListed: int
) -> tuple[str, ...]:
    """List the values of the largest size, with names."""
    finite = np.flatnonzero(np.isfinite(size))
    order = finite[np.argsort(-np.abs(size[finite]), kind="stable")][:nListed]
    return listFirst(title, [f"{names[i]}  {values[i]:{form}}" for i in order.tolist()], nListed)
