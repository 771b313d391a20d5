# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from lsst.analysis.cp.actions.cameraGeometry import cameraGeometry
from lsst.analysis.cp.actions.keyedData import getAmpTable
from lsst.analysis.cp.actions.plot.focalPlane.listing import PatchList
from lsst.analysis.cp.actions.plot.focalPlane.view import expectedDetectors, listDetectors
from lsst.analysis.cp.actions.plot.text import (
    addLeftOut,
    chooseTitle,
    describeProvenance,
    listFirst,
    listLeftOut,
    plural,
)
from lsst.analysis.cp.catalogue import VerifyTest
from lsst.analysis.cp.core.amps import FAILED, GOOD, UNKNOWN, AmpTable, summarize
from lsst.analysis.cp.core.limits import countScale
from lsst.analysis.cp.core.typing import BoolArray
from lsst.analysis.tools.interfaces import KeyedData

from .ampTablePlot import AmpTablePlot, hasRows, orderTests
from .blocks import arrangeBlocks
from .tableDrawing import makeTableFigure
from .tableView import FailureCells, FailureTableView, countCells, explainMarks, markTest

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera

__all__ = ["FailureTablePlot"]


class FailureTablePlot(AmpTablePlot):
    """Table of tests against detectors with the number of amplifiers that failed, of any product.

    Over several exposures an amplifier counts once. Tests whose verdicts do not count stand apart. If at most
    half of the detectors have data, the table has only these.
    """

    def __call__(self, data: KeyedData, **kwargs: Any) -> Mapping[str, Figure] | Figure:
        """Make the figure, with ``camera`` and ``plotInfo`` as `prepare` takes them."""
        return makeTableFigure(self.prepare(data, kwargs["camera"], kwargs.get("plotInfo")))

    def prepare(
        self, data: KeyedData, camera: Camera, plotInfo: Mapping[str, object] | None = None
    ) -> FailureTableView:
        """Count and arrange; no matplotlib is involved.

        Parameters
        ----------
        data
            Encoded results.
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
        tests = tuple(orderTests(table, "amplifier", "detector"))
        cells = countCells(table, tests)
        n_counted = sum(test.counts for test in tests)
        has_rows = hasRows(table)
        expected = expectedDetectors(has_rows)
        mask = self.chooseCounted(table)
        of_exposures = tuple(orderTests(table, "exposure"))
        missing = table.layout.detectorName[expected & ~has_rows]
        info = plotInfo or {}
        headline, failing = addLeftOut(
            (self._sumUp(table, mask, has_rows), bool(cells.nFailed[:n_counted].any())), info
        )
        return FailureTableView(
            blocks=arrangeBlocks(geometry, np.flatnonzero(expected)),
            cells=cells,
            labels=tuple(map(markTest, tests)),
            nCounted=n_counted,
            counts=countScale(int(cells.nFailed.max(initial=0))),
            title=chooseTitle(self.title, {}, f"{table.product.title}: failed amplifiers of each detector"),
            headline=headline,
            failing=failing,
            provenance=describeProvenance(info, ()),
            lists=(
                _explainCells(table),
                explainMarks((*tests, *of_exposures)),
                _listExposureTests(table, of_exposures),
                listDetectors("Without data", missing, self.nListed // 4),
                listLeftOut(info, self.nListed // 4),
            ),
            listing=_listWorst(table, tests[:n_counted], cells, mask, self.nListed),
            message="" if has_rows.any() else "No data to show",
        )

    def _sumUp(self, table: AmpTable, mask: BoolArray, present: BoolArray) -> str:
        """Say how many detectors are good, failed and unknown over all tests that count."""
        status = summarize(table, "runDetector").status[mask]
        n_failed, n_good, n_unknown = (int((status == code).sum()) for code in (FAILED, GOOD, UNKNOWN))
        sensors = self.nameCounted(mask, every="detectors")
        words = [f"{n_failed} of {len(status)} {sensors} failed, {n_good} are good, {n_unknown} unknown"]
        if n_missing := int((mask & ~present).sum()):
            words.append(f"{n_missing} of them without data")
        return ", ".join(words)


def _explainCells(table: AmpTable) -> tuple[str, ...]:
    """Explain what is written in the cells."""
    once = " in any exposure" if len(table.exposures) > 1 else ""
    return (
        "How to read a cell",
        f"2   amplifiers that failed{once}",
        "0   none failed, and all are known",
        "0?  none failed, and not all are known",
        "?   nothing is known",
        "–   not tested, or recorded only where it fails",
    )


def _listExposureTests(table: AmpTable, tests: Sequence[VerifyTest]) -> tuple[str, ...]:
    """Say which exposures failed tests of whole exposures, which have no detector."""
    lines = []
    for test in tests:
        status = np.asarray(table.status(test))
        failed = table.exposures[table.rows["exposure"].epochIndex[status == FAILED]].tolist()
        n_unknown = len(table.exposures) - int((status != UNKNOWN).sum())
        text = f"{markTest(test)}: {len(failed)} of {plural(len(table.exposures), 'exposure')} failed"
        lines.append(text + (f", {n_unknown} unknown" if n_unknown and table.wasRun(test) else ""))
    return listFirst("Tests of whole exposures", lines, len(lines))


def _listWorst(
    table: AmpTable, tests: Sequence[VerifyTest], cells: FailureCells, mask: BoolArray, nListed: int
) -> PatchList:
    """Name the detectors with failures of tests that count, those with the most first."""
    n_failed = cells.nFailed[: len(tests)]
    total = n_failed.sum(axis=0)
    failing = np.flatnonzero(total)
    order = failing[np.lexsort([-total[failing], ~mask[failing]])]
    lines = [
        f"{table.layout.detectorName[i]}  "
        + ", ".join(
            test.key if test.row == "detector" else f"{test.key} {count}"
            for test, count in zip(tests, n_failed[:, i].tolist(), strict=True)
            if count
        )
        for i in order[:nListed].tolist()
    ]
    wrapped = listFirst("Detectors with failures", lines, len(lines))
    return PatchList(title=wrapped[0] if wrapped else "", lines=wrapped[1:], nMore=len(order) - len(lines))
