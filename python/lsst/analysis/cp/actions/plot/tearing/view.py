# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""What a page of the tearing of flats shows, as plain arrays and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lsst.analysis.cp.actions.plot.text import addLeftOut, describeProvenance, listFirst, listLeftOut, plural
from lsst.analysis.cp.core import FocalPlaneGeometry
from lsst.analysis.cp.core.calibrations import boundaryDeviations, pairNeighbours
from lsst.analysis.cp.core.epochs import vectorColumn
from lsst.analysis.cp.core.exposures import rankPlaces
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray, NameArray

__all__ = ["COLUMNS", "TearingPanel", "TearingStrip", "TearingView", "prepareTearing"]

COLUMNS = ("detector", "amplifier", "TEARING_PROFILE", "detectors")
"""Columns of tables of tearing, and the ids of the detectors that are shown."""

_APART = 0.4
"""Distance of detectors of two rows, in units of the size of a detector."""
_MARGIN = 1.3
_MOST = 1.6
"""Largest half width of the axis, in units of the limit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TearingStrip:
    """The amplifiers of a detector that lie side by side.

    Parameters
    ----------
    names
        Names of the amplifiers, from the left to the right, shape (nAmps,).
    edges
        First column of each amplifier, and the one after the last, shape (nAmps + 1,).
    x, profile
        Columns of the detector (pixel), and their response, shape (nColumns,); NaN where it is not known.
    isEnd
        Whether a column is one of those at a boundary that are looked at, shape (nColumns,).
    deviations
        Deviation at each boundary, shape (nAmps - 1,); NaN where it is not known.
    """

    names: NameArray
    edges: FloatArray
    x: FloatArray
    profile: FloatArray
    isEnd: BoolArray
    deviations: FloatArray

    @property
    def unknown(self) -> list[tuple[float, float]]:
        """First column, and the one after the last, of each amplifier without a profile."""
        known = self.x[np.isfinite(self.profile)]
        spans = zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), strict=True)
        return [(start, end) for start, end in spans if not ((known > start) & (known < end)).any()]


@dataclass(frozen=True, kw_only=True, eq=False)
class TearingPanel:
    """A detector.

    Parameters
    ----------
    name
        Its name, with that of its vendor.
    row, column
        Its place on the page, counted from the upper left.
    strips
        Its rows of amplifiers, the uppermost first.
    """

    name: str
    row: int
    column: int
    strips: tuple[TearingStrip, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class TearingView:
    """Everything that a page of tearing shows.

    Parameters
    ----------
    panels
        The detectors.
    limit
        What the deviations are to be below.
    halfWidth
        Half of the range of the responses that is shown.
    title, headline
        What is shown, and a summary.
    isBad
        Whether that is bad news.
    provenance
        Where it is from.
    lists
        Titles with lines of what to look at first.
    """

    panels: tuple[TearingPanel, ...]
    limit: float
    halfWidth: float
    title: str
    headline: str
    isBad: bool
    provenance: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]


def prepareTearing(
    data: Mapping[str, Any],
    geometry: FocalPlaneGeometry,
    *,
    limit: float,
    nPixels: int,
    title: str,
    nListed: int,
    plotInfo: Mapping[str, object],
) -> TearingView:
    """Lay the profiles of the amplifiers side by side; no matplotlib is involved.

    Parameters
    ----------
    data
        `COLUMNS`. Not modified.
    geometry
        The camera.
    limit
        What deviations at boundaries are to be below.
    nPixels
        Columns on either side of a boundary that are looked at.
    title
        Title of the page.
    nListed
        Lines in each list, at most.
    plotInfo
        Data ID, ``raft``, ``run`` and ``tableName``; any may be absent.

    Returns
    -------
    view
        The view to draw.

    Raises
    ------
    ColumnError
        Raised if a column cannot be read.
    AmpKeyError
        Raised if the camera has no such detector or amplifier.
    """
    layout = geometry.layout
    rows = layout.ampIndex(data["detector"], data["amplifier"])
    vectors = vectorColumn(data["TEARING_PROFILE"], "TEARING_PROFILE")
    profiles = np.full((layout.nAmps, vectors.shape[1]), np.nan)
    profiles[rows[rows >= 0]] = vectors[rows >= 0]
    shown = layout.findDetectors(np.asarray(data["detectors"], dtype=np.int64))
    panels = tuple(
        _preparePanel(geometry, profiles, int(detector), place, nPixels)
        for detector, place in zip(shown, _placeDetectors(geometry, shown), strict=True)
    )
    found = [
        (float(deviation), f"{panel.name.partition(',')[0]} {left}|{right}")
        for panel in panels
        for strip in panel.strips
        for deviation, left, right in zip(strip.deviations, strip.names[:-1], strip.names[1:], strict=True)
    ]
    known = sorted(((value, name) for value, name in found if np.isfinite(value)), reverse=True)
    n_bad = sum(value >= limit for value, _ in known)
    words = [f"{n_bad} of {len(known)} boundaries beyond the limit"]
    of_shown = np.flatnonzero(np.isin(layout.ampDetector, shown) & ~np.isfinite(profiles).any(axis=1))
    if n_lost := len(of_shown):
        words.append(f"{plural(n_lost, 'amplifier')} without profile")
    headline, is_bad = addLeftOut(("; ".join(words), n_bad + n_lost > 0), plotInfo)
    lost = [f"{layout.detectorName[layout.ampDetector[amp]]} {layout.ampName[amp]}" for amp in of_shown]
    lines = [f"{name:<20}{value:8.4f}" for value, name in known]
    where = str(plotInfo.get("raft", "")) or (panels[0].name if len(panels) == 1 else "")
    largest = max((value for value, _ in known), default=0.0)
    return TearingView(
        panels=panels,
        limit=limit,
        halfWidth=_MARGIN * min(max(limit, largest), _MOST * limit),
        title=f"{title}: {where}" if where else title,
        headline=headline,
        isBad=is_bad,
        provenance=describeProvenance(plotInfo, []),
        lists=(
            listLeftOut(plotInfo, nListed),
            listFirst("Largest deviations at boundaries", lines, nListed),
            listFirst("Amplifiers without profile", lost, nListed),
        ),
    )


def _placeDetectors(geometry: FocalPlaneGeometry, shown: IndexArray) -> list[tuple[int, int]]:
    """Give detectors rows and columns on the page as they lie on the focal plane."""
    corners = geometry.detectorCorners[shown]
    centres = corners.mean(axis=1)
    size = float(np.median(np.ptp(corners[..., 1], axis=1)))
    row = rankPlaces(-centres[:, 1], _APART * size)
    before = (row[:, np.newaxis] == row) & (centres[:, 0] < centres[:, np.newaxis, 0])
    return list(zip(row.tolist(), before.sum(axis=1).tolist(), strict=True))


def _preparePanel(
    geometry: FocalPlaneGeometry,
    profiles: FloatArray,
    detector: int,
    place: tuple[int, int],
    nPixels: int,
) -> TearingPanel:
    """Lay out the amplifiers of a detector."""
    layout = geometry.layout
    own = np.flatnonzero(layout.ampDetector == detector)
    edges = geometry.ampEdges[own]
    widths = np.round(edges[:, 2] - edges[:, 0]).astype(np.intp)
    vectors = [_fit(profiles[amp], width) for amp, width in zip(own, widths.tolist(), strict=True)]
    pairs = pairNeighbours(edges)
    deviations = boundaryDeviations(vectors, pairs, nPixels)
    strips = []
    for bottom in np.unique(edges[:, 1])[::-1]:
        members = np.flatnonzero(edges[:, 1] == bottom)
        members = members[np.argsort(edges[members, 0])]
        strips.append(_makeStrip(members, edges, vectors, layout.ampName[own], pairs, deviations, nPixels))
    return TearingPanel(
        name=f"{layout.detectorName[detector]}, {layout.physicalType[detector]}",
        row=place[0],
        column=place[1],
        strips=tuple(strips),
    )


def _makeStrip(
    members: IndexArray,
    edges: FloatArray,
    vectors: Sequence[FloatArray],
    names: NameArray,
    pairs: IndexArray,
    deviations: FloatArray,
    nPixels: int,
) -> TearingStrip:
    """Lay out amplifiers from the left to the right."""
    bounds = np.append(edges[members, 0], edges[members[-1], 2])
    x = np.concatenate([edges[i, 0] + 0.5 + np.arange(len(vectors[i])) for i in members.tolist()])
    of_strip: BoolArray = np.isin(pairs, members).all(axis=1)
    return TearingStrip(
        names=names[members],
        edges=bounds,
        x=x,
        profile=np.concatenate([vectors[i] for i in members.tolist()]),
        isEnd=(np.abs(x[:, np.newaxis] - bounds[1:-1]) < nPixels).any(axis=1),
        deviations=deviations[of_strip],
    )


def _fit(vector: FloatArray, width: int) -> FloatArray:
    """Cut, or fill with NaN, a vector to the width of its amplifier: tables pad them to the longest."""
    return np.pad(vector[:width], (0, max(width - len(vector), 0)), constant_values=np.nan)
