# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Maps of the core tests by now, one after the other: drawing must not keep a verdict waiting."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.actions.keyedData import AMP_TABLE
from lsst.analysis.cp.actions.plot import FocalPlaneGeometryPlot
from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.tasks.runner import ToolRunner
from lsst.analysis.tools.interfaces import MetricMeasurementBundle

from .budget import Budget
from .folder import Picture
from .reduction import Reduced

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

    from .mergeStep import MergeStep

__all__ = ["Maps"]

_SHARE = 0.1
"""Part of the time that drawing may take while data come."""

_DPI = 100


@dataclass(kw_only=True, eq=False)
class Maps:
    """Draws the maps of the tests that count, with the tools of the merge.

    Parameters
    ----------
    step
        The merge.
    pictures
        The maps, by the names of their tools.
    """

    step: MergeStep
    pictures: dict[str, Picture] = field(default_factory=dict)
    _budget: Budget = field(default_factory=lambda: Budget(_SHARE))
    _number: int = 0
    _drawn: dict[str, Reduced] = field(default_factory=dict)

    def listTools(self) -> list[str]:
        """List the tools that draw them."""
        product = getProduct(self.step.task.config.product)
        names = [product.failureToolName, *(test.toolName for test in product.ownVerdicts())]
        tools = self.step.task.config.atools
        known = set(tools.fieldNames)
        return [
            name
            for name in names
            if name in known and isinstance(getattr(tools, name).produce.plot, FocalPlaneGeometryPlot)
        ]

    def drawNext(
        self, reduced: Reduced, notYet: Sequence[int], plotInfo: Mapping[str, Any], caption: str
    ) -> bool:
        """Draw the map that is the oldest, if one is not of these results and there is time for it.

        Parameters
        ----------
        reduced
            What the tables say.
        notYet
            Ids of the detectors that are still to come.
        plotInfo
            Provenance.
        caption
            What the results are of.

        Returns
        -------
        isDrawn
            Whether one was drawn.
        """
        stale = [name for name in self.listTools() if self._drawn.get(name) is not reduced]
        if not stale or not self._budget.isFree:
            return False
        order = list(self._drawn)
        name = min(stale, key=lambda each: order.index(each) if each in order else -1)
        with self._budget.spend():
            self._draw(name, reduced, {**plotInfo, "notYet": list(notYet)}, caption)
        # It is the last again.
        self._drawn.pop(name, None)
        self._drawn[name] = reduced
        return True

    def _draw(self, name: str, reduced: Reduced, plotInfo: Mapping[str, Any], caption: str) -> None:
        """Draw one map."""
        tool = getattr(self.step.task.config.atools, name)
        runner = ToolRunner(self.step.task.log, plotInfo)
        data = {**reduced.data, AMP_TABLE: reduced.table}
        figures = runner.run([(name, tool)], data, MetricMeasurementBundle(), **reduced.arguments)
        for figure in figures.values():
            file = io.BytesIO()
            figure.savefig(file, format="png", dpi=_DPI)
            self._show(name, file.getvalue(), caption)

    def takeStored(self, butler: Butler, refs: Sequence[DatasetRef]) -> None:
        """Show what the merge has stored in the place of what was drawn."""
        for name, ref in self._findStored(refs):
            self._show(name, butler.getURI(ref).read(), f"stored as {ref.datasetType.name} in {ref.run}")

    def _findStored(self, refs: Sequence[DatasetRef]) -> Iterator[tuple[str, DatasetRef]]:
        output = self.step.task.config.connections.outputName
        names = {f"{output}_{name}_": name for name in self.listTools()}
        for ref in refs:
            if ref.datasetType.storageClass_name == "Plot":
                for begin, name in names.items():
                    if ref.datasetType.name.startswith(begin):
                        yield name, ref

    def _show(self, name: str, content: bytes, caption: str) -> None:
        self._number += 1
        plot = getattr(self.step.task.config.atools, name).produce.plot
        self.pictures[name] = Picture(
            title=plot.title or name, caption=caption, content=content, version=self._number
        )
        self.pictures = {each: self.pictures[each] for each in self.listTools() if each in self.pictures}
