# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""Tables of detectors, each read when it comes, and what they say together by now."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from astropy.table import Table

from lsst.analysis.cp.catalogue import getProduct
from lsst.analysis.cp.core import CameraLayout, cameraLayout, idColumn
from lsst.analysis.cp.core.amps import AmpTable, ExposureTimes, ReferenceValues
from lsst.analysis.cp.core.typing import BoolArray
from lsst.analysis.cp.metrics import nameDataset
from lsst.analysis.cp.report.collect.assemble import assembleProduct
from lsst.analysis.cp.report.collect.gather import gatherTables
from lsst.analysis.cp.report.collect.search import EpochTables, Section, isOfLight
from lsst.analysis.cp.report.model import Problem, ProductReport
from lsst.analysis.cp.tasks.reference import readHeaders, readTimes
from lsst.analysis.cp.tasks.runner import ToolRunner
from lsst.daf.butler import DeferredDatasetHandle

from .arrivals import Member

if TYPE_CHECKING:
    from lsst.afw.cameraGeom import Camera
    from lsst.daf.butler import Butler, DataCoordinate, DatasetRef

    from .mergeStep import MergeStep

__all__ = ["Reduced", "Reduction"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduced:
    """What the tables that are there say together.

    Parameters
    ----------
    table
        The encoded rows.
    report
        The product.
    data
        What tools are given.
    arguments
        Further arguments of tools.
    """

    table: AmpTable
    report: ProductReport
    data: Mapping[str, Any]
    arguments: Mapping[str, Any]


@dataclass(kw_only=True, eq=False)
class Reduction:
    """Reads tables as the merge does, and sums them up.

    Parameters
    ----------
    butler
        The repository.
    step
        The merge.
    camera
        The camera.
    dataIds
        Data IDs of the exposures, with records.
    epoch
        Id of the exposure, or of the visit if the product goes by visits.
    counted
        Detectors that the rule of verdicts counts, shape (nDetectors,).
    refs, tables
        The tables that are there, by exposure and detector: their datasets, and what is read of them.
    unreadable
        Why others that are there cannot be used.
    """

    butler: Butler
    step: MergeStep
    camera: Camera
    dataIds: Sequence[DataCoordinate]
    epoch: int
    counted: BoolArray
    refs: dict[Member, DatasetRef] = field(default_factory=dict)
    tables: dict[Member, Table] = field(default_factory=dict)
    unreadable: dict[Member, Problem] = field(default_factory=dict)
    _headers: dict[Member, ReferenceValues] = field(default_factory=dict)
    _times: ExposureTimes = field(default_factory=ExposureTimes.unknown)

    @property
    def layout(self) -> CameraLayout:
        """Names and order of the camera's detectors and amplifiers."""
        return cameraLayout(self.camera)

    def update(self, found: Mapping[Member, DatasetRef], headers: Mapping[Member, DatasetRef]) -> None:
        """Read what is new, and forget what is not there any more.

        Parameters
        ----------
        found
            The tables that the repository has.
        headers
            The verified exposures that it has.
        """
        for member in [member for member, ref in self.refs.items() if found.get(member) != ref]:
            for known in (self.refs, self.tables, self.unreadable, self._headers):
                known.pop(member, None)
        for member, ref in found.items():
            # What cannot be read is tried again: a file system may have been slow.
            if member not in self.tables:
                self.refs[member] = ref
                self._read(member, ref, headers.get(member))

    def _read(self, member: Member, ref: DatasetRef, header: DatasetRef | None) -> None:
        """Read one table, and what the verification has compared it with."""
        try:
            table = self._readTable(ref)
            _checkRows(table, member)
            self._checkColumns(table, member)
        except Exception as error:
            # Whatever is in a file that is damaged, or was written by something else.
            reason = f"cannot be read: {type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
            self.unreadable[member] = Problem(dataset=nameDataset(ref), reason=reason)
            return
        self.tables[member] = table
        self.unreadable.pop(member, None)
        handles = [] if header is None else [_defer(self.butler, header)]
        read = readHeaders(handles, self.camera, gainsApplied=self.step.task.config.gainsApplied)
        if read.exposure is not None:
            self._headers[member] = read
        if not self._hasTimes():
            self._times = ExposureTimes.join([self._times, readTimes(self.dataIds, handles)])

    def _checkColumns(self, table: Table, member: Member) -> None:
        """Refuse a table that would cost all others, which are encoded together."""
        exposure, detector = member
        if detector not in self.layout.detectorId:
            raise ValueError(f"detector {detector} is not in the camera")
        with _quiet():
            AmpTable.fromColumns(
                dict(table.columns),
                product=getProduct(self.step.task.config.product, self.step.task.config.gainsApplied),
                layout=self.layout,
                epoch=self.step.task.config.epoch,
                exposures=[exposure],
                tests=self._testKeys,
            )

    @property
    def _testKeys(self) -> list[str]:
        """Keys of the tests that tables of detectors have; the merge makes those of an exposure."""
        return [test.key for test in getProduct(self.step.task.config.product) if test.row != "exposure"]

    def _hasTimes(self) -> bool:
        """Tell whether the times of all exposures are known."""
        known = self._times.match(np.array([data_id["exposure"] for data_id in self.dataIds], np.int64))
        return bool(np.isfinite([known.exposureTime, known.darkTime]).all())

    def _readTable(self, ref: DatasetRef) -> Table:
        """Read the columns of tests; profiles and other vectors are left to the merge."""
        handle = _defer(self.butler, ref)
        wanted = getProduct(self.step.task.config.product).inputColumns()
        stored = set(map(str, handle.get(component="columns")))
        return handle.get(parameters={"columns": [name for name in wanted if name in stored]})

    def reduce(
        self, expected: BoolArray, notYet: BoolArray, lacking: Sequence[str] = ()
    ) -> tuple[Reduced | None, list[Problem]]:
        """Sum up what is there.

        Parameters
        ----------
        expected
            Detectors that should have results, shape (nDetectors,).
        notYet
            Those of them whose results are still to come.
        lacking
            What else a verdict lacks, in sentences.

        Returns
        -------
        reduced
            What the tables say; None if there are none, or they cannot be taken together.
        problems
            What could not be used.
        """
        problems = list(self.unreadable.values())
        if not self.tables:
            return None, problems
        runner = ToolRunner(self.step.task.log, {})
        found = runner.attempt("arrivals", self._reduce, runner, expected, notYet, lacking)
        problems += [Problem(dataset=name, reason=reason) for name, reason in runner.failures.items()]
        return found, problems

    def _reduce(
        self, runner: ToolRunner, expected: BoolArray, notYet: BoolArray, lacking: Sequence[str]
    ) -> Reduced | None:
        task = self.step.task
        merged = task.mergeTable([self.tables[member] for member in sorted(self.tables)])
        columns = dict(cast("Table", merged).columns)
        arguments = {
            "camera": self.camera,
            "reference": self._joinReference(),
            "exposures": [int(data_id["exposure"]) for data_id in self.dataIds],
            "limits": self._chooseLimits(),
        }
        with _quiet():
            table = task.encode(columns, runner, tests=self._testKeys, **arguments)
        if table is None:
            return None
        gathered = gatherTables(self._makeSection(), self.layout, self.counted, task.makeTables(table))
        unread = [f"{each.dataset} {each.reason}." for each in self.unreadable.values()]
        unread += [f"{name} is left out: {reason}." for name, reason in runner.failures.items()]
        report = assembleProduct(
            gathered,
            exposures=[self.epoch],
            expected=expected | gathered.epochs[0].hasResults,
            counted=self.counted,
            structures=Table(),
            plots=(),
            unread=[*unread, *lacking],
            notYet=notYet,
        )
        return Reduced(table=table, report=report, data=columns, arguments=arguments)

    def _makeSection(self) -> Section:
        """Describe the exposure as if its tables were stored."""
        config = self.step.task.config
        data_id = self.dataIds[0]
        band = str(data_id["physical_filter"]) if isOfLight(getProduct(config.product)) else ""
        # The RUN collection of what is merged: the merge is still to come.
        run = next(iter(self.refs.values())).run
        tables = EpochTables(epoch=self.epoch, dayObs=int(data_id["day_obs"]), run=run, refs={})
        return Section(
            product=config.product,
            physicalFilter=band,
            output=config.connections.outputName,
            epochs={self.epoch: tables},
        )

    def _joinReference(self) -> ReferenceValues:
        """Join what headers say of all detectors."""
        parts = [self._headers[member] for member in sorted(self._headers)]
        reference = ReferenceValues.join(parts) if parts else ReferenceValues.empty()
        return replace(reference, times=ExposureTimes.join([self._times, reference.times]))

    def _chooseLimits(self) -> Any:
        """Choose the limits as the merge does."""
        stored = []
        if self.step.verifyConfig:
            runs = sorted({ref.run for ref in self.refs.values()})
            found = self.butler.find_dataset(self.step.verifyConfig, collections=runs)
            stored = [] if found is None else [_defer(self.butler, found)]
        return self.step.task.chooseLimits(stored)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what is said of columns: the merge says it once, and this would with each table."""
    log = logging.getLogger("lsst.analysis.cp.core")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _defer(butler: Butler, ref: DatasetRef) -> DeferredDatasetHandle:
    return DeferredDatasetHandle(butler=butler, ref=ref, parameters=None)


def _checkRows(table: Table, member: Member) -> None:
    """Refuse a table with rows of another exposure or detector than its data ID says."""
    for name, own in zip(("exposure", "detector"), member, strict=True):
        if name in table.colnames:
            ids, present = idColumn(table[name], name)
            if others := sorted(set(ids[present].tolist()) - {own}):
                raise ValueError(f"it has rows of {name} {others[0]}")
