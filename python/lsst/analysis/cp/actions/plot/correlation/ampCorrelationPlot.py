# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.plot.matrix.names import nameAmps
from lsst.analysis.cp.actions.plot.text import (
    addLeftOut,
    chooseTitle,
    describeProvenance,
    listLeftOut,
    plural,
)
from lsst.analysis.cp.core import CameraLayout, cameraLayout, floatColumn
from lsst.analysis.cp.core.epochs import EpochStack, stackEpochs
from lsst.analysis.cp.core.typing import BoolArray, IndexArray
from lsst.analysis.tools.interfaces import KeyedData, KeyedDataSchema, PlotAction, Vector
from lsst.pex.config import Field

from .drawing import makeCorrelationFigure
from .view import CorrelationView, correlationHeadline, listPairs, makeMatrix

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["AmpCorrelationPlot"]

_COEFFICIENTS = {"overscanCorr": "Overscan", "imageCorr": "Imaging"}
"""Columns of the coefficients, and what is correlated."""

_UNNAMED, _OTHER = -1, -2
"""Stand for amplifiers that have no place in a matrix."""


class AmpCorrelationPlot(PlotAction):
    """Correlations of the amplifiers of a detector, or of several such as a raft: overscan and imaging.

    The data are the rows of a table of correlations of cp_verify (``detector``, ``detectorComp``,
    ``ampName``, ``ampComp``, ``imageCorr``, ``overscanCorr``), with ``exposure``, masked where it is not
    known, and ``detectors``, the ids of those that are shown, with rows or without.

    Amplifiers are placed by name; rows that do not name two, or one of another detector, are counted and left
    out. ip_isr writes 0 for both coefficients of a pair of which one amplifier has
    no overscan result, and no row of the latter with itself: such pairs are not measured.
    """

    title = Field[str](doc="Title of the figure, in words; the name of the tool if empty.", default="")
    nListed = Field[int](doc="Lines in each list beside the matrices, at most.", default=8)

    def getInputSchema(self, **kwargs: Any) -> KeyedDataSchema:
        """Name what is shown."""
        names = ("exposure", "detector", "detectorComp", "ampName", "ampComp", *_COEFFICIENTS, "detectors")
        return [(name, Vector) for name in names]

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera`` and ``plotInfo`` as `prepare` takes them."""
        camera: Camera = kwargs["camera"]
        return makeCorrelationFigure(self.prepare(data, cameraLayout(camera), kwargs.get("plotInfo")))

    def prepare(
        self, data: KeyedData, layout: CameraLayout, plotInfo: Mapping[str, object] | None = None
    ) -> CorrelationView:
        """Place rows by name, and choose ranges and words; no matplotlib is involved.

        Parameters
        ----------
        data
            Columns as the class says.
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
        ColumnError
            Raised if a column cannot be read, or rows are repeated.
        AmpKeyError
            Raised if a detector or an amplifier is not in the camera.
        """
        known: Mapping[str, Any] = data
        shown = layout.select(np.asarray(known["detectors"]).tolist())
        n = shown.nAmps
        pairs = _findPairs(known, layout, shown)
        own = (pairs >= 0).all(axis=1)
        first, second = pairs[own].T
        values = np.column_stack([floatColumn(known[name], name)[own] for name in _COEFFICIENTS])
        # What stands for an amplifier without an overscan result is no correlation.
        values[(values == 0).all(axis=1)] = np.nan
        stack = stackEpochs(first * n + second, n * n, values, known["exposure"][own])
        names = nameAmps(shown)
        matrices = tuple(makeMatrix(stack, i, n, label) for i, label in enumerate(_COEFFICIENTS.values()))
        blocks = np.zeros((shown.nDetectors, shown.nDetectors), dtype=bool)
        blocks[shown.ampDetector[first], shown.ampDetector[second]] = True
        has_diagonal = stack.present[:, np.arange(n) * (n + 1)].any(axis=0)
        info = plotInfo or {}
        headline, is_bad = addLeftOut(correlationHeadline(matrices, shown, has_diagonal), info)
        what = chooseTitle(self.title, info, "Correlations of amplifiers")
        is_one = shown.nDetectors == 1
        where = f"{shown.detectorName[0]}, {shown.physicalType[0]}" if is_one else str(info.get("raft", ""))
        return CorrelationView(
            layout=shown,
            matrices=matrices,
            hasDiagonal=has_diagonal,
            blocks=blocks,
            epochs=stack.epochs if stack.toldApart else stack.epochs[:0],
            title=f"{what}: {where}" if where else what,
            headline=headline,
            isBad=is_bad,
            notes=_describeTable(stack, blocks, pairs),
            provenance=describeProvenance(info, []),
            lists=(
                listLeftOut(info, self.nListed),
                *(listPairs(matrix, names, stack, i, self.nListed) for i, matrix in enumerate(matrices)),
            ),
        )


def _findPairs(data: Mapping[str, Any], layout: CameraLayout, shown: CameraLayout) -> IndexArray:
    """Find the two amplifiers of each row among those that are shown, shape (nRows, 2).

    There is `_UNNAMED` where a row names none, and `_OTHER` where it names one of another detector.
    """
    place = np.full(layout.nAmps, _OTHER)
    place[np.isin(layout.detectorId[layout.ampDetector], shown.detectorId)] = np.arange(shown.nAmps)
    pairs = []
    for detector, amp in (("detector", "ampName"), ("detectorComp", "ampComp")):
        index = layout.ampIndex(data[detector], data[amp])
        pairs.append(np.where(index >= 0, place[index], _UNNAMED))
    return np.column_stack(pairs)


def _describeTable(stack: EpochStack, blocks: BoolArray, pairs: IndexArray) -> tuple[str, ...]:
    """Say what the rows of the table leave open."""
    number = len(stack.epochs)
    notes: list[str] = []
    if number > 1 and stack.toldApart:
        notes.append(f"medians over {plural(number, 'exposure')}")
    if not stack.toldApart and number > 1:
        notes += [
            f"medians over up to {number} rows of a pair, which",
            "the table does not tell apart by exposure",
        ]
    if len(blocks) > 1 and not blocks[~np.eye(len(blocks), dtype=bool)].any():
        notes += [
            "ip_isr correlates amplifiers of one detector only:",
            "no pair of two detectors is measured",
        ]
    unnamed = (pairs == _UNNAMED).any(axis=1)
    others = ~unnamed & (pairs == _OTHER).any(axis=1)
    for rows, why in ((unnamed, "without two names"), (others, "of other detectors")):
        if rows.any():
            notes.append(f"{plural(int(rows.sum()), 'row')} {why} left out")
    return tuple(notes)
