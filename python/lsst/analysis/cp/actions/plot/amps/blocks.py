# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Blocks of detectors of a table, arranged as the rafts are in the focal plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lsst.analysis.cp.core.geometry import FocalPlaneGeometry
from lsst.analysis.cp.core.typing import FloatArray, IndexArray

__all__ = ["Block", "arrangeBlocks"]

_MOST_COLUMNS = 24
"""Detectors up to which a table is one block."""

_BLOCKS_A_LINE = 5
"""Blocks beside each other, where the focal plane does not tell."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Detectors beside each other in a table.

    Parameters
    ----------
    name
        What they have in common, as the raft; empty if nothing.
    detectors
        Their places in the layout, shape (n,).
    labels
        What tells them apart, one each.
    column, row
        Place of the block among others; row 0 is the uppermost.
    """

    name: str
    detectors: IndexArray
    labels: tuple[str, ...]
    column: int
    row: int


def arrangeBlocks(geometry: FocalPlaneGeometry, detectors: IndexArray) -> tuple[Block, ...]:
    """Arrange detectors in blocks.

    Few are one block. More are grouped by the part of their name before the underscore, which is the raft in
    Rubin's cameras; the groups are placed as they lie in the focal plane, or in lines where they do not lie
    in a grid.

    Parameters
    ----------
    geometry
        The camera.
    detectors
        Places of the detectors in the layout, shape (n,).

    Returns
    -------
    blocks
        The blocks, in the order of their places.
    """
    names = geometry.layout.detectorName[detectors]
    if len(detectors) <= _MOST_COLUMNS:
        return (Block(name="", detectors=detectors, labels=tuple(names.tolist()), column=0, row=0),)
    parts = np.char.partition(names, "_")
    groups, code = np.unique(parts[:, 0], return_inverse=True)
    if len(groups) == 1 or np.bincount(code).max() > _MOST_COLUMNS or len(groups) == len(names):
        # There are no rafts.
        code = np.arange(len(names)) // _MOST_COLUMNS
        groups, labels = np.full(code.max() + 1, ""), names
        columns, rows = np.zeros(len(groups), dtype=np.intp), np.arange(len(groups))
    else:
        labels = parts[:, 2]
        columns, rows = _placeGroups(geometry.detectorCorners[detectors].mean(axis=1), code, len(groups))
    blocks = [
        Block(
            name=str(groups[i]),
            detectors=detectors[code == i],
            labels=tuple(labels[code == i].tolist()),
            column=int(columns[i]),
            row=int(rows[i]),
        )
        for i in range(len(groups))
    ]
    return tuple(sorted(blocks, key=lambda block: (block.row, block.column)))


def _placeGroups(centres: FloatArray, code: IndexArray, nGroups: int) -> tuple[IndexArray, IndexArray]:
    """Return column and row of each group of detectors, whose centres have the shape (n, 2)."""
    count = np.bincount(code, minlength=nGroups)
    middle = np.array([np.bincount(code, weights=axis, minlength=nGroups) / count for axis in centres.T])
    columns, rows = (_rank(axis) for axis in (middle[0], -middle[1]))
    if len(np.unique(columns * nGroups + rows)) < nGroups:
        places = np.arange(nGroups)
        return places % _BLOCKS_A_LINE, places // _BLOCKS_A_LINE
    return columns, rows


def _rank(values: FloatArray) -> IndexArray:
    """Tell clusters of values, shape (n,), apart by gaps of more than half the largest one."""
    order = np.argsort(values)
    gaps = np.diff(values[order])
    rank = np.empty(len(values), dtype=np.intp)
    rank[order] = np.concatenate([[0], np.cumsum(gaps > 0.5 * gaps.max(initial=0.0))])
    return rank
