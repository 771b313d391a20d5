# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a map of the focal plane shows, as plain arrays and text."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, fields

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.actions.plot.text import plural
from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.limits import ColourLimits, CountScale
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray, NameArray

from .listing import PatchList

__all__ = [
    "MAP_INCHES",
    "FocalPlaneView",
    "MapLabels",
    "PatchState",
    "PatchValues",
    "chooseLabels",
    "expectedDetectors",
    "listDetectors",
    "squareLimits",
]

type Span = tuple[float, float]

MAP_INCHES = 6.3
"""Nominal size of the map on paper; decides which labels fit."""

_LABEL_POINTS = 6.0
_GLYPH_ASPECT = 0.62


class PatchState(enum.IntEnum):
    """What is known of a patch."""

    NO_DATA = 0
    """No row belongs to it."""
    NO_VALUE = 1
    """Rows, but no finite value among them."""
    VALUE = 2
    """A value to show."""


@dataclass(frozen=True, eq=False)
class PatchValues:
    """Rows reduced to patches.

    Parameters
    ----------
    value
        Statistic of the rows of each patch; shape (nPatches,), NaN where there is none.
    nRows
        Rows of each patch; shape (nPatches,).
    nTested, nFailed
        Rows of each patch with a verify flag, and with a false one; shape (nPatches,).
    nSuspicious
        Rows of each patch that are suspicious, whatever their flag; shape (nPatches,).
    """

    value: FloatArray
    nRows: IndexArray
    nTested: IndexArray
    nFailed: IndexArray
    nSuspicious: IndexArray

    @property
    def state(self) -> npt.NDArray[np.int_]:
        """`PatchState` of each patch; shape (nPatches,)."""
        state = np.where(self.nRows > 0, int(PatchState.NO_VALUE), int(PatchState.NO_DATA))
        return np.where(np.isfinite(self.value), int(PatchState.VALUE), state)

    @property
    def failing(self) -> BoolArray:
        """Whether a row of the patch failed; shape (nPatches,)."""
        return self.nFailed > 0

    @property
    def suspicious(self) -> BoolArray:
        """Whether a row of the patch is suspicious; shape (nPatches,)."""
        return self.nSuspicious > 0

    def take(self, chosen: BoolArray) -> PatchValues:
        """Choose patches by a mask, shape (nPatches,)."""
        return PatchValues(**{part.name: getattr(self, part.name)[chosen] for part in fields(self)})

    @property
    def message(self) -> str:
        """Why there is nothing to see; empty if there is."""
        if np.isfinite(self.value).any():
            return ""
        return "No finite value to plot" if self.nRows.any() else "No data to plot"


@dataclass(frozen=True, eq=False)
class MapLabels:
    """Names on the map.

    Parameters
    ----------
    texts
        The names.
    positions
        Centres or upper left corners of what is named; shape (nLabels, 2), mm.
    centred
        Whether the positions are centres.
    """

    texts: tuple[str, ...]
    positions: FloatArray
    centred: bool


@dataclass(frozen=True, eq=False)
class FocalPlaneView:
    """Everything that a map of the focal plane shows, and the map that stands beside it.

    Parameters
    ----------
    geometry
        The camera; all its detectors are outlined.
    corners
        Patches in (x, y) order, mm; shape (nPatches, 4, 2).
    names
        Names of the patches; shape (nPatches,).
    noun
        What a patch is, in the singular.
    kinds
        Physical type of the detector of each patch; shape (nPatches,).
    patches
        Values, states and verdicts of the patches.
    expected
        Patches that are missed if they have no data; shape (nPatches,).
    counted
        Patches of the sensors that the head counts and that set the range of the colours; shape (nPatches,).
    limits
        Range of the colours.
    otherLimits
        Range of the values of the other sensors; None if there are none.
    counts
        Classes of a discrete scale; None for a continuous one.
    xLimits, yLimits
        Part of the focal plane that is shown, mm.
    labels
        Names of amplifiers, detectors or rafts on the map.
    axisLabels
        Labels of x axis, y axis and colour scale.
    noValueLabel
        What it means that a patch has rows but no value.
    threshold
        Value to mark on the colour scale, in the unit of the values.
    thresholdLabel
        The criterion in words, with unit.
    rule
        How the range of the colours was chosen; empty for a discrete scale.
    title, headline
        What is shown, and the verdict on it.
    provenance
        Lines that say where the data come from.
    statistics
        Lines of numbers on the values.
    listing
        The patches to look at first.
    missing
        Title and lines of the detectors that are missed.
    awaited
        Title and lines of the detectors whose data are still to come.
    notYet
        Patches without data that are not missed, as their detectors are still to come; shape (nPatches,).
    beside
        The same patches with the values that were tested; None if the values of this map are tested.
    heading, mapTitle
        What the statistics are of, and what stands above the map where there are two.
    failingDetectors
        Indices of the detectors that failed a test of their own, which are framed; shape (n,).
    """

    geometry: FocalPlaneGeometry
    corners: FloatArray
    names: NameArray
    noun: str
    kinds: NameArray
    patches: PatchValues
    expected: BoolArray
    counted: BoolArray
    limits: ColourLimits
    otherLimits: ColourLimits | None
    counts: CountScale | None
    xLimits: Span
    yLimits: Span
    labels: MapLabels
    axisLabels: tuple[str, str, str]
    noValueLabel: str
    threshold: float | None
    thresholdLabel: str
    rule: str
    title: str
    headline: str
    provenance: tuple[str, ...]
    statistics: tuple[str, ...]
    listing: PatchList
    missing: tuple[str, ...]
    awaited: tuple[str, ...]
    notYet: BoolArray
    beside: FocalPlaneView | None
    heading: str = "Values"
    mapTitle: str = ""
    failingDetectors: IndexArray = field(default_factory=lambda: np.empty(0, np.intp))

    @property
    def markedThreshold(self) -> float | None:
        """The threshold, if it is on the colour scale."""
        inside = self.threshold is not None and self.limits.low <= self.threshold <= self.limits.high
        return self.threshold if inside else None

    @property
    def below(self) -> BoolArray:
        """Which values are below the colour range; shape (nPatches,)."""
        return self.patches.value < self.limits.low

    @property
    def above(self) -> BoolArray:
        """Which values are above the colour range; shape (nPatches,)."""
        return self.patches.value > self.limits.high

    @property
    def markedBelow(self) -> BoolArray:
        """Which values below the range of their sensors are marked: none if it ends at the threshold."""
        low = self.limits.low if self.otherLimits is None else self.otherLimits.low
        beyond = self.patches.value < np.where(self.counted, self.limits.low, low)
        return beyond & (self.limits.low != self.threshold)

    @property
    def markedAbove(self) -> BoolArray:
        """Which values above the range of their sensors are marked: none if it ends at the threshold."""
        high = self.limits.high if self.otherLimits is None else self.otherLimits.high
        beyond = self.patches.value > np.where(self.counted, self.limits.high, high)
        return beyond & (self.limits.high != self.threshold)

    @property
    def patchPoints(self) -> float:
        """Shorter side of a typical patch on paper, in points."""
        side = np.linalg.norm(np.diff(self.corners[:, :3], axis=1), axis=2).min(axis=1)
        return float(np.median(side)) * MAP_INCHES * 72 / (self.xLimits[1] - self.xLimits[0])


def expectedDetectors(hasData: BoolArray) -> BoolArray:
    """Tell which detectors are missed if they have no data; shape (nDet,).

    These are all if more than half, or none, have data; else those with data, since the data are then of a
    part of the camera, such as a raft.
    """
    return hasData if 0 < hasData.sum() <= 0.5 * len(hasData) else np.ones_like(hasData)


def squareLimits(geometry: FocalPlaneGeometry, shown: BoolArray) -> tuple[Span, Span]:
    """Return limits of x and y, in mm, of the square that encloses some detectors, shape (nDet,)."""
    points = geometry.detectorCorners[shown].reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = 0.5 * (low + high), 0.52 * (high - low).max()
    (x0, y0), (x1, y1) = (middle - half).tolist(), (middle + half).tolist()
    return (x0, x1), (y0, y1)


def chooseLabels(
    geometry: FocalPlaneGeometry, xLimits: Span, yLimits: Span, crowded: BoolArray, *, byAmp: bool
) -> MapLabels:
    """Choose names that are legible at the scale of the map.

    Amplifiers are named if they are the patches and one detector is shown, detectors if their names fit on
    them, and else groups of detectors: the part of the name before the underscore, which is the raft in
    Rubin's cameras. The name of a group stands on a detector that is not crowded by marks, of the mask of
    shape (nDet,), if there is one.
    """
    centre = geometry.detectorCorners.mean(axis=1)
    low, high = np.column_stack([xLimits, yLimits])
    shown = np.flatnonzero(((centre > low) & (centre < high)).all(axis=1))
    if byAmp and len(shown) == 1:
        own = geometry.layout.ampDetector == shown[0]
        texts = tuple(geometry.layout.ampName[own].tolist())
        return MapLabels(texts, geometry.ampCorners[own].mean(axis=1), centred=True)
    names = geometry.layout.detectorName[shown]
    corners = geometry.detectorCorners[shown]
    width = np.ptp(corners[:, :, 0], axis=1) * MAP_INCHES / (xLimits[1] - xLimits[0])
    needed = np.char.str_len(names) * _LABEL_POINTS * _GLYPH_ASPECT / 72
    if (needed > width).any():
        names = np.char.partition(names, "_")[:, 0]
    left, top = corners[:, :, 0].min(axis=1), corners[:, :, 1].max(axis=1)
    # The leftmost of the uppermost detectors of a group bears its name, unless it is crowded. Heights are
    # rounded, since detectors of a row differ by fractions of a millimetre.
    order = np.lexsort((left, -np.round(top), crowded[shown]))
    groups, first = np.unique(names[order], return_index=True)
    bearer = order[first]
    return MapLabels(tuple(groups.tolist()), np.column_stack([left, top])[bearer], centred=False)


def listDetectors(title: str, names: NameArray, nListed: int) -> tuple[str, ...]:
    """Count and name detectors, on up to ``nListed`` lines of three names; nothing if there are none."""
    if len(names) == 0 or nListed == 0:
        return ()
    shown = names[: 3 * nListed].tolist()
    lines = [", ".join(shown[i : i + 3]) for i in range(0, len(shown), 3)]
    if len(names) > len(shown):
        lines.append(f"and {len(names) - len(shown)} more")
    return f"{title}: {plural(len(names), 'detector')}", *lines
