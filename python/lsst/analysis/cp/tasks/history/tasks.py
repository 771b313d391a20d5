# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The task that gathers metrics over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lsst.analysis.cp.metrics import TrendTable, readHandles
from lsst.analysis.cp.tasks.runner import ToolRunner, putOutputs, raiseFailures, runTools
from lsst.pipe.base import (
    InputQuantizedConnection,
    OutputQuantizedConnection,
    PipelineTask,
    QuantumContext,
    Struct,
)

from .config import INPUTS, MetricTrendConfig

if TYPE_CHECKING:
    from lsst.daf.butler import DataCoordinate, DeferredDatasetHandle

__all__ = ["MetricTrendTask"]


class MetricTrendTask(PipelineTask):
    """Gather the metrics of any number of exposures and runs into one table, and look at them over time.

    The tools get the columns of `~lsst.analysis.cp.metrics.TrendTable`. The table is written first; a tool
    that fails costs nothing but its own results, and then the quantum fails.
    """

    ConfigClass = MetricTrendConfig
    config: MetricTrendConfig
    _DefaultName = "metricTrend"

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Gather, run the tools, and write what they make.

        Parameters
        ----------
        butlerQC
            Gets and puts the datasets of the quantum.
        inputRefs, outputRefs
            The quantum's datasets.

        Raises
        ------
        lsst.analysis.cp.metrics.TrendTableError
            Raised if an input does not hold metrics.
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed.
        """
        inputs = butlerQC.get(inputRefs)
        handles = [handle for name in INPUTS for handle in inputs.get(name, ())]
        table = self.gather(handles)
        refs = dict(iter(outputRefs))
        butlerQC.put(table.toTable(), refs.pop("trend"))
        runner = ToolRunner(self.log, _describeInputs(handles, butlerQC.quantum.dataId))
        outputs = self.run(table, runner=runner)
        putOutputs(butlerQC, outputs, refs.items(), runner)
        raiseFailures(self, runner.failures)

    def gather(self, handles: Sequence[DeferredDatasetHandle]) -> TrendTable:
        """Read those metrics that the configuration asks for, no more than one input at a time.

        Parameters
        ----------
        handles
            Handles of detector summary tables and of bundles of metrics. Their data IDs have dimension
            records, from which the times come.

        Returns
        -------
        table
            One row a value, sorted. A metric that no input has is logged, and has no rows.
        """
        metrics, measurements = self.config.gatheredNames()
        table = readHandles(
            handles, metrics=metrics or None, measurements=measurements or None, needsAll=False
        )
        if absent := sorted(set(metrics) - set(table.metric.names)):
            self.log.warning("No input has the metric(s) %s.", ", ".join(absent))
        self.log.info("Gathered %d values from %d inputs.", len(table), len(handles))
        return table

    def run(self, table: TrendTable, *, runner: ToolRunner) -> Struct:
        """Run the tools.

        Parameters
        ----------
        table
            Values of any number of metrics.
        runner
            Runs the tools, and remembers which failed.

        Returns
        -------
        outputs : `lsst.pipe.base.Struct`
            ``metrics``, and the figures by the names of their connections.
        """
        return runTools(self.config, table.columns(), runner)


def _describeInputs(
    handles: Sequence[DeferredDatasetHandle], dataId: DataCoordinate | None
) -> dict[str, Any]:
    """Say where a history is from: its dataset types, the first of its runs, and the data ID."""
    types = sorted({handle.ref.datasetType.name for handle in handles})
    runs = sorted({handle.ref.run for handle in handles})
    run = f"{runs[0]} and {len(runs) - 1} more" if len(runs) > 1 else "".join(runs)
    return {"tableName": ", ".join(types), "run": run, **(dataId.mapping if dataId else {})}
