# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Which amplifier of which exposure each row of a table is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from lsst.analysis.cp.core.camera import CameraLayout
from lsst.analysis.cp.core.columns import ColumnError, idColumn, nameColumn
from lsst.analysis.cp.core.typing import IdArray, IndexArray, NameArray

from .names import encodeNames

__all__ = ["AmpKeyError", "AmpKeys", "encodeAmps", "encodeDetectors", "encodeKeys"]

_T = TypeVar("_T", bound=np.generic)
_SHOWN = 5


class AmpKeyError(ValueError):
    """Rows of a table do not fit the camera, or each other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AmpKeys:
    """Identity of the amplifier rows of a table.

    Parameters
    ----------
    nRows
        Number of rows of the table, amplifier rows or not.
    rows
        Indices of the amplifier rows, shape (n,); None if all are.
    exposures
        Exposure ids, sorted, shape (nExp,).
    exposureIndex
        Index into ``exposures``, shape (n,).
    ampIndex
        Index into the amplifiers of the layout, shape (n,).
    """

    nRows: int
    rows: IndexArray | None
    exposures: IdArray
    exposureIndex: IndexArray
    ampIndex: IndexArray

    def take(self, values: npt.NDArray[_T], name: str) -> npt.NDArray[_T]:
        """Take the amplifier rows of a column.

        Parameters
        ----------
        values
            The column, shape (nRows,).
        name
            Its name, for messages.

        Returns
        -------
        values
            Shape (n,).

        Raises
        ------
        ColumnError
            If the column has another length than the table.
        """
        if len(values) != self.nRows:
            raise ColumnError(f"column {name!r} has {len(values)} rows, expected {self.nRows}")
        return values if self.rows is None else values[self.rows]


def encodeKeys(data: Any, layout: CameraLayout, exposures: Iterable[int] | None = None) -> AmpKeys:
    """Find the amplifier of each row.

    Parameters
    ----------
    data
        Columns ``exposure``, ``detector`` and ``amplifier``, each of shape (nRows,).
    layout
        The camera.
    exposures
        Ids of further exposures that are expected.

    Returns
    -------
    keys
        The rows that have an amplifier.

    Raises
    ------
    AmpKeyError
        If a row has no exposure or detector, if a detector or amplifier is not in the camera, or if an
        amplifier has two rows in one exposure.
    """
    names, rows_mask = nameColumn(data["amplifier"], "amplifier")
    rows = None if rows_mask.all() else np.flatnonzero(rows_mask)
    keys = {}
    for column in ("exposure", "detector"):
        ids, present = idColumn(data[column], column)
        if len(ids) != len(names):
            raise ColumnError(f"column {column!r} has {len(ids)} rows, expected {len(names)}")
        if not present[rows_mask].all():
            raise AmpKeyError(f"{np.sum(~present & rows_mask)} amplifier row(s) have no {column}")
        keys[column] = ids if rows is None else ids[rows]
    names = names if rows is None else names[rows]
    amp_index = encodeAmps(keys["detector"], names, layout)
    expected = np.array([] if exposures is None else sorted(set(exposures)), dtype=np.int64)
    all_exposures = np.union1d(np.unique(keys["exposure"]), expected)
    result = AmpKeys(
        nRows=len(rows_mask),
        rows=rows,
        exposures=all_exposures,
        exposureIndex=np.searchsorted(all_exposures, keys["exposure"]),
        ampIndex=amp_index,
    )
    _rejectDuplicates(result, layout)
    return result


def encodeDetectors(detector: IdArray, layout: CameraLayout) -> IndexArray:
    """Look up detectors by id.

    Parameters
    ----------
    detector
        Detector ids, shape (n,).
    layout
        The camera.

    Returns
    -------
    index
        Index into the detectors of the layout, shape (n,).

    Raises
    ------
    AmpKeyError
        If a detector is not in the camera.
    """
    order = np.argsort(layout.detectorId)
    rank = np.searchsorted(layout.detectorId, detector, sorter=order)
    index = order[np.minimum(rank, len(order) - 1)]
    if len(unknown := np.unique(detector[layout.detectorId[index] != detector])):
        raise AmpKeyError(f"detector(s) {_show(unknown)} are not in the camera")
    return index


def encodeAmps(detector: IdArray, name: NameArray, layout: CameraLayout) -> IndexArray:
    """Look up amplifiers by detector id and amplifier name.

    Parameters
    ----------
    detector
        Detector ids, shape (n,).
    name
        Amplifier names, shape (n,).
    layout
        The camera.

    Returns
    -------
    index
        Index into the amplifiers of the layout, shape (n,).

    Raises
    ------
    AmpKeyError
        If a detector or amplifier is not in the camera.
    """
    detector_index = encodeDetectors(detector, layout)
    known, name_of_amp = np.unique(layout.ampName, return_inverse=True)
    table = np.full((layout.nDetectors, len(known) + 1), -1)
    table[layout.ampDetector, name_of_amp] = np.arange(layout.nAmps)
    amp_index = table[detector_index, encodeNames(name, known)]
    if np.any(bad := amp_index < 0):
        first = np.flatnonzero(bad)[0]
        where = layout.detectorName[detector_index[first]]
        raise AmpKeyError(
            f"amplifier {str(name[first])!r} of detector {detector[first]} ({where}) is not in the camera"
        )
    return amp_index


def _rejectDuplicates(keys: AmpKeys, layout: CameraLayout) -> None:
    """Raise if an amplifier has two rows in one exposure."""
    cells = keys.exposureIndex * layout.nAmps + keys.ampIndex
    counts = np.bincount(cells, minlength=len(keys.exposures) * layout.nAmps)
    if counts.max(initial=0) <= 1:
        return
    repeated = np.flatnonzero(counts > 1)
    shown = []
    for cell in repeated[:_SHOWN]:
        exposure, amp = divmod(cell, layout.nAmps)
        detector = layout.ampDetector[amp]
        shown.append(
            f"exposure {keys.exposures[exposure]} detector {layout.detectorId[detector]} "
            f"amplifier {layout.ampName[amp]}"
        )
    raise AmpKeyError(f"{len(repeated)} amplifier(s) have more than one row: {_show(shown, len(repeated))}")


def _show(items: Any, total: int | None = None) -> str:
    """List the first few of many items."""
    total = len(items) if total is None else total
    text = "; ".join(str(item) for item in items[:_SHOWN])
    return text if total <= _SHOWN else f"{text}; ..."
