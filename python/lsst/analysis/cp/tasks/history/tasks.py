# This file is part of analysis_cp.
# SPDX-License-Identifier: GPL-3.0-or-later
# See the COPYRIGHT file at the top-level directory of this distribution.
"""The tasks that gather metrics over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lsst.analysis.cp.actions.keyedData import AnalyzeTrend
from lsst.analysis.cp.metrics import (
    gatherNight,
    labelCodes,
    readHandles,
    splitByMetric,
    toStored,
    unreadDatasets,
)
from lsst.analysis.cp.tasks.runner import (
    ToolRunner,
    describeInputs,
    describeProvenance,
    makeBundle,
    putOutputs,
    raiseFailures,
)
from lsst.pipe.base import (
    InputQuantizedConnection,
    OutputQuantizedConnection,
    PipelineTask,
    QuantumContext,
    Struct,
)

from .config import INPUTS, GatherNightConfig, MetricTrendConfig

if TYPE_CHECKING:
    from lsst.daf.butler import DeferredDatasetHandle

__all__ = ["GatherNightTask", "MetricTrendTask"]


class MetricTrendTask(PipelineTask):
    """Gather the metrics of any number of exposures and runs into one table, and look at them over time.

    The tools get the columns of the tidy table (`~lsst.analysis.cp.metrics.TREND_SCHEMA`). The table is
    written first; a tool that fails, or an input that cannot be read, costs nothing but its own results, and
    then the quantum fails.
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

        Raises
        ------
        lsst.analysis.cp.metrics.TrendTableError
            Raised if an input is of a type that does not hold metrics.
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if a tool failed, or an input could not be read.
        """
        inputs = butlerQC.get(inputRefs)
        handles = [handle for name in INPUTS for handle in inputs.get(name, ())]
        table = self.gather(handles, nights=inputs.get("nights", ()))
        refs: dict[str, Any] = dict(iter(outputRefs))
        trend = refs.pop("trend")
        butlerQC.put(toStored(table, describeProvenance(trend, butlerQC.dataset_provenance)), trend)
        plot_info = describeInputs([handle.ref for handle in handles], butlerQC.quantum.dataId)
        runner = ToolRunner(self.log, plot_info)
        outputs = self.run(table, runner=runner)
        putOutputs(butlerQC, outputs, refs.items(), runner)
        raiseFailures(self, unreadDatasets(table) | runner.failures)

    def gather(
        self, handles: Sequence[DeferredDatasetHandle], *, nights: Sequence[DeferredDatasetHandle] = ()
    ) -> pa.Table:
        """Read those metrics that the configuration asks for, no more than one input at a time.

        Parameters
        ----------
        handles
            Handles of detector summary tables and of bundles of metrics. Their data IDs have dimension
            records, from which the times come.
        nights
            Handles of tables of nights. The summaries that are in these are not read.

        Returns
        -------
        table
            One row a value, sorted. A metric that no input has is logged, and has no rows.
        """
        metrics, measurements = self.config.gatheredNames()
        table = readHandles(
            handles,
            nights=nights,
            metrics=metrics or None,
            measurements=measurements or None,
            needsAll=False,
        )
        if absent := sorted(set(metrics) - set(labelCodes(table["metric"])[1])):
            self.log.warning("No input has the metric(s) %s.", ", ".join(absent))
        self.log.info("Gathered %d values from %d inputs.", len(table), len(handles))
        return table

    def run(self, table: pa.Table, *, runner: ToolRunner) -> Struct:
        """Run the tools on values of any number of metrics, each tool on those that it takes.

        Parameters
        ----------
        table
            The tidy table, sorted.
        runner
            Runs the tools, and remembers which failed.

        Returns
        -------
        outputs : `lsst.pipe.base.Struct`
            ``metrics``, and the figures by the names of their connections.
        """
        parts, empty = splitByMetric(table), table.slice(0, 0)
        output_name = self.config.connections.outputName
        outputs = Struct(metrics=makeBundle(self.config, f"{output_name}_"))
        for tool in self.config.atools.items():
            process = tool[1].process
            taken = parts.get(process.metric, empty) if isinstance(process, AnalyzeTrend) else table
            columns = dict(zip(taken.column_names, taken.columns, strict=True))
            for name, figure in runner.run([tool], columns, outputs.metrics).items():
                setattr(outputs, f"{output_name}_{name}", figure)
        return outputs


class GatherNightTask(PipelineTask):
    """Gather the metrics of the summaries of a night, so that histories are read night by night.

    A summary that cannot be read costs nothing but itself; then the quantum fails, when the table is written.
    """

    ConfigClass = GatherNightConfig
    config: GatherNightConfig
    _DefaultName = "gatherNight"

    def runQuantum(
        self,
        butlerQC: QuantumContext,
        inputRefs: InputQuantizedConnection,
        outputRefs: OutputQuantizedConnection,
    ) -> None:
        """Gather, and write the table.

        Raises
        ------
        lsst.pipe.base.AnnotatedPartialOutputsError
            Raised if an input could not be read.
        """
        table = gatherNight(butlerQC.get(inputRefs.summaries))
        butlerQC.put(table, outputRefs.night)
        raiseFailures(self, unreadDatasets(table))
