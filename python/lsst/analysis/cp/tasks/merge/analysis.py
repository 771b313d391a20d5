# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The analysis that follows a merge in the same quantum."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from lsst.analysis.cp.actions.keyedData import AMP_TABLE, EncodeAmps
from lsst.analysis.cp.catalogue import StoredLimits, getProduct
from lsst.analysis.cp.core import cameraLayout
from lsst.analysis.cp.core.amps import (
    AmpTable,
    ExposureTimes,
    ReferenceValues,
    ampSummaryTable,
    culpritsTable,
    detectorSummaryTable,
    leaveOutWrong,
    runCountsTable,
    summarize,
)
from lsst.analysis.cp.core.tableLimits import recordLimits
from lsst.analysis.cp.tasks.limits import readLimits
from lsst.analysis.cp.tasks.reference import readAmpSummaries, readHeaders, readTimes
from lsst.analysis.cp.tasks.runner import (
    ToolRunner,
    describeInputs,
    listInputs,
    makeBundle,
    putOutputs,
    raiseFailures,
    runTools,
)
from lsst.analysis.cp.tasks.storedVerdicts import StoredStatistics, compareVerdicts
from lsst.analysis.tools.interfaces import MetricMeasurementBundle
from lsst.pipe.base import (
    InputQuantizedConnection,
    OutputQuantizedConnection,
    PipelineTask,
    QuantumContext,
    Struct,
)
from lsst.pipe.base.connections import DeferredDatasetRef

from .stored import MergedTable, StoredTables, mergeStored

if TYPE_CHECKING:
    from astropy.table import Table

    from lsst.afw.cameraGeom import Camera
    from lsst.analysis.tools.interfaces import AnalysisTool
    from lsst.daf.butler import DatasetRef, DeferredDatasetHandle
    from lsst.verify import Measurement

__all__ = ["MergeAnalysisMixin"]

ANALYSIS_INPUTS = ("verifiedExposures", "inputAmpSummaries", "verifyConfig")
"""Inputs that the parent does not know."""

TABLES = ("inputResults", "inputMatrix")
"""Inputs that the parent merges into one table each."""


class ParentContext:
    """What the parent task sees of its quantum: all of it, with what the analysis takes remembered.

    Nothing else is, as the inputs of a run may fill the memory.

    Parameters
    ----------
    butlerQC
        The quantum's own context.
    stored
        Names of the inputs whose tables are read one after the other, when the parent merges them.
    """

    def __init__(self, butlerQC: QuantumContext, stored: Collection[str] = ()) -> None:
        self.camera: Any = None
        self.results: Any = None
        self._butlerQC = butlerQC
        self._stored = stored

    def __getattr__(self, name: str) -> Any:
        return getattr(self._butlerQC, name)

    def get(self, dataset: Any) -> Any:
        """Get datasets, as `lsst.pipe.base.QuantumContext.get` does."""
        if not isinstance(dataset, InputQuantizedConnection):
            return self._butlerQC.get(dataset)
        known = InputQuantizedConnection()
        for name, refs in dataset:
            if name in self._stored and isinstance(refs, list):
                setattr(known, name, [DeferredDatasetRef(ref) for ref in refs])
            else:
                setattr(known, name, refs)
        values = self._butlerQC.get(known)
        self.camera = values["camera"]
        return values | {name: StoredTables(values[name]) for name in self._stored if name in values}

    def put(self, values: Any, dataset: Any) -> None:
        """Put datasets, as `lsst.pipe.base.QuantumContext.put` does."""
        if not isinstance(values, Struct):
            self._butlerQC.put(values, dataset)
            return
        self.results = values.outputResults
        for name, ref in dataset:
            value = getattr(values, name, None)
            if isinstance(value, MergedTable):
                self._putMerged(value, ref)
            elif value is not None:
                self._butlerQC.put(value, ref)

    def _putMerged(self, merged: MergedTable, ref: DatasetRef) -> None:
        """Put a table with the provenance that the Butler writes of one in memory."""
        with merged.released():
            self._butlerQC.put(merged.describe(ref, self._butlerQC.dataset_provenance), ref)

    def takeColumns(self, names: Collection[str] | None) -> dict[str, Any]:
        """Take the columns of the merged table, which is not kept.

        Parameters
        ----------
        names
            Names of columns of which all are taken but profiles and other vectors: those of many exposures
            would fill the memory. None takes all columns.
        """
        results, self.results = self.results, None
        if names is None:
            return dict(results.columns)
        if isinstance(results, MergedTable):
            return results.readColumns(names)
        return {
            name: column for name, column in results.columns.items() if name in names and column.ndim == 1
        }


class MergeAnalysisMixin(PipelineTask):
    """Does what the parent merge task does, then makes metrics, tables and plots of the merged rows.

    The parent's outputs are written first. Whatever fails afterwards is logged and recorded in the task
    metadata, under ``toolFailures``.
    """

    config: Any  # A MergeAnalysisConfig, joined with that of the parent.

    mergesExposures = False
    """Whether a detector is summed up over exposures, of which there may be any number."""

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Run the parent, then the analysis of what it merged.

        Raises
        ------
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised for a failure of the analysis if the configuration asks for it.
        """
        parent = ParentContext(butlerQC, TABLES if self.mergesExposures else ())
        known = InputQuantizedConnection()
        for name, refs in inputRefs:
            if name not in ANALYSIS_INPUTS:
                setattr(known, name, refs)
        super().runQuantum(cast(QuantumContext, parent), known, outputRefs)
        results_ref = outputRefs.outputResults
        plot_info = describeInputs([results_ref], results_ref.dataId, listInputs(inputRefs))
        runner = ToolRunner(self.log, plot_info)
        exposures = {ref.dataId["exposure"] for ref in inputRefs.inputStats if "exposure" in ref.dataId}
        outputs = self.analyze(
            parent.takeColumns(self._listColumns() if self.mergesExposures else None),
            runner,
            camera=parent.camera,
            reference=runner.attempt(
                "reference", readReference, butlerQC, inputRefs, parent.camera, self.config.gainsApplied
            ),
            exposures=sorted(exposures) or None,
            limits=self._readLimits(butlerQC, inputRefs),
            detectors=[
                (ref.dataId.get("exposure"), ref.dataId["detector"])
                for ref in getattr(outputRefs, "detectorMetrics", ())
            ],
        )
        putOutputs(butlerQC, outputs, outputRefs, runner)
        if self.config.doCompareVerdicts and outputs.ampTable is not None:
            stats = [
                (ref.dataId.get("exposure"), ref.dataId["detector"], partial(butlerQC.get, ref))
                for ref in inputRefs.inputStats
            ]
            runner.attempt("verdicts", self._compareVerdicts, outputs.ampTable, stats)
        if runner.failures:
            self.metadata["toolFailures"] = dict(runner.failures)
            if self.config.raiseOnToolFailure:
                raiseFailures(self, runner.failures)

    def mergeTable(
        self, inputResults: Sequence[Table] | None, newStats: Sequence[Mapping[str, Any]] | None = None
    ) -> Table | MergedTable:
        """Merge tables as the parent does; those that are stored one after the other.

        Parameters
        ----------
        inputResults
            Tables to merge.
        newStats
            Rows to append.

        Returns
        -------
        merged
            The rows of all tables. Those of stored tables are in a file, too.
        """
        merge = cast(Any, super()).mergeTable
        if isinstance(inputResults, StoredTables):
            return mergeStored(inputResults, merge, newStats)
        return cast("Table", merge(inputResults, newStats))

    def _listColumns(self) -> set[str]:
        """List the columns that the tests and the tools ask for."""
        product = getProduct(self.config.product, self.config.gainsApplied)
        return _askedBy(self.config.atools).union(product.inputColumns())

    def _readLimits(
        self, butlerQC: QuantumContext, inputRefs: InputQuantizedConnection
    ) -> StoredLimits | None:
        """Read the limits: of the run of what is merged if its configuration is stored, else our own."""
        runs = {ref.run for ref in inputRefs.inputStats}
        # That of a pipeline that is running is no input of it, and that of an earlier run is not its own.
        stored = [ref for ref in getattr(inputRefs, "verifyConfig", ()) if ref.run in runs]
        return self.chooseLimits(butlerQC.get(stored))

    def chooseLimits(self, handles: Iterable[DeferredDatasetHandle]) -> StoredLimits | None:
        """Choose the limits.

        Parameters
        ----------
        handles
            Handles of the stored configuration of the run that is merged, if there is one.

        Returns
        -------
        limits
            Those of the stored configuration, else those of our own; None if neither has any.
        """
        found = readLimits(handles, getProduct(self.config.product))
        own = dict(self.config.limits)
        return StoredLimits(own, f"limits of {self.getName()}") if found is None and own else found

    def encode(
        self,
        columns: Mapping[str, Any],
        runner: ToolRunner,
        *,
        camera: Camera,
        reference: ReferenceValues | None = None,
        exposures: Sequence[int] | None = None,
        limits: StoredLimits | None = None,
        tests: Sequence[str] = (),
    ) -> AmpTable | None:
        """Encode merged rows, without the tables that do not fit the camera, or repeat rows.

        Parameters
        ----------
        columns, runner, camera, reference, exposures, limits
            As those of `analyze`.
        tests
            Keys of the tests to read; all if empty.

        Returns
        -------
        table
            The encoded rows; None if they cannot be encoded.
        """
        encode = partial(
            AmpTable.fromColumns,
            product=getProduct(self.config.product, self.config.gainsApplied).withLimits(limits),
            layout=cameraLayout(camera),
            epoch=self.config.epoch,
            reference=reference,
            exposures=exposures,
            tests=tests,
        )
        found = runner.attempt("reduction", leaveOutWrong, columns, encode)
        if found is None:
            return None
        runner.leaveOut(found[1])
        return found[0]

    def analyze(
        self,
        columns: Mapping[str, Any],
        runner: ToolRunner,
        *,
        camera: Camera,
        reference: ReferenceValues | None = None,
        exposures: Sequence[int] | None = None,
        limits: StoredLimits | None = None,
        detectors: Sequence[tuple[int | None, int]] = (),
    ) -> Struct:
        """Make all outputs of the analysis.

        Parameters
        ----------
        columns
            Columns of the merged table, one row an amplifier.
        runner
            Runs the tools, and remembers which failed.
        camera
            Camera that the results belong to.
        reference
            Nominal read noise and gain that the verification used, those of the camera where absent; and
            times of exposures, of which none is known if absent.
        exposures
            Exposures that are expected to have rows.
        limits
            Limits with which the run was verified; those of the catalogue if None.
        detectors
            Ids of the exposures and detectors that get a bundle of metrics; None for that of a run, or where
            there are no exposures. A table that does not fit the camera, or repeats rows, is left out.

        Returns
        -------
        outputs : `lsst.pipe.base.Struct`
            ``ampTable``, the encoded rows, those of amplifiers and detectors if it is those of exposures that
            cannot be encoded, or None; ``metrics``, the figures by the names of their connections, and,
            unless the rows cannot be reduced, ``detectorSummary``, ``ampSummary``, ``culprits`` and, if there
            are ``detectors``, an iterator over their bundles, ``detectorMetrics``.
        """
        product = getProduct(self.config.product, self.config.gainsApplied)
        keys: dict[str, Any] = {
            "camera": camera,
            "reference": reference,
            "exposures": exposures,
            "limits": limits,
        }
        table = self.encode(columns, runner, **keys)
        # Where the results cannot be encoded together, some tools may still do with a part of the columns.
        # Otherwise these are not kept, as they are as large as what is encoded, but for tools that take them.
        data = columns
        if table is not None:
            others = _askedBy(tool for tool in self.config.atools if not isinstance(tool.prep, EncodeAmps))
            columns = {name: columns[name] for name in others & columns.keys()}
            data = {**columns, AMP_TABLE: table}
        outputs = runTools(self.config, data, runner, **keys)
        of_detectors = [test.key for test in product if test.row != "exposure"]
        if table is None and 0 < len(of_detectors) < len(product.tests):
            # What is wrong with rows of exposures costs no detector.
            table = self.encode(columns, runner, **keys, tests=of_detectors)
        outputs.ampTable = table
        if table is not None:
            tables = runner.attempt("tables", self.makeTables, table) or {}
            for name, written in tables.items():
                setattr(outputs, name, written)
            if detectors:
                outputs.detectorMetrics = runner.attempt(
                    "detectorMetrics", self._measureDetectors, {AMP_TABLE: table}, detectors
                )
        return outputs

    def makeTables(self, table: AmpTable) -> dict[str, Table]:
        """Write the encoded results as tables.

        Parameters
        ----------
        table
            The encoded rows.

        Returns
        -------
        tables
            Those of detectors, amplifiers and culprits, by the names of their connections.
        """
        # A visit may have several exposures: they are pooled.
        pooled = self.mergesExposures or len(table.exposures) != 1
        summary = summarize(table, "runDetector" if pooled else "detector")
        tables = {
            "detectorSummary": detectorSummaryTable(summary),
            "ampSummary": runCountsTable(table) if self.mergesExposures else ampSummaryTable(table),
            "culprits": culpritsTable(table),
        }
        for written in tables.values():
            written.meta["notRead"] = dict(table.product.notRead)
            recordLimits(written, table.tests)
        return tables

    def _compareVerdicts(self, table: AmpTable, stats: Iterable[StoredStatistics]) -> None:
        """Log and record which computed verdicts are not those that cp_verify stored."""
        differences, unread = compareVerdicts(table, stats)
        for name, lines in (("verdictDifferences", differences), ("verdictsUnread", unread)):
            self.metadata[name] = lines
            if lines:
                self.log.warning("%s: %d, the first is %s", name, len(lines), lines[0])

    def _measureDetectors(
        self, data: Mapping[str, Any], detectors: Sequence[tuple[int | None, int]]
    ) -> Iterator[MetricMeasurementBundle]:
        """Cut the metrics of all detectors into bundles, each made when it is taken."""
        measured = self.config.detectorMetrics(data, metric_tags=list(self.config.metric_tags))
        return (self._makeDetectorBundle(measured[detector]) for detector in detectors)

    def _makeDetectorBundle(self, measured: Mapping[str, list[Measurement]]) -> MetricMeasurementBundle:
        """Make the bundle of one detector."""
        bundle = makeBundle(self.config, f"{self.config.connections.outputName}Det_")
        bundle.update(measured)
        return bundle


def _askedBy(tools: Iterable[AnalysisTool]) -> set[str]:
    """Name the columns that tools ask for."""
    return {name for tool in tools for name, _ in tool.getInputSchema()}


def readReference(
    butlerQC: QuantumContext, inputRefs: Any, camera: Camera, gainsApplied: bool
) -> ReferenceValues:
    """Read the nominal read noise and gain, and the times of exposures, from the inputs that have them."""
    names = set(inputRefs.keys())
    reference, handles = ReferenceValues.empty(), []
    if "verifiedExposures" in names:
        handles = butlerQC.get(inputRefs.verifiedExposures)
        reference = readHeaders(handles, camera, gainsApplied=gainsApplied)
    elif "inputAmpSummaries" in names:
        reference = readAmpSummaries(butlerQC.get(inputRefs.inputAmpSummaries), camera)
    recorded = readTimes([ref.dataId for ref in inputRefs.inputStats], handles)
    return replace(reference, times=ExposureTimes.join([recorded, reference.times]))
