# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Making a run report of a repository."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from astropy.table import Table

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import CameraLayout
from lsst.analysis.cp.core.typing import BoolArray
from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.notebook.readTables import STRUCTURES
from lsst.analysis.cp.report.model import (
    Certification,
    Missing,
    PlotEntry,
    Problem,
    ProductReport,
    RunReport,
    TaskReport,
)
from lsst.analysis.cp.report.production import Production, listTasks

from .assemble import assembleProduct
from .camera import findAllowed, findCounted, readGeometry
from .culprits import joinTables, readStructures
from .gather import GatheredSection, gatherSection
from .plots import findPlots
from .scope import ReportError, Scope, joinNames
from .search import (
    NO_EPOCH,
    TABLES,
    Section,
    findBegun,
    findSections,
    productOf,
    productOfTask,
    sortSections,
)
from .stored import StoredTable
from .versions import readVersions

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["collectReport"]

_SAID = 3
"""Number of tables that cannot be read in the reasons of a verdict; all are listed as problems."""


def collectReport(
    butler: Butler,
    collections: Sequence[str] | str,
    *,
    instrument: str | None = None,
    where: str = "",
    graphs: Sequence[str] = (),
    certification: Certification | None = None,
    repository: str = "",
) -> RunReport:
    """Read all that a repository has of a run, and judge it.

    Parameters
    ----------
    butler
        The repository. Nothing is written to it.
    collections
        Collections, or patterns of their names: one or several, as one of each product and filter. Of two
        datasets with the same data ID, the one of the first collection counts.
    instrument
        Name of the instrument; if None, the only one that the collections have.
    where
        Expression that data IDs fulfil, as of ``butler query-datasets``. If it chooses detectors, no others
        are expected to have results.
    graphs
        Files of quantum graphs, which tell what was to be made.
    certification
        How the calibrations are to be certified.
    repository
        Where the repository is, as it was given.

    Returns
    -------
    report
        The report. What cannot be read is named in it and costs nothing but itself.

    Raises
    ------
    lsst.daf.butler.MissingCollectionError
        Raised if there is no such collection; it names similar ones.
    ReportError
        Raised if there is nothing to report; it names what there is. Raised if a graph is of another
        repository, or of a collection that is not reported.
    """
    scope = Scope.open(butler, collections, instrument, where)
    found, problems = findSections(scope)
    production = _findProduction(scope, graphs)
    sections = _addExpected(scope, found, production.tasks)
    if not sections and all(problem.isRemark for problem in problems):
        raise ReportError(_explainNothing(scope, problems))
    geometry = readGeometry(scope)
    collector = _Collector(scope, geometry.layout, production.tasks)
    plots = findPlots(scope, {section.product for section in sections})
    products = [collector.collect(section, plots[section.product]) for section in sections]
    versions, unread = readVersions(scope)
    return RunReport(
        repository=repository,
        instrument=scope.instrument,
        collections=scope.given,
        geometry=geometry,
        made=datetime.now(UTC),
        versions=versions,
        products=tuple(products),
        tasks=production.tasks,
        # Without graphs nobody has said what is expected: logs that cannot be read tell of nothing else.
        problems=(
            *problems,
            *collector.problems,
            *(replace(each, isRemark=each.isRemark or not graphs) for each in production.problems),
            *unread,
        ),
        certification=certification or Certification(),
    )


def _findProduction(scope: Scope, graphs: Sequence[str]) -> Production:
    """Find what tasks should have made, and what they made."""
    try:
        return listTasks(scope.butler, scope.given, graphs, instrument=scope.instrument)
    except ValueError as error:
        raise ReportError(str(error)) from error


def _addExpected(scope: Scope, sections: Sequence[Section], tasks: Sequence[TaskReport]) -> list[Section]:
    """Add the products that tasks were to verify and of which there is nothing."""
    if scope.where:
        # What is absent may be absent on purpose.
        return list(sections)
    shown = {section.product for section in sections}
    expected = {product.name for task in tasks if (product := productOfTask(task.task)) is not None}
    return sortSections([*sections, *(Section(product=name) for name in expected - shown)])


def _explainNothing(scope: Scope, problems: Sequence[Problem]) -> str:
    """Say what there is, for somebody who finds nothing."""
    where = f"in {joinNames(scope.given)} of {scope.instrument}"
    if problems:
        found = joinNames(problem.dataset for problem in problems)
        return f"Nothing {where} fulfils {scope.where!r}. Without it there are {found}."
    runs = [
        info.name
        for info in scope.butler.collections.query_info("*", include_summary=True)
        if any(name.endswith(f"_{TABLES[0]}") for name in info.dataset_types or ())
    ]
    others = f"There are some in {joinNames(sorted(runs))}." if runs else "The repository has none."
    return f"There are no results of verification {where}. {others}"


@dataclass(frozen=True, kw_only=True)
class _Extent:
    """Which detectors and exposures of a product should have results.

    Parameters
    ----------
    detectors
        Detectors that tasks were to work on, shape (nDetectors,).
    exposures
        Ids of exposures.
    """

    detectors: BoolArray
    exposures: list[int]


class _Collector:
    """Reads one product after the other."""

    def __init__(self, scope: Scope, layout: CameraLayout, tasks: Sequence[TaskReport]) -> None:
        self._scope = scope
        self._layout = layout
        self._tasks = tasks
        self._allowed = findAllowed(scope, layout)
        self._counted = findCounted(layout, self._allowed)
        self.problems: list[Problem] = []

    def collect(self, section: Section, plots: Sequence[PlotEntry]) -> ProductReport:
        """Read a product and judge it."""
        extent = self._findExtent(section)
        gathered = gatherSection(self._scope.butler, section, self._layout, self._counted, extent.exposures)
        expected = self._counted | extent.detectors
        for epoch in gathered.epochs:
            expected |= epoch.hasResults & self._allowed
        structures, problems = self._readStructures(section)
        unread = [f"{problem.dataset} {problem.reason}." for problem in gathered.problems[:_SAID]]
        if n_more := len(gathered.problems) - len(unread):
            unread.append(f"{n_more} more of its tables cannot be read.")
        unread += self._countMerged(gathered)
        self.problems += gathered.problems + problems
        return assembleProduct(
            gathered,
            exposures=extent.exposures,
            expected=expected,
            counted=self._counted,
            structures=structures,
            plots=[plot for plot in plots if self._isOf(section, plot.ref)],
            unread=unread,
        )

    def _findExtent(self, section: Section) -> _Extent:
        """Find what should have results: what has some, what was begun, and what tasks were to make."""
        dimension = getProduct(section.product).epoch
        exposures = set(section.epochs)
        if dimension != "none":
            exposures |= findBegun(self._scope, section, dimension)
        lost: set[int] = set()
        begun = findBegun(self._scope, section, "detector")
        detectors = self._allowed & np.isin(self._layout.detectorId, list(begun))
        for missing in self._listMissing(section.product):
            detectors |= self._allowed & (self._layout.detectorId == missing.detector)
            if missing.exposure >= 0 and dimension != "none":
                lost.add(missing.exposure)
        exposures |= self._scope.choose(dimension, lost, section.physicalFilter)
        return _Extent(detectors=detectors, exposures=sorted(exposures) or [NO_EPOCH])

    def _listMissing(self, product: str) -> Iterable[Missing]:
        """List what tasks that measure a product should have made of it, and did not."""
        for task in self._tasks:
            if (found := productOfTask(task.task)) is not None and found.name == product:
                yield from task.missing

    def _countMerged(self, gathered: GatheredSection) -> list[str]:
        """Compare the number of exposures with that of the merge of the run."""
        if self._scope.where:
            return []
        sentences = []
        for run, ref in gathered.section.merged.items():
            try:
                stored = StoredTable.read(self._scope.butler, ref, {"nExposures"}.__contains__)
                n_merged = int(stored.counts("nExposures").max(initial=0))
            except Exception as error:
                sentences.append(f"{nameDataset(ref)} cannot be read: {type(error).__name__}: {error}.")
                continue
            if n_merged > (n_found := len(gathered.epochs)):
                sentences.append(f"{run} was merged of {n_merged} exposures, of which {n_found} are found.")
        return sentences

    def _readStructures(self, section: Section) -> tuple[Table, list[Problem]]:
        """Read the structures in the images of a product."""
        tables, problems, known = [], [], set()
        for name in self._scope.types:
            product = (
                productOf(name) if STRUCTURES.includes(self._scope.butler.get_dataset_type(name)) else None
            )
            if product is None or product.name != section.product:
                continue
            for _, ref in self._scope.find(name):
                if (name, ref.dataId) in known or not self._isOf(section, ref):
                    continue
                known.add((name, ref.dataId))
                try:
                    tables.append(readStructures(self._scope.butler, ref))
                except Exception as error:
                    reason = f"cannot be read: {type(error).__name__}: {error}"
                    problems.append(Problem(dataset=nameDataset(ref), reason=reason, isRemark=True))
        return joinTables(tables, "structures"), problems

    @staticmethod
    def _isOf(section: Section, ref: DatasetRef) -> bool:
        """Tell whether a dataset of the product belongs to the filter of a section."""
        band = dict(ref.dataId.mapping).get("physical_filter", "")
        return section.physicalFilter in ("", band) or not band
