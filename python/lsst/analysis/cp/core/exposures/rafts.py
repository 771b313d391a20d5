# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The rafts of a camera on a grid, as they lie on the focal plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.typing import BoolArray, FloatArray, IndexArray, NameArray

__all__ = ["RaftGrid", "placeRafts", "rankPlaces"]

_SAME = 0.5
"""Distance of the centres of rafts in one row or column, in sides of a raft, at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RaftGrid:
    """Rows and columns of rafts.

    Parameters
    ----------
    name
        Names of the rafts, shape (nRafts,); empty for a camera without rafts, which is one.
    raft
        Index of the raft of each detector, shape (nDet,); -1 for those that are left out.
    row, column
        Places of the rafts, shape (nRafts,), of which (0, 0) is at the upper left of the focal plane.
    """

    name: NameArray
    raft: IndexArray
    row: IndexArray
    column: IndexArray

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and of columns."""
        return int(self.row.max()) + 1, int(self.column.max()) + 1


def placeRafts(geometry: FocalPlaneGeometry, shown: BoolArray) -> RaftGrid:
    """Place the rafts of some detectors on a grid.

    A raft is what the names of detectors have before the underscore (``R22_S11``). Where no two detectors
    share one, all are taken as one raft without a name.

    Parameters
    ----------
    geometry
        The camera.
    shown
        Detectors to show, at least one, shape (nDet,).

    Returns
    -------
    grid
        The rafts that have one, in the order of their names.
    """
    names = np.char.partition(geometry.layout.detectorName[shown], "_")[:, 0]
    name, own = np.unique(names, return_inverse=True)
    if len(name) == len(names) > 1:
        name, own = np.array([""]), np.zeros(len(names), dtype=np.intp)
    corners = geometry.detectorCorners[shown]
    low, high = np.full((len(name), 2), np.inf), np.full((len(name), 2), -np.inf)
    np.minimum.at(low, own, corners.min(axis=1))
    np.maximum.at(high, own, corners.max(axis=1))
    centre, side = 0.5 * (low + high), float(np.median((high - low).max(axis=1)))
    raft = np.full(len(shown), -1)
    raft[shown] = own
    return RaftGrid(
        name=name,
        raft=raft,
        row=rankPlaces(-centre[:, 1], _SAME * side),
        column=rankPlaces(centre[:, 0], _SAME * side),
    )


def rankPlaces(places: FloatArray, apart: float) -> IndexArray:
    """Give places along a line numbers from 0; those that are not further apart share one.

    Parameters
    ----------
    places
        Shape (n,), in any unit.
    apart
        Distance in the same unit.

    Returns
    -------
    rank
        Shape (n,).
    """
    order = np.argsort(places, kind="stable")
    rank = np.empty(len(places), dtype=np.intp)
    rank[order] = np.concatenate([[0], np.cumsum(np.diff(places[order]) > apart)])
    return rank
